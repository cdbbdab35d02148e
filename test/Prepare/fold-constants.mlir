// Breaks if exporters' arithmetic on weights reaches later passes, or if folding
// changes what the function computes.
// RUN: quant-opt --split-input-file --fold-constants %s | FileCheck %s
// RUN: quant-opt --split-input-file --fold-constants=limit=2 %s | FileCheck %s --check-prefix=SMALL

// A chain folds in one sweep, with the reference's own arithmetic.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[W:.*]] = qnet.constant dense<{{\[}}[2.000000e+00, 6.000000e+00], [4.000000e+00, 8.000000e+00]]> : tensor<2x2xf32>
// CHECK-NEXT: qnet.matmul %{{.*}}, %[[W]]
// Results above the limit fold all the same where an operand is as large.
// SMALL-LABEL: func.func @main
// SMALL-NOT: qnet.transpose
// SMALL: qnet.matmul
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %two = qnet.constant dense<2.0> : tensor<2xf32>
  %scaled = qnet.mul %w, %two : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %t = qnet.transpose %scaled {permutation = array<i64: 1, 0>} : tensor<2x2xf32> -> tensor<2x2xf32>
  %y = qnet.matmul %x, %t : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A broadcast would blow a model up: the limit holds it back.
// SMALL-LABEL: func.func @main
// SMALL: qnet.broadcast
// CHECK-LABEL: func.func @main
// CHECK-NEXT: qnet.constant
// CHECK-NEXT: qnet.broadcast
func.func @main(%x: tensor<?x4096x1024xf32>) -> tensor<?x4096x1024xf32> {
  %one = qnet.constant dense<1.0> : tensor<1x1xf32>
  %many = qnet.broadcast %one : tensor<1x1xf32> -> tensor<4096x1024xf32>
  %y = qnet.add %x, %many : (tensor<?x4096x1024xf32>, tensor<4096x1024xf32>) -> tensor<?x4096x1024xf32>
  return %y : tensor<?x4096x1024xf32>
}

// -----

// Nothing to do: ops that depend on the input.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[C:.*]] = qnet.constant
// CHECK-NEXT: qnet.add %{{.*}}, %[[C]]
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c = qnet.constant dense<1.0> : tensor<2xf32>
  %y = qnet.add %x, %c : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
