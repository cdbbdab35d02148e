// If this fails, the scales of weights are not those of the least error of the output.
// RUN: quant-opt %s --search-weight-scales --split-input-file | FileCheck %s
// RUN: quant-opt %s --search-weight-scales="weights=int4 least-int4=0" --split-input-file | FileCheck %s --check-prefix=INT4

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// Channel 0: (127, 64) at the scale of least squares.
// CHECK-LABEL: func.func @main
// CHECK: qnet.weight_scale = array<f32: 1.0014{{[0-9]*}}>
// INT4-LABEL: func.func @main
// INT4-NOT: qnet.group_multipliers
func.func @main(%q: tensor<?x2x!u8>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[127.0, 64.45]]> : tensor<1x2xf32>
  %d = qnet.dequantize %q : tensor<?x2x!u8> -> tensor<?x2xf32>
  %y = qnet.dense %d, %w {qnet.sample_rows = 1000000 : i64,
      qnet.second_moment = dense<[[100.0, 0.0], [0.0, 100.0]]> : tensor<2x2xf32>}
      : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// The largest weight meets an input that hardly varies, and is clipped for the sake of
// the other one: 64.45 is no whole number of steps, but one of 0.86.
// CHECK-LABEL: func.func @clipped
// CHECK: qnet.weight_scale = array<f32: 0.8{{[0-9]*}}>
func.func @clipped(%q: tensor<?x2x!u8>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[64.45, 127.0]]> : tensor<1x2xf32>
  %d = qnet.dequantize %q : tensor<?x2x!u8> -> tensor<?x2xf32>
  %y = qnet.dense %d, %w {qnet.sample_rows = 1000000 : i64,
      qnet.second_moment = dense<[[100.0, 0.0], [0.0, 0.001]]> : tensor<2x2xf32>}
      : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// In 4 bits the multipliers of groups belong to it.
// INT4-LABEL: func.func @grouped
// INT4: qnet.group_multipliers = array<i8: 127>
// INT4-SAME: qnet.weight_scale = array<f32: {{.*}}>
func.func @grouped(%q: tensor<?x64x!u8>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<0.875> : tensor<1x64xf32>
  %d = qnet.dequantize %q : tensor<?x64x!u8> -> tensor<?x64xf32>
  %y = qnet.dense %d, %w {qnet.sample_rows = 100 : i64,
      qnet.second_moment = dense<0.0> : tensor<64x64xf32>}
      : (tensor<?x64xf32>, tensor<1x64xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Nothing to do.
// CHECK-LABEL: func.func @float
// CHECK-NOT: qnet.weight_scale
func.func @float(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<1.0> : tensor<1x1xf32>
  %y = qnet.dense %x, %w : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
