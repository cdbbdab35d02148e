// Breaks if a split channel is not two halves of what it was, or if channels are split that something else ties.
// RUN: quant-opt --split-input-file --split-channels=share=0.3 %s | FileCheck %s
// RUN: quant-opt --split-input-file --split-channels="by=activations share=0.3" %s | FileCheck %s --check-prefix=VALUES
// RUN: quant-opt --split-input-file --split-channels="by=activations share=0.3 keep=h" %s | FileCheck %s --check-prefix=KEEP
// RUN: not quant-opt --split-input-file --split-channels=share=0 %s 2>&1 | FileCheck %s --check-prefix=SHARE
// RUN: not quant-opt --split-input-file --split-channels=by=size %s 2>&1 | FileCheck %s --check-prefix=SHARE
// SHARE: error: split-channels: by must be weights or activations, and the share lie above 0 and not above 1

// Numbers of few bits: no sum is rounded, so the other order of its terms
// changes nothing.
// RUN: quant-opt --split-input-file --evaluate-main="rows=16 range=64" -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --split-channels=share=0.3 --evaluate-main="rows=16 range=64" -o /dev/null %s > %t.weights
// RUN: quant-opt --split-input-file --split-channels="by=activations share=1" --evaluate-main="rows=16 range=64" -o /dev/null %s > %t.values
// RUN: diff %t.before %t.weights
// RUN: diff %t.before %t.values

// Two of four channels: the 8 first, which gains 64 - 16, and then one of its
// halves gains nothing, but the 6 of the other row 36 - 9.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = qnet.constant dense<{{\[}}[1.000000e+00], [2.000000e+00], [3.000000e+00], [4.000000e+00], [2.000000e+00], [3.000000e+00]]> : tensor<6x1xf32>
// CHECK: %[[B:.*]] = qnet.constant dense<[5.000000e-01, 2.500000e-01, 1.250000e-01, 1.000000e+00, 2.500000e-01, 1.250000e-01]>
// CHECK: %[[H:.*]] = qnet.dense %arg0, %[[W]], %[[B]] {function = #qnet.fn<relu>, qnet.channel_copies = array<i32: 1, 2>} : {{.*}} -> tensor<?x6xf32>
// CHECK: %[[V:.*]] = qnet.constant dense<{{\[}}[1.000000e+00, 4.000000e+00, 5.000000e-01, 2.000000e+00, 4.000000e+00, 5.000000e-01], [2.000000e+00, 5.000000e-01, 3.000000e+00, 1.000000e+00, 5.000000e-01, 3.000000e+00]]> : tensor<2x6xf32>
// CHECK: qnet.dense %[[H]], %[[V]] :
// Values: the third channel is of size 16, and its halves are still the
// largest.
// VALUES-LABEL: func.func @main
// VALUES: qnet.constant dense<{{\[}}[1.000000e+00], [2.000000e+00], [7.500000e-01], [4.000000e+00], [1.500000e+00], [7.500000e-01]]> : tensor<6x1xf32>
// VALUES: qnet.dense {{.*}}qnet.channel_copies = array<i32: 2, 2>, qnet.channel_exponents = array<i32: 0, 0, 2, 0, 1, 2>}
// VALUES: qnet.constant dense<{{\[}}[1.000000e+00, 8.000000e+00, 1.000000e+00, 2.000000e+00, 1.000000e+00, 1.000000e+00], [2.000000e+00, 1.000000e+00, 6.000000e+00, 1.000000e+00, 6.000000e+00, 6.000000e+00]]>
// VALUES-NOT: qnet.second_moment
// KEEP-LABEL: func.func @main
// KEEP-NOT: qnet.channel_copies
// KEEP: return
func.func @main(%x: tensor<?x1xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>
  %b = qnet.constant dense<[0.5, 0.25, 0.125, 1.0]> : tensor<4xf32>
  %v = qnet.constant dense<[[1.0, 8.0, 1.0, 2.0], [2.0, 1.0, 6.0, 1.0]]> : tensor<2x4xf32>
  %h = qnet.dense %x, %w, %b {function = #qnet.fn<relu>} : (tensor<?x1xf32>, tensor<4x1xf32>, tensor<4xf32>) -> tensor<?x4xf32> loc("h")
  %y = qnet.dense %h, %v {qnet.second_moment = dense<[[1.0, 0.0, 0.0, 0.0], [0.0, 4.0, 0.0, 0.0], [0.0, 0.0, 256.0, 0.0], [0.0, 0.0, 0.0, 9.0]]> : tensor<4x4xf32>} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A bounded function has no values to halve, but weights. Where another op
// reads the channels, or a layer is frozen, they stay.
// CHECK-LABEL: func.func @main
// CHECK: qnet.dense %arg0, {{.*}}function = #qnet.fn<hard_sigmoid>, qnet.channel_copies = array<i32: 0>
// CHECK-NOT: qnet.channel_copies
// CHECK: return
// VALUES-LABEL: func.func @main
// VALUES-NOT: qnet.channel_copies
// VALUES: return
func.func @main(%x: tensor<?x1xf32>) -> (tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %v = qnet.constant dense<[[8.0, 1.0]]> : tensor<1x2xf32>
  %h = qnet.dense %x, %w {function = #qnet.fn<hard_sigmoid>} : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %h, %v {qnet.second_moment = dense<1.0> : tensor<2x2xf32>} : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %i = qnet.dense %x, %w {function = #qnet.fn<relu>} : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  %z = qnet.dense %i, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %j = qnet.dense %z, %w {qnet.frozen, function = #qnet.fn<relu>} : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  %u = qnet.dense %j, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y, %i, %u : tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x1xf32>
}

// -----

// Exponents of another number of channels are of nothing known: they are left as they are.
// CHECK-LABEL: func.func @main
// CHECK: qnet.channel_copies = array<i32: 0>, qnet.channel_exponents = array<i32: 7>
func.func @main(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0], [2.0], [1.0]]> : tensor<3x1xf32>
  %v = qnet.constant dense<[[8.0, 1.0, 1.0]]> : tensor<1x3xf32>
  %h = qnet.dense %x, %w {function = #qnet.fn<relu>, qnet.channel_exponents = array<i32: 7>} : (tensor<?x1xf32>, tensor<3x1xf32>) -> tensor<?x3xf32>
  %y = qnet.dense %h, %v : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
