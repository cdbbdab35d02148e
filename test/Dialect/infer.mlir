// If this fails, an op's result shape is not the one its operands and attributes
// give, above all with a dynamic batch. Each result type below is the inferred
// one (or stands for the same reals): the verifier compares.
//
// RUN: quant-opt %s | FileCheck %s

// CHECK-LABEL: func @dynamic_batch
func.func @dynamic_batch(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>, %r: tensor<1x4xf32>, %s: tensor<f32>) {
  // CHECK: -> tensor<?x2xf32>
  %0 = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  // CHECK: -> tensor<?x4xf32>
  %1 = qnet.add %x, %r : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  // CHECK: -> tensor<?x4xf32>
  %2 = qnet.add %s, %x : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: -> tensor<f32>
  %3 = qnet.add %s, %s : (tensor<f32>, tensor<f32>) -> tensor<f32>
  // A dynamic dimension against n > 1 is n.
  // CHECK: -> tensor<2x4xf32>
  %4 = qnet.add %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK: -> tensor<?x4xf32>
  %5 = qnet.add %x, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// CHECK-LABEL: func @dense_ranks
func.func @dense_ranks(%v: tensor<4xf32>, %t: tensor<?x?x4xf32>, %w: tensor<2x4xf32>, %z: tensor<0x4xf32>) {
  // CHECK: -> tensor<2xf32>
  %0 = qnet.dense %v, %w : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<2xf32>
  // CHECK: -> tensor<?x?x2xf32>
  %1 = qnet.dense %t, %w : (tensor<?x?x4xf32>, tensor<2x4xf32>) -> tensor<?x?x2xf32>
  // CHECK: -> tensor<2x0xf32>
  %2 = qnet.dense %w, %z : (tensor<2x4xf32>, tensor<0x4xf32>) -> tensor<2x0xf32>
  return
}

// CHECK-LABEL: func @matmul_ranks
func.func @matmul_ranks(%v: tensor<4xf32>, %a: tensor<?x4xf32>, %b: tensor<4x3xf32>, %c: tensor<5x1x2x4xf32>, %d: tensor<7x4x3xf32>) {
  // CHECK: -> tensor<f32>
  %0 = qnet.matmul %v, %v : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  // CHECK: -> tensor<?xf32>
  %1 = qnet.matmul %a, %v : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?xf32>
  // CHECK: -> tensor<3xf32>
  %2 = qnet.matmul %v, %b : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
  // CHECK: -> tensor<5x7x2x3xf32>
  %3 = qnet.matmul %c, %d : (tensor<5x1x2x4xf32>, tensor<7x4x3xf32>) -> tensor<5x7x2x3xf32>
  // CHECK: -> tensor<7x3xf32>
  %4 = qnet.matmul %v, %d : (tensor<4xf32>, tensor<7x4x3xf32>) -> tensor<7x3xf32>
  // CHECK: -> tensor<5x1x2xf32>
  %5 = qnet.matmul %c, %v : (tensor<5x1x2x4xf32>, tensor<4xf32>) -> tensor<5x1x2xf32>
  return
}

// CHECK-LABEL: func @where_broadcasts
func.func @where_broadcasts(%m: tensor<3x1xi1>, %a: tensor<1x4xf32>, %b: tensor<f32>) {
  // CHECK: -> tensor<3x4xf32>
  %0 = qnet.where %m, %a, %b : (tensor<3x1xi1>, tensor<1x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  return
}

// CHECK-LABEL: func @concat_sizes
func.func @concat_sizes(%a: tensor<?x4xf32>, %b: tensor<3x2xf32>, %z: tensor<3x0xf32>) {
  // A known size settles an unknown one beside it.
  // CHECK: -> tensor<3x6xf32>
  %0 = qnet.concat %a, %b {axis = 1 : i64} : (tensor<?x4xf32>, tensor<3x2xf32>) -> tensor<3x6xf32>
  // CHECK: -> tensor<?x4xf32>
  %1 = qnet.concat %a, %a {axis = 0 : i64} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: -> tensor<3x2xf32>
  %2 = qnet.concat %b, %z {axis = 1 : i64} : (tensor<3x2xf32>, tensor<3x0xf32>) -> tensor<3x2xf32>
  return
}

// CHECK-LABEL: func @gather_ranks
func.func @gather_ranks(%x: tensor<?x8x2xf32>, %s: tensor<i64>, %m: tensor<5x6xi32>) {
  // CHECK: -> tensor<?x2xf32>
  %0 = qnet.gather %x, %s {axis = 1 : i64} : (tensor<?x8x2xf32>, tensor<i64>) -> tensor<?x2xf32>
  // CHECK: -> tensor<?x8x5x6xf32>
  %1 = qnet.gather %x, %m {axis = 2 : i64} : (tensor<?x8x2xf32>, tensor<5x6xi32>) -> tensor<?x8x5x6xf32>
  return
}

// CHECK-LABEL: func @slices
func.func @slices(%x: tensor<?x8xf32>, %z: tensor<0xf32>) {
  // CHECK: -> tensor<?x0xf32>
  %0 = qnet.slice %x {starts = array<i64: 0, 8>, sizes = array<i64: -1, 0>, steps = array<i64: 1, 1>} : tensor<?x8xf32> -> tensor<?x0xf32>
  // CHECK: -> tensor<?x8xf32>
  %1 = qnet.slice %x {starts = array<i64: 0, 7>, sizes = array<i64: -1, 8>, steps = array<i64: 1, -1>} : tensor<?x8xf32> -> tensor<?x8xf32>
  return
}

// CHECK-LABEL: func @reductions
func.func @reductions(%x: tensor<?x8x3xf32>, %i: tensor<2x3xi32>) {
  // CHECK: -> tensor<?x3xf32>
  %0 = qnet.reduce mean %x {axes = array<i64: 1>} : tensor<?x8x3xf32> -> tensor<?x3xf32>
  // CHECK: -> tensor<1x8x1xf32>
  %1 = qnet.reduce mean %x {axes = array<i64: 0, 2>, keep_dims} : tensor<?x8x3xf32> -> tensor<1x8x1xf32>
  // CHECK: -> tensor<i32>
  %2 = qnet.reduce sum %i {axes = array<i64: 0, 1>} : tensor<2x3xi32> -> tensor<i32>
  // CHECK: -> tensor<?x3xi64>
  %3 = qnet.argmax %x {axis = 1 : i64} : tensor<?x8x3xf32> -> tensor<?x3xi64>
  // CHECK: -> tensor<?x0x3xf32>, tensor<?x0x3xi64>
  %4:2 = qnet.top_k %x {axis = 1 : i64, k = 0 : i64} : tensor<?x8x3xf32> -> tensor<?x0x3xf32>, tensor<?x0x3xi64>
  return
}

// Reshape's result is given, not inferred: legal corners.
// CHECK-LABEL: func @reshapes
func.func @reshapes(%x: tensor<?x6xf32>, %s: tensor<f32>, %z: tensor<0x4xf32>, %d: tensor<?x?x4xf32>) {
  // CHECK: -> tensor<?x2xf32>
  %0 = qnet.reshape %x : tensor<?x6xf32> -> tensor<?x2xf32>
  // CHECK: -> tensor<?xf32>
  %1 = qnet.reshape %x : tensor<?x6xf32> -> tensor<?xf32>
  // CHECK: -> tensor<1x1xf32>
  %2 = qnet.reshape %s : tensor<f32> -> tensor<1x1xf32>
  // CHECK: -> tensor<9x0xf32>
  %3 = qnet.reshape %z : tensor<0x4xf32> -> tensor<9x0xf32>
  // CHECK: -> tensor<?x4xf32>
  %4 = qnet.reshape %d : tensor<?x?x4xf32> -> tensor<?x4xf32>
  return
}

// A calibrated operand or result stands for f32.
!range = !quant.calibrated<f32<-1.0:1.0>>
// CHECK-LABEL: func @calibrated
func.func @calibrated(%x: tensor<?x4x!range>, %w: tensor<2x4xf32>) -> (tensor<?x2x!range>, tensor<?x2xf32>) {
  %0 = qnet.dense %x, %w : (tensor<?x4x!range>, tensor<2x4xf32>) -> tensor<?x2x!range>
  // CHECK: -> tensor<?x2xf32>
  %1 = qnet.activation tanh %0 : tensor<?x2x!range> -> tensor<?x2xf32>
  return %0, %1 : tensor<?x2x!range>, tensor<?x2xf32>
}
