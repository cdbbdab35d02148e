// Breaks if a name freezes another layer or none, or if a frozen one is pruned.
// RUN: quant-opt --freeze-layers=layers=fc1 %s | FileCheck %s
// RUN: quant-opt --freeze-layers="layers=f*" %s | FileCheck %s --check-prefix=BOTH
// RUN: quant-opt --freeze-layers=layers=fc1 --prune-weights="pattern=2:4 least=1" %s | FileCheck %s --check-prefix=PRUNED
// RUN: not quant-opt --freeze-layers=layers=fc3 %s 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not quant-opt --freeze-layers="layers=[" %s 2>&1 | FileCheck %s --check-prefix=PATTERN
// NONE: no dense layer is named 'fc3'; the nearest are 'fc1', 'fc2'
// PATTERN: '[' is no pattern
// CHECK: qnet.dense %arg0, {{.*}}qnet.frozen
// CHECK-NOT: qnet.frozen
// BOTH-COUNT-2: qnet.frozen
// PRUNED: dense<1.000000e+00> : tensor<4x4xf32>
// PRUNED: dense<{{\[}}[0.000000e+00, 0.000000e+00, 1.000000e+00, 1.000000e+00]]>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<1.0> : tensor<4x4xf32>
  %v = qnet.constant dense<1.0> : tensor<1x4xf32>
  %h = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32> loc("fc1")
  %y = qnet.dense %h, %v : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32> loc("fc2")
  return %y : tensor<?x1xf32>
}
