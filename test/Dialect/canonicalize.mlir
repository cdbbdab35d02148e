// If this fails, a rewrite that costs nothing is missed, or one that changes a
// value is made.
//
// RUN: quant-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func @identity_activation
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @identity_activation(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = qnet.activation identity %x : tensor<?x4xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func @identity_cast
// CHECK-NEXT: return %arg0
func.func @identity_cast(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = qnet.cast %x : tensor<?x4xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// A cast that refines the shape or changes the type stays.
// CHECK-LABEL: func @real_cast
// CHECK-COUNT-2: qnet.cast
func.func @real_cast(%x: tensor<?x4xf32>) -> (tensor<?x4xf16>, tensor<2x4xf32>) {
  %0 = qnet.cast %x : tensor<?x4xf32> -> tensor<?x4xf16>
  %1 = qnet.cast %x : tensor<?x4xf32> -> tensor<2x4xf32>
  return %0, %1 : tensor<?x4xf16>, tensor<2x4xf32>
}

// CHECK-LABEL: func @concat_one
// CHECK-NEXT: return %arg0
func.func @concat_one(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = qnet.concat %x {axis = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func @whole_slice
// CHECK-NEXT: return %arg0
func.func @whole_slice(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = qnet.slice %x {starts = array<i64: 0, 0>, sizes = array<i64: -1, 4>, steps = array<i64: 1, 1>} : tensor<?x4xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// A slice that turns a dimension round has the same type and stays.
// CHECK-LABEL: func @reversing_slice
// CHECK: qnet.slice
func.func @reversing_slice(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = qnet.slice %x {starts = array<i64: 0, 3>, sizes = array<i64: -1, 4>, steps = array<i64: 1, -1>} : tensor<?x4xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func @reshape_twice
// CHECK-NEXT: %[[R:.*]] = qnet.reshape %arg0 : tensor<?x2x6xf32> -> tensor<?x4x3xf32>
// CHECK-NEXT: return %[[R]]
func.func @reshape_twice(%x: tensor<?x2x6xf32>) -> tensor<?x4x3xf32> {
  %0 = qnet.reshape %x : tensor<?x2x6xf32> -> tensor<?x12xf32>
  %1 = qnet.reshape %0 : tensor<?x12xf32> -> tensor<?x4x3xf32>
  return %1 : tensor<?x4x3xf32>
}

// CHECK-LABEL: func @reshape_back
// CHECK-NEXT: return %arg0
func.func @reshape_back(%x: tensor<?x2x6xf32>) -> tensor<?x2x6xf32> {
  %0 = qnet.reshape %x : tensor<?x2x6xf32> -> tensor<?x12xf32>
  %1 = qnet.reshape %0 : tensor<?x12xf32> -> tensor<?x2x6xf32>
  return %1 : tensor<?x2x6xf32>
}

// From 6 straight to 4 is no legal reshape (C2), so the step by 2 stays.
// CHECK-LABEL: func @reshape_in_two_steps
// CHECK-COUNT-2: qnet.reshape
func.func @reshape_in_two_steps(%x: tensor<?x6xf32>) -> tensor<?x4xf32> {
  %0 = qnet.reshape %x : tensor<?x6xf32> -> tensor<?x2xf32>
  %1 = qnet.reshape %0 : tensor<?x2xf32> -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// CHECK-LABEL: func @reshape_constants
// CHECK-DAG: %[[A:.*]] = qnet.constant dense<{{\[}}[1.000000e+00], [2.000000e+00]]> : tensor<2x1xf32>
// CHECK-DAG: %[[B:.*]] = qnet.constant dense<3> : tensor<2x3xi8>
// CHECK-DAG: %[[C:.*]] = qnet.constant dense_resource<four> : tensor<4xi8>
// CHECK: return %[[A]], %[[B]], %[[C]]
func.func @reshape_constants() -> (tensor<2x1xf32>, tensor<2x3xi8>, tensor<4xi8>) {
  %a = qnet.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = qnet.constant dense<3> : tensor<6xi8>
  %c = qnet.constant dense_resource<four> : tensor<2x2xi8>
  %0 = qnet.reshape %a : tensor<2xf32> -> tensor<2x1xf32>
  %1 = qnet.reshape %b : tensor<6xi8> -> tensor<2x3xi8>
  %2 = qnet.reshape %c : tensor<2x2xi8> -> tensor<4xi8>
  return %0, %1, %2 : tensor<2x1xf32>, tensor<2x3xi8>, tensor<4xi8>
}
{-#
  dialect_resources: { builtin: { four: "0x0100000001020304" } }
#-}

// -----

// CHECK-LABEL: func @transpose_identity
// CHECK-NEXT: return %arg0
func.func @transpose_identity(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = qnet.transpose %x {permutation = array<i64: 0, 1>} : tensor<2x3xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func @transpose_twice
// CHECK-NEXT: %[[T:.*]] = qnet.transpose %arg0 {permutation = array<i64: 1, 0, 2>} : tensor<2x3x4xf32> -> tensor<3x2x4xf32>
// CHECK-NEXT: return %[[T]]
func.func @transpose_twice(%x: tensor<2x3x4xf32>) -> tensor<3x2x4xf32> {
  %0 = qnet.transpose %x {permutation = array<i64: 2, 0, 1>} : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
  %1 = qnet.transpose %0 {permutation = array<i64: 2, 1, 0>} : tensor<4x2x3xf32> -> tensor<3x2x4xf32>
  return %1 : tensor<3x2x4xf32>
}

// CHECK-LABEL: func @transpose_back
// CHECK-NEXT: return %arg0
func.func @transpose_back(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = qnet.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
  %1 = qnet.transpose %0 {permutation = array<i64: 1, 0>} : tensor<3x2xf32> -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// CHECK-LABEL: func @zero_bias
// CHECK-NEXT: qnet.dense %arg0, %arg1 {function = #qnet.fn<relu>} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
func.func @zero_bias(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) -> tensor<?x2xf32> {
  %b = qnet.constant dense<0.0> : tensor<2xf32>
  %0 = qnet.dense %x, %w, %b {function = #qnet.fn<relu>} : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// One that is not zero, one that is -0, one that is not constant.
// CHECK-LABEL: func @other_bias
// CHECK-COUNT-3: qnet.dense %{{.*}}, %{{.*}}, %{{.*}} :
func.func @other_bias(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>, %b: tensor<2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %c = qnet.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %d = qnet.constant dense<-0.0> : tensor<2xf32>
  %0 = qnet.dense %x, %w, %c : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %1 = qnet.dense %x, %w, %d : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %2 = qnet.dense %x, %w, %b : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %0, %1, %2 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.5:10>
!v8 = !quant.uniform<u8:f32, 0.25:10>

// CHECK-LABEL: func @quantize_dequantize
// CHECK-NEXT: return %arg0
func.func @quantize_dequantize(%q: tensor<?x4x!u8>) -> tensor<?x4x!u8> {
  %0 = qnet.dequantize %q : tensor<?x4x!u8> -> tensor<?x4xf32>
  %1 = qnet.quantize %0 : tensor<?x4xf32> -> tensor<?x4x!u8>
  return %1 : tensor<?x4x!u8>
}

// Other parameters round anew.
// CHECK-LABEL: func @quantize_otherwise
// CHECK: qnet.dequantize
// CHECK: qnet.quantize
func.func @quantize_otherwise(%q: tensor<?x4x!u8>) -> tensor<?x4x!v8> {
  %0 = qnet.dequantize %q : tensor<?x4x!u8> -> tensor<?x4xf32>
  %1 = qnet.quantize %0 : tensor<?x4xf32> -> tensor<?x4x!v8>
  return %1 : tensor<?x4x!v8>
}

// Quantizing loses bits: the other order stays.
// CHECK-LABEL: func @dequantize_quantize
// CHECK: qnet.quantize
// CHECK: qnet.dequantize
func.func @dequantize_quantize(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!u8>
  %1 = qnet.dequantize %0 : tensor<?x4x!u8> -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// CHECK-LABEL: func @requantize_same
// CHECK-NEXT: return %arg0
func.func @requantize_same(%q: tensor<?x4x!u8>) -> tensor<?x4x!u8> {
  %0 = qnet.requantize %q : tensor<?x4x!u8> -> tensor<?x4x!u8>
  return %0 : tensor<?x4x!u8>
}

// CHECK-LABEL: func @requantize_other
// CHECK: qnet.requantize
func.func @requantize_other(%q: tensor<?x4x!u8>) -> tensor<?x4x!v8> {
  %0 = qnet.requantize %q : tensor<?x4x!u8> -> tensor<?x4x!v8>
  return %0 : tensor<?x4x!v8>
}

// An observer has an effect: it is not dead code.
// CHECK-LABEL: func @observer_stays
// CHECK: qnet.observe
func.func @observer_stays(%x: tensor<?x4xf32>) {
  qnet.observe %x {tensor = 0 : i64} : tensor<?x4xf32>
  return
}
