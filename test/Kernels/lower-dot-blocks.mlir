// If this fails, blocks of scalable vectors do not become the one instruction that multiplies them.
// RUN: quant-opt %s --lower-dot=isa=svei8mm | FileCheck %s

// CHECK-LABEL: func.func @blocks
// CHECK: llvm.call_intrinsic "llvm.aarch64.sve.usmmla.nxv4i32"(%arg0, %arg1, %arg2)
func.func @blocks(%acc: vector<[4]xi32>, %x: vector<[16]xi8>, %w: vector<[16]xi8>) -> vector<[4]xi32> {
  %r = qnet.block_dot %acc, %x, %w : vector<[4]xi32>, vector<[16]xi8>, vector<[16]xi8>
  return %r : vector<[4]xi32>
}
