// If this fails, buffers overlap that live together, or the workspace is larger
// than it must be.
// RUN: quant-opt %s --assign-workspace=block-rows=8 --split-input-file --verify-diagnostics | FileCheck %s
// RUN: quant-opt %s --assign-workspace=cache-bytes=1024 --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=CACHE

// %a and %c do not live together and share a place; %b lies behind them: 8 rows
// of 64 bytes and 64 bytes of slack are 576.
// CHECK: module attributes {qnet.block_rows = 8 : i64, qnet.workspace = 1152 : i64}
// CACHE: module attributes {qnet.block_rows = 8 : i64
// CHECK-LABEL: func.func @rows
// CHECK: %[[ZERO:c0_.*]] = arith.constant 0 : index
// CHECK: memref.view %[[WS:.*]][%[[ZERO]]][%{{.*}}] : memref<?xi8> to memref<?x16xf32>
// CHECK: %[[NEXT:.*]] = arith.constant 576 : index
// CHECK: memref.view %[[WS]][%[[NEXT]]]
// CHECK: %[[AGAIN:.*]] = arith.constant 0 : index
// CHECK: memref.view %[[WS]][%[[AGAIN]]]
// CHECK-NOT: memref.alloc
func.func @rows(%x: memref<?x16xf32>, %y: memref<?x16xf32>, %ws: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x16xf32>
  %a = memref.alloc(%n) : memref<?x16xf32>
  memref.copy %x, %a : memref<?x16xf32> to memref<?x16xf32>
  %b = memref.alloc(%n) : memref<?x16xf32>
  memref.copy %a, %b : memref<?x16xf32> to memref<?x16xf32>
  %c = memref.alloc(%n) : memref<?x16xf32>
  memref.copy %b, %c : memref<?x16xf32> to memref<?x16xf32>
  memref.copy %c, %y : memref<?x16xf32> to memref<?x16xf32>
  return
}

// -----

// Nothing to place.
// CHECK: module attributes {qnet.block_rows = 8 : i64, qnet.workspace = 64 : i64}
func.func @rows(%x: memref<?x16xf32>, %y: memref<?x16xf32>, %ws: memref<?xi8>) {
  memref.copy %x, %y : memref<?x16xf32> to memref<?x16xf32>
  return
}

// -----

// Two unknown sizes cannot be placed.
func.func @rows(%x: memref<?x?xf32>, %ws: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x?xf32>
  // expected-error @below {{cannot be placed before the program runs}}
  %a = memref.alloc(%n, %n) : memref<?x?xf32>
  memref.copy %x, %a : memref<?x?xf32> to memref<?x?xf32>
  return
}

// -----

// Weights of more than 1 MB come anew for each block: four times the bytes.
// CACHE: module attributes {qnet.block_rows = 60 : i64
memref.global "private" @weights : memref<1048577xi8>
func.func @rows(%x: memref<?x16xf32>, %y: memref<?x16xf32>, %ws: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x16xf32>
  %a = memref.alloc(%n) : memref<?x16xf32>
  memref.copy %x, %a : memref<?x16xf32> to memref<?x16xf32>
  memref.copy %a, %y : memref<?x16xf32> to memref<?x16xf32>
  return
}

// -----

// One byte less.
// CACHE: module attributes {qnet.block_rows = 12 : i64
memref.global "private" @weights : memref<1048576xi8>
func.func @rows(%x: memref<?x16xf32>, %y: memref<?x16xf32>, %ws: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x16xf32>
  %a = memref.alloc(%n) : memref<?x16xf32>
  memref.copy %x, %a : memref<?x16xf32> to memref<?x16xf32>
  memref.copy %a, %y : memref<?x16xf32> to memref<?x16xf32>
  return
}

// -----

// Three rows of a buffer for each of the program's: 8 * 3 * 24 bytes and 64 of
// slack.
// CHECK: module attributes {qnet.block_rows = 8 : i64, qnet.workspace = 640 : i64}
func.func @rows(%x: memref<?x12xf32>, %y: memref<?x3x6xf32>, %ws: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %flat = memref.collapse_shape %x [[0, 1]] : memref<?x12xf32> into memref<?xf32>
  %n3 = memref.dim %flat, %c0 : memref<?xf32>
  %c4 = arith.constant 4 : index
  %count = arith.divui %n3, %c4 : index
  %rows = memref.expand_shape %flat [[0, 1]] output_shape [%count, 4] : memref<?xf32> into memref<?x4xf32>
  %n = memref.dim %rows, %c0 : memref<?x4xf32>
  %a = memref.alloc(%n) : memref<?x6xf32>
  %b = memref.dim %x, %c0 : memref<?x12xf32>
  %c = memref.expand_shape %a [[0, 1], [2]] output_shape [%b, 3, 6] : memref<?x6xf32> into memref<?x3x6xf32>
  memref.copy %c, %y : memref<?x3x6xf32> to memref<?x3x6xf32>
  return
}

// -----

// Pairs of rows have the place of as many rows: 8 * 16 bytes and 64 of slack.
// CHECK: module attributes {qnet.block_rows = 8 : i64, qnet.workspace = 192 : i64}
func.func @rows(%x: memref<?x16xi8>, %y: memref<?x16xi8>, %ws: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %n = memref.dim %x, %c0 : memref<?x16xi8>
  %pairs = arith.ceildivui %n, %c2 : index
  %a = memref.alloc(%pairs) : memref<?x16xi8>
  memref.copy %x, %a : memref<?x16xi8> to memref<?x16xi8>
  memref.copy %a, %y : memref<?x16xi8> to memref<?x16xi8>
  return
}

// -----

// A size that is no multiple of the rows that can be seen.
func.func @rows(%x: memref<?x16xf32>, %y: memref<?x16xf32>, %ws: memref<?xi8>, %n: index) {
  // expected-error @+1 {{assign-workspace: a buffer of 'memref<?x16xf32>' has a size that does not follow from the rows}}
  %a = memref.alloc(%n) : memref<?x16xf32>
  memref.copy %x, %a : memref<?x16xf32> to memref<?x16xf32>
  memref.copy %a, %y : memref<?x16xf32> to memref<?x16xf32>
  return
}
