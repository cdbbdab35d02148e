// Breaks if a feature that matters goes, or if the input that keeps its width is still read whole.
// RUN: quant-opt --split-input-file --prune-features=keep=1 %s | FileCheck %s
// RUN: not quant-opt --prune-features=keep=0 %s 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not quant-opt --prune-features=keep=4 %s 2>&1 | FileCheck %s --check-prefix=MANY
// NONE: 0 features can't be kept of a network with 1 input(s) of 3 features together; keep from 1 to 3
// MANY: 4 features can't be kept

// Of two that say the same, the second has them both; the third does nothing.
// CHECK-LABEL: func.func @main
// CHECK: %[[I:.*]] = qnet.constant dense<1> : tensor<1xi64>
// CHECK: %[[K:.*]] = qnet.gather %arg0, %[[I]] {axis = 1 : i64}
// CHECK: qnet.dense %[[K]], {{.*}}qnet.pruned = "features:1: 2 of 3 inputs removed
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0, 0.001]]> : tensor<1x3xf32>
  %y = qnet.dense %x, %w {qnet.second_moment = dense<[[1.0, 0.999, 0.0], [0.999, 1.0, 0.0], [0.0, 0.0, 1.0]]> : tensor<3x3xf32>} : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
