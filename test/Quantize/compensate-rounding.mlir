// If this fails, weights are not rounded for the error of the output, or where they must not be.
// RUN: quant-opt %s --compensate-rounding --split-input-file --verify-diagnostics | FileCheck %s
// RUN: quant-opt %s --compensate-rounding --quantize-weights --split-input-file | FileCheck %s --check-prefix=INTEGERS

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// Inputs 1 and 2 move together: 10.4 and 10.4 become 10 and 11, whose sum is nearer
// than that of the nearest. In channel 1 a weight of 0 stays one. Channel 2 lies on a
// grid already. The mean of the error, 0.6 * 2 - 0.4 * 2, goes into the bias.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[W:.*]] = qnet.constant dense<{{\[}}[1.270000e+02, 1.100000e+01, 1.000000e+01], [1.270000e+02, 0.000000e+00, 1.000000e+01], [1.270000e+02, 3.000000e+00, 5.000000e+00]]> : tensor<3x3xf32>
// CHECK-DAG: %[[B:.*]] = qnet.constant dense<[{{0.(599|600)[0-9]*}}, {{1.(799|800)[0-9]*}}, 1.000000e+00]> : tensor<3xf32>
// CHECK: qnet.dense %{{.*}}, %[[W]], %[[B]]
// CHECK-SAME: qnet.unrounded = dense<{{\[}}[1.270000e+02, 1.040000e+01, 1.040000e+01]
// CHECK-SAME: qnet.weight_scale = array<f32: 1.000000e+00, 1.000000e+00, 1.000000e+00>
// INTEGERS-LABEL: func.func @main
// INTEGERS: qnet.constant dense<{{\[}}[127, 11, 10], [127, 0, 10], [127, 3, 5]]> : tensor<3x3xi8>
// INTEGERS: qnet.qdense
// INTEGERS-NOT: second_moment
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %w = qnet.constant dense<[[127.0, 10.4, 10.4], [127.0, 0.0, 10.4], [127.0, 3.0, 5.0]]> : tensor<3x3xf32>
  %b = qnet.constant dense<1.0> : tensor<3xf32>
  %q = qnet.quantize %x {qnet.mean = array<f64: 0.0, 2.0, 2.0>} : tensor<?x3xf32> -> tensor<?x3x!u8>
  %d = qnet.dequantize %q : tensor<?x3x!u8> -> tensor<?x3xf32>
  %y = qnet.dense %d, %w, %b {
      qnet.second_moment = dense<[[100.0, 0.0, 0.0], [0.0, 104.0, 103.0], [0.0, 103.0, 104.0]]> : tensor<3x3xf32>,
      qnet.sample_mean = array<f32: 0.0, 2.0, 2.0>, qnet.sample_rows = 1000000 : i64}
      : (tensor<?x3xf32>, tensor<3x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// Frozen: to the nearest. So is a layer without moments.
// CHECK-LABEL: func.func @frozen
// CHECK: qnet.constant dense<{{\[}}[1.270000e+02, 1.040000e+01, 1.040000e+01]]>
// CHECK: qnet.dense
// CHECK-NOT: qnet.weight_scale
// INTEGERS-LABEL: func.func @frozen
// INTEGERS: dense<{{\[}}[127, 10, 10]]> : tensor<1x3xi8>
func.func @frozen(%q: tensor<?x3x!u8>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<[[127.0, 10.4, 10.4]]> : tensor<1x3xf32>
  %d = qnet.dequantize %q : tensor<?x3x!u8> -> tensor<?x3xf32>
  %y = qnet.dense %d, %w {qnet.frozen, qnet.sample_rows = 1000000 : i64,
      qnet.second_moment = dense<[[100.0, 0.0, 0.0], [0.0, 100.0, 99.0], [0.0, 99.0, 100.0]]> : tensor<3x3xf32>}
      : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  %z = qnet.dense %d, %w : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  return %y, %z : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// No covariance: more damping makes none of it.
// INTEGERS-LABEL: func.func @not_positive
// INTEGERS: dense<{{\[}}[127, 10, 10]]> : tensor<1x3xi8>
func.func @not_positive(%q: tensor<?x3x!u8>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[127.0, 10.4, 10.4]]> : tensor<1x3xf32>
  %d = qnet.dequantize %q : tensor<?x3x!u8> -> tensor<?x3xf32>
  // expected-remark @below {{has second moments that are not positive definite: its weights are rounded to the nearest}}
  %y = qnet.dense %d, %w {qnet.sample_rows = 1000000 : i64,
      qnet.second_moment = dense<[[1.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 2.0, 1.0]]> : tensor<3x3xf32>}
      : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// Dead inputs, a channel of zeros, and weights at the ends of f32: the nearest, and
// no weight that is not a number.
// CHECK-LABEL: func.func @extremes
// CHECK: qnet.constant dense<{{\[}}[0.000000e+00, 0.000000e+00], [1.000000e+30, 0.000000e+00], [0.000000e+00, 0.000000e+00]]>
// INTEGERS-LABEL: func.func @extremes
// INTEGERS: dense<{{\[}}[0, 0], [127, 0], [0, 0]]> : tensor<3x2xi8>
func.func @extremes(%q: tensor<?x2x!u8>) -> tensor<?x3xf32> {
  %w = qnet.constant dense<[[0.0, 0.0], [1.0e30, 1.0e-38], [1.0e-38, 1.0e-38]]> : tensor<3x2xf32>
  %d = qnet.dequantize %q : tensor<?x2x!u8> -> tensor<?x2xf32>
  %y = qnet.dense %d, %w {qnet.second_moment = dense<0.0> : tensor<2x2xf32>, qnet.sample_rows = 1 : i64}
      : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
