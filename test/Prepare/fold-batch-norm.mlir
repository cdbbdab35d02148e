// Breaks if batch normalization is computed with other scales and shifts.
// RUN: quant-opt --split-input-file --fold-batch-norm %s | FileCheck %s
// RUN: quant-opt --split-input-file --evaluate-main=digits=5 -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --fold-batch-norm --evaluate-main=digits=5 -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// scale / sqrt(variance + epsilon) = [1, 2]; bias - mean * that = [-1, 3].
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[S:.*]] = qnet.constant dense<[1.000000e+00, 2.000000e+00]>
// CHECK-DAG: %[[T:.*]] = qnet.constant dense<[-1.000000e+00, 3.000000e+00]>
// CHECK: %[[P:.*]] = qnet.mul %arg0, %[[S]]
// CHECK: qnet.add %[[P]], %[[T]]
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %scale = qnet.constant dense<[2.0, 1.0]> : tensor<2xf32>
  %bias = qnet.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %mean = qnet.constant dense<[1.0, -1.0]> : tensor<2xf32>
  %variance = qnet.constant dense<[3.75, 0.0]> : tensor<2xf32>
  %y = qnet.batch_norm %x, %scale, %bias, %mean, %variance {epsilon = 0.25 : f32}
    : (tensor<?x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Channels are dimension 1, whatever comes behind it.
// CHECK-LABEL: func.func @main
// CHECK: qnet.mul %arg0, %{{.*}} : (tensor<?x2x3xf32>, tensor<2x1xf32>)
func.func @main(%x: tensor<?x2x3xf32>) -> tensor<?x2x3xf32> {
  %one = qnet.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = qnet.batch_norm %x, %one, %one, %one, %one {epsilon = 0.0 : f32}
    : (tensor<?x2x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2x3xf32>
  return %y : tensor<?x2x3xf32>
}

// -----

// Declined: a variance of zero without epsilon has no finite scale.
// CHECK-LABEL: func.func @main
// CHECK: qnet.batch_norm
func.func @main(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %one = qnet.constant dense<1.0> : tensor<1xf32>
  %zero = qnet.constant dense<0.0> : tensor<1xf32>
  %y = qnet.batch_norm %x, %one, %one, %one, %zero {epsilon = 0.0 : f32}
    : (tensor<?x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Nothing to do.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: return
func.func @main(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  return %x : tensor<?x1xf32>
}
