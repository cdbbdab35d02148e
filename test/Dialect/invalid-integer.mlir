// If this fails, a broken op of the integer or kernel level, or an op on stored
// integers that is not defined on them, is accepted or refused without its rule.
//
// RUN: quant-opt %s --split-input-file --verify-diagnostics

//===----------------------------------------------------------------------===//
// R1, R2, R3: the rules that many ops share
//===----------------------------------------------------------------------===//

// R1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @r1_add(%x: tensor<?x4x!u8>) {
  // expected-error @+1 {{'qnet.add' op computes with real numbers but is given 'tensor<?x4x!quant.uniform<u8:f32, 5.000000e-01:10>>': put qnet.dequantize before it (and qnet.quantize after it), or use the integer level's op [R1]}}
  %0 = qnet.add %x, %x : (tensor<?x4x!u8>, tensor<?x4x!u8>) -> tensor<?x4x!u8>
  return
}

// -----

// R1: the result alone.
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @r1_dense(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{'qnet.dense' op computes with real numbers}}
  %0 = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2x!u8>
  return
}

// -----

// R1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @r1_activation(%x: tensor<?x4x!u8>) {
  // expected-error @+1 {{'qnet.activation' op computes with real numbers}}
  %0 = qnet.activation relu %x : tensor<?x4x!u8> -> tensor<?x4x!u8>
  return
}

// -----

// R1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @r1_cast(%x: tensor<?x4x!u8>) {
  // expected-error @+1 {{'qnet.cast' op computes with real numbers}}
  %0 = qnet.cast %x : tensor<?x4x!u8> -> tensor<?x4xf32>
  return
}

// -----

// R2
!u8 = !quant.uniform<u8:f32, 0.5:10>
!v8 = !quant.uniform<u8:f32, 0.25:10>
func.func @r2_concat(%x: tensor<?x4x!u8>, %y: tensor<?x4x!v8>) {
  // expected-error @+1 {{'qnet.concat' op mixes '!quant.uniform<u8:f32, 5.000000e-01:10>' and '!quant.uniform<u8:f32, 2.500000e-01:10>': all tensors must have one quantized type; make them the same with qnet.requantize or qnet.quantize [R2]}}
  %0 = qnet.concat %x, %y {axis = 1 : i64} : (tensor<?x4x!u8>, tensor<?x4x!v8>) -> tensor<?x8x!u8>
  return
}

// -----

// R2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @r2_max(%x: tensor<?x4x!u8>, %y: tensor<?x4xf32>) {
  // expected-error @+1 {{'qnet.max' op mixes '!quant.uniform<u8:f32, 5.000000e-01:10>' and 'f32'}}
  %0 = qnet.max %x, %y : (tensor<?x4x!u8>, tensor<?x4xf32>) -> tensor<?x4x!u8>
  return
}

// -----

// R2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @r2_reshape(%x: tensor<?x4x!u8>) {
  // expected-error @+1 {{'qnet.reshape' op mixes}}
  %0 = qnet.reshape %x : tensor<?x4x!u8> -> tensor<?x2x2xf32>
  return
}

// -----

// R2: moving would move the axis.
!axis = !quant.uniform<u8:f32:1, {0.5:10, 0.25:3}>
func.func @r2_per_axis(%x: tensor<3x2x!axis>) {
  // expected-error @+1 {{only per-tensor quantized values can be moved [R2]}}
  %0 = qnet.transpose %x {permutation = array<i64: 1, 0>} : tensor<3x2x!axis> -> tensor<2x3x!axis>
  return
}

// -----

// R3
!wide = !quant.uniform<i32:f32, 0.5>
func.func @r3_bits(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'!quant.uniform<i32:f32, 5.000000e-01>' stores 32 bits: at most 16 are allowed [R3]}}
  %0 = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!wide>
  return
}

// -----

// R3
!tiny = !quant.uniform<u8:f32, 1.0e-35>
func.func @r3_scale(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{[R3]}}
  %0 = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!tiny>
  return
}

// -----

// R3
!far = !quant.uniform<u8:f32, 0.5:300>
func.func @r3_zero_point(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{[R3]}}
  %0 = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!far>
  return
}

// -----

// R3: a zero point that is 0 modulo 2^32.
!far = !quant.uniform<u8:f32, 0.5:4294967296>
func.func @r3_zero_point_wraps(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{the zero point does not fit in 32 bits [R3]}}
  %0 = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!far>
  return
}

// -----

// R3
!double = !quant.uniform<u8:f64, 0.5>
func.func @r3_expressed(%x: tensor<?x4xf64>) {
  // expected-error @+1 {{'!quant.uniform<u8:f64, 5.000000e-01>' does not express f32 [R3]}}
  %0 = qnet.quantize %x : tensor<?x4xf64> -> tensor<?x4x!double>
  return
}

// -----

// R3
!axis = !quant.uniform<u8:f32:1, {0.5:10, 0.25:3}>
func.func @r3_axis_size(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{has 2 scales along axis 1: the axis must exist and have that static size [R3]}}
  %0 = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!axis>
  return
}

// -----

// R3
!axis = !quant.uniform<u8:f32:5, {0.5:10, 0.25:3}>
func.func @r3_axis(%x: tensor<?x2xf32>) {
  // expected-error @+1 {{has 2 scales along axis 5}}
  %0 = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!axis>
  return
}

// -----

// R3
!axis = !quant.uniform<u8:f32:1, {0.5:10, 0.25:256}>
func.func @r3_axis_zero_point(%x: tensor<?x2xf32>) {
  // expected-error @+1 {{[R3]}}
  %0 = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!axis>
  return
}

// -----

//===----------------------------------------------------------------------===//
// quantize, dequantize, requantize
//===----------------------------------------------------------------------===//

// quantize C1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @quantize_c1(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{have different shapes: the op keeps it [C1]}}
  %0 = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x5x!u8>
  return
}

// -----

// quantize C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @quantize_c2(%x: tensor<?x4xf64>) {
  // expected-error @+1 {{quantized type expresses 'f32' but the real tensor holds 'f64': these must be the same type [C2]}}
  %0 = qnet.quantize %x : tensor<?x4xf64> -> tensor<?x4x!u8>
  return
}

// -----

// dequantize C1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @dequantize_c1(%x: tensor<?x4x!u8>) {
  // expected-error @+1 {{have different shapes: the op keeps it [C1]}}
  %0 = qnet.dequantize %x : tensor<?x4x!u8> -> tensor<4xf32>
  return
}

// -----

// dequantize C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @dequantize_c2(%x: tensor<?x4x!u8>) {
  // expected-error @+1 {{quantized type expresses 'f32' but the real tensor holds 'f16': these must be the same type [C2]}}
  %0 = qnet.dequantize %x : tensor<?x4x!u8> -> tensor<?x4xf16>
  return
}

// -----

// requantize C1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @requantize_c1(%x: tensor<2x4x!u8>) {
  // expected-error @+1 {{have different shapes: the op keeps it [C1]}}
  %0 = qnet.requantize %x : tensor<2x4x!u8> -> tensor<3x4x!u8>
  return
}

// -----

// requantize C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
!axis = !quant.uniform<u8:f32:1, {0.5:10, 0.25:3}>
func.func @requantize_c2(%x: tensor<?x2x!axis>) {
  // expected-error @+1 {{both must be per-tensor quantized [C2]}}
  %0 = qnet.requantize %x : tensor<?x2x!axis> -> tensor<?x2x!u8>
  return
}

// -----

//===----------------------------------------------------------------------===//
// qdense
//===----------------------------------------------------------------------===//

// qdense C1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c1(%x: tensor<?x5x!u8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{weights 'tensor<3x2xi8>' do not fit the input 'tensor<?x5x!quant.uniform<u8:f32, 5.000000e-01:10>>': their second dimension must equal the input's last [C1]}}
  %0 = qnet.qdense %x, %w, %b, %m : (tensor<?x5x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c1_scalar(%x: tensor<!u8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{do not fit the input}}
  %0 = qnet.qdense %x, %w, %b, %m : (tensor<!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

// qdense C1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c1_rank(%x: tensor<?x2x!u8>, %w: tensor<2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{weights 'tensor<2xi8>' have rank 1: they must have rank 2, outputs by inputs [C1]}}
  %0 = qnet.qdense %x, %w, %b, %m : (tensor<?x2x!u8>, tensor<2xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c2_bias(%x: tensor<?x2x!u8>, %w: tensor<3x2xi8>, %b: tensor<4xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{bias 'tensor<4xi32>' must have shape [N] with N = 3, the rows of weights [C2]}}
  %0 = qnet.qdense %x, %w, %b, %m : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<4xi32>, tensor<3xf32>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c2_multiplier(%x: tensor<?x2x!u8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>) {
  // expected-error @+1 {{multiplier 'tensor<3xi32>' must have shape [N] with N = 3 and hold f32, as there is no shift [C2]}}
  %0 = qnet.qdense %x, %w, %b, %b : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xi32>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c2_fixed(%x: tensor<?x2x!u8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{and hold i32, as there is a shift [C2]}}
  %0 = qnet.qdense %x, %w, %b, %m shift(%b) : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>, tensor<3xi32>) -> tensor<?x3x!u8>
  return
}

// -----

// qdense C3
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c3_out_bias(%x: tensor<?x2x!u8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{out_bias is only for an f32 result}}
  %0 = qnet.qdense %x, %w, %b, %m out_bias(%m) : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>, tensor<3xf32>) -> tensor<?x3x!u8>
  return
}

// -----

// qdense C3
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c3_shift(%x: tensor<?x2x!u8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>) {
  // expected-error @+1 {{shift is only for a quantized result, but the result is 'tensor<?x3xf32>': give an f32 multiplier instead [C3]}}
  %0 = qnet.qdense %x, %w, %b, %b shift(%b) : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xi32>, tensor<3xi32>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C3
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c3_size(%x: tensor<?x2x!u8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>, %o: tensor<2xf32>) {
  // expected-error @+1 {{out_bias 'tensor<2xf32>' must have shape [N] with N = 3 [C3]}}
  %0 = qnet.qdense %x, %w, %b, %m out_bias(%o) : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>, tensor<2xf32>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C4
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c4(%x: tensor<?x2x!u8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{result 'tensor<?x4xf32>' must have the leading dimensions of the input 'tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>>', then 3 [C4]}}
  %0 = qnet.qdense %x, %w, %b, %m : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x4xf32>
  return
}

// -----

// qdense C5
!i8 = !quant.uniform<i8:f32, 0.5>
func.func @qdense_c5_signed(%x: tensor<?x2x!i8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{must be per-tensor quantized with unsigned storage of at most 32767 [C5]}}
  %0 = qnet.qdense %x, %w, %b, %m : (tensor<?x2x!i8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C5
!u16 = !quant.uniform<u16:f32, 0.5>
func.func @qdense_c5_wide(%x: tensor<?x2x!u16>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{must be per-tensor quantized with unsigned storage of at most 32767 [C5]}}
  %0 = qnet.qdense %x, %w, %b, %m : (tensor<?x2x!u16>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C5
!u8 = !quant.uniform<u8:f32, 0.5:10>
!axis = !quant.uniform<u8:f32:1, {0.5:10, 0.25:3, 0.125}>
func.func @qdense_c5_result(%x: tensor<?x2x!u8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{must be per-tensor quantized: the multiplier carries what differs by channel [C5]}}
  %0 = qnet.qdense %x, %w, %b, %m : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3x!axis>
  return
}

// -----

// qdense C6
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c6_none(%x: tensor<?x2x!u8>, %w: tensor<3x2xi4>, %b: tensor<3xi32>, %m: tensor<3xf32>) {
  // expected-error @+1 {{weights 'tensor<3x2xi4>' need a group_multiplier [C6]}}
  %0 = qnet.qdense %x, %w, %b, %m : (tensor<?x2x!u8>, tensor<3x2xi4>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C6
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c6_bytes(%x: tensor<?x2x!u8>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>, %g: tensor<3x1xui8>) {
  // expected-error @+1 {{weights 'tensor<3x2xi8>' take no group_multiplier: give them as i4 [C6]}}
  %0 = qnet.qdense %x, %w, %b, %m group_multiplier(%g) : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>, tensor<3x1xui8>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C6: 65 channels are two groups.
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c6_shape(%x: tensor<?x65x!u8>, %w: tensor<3x65xi4>, %b: tensor<3xi32>, %m: tensor<3xf32>, %g: tensor<3x1xui8>) {
  // expected-error @+1 {{group_multiplier 'tensor<3x1xui8>' must have shape [N, K / 64 rounded up] for weights 'tensor<3x65xi4>' [C6]}}
  %0 = qnet.qdense %x, %w, %b, %m group_multiplier(%g) : (tensor<?x65x!u8>, tensor<3x65xi4>, tensor<3xi32>, tensor<3xf32>, tensor<3x1xui8>) -> tensor<?x3xf32>
  return
}

// -----

// qdense C7
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c7_weight(%x: tensor<?x2x!u8>, %b: tensor<1xi32>, %m: tensor<1xf32>, %g: tensor<1x1xui8>) {
  %w = qnet.constant dense<[[7, -8]]> : tensor<1x2xi4>
  // expected-error @+1 {{weight 1 is -8: weights of 4 bits lie in [-7, 7] [C7]}}
  %0 = qnet.qdense %x, %w, %b, %m group_multiplier(%g) : (tensor<?x2x!u8>, tensor<1x2xi4>, tensor<1xi32>, tensor<1xf32>, tensor<1x1xui8>) -> tensor<?x1xf32>
  return
}

// -----

// qdense C7
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qdense_c7_multiplier(%x: tensor<?x2x!u8>, %w: tensor<2x2xi4>, %b: tensor<2xi32>, %m: tensor<2xf32>) {
  %g = qnet.constant dense<[[1], [0]]> : tensor<2x1xui8>
  // expected-error @+1 {{group multiplier 1 is 0: give the group weights of 0 instead [C7]}}
  %0 = qnet.qdense %x, %w, %b, %m group_multiplier(%g) : (tensor<?x2x!u8>, tensor<2x2xi4>, tensor<2xi32>, tensor<2xf32>, tensor<2x1xui8>) -> tensor<?x2xf32>
  return
}

// -----

// qdense C8
!u16 = !quant.uniform<u16<0:32767>:f32, 0.5:10>
func.func @qdense_c8(%x: tensor<?x2x!u16>, %w: tensor<3x2xi4>, %b: tensor<3xi32>, %m: tensor<3xf32>, %g: tensor<3x1xui8>) {
  // expected-error @+1 {{has more than 8 bits, which weights of 4 bits do not take: give them as i8 [C8]}}
  %0 = qnet.qdense %x, %w, %b, %m group_multiplier(%g) : (tensor<?x2x!u16>, tensor<3x2xi4>, tensor<3xi32>, tensor<3xf32>, tensor<3x1xui8>) -> tensor<?x3xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// lookup
//===----------------------------------------------------------------------===//

// lookup C1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @lookup_c1(%x: tensor<?x2x!u8>, %t: tensor<256xui8>) {
  // expected-error @+1 {{have different shapes: the op keeps it [C1]}}
  %0 = qnet.lookup %x, %t : (tensor<?x2x!u8>, tensor<256xui8>) -> tensor<?x3x!u8>
  return
}

// -----

// lookup C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @lookup_c2_size(%x: tensor<?x2x!u8>, %t: tensor<255xui8>) {
  // expected-error @+1 {{table 'tensor<255xui8>' must have rank 1 with 256 entries, one a storage value of '!quant.uniform<u8:f32, 5.000000e-01:10>' [C2]}}
  %0 = qnet.lookup %x, %t : (tensor<?x2x!u8>, tensor<255xui8>) -> tensor<?x2x!u8>
  return
}

// -----

// lookup C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @lookup_c2_type(%x: tensor<?x2x!u8>, %t: tensor<256xi8>) {
  // expected-error @+1 {{table holds 'i8' but the result is}}
  %0 = qnet.lookup %x, %t : (tensor<?x2x!u8>, tensor<256xi8>) -> tensor<?x2x!u8>
  return
}

// -----

// lookup C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @lookup_c2_float(%x: tensor<?x2x!u8>, %t: tensor<256xui8>) {
  // expected-error @+1 {{table holds 'ui8' but the result is 'tensor<?x2xf32>': it must hold the result's storage type, which must be unsigned, or f32 for an f32 result [C2]}}
  %0 = qnet.lookup %x, %t : (tensor<?x2x!u8>, tensor<256xui8>) -> tensor<?x2xf32>
  return
}

// -----

// lookup C3
!u2 = !quant.uniform<u8<0:3>:f32, 0.5>
func.func @lookup_c3(%x: tensor<?x2x!u2>) {
  %t = qnet.constant dense<[0, 1, 4, 2]> : tensor<4xui8>
  // expected-error @+1 {{table entry 2 is 4, outside the storage range [0, 3] of '!quant.uniform<u8<0:3>:f32, 5.000000e-01>' [C3]}}
  %0 = qnet.lookup %x, %t : (tensor<?x2x!u2>, tensor<4xui8>) -> tensor<?x2x!u2>
  return
}

// -----

//===----------------------------------------------------------------------===//
// qadd, qsub, qmul
//===----------------------------------------------------------------------===//

// qadd C1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qadd_c1(%x: tensor<?x2x!u8>, %y: tensor<3x!u8>) {
  // expected-error @+1 {{do not broadcast: from the last dimension on, each pair must be equal or hold a 1 [C1]}}
  %0 = qnet.qadd %x, %y : (tensor<?x2x!u8>, tensor<3x!u8>) -> tensor<?x2x!u8>
  return
}

// -----

// qsub C1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @qsub_c1(%x: tensor<?x2x!u8>, %y: tensor<1x!u8>) {
  // expected-error @+1 {{'qnet.qsub' op result 'tensor<?x3x!quant.uniform<u8:f32, 5.000000e-01:10>>' has not the shape}}
  %0 = qnet.qsub %x, %y : (tensor<?x2x!u8>, tensor<1x!u8>) -> tensor<?x3x!u8>
  return
}

// -----

// qmul C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
!axis = !quant.uniform<u8:f32:1, {0.5:10, 0.25:3}>
func.func @qmul_c2(%x: tensor<?x2x!u8>, %y: tensor<?x2x!axis>) {
  // expected-error @+1 {{is not per-tensor quantized: give the tensor one scale [C2]}}
  %0 = qnet.qmul %x, %y : (tensor<?x2x!u8>, tensor<?x2x!axis>) -> tensor<?x2x!u8>
  return
}

// -----

//===----------------------------------------------------------------------===//
// dot
//===----------------------------------------------------------------------===//

// dot C1
func.func @dot_c1_length(%acc: vector<8xi32>, %a: vector<16xi16>, %w: vector<32xi8>) {
  // expected-error @+1 {{lhs 'vector<16xi16>' and rhs 'vector<32xi8>' must have one length, 1, 2 or 4 times that of the accumulator 'vector<8xi32>' [C1]}}
  %0 = qnet.dot %acc, %a, %w : vector<8xi32>, vector<16xi16>, vector<32xi8>
  return
}

// -----

// dot C1
func.func @dot_c1_group(%acc: vector<8xi32>, %a: vector<24xi16>, %w: vector<24xi8>) {
  // expected-error @+1 {{must have one length, 1, 2 or 4 times that of the accumulator}}
  %0 = qnet.dot %acc, %a, %w : vector<8xi32>, vector<24xi16>, vector<24xi8>
  return
}

// -----

// dot C2
func.func @dot_c2(%acc: vector<8xi32>, %a: vector<16xi16>, %w: vector<16xi8>) {
  // expected-error @+1 {{lhs_unsigned needs 8-bit elements, but lhs is 'vector<16xi16>' [C2]}}
  %0 = qnet.dot %acc, %a, %w {lhs_unsigned} : vector<8xi32>, vector<16xi16>, vector<16xi8>
  return
}

// -----

// dot C3
func.func @dot_c3(%acc: vector<4xi32>, %a: vector<16xi8>, %w: vector<16xi8>) {
  // expected-error @+1 {{'qnet.dot' op lane 4 of 'vector<16xi8>' to 'vector<4xi32>': it chooses one of four groups of four bytes in each 128 bits [C3]}}
  %0 = qnet.dot %acc, %a, %w {lane = 4 : i32} : vector<4xi32>, vector<16xi8>, vector<16xi8>
  return
}

// -----

// pair_rows C1
func.func @pair_rows_c1(%x: tensor<?x13xi8>, %init: tensor<?x24xi8>) {
  // expected-error @+1 {{'qnet.pair_rows' op makes 'tensor<?x24xi8>' of 'tensor<?x13xi8>': it needs rows of bytes with room for two of the input's, each in groups of 8 [C1]}}
  %0 = qnet.pair_rows %x, %init : tensor<?x13xi8>, tensor<?x24xi8> -> tensor<?x24xi8>
  return
}

// -----

// block_dot C1
func.func @block_dot_c1(%acc: vector<8xi32>, %a: vector<16xi8>, %w: vector<16xi8>) {
  // expected-error @below {{'qnet.block_dot' op takes 'vector<16xi8>' to 'vector<8xi32>': 16 bytes of two rows or channels go to each 4 lanes [C1]}}
  %0 = qnet.block_dot %acc, %a, %w : vector<8xi32>, vector<16xi8>, vector<16xi8>
  return
}

// -----

// block_dot C1
func.func @block_dot_c1_scalable(%acc: vector<[4]xi32>, %a: vector<16xi8>, %w: vector<16xi8>) {
  // expected-error @below {{'qnet.block_dot' op takes 'vector<16xi8>' to 'vector<[4]xi32>': 16 bytes of two rows or channels go to each 4 lanes [C1]}}
  %0 = qnet.block_dot %acc, %a, %w : vector<[4]xi32>, vector<16xi8>, vector<16xi8>
  return
}

// -----

// narrow_dot C1
func.func @narrow_dot_c1(%acc: vector<8xi32>, %a: vector<32xi8>, %w: vector<16xi8>) {
  // expected-error @below {{'qnet.narrow_dot' op takes 'vector<16xi8>' to 8 lanes: all operands must have four elements a lane, or all two [C1]}}
  %0 = qnet.narrow_dot %acc, (%a), (%w) : vector<8xi32>, (vector<32xi8>), (vector<16xi8>)
  return
}

// -----

// pair_dot C1
func.func @pair_dot_c1(%acc: vector<16xi16>, %a: vector<32xi8>, %w: vector<16xi8>) {
  // expected-error @below {{'qnet.pair_dot' op takes 'vector<16xi8>' to 16 sums: it must have two elements a sum [C1]}}
  %0 = qnet.pair_dot %acc, %w, %a : vector<16xi16>, vector<16xi8>, vector<32xi8>
  return
}

// -----

//===----------------------------------------------------------------------===//
// storage_cast
//===----------------------------------------------------------------------===//

// storage_cast C1
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @storage_cast_c1(%x: tensor<?x4x!u8>) {
  // expected-error @+1 {{have different shapes: the op keeps it [C1]}}
  %0 = qnet.storage_cast %x {offset = 0 : i64} : tensor<?x4x!u8> -> tensor<?x5xi16>
  return
}

// -----

// storage_cast C2
func.func @storage_cast_c2_plain(%x: tensor<?x4xi8>) {
  // expected-error @+1 {{takes 'tensor<?x4xi8>' to 'tensor<?x4xi16>': one side must be per-tensor uniform over unsigned storage [C2]}}
  %0 = qnet.storage_cast %x {offset = 0 : i64} : tensor<?x4xi8> -> tensor<?x4xi16>
  return
}

// -----

// storage_cast C2
!u8 = !quant.uniform<u8:f32, 0.5:10>
func.func @storage_cast_c2_storage(%x: tensor<?x4x!u8>) {
  // expected-error @+1 {{has storage of 'i32': it must be i8 or i16 [C2]}}
  %0 = qnet.storage_cast %x {offset = 0 : i64} : tensor<?x4x!u8> -> tensor<?x4xi32>
  return
}

// -----

// storage_cast C2
!u16 = !quant.uniform<u16:f32, 0.5:10>
func.func @storage_cast_c2_width(%x: tensor<?x4x!u16>) {
  // expected-error @+1 {{do not fit in 'i8': use a wider storage [C2]}}
  %0 = qnet.storage_cast %x {offset = 0 : i64} : tensor<?x4x!u16> -> tensor<?x4xi8>
  return
}
