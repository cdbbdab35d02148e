// Breaks if dead channels stay, or if removing them changes a value.
// RUN: quant-opt --split-input-file --prune-neurons %s | FileCheck %s
// RUN: quant-opt --split-input-file --prune-neurons=fraction=0.75 %s | FileCheck %s --check-prefix=MOST
// RUN: quant-opt --split-input-file --evaluate-main -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --prune-neurons --evaluate-main -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// Channel 1 is multiplied by zero; channel 2 is relu(3) for every row and goes
// into the next bias; 0 and 3 live. Of those, 3 has the larger norms.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[W:.*]] = qnet.constant dense<{{\[}}[1.000000e+00, 0.000000e+00], [4.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK-DAG: %[[B:.*]] = qnet.constant dense<[1.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK: %[[H:.*]] = qnet.dense %arg0, %[[W]], %[[B]] {function = #qnet.fn<relu>} : {{.*}} -> tensor<?x2xf32>
// CHECK-DAG: %[[V:.*]] = qnet.constant dense<{{\[}}[1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
// CHECK-DAG: %[[C:.*]] = qnet.constant dense<1.600000e+01> : tensor<1xf32>
// CHECK: qnet.dense %[[H]], %[[V]], %[[C]]
// MOST-LABEL: func.func @main
// MOST: qnet.dense %arg0, {{.*}} -> tensor<?x1xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 0.0], [2.0, 2.0], [0.0, 0.0], [4.0, 4.0]]> : tensor<4x2xf32>
  %b = qnet.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %v = qnet.constant dense<[[1.0, 0.0, 5.0, 2.0]]> : tensor<1x4xf32>
  %c = qnet.constant dense<1.0> : tensor<1xf32>
  %h = qnet.dense %x, %w, %b {function = #qnet.fn<relu>} : (tensor<?x2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %y = qnet.dense %h, %v, %c : (tensor<?x4xf32>, tensor<1x4xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// A layer of dead channels alone keeps one.
// CHECK-LABEL: func.func @main
// CHECK: qnet.dense %arg0, {{.*}} -> tensor<?x1xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 0.0], [2.0, 2.0]]> : tensor<2x2xf32>
  %v = qnet.constant dense<0.0> : tensor<1x2xf32>
  %h = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %h, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Declined: the hidden value is a result too. Its channels are all read.
// CHECK-LABEL: func.func @main
// CHECK: qnet.dense %arg0, {{.*}} -> tensor<?x2xf32>
// MOST-LABEL: func.func @main
// MOST: qnet.dense %arg0, {{.*}} -> tensor<?x1xf32>
// MOST-LABEL: func.func @main
// MOST: qnet.dense %arg0, {{.*}} -> tensor<?x2xf32>
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<[[1.0, 0.0], [2.0, 2.0]]> : tensor<2x2xf32>
  %v = qnet.constant dense<[[0.0, 1.0]]> : tensor<1x2xf32>
  %h = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %h, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %h, %y : tensor<?x2xf32>, tensor<?x1xf32>
}
