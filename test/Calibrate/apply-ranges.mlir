// Breaks if a range is lost on its way into the types, or changes when printed.
// RUN: quant-opt --apply-ranges=ranges=%S/Inputs/ranges.json %s | FileCheck %s
// RUN: quant-opt --apply-ranges=ranges=%S/Inputs/ranges.json %s > %t.once
// RUN: quant-opt %t.once > %t.twice
// RUN: diff %t.once %t.twice
// RUN: quant-opt --emit-bytecode %t.once | quant-opt > %t.bytecode
// RUN: diff %t.once %t.bytecode
// RUN: quant-opt --apply-ranges=ranges=%S/Inputs/ranges.json --verify-calibrated %s
// RUN: quant-opt --insert-observers --apply-ranges=ranges=%S/Inputs/ranges.json --verify-calibrated %s

// A value that was always zero gets a range all the same; a reshape shares its
// input's.
// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<?x2x!quant.calibrated<f32<-1.000000e+00:1.250000e+00>>> {qnet.mean = array<f32: 5.000000e-01, 2.500000e-01>, qnet.name = "x"}
// CHECK: qnet.dense
// CHECK-SAME: qnet.preactivation = array<f64: -3.000000e+00, 2.000000e+00>
// CHECK-SAME: tensor<?x2x!quant.calibrated<f32<-0.12345678{{0*}}:0.12345678{{0*}}>>>
// CHECK: qnet.reshape {{.*}} -> tensor<?x2x1x!quant.calibrated<f32<-0.12345
// CHECK: qnet.activation relu {{.*}} -> tensor<?x2x1x!quant.calibrated<f32<0.000000e+00:1.000000e+00>>>
func.func @main(%x: tensor<?x2xf32> {qnet.name = "x"}) -> tensor<?x2x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %d = qnet.dense %x, %w {function = #qnet.fn<tanh>} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32> loc("fc")
  %r = qnet.reshape %d : tensor<?x2xf32> -> tensor<?x2x1xf32>
  %y = qnet.activation relu %r : tensor<?x2x1xf32> -> tensor<?x2x1xf32> loc("y")
  return %y : tensor<?x2x1xf32>
}
