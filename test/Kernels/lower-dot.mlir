// If this fails, a kernel runs on another instruction than its row says.
// RUN: quant-opt %s --lower-dot=isa=avx2 --split-input-file | FileCheck %s --check-prefix=AVX2
// RUN: quant-opt %s --lower-dot=isa=sse41 --split-input-file | FileCheck %s --check-prefix=SSE41
// RUN: quant-opt %s --lower-dot=isa=avxvnni --split-input-file | FileCheck %s --check-prefix=AVXVNNI
// RUN: quant-opt %s --lower-dot=isa=avx512bw --split-input-file | FileCheck %s --check-prefix=AVX512BW
// RUN: quant-opt %s --lower-dot=isa=avx512vnni --split-input-file | FileCheck %s --check-prefix=AVX512VNNI
// RUN: quant-opt %s --lower-dot=isa=dotprod --split-input-file | FileCheck %s --check-prefix=DOTPROD
// RUN: quant-opt %s --lower-dot=isa=i8mm --split-input-file | FileCheck %s --check-prefix=I8MM
// RUN: quant-opt %s --lower-dot=isa=neon --split-input-file | FileCheck %s --check-prefix=NEON
// RUN: quant-opt %s --lower-dot=isa=portable --split-input-file | FileCheck %s --check-prefix=PLAIN

// AVX2-LABEL: func.func @pairs8
// AVX2: %[[W:.*]] = arith.extsi %{{.*}} : vector<16xi8> to vector<16xi16>
// AVX2: %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%{{.*}}, %[[W]])
// AVX2: arith.addi %{{.*}}, %[[P]] : vector<8xi32>
// PLAIN-LABEL: func.func @pairs8
// PLAIN-NOT: intrinsic
// PLAIN: arith.muli {{.*}} : vector<16xi32>
// PLAIN: vector.shuffle {{.*}} [0, 2, 4, 6, 8, 10, 12, 14]
// PLAIN: vector.shuffle {{.*}} [1, 3, 5, 7, 9, 11, 13, 15]
// AVXVNNI-LABEL: func.func @pairs8
// AVXVNNI: %[[W:.*]] = arith.extsi %{{.*}} : vector<16xi8> to vector<16xi16>
// AVXVNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpwssd.256"(%arg0, %arg1, %[[W]])
func.func @pairs8(%acc: vector<8xi32>, %x: vector<16xi16>, %w: vector<16xi8>) -> vector<8xi32> {
  %r = qnet.dot %acc, %x, %w : vector<8xi32>, vector<16xi16>, vector<16xi8>
  return %r : vector<8xi32>
}

// -----

// SSE41-LABEL: func.func @pairs4
// SSE41: llvm.call_intrinsic "llvm.x86.sse2.pmadd.wd"
func.func @pairs4(%acc: vector<4xi32>, %x: vector<8xi16>, %w: vector<8xi8>) -> vector<4xi32> {
  %r = qnet.dot %acc, %x, %w : vector<4xi32>, vector<8xi16>, vector<8xi8>
  return %r : vector<4xi32>
}

// -----

// DOTPROD-LABEL: func.func @quads_signed
// DOTPROD: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
// I8MM-LABEL: func.func @quads_signed
// I8MM-NOT: intrinsic
func.func @quads_signed(%acc: vector<4xi32>, %x: vector<16xi8>, %w: vector<16xi8>) -> vector<4xi32> {
  %r = qnet.dot %acc, %x, %w : vector<4xi32>, vector<16xi8>, vector<16xi8>
  return %r : vector<4xi32>
}

// -----

// I8MM-LABEL: func.func @quads_unsigned
// I8MM: llvm.call_intrinsic "llvm.aarch64.neon.usdot.v4i32.v16i8"
// PLAIN-LABEL: func.func @quads_unsigned
// PLAIN: arith.extui %{{.*}} : vector<16xi8> to vector<16xi32>
// PLAIN: arith.extsi %{{.*}} : vector<16xi8> to vector<16xi32>
func.func @quads_unsigned(%acc: vector<4xi32>, %x: vector<16xi8>, %w: vector<16xi8>) -> vector<4xi32> {
  %r = qnet.dot %acc, %x, %w {lhs_unsigned} : vector<4xi32>, vector<16xi8>, vector<16xi8>
  return %r : vector<4xi32>
}

// -----

// AVX2-LABEL: func.func @narrow8
// AVX2: %[[A:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%arg1, %arg3)
// AVX2: %[[B:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%arg2, %arg4)
// AVX2: %[[S:.*]] = arith.addi %[[A]], %[[B]] : vector<16xi16>
// AVX2: %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[S]], %{{.*}})
// AVX2: arith.addi %arg0, %[[P]] : vector<8xi32>
// PLAIN-LABEL: func.func @narrow8
// PLAIN-NOT: intrinsic
// PLAIN-COUNT-2: arith.muli {{.*}} : vector<32xi32>
func.func @narrow8(%acc: vector<8xi32>, %x0: vector<32xi8>, %x1: vector<32xi8>, %w0: vector<32xi8>, %w1: vector<32xi8>) -> vector<8xi32> {
  %r = qnet.narrow_dot %acc, (%x0, %x1), (%w0, %w1) : vector<8xi32>, (vector<32xi8>, vector<32xi8>), (vector<32xi8>, vector<32xi8>)
  return %r : vector<8xi32>
}

// -----

// SSE41-LABEL: func.func @narrow4
// SSE41: llvm.call_intrinsic "llvm.x86.ssse3.pmadd.ub.sw.128"
// SSE41: llvm.call_intrinsic "llvm.x86.sse2.pmadd.wd"
func.func @narrow4(%acc: vector<4xi32>, %x: vector<16xi8>, %w: vector<16xi8>) -> vector<4xi32> {
  %r = qnet.narrow_dot %acc, (%x), (%w) : vector<4xi32>, (vector<16xi8>), (vector<16xi8>)
  return %r : vector<4xi32>
}

// -----

// AVX512BW-LABEL: func.func @pairs16
// AVX512BW: %[[W:.*]] = arith.extsi %{{.*}} : vector<32xi8> to vector<32xi16>
// AVX512BW: %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"(%{{.*}}, %[[W]])
// AVX512BW: arith.addi %{{.*}}, %[[P]] : vector<16xi32>
// AVX512VNNI-LABEL: func.func @pairs16
// AVX512VNNI: %[[W:.*]] = arith.extsi %{{.*}} : vector<32xi8> to vector<32xi16>
// AVX512VNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpwssd.512"(%arg0, %arg1, %[[W]])
func.func @pairs16(%acc: vector<16xi32>, %x: vector<32xi16>, %w: vector<32xi8>) -> vector<16xi32> {
  %r = qnet.dot %acc, %x, %w : vector<16xi32>, vector<32xi16>, vector<32xi8>
  return %r : vector<16xi32>
}

// -----

// AVXVNNI-LABEL: func.func @quads_unsigned8
// AVXVNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"(%arg0, %arg1, %arg2)
// AVX2-LABEL: func.func @quads_unsigned8
// AVX2-NOT: intrinsic
func.func @quads_unsigned8(%acc: vector<8xi32>, %x: vector<32xi8>, %w: vector<32xi8>) -> vector<8xi32> {
  %r = qnet.dot %acc, %x, %w {lhs_unsigned} : vector<8xi32>, vector<32xi8>, vector<32xi8>
  return %r : vector<8xi32>
}

// -----

// vpdpbusd takes the unsigned operand first: signed activations are not for it.
// AVXVNNI-LABEL: func.func @quads_signed8
// AVXVNNI-NOT: intrinsic
func.func @quads_signed8(%acc: vector<8xi32>, %x: vector<32xi8>, %w: vector<32xi8>) -> vector<8xi32> {
  %r = qnet.dot %acc, %x, %w : vector<8xi32>, vector<32xi8>, vector<32xi8>
  return %r : vector<8xi32>
}

// -----

// AVX512VNNI-LABEL: func.func @quads_unsigned16
// AVX512VNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%arg0, %arg1, %arg2)
// AVX512BW-LABEL: func.func @quads_unsigned16
// AVX512BW-NOT: intrinsic
func.func @quads_unsigned16(%acc: vector<16xi32>, %x: vector<64xi8>, %w: vector<64xi8>) -> vector<16xi32> {
  %r = qnet.dot %acc, %x, %w {lhs_unsigned} : vector<16xi32>, vector<64xi8>, vector<64xi8>
  return %r : vector<16xi32>
}

// -----

// AVX512BW-LABEL: func.func @narrow16
// AVX512BW: %[[A:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"(%arg1, %arg3)
// AVX512BW: %[[B:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"(%arg2, %arg4)
// AVX512BW: %[[S:.*]] = arith.addi %[[A]], %[[B]] : vector<32xi16>
// AVX512BW: %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"(%[[S]], %{{.*}})
// AVX512BW: arith.addi %arg0, %[[P]] : vector<16xi32>
func.func @narrow16(%acc: vector<16xi32>, %x0: vector<64xi8>, %x1: vector<64xi8>, %w0: vector<64xi8>, %w1: vector<64xi8>) -> vector<16xi32> {
  %r = qnet.narrow_dot %acc, (%x0, %x1), (%w0, %w1) : vector<16xi32>, (vector<64xi8>, vector<64xi8>), (vector<64xi8>, vector<64xi8>)
  return %r : vector<16xi32>
}

// -----

// I8MM-LABEL: func.func @blocks
// I8MM: llvm.call_intrinsic "llvm.aarch64.neon.usmmla.v4i32.v16i8"(%arg0, %arg1, %arg2)
// Elsewhere by its definition: 8 products of a row and a channel for each sum.
// DOTPROD-LABEL: func.func @blocks
// DOTPROD-NOT: intrinsic
// DOTPROD: vector.shuffle {{.*}} [0, 0, 8, 8]
// DOTPROD: vector.shuffle {{.*}} [0, 8, 0, 8]
// DOTPROD-COUNT-8: arith.addi
func.func @blocks(%acc: vector<4xi32>, %x: vector<16xi8>, %w: vector<16xi8>) -> vector<4xi32> {
  %r = qnet.block_dot %acc, %x, %w : vector<4xi32>, vector<16xi8>, vector<16xi8>
  return %r : vector<4xi32>
}

// -----

// The lane that a vector of four gives to all: LLVM makes it part of sdot, whose last operand it has to be.
// DOTPROD-LABEL: func.func @lane
// DOTPROD: %[[WORDS:.*]] = vector.bitcast %arg1 : vector<16xi8> to vector<4xi32>
// DOTPROD: %[[SAME:.*]] = vector.shuffle %[[WORDS]], %[[WORDS]] [2, 2, 2, 2]
// DOTPROD: %[[BYTES:.*]] = vector.bitcast %[[SAME]] : vector<4xi32> to vector<16xi8>
// DOTPROD: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"(%arg0, %arg2, %[[BYTES]])
// PLAIN-LABEL: func.func @lane
// PLAIN: vector.shuffle {{.*}} [2, 2, 2, 2]
// PLAIN-NOT: intrinsic
// PLAIN: arith.muli {{.*}} : vector<16xi32>
func.func @lane(%acc: vector<4xi32>, %x: vector<16xi8>, %w: vector<16xi8>) -> vector<4xi32> {
  %r = qnet.dot %acc, %x, %w {lane = 2 : i32} : vector<4xi32>, vector<16xi8>, vector<16xi8>
  return %r : vector<4xi32>
}

// -----

// Products of signed bytes are added in 16 bits, pairs of the sums in 32: smull, smlal and sadalp.
// NEON-LABEL: func.func @signed_narrow
// NEON: %[[A0:.*]] = arith.extsi %arg1 : vector<8xi8> to vector<8xi16>
// NEON: %[[W0:.*]] = arith.extsi %arg3 : vector<8xi8> to vector<8xi16>
// NEON: %[[P0:.*]] = arith.muli %[[A0]], %[[W0]] : vector<8xi16>
// NEON: %[[P1:.*]] = arith.muli {{.*}} : vector<8xi16>
// NEON: %[[P:.*]] = arith.addi %[[P0]], %[[P1]] : vector<8xi16>
// NEON: %[[S:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.saddlp"(%[[P]])
// NEON: arith.addi %arg0, %[[S]] : vector<4xi32>
// Elsewhere by its definition, in 32 bits.
// SSE41-LABEL: func.func @signed_narrow
// SSE41-NOT: intrinsic
// SSE41-COUNT-4: arith.extsi {{.*}} : vector<8xi8> to vector<8xi32>
func.func @signed_narrow(%acc: vector<4xi32>, %x0: vector<8xi8>, %x1: vector<8xi8>, %w0: vector<8xi8>, %w1: vector<8xi8>) -> vector<4xi32> {
  %r = qnet.narrow_dot %acc, (%x0, %x1), (%w0, %w1) {lhs_signed} : vector<4xi32>, (vector<8xi8>, vector<8xi8>), (vector<8xi8>, vector<8xi8>)
  return %r : vector<4xi32>
}

// -----

// Nibbles are the unsigned operand, and its sums wrap.
// AVX2-LABEL: func.func @nibbles16
// AVX2: %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%arg1, %arg2)
// AVX2: arith.addi %arg0, %[[P]] : vector<16xi16>
// AVX512BW-LABEL: func.func @nibbles16
// AVX512BW-NOT: intrinsic
// AVX512BW: arith.extui %arg1 : vector<32xi8> to vector<32xi16>
// AVX512BW: arith.extsi %arg2 : vector<32xi8> to vector<32xi16>
// AVX512BW: arith.muli
// AVX512BW-COUNT-2: arith.addi
func.func @nibbles16(%sums: vector<16xi16>, %w: vector<32xi8>, %x: vector<32xi8>) -> vector<16xi16> {
  %r = qnet.pair_dot %sums, %w, %x : vector<16xi16>, vector<32xi8>, vector<32xi8>
  return %r : vector<16xi16>
}

// -----

// SSE41-LABEL: func.func @nibbles8
// SSE41: llvm.call_intrinsic "llvm.x86.ssse3.pmadd.ub.sw.128"(%arg1, %arg2)
func.func @nibbles8(%sums: vector<8xi16>, %w: vector<16xi8>, %x: vector<16xi8>) -> vector<8xi16> {
  %r = qnet.pair_dot %sums, %w, %x : vector<8xi16>, vector<16xi8>, vector<16xi8>
  return %r : vector<8xi16>
}

// -----

// AVX512BW-LABEL: func.func @nibbles32
// AVX512BW: llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"(%arg1, %arg2)
func.func @nibbles32(%sums: vector<32xi16>, %w: vector<64xi8>, %x: vector<64xi8>) -> vector<32xi16> {
  %r = qnet.pair_dot %sums, %w, %x : vector<32xi16>, vector<64xi8>, vector<64xi8>
  return %r : vector<32xi16>
}

// -----

// A group's sums of 16 bits times its multiplier, added in 32 bits.
// AVX2-LABEL: func.func @multiplier
// AVX2: %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%arg1, %arg2)
// AVX2: arith.addi %arg0, %[[P]] : vector<8xi32>
// AVXVNNI-LABEL: func.func @multiplier
// AVXVNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpwssd.256"(%arg0, %arg1, %arg2)
func.func @multiplier(%acc: vector<8xi32>, %sums: vector<16xi16>, %m: vector<16xi16>) -> vector<8xi32> {
  %r = qnet.dot %acc, %sums, %m : vector<8xi32>, vector<16xi16>, vector<16xi16>
  return %r : vector<8xi32>
}

// -----

// Without an instruction that multiplies and adds pairs: smull, smull2 and addp.
// NEON-LABEL: func.func @multiplier4
// NEON: %[[P:.*]] = arith.muli {{.*}} : vector<8xi32>
// NEON: %[[LOW:.*]] = vector.shuffle %[[P]], %[[P]] [0, 1, 2, 3]
// NEON: %[[HIGH:.*]] = vector.shuffle %[[P]], %[[P]] [4, 5, 6, 7]
// NEON: %[[S:.*]] = llvm.call_intrinsic "llvm.aarch64.neon.addp"(%[[LOW]], %[[HIGH]])
// NEON: arith.addi %arg0, %[[S]] : vector<4xi32>
func.func @multiplier4(%acc: vector<4xi32>, %sums: vector<8xi16>, %m: vector<8xi16>) -> vector<4xi32> {
  %r = qnet.dot %acc, %sums, %m : vector<4xi32>, vector<8xi16>, vector<8xi16>
  return %r : vector<4xi32>
}
