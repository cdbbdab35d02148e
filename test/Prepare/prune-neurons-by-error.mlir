// Breaks if a channel that others make up for stays, if its row, column or constant is left, or if a group that is tied goes.
// RUN: quant-opt --split-input-file --prune-neurons-by-error=fraction=0.5 %s | FileCheck %s
// RUN: quant-opt --split-input-file --prune-neurons-by-error %s | FileCheck %s --check-prefix=NONE
// RUN: not quant-opt --split-input-file --prune-neurons-by-error=fraction=1 %s 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not quant-opt --split-input-file --prune-neurons-by-error=fraction=nan %s 2>&1 | FileCheck %s --check-prefix=RANGE
// RANGE: the fraction must be at least 0 and less than 1

// Through a product with a constant, a sum with another layer and a concat:
// everything that has the two channels narrows.
// CHECK-LABEL: func.func @main
// CHECK: qnet.dense %arg0, {{.*}} -> tensor<?x2xf32>
// CHECK: qnet.mul {{.*}} tensor<2xf32>) -> tensor<?x2xf32>
// CHECK: qnet.dense %arg0, {{.*}} -> tensor<?x2xf32>
// CHECK: qnet.add {{.*}} -> tensor<?x2xf32>
// CHECK: qnet.concat {{.*}} (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
// CHECK: qnet.dense {{.*}}qnet.pruned = "neurons:0.5: 2 of 5 inputs removed, which adds an error of {{-?[0-9.]+}} dB of its output"{{.*}} tensor<2x3xf32>
// NONE-LABEL: func.func @main
// NONE-NOT: qnet.pruned
// NONE: qnet.concat {{.*}} -> tensor<?x5xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0, 0.0], [2.0, 2.0], [0.0, 1.0], [4.0, 4.0]]> : tensor<4x2xf32>
  %b = qnet.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %s = qnet.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %u = qnet.constant dense<[[1.0, 1.0]]> : tensor<1x2xf32>
  %v = qnet.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0]]> : tensor<2x5xf32>
  %h = qnet.dense %x, %w, %b {function = #qnet.fn<relu>} : (tensor<?x2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %m = qnet.mul %h, %s : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %g = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<4x2xf32>) -> tensor<?x4xf32>
  %a = qnet.add %m, %g : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = qnet.dense %x, %u : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %c = qnet.concat %a, %z {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x5xf32>
  %y = qnet.dense %c, %v {qnet.second_moment = dense<[[1.0, 0.9, 0.0, 0.0, 0.0], [0.9, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.9, 0.0], [0.0, 0.0, 0.9, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]]> : tensor<5x5xf32>} : (tensor<?x5xf32>, tensor<2x5xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A result, an input that is added, and a frozen reader keep theirs.
// CHECK-LABEL: func.func @main
// CHECK-NOT: qnet.pruned
// CHECK: return {{.*}} tensor<?x4xf32>, tensor<?x1xf32>, tensor<?x1xf32>
// NONE-LABEL: func.func @main
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<2.0> : tensor<4x4xf32>
  %v = qnet.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %h = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %y = qnet.dense %h, %v {qnet.second_moment = dense<1.0> : tensor<4x4xf32>} : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  %g = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %a = qnet.add %g, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = qnet.dense %a, %v {qnet.second_moment = dense<1.0> : tensor<4x4xf32>} : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %h, %y, %z : tensor<?x4xf32>, tensor<?x1xf32>, tensor<?x1xf32>
}
