// If this fails, the stage as a whole leaves float ops behind, loses a layer's name
// or is less accurate than its layers are.
// RUN: quant-opt %s --qnet-quantize --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: quant-opt %s --evaluate-main="rows=3 digits=2" -o /dev/null | FileCheck %s --check-prefix=EVAL
// RUN: quant-opt %s --qnet-quantize --evaluate-main="rows=3 digits=2" -o /dev/null | FileCheck %s --check-prefix=EVAL
// RUN: quant-opt %s --qnet-quantize=requant=fixed --evaluate-main="rows=3 digits=2" -o /dev/null | FileCheck %s --check-prefix=EVAL
// RUN: not quant-opt %s --qnet-quantize=require-int 2>&1 | FileCheck %s --check-prefix=INT

!x = tensor<?x4x!quant.calibrated<f32<-2.0:2.0>>>
!h1 = tensor<?x3x!quant.calibrated<f32<0.0:3.0>>>
!h2 = tensor<?x2x!quant.calibrated<f32<-0.8:0.8>>>

// CHECK: qnet.quantize
// CHECK: qnet.qdense {{.*}} -> tensor<?x3x!quant.uniform<u8:f32, 0.011764706112444401>> loc("fc1")
// CHECK: qnet.qdense {{.*}} -> tensor<?x2x!quant.uniform<u16<0:4095>:f32, {{.*}}>> loc("fc2/pre-activation")
// CHECK: qnet.lookup {{.*}} tensor<4096xui8>) -> tensor<?x2x!quant.uniform<u8:f32, {{.*}}>> loc("fc2")
// CHECK: qnet.qdense {{.*}} out_bias({{.*}}) {{.*}} -> tensor<?x2xf32> loc("fc3/pre-activation")
// CHECK: qnet.activation sigmoid {{.*}} {qnet.ledger = "{{.*}}"} : tensor<?x2xf32> -> tensor<?x2xf32> loc("fc3")
// CHECK-NOT: qnet.mean
// EVAL: y: 3x2xf32: 0.59 0.44 0.55 0.47 0.57 0.45
// INT: breaks I6 of verify-integer
func.func @main(%x: !x {qnet.mean = array<f64: 0.1, 0.2, -0.1, 0.0>}) -> (tensor<?x2xf32> {qnet.name = "y"}) {
  %w1 = qnet.constant dense<[[0.5, -0.25, 0.125, 1.0], [-0.3, 0.2, 0.1, -0.9], [0.0, 0.0, 0.0, 0.0]]> : tensor<3x4xf32>
  %b1 = qnet.constant dense<[0.1, -0.1, 0.7]> : tensor<3xf32>
  %h1 = qnet.dense %x, %w1, %b1 {function = #qnet.fn<relu>} : (!x, tensor<3x4xf32>, tensor<3xf32>) -> !h1 loc("fc1")
  %w2 = qnet.constant dense<[[0.5, -0.25, 0.125], [-0.3, 0.2, 0.1]]> : tensor<2x3xf32>
  %h2 = qnet.dense %h1, %w2 {function = #qnet.fn<tanh>} : (!h1, tensor<2x3xf32>) -> !h2 loc("fc2")
  %w3 = qnet.constant dense<[[0.5, -0.25], [-0.3, 0.2]]> : tensor<2x2xf32>
  %h3 = qnet.dense %h2, %w3 {function = #qnet.fn<sigmoid>} : (!h2, tensor<2x2xf32>) -> tensor<?x2xf32> loc("fc3")
  return %h3 : tensor<?x2xf32>
}
