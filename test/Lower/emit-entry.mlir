// If this fails, the exported functions are not those of the C header.
// RUN: quant-opt %s --emit-entry="name=net" --split-input-file --verify-diagnostics | FileCheck %s
// RUN: quant-opt %s --emit-entry="name=net pointer-bits=32 packed-entry" --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=SMALL

// CHECK: func.func @net_run(%{{.*}}: !llvm.ptr {llvm.noalias}, %{{.*}}: !llvm.ptr {llvm.noalias}, %[[BATCH:.*]]: i64, %{{.*}}: !llvm.ptr {llvm.noalias})
// CHECK: %[[N:.*]] = arith.index_cast %[[BATCH]] : i64 to index
// CHECK: scf.for %{{.*}} = %c0 to %[[N]] step %c8
// CHECK: arith.minui
// CHECK: func.call @rows
// CHECK: func.func @net_workspace_size(%{{.*}}: i64) -> i64
// CHECK: arith.constant 640 : i64
// SMALL: func.func @net_run(%{{.*}}, %{{.*}}, %{{.*}}: i32, %{{.*}})
// SMALL: func.func @net_run_packed(%{{.*}}: !llvm.ptr, %{{.*}}: i32, %{{.*}}: !llvm.ptr)
// SMALL: func.func @net_workspace_size(%{{.*}}: i32) -> i32
module attributes {qnet.block_rows = 8 : i64, qnet.workspace = 640 : i64} {
  func.func private @rows(%x: memref<?x16xf32>, %y: memref<?x4x2xf32>, %ws: memref<?xi8>) {
    return
  }
}

// -----

// With split-entry's functions there are two entries; what lies between is
// behind the inner workspace: 8 rows of 16 bytes and of 4 f32, with slack.
// CHECK: func.func @net_run(
// CHECK: llvm.getelementptr %{{.*}}[640]
// CHECK: call @enter(
// CHECK: call @rows(
// CHECK-NOT: call
// CHECK: func.func @net_run_i8(
// CHECK: llvm.getelementptr %{{.*}}[640]
// CHECK: llvm.getelementptr %{{.*}}[832]
// CHECK: call @enter_i8(
// CHECK: call @rows(
// CHECK: call @leave_i8(
// CHECK: func.func @net_workspace_size(%{{.*}}: i64) -> i64
// CHECK: arith.constant 1024 : i64
// SMALL: func.func @net_run(
// SMALL: func.func @net_run_i8(
module attributes {qnet.block_rows = 8 : i64, qnet.workspace = 640 : i64} {
  func.func private @rows(%x: memref<?x16xi8>, %y: memref<?x4xf32>, %ws: memref<?xi8>) {
    return
  }
  func.func private @enter(%x: memref<?x16xf32>, %q: memref<?x16xi8>, %ws: memref<?xi8>) {
    return
  }
  func.func private @enter_i8(%x: memref<?x16xi8>, %q: memref<?x16xi8>, %ws: memref<?xi8>) {
    return
  }
  func.func private @leave_i8(%y: memref<?x4xf32>, %q: memref<?x4xi8>, %ws: memref<?xi8>) {
    return
  }
}

// -----

// One row has functions of its own; any other batch, the loop.
// CHECK: func.func @net_run(
// CHECK: %[[ONE:.*]] = arith.cmpi eq, %{{.*}}, %c1
// CHECK: scf.if %[[ONE]]
// CHECK: call @rows_one(
// CHECK-SAME: memref<1x16xf32>
// CHECK: } else {
// CHECK: scf.for
// CHECK: call @rows(
// SMALL: func.func @net_run(
module attributes {qnet.block_rows = 8 : i64, qnet.workspace = 640 : i64} {
  func.func private @rows(%x: memref<?x16xf32>, %y: memref<?x4xf32>, %ws: memref<?xi8>) {
    return
  }
  func.func private @rows_one(%x: memref<1x16xf32>, %y: memref<1x4xf32>, %ws: memref<?xi8>) {
    return
  }
}

// -----

// expected-error @below {{emit-entry: run form-entry and assign-workspace first}}
module {
  func.func private @rows(%x: memref<?x16xf32>, %ws: memref<?xi8>) {
    return
  }
}
