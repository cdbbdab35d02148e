// If this fails, an op has another body than the sequence that Numerics defines.
// RUN: quant-opt %s --convert-qnet-to-linalg --split-input-file --verify-diagnostics | FileCheck %s

// x / 0.5, NaN to 0, held to [-10, 245], rounded by adding 1.5 * 2^23, plus 10.
// CHECK-LABEL: func.func @quantize
// CHECK-SAME: -> tensor<?x2xi8>
// CHECK: linalg.generic
// CHECK: arith.divf %{{.*}}, %cst
// CHECK: arith.cmpf uno
// CHECK: arith.select
// CHECK: arith.addf
// CHECK: arith.cmpf olt
// CHECK: arith.cmpf ogt
// CHECK: arith.bitcast %{{.*}} : f32 to i32
// CHECK: arith.addi
// CHECK: arith.trunci %{{.*}} : i32 to i8
func.func @quantize(%x: tensor<?x2xf32>) -> tensor<?x2x!quant.uniform<u8:f32, 0.5:10>> {
  %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<u8:f32, 0.5:10>>
  return %q : tensor<?x2x!quant.uniform<u8:f32, 0.5:10>>
}

// -----

// Bytes are read as unsigned.
// CHECK-LABEL: func.func @lookup
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: tensor.extract %{{.*}}[%{{.*}}] : tensor<256xi8>
func.func @lookup(%x: tensor<?x2x!quant.uniform<u8:f32, 0.5:10>>) -> tensor<?x2x!quant.uniform<u8:f32, 0.25:0>> {
  %t = qnet.constant dense<7> : tensor<256xui8>
  %q = qnet.lookup %x, %t : (tensor<?x2x!quant.uniform<u8:f32, 0.5:10>>, tensor<256xui8>) -> tensor<?x2x!quant.uniform<u8:f32, 0.25:0>>
  return %q : tensor<?x2x!quant.uniform<u8:f32, 0.25:0>>
}

// -----

// A dense layer for other compilers: products of a byte and a signed weight in i32.
// CHECK-LABEL: func.func @qdense
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: arith.extui
// CHECK: arith.extsi
// CHECK: arith.muli
// CHECK: arith.addi
// CHECK-NOT: qnet
func.func @qdense(%x: tensor<?x4x!quant.uniform<u8:f32, 0.5:10>>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<1> : tensor<2x4xi8>
  %b = qnet.constant dense<1> : tensor<2xi32>
  %m = qnet.constant dense<0.5> : tensor<2xf32>
  %y = qnet.qdense %x, %w, %b, %m : (tensor<?x4x!quant.uniform<u8:f32, 0.5:10>>, tensor<2x4xi8>, tensor<2xi32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Broadcasting, moves and reductions.
// CHECK-LABEL: func.func @moves
// CHECK: tensor.collapse_shape
// CHECK: tensor.extract_slice %{{.*}}[0, 2] [%{{.*}}, 4] [1, 1]
// CHECK: tensor.insert_slice
// CHECK: linalg.transpose
func.func @moves(%x: tensor<?x2x4xf32>) -> tensor<?x3x4xf32> {
  %flat = qnet.reshape %x : tensor<?x2x4xf32> -> tensor<?x8xf32>
  %part = qnet.slice %flat {starts = array<i64: 0, 2>, sizes = array<i64: -1, 4>, steps = array<i64: 1, 1>} : tensor<?x8xf32> -> tensor<?x4xf32>
  %all = qnet.concat %flat, %part {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x4xf32>) -> tensor<?x12xf32>
  %box = qnet.reshape %all : tensor<?x12xf32> -> tensor<?x4x3xf32>
  %y = qnet.transpose %box {permutation = array<i64: 0, 2, 1>} : tensor<?x4x3xf32> -> tensor<?x3x4xf32>
  return %y : tensor<?x3x4xf32>
}

// -----

// Softmax: maximum, terms, their sum in order, quotient.
// CHECK-LABEL: func.func @softmax
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: arith.addf
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
// CHECK: arith.divf
func.func @softmax(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = qnet.softmax %x {axis = 1 : i64} : tensor<?x4xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// The largest value of each row, then the place of the first that equals it,
// and what a table has there.
// CHECK-LABEL: func.func @label
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: arith.cmpf ogt
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: arith.cmpf oeq
// CHECK: linalg.index 1
// CHECK: arith.maxsi
// CHECK: tensor.extract
// CHECK: arith.extsi
func.func @label(%x: tensor<?x3xf32>) -> tensor<?xi64> {
  %labels = qnet.constant dense<[4, 8, 15]> : tensor<3xi32>
  %i = qnet.argmax %x {axis = 1 : i64} : tensor<?x3xf32> -> tensor<?xi64>
  %l = qnet.gather %labels, %i {axis = 0 : i64} : (tensor<3xi32>, tensor<?xi64>) -> tensor<?xi32>
  %y = qnet.cast %l : tensor<?xi32> -> tensor<?xi64>
  return %y : tensor<?xi64>
}

// -----

// A table with fewer entries than there are places could be read beyond its end.
func.func @short(%x: tensor<?x3xf32>) -> tensor<?xi32> {
  %labels = qnet.constant dense<[4, 8]> : tensor<2xi32>
  %i = qnet.argmax %x {axis = 1 : i64} : tensor<?x3xf32> -> tensor<?xi64>
  // expected-error @below {{failed to legalize operation 'qnet.gather'}}
  %y = qnet.gather %labels, %i {axis = 0 : i64} : (tensor<2xi32>, tensor<?xi64>) -> tensor<?xi32>
  return %y : tensor<?xi32>
}
