// Breaks if a runner would not see the observed values in their order.
// RUN: quant-opt --split-input-file --insert-observers --observers-to-results %s | FileCheck %s

// The argument is the caller's own; what only the former results needed is gone.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%arg0: tensor<?x2xf32> {qnet.observed = 0 : i64})
// CHECK-SAME: -> (tensor<?x2xf32> {qnet.observed = 1 : i64}, tensor<?x2xf32> {qnet.observed = 2 : i64})
// CHECK: %[[D:.*]] = qnet.dense
// CHECK-NEXT: %[[T:.*]] = qnet.activation tanh %[[D]]
// CHECK-NEXT: return %[[D]], %[[T]]
func.func @main(%x: tensor<?x2xf32>) -> tensor<?xi64> {
  %w = qnet.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %d = qnet.dense %x, %w {function = #qnet.fn<tanh>} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %i = qnet.argmax %d {axis = 1 : i64} : tensor<?x2xf32> -> tensor<?xi64>
  return %i : tensor<?xi64>
}

// -----

// Nothing but arguments is observed: no results.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%arg0: tensor<?x2xf32> {qnet.observed = 0 : i64}) {
// CHECK-NEXT: return
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  return %x : tensor<?x2xf32>
}
