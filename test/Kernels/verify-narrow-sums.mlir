// If this fails, a kernel that would saturate on some input passes for exact.
// RUN: quant-opt %s --verify-narrow-sums --split-input-file --verify-diagnostics

!q = !quant.uniform<u8<0:127>:f32, 0.5:0>

// 4 * 64 * 127 = 32512 fits.
func.func @fits(%q: tensor<?x8x!q>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %x = qnet.storage_cast %q {offset = 0 : i64} : tensor<?x8x!q> -> tensor<?x8xi8>
  %w = qnet.constant dense<64> : tensor<128xi8>
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x8xi8>, tensor<128xi8>, tensor<16xi32>)
    outs(%init : tensor<?x16xf32>) {lhs_max = 127 : i32} -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

!q = !quant.uniform<u8<0:127>:f32, 0.5:0>

// 4 * 65 * 127 = 33020 does not.
func.func @overflows(%q: tensor<?x8x!q>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %x = qnet.storage_cast %q {offset = 0 : i64} : tensor<?x8x!q> -> tensor<?x8xi8>
  %w = qnet.constant dense<65> : tensor<128xi8>
  // expected-error @below {{a 16-bit sum of panel step 0 reaches 33020: the kernel would saturate}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x8xi8>, tensor<128xi8>, tensor<16xi32>)
    outs(%init : tensor<?x16xf32>) {lhs_max = 127 : i32} -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

!q = !quant.uniform<u8<0:127>:f32, 0.5:0>

// Two weights a half sum: -2 * 128 * 127 = -32512 fits, the visit's too.
func.func @visit(%q: tensor<?x4x!q>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %x = qnet.storage_cast %q {offset = 0 : i64} : tensor<?x4x!q> -> tensor<?x4xi8>
  %w = qnet.constant dense<-128> : tensor<64xi8>
  %s = qnet.constant dense<[0, 1, 1]> : tensor<3xi32>
  %o = qnet.constant dense<0> : tensor<1xi32>
  %v = qnet.constant dense<-128> : tensor<32xi8>
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x4_avx2" ins(%x, %w, %b : tensor<?x4xi8>, tensor<64xi8>, tensor<16xi32>)
    visits(%s, %o, %v : tensor<3xi32>, tensor<1xi32>, tensor<32xi8>)
    outs(%init : tensor<?x16xf32>) {lhs_max = 127 : i32} -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

!q = !quant.uniform<u8:f32, 0.5:0>

// The visit overflows: -2 * 128 * 255.
func.func @visit_overflows(%q: tensor<?x4x!q>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %x = qnet.storage_cast %q {offset = 0 : i64} : tensor<?x4x!q> -> tensor<?x4xi8>
  %w = qnet.constant dense<1> : tensor<64xi8>
  %s = qnet.constant dense<[0, 1, 1]> : tensor<3xi32>
  %o = qnet.constant dense<0> : tensor<1xi32>
  %v = qnet.constant dense<-128> : tensor<32xi8>
  // expected-error @below {{a 16-bit sum of visit 0 reaches -65280}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x4_avx2" ins(%x, %w, %b : tensor<?x4xi8>, tensor<64xi8>, tensor<16xi32>)
    visits(%s, %o, %v : tensor<3xi32>, tensor<1xi32>, tensor<32xi8>)
    outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

!q = !quant.uniform<u8:f32, 0.5:0>

// The proof is for less than the input can be.
func.func @range(%q: tensor<?x4x!q>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %x = qnet.storage_cast %q {offset = 0 : i64} : tensor<?x4x!q> -> tensor<?x4xi8>
  %w = qnet.constant dense<1> : tensor<64xi8>
  // expected-error @below {{is proved for activations up to 127, but its input reaches 255}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x4_avx2" ins(%x, %w, %b : tensor<?x4xi8>, tensor<64xi8>, tensor<16xi32>)
    outs(%init : tensor<?x16xf32>) {lhs_max = 127 : i32} -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

func.func @unseen(%x: tensor<?x4xi8>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %w = qnet.constant dense<1> : tensor<64xi8>
  // expected-error @below {{comes from where its range cannot be seen}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x4_avx2" ins(%x, %w, %b : tensor<?x4xi8>, tensor<64xi8>, tensor<16xi32>)
    outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// Nothing to prove: a row that adds in 32 bits.
func.func @wide(%x: tensor<?x4xi16>, %w: tensor<64xi8>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %y = qnet.packed_dense "gemm_s16s8s32_4x16x2_avx2" ins(%x, %w, %b : tensor<?x4xi16>, tensor<64xi8>, tensor<16xi32>)
    outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

!q = !quant.uniform<u8:f32, 0.5:0>

// Two listed groups, however far apart, share their sums: 4 * 33 * 255.
func.func @listed(%q: tensor<?x64x!q>, %b: tensor<16xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %x = qnet.storage_cast %q {offset = 0 : i64} : tensor<?x64x!q> -> tensor<?x64xi8>
  %w = qnet.constant dense<33> : tensor<128xi8>
  %s = qnet.constant dense<[0, 1]> : tensor<2xi32>
  %o = qnet.constant dense<[8, 60]> : tensor<2xi32>
  // expected-error @below {{a 16-bit sum of panel step 0 reaches 33660}}
  %y = qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : tensor<?x64xi8>, tensor<128xi8>, tensor<16xi32>)
    lists(%s, %o : tensor<2xi32>, tensor<2xi32>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

!q = !quant.uniform<u8:f32, 0.5:0>

// NEON adds products of inputs i and i + 8 of one channel. Weights of -128 beside
// each other fit: 128 * 128 + 128 * 127 = 32640 with an activation of -128.
func.func @signed_fits(%q: tensor<?x16x!q>, %b: tensor<4xi32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %x = qnet.storage_cast %q {offset = -128 : i64} : tensor<?x16x!q> -> tensor<?x16xi8>
  %w = qnet.constant dense<"0x8080808080808080818181818181818180808080808080807F7F7F7F7F7F7F7F00000000000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"> : tensor<64xi8>
  %y = qnet.packed_dense "gemm_s8s8s16_4x4x16_neon" ins(%x, %w, %b : tensor<?x16xi8>, tensor<64xi8>, tensor<4xi32>)
    outs(%init : tensor<?x4xf32>) {lhs_max = 255 : i32} -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

!q = !quant.uniform<u8:f32, 0.5:0>

// Inputs 1 and 9 of the second channel: twice 128 * 128 is one too many.
func.func @signed_overflows(%q: tensor<?x16x!q>, %b: tensor<4xi32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %x = qnet.storage_cast %q {offset = -128 : i64} : tensor<?x16x!q> -> tensor<?x16xi8>
  %w = qnet.constant dense<"0x808080808080808081818181818181810080000000000000008000000000000000000000000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"> : tensor<64xi8>
  // expected-error @below {{a 16-bit sum of panel step 0 reaches 32768: the kernel would wrap}}
  %y = qnet.packed_dense "gemm_s8s8s16_4x4x16_neon" ins(%x, %w, %b : tensor<?x16xi8>, tensor<64xi8>, tensor<4xi32>)
    outs(%init : tensor<?x4xf32>) {lhs_max = 255 : i32} -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Weights of 4 bits: whatever the activations, 32 * 7 * 128 = 28672 fits. All
// bits set are twice w + 8 = 15.
func.func @nibbles(%x: tensor<?x64xi8>, %b: tensor<16xi32>, %g: tensor<32xi8>, %s: tensor<?x1xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %w = qnet.constant dense<-1> : tensor<512xi8>
  %sums = qnet.group_sums ins(%x : tensor<?x64xi8>) outs(%s : tensor<?x1xi32>) {halves} -> tensor<?x1xi32>
  %y = qnet.packed_dense "gemm_s8u4s16_4x16x64_avx2" ins(%x, %w, %b : tensor<?x64xi8>, tensor<512xi8>, tensor<16xi32>)
    group_multiplier(%g : tensor<32xi8>) group_sums(%sums : tensor<?x1xi32>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// A nibble of 0 is w = -8, and 32 * 8 * 128 is one too many.
func.func @nibbles_wrap(%x: tensor<?x64xi8>, %b: tensor<16xi32>, %g: tensor<32xi8>, %s: tensor<?x1xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %w = qnet.constant dense<0> : tensor<512xi8>
  %sums = qnet.group_sums ins(%x : tensor<?x64xi8>) outs(%s : tensor<?x1xi32>) {halves} -> tensor<?x1xi32>
  // expected-error @below {{a 16-bit sum of group 0 reaches 32768: the kernel would wrap}}
  %y = qnet.packed_dense "gemm_s8u4s16_4x16x64_avx2" ins(%x, %w, %b : tensor<?x64xi8>, tensor<512xi8>, tensor<16xi32>)
    group_multiplier(%g : tensor<32xi8>) group_sums(%sums : tensor<?x1xi32>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// Signed nibbles: 0x99 is twice -7, 0x88 twice -8.
func.func @signed_nibbles(%x: tensor<?x64xi8>, %b: tensor<16xi32>, %g: tensor<32xi8>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %w = qnet.constant dense<0x99> : tensor<512xi8>
  %y = qnet.packed_dense "gemm_s8s4s16_4x16x64_neon" ins(%x, %w, %b : tensor<?x64xi8>, tensor<512xi8>, tensor<16xi32>)
    group_multiplier(%g : tensor<32xi8>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

func.func @signed_nibbles_wrap(%x: tensor<?x64xi8>, %b: tensor<16xi32>, %g: tensor<32xi8>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %w = qnet.constant dense<0x88> : tensor<512xi8>
  // expected-error @below {{a 16-bit sum of group 0 reaches 32768: the kernel would wrap}}
  %y = qnet.packed_dense "gemm_s8s4s16_4x16x64_neon" ins(%x, %w, %b : tensor<?x64xi8>, tensor<512xi8>, tensor<16xi32>)
    group_multiplier(%g : tensor<32xi8>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// The sums of another tensor correct nothing.
func.func @sums_of_another(%x: tensor<?x64xi8>, %z: tensor<?x64xi8>, %b: tensor<16xi32>, %g: tensor<32xi8>, %s: tensor<?x1xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %w = qnet.constant dense<-1> : tensor<512xi8>
  %sums = qnet.group_sums ins(%z : tensor<?x64xi8>) outs(%s : tensor<?x1xi32>) {halves} -> tensor<?x1xi32>
  // expected-error @below {{needs the group_sums of its own input, in halves}}
  %y = qnet.packed_dense "gemm_s8u4s16_4x16x64_avx2" ins(%x, %w, %b : tensor<?x64xi8>, tensor<512xi8>, tensor<16xi32>)
    group_multiplier(%g : tensor<32xi8>) group_sums(%sums : tensor<?x1xi32>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// A row that adds in 32 bits wants one sum a group, not two halves.
func.func @sums_in_halves(%x: tensor<?x64xi8>, %w: tensor<512xi8>, %b: tensor<16xi32>, %g: tensor<16xi8>, %s: tensor<?x1xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %sums = qnet.group_sums ins(%x : tensor<?x64xi8>) outs(%s : tensor<?x1xi32>) {halves} -> tensor<?x1xi32>
  // expected-error @below {{needs the group_sums of its own input, not in halves}}
  %y = qnet.packed_dense "gemm_s8u4s32_4x16x64_avxvnni" ins(%x, %w, %b : tensor<?x64xi8>, tensor<512xi8>, tensor<16xi32>)
    group_multiplier(%g : tensor<16xi8>) group_sums(%sums : tensor<?x1xi32>) outs(%init : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
