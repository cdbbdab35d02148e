// Breaks if channels of large values keep their size, if a float result changes a bit, or if measurements stay as they were.
// RUN: quant-opt --split-input-file --migrate-outliers %s | FileCheck %s
// RUN: quant-opt --split-input-file --migrate-outliers=alpha=1 %s | FileCheck %s --check-prefix=ALL
// RUN: quant-opt --split-input-file --migrate-outliers=keep=h %s | FileCheck %s --check-prefix=KEEP
// RUN: not quant-opt --split-input-file --migrate-outliers=alpha=1.5 %s 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not quant-opt --split-input-file --migrate-outliers=alpha=nan %s 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: quant-opt --split-input-file --evaluate-main="rows=16 range=64" -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --migrate-outliers --evaluate-main="rows=16 range=64" -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after
// RANGE: alpha must lie between 0 and 1

// Sizes 16 and 1, columns alike: half of the difference of 4 bits, 1 bit up and
// 1 down; with alpha 1 all of it.
// CHECK-LABEL: func.func @main
// CHECK: qnet.constant dense<{{\[}}[8.000000e+00], [2.000000e+00]]>
// CHECK: qnet.channel_exponents = array<i32: 1, -1>
// CHECK: qnet.constant dense<{{\[}}[2.000000e+00, 5.000000e-01]]>
// CHECK: qnet.sample_mean = array<f32: 4.000000e+00, 2.000000e+00>, qnet.second_moment = dense<{{\[}}[6.400000e+01, 3.000000e+00], [3.000000e+00, 4.000000e+00]]>
// ALL-LABEL: func.func @main
// ALL: qnet.channel_exponents = array<i32: 2, -2>
// ALL: qnet.second_moment = dense<{{\[}}[1.600000e+01, 3.000000e+00], [3.000000e+00, 1.600000e+01]]>
// KEEP-LABEL: func.func @main
// KEEP-NOT: qnet.channel_exponents
// KEEP: return
func.func @main(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[16.0], [1.0]]> : tensor<2x1xf32>
  %v = qnet.constant dense<1.0> : tensor<1x2xf32>
  %h = qnet.dense %x, %w {function = #qnet.fn<relu>} : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32> loc("h")
  %y = qnet.dense %h, %v {qnet.second_moment = dense<[[256.0, 3.0], [3.0, 1.0]]> : tensor<2x2xf32>, qnet.sample_mean = array<f32: 8.0, 1.0>} : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Nothing was measured; a channel that is always 0 keeps its scale.
// CHECK-LABEL: func.func @main
// CHECK: qnet.dense %arg0, %{{[0-9]+}} :
// CHECK: qnet.channel_exponents = array<i32: 1, 0, -1>
// CHECK: return
func.func @main(%x: tensor<?x1xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<[[16.0], [1.0]]> : tensor<2x1xf32>
  %v = qnet.constant dense<1.0> : tensor<1x2xf32>
  %h = qnet.dense %x, %w : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %h, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %t = qnet.constant dense<[[16.0], [0.0], [1.0]]> : tensor<3x1xf32>
  %u = qnet.constant dense<1.0> : tensor<1x3xf32>
  %g = qnet.dense %x, %t : (tensor<?x1xf32>, tensor<3x1xf32>) -> tensor<?x3xf32>
  %z = qnet.dense %g, %u {qnet.second_moment = dense<[[256.0, 0.0, 3.0], [0.0, 0.0, 0.0], [3.0, 0.0, 1.0]]> : tensor<3x3xf32>} : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  return %y, %z : tensor<?x1xf32>, tensor<?x1xf32>
}
