// If this fails, AMX's kernel multiplies other tiles than those of its rows and weights.
// RUN: quant-opt %s --expand-packed-dense | FileCheck %s

// The sizes of the registers; 32 rows at a time by four tiles; then parts of up to 16 rows by two.
// CHECK-LABEL: func.func private @gemm_u8s8s32_32x32x64_amx_to_f32
// CHECK: llvm.call_intrinsic "llvm.x86.ldtilecfg"
// CHECK: scf.for {{.*}} step %c32
// CHECK: scf.for
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK: scf.for
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbusd"
// CHECK-NOT: tdpbusd
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilestored64"
// CHECK: scf.for {{.*}} step %c16
// CHECK: arith.minui
// CHECK: llvm.call_intrinsic "llvm.x86.ldtilecfg"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbusd"
// CHECK-NOT: tdpbusd
// CHECK: llvm.call_intrinsic "llvm.x86.tilerelease"
func.func @layer(%x: memref<?x64xi8>, %y: memref<?x32xf32>, %w: memref<2048xi8>, %b: memref<32xi32>, %m: memref<32xf32>) {
  qnet.packed_dense "gemm_u8s8s32_32x32x64_amx" ins(%x, %w, %b : memref<?x64xi8>, memref<2048xi8>, memref<32xi32>)
    multiplier(%m : memref<32xf32>) outs(%y : memref<?x32xf32>)
  return
}
