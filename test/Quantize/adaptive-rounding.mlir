// If this fails, single weights are not moved where that lowers the error of the output.
// RUN: quant-opt %s --adaptive-rounding --quantize-weights --split-input-file | FileCheck %s
// RUN: quant-opt %s --compensate-rounding --adaptive-rounding --quantize-weights --split-input-file | FileCheck %s --check-prefix=AFTER

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// By itself it starts at the nearest, 10 and 10, of which one moves. After
// compensate-rounding (10 and 11 the other way round) nothing is left to gain.
// CHECK: qnet.constant dense<{{\[}}[127, 10, 11]]> : tensor<1x3xi8>
// AFTER: qnet.constant dense<{{\[}}[127, 11, 10]]> : tensor<1x3xi8>
func.func @main(%q: tensor<?x3x!u8>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[127.0, 10.4, 10.4]]> : tensor<1x3xf32>
  %d = qnet.dequantize %q : tensor<?x3x!u8> -> tensor<?x3xf32>
  %y = qnet.dense %d, %w {qnet.sample_rows = 1000000 : i64,
      qnet.second_moment = dense<[[100.0, 0.0, 0.0], [0.0, 100.0, 99.0], [0.0, 99.0, 100.0]]> : tensor<3x3xf32>}
      : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// Nothing to do without moments, or for a frozen layer; a 0 stays one.
// CHECK-LABEL: func.func @others
// CHECK: dense<{{\[}}[127, 10, 10]]> : tensor<1x3xi8>
// CHECK: dense<{{\[}}[127, 0, 10]]> : tensor<1x3xi8>
func.func @others(%q: tensor<?x3x!u8>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<[[127.0, 10.4, 10.4]]> : tensor<1x3xf32>
  %s = qnet.constant dense<[[127.0, 0.0, 10.4]]> : tensor<1x3xf32>
  %d = qnet.dequantize %q : tensor<?x3x!u8> -> tensor<?x3xf32>
  %y = qnet.dense %d, %w {qnet.frozen, qnet.sample_rows = 1000000 : i64,
      qnet.second_moment = dense<[[100.0, 0.0, 0.0], [0.0, 100.0, 99.0], [0.0, 99.0, 100.0]]> : tensor<3x3xf32>}
      : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  %z = qnet.dense %d, %s {qnet.sample_rows = 1000000 : i64,
      qnet.second_moment = dense<[[100.0, 0.0, 0.0], [0.0, 100.0, 99.0], [0.0, 99.0, 100.0]]> : tensor<3x3xf32>}
      : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  return %y, %z : tensor<?x1xf32>, tensor<?x1xf32>
}
