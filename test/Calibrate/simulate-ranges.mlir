// Breaks if a value that is stored is not simulated, if one that is not is, or
// if the simulation is another function than quantize and dequantize.
// RUN: quant-opt --split-input-file --simulate-ranges %s | FileCheck %s

// The input is stored, and what the first layer gives; what is returned is not.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:arg0]]: tensor<?x2xf32>
// CHECK-SAME: %[[INV:arg1]]: tensor<?x1xf32> {qnet.name = "inverse_scale_0", qnet.simulated = 0 : i64}
// CHECK-SAME: %[[LO:arg2]]: tensor<?x1xf32> {qnet.name = "lowest_0"
// CHECK-SAME: %[[HI:arg3]]: tensor<?x1xf32> {qnet.name = "highest_0"
// CHECK-SAME: %[[S:arg4]]: tensor<?x1xf32> {qnet.name = "scale_0"
// CHECK-SAME: %arg5: tensor<?x1xf32> {qnet.name = "inverse_scale_2", qnet.simulated = 2 : i64}
// CHECK-SAME: -> tensor<?x2xf32>
// CHECK: %[[A:.*]] = qnet.mul %[[X]], %[[INV]]
// CHECK-NEXT: %[[B:.*]] = qnet.max %[[A]], %[[LO]]
// CHECK-NEXT: %[[C:.*]] = qnet.min %[[B]], %[[HI]]
// CHECK-NEXT: %[[D:.*]] = qnet.activation round %[[C]]
// CHECK-NEXT: %[[E:.*]] = qnet.mul %[[D]], %[[S]]
// CHECK: %[[H:.*]] = qnet.dense %[[E]], {{.*}}relu
// CHECK-NEXT: qnet.mul %[[H]], %arg5
// CHECK: %[[Y:.*]] = qnet.dense
// CHECK-NEXT: return %[[Y]]
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w {function = #qnet.fn<relu>} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %h, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Neither what only a function or a choice reads, nor what is_nan reads, is
// stored: nothing changes.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%arg0: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?xi64>)
// CHECK-NOT: qnet.mul
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?xi64>) {
  %c = qnet.constant dense<[[7.0, 9.0]]> : tensor<1x2xf32>
  %m = qnet.is_nan %x : tensor<?x2xf32> -> tensor<?x2xi1>
  %f = qnet.where %m, %c, %x : (tensor<?x2xi1>, tensor<1x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %t = qnet.activation tanh %f : tensor<?x2xf32> -> tensor<?x2xf32>
  %i = qnet.argmax %t {axis = 1 : i64} : tensor<?x2xf32> -> tensor<?xi64>
  return %t, %i : tensor<?x2xf32>, tensor<?xi64>
}
