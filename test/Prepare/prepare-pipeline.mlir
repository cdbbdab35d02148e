// Breaks if the passes of the stage, in their order, leave a network that a
// framework exported in pieces, or change what it computes.
// RUN: quant-opt --qnet-prepare %s | FileCheck %s
// RUN: quant-opt --evaluate-main=digits=4 -o /dev/null %s > %t.before
// RUN: quant-opt --qnet-prepare --evaluate-main="digits=4 rows=1" -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// x / 255 and two batch normalizations go into two layers; nothing else is left.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%arg0: tensor<?x2x2xf32>) -> tensor<?x2xf32>
// CHECK-NOT: qnet.batch_norm
// CHECK-NOT: qnet.matmul
// CHECK: %[[F:.*]] = qnet.reshape %arg0
// CHECK-NEXT: %[[H:.*]] = qnet.dense %[[F]], %{{.*}}, %{{.*}} {function = #qnet.fn<silu>}
// CHECK-NEXT: %[[D:.*]] = qnet.dense %[[H]]
// CHECK-NEXT: %[[S:.*]] = qnet.softmax %[[D]]
// CHECK-NEXT: return %[[S]]
func.func @main(%x: tensor<1x2x2xf32>) -> tensor<1x2xf32> {
  %byte = qnet.constant dense<255.0> : tensor<f32>
  %w1 = qnet.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [-1.0, -2.0, -3.0], [0.5, 0.25, 0.125]]> : tensor<4x3xf32>
  %b1 = qnet.constant dense<[0.5, -0.5, 0.25]> : tensor<3xf32>
  %w2 = qnet.constant dense<[[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]> : tensor<2x3xf32>
  %ones = qnet.constant dense<[1.0, 2.0, 0.5]> : tensor<3xf32>
  %n = qnet.div %x, %byte : (tensor<1x2x2xf32>, tensor<f32>) -> tensor<1x2x2xf32>
  %f = qnet.reshape %n : tensor<1x2x2xf32> -> tensor<1x4xf32>
  %m = qnet.matmul %f, %w1 : (tensor<1x4xf32>, tensor<4x3xf32>) -> tensor<1x3xf32>
  %a = qnet.add %m, %b1 : (tensor<1x3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  %bn = qnet.batch_norm %a, %ones, %b1, %b1, %ones {epsilon = 1.0e-3 : f32}
    : (tensor<1x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  %s = qnet.activation sigmoid %bn : tensor<1x3xf32> -> tensor<1x3xf32>
  %h = qnet.mul %bn, %s : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  %bn2 = qnet.batch_norm %h, %ones, %b1, %b1, %ones {epsilon = 1.0e-3 : f32}
    : (tensor<1x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  %d = qnet.dense %bn2, %w2 : (tensor<1x3xf32>, tensor<2x3xf32>) -> tensor<1x2xf32>
  %y = qnet.softmax %d {axis = 1 : i64} : tensor<1x2xf32> -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}
