// If this fails, a 16-bit sum overflows, weights are lost on the way to visits, or
// the fastest row is not the one that the cost model chooses.
// RUN: quant-opt %s --select-kernels="isa=avx2 kernel=gemm_u8s8s16_4x16x8_avx2" --verify-narrow-sums --split-input-file | FileCheck %s
// RUN: quant-opt %s --select-kernels=isa=avx2 --split-input-file | FileCheck %s --check-prefix=CHOSEN
// RUN: quant-opt %s --select-kernels=isa=neon --verify-narrow-sums --split-input-file | FileCheck %s --check-prefix=NEON

// With activations up to 255, positive weights of a half sum may add up to 128
// (32767 / 255) and negative ones to 128 (32768 / 255). The half sum of inputs 0,
// 1, 4 and 5 of the first channel is 100 + 50 + 20 + 0 = 170: the 42 too many
// move to a visit of the group that begins at input 0, where they come from the
// first weight. The second channel's sums fit.
// CHECK-LABEL: func.func @split
// CHECK-DAG: %[[PACKED:.*]] = qnet.constant dense<"0x3A32000001FF03FC{{.*}}> : tensor<128xi8>
// CHECK-DAG: %[[STARTS:.*]] = qnet.constant dense<[0, 1, 1]> : tensor<3xi32>
// CHECK-DAG: %[[OFFSETS:.*]] = qnet.constant dense<0> : tensor<1xi32>
// CHECK-DAG: %[[WEIGHTS:.*]] = qnet.constant dense<[42, 0, 0, 0, 0, {{.*}}]> : tensor<32xi8>
// CHECK: qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%{{.*}}, %[[PACKED]],
// CHECK-SAME: visits(%[[STARTS]], %[[OFFSETS]], %[[WEIGHTS]] :
// Two channels take the narrow panel, whose sums have half as many weights: 100 +
// 50 is still too much for one, and a visit costs less than leaving 16 bits.
// CHOSEN-LABEL: func.func @split
// CHOSEN: "gemm_u8s8s16_8x8x4_avx2"
// CHOSEN-SAME: visits(
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @split(%q: tensor<?x8x!q>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[100, 50, 0, 0, 20, 0, 0, 0], [1, -1, 3, -4, 5, -6, 7, -8]]> : tensor<2x8xi8>
  %b = qnet.constant dense<0> : tensor<2xi32>
  %m = qnet.constant dense<0.5> : tensor<2xf32>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x8x!q>, tensor<2x8xi8>, tensor<2xi32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// The same weights with activations up to 150 (218 fit): nothing to visit.
// CHECK-LABEL: func.func @narrower
// CHECK: qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2"
// CHECK-NOT: visits
// CHECK-SAME: lhs_max = 150
!q = !quant.uniform<u8<0:150>:f32, 0.5:0>
func.func @narrower(%q: tensor<?x8x!q>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[100, 50, 0, 0, 20, 0, 0, 0], [1, -1, 3, -4, 5, -6, 7, -8]]> : tensor<2x8xi8>
  %b = qnet.constant dense<0> : tensor<2xi32>
  %m = qnet.constant dense<0.5> : tensor<2xf32>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x8x!q>, tensor<2x8xi8>, tensor<2xi32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Extremes: every half sum is 4 times 127, three visits of one group and more;
// the row that needs no proof is faster.
// CHECK-LABEL: func.func @extremes
// CHECK: visits(
// CHOSEN-LABEL: func.func @extremes
// CHOSEN: "gemm_s16s8s32_4x16x2_avx2"
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @extremes(%q: tensor<?x16x!q>) -> tensor<?x16xf32> {
  %w = qnet.constant dense<127> : tensor<16x16xi8>
  %b = qnet.constant dense<0> : tensor<16xi32>
  %m = qnet.constant dense<0.5> : tensor<16xf32>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x16x!q>, tensor<16x16xi8>, tensor<16xi32>, tensor<16xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// NEON adds the products of inputs i and i + 8 of a channel in 16 bits, which
// only two weights of -128 leave: one of the first channel's pair moves to a
// visit. The other channels' are beside each other, or not twice -128.
// NEON-LABEL: func.func @signed
// NEON-DAG: %[[PACKED:.*]] = qnet.constant dense<[-127, 0, 0, 0, 0, 0, 0, 0, -128, 0, {{.*}}]> : tensor<64xi8>
// NEON-DAG: %[[STARTS:.*]] = qnet.constant dense<[0, 1]> : tensor<2xi32>
// NEON-DAG: %[[OFFSETS:.*]] = qnet.constant dense<0> : tensor<1xi32>
// NEON-DAG: %[[WEIGHTS:.*]] = qnet.constant dense<[-1, 0, 0, 0, {{.*}}]> : tensor<64xi8>
// NEON: qnet.packed_dense "gemm_s8s8s16_4x4x16_neon" ins(%{{.*}}, %[[PACKED]],
// NEON-SAME: visits(%[[STARTS]], %[[OFFSETS]], %[[WEIGHTS]] :
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @signed(%q: tensor<?x16x!q>) -> tensor<?x3xf32> {
  %w = qnet.constant dense<[[-128, 0, 0, 0, 0, 0, 0, 0, -128, 0, 0, 0, 0, 0, 0, 0],
                            [-128, -128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                            [-127, 127, 0, 0, 0, 0, 0, 0, -128, -128, 0, 0, 0, 0, 0, 0]]> : tensor<3x16xi8>
  %b = qnet.constant dense<0> : tensor<3xi32>
  %m = qnet.constant dense<0.5> : tensor<3xf32>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x16x!q>, tensor<3x16xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
