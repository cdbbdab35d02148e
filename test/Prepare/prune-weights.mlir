// Breaks if pruning takes other weights than the smallest, another share, or a layer that is to stay.
// RUN: quant-opt --split-input-file --prune-weights="pattern=magnitude fraction=0.5 least=1" %s | FileCheck %s
// RUN: quant-opt --split-input-file --prune-weights="pattern=2:4 least=1" %s | FileCheck %s --check-prefix=FOUR
// RUN: quant-opt --split-input-file --prune-weights="pattern=block fraction=0.5 least=1" %s | FileCheck %s --check-prefix=BLOCK
// RUN: quant-opt --split-input-file --prune-weights %s | FileCheck %s --check-prefix=NONE
// RUN: quant-opt --split-input-file --prune-weights="pattern=2:4" %s | FileCheck %s --check-prefix=NONE
// RUN: not quant-opt --split-input-file --prune-weights="pattern=magnitude fraction=1.5" %s 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not quant-opt --split-input-file --prune-weights="pattern=1:4" %s 2>&1 | FileCheck %s --check-prefix=PATTERN

// RANGE: the fraction must be at least 0 and less than 1
// PATTERN: '1:4' is no pattern; choose none, magnitude, block or 2:4

// Of the three magnitudes of 2 the earlier two go. By 2:4, two of the first four
// inputs and none of the single one behind them; the layer has too few channels
// for blocks.
// CHECK-LABEL: func.func @main
// CHECK: dense<{{\[}}[0.000000e+00, -4.000000e+00, 0.000000e+00, 5.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00, 3.000000e+00, -2.000000e+00, -6.000000e+00]]>
// FOUR-LABEL: func.func @main
// FOUR: dense<{{\[}}[0.000000e+00, -4.000000e+00, 0.000000e+00, 5.000000e+00, 1.000000e-01], [0.000000e+00, 0.000000e+00, 3.000000e+00, -2.000000e+00, -6.000000e+00]]>
// BLOCK-LABEL: func.func @main
// BLOCK: dense<{{\[}}[1.000000e+00, -4.000000e+00, -2.000000e+00, 5.000000e+00, 1.000000e-01], [2.000000e+00, 5.000000e-01, 3.000000e+00, -2.000000e+00, -6.000000e+00]]>
// NONE-LABEL: func.func @main
// NONE: dense<{{\[}}[1.000000e+00, -4.000000e+00, -2.000000e+00, 5.000000e+00, 1.000000e-01], [2.000000e+00, 5.000000e-01, 3.000000e+00, -2.000000e+00, -6.000000e+00]]>
func.func @main(%x: tensor<?x5xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0, -4.0, -2.0, 5.0, 0.1], [2.0, 0.5, 3.0, -2.0, -6.0]]> : tensor<2x5xf32>
  %b = qnet.constant dense<[1.0e-6, 0.5]> : tensor<2xf32>
  %y = qnet.dense %x, %w, %b : (tensor<?x5xf32>, tensor<2x5xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Two blocks: inputs 0 to 3, and the narrower one of inputs 4 and 5, whose mean
// square is larger though its sum is not: the first goes.
// CHECK-LABEL: func.func @main
// FOUR-LABEL: func.func @main
// BLOCK-LABEL: func.func @main
// BLOCK: %[[W:.*]] = qnet.constant dense<"0x{{(00){16}000080BF0000803F((00){16}0000103F0000103F)+}}"> : tensor<32x6xf32>
// BLOCK: qnet.dense %{{.*}}, %[[W]]
// NONE-LABEL: func.func @main
// NONE: "0x0000003F000000BF
func.func @main(%x: tensor<?x6xf32>) -> tensor<?x32xf32> {
  %w = qnet.constant dense<[[0.5, -0.5, 0.75, 1.125, -1.0, 1.0], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625], [0.5, 0.5, 0.5, 0.5, 0.5625, 0.5625]]> : tensor<32x6xf32>
  %y = qnet.dense %x, %w : (tensor<?x6xf32>, tensor<32x6xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// Weights that are no numbers are none to prune, and do not confuse the order.
// CHECK-LABEL: func.func @main
// CHECK: dense<{{\[}}[0x7FC00000, 0.000000e+00, 0x7F800000, 0.000000e+00]]>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[0x7FC00000, 1.0, 0x7F800000, 2.0]]> : tensor<1x4xf32>
  %y = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Nothing to do: no layer, and none whose weights are constant.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: qnet.dense
// CHECK-NEXT: return
func.func @main(%x: tensor<?x3xf32>, %w: tensor<2x3xf32>) -> tensor<?x2xf32> {
  %y = qnet.dense %x, %w : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
