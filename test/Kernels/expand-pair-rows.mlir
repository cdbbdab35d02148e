// If this fails, usmmla reads other bytes than those of its two rows.
// RUN: quant-opt %s --expand-pair-rows --split-input-file --verify-diagnostics | FileCheck %s

// 13 inputs are two groups of 8 bytes in either row of a pair; an odd last row stands beside zeros.
// CHECK-LABEL: func.func @pairs
// CHECK: scf.for
// CHECK: scf.for {{.*}} to %[[GROUPS:.*]] step
// CHECK-COUNT-2: llvm.load {{.*}} -> i64
// CHECK-COUNT-2: llvm.store {{.*}} {alignment = 8 : i64} : i64
// CHECK: scf.if
// CHECK: scf.for
// CHECK: llvm.load {{.*}} -> i64
// CHECK-NOT: llvm.load
// CHECK-COUNT-2: llvm.store
// CHECK-NOT: pair_rows
func.func @pairs(%x: memref<?x13xi8, strided<[20, 1]>>, %pairs: memref<?x32xi8>) {
  qnet.pair_rows %x, %pairs : memref<?x13xi8, strided<[20, 1]>>, memref<?x32xi8>
  return
}

// -----

func.func @on_tensors(%x: tensor<?x13xi8>, %init: tensor<?x32xi8>) -> tensor<?x32xi8> {
  // expected-error @below {{'qnet.pair_rows' op must be on memrefs (bufferize first)}}
  %p = qnet.pair_rows %x, %init : tensor<?x13xi8>, tensor<?x32xi8> -> tensor<?x32xi8>
  return %p : tensor<?x32xi8>
}

// -----

func.func @columns(%x: memref<?x13xi8, strided<[1, 20]>>, %pairs: memref<?x32xi8>) {
  // expected-error @below {{'qnet.pair_rows' op rows must be contiguous, got 'memref<?x13xi8, strided<[1, 20]>>'}}
  qnet.pair_rows %x, %pairs : memref<?x13xi8, strided<[1, 20]>>, memref<?x32xi8>
  return
}

// -----

// Nothing to do.
// CHECK-LABEL: func.func @none
// CHECK-NEXT: return
func.func @none() { return }
