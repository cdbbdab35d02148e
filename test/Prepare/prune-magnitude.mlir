// Breaks if pruning takes other weights than the smallest, or another share.
// RUN: quant-opt --split-input-file --prune-magnitude=fraction=0.5 %s | FileCheck %s
// RUN: quant-opt --split-input-file --prune-magnitude %s | FileCheck %s --check-prefix=NONE
// RUN: not quant-opt --split-input-file --prune-magnitude=fraction=1.5 %s 2>&1 | FileCheck %s --check-prefix=RANGE

// RANGE: the fraction must lie between 0 and 1

// Of the two equal magnitudes the earlier goes.
// CHECK-LABEL: func.func @main
// CHECK: dense<{{\[}}[0.000000e+00, -4.000000e+00, 0.000000e+00], [2.000000e+00, 0.000000e+00, 3.000000e+00]]>
// NONE-LABEL: func.func @main
// NONE: dense<{{\[}}[1.000000e+00, -4.000000e+00, -2.000000e+00], [2.000000e+00, 5.000000e-01, 3.000000e+00]]>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0, -4.0, -2.0], [2.0, 0.5, 3.0]]> : tensor<2x3xf32>
  %y = qnet.dense %x, %w : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Nothing to do: no layer.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: return
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  return %x : tensor<?x3xf32>
}
