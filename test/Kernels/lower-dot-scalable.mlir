// If this fails, scalable vectors do not get the one instruction that multiplies them, or other code in silence.
// RUN: quant-opt %s --lower-dot=isa=sve --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @dot
// CHECK: llvm.call_intrinsic "llvm.aarch64.sve.sdot.nxv4i32"(%arg0, %arg1, %arg2)
func.func @dot(%acc: vector<[4]xi32>, %x: vector<[16]xi8>, %w: vector<[16]xi8>) -> vector<[4]xi32> {
  %r = qnet.dot %acc, %x, %w : vector<[4]xi32>, vector<[16]xi8>, vector<[16]xi8>
  return %r : vector<[4]xi32>
}

// CHECK-LABEL: func.func @lane
// CHECK: %[[LANE:.*]] = llvm.mlir.constant(3 : i32)
// CHECK: llvm.call_intrinsic "llvm.aarch64.sve.sdot.lane.nxv4i32"(%arg0, %arg2, %arg1, %[[LANE]])
func.func @lane(%acc: vector<[4]xi32>, %x: vector<[16]xi8>, %w: vector<[16]xi8>) -> vector<[4]xi32> {
  %r = qnet.dot %acc, %x, %w {lane = 3 : i32} : vector<[4]xi32>, vector<[16]xi8>, vector<[16]xi8>
  return %r : vector<[4]xi32>
}

// -----

// sdot is of signed bytes; nothing of SVE alone takes unsigned ones.
func.func @unsigned(%acc: vector<[4]xi32>, %x: vector<[16]xi8>, %w: vector<[16]xi8>) -> vector<[4]xi32> {
  // expected-error @below {{'qnet.dot' op on scalable vectors, has no instruction on sve}}
  %r = qnet.dot %acc, %x, %w {lhs_unsigned} : vector<[4]xi32>, vector<[16]xi8>, vector<[16]xi8>
  return %r : vector<[4]xi32>
}

// -----

// Blocks are i8mm's.
func.func @blocks(%acc: vector<[4]xi32>, %x: vector<[16]xi8>, %w: vector<[16]xi8>) -> vector<[4]xi32> {
  // expected-error @below {{'qnet.block_dot' op on scalable vectors, has no instruction on sve}}
  %r = qnet.block_dot %acc, %x, %w : vector<[4]xi32>, vector<[16]xi8>, vector<[16]xi8>
  return %r : vector<[4]xi32>
}
