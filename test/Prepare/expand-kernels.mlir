// Breaks if a kernel is not the dense layer and finish that stand for it, or is
// another function after the pass than before.
// RUN: quant-opt --split-input-file --expand-kernels %s | FileCheck %s
// RUN: quant-opt --split-input-file --evaluate-main=digits=4 -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --expand-kernels --evaluate-main=digits=4 -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// The weights are 2 gamma v, the bias -gamma |v|^2.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[W:.*]] = qnet.constant dense<{{\[}}[5.000000e-01, -1.000000e+00], [-5.000000e-01, 1.500000e+00]]> : tensor<2x2xf32>
// CHECK-DAG: %[[B:.*]] = qnet.constant dense<[-1.250000e+00, -2.500000e+00]> : tensor<2xf32>
// CHECK: %[[P:.*]] = qnet.dense %arg0, %[[W]], %[[B]] {qnet.fine_weights, qnet.frozen, qnet.rbf_gamma = 2.500000e-01 : f32}
// CHECK: %[[S:.*]] = qnet.reduce sum_square %arg0 {axes = array<i64: 1>, keep_dims, qnet.finish = "{{.*}}"}
// CHECK: %[[L:.*]] = qnet.mul %[[S]], %{{.*}} {qnet.finish
// CHECK: %[[E:.*]] = qnet.sub %[[P]], %[[L]] {qnet.finish
// CHECK: qnet.activation exp %[[E]] {qnet.finish
// CHECK-NOT: qnet.kernel
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %v = qnet.constant dense<[[1.0, -2.0], [-1.0, 3.0]]> : tensor<2x2xf32>
  %k = qnet.kernel rbf %x, %v {gamma = 0.25 : f32} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %k : tensor<?x2xf32>
}

// -----

// Vectors far from 0 and near each other: distances from their mean.
// CHECK-LABEL: func.func @main
// CHECK: %[[M:.*]] = qnet.constant dense<[1.000000e+01, -2.000000e+01]> : tensor<2xf32>
// CHECK: %[[X:.*]] = qnet.sub %arg0, %[[M]]
// CHECK: %[[W:.*]] = qnet.constant dense<{{\[}}[1.000000e+00, -1.000000e+00], [-1.000000e+00, 1.000000e+00]]> : tensor<2x2xf32>
// CHECK: qnet.dense %[[X]], %[[W]]
// CHECK: qnet.reduce sum_square %[[X]]
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %v = qnet.constant dense<[[11.0, -21.0], [9.0, -19.0]]> : tensor<2x2xf32>
  %k = qnet.kernel rbf %x, %v {gamma = 0.5 : f32} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %k : tensor<?x2xf32>
}

// -----

// The fifth power: square, square, times itself.
// CHECK-LABEL: func.func @main
// CHECK: %[[P:.*]] = qnet.dense %arg0, %{{.*}}, %{{.*}} {qnet.fine_weights, qnet.frozen}
// CHECK: %[[P2:.*]] = qnet.mul %[[P]], %[[P]] {qnet.finish
// CHECK: %[[P4:.*]] = qnet.mul %[[P2]], %[[P2]] {qnet.finish
// CHECK: %[[P5:.*]] = qnet.mul %[[P4]], %[[P]] {qnet.finish
// CHECK: return %[[P5]]
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %v = qnet.constant dense<[[1.0, -2.0], [-1.0, 3.0]]> : tensor<2x2xf32>
  %k = qnet.kernel polynomial %x, %v {gamma = 0.25 : f32, coef0 = 1.0 : f32, degree = 5 : i64}
     : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %k : tensor<?x2xf32>
}

// -----

// A layer like any other.
// CHECK-LABEL: func.func @main
// CHECK: %[[P:.*]] = qnet.dense
// CHECK-NOT: qnet.f{{rozen|ine}}
// CHECK: qnet.activation tanh %[[P]]
// CHECK-NOT: qnet.finish
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %v = qnet.constant dense<[[1.0, -2.0], [-1.0, 3.0]]> : tensor<2x2xf32>
  %k = qnet.kernel sigmoid %x, %v {gamma = 0.25 : f32, coef0 = -0.5 : f32}
     : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %k : tensor<?x2xf32>
}

// -----

// The coefficients are as fine as the vectors.
// CHECK-LABEL: func.func @main
// CHECK: %[[K:.*]] = qnet.activation exp
// CHECK: qnet.dense %[[K]], %{{.*}} {qnet.fine_weights, qnet.frozen}
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %v = qnet.constant dense<[[1.0, -2.0], [-1.0, 3.0]]> : tensor<2x2xf32>
  %c = qnet.constant dense<[[0.5, -0.5]]> : tensor<1x2xf32>
  %k = qnet.kernel rbf %x, %v {gamma = 0.25 : f32} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %k, %c : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
