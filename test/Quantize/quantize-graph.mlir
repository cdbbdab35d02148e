// If this fails, graphs that are no chains (residuals, a scale a channel, prelu,
// concat, means, two outputs) don't become integers or mean something else.
// RUN: quant-opt %s --qnet-quantize | FileCheck %s
// RUN: quant-opt %s --evaluate-main="rows=2 digits=1" -o /dev/null | FileCheck %s --check-prefix=EVAL
// RUN: quant-opt %s --qnet-quantize --evaluate-main="rows=2 digits=1" -o /dev/null | FileCheck %s --check-prefix=EVAL

!x = tensor<?x4x!quant.calibrated<f32<-2.0:2.0>>>
!h = tensor<?x4x!quant.calibrated<f32<-4.0:4.0>>>
!k = tensor<?x4x!quant.calibrated<f32<0.0:5.0>>>
!c = tensor<?x8x!quant.calibrated<f32<-4.0:4.0>>>
!m = tensor<?x1x!quant.calibrated<f32<-4.0:4.0>>>

// CHECK: %[[H:.*]] = qnet.lookup
// CHECK: %[[G:.*]] = qnet.qdense %[[H]],
// CHECK: %[[K:.*]] = qnet.qadd %[[G]], %[[H]] : {{.*}} -> tensor<?x4x!quant.uniform<u8:f32, 0.019{{[0-9]*}}>>
// CHECK: qnet.qmul %[[K]],
// CHECK: %[[P:.*]] = qnet.qadd
// CHECK: %[[C:.*]] = qnet.concat %[[P]], %[[H]]
// CHECK: %[[M:.*]] = qnet.qdense %[[C]], {{.*}} -> tensor<?x1x!quant.uniform
// CHECK: %[[D:.*]] = qnet.dequantize %[[M]]
// CHECK: %[[Y:.*]] = qnet.qdense %[[M]], {{.*}} -> tensor<?x2xf32>
// CHECK: return %[[Y]], %[[D]]
// EVAL: y: 2x2xf32: 0.5 -0.3 0.06 -0.04
// EVAL: mean: 2x1xf32: 1 0.1
func.func @main(%x: !x) -> (tensor<?x2xf32> {qnet.name = "y"}, !m {qnet.name = "mean"}) {
  %w = qnet.constant dense<[[0.5, -0.25, 0.125, 1.0], [-0.3, 0.2, 0.1, -0.9], [0.1, 0.2, 0.3, 0.4], [1.0, -1.0, 0.5, -0.5]]> : tensor<4x4xf32>
  %h = qnet.dense %x, %w {function = #qnet.fn<relu>} : (!x, tensor<4x4xf32>) -> !h loc("h")
  %g = qnet.dense %h, %w : (!h, tensor<4x4xf32>) -> !h loc("g")
  %r = qnet.add %g, %h : (!h, !h) -> !h loc("r")
  %k = qnet.activation relu %r : !h -> !k loc("k")
  %d = qnet.constant dense<[0.5, 1.0, 0.75, 0.25]> : tensor<4xf32>
  %m = qnet.mul %k, %d : (!k, tensor<4xf32>) -> !k loc("m")
  %slope = qnet.constant dense<[0.5, 0.1, 0.2, 0.25]> : tensor<4xf32>
  %h2 = qnet.dense %m, %w : (!k, tensor<4x4xf32>) -> !h loc("h2")
  %p = qnet.prelu %h2, %slope : (!h, tensor<4xf32>) -> !h loc("p")
  %c = qnet.concat %p, %h {axis = 1} : (!h, !h) -> !c loc("c")
  %me = qnet.reduce mean %c {axes = array<i64: 1>, keep_dims} : !c -> !m loc("mean")
  %w1 = qnet.constant dense<[[0.5], [-0.3]]> : tensor<2x1xf32>
  %y = qnet.dense %me, %w1 : (!m, tensor<2x1xf32>) -> tensor<?x2xf32>
  return %y, %me : tensor<?x2xf32>, !m
}
