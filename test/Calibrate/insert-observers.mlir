// Breaks if a value that Quantize needs is not measured, or if observing changes
// a value.
// RUN: quant-opt --split-input-file --insert-observers %s | FileCheck %s
// RUN: quant-opt --split-input-file --evaluate-main -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --insert-observers --evaluate-main -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// Arguments first; a layer with a function is split; reshape keeps its input's
// range; constants are not measured.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: qnet.observe %arg0 {tensor = 0 : i64} : tensor<?x2x1xf32>
// CHECK-NEXT: qnet.constant
// CHECK-NEXT: %[[R:.*]] = qnet.reshape %arg0
// CHECK-NEXT: %[[D:.*]] = qnet.dense %[[R]], %{{[0-9]+}} :
// CHECK-NEXT: qnet.observe %[[D]] {tensor = 1 : i64}
// CHECK-NEXT: %[[T:.*]] = qnet.activation leaky_relu %[[D]] {alpha = 2.500000e-01 : f32}
// CHECK-NEXT: qnet.observe %[[T]] {tensor = 2 : i64}
// CHECK-NEXT: %[[S:.*]] = qnet.softmax %[[T]]
// CHECK-NEXT: qnet.observe %[[S]] {tensor = 3 : i64}
// CHECK-NEXT: return %[[S]]
func.func @main(%x: tensor<?x2x1xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %r = qnet.reshape %x : tensor<?x2x1xf32> -> tensor<?x2xf32>
  %d = qnet.dense %r, %w {function = #qnet.fn<leaky_relu>, alpha = 0.25 : f32} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %y = qnet.softmax %d {axis = 1 : i64} : tensor<?x2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Rows that stand elsewhere are brought to the front for the observer. Integers
// are not measured.
// CHECK-LABEL: func.func @main
// CHECK: %[[A:.*]] = qnet.activation relu %{{.*}} : tensor<2x?x3xf32>
// CHECK-NEXT: %[[F:.*]] = qnet.transpose %[[A]] {permutation = array<i64: 1, 0, 2>}
// CHECK-NEXT: qnet.observe %[[F]] {tensor = 1 : i64} : tensor<?x2x3xf32>
// CHECK: qnet.argmax
// CHECK-NEXT: return
func.func @main(%x: tensor<?x2x3xf32>) -> tensor<?x2xi64> {
  %t = qnet.transpose %x {permutation = array<i64: 1, 0, 2>} : tensor<?x2x3xf32> -> tensor<2x?x3xf32>
  %a = qnet.activation relu %t : tensor<2x?x3xf32> -> tensor<2x?x3xf32>
  %b = qnet.transpose %a {permutation = array<i64: 1, 0, 2>} : tensor<2x?x3xf32> -> tensor<?x2x3xf32>
  %i = qnet.argmax %b {axis = 2 : i64} : tensor<?x2x3xf32> -> tensor<?x2xi64>
  return %i : tensor<?x2xi64>
}
