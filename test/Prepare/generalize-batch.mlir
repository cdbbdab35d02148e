// Breaks if a model exported for one row cannot take any number of rows.
// RUN: quant-opt --split-input-file --generalize-batch %s | FileCheck %s
// RUN: quant-opt --split-input-file --evaluate-main=digits=5 -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --generalize-batch --evaluate-main="digits=5 rows=1" -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%arg0: tensor<?x2x3xf32>) -> tensor<?x4xf32>
// CHECK: qnet.reshape %{{.*}} : tensor<?x2x3xf32> -> tensor<?x6xf32>
// CHECK: qnet.dense {{.*}} -> tensor<?x4xf32>
// CHECK: qnet.add {{.*}} (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
// CHECK: qnet.slice %{{.*}} {sizes = array<i64: -1, 2>, starts = array<i64: 0, 1>, steps = array<i64: 1, 1>} : tensor<?x4xf32> -> tensor<?x2xf32>
// CHECK: qnet.concat {{.*}} -> tensor<?x4xf32>
// CHECK: qnet.softmax {{.*}} : tensor<?x4xf32> -> tensor<?x4xf32>
func.func @main(%x: tensor<1x2x3xf32>) -> tensor<1x4xf32> {
  %w = qnet.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]]> : tensor<4x6xf32>
  %b = qnet.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %f = qnet.reshape %x : tensor<1x2x3xf32> -> tensor<1x6xf32>
  %d = qnet.dense %f, %w : (tensor<1x6xf32>, tensor<4x6xf32>) -> tensor<1x4xf32>
  %a = qnet.add %d, %b : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  %s = qnet.slice %a {starts = array<i64: 0, 1>, sizes = array<i64: 1, 2>, steps = array<i64: 1, 1>} : tensor<1x4xf32> -> tensor<1x2xf32>
  %c = qnet.concat %s, %s {axis = 1 : i64} : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x4xf32>
  %y = qnet.softmax %c {axis = 1 : i64} : tensor<1x4xf32> -> tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}

// -----

// The rows may be elsewhere on the way; reductions without keep_dims move them.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%arg0: tensor<?x2x3xf32>) -> (tensor<?x3xf32>, tensor<?xi64>)
// CHECK: qnet.transpose {{.*}} : tensor<?x2x3xf32> -> tensor<2x?x3xf32>
// CHECK: qnet.reduce max {{.*}} : tensor<2x?x3xf32> -> tensor<?x3xf32>
// CHECK: qnet.argmax {{.*}} : tensor<?x3xf32> -> tensor<?xi64>
func.func @main(%x: tensor<1x2x3xf32>) -> (tensor<1x3xf32>, tensor<1xi64>) {
  %t = qnet.transpose %x {permutation = array<i64: 1, 0, 2>} : tensor<1x2x3xf32> -> tensor<2x1x3xf32>
  %m = qnet.reduce max %t {axes = array<i64: 0>} : tensor<2x1x3xf32> -> tensor<1x3xf32>
  %i = qnet.argmax %m {axis = 1 : i64} : tensor<1x3xf32> -> tensor<1xi64>
  return %m, %i : tensor<1x3xf32>, tensor<1xi64>
}

// -----

// Products of two values row by row.
// CHECK-LABEL: func.func @main
// CHECK: qnet.matmul {{.*}} (tensor<?x2x3xf32>, tensor<?x3x2xf32>) -> tensor<?x2x2xf32>
func.func @main(%x: tensor<1x2x3xf32>, %y: tensor<1x3x2xf32>) -> tensor<1x2x2xf32> {
  %z = qnet.matmul %x, %y : (tensor<1x2x3xf32>, tensor<1x3x2xf32>) -> tensor<1x2x2xf32>
  return %z : tensor<1x2x2xf32>
}

// -----

// Nothing to do: dynamic already.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%arg0: tensor<?x3xf32> {{.*}}) -> tensor<?x3xf32>
func.func @main(%x: tensor<?x3xf32> {qnet.example = dense<1.0> : tensor<1x3xf32>}) -> tensor<?x3xf32> {
  %y = qnet.activation relu %x : tensor<?x3xf32> -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
