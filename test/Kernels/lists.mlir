// If this fails, a panel lists other groups than those that are not zero, or lists are used where they are slower.
// RUN: quant-opt %s --select-kernels="isa=avx2 kernel=gemm_u8s8s16_4x16x8_avx2 lists" --verify-lists --verify-narrow-sums --split-input-file | FileCheck %s
// RUN: quant-opt %s --select-kernels=isa=avx2 --split-input-file | FileCheck %s --check-prefix=CHOSEN

// Weights at inputs 5, 22 and 63: groups 1, 5 and 15. Two share a step, the
// heaviest with the lightest, which is the one that fills up.
// CHECK-LABEL: func.func @listed
// CHECK-DAG: %[[PACKED:.*]] = qnet.constant dense<"0x00006400{{(00){124}000000F9(00){60}00030000(00)*}}"> : tensor<256xi8>
// CHECK-DAG: %[[STARTS:.*]] = qnet.constant dense<[0, 2]> : tensor<2xi32>
// CHECK-DAG: %[[GROUPS:.*]] = qnet.constant dense<[5, 0, 15, 1]> : tensor<4xi16>
// CHECK: qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%{{.*}}, %[[PACKED]],
// CHECK-SAME: lists(%[[STARTS]], %[[GROUPS]] : tensor<2xi32>, tensor<4xi16>) outs
// CHOSEN-LABEL: func.func @listed
// CHOSEN: lists(
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @listed(%q: tensor<?x64x!q>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -7]]> : tensor<1x64xi8>
  %b = qnet.constant dense<0> : tensor<1xi32>
  %m = qnet.constant dense<0.5> : tensor<1xf32>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x64x!q>, tensor<1x64xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Heavy groups meet light ones: 100 + 100 and 20 + 20 in order would have too much
// for one sum of 16 bits, 100 + 20 twice has not.
// CHECK-LABEL: func.func @paired
// CHECK-DAG: qnet.constant dense<[0, 3, 1, 2]> : tensor<4xi16>
// CHECK: lists(
// CHECK-NOT: visits
// CHECK: return
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @paired(%q: tensor<?x64x!q>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[100, 0, 0, 0, 100, 0, 0, 0, 20, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<1x64xi8>
  %b = qnet.constant dense<0> : tensor<1xi32>
  %m = qnet.constant dense<0.5> : tensor<1xf32>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x64x!q>, tensor<1x64xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// What even then is too much for 16 bits is moved to a group of its own: 128 of
// 200 stay, and 72 are multiplied in a second step.
// CHECK-LABEL: func.func @repeated
// CHECK-DAG: qnet.constant dense<"0x1C64{{(00)+}}48{{(00)+}}"> : tensor<256xi8>
// CHECK-DAG: qnet.constant dense<[0, 2]> : tensor<2xi32>
// CHECK-DAG: qnet.constant dense<[4, 0, 4, 0]> : tensor<4xi16>
// CHECK: lists(
// CHECK-NOT: visits
// CHECK: return
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @repeated(%q: tensor<?x64x!q>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<1x64xi8>
  %b = qnet.constant dense<0> : tensor<1xi32>
  %m = qnet.constant dense<0.5> : tensor<1xf32>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x64x!q>, tensor<1x64xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// A layer of zeros has one step that multiplies by them.
// CHECK-LABEL: func.func @zeros
// CHECK-DAG: qnet.constant dense<[0, 1]> : tensor<2xi32>
// CHECK-DAG: qnet.constant dense<0> : tensor<2xi16>
// CHECK: lists(
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @zeros(%q: tensor<?x64x!q>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<0> : tensor<1x64xi8>
  %b = qnet.constant dense<0> : tensor<1xi32>
  %m = qnet.constant dense<0.5> : tensor<1xf32>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x64x!q>, tensor<1x64xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Nothing to leave out: lists would only cost.
// CHOSEN-LABEL: func.func @full
// CHOSEN: qnet.packed_dense
// CHOSEN-NOT: lists(
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @full(%q: tensor<?x64x!q>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<1> : tensor<1x64xi8>
  %b = qnet.constant dense<0> : tensor<1xi32>
  %m = qnet.constant dense<0.5> : tensor<1xf32>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x64x!q>, tensor<1x64xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// A panel of a large layer would be 512 steps, 16 pages: a step of zeros follows each.
// CHECK-LABEL: func.func @pages
// CHECK-DAG: qnet.constant dense<[0, 513, 1026, 1539, {{.*}}, 7695, 8208]> : tensor<17xi32>
// CHECK-DAG: qnet.constant {{.*}} : tensor<1050624xi8>
!q = !quant.uniform<u8<0:127>:f32, 0.5:0>
func.func @pages(%q: tensor<?x4096x!q>) -> tensor<?x256xf32> {
  %w = qnet.constant dense<1> : tensor<256x4096xi8>
  %b = qnet.constant dense<0> : tensor<256xi32>
  %m = qnet.constant dense<0.5> : tensor<256xf32>
  %y = qnet.qdense %q, %w, %b, %m
    : (tensor<?x4096x!q>, tensor<256x4096xi8>, tensor<256xi32>, tensor<256xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}
