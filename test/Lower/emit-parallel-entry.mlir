// If this fails, parts of a batch on several threads overlap, or miss rows.
// RUN: quant-opt %s --emit-entry="name=net" --emit-parallel-entry="name=net" | FileCheck %s
// RUN: quant-opt %s --emit-entry="name=net pointer-bits=32" --emit-parallel-entry="name=net pointer-bits=32" | FileCheck %s --check-prefix=SMALL
// RUN: not quant-opt %s --emit-parallel-entry="name=net" 2>&1 | FileCheck %s --check-prefix=EARLY
// EARLY: error: emit-parallel-entry: run emit-entry first

// CHECK: func.func @net_run(
// CHECK-NOT: qnet.row_bytes
// CHECK-SAME: passthrough = ["noinline"]

// A part: groups of 8 rows, the first ones one more; an index that is no part
// does nothing. Its workspace is 640 bytes, 64 of slack, to whole 128.
// CHECK: func.func private @net_run_part(%[[CALL:.*]]: !llvm.ptr, %[[PART:.*]]: i64)
// CHECK-SAME: internal
// CHECK: %[[BATCH:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK: %[[PARTS:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK: %[[EACH:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK: %[[LONGER:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK: %[[IS:.*]] = arith.cmpi ult, %[[PART]], %[[PARTS]]
// CHECK: scf.if %[[IS]] {
// CHECK-NOT: arith.divui
// CHECK: arith.muli %[[PART]], %[[EACH]]
// CHECK: arith.minui %[[PART]], %[[LONGER]]
// CHECK: arith.minui %{{.*}}, %[[BATCH]]
// CHECK: %c768_i64
// CHECK: arith.muli %[[PART]], %c768_i64
// CHECK: %c64_i64
// CHECK: %c32_i64
// CHECK: func.call @net_run(

// CHECK: func.func @net_run_parallel(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr, %[[ASKED:.*]]: i64, %[[FOR:.*]]: !llvm.ptr, %[[POOL:.*]]: !llvm.ptr)
// CHECK: arith.minui %[[ASKED]], %{{.*}}
// CHECK: %[[USED:.*]] = arith.maxui
// CHECK: %[[CONTEXT:.*]] = llvm.alloca
// CHECK: scf.if
// CHECK-NEXT: func.call @net_run(
// CHECK-NEXT: } else {
// The division is by bits: no target may call a library for it.
// CHECK: scf.for %{{.*}} = %c0 to %c64 step %c1
// CHECK-NOT: arith.divui %{{.*}}, %[[USED]]
// CHECK: %[[TASK:.*]] = builtin.unrealized_conversion_cast %{{.*}} : (!llvm.ptr, i64) -> () to !llvm.ptr
// CHECK: llvm.call %[[FOR]](%[[POOL]], %[[USED]], %[[TASK]], %[[CONTEXT]])

// CHECK: func.func @net_parallel_workspace_size(%{{.*}}: i64, %{{.*}}: i64) -> i64
// CHECK: arith.muli %{{.*}}, %c768_i64

// SMALL: func.func private @net_run_part(%{{.*}}: !llvm.ptr, %{{.*}}: i32)
// SMALL: func.func @net_run_parallel(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i32, %{{.*}}: !llvm.ptr, %{{.*}}: i32, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// SMALL: func.func @net_parallel_workspace_size(%{{.*}}: i32, %{{.*}}: i32) -> i32
module attributes {qnet.block_rows = 8 : i64, qnet.workspace = 640 : i64} {
  func.func private @rows(%x: memref<?x16xf32>, %y: memref<?x4x2xf32>, %ws: memref<?xi8>) {
    return
  }
}
