// If this fails, a broken promise of Quantize reaches the stages after it.
// RUN: quant-opt %s --verify-integer --split-input-file --verify-diagnostics
// RUN: not quant-opt %s --verify-integer=require-int --split-input-file 2>&1 | FileCheck %s
// CHECK: 'qnet.softmax' op breaks I6 of verify-integer: is left in float (it is the end), and require-int asks for integers only

// CHECK-NOT: I6

// Nothing is wrong here (and with require-int, I6 at the end alone: an offset of the input's is part of its quantization).
func.func @sound(%x: tensor<?x1xf32>) -> tensor<?x2xf32> {
  %o = qnet.constant dense<3.0> : tensor<1xf32>
  %c = qnet.sub %x, %o {qnet.input_parameters, qnet.ledger = "part of it"} : (tensor<?x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  %q = qnet.quantize %c : tensor<?x1xf32> -> tensor<?x1x!quant.uniform<u8:f32, 1.0:0>>
  %w = qnet.constant dense<1> : tensor<2x1xi8>
  %b = qnet.constant dense<0> : tensor<2xi32>
  %m = qnet.constant dense<1.0> : tensor<2xf32>
  %y = qnet.qdense %q, %w, %b, %m : (tensor<?x1x!quant.uniform<u8:f32, 1.0:0>>, tensor<2x1xi8>, tensor<2xi32>, tensor<2xf32>) -> tensor<?x2xf32>
  %s = qnet.softmax %y {axis = 1 : i64, qnet.ledger = "it is the end"} : tensor<?x2xf32> -> tensor<?x2xf32>
  return %s : tensor<?x2xf32>
}

// -----

// I1
// expected-error @below {{breaks I1 of verify-integer: has the calibrated type}}
func.func @calibrated(%x: tensor<?x1x!quant.calibrated<f32<-1.0:1.0>>>) {
  return
}

// -----

// I2
func.func @float(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  // expected-error @below {{'qnet.activation' op breaks I2 of verify-integer: computes with floats and carries no qnet.ledger reason}}
  %y = qnet.activation relu %x : tensor<?x1xf32> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// I3
func.func @table(%q: tensor<?x1x!quant.uniform<u8<0:1>:f32, 1.0:0>>, %t: tensor<2xf32>) -> tensor<?x1xf32> {
  // expected-error @below {{'qnet.lookup' op breaks I3 of verify-integer: operand 1 is not a constant}}
  %y = qnet.lookup %q, %t : (tensor<?x1x!quant.uniform<u8<0:1>:f32, 1.0:0>>, tensor<2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// I4: 127 * 255 and a bias that leaves no room for it.
func.func @overflow(%q: tensor<?x1x!quant.uniform<u8:f32, 1.0:0>>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[-127], [127]]> : tensor<2x1xi8>
  %b = qnet.constant dense<[2147483647, 2147451263]> : tensor<2xi32>
  %m = qnet.constant dense<1.0> : tensor<2xf32>
  // expected-error @below {{breaks I4 of verify-integer: the accumulator of output channel 1 can leave 32 bits}}
  %y = qnet.qdense %q, %w, %b, %m : (tensor<?x1x!quant.uniform<u8:f32, 1.0:0>>, tensor<2x1xi8>, tensor<2xi32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// I4: a multiplier counts. 7 * 255 * 255 = 455175.
func.func @grouped_overflow(%q: tensor<?x1x!quant.uniform<u8:f32, 1.0:0>>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[7], [7]]> : tensor<2x1xi4>
  %g = qnet.constant dense<[[255], [255]]> : tensor<2x1xui8>
  %b = qnet.constant dense<[2147028472, 2147028473]> : tensor<2xi32>
  %m = qnet.constant dense<1.0> : tensor<2xf32>
  // expected-error @below {{breaks I4 of verify-integer: the accumulator of output channel 1 can leave 32 bits}}
  %y = qnet.qdense %q, %w, %b, %m group_multiplier(%g) : (tensor<?x1x!quant.uniform<u8:f32, 1.0:0>>, tensor<2x1xi4>, tensor<2xi32>, tensor<2xf32>, tensor<2x1xui8>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// I4: inputs of 15 bits. 517 * 127 * 32767 = 2^31 + 3964805; 516 of them fit.
!words = !quant.uniform<u16<0:32767>:f32, 1.0:0>
func.func @words_overflow(%q: tensor<?x517x!words>, %p: tensor<?x516x!words>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<127> : tensor<1x517xi8>
  %v = qnet.constant dense<127> : tensor<1x516xi8>
  %b = qnet.constant dense<0> : tensor<1xi32>
  %m = qnet.constant dense<1.0> : tensor<1xf32>
  // expected-error @below {{breaks I4 of verify-integer: the accumulator of output channel 0 can leave 32 bits}}
  %y = qnet.qdense %q, %w, %b, %m : (tensor<?x517x!words>, tensor<1x517xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  %z = qnet.qdense %p, %v, %b, %m : (tensor<?x516x!words>, tensor<1x516xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y, %z : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// I4 holds at the last bias that fits: 2^31 - 1 - 127 * 255.
func.func @no_overflow(%q: tensor<?x1x!quant.uniform<u8:f32, 1.0:0>>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<127> : tensor<1x1xi8>
  %b = qnet.constant dense<2147451262> : tensor<1xi32>
  %m = qnet.constant dense<1.0> : tensor<1xf32>
  %y = qnet.qdense %q, %w, %b, %m : (tensor<?x1x!quant.uniform<u8:f32, 1.0:0>>, tensor<1x1xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// I5: signed storage.
func.func @signed(%x: tensor<?x1xf32>) -> tensor<?x1x!quant.uniform<i8:f32, 1.0:0>> {
  // expected-error @below {{breaks I5 of verify-integer: has the type 'tensor<?x1x!quant.uniform<i8:f32, 1.000000e+00>>', but stored values are per-tensor, unsigned and stand for f32}}
  %q = qnet.quantize %x : tensor<?x1xf32> -> tensor<?x1x!quant.uniform<i8:f32, 1.0:0>>
  return %q : tensor<?x1x!quant.uniform<i8:f32, 1.0:0>>
}
