// Breaks if a function stays an op of its own behind a layer, or loses its
// parameters.
// RUN: quant-opt --split-input-file --fuse-activation %s | FileCheck %s
// RUN: quant-opt --split-input-file --fuse-activation --mlir-print-debuginfo --mlir-print-local-scope %s | FileCheck %s --check-prefix=LOC
// RUN: quant-opt --split-input-file --evaluate-main -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --fuse-activation --evaluate-main -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// CHECK-LABEL: func.func @main
// CHECK: qnet.dense %arg0, %{{.*}} {alpha = 1.250000e-01 : f32, function = #qnet.fn<leaky_relu>}
// CHECK-NEXT: return
// Both names stay: the layer's first, the value's last.
// LOC: loc(fused["fc1", "act1"])
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %d = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32> loc("fc1")
  %y = qnet.activation leaky_relu %d {alpha = 0.125 : f32} : tensor<?x1xf32> -> tensor<?x1xf32> loc("act1")
  return %y : tensor<?x1xf32>
}

// -----

// Declined: others read the layer's result.
// CHECK-LABEL: func.func @main
// CHECK: qnet.dense
// CHECK: qnet.activation relu
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %d = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %y = qnet.activation relu %d : tensor<?x1xf32> -> tensor<?x1xf32>
  return %d, %y : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// Declined: the layer has a function already. Nothing to do: no layer.
// CHECK-LABEL: func.func @main
// CHECK: qnet.activation exp
// CHECK: qnet.dense {{.*}} {function = #qnet.fn<relu>}
// CHECK: qnet.activation tanh
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %e = qnet.activation exp %x : tensor<?x2xf32> -> tensor<?x2xf32>
  %d = qnet.dense %e, %w {function = #qnet.fn<relu>} : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %y = qnet.activation tanh %d : tensor<?x1xf32> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
