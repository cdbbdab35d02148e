// Breaks if pruning takes weights that the output misses more, fills a zero again, or loses what the others can take over.
// RUN: quant-opt --split-input-file --prune-weights-by-error="pattern=magnitude fraction=0.25 least=1" %s | FileCheck %s
// RUN: quant-opt --split-input-file --prune-weights-by-error="pattern=2:4 least=1" %s | FileCheck %s --check-prefix=FOUR
// RUN: quant-opt --split-input-file --prune-weights-by-error %s | FileCheck %s --check-prefix=NONE
// RUN: quant-opt --split-input-file --prune-weights-by-error="pattern=2:4" %s | FileCheck %s --check-prefix=NONE
// RUN: not quant-opt --split-input-file --prune-weights-by-error="pattern=magnitude fraction=1" %s 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not quant-opt --split-input-file --prune-weights-by-error="pattern=magnitude fraction=nan" %s 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: quant-opt --split-input-file --prune-weights-by-error="pattern=planned least=1" %s | FileCheck %s --check-prefix=PLANNED
// RUN: not quant-opt --split-input-file --prune-weights-by-error="pattern=1:4" %s 2>&1 | FileCheck %s --check-prefix=PATTERN

// RANGE: the fraction must be at least 0 and less than 1
// PATTERN: '1:4' is no pattern; choose none, magnitude, block or 2:4

// Inputs 0 and 1 are nearly the same, and so are 2 and 3: the one that stays of a
// pair takes over what both did.
// CHECK-LABEL: func.func @main
// CHECK: dense<{{\[}}[0.000000e+00, 1.99{{[0-9]*}}, 2.000000e+00, 3.000000e+00]]>
// CHECK: qnet.pruned = "magnitude:0.25: 25.0% of its weights are 0, which adds an error of -{{[2-9][0-9]}}
// FOUR-LABEL: func.func @main
// FOUR: dense<{{\[}}[0.000000e+00, 1.99{{[0-9]*}}, 0.000000e+00, 4.98{{[0-9]*}}{{(e\+00)?}}]]>
// FOUR: qnet.pruned = "2:4: 50.0% of its weights are 0, which adds an error of -{{[2-9][0-9]}}
// PLANNED-LABEL: func.func @main
// PLANNED-NOT: qnet.pruned
// PLANNED: return
// NONE-LABEL: func.func @main
// NONE: dense<{{\[}}[0.899999976, 1.100000e+00, 2.000000e+00, 3.000000e+00]]>
// NONE-NOT: qnet.pruned
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[0.9, 1.1, 2.0, 3.0]]> : tensor<1x4xf32>
  %y = qnet.dense %x, %w {qnet.second_moment = dense<[[1.0, 0.9999, 0.0, 0.0], [0.9999, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.9999], [0.0, 0.0, 0.9999, 1.0]]> : tensor<4x4xf32>} : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Nothing is known, what is known is of no use, or the layer is frozen: it stays.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-3: dense<{{\[}}[2.000000e+00, 3.000000e+00], [1.000000e+00, 4.000000e+00]]>
// CHECK-NOT: qnet.pruned
// FOUR-LABEL: func.func @main
// NONE-LABEL: func.func @main
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %u = qnet.constant dense<[[2.0, 3.0], [1.0, 4.0]]> : tensor<2x2xf32>
  %v = qnet.constant dense<[[2.0, 3.0], [1.0, 4.0]]> : tensor<2x2xf32>
  %w = qnet.constant dense<[[2.0, 3.0], [1.0, 4.0]]> : tensor<2x2xf32>
  %a = qnet.dense %x, %u : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %b = qnet.dense %a, %v {qnet.second_moment = dense<0.0> : tensor<2x2xf32>} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %c = qnet.dense %b, %w {qnet.frozen, qnet.second_moment = dense<[[1.0, 0.5], [0.5, 1.0]]> : tensor<2x2xf32>} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %c : tensor<?x2xf32>
}

// -----

// Weights of 1e30 and 1e-38 and moments that leave nothing to divide by: finite.
// CHECK-LABEL: func.func @main
// CHECK-NOT: {{nan|inf|0x7F|0xFF}}
// CHECK: return
// FOUR-LABEL: func.func @main
// FOUR-NOT: {{nan|0x7F|0xFF}}
// NONE-LABEL: func.func @main
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0e30, -1.0e30, 1.0e-38, 1.0], [1.0e-38, 1.0e-38, 1.0e30, 0.0]]> : tensor<2x4xf32>
  %y = qnet.dense %x, %w {qnet.second_moment = dense<[[1.0e30, 0.0, 0.0, 0.0], [0.0, 1.0e-38, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// By its precision one layer loses half of its weights, the other keeps them.
// PLANNED-LABEL: func.func @planned
// PLANNED: qnet.dense {{.*}}qnet.pruned = "2:4: 50.0% of its weights are 0
// PLANNED: qnet.dense
// PLANNED-NOT: qnet.pruned
// PLANNED: return
func.func @planned(%x: tensor<?x4xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<[[0.9, 1.1, 2.0, 3.0]]> : tensor<1x4xf32>
  %v = qnet.constant dense<[[0.9, 1.1, 2.0, 3.0]]> : tensor<1x4xf32>
  %y = qnet.dense %x, %w {qnet.precision = "int8/2:4", qnet.second_moment = dense<[[1.0, 0.9, 0.0, 0.0], [0.9, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.9], [0.0, 0.0, 0.9, 1.0]]> : tensor<4x4xf32>} : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  %z = qnet.dense %x, %v {qnet.precision = "int8", qnet.second_moment = dense<[[1.0, 0.9, 0.0, 0.0], [0.9, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.9], [0.0, 0.0, 0.9, 1.0]]> : tensor<4x4xf32>} : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %y, %z : tensor<?x1xf32>, tensor<?x1xf32>
}
