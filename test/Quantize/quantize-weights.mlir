// If this fails, dense layers are not qdense, or with the wrong integers.
// RUN: quant-opt %s --quantize-weights --split-input-file | FileCheck %s
// RUN: quant-opt %s --quantize-weights=bias-correction=false --split-input-file | FileCheck %s --check-prefix=PLAIN
// RUN: quant-opt %s --quantize-weights=requant=fixed --split-input-file | FileCheck %s --check-prefix=FIXED
// RUN: quant-opt %s --quantize-weights=note-rounding=true --split-input-file | FileCheck %s --check-prefix=NOTE
// RUN: quant-opt %s "--quantize-weights=note-rounding=true bias-correction=false" --split-input-file | FileCheck %s --check-prefix=NOTEPLAIN

// Meaning: the same values to two digits (weights are rounded, so no more).
// RUN: quant-opt %s --evaluate-main="rows=3 digits=1" --split-input-file -o /dev/null > %t.before
// RUN: quant-opt %s --quantize-weights=bias-correction=false --evaluate-main="rows=3 digits=1" --split-input-file -o /dev/null > %t.after
// RUN: diff %t.before %t.after

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// A float result. Row 0: scale 127/127 = 1. Row 1: scale 2, -3 / 2 = -1.5 is a tie and
// goes to even. The zero point leaves with the bias: -128 * (127 + 64) and
// -128 * (127 - 2). out_bias is the bias as it was, less the rounding's mean
// error: row 1 rounds -3 to -4, which at a mean of 0.5 is -0.5 too little.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[W:.*]] = qnet.constant dense<{{\[}}[127, 64], [127, -2]]> : tensor<2x2xi8>
// CHECK-DAG: %[[B:.*]] = qnet.constant dense<[-24448, -16000]> : tensor<2xi32>
// CHECK-DAG: %[[M:.*]] = qnet.constant dense<[1.562500e-02, 3.125000e-02]> : tensor<2xf32>
// CHECK-DAG: %[[O:.*]] = qnet.constant dense<[1.000000e+00, -1.500000e+00]> : tensor<2xf32>
// CHECK-NOT: dequantize
// CHECK: qnet.qdense %{{.*}}, %[[W]], %[[B]], %[[M]] out_bias(%[[O]])
// PLAIN-LABEL: func.func @main
// PLAIN: qnet.constant dense<[1.000000e+00, -2.000000e+00]> : tensor<2xf32>
// FIXED-LABEL: func.func @main
// FIXED: qnet.qdense {{.*}} out_bias
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32> {qnet.name = "float"}) {
  %w = qnet.constant dense<[[127.0, 64.0], [254.0, -3.0]]> : tensor<2x2xf32>
  %b = qnet.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %q = qnet.quantize %x {qnet.mean = array<f64: 0.25, 0.5>} : tensor<?x2xf32> -> tensor<?x2x!u8>
  %d = qnet.dequantize %q : tensor<?x2x!u8> -> tensor<?x2xf32>
  %y = qnet.dense %d, %w, %b : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:0>
!out = !quant.uniform<u8:f32, 0.5:0>

// A relu before a range that starts at the zero point is a clamp: no op is left of
// it. A row of zeros is its bias and nothing else, at 2^22 for precision. A row on
// a grid of integers stays on one: (100, -75) = (124, -93) / 1.24. The mean goes on to the next layer.
// CHECK-LABEL: func.func @main
// CHECK-DAG: qnet.constant dense<{{\[}}[124, -93], [0, 0]]> : tensor<2x2xi8>
// CHECK-DAG: qnet.constant dense<[79, 4194304]> : tensor<2xi32>
// CHECK-NOT: qnet.activation
// CHECK: qnet.qdense {{.*}} {qnet.mean = array<f64: 1.000000e+00, 2.000000e+00>} : {{.*}} -> tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01>>
// FIXED-LABEL: func.func @main
// FIXED: qnet.constant dense<[79, 4194304]>
// FIXED: %[[MANTISSA:.*]] = qnet.constant dense<[1731841664, 1610612736]> : tensor<2xi32>
// FIXED: %[[SHIFT:.*]] = qnet.constant dense<[36, 50]> : tensor<2xi32>
// FIXED: qnet.qdense {{.*}}, %[[MANTISSA]] shift(%[[SHIFT]])
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32> {qnet.name = "clamp"}) {
  %w = qnet.constant dense<[[100.0, -75.0], [0.0, 0.0]]> : tensor<2x2xf32>
  %b = qnet.constant dense<[1.0, 3.0]> : tensor<2xf32>
  %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!u8>
  %d = qnet.dequantize %q : tensor<?x2x!u8> -> tensor<?x2xf32>
  %h = qnet.dense %d, %w, %b : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %r = qnet.activation relu %h : tensor<?x2xf32> -> tensor<?x2xf32>
  %rq = qnet.quantize %r {qnet.mean = array<f64: 1.0, 2.0>} : tensor<?x2xf32> -> tensor<?x2x!out>
  %rd = qnet.dequantize %rq : tensor<?x2x!out> -> tensor<?x2xf32>
  return %rd : tensor<?x2xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 1.0:0>
!out = !quant.uniform<u8:f32, 1.0:0>

// A bias far larger than the weights would not fit an accumulator at the
// weights' scale: the scale grows until it does.
// CHECK-LABEL: func.func @main
// CHECK-DAG: qnet.constant dense<0> : tensor<1x1xi8>
// CHECK-DAG: qnet.constant dense<1073741824> : tensor<1xi32>
func.func @main(%x: tensor<?x1xf32>) -> (tensor<?x1xf32> {qnet.name = "large bias"}) {
  %w = qnet.constant dense<1.0e-20> : tensor<1x1xf32>
  %b = qnet.constant dense<100.0> : tensor<1xf32>
  %q = qnet.quantize %x : tensor<?x1xf32> -> tensor<?x1x!u8>
  %d = qnet.dequantize %q : tensor<?x1x!u8> -> tensor<?x1xf32>
  %h = qnet.dense %d, %w, %b : (tensor<?x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  %rq = qnet.quantize %h : tensor<?x1xf32> -> tensor<?x1x!out>
  %rd = qnet.dequantize %rq : tensor<?x1x!out> -> tensor<?x1xf32>
  return %rd : tensor<?x1xf32>
}

// -----

// Nothing to do: the input is not quantized.
// CHECK-LABEL: func.func @main
// CHECK: qnet.dense
func.func @main(%x: tensor<?x1xf32>) -> (tensor<?x1xf32> {qnet.name = "float input"}) {
  %w = qnet.constant dense<1.0> : tensor<1x1xf32>
  %h = qnet.dense %x, %w : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
  return %h : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// Only -3, which becomes -4, is off. Without the mean, which the bias takes up, the error's
// power is 0.5 - 2 * 0.5 * 0.5 + 0.5^2, with it 0.5. The outputs' is
// 22241 + 2 * 32 + 1 and 64139.5 + 2 * 3 + 4. What widening noted stays.
// CHECK-LABEL: func.func @main
// CHECK-NOT: rounding_noise
// NOTE-LABEL: func.func @main(%{{.*}} {qnet.name = "noted"}
// NOTE: qnet.qdense {{.*}}qnet.rounding_noise = 2.8916{{[0-9]*}}E-6 : f64, qnet.widened = "why"
// NOTEPLAIN-LABEL: func.func @main(%{{.*}} {qnet.name = "noted"}
// NOTEPLAIN: qnet.qdense {{.*}}qnet.rounding_noise = 5.7833{{[0-9]*}}E-6 : f64
func.func @main(%x: tensor<?x2xf32> {qnet.name = "noted"}) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[127.0, 64.0], [254.0, -3.0]]> : tensor<2x2xf32>
  %b = qnet.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %q = qnet.quantize %x {qnet.mean = array<f64: 0.25, 0.5>} : tensor<?x2xf32> -> tensor<?x2x!u8>
  %d = qnet.dequantize %q : tensor<?x2x!u8> -> tensor<?x2xf32>
  %y = qnet.dense %d, %w, %b {qnet.widened = "why", qnet.second_moment = dense<[[1.0, 0.25], [0.25, 0.5]]> : tensor<2x2xf32>, qnet.sample_mean = array<f32: 0.0, 0.5>} : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
