// If this fails, allow-float loses an op's ledger line, or a network that has one
// op without an integer form no longer compiles at all.
// RUN: quant-opt %s --qnet-quantize=allow-float | FileCheck %s
// RUN: not quant-opt %s --qnet-quantize="allow-float require-int" 2>&1 | FileCheck %s --check-prefix=INT
// RUN: quant-opt %s --evaluate-main="digits=2 range=1" -o /dev/null | FileCheck %s --check-prefix=EVAL
// RUN: quant-opt %s --qnet-quantize=allow-float --evaluate-main="digits=2 range=1" -o /dev/null | FileCheck %s --check-prefix=EVAL

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
!p = tensor<?x2x!quant.calibrated<f32<0.0:1.0>>>

// CHECK: %[[H:.*]] = qnet.qdense {{.*}} -> tensor<?x2xf32>
// CHECK: %[[S:.*]] = qnet.softmax %[[H]] {axis = 1 : i64, qnet.ledger = "has no integer form; left in float as allow-float asks"}
// CHECK: %[[Q:.*]] = qnet.quantize %[[S]]
// CHECK: qnet.qdense %[[Q]], {{.*}} -> tensor<?x2xf32>
// INT: 'qnet.softmax' op breaks I6 of verify-integer: is left in float (has no integer form; left in float as allow-float asks), and require-int asks for integers only
// EVAL: y: 2x2xf32:
func.func @main(%x: !in) -> (tensor<?x2xf32> {qnet.name = "y"}) {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w : (!in, tensor<2x2xf32>) -> !in
  %s = qnet.softmax %h {axis = 1 : i64} : !in -> !p
  %y = qnet.dense %s, %w : (!p, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
