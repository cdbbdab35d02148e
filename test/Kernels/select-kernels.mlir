// If this fails, weights are packed wrongly, or activations are stored in a form
// that the kernel does not read.
// RUN: quant-opt %s --select-kernels="isa=avx2 kernel=gemm_s16s8s32_4x16x2_avx2" --canonicalize | FileCheck %s --check-prefixes=ALL,AVX2
// RUN: quant-opt %s --select-kernels="isa=dotprod kernel=gemm_s8s8s32_4x16x16_dotprod" --canonicalize | FileCheck %s --check-prefixes=ALL,DOT
// RUN: quant-opt %s --select-kernels=isa=i8mm --canonicalize | FileCheck %s --check-prefixes=ALL,PAIRS
// RUN: quant-opt %s --select-kernels="isa=avx2 kernel=gemm_u8s8s16_4x16x8_avx2" --canonicalize | FileCheck %s --check-prefix=BYTES
// RUN: not quant-opt %s --select-kernels=isa=z80 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// RUN: not quant-opt %s --select-kernels="isa=avx2 kernel=gemm_f32f32f32_4x16x1_avx2" 2>&1 | FileCheck %s --check-prefix=KIND

// KIND: error: select-kernels: no integer kernel of avx2 is named 'gemm_f32f32f32_4x16x1_avx2'
// UNKNOWN: error: select-kernels: no instruction set is named 'z80'

!q = !quant.uniform<u8:f32, 0.5:10>
!r = !quant.uniform<u8:f32, 0.25:3>
!wide = !quant.uniform<u16<0:32767>:f32, 0.5:10>
!less = !quant.uniform<u16<0:20000>:f32, 0.25:3>

// Three channels are padded to 16, five inputs to six (AVX2) or sixteen (dotprod).
// The storage between the two layers is the kernel's: no cast is left there. For
// signed storage the bias gives back 128 times the sum of the channel's weights:
// 1 + 128 * (1 - 2 + 3 + 4 + 5) = 1409.
// ALL-LABEL: func.func @two_layers
// AVX2: qnet.constant dense<[1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]> : tensor<16xi32>
// AVX2: qnet.constant dense<[1, -2, 5, 6, 1, 1, 0, {{.*}} : tensor<96xi8>
// AVX2: qnet.storage_cast {{.*}} {offset = 0 : i64} : {{.*}} -> tensor<?x5xi16>
// AVX2: %[[FIRST:.*]] = qnet.packed_dense "gemm_s16s8s32_4x16x2_avx2"
// AVX2-SAME: outs({{.*}} : tensor<?x16xi16>) {zero_point = 3 : i32} -> tensor<?x16xi16>
// AVX2: %[[SLICE:.*]] = tensor.extract_slice %[[FIRST]][0, 0] [%{{.*}}, 3] [1, 1]
// AVX2-NOT: storage_cast
// AVX2: qnet.packed_dense "gemm_s16s8s32_4x16x2_avx2" ins(%[[SLICE]]
// AVX2-SAME: out_bias
// DOT: qnet.constant dense<[1409, {{.*}}]> : tensor<16xi32>
// DOT: qnet.constant dense<{{.*}} : tensor<256xi8>
// DOT: qnet.storage_cast {{.*}} {offset = -128 : i64} : {{.*}} -> tensor<?x5xi8>
// DOT: qnet.packed_dense "gemm_s8s8s32_4x16x16_dotprod"
// DOT-SAME: {offset = -128 : i32, zero_point = 3 : i32} -> tensor<?x16xi8>
// Blocks read two rows at once: half as many, of twice 16 bytes.
// PAIRS: %[[STORED:.*]] = qnet.storage_cast {{.*}} -> tensor<?x5xi8>
// PAIRS: %[[HALF:.*]] = arith.ceildivui
// PAIRS: %[[EMPTY:.*]] = tensor.empty(%[[HALF]]) : tensor<?x32xi8>
// PAIRS: %[[PAIRS:.*]] = qnet.pair_rows %[[STORED]], %[[EMPTY]] : tensor<?x5xi8>, tensor<?x32xi8>
// PAIRS: qnet.packed_dense "gemm_u8s8s32_8x8x16_i8mm" ins(%[[PAIRS]]
func.func @two_layers(%x: tensor<?x5xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1, -2, 3, 4, 5], [5, 6, -7, 8, 9], [1, 1, 1, 1, -1]]> : tensor<3x5xi8>
  %b = qnet.constant dense<[1, 2, 3]> : tensor<3xi32>
  %m = qnet.constant dense<[0.5, 0.25, 0.125]> : tensor<3xf32>
  %w2 = qnet.constant dense<[[1, -2, 3], [5, 6, -7]]> : tensor<2x3xi8>
  %b2 = qnet.constant dense<[1, 2]> : tensor<2xi32>
  %m2 = qnet.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %ob = qnet.constant dense<[0.125, 7.25]> : tensor<2xf32>
  %q = qnet.quantize %x : tensor<?x5xf32> -> tensor<?x5x!q>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x5x!q>, tensor<3x5xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3x!r>
  %z = qnet.qdense %y, %w2, %b2, %m2 out_bias(%ob)
    : (tensor<?x3x!r>, tensor<2x3xi8>, tensor<2xi32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// A float layer keeps its function as an op of its own.
// ALL-LABEL: func.func @float
// ALL: qnet.packed_dense "gemm_f32f32f32_
// ALL: qnet.activation relu
func.func @float(%x: tensor<?x2xf32>) -> tensor<?x16xf32> {
  %w = qnet.constant dense<1.0> : tensor<16x2xf32>
  %y = qnet.dense %x, %w {function = #qnet.fn<relu>} : (tensor<?x2xf32>, tensor<16x2xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// Weights of 4 bits, for AVX2 as w + 8 in each half of a byte, 0x88 beyond;
// channels 0 and 4 share the first byte: 7 + 8 = 15 and -1 + 8 = 7 give 0x7F.
// Each multiplier twice, for both half sums. Activations are stored less 128,
// and the bias gives it back: 1 + 3 * 128 * (7 - 1) = 2305. For dotprod w itself,
// the multiplier once, no sums.
// ALL-LABEL: func.func @grouped
// AVX2-DAG: %[[W:.*]] = qnet.constant dense<"0x7F88{{.*}}"> : tensor<512xi8>
// AVX2-DAG: %[[B:.*]] = qnet.constant dense<[2305, 0, {{.*}}]> : tensor<16xi32>
// AVX2-DAG: %[[G:.*]] = qnet.constant dense<[3, 3, 0, 0, {{.*}}]> : tensor<32xi8>
// AVX2: %[[X:.*]] = qnet.storage_cast {{.*}} {offset = -128 : i64} : {{.*}} -> tensor<?x5xi8>
// AVX2: %[[S:.*]] = qnet.group_sums ins(%[[X]] : tensor<?x5xi8>) outs({{.*}} : tensor<?x1xi32>) {halves}
// AVX2: qnet.packed_dense "gemm_s8u4s16_4x16x64_avx2" ins(%[[X]], %[[W]], %[[B]]
// AVX2-SAME: group_multiplier(%[[G]] : tensor<32xi8>) group_sums(%[[S]] : tensor<?x1xi32>)
// DOT-DAG: qnet.constant dense<"0xF700{{.*}}"> : tensor<512xi8>
// DOT-DAG: qnet.constant dense<[3, 0, {{.*}}]> : tensor<16xi8>
// DOT-NOT: group_sums
// DOT: qnet.packed_dense "gemm_s8s4s32_4x16x64_dotprod"
// DOT-NOT: group_sums
// DOT: return
func.func @grouped(%x: tensor<?x5xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[7, 0, 0, 0, -1]]> : tensor<1x5xi4>
  %g = qnet.constant dense<3> : tensor<1x1xui8>
  %b = qnet.constant dense<1> : tensor<1xi32>
  %m = qnet.constant dense<0.5> : tensor<1xf32>
  %q = qnet.quantize %x : tensor<?x5xf32> -> tensor<?x5x!q>
  %y = qnet.qdense %q, %w, %b, %m group_multiplier(%g)
    : (tensor<?x5x!q>, tensor<1x5xi4>, tensor<1xi32>, tensor<1xf32>, tensor<1x1xui8>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// An input of 16 bits is for rows that read i16, whatever row is asked for: the
// layers' storage is i16, and nothing is cast but the types.
// ALL-LABEL: func.func @wide
// ALL: qnet.storage_cast {{.*}} {offset = 0 : i64} : {{.*}} -> tensor<?x2xi16>
// AVX2: qnet.packed_dense "gemm_s16s8s32_4x16x2_avx2"
// DOT: qnet.packed_dense "gemm_s16s8s32_4x16x1_dotprod"
// PAIRS: qnet.packed_dense "gemm_s16s8s32_4x16x1_i8mm"
// ALL-SAME: {qmax = 20000 : i32, zero_point = 3 : i32} -> tensor<?x16xi16>
// ALL-NOT: storage_cast
// ALL: qnet.packed_dense "gemm_s16s8s32_
// BYTES-LABEL: func.func @wide
// BYTES: qnet.packed_dense "gemm_s16s8s32_4x16x2_avx2"
// BYTES: qnet.packed_dense "gemm_s16s8s32_4x16x2_avx2"
// BYTES: return
func.func @wide(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1, -2]]> : tensor<1x2xi8>
  %v = qnet.constant dense<[[3]]> : tensor<1x1xi8>
  %b = qnet.constant dense<1> : tensor<1xi32>
  %m = qnet.constant dense<0.5> : tensor<1xf32>
  %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!wide>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x2x!wide>, tensor<1x2xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1x!less>
  %z = qnet.qdense %y, %v, %b, %m
    : (tensor<?x1x!less>, tensor<1x1xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %z : tensor<?x1xf32>
}

// Nothing to do: weights that are not constant stay for Lower's plain loop.
// ALL-LABEL: func.func @not_constant
// ALL: qnet.dense
func.func @not_constant(%x: tensor<?x2xf32>, %w: tensor<3x2xf32>) -> tensor<?x3xf32> {
  %y = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
