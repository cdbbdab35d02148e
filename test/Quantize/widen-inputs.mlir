// If this fails, layers get 15-bit inputs where they need none, or where they cost much,
// or a layer that is small and inexact gets none.
// RUN: quant-opt %s --widen-inputs=small=16 --split-input-file | FileCheck %s
// RUN: quant-opt %s "--widen-inputs=small=16 sqnr=100 share=1 tables=true" --split-input-file | FileCheck %s --check-prefix=ALL
// RUN: quant-opt %s "--widen-inputs=small=16 weights=int4 least-int4=1" --split-input-file | FileCheck %s --check-prefix=INT4
// RUN: quant-opt %s "--widen-inputs=small=16 bad-most=15" --split-input-file | FileCheck %s --check-prefix=LARGE
// RUN: not quant-opt %s --widen-inputs=share=2 2>&1 | FileCheck %s --check-prefix=SHARE
// SHARE: widen-inputs: shares must lie between 0 and 1, they are {{2.*}} and {{.*}}

// All 8 weights of a small network may read 15 bits. The first value causes 40 dB, the
// second 60: without the first the sum is below what 50 dB allow.
// CHECK-LABEL: func.func @small
// CHECK: qnet.dense %arg0, {{.*}}qnet.precision = "int8x16", qnet.widened = "15 bits: in 8 its input alone would leave 40.0 dB"
// CHECK: qnet.dense
// CHECK-NOT: qnet.precision
// CHECK-NOT: qnet.widened
// CHECK: return
// ALL-LABEL: func.func @small
// ALL-COUNT-2: qnet.precision = "int8x16"
func.func @small(%x: tensor<?x2xf32> {qnet.output_noise = 1.0e-4 : f64}) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w {function = #qnet.fn<relu>, qnet.output_noise = 1.0e-6 : f64} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %h, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// 128 of 132 weights are too large a part, 4 of them are a small one; the value in front
// of a move is the layer's input. Weights of 4 bits multiply inputs of 8.
// CHECK-LABEL: func.func @share
// CHECK-NOT: qnet.precision
// CHECK: qnet.reshape
// CHECK-NEXT: qnet.dense {{.*}}qnet.precision = "int8x16"
// INT4-LABEL: func.func @share
// INT4: qnet.dense %arg0, {{.*}} -> tensor<?x2xf32>
// INT4: qnet.dense {{.*}}qnet.precision = "int8x16"
func.func @share(%x: tensor<?x64xf32> {qnet.output_noise = 1.0e-2 : f64}) -> tensor<?x2xf32> {
  %w = qnet.constant dense<0.5> : tensor<2x64xf32>
  %v = qnet.constant dense<0.5> : tensor<2x2xf32>
  %h = qnet.dense %x, %w {qnet.output_noise = 1.0e-3 : f64} : (tensor<?x64xf32>, tensor<2x64xf32>) -> tensor<?x2xf32>
  %r = qnet.reshape %h : tensor<?x2xf32> -> tensor<?x2xf32>
  %y = qnet.dense %r, %v : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A table for 15 bits is large; what has its precision keeps it; no noise, no need.
// CHECK-LABEL: func.func @not
// CHECK-NOT: int8x16
// CHECK: return
// ALL-LABEL: func.func @not
// ALL: qnet.dense {{.*}}qnet.precision = "int8"
// ALL: qnet.dense {{.*}}qnet.precision = "int8x16"
// ALL-NOT: int8x16
// ALL: return
func.func @not(%x: tensor<?x2xf32> {qnet.output_noise = 1.0e-2 : f64}) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w {qnet.precision = "int8"} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %t = qnet.activation tanh %h {qnet.output_noise = 1.0e-2 : f64} : tensor<?x2xf32> -> tensor<?x2xf32>
  %k = qnet.dense %t, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %k, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A fifth of the weights is more than a sixteenth, but its input causes most of an error
// of 30 dB; that of the next, half of what is then left of 40, has to stay.
// CHECK-LABEL: func.func @bad
// CHECK: qnet.dense %arg0, {{.*}}qnet.precision = "int8x16"
// CHECK: return
// CHECK-NOT: int8x16
// A layer of more weights than that costs more than it gains.
// LARGE-LABEL: func.func @bad
// LARGE-NOT: int8x16
// LARGE: return
func.func @bad(%x: tensor<?x4xf32> {qnet.output_noise = 1.0e-3 : f64}) -> tensor<?x4xf32> {
  %w = qnet.constant dense<0.5> : tensor<4x4xf32>
  %v = qnet.constant dense<0.5> : tensor<16x4xf32>
  %u = qnet.constant dense<0.5> : tensor<4x16xf32>
  %h = qnet.dense %x, %w {qnet.output_noise = 0.9e-4 : f64} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %k = qnet.dense %h, %v : (tensor<?x4xf32>, tensor<16x4xf32>) -> tensor<?x16xf32>
  %y = qnet.dense %k, %u : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Parts that are joined have one type, whose noise is noted where they are joined. A
// function that is computed in float before the input is quantized needs no table.
// CHECK-LABEL: func.func @prologue
// CHECK: qnet.dense {{.*}}qnet.precision = "int8x16", qnet.widened = "15 bits: in 8 its input alone would leave 20.0 dB"
func.func @prologue(%x: tensor<?x2xf32>, %z: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %s = qnet.constant dense<[1.0, 100.0]> : tensor<2xf32>
  %w = qnet.constant dense<0.5> : tensor<2x4xf32>
  %m = qnet.mul %z, %s : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %t = qnet.activation tanh %m : tensor<?x2xf32> -> tensor<?x2xf32>
  %c = qnet.concat %x, %t {axis = 1 : i64, qnet.output_noise = 1.0e-2 : f64} : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %y = qnet.dense %c, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A distance, and what fine weights multiply, have 15 bits whatever their noise.
// CHECK-LABEL: func.func @kernel
// CHECK: qnet.dense {{.*}}qnet.precision = "int8x16", qnet.rbf_gamma = 1.000000e+00 : f32, qnet.widened = "15 bits: it measures distances"
// CHECK: qnet.dense {{.*}}qnet.precision = "int8x16", qnet.widened = "15 bits: its weights are as fine"
// CHECK: qnet.dense
// CHECK-NOT: int8x16
// CHECK: return
func.func @kernel(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w {qnet.fine_weights, qnet.rbf_gamma = 1.0 : f32} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %k = qnet.dense %h, %w {qnet.fine_weights} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %k, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
