// If this fails, a TOSA network computes other numbers after its conversion. The
// expected ones are worked out by hand from TOSA's specification.
//
// RUN: quant-opt %s --convert-tosa-to-qnet --evaluate-main -o /dev/null | FileCheck %s
// RUN: quant-opt %s --convert-tosa-to-qnet --canonicalize --evaluate-main -o /dev/null | FileCheck %s

// Row 0: (1 + 1.5 + 1) + 1 = 4.5 and (-1 - 2) + 0.25 = -2.75, clamped to 4.5 and 0;
// times [[2, -1], [3, 4]] gives 9 and -4.5. Row 1: 1 and 0.25, which gives 2.75 and 0.
// CHECK: layers: 2x2xf32: 9 -4.5 2.75 0
// Rounded, half to even: 9 and -4 (from -4.5), 3 (from 2.75) and 0.
// CHECK: rounded: 2x2xi32: 9 -4 3 0
// CHECK: largest: 2xi32: 0 0
func.func @main(%x: tensor<2x1x1x4xf32> {qnet.example = dense<[[[[1.0, -2.0, 3.0, 0.5]]], [[[0.0, 0.0, 0.0, 0.0]]]]> : tensor<2x1x1x4xf32>})
    -> (tensor<2x2xf32> {qnet.name = "layers"}, tensor<2x2xi32> {qnet.name = "rounded"}, tensor<2xi32> {qnet.name = "largest"}) {
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %w = "tosa.const"() {values = dense<[[[[1.0, 0.0, 0.5, 2.0]]], [[[-1.0, 1.0, 0.0, 0.0]]]]> : tensor<2x1x1x4xf32>} : () -> tensor<2x1x1x4xf32>
  %b = "tosa.const"() {values = dense<[1.0, 0.25]> : tensor<2xf32>} : () -> tensor<2xf32>
  %v = "tosa.const"() {values = dense<[[[2.0, -1.0], [3.0, 4.0]]]> : tensor<1x2x2xf32>} : () -> tensor<1x2x2xf32>
  %s3 = tosa.const_shape {values = dense<[1, 2, 2]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %s2 = tosa.const_shape {values = dense<[2, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.conv2d %x, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<2x1x1x4xf32>, tensor<2x1x1x4xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x1x1x2xf32>
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 3.40282347E+38 : f32} : (tensor<2x1x1x2xf32>) -> tensor<2x1x1x2xf32>
  %2 = tosa.reshape %1, %s3 : (tensor<2x1x1x2xf32>, !tosa.shape<3>) -> tensor<1x2x2xf32>
  %3 = tosa.matmul %2, %v, %zp, %zp : (tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x2x2xf32>
  %4 = tosa.reshape %3, %s2 : (tensor<1x2x2xf32>, !tosa.shape<2>) -> tensor<2x2xf32>
  %5 = tosa.cast %4 : (tensor<2x2xf32>) -> tensor<2x2xi32>
  %6 = tosa.argmax %4 {axis = 1 : i32} : (tensor<2x2xf32>) -> tensor<2xi32>
  return %4, %5, %6 : tensor<2x2xf32>, tensor<2x2xi32>, tensor<2xi32>
}
