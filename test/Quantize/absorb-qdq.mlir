// If this fails, a model that comes already quantized loses its author's scales.
// RUN: quant-opt %s --absorb-qdq --split-input-file | FileCheck %s

// Meaning: with the parameters put back by assign-parameters, every bit is as
// before, from signed storage to unsigned.
// RUN: quant-opt %s --evaluate-main=rows=5 --split-input-file -o /dev/null > %t.before
// RUN: quant-opt %s --absorb-qdq --assign-parameters --evaluate-main=rows=5 --split-input-file -o /dev/null > %t.after
// RUN: diff %t.before %t.after

// Signed 8 bits: 128 goes onto the zero point.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32> {qnet.parameters = !quant.uniform<u8:f32, 1.250000e-01:125>}) -> (tensor<?x2xf32> {qnet.name = "signed"})
// CHECK-NOT: quantize
// CHECK: qnet.dense %[[X]], %{{.*}}
// CHECK-NOT: quantize
// CHECK: return
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32> {qnet.name = "signed"}) {
  %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<i8:f32, 0.125:-3>>
  %d = qnet.dequantize %q : tensor<?x2x!quant.uniform<i8:f32, 0.125:-3>> -> tensor<?x2xf32>
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %y = qnet.dense %d, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// One value under two parameter sets: the second one is a value of its own.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<?x1xf32> {qnet.parameters = !quant.uniform<u8:f32, 1.250000e-01:10>})
// CHECK: qnet.dense %[[X]],
// CHECK: %[[I:.*]] = qnet.activation identity %[[X]] {qnet.parameters = !quant.uniform<u8:f32, 5.000000e-01:20>}
// CHECK: qnet.dense %[[I]],
func.func @main(%x: tensor<?x1xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<1.0> : tensor<1x1xf32>
  %q0 = qnet.quantize %x : tensor<?x1xf32> -> tensor<?x1x!quant.uniform<u8:f32, 0.125:10>>
  %d0 = qnet.dequantize %q0 : tensor<?x1x!quant.uniform<u8:f32, 0.125:10>> -> tensor<?x1xf32>
  %y0 = qnet.dense %d0, %w : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
  %q1 = qnet.quantize %d0 : tensor<?x1xf32> -> tensor<?x1x!quant.uniform<u8:f32, 0.5:20>>
  %d1 = qnet.dequantize %q1 : tensor<?x1x!quant.uniform<u8:f32, 0.5:20>> -> tensor<?x1xf32>
  %y1 = qnet.dense %d1, %w : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
  return %y0, %y1 : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// A pair around constant weights, one scale a row, is evaluated.
// CHECK-LABEL: func.func @main
// CHECK: qnet.constant dense<{{\[}}[5.000000e-01, -2.500000e-01], [1.000000e+00, 0.000000e+00]]> : tensor<2x2xf32>
// CHECK-NOT: quantize
func.func @main(%a: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %qa = qnet.quantize %a : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<u8:f32, 0.0078125:128>>
  %x = qnet.dequantize %qa : tensor<?x2x!quant.uniform<u8:f32, 0.0078125:128>> -> tensor<?x2xf32>
  %c = qnet.constant dense<[[0.51, -0.26], [1.2, 0.1]]> : tensor<2x2xf32>
  %q = qnet.quantize %c : tensor<2x2xf32> -> tensor<2x2x!quant.uniform<i8:f32:0, {0.25, 1.0}>>
  %w = qnet.dequantize %q : tensor<2x2x!quant.uniform<i8:f32:0, {0.25, 1.0}>> -> tensor<2x2xf32>
  %y = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Nothing to do.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: qnet.activation relu %{{.*}} : tensor<?x2xf32> -> tensor<?x2xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %y = qnet.activation relu %x : tensor<?x2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
