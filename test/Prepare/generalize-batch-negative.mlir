// Each case keeps its static batch, and the remark says which op is why.
// RUN: quant-opt --split-input-file --generalize-batch=explain=true --verify-diagnostics %s | FileCheck %s

// CHECK: tensor<4x3xf32>
func.func @main(%x: tensor<4x3xf32>) -> tensor<4x3xf32> {
  // expected-remark @unknown {{the batch of 4 stays fixed: node 'mix' (qnet.softmax) works along the rows}}
  %y = qnet.softmax %x {axis = 0 : i64} : tensor<4x3xf32> -> tensor<4x3xf32> loc("mix")
  return %y : tensor<4x3xf32>
}

// -----

func.func @main(%x: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %c = qnet.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [0.0, 0.0, 0.0]]> : tensor<4x3xf32>
  // expected-remark @below {{has a constant with values of its own for each row}}
  %y = qnet.add %x, %c : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

func.func @main(%x: tensor<4x3xf32>) -> tensor<12xf32> {
  // expected-remark @below {{mixes the rows into other dimensions}}
  %y = qnet.reshape %x : tensor<4x3xf32> -> tensor<12xf32>
  return %y : tensor<12xf32>
}

// -----

func.func @main(%x: tensor<1x3xf32>) -> tensor<3x1xf32> {
  %y = qnet.transpose %x {permutation = array<i64: 1, 0>} : tensor<1x3xf32> -> tensor<3x1xf32>
  // expected-remark @below {{result 0 has the rows in dimension 1, not in front}}
  return %y : tensor<3x1xf32>
}

// -----

func.func @main(%x: tensor<2x3xf32>) -> tensor<1x3xf32> {
  // expected-remark @below {{reduces over the rows}}
  %y = qnet.reduce mean %x {axes = array<i64: 0>, keep_dims} : tensor<2x3xf32> -> tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}

// -----

func.func @main(%x: tensor<2x3xf32>) -> tensor<1x3xf32> {
  // expected-remark @below {{takes some of the rows}}
  %y = qnet.slice %x {starts = array<i64: 1, 0>, sizes = array<i64: 1, 3>, steps = array<i64: 1, 1>} : tensor<2x3xf32> -> tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}

// -----

func.func @main(%x: tensor<1x3xf32>) -> tensor<4x3xf32> {
  // expected-remark @below {{repeats rows}}
  %y = qnet.broadcast %x : tensor<1x3xf32> -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

func.func @main(%x: tensor<2x3xf32>, %y: tensor<3x2xf32>) -> tensor<2x2xf32> {
  // expected-remark @-1 {{argument 1 has 3 rows, others have 2}}
  %z = qnet.matmul %x, %y : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
  return %z : tensor<2x2xf32>
}

// -----

func.func @main(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>) -> tensor<2x2xf32> {
  // expected-remark @below {{sums over the rows of its right operand}}
  %z = qnet.matmul %x, %y : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %z : tensor<2x2xf32>
}

// -----

// A table that the rows make, read at constant places.
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @main(%x: tensor<256xf32>) -> tensor<256x!q> {
  %t = qnet.cast %x : tensor<256xf32> -> tensor<256xui8>
  %c = qnet.constant dense<1.0> : tensor<256xf32>
  %s = qnet.quantize %c : tensor<256xf32> -> tensor<256x!q>
  // expected-remark @below {{its table depends on the input}}
  %y = qnet.lookup %s, %t : (tensor<256x!q>, tensor<256xui8>) -> tensor<256x!q>
  return %y : tensor<256x!q>
}
