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

// expected-error @below {{emit-entry: run form-entry and assign-workspace first}}
module {
  func.func private @rows(%x: memref<?x16xf32>, %ws: memref<?xi8>) {
    return
  }
}
