// If this fails, a kernel's loops, tiles or finish are not those of its row.
// RUN: quant-opt %s --expand-packed-dense --split-input-file --verify-diagnostics | FileCheck %s

memref.global "private" constant @packed : memref<64xi8> = dense<1>
memref.global "private" constant @bias : memref<16xi32> = dense<0>
memref.global "private" constant @scale : memref<16xf32> = dense<0.5>
// With these the program's weights leave the second cache.
memref.global "private" constant @others : memref<1048576xi8> = dense<1>

// CHECK-LABEL: func.func @layer
// CHECK: call @gemm_s16s8s32_4x16x2_avx2_to_i16_z3_0_255
// CHECK-NOT: packed_dense
func.func @layer(%x: memref<?x3xi16, strided<[16, 1]>>, %y: memref<?x16xi16>) {
  %w = memref.get_global @packed : memref<64xi8>
  %b = memref.get_global @bias : memref<16xi32>
  %m = memref.get_global @scale : memref<16xf32>
  qnet.packed_dense "gemm_s16s8s32_4x16x2_avx2"
    ins(%x, %w, %b : memref<?x3xi16, strided<[16, 1]>>, memref<64xi8>, memref<16xi32>)
    multiplier(%m : memref<16xf32>) outs(%y : memref<?x16xi16>) {zero_point = 3 : i32}
  return
}

// One function a kernel and finish: panels, then tiles of 4, 2 and 1 rows, each
// with two vectors of 8 lanes a row.
// CHECK: func.func private @gemm_s16s8s32_4x16x2_avx2_to_i16_z3_0_255
// CHECK: scf.for
// CHECK: scf.for {{.*}} step %c4
// A whole tile asks for the next panel, a line a step.
// CHECK: llvm.intr.prefetch
// CHECK-NOT: llvm.intr.prefetch
// CHECK-COUNT-8: qnet.dot
// CHECK-NOT: qnet.dot
// CHECK-NOT: llvm.intr.prefetch
// CHECK: scf.for {{.*}} step %c2
// CHECK-COUNT-4: qnet.dot
// CHECK-NOT: qnet.dot
// CHECK-NOT: llvm.intr.prefetch
// CHECK: scf.for {{.*}} step %c1
// A single row asks for its weights ahead: 16 channels of 2 are half a line.
// CHECK: llvm.intr.prefetch
// CHECK-NOT: llvm.intr.prefetch
// CHECK-COUNT-2: qnet.dot
// CHECK-NOT: qnet.dot

// -----

// Two groups a step; then the visits of each vector of lanes, one group each.
// CHECK: func.func private @gemm_u8s8s16_4x16x8_avx2_visits_to_f32
// The second to fourth row read the weights again, from addresses that LLVM takes for others; nobody asks for the next
// panel, since so few weights stay in the second cache.
// CHECK: scf.for {{.*}} step %c4
// CHECK-NOT: llvm.intr.prefetch
// CHECK-COUNT-2: qnet.narrow_dot %{{.*}}, (%{{.*}}, %{{.*}}), (%{{.*}}, %{{.*}})
// CHECK: %[[SECOND:.*]] = llvm.inline_asm "", "=r,0" %{{.*}} : (!llvm.ptr) -> !llvm.ptr
// CHECK-COUNT-2: qnet.narrow_dot %{{.*}}, (%{{.*}}, %{{.*}}), (%{{.*}}, %{{.*}})
// CHECK: %[[THIRD:.*]] = llvm.inline_asm "", "=r,0" %[[SECOND]]
// CHECK-COUNT-2: qnet.narrow_dot %{{.*}}, (%{{.*}}, %{{.*}}), (%{{.*}}, %{{.*}})
// CHECK: llvm.inline_asm "", "=r,0" %[[THIRD]]
// CHECK-COUNT-2: qnet.narrow_dot %{{.*}}, (%{{.*}}, %{{.*}}), (%{{.*}}, %{{.*}})
// CHECK: scf.for
// CHECK-COUNT-4: qnet.narrow_dot %{{.*}}, (%{{[^,]*}}), (%{{[^,]*}})
// CHECK: scf.for
// CHECK-COUNT-4: qnet.narrow_dot %{{.*}}, (%{{[^,]*}}), (%{{[^,]*}})
// CHECK-NOT: qnet.narrow_dot
// CHECK: scf.for {{.*}} step %c2
func.func @visits(%x: memref<?x8xi8>, %y: memref<?x16xf32>, %w: memref<128xi8>, %b: memref<16xi32>, %m: memref<16xf32>,
                  %s: memref<3xi32>, %o: memref<1xi32>, %v: memref<32xi8>) {
  qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : memref<?x8xi8>, memref<128xi8>, memref<16xi32>)
    multiplier(%m : memref<16xf32>) visits(%s, %o, %v : memref<3xi32>, memref<1xi32>, memref<32xi8>)
    outs(%y : memref<?x16xf32>)
  return
}

// -----

func.func @visits_size(%x: memref<?x8xi8>, %y: memref<?x16xf32>, %w: memref<128xi8>, %b: memref<16xi32>, %m: memref<16xf32>,
                  %s: memref<2xi32>, %o: memref<1xi32>, %v: memref<32xi8>) {
  // expected-error @below {{visits do not have the sizes}}
  qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : memref<?x8xi8>, memref<128xi8>, memref<16xi32>)
    multiplier(%m : memref<16xf32>) visits(%s, %o, %v : memref<2xi32>, memref<1xi32>, memref<32xi8>)
    outs(%y : memref<?x16xf32>)
  return
}

// -----

// With lists a panel's steps are those between two starts, and each of a step's
// two groups is the one that the list says.
// CHECK: func.func private @gemm_u8s8s16_4x16x8_avx2_lists_to_f32
// CHECK: scf.for
// CHECK: scf.for {{.*}} step %c4
// CHECK: %[[FROM:.*]] = arith.index_cast %{{.*}} : i32 to index
// CHECK: %[[TO:.*]] = arith.index_cast %{{.*}} : i32 to index
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]] step
// CHECK-COUNT-2: llvm.load volatile %{{.*}} {alignment = 2 : i64} : !llvm.ptr -> i16
// CHECK-COUNT-8: qnet.narrow_dot %{{.*}}, (%{{.*}}, %{{.*}}), (%{{.*}}, %{{.*}})
// CHECK-NOT: qnet.narrow_dot
// CHECK: scf.for {{.*}} step %c2
func.func @lists(%x: memref<?x21xi8>, %y: memref<?x32xf32>, %w: memref<256xi8>, %b: memref<32xi32>, %m: memref<32xf32>,
                 %s: memref<3xi32>, %o: memref<4xi16>) {
  qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : memref<?x21xi8>, memref<256xi8>, memref<32xi32>)
    multiplier(%m : memref<32xf32>) lists(%s, %o : memref<3xi32>, memref<4xi16>)
    outs(%y : memref<?x32xf32>)
  return
}

// -----

memref.global "private" constant @beyond : memref<2097152xi8> = dense<1>

// Sixteen products a sum: each group's two vectors of weights meet three rows, and assemblies of nothing keep LLVM from
// adding in another order. The ones are loaded in the step, so that they take no register through the loop.
// CHECK: llvm.mlir.global internal constant @ones_i16x16(dense<1> : vector<16xi16>) {{.*}}alignment = 32
// CHECK: func.func private @gemm_u8s8s16_3x16x16_avx2_lists_to_f32
// CHECK: scf.for {{.*}} step %c3
// CHECK-COUNT-4: llvm.load volatile %{{.*}} {alignment = 2 : i64} : !llvm.ptr -> i16
// The first group's sums are its products; those of the others are added to them, row by row.
// CHECK-COUNT-6: qnet.pair_dot
// CHECK-NOT: inline_asm "", "=v
// CHECK-COUNT-2: llvm.load %{{.*}} {alignment = 32 : i64} : !llvm.ptr -> vector<32xi8>
// CHECK-COUNT-2: qnet.pair_dot
// CHECK: %[[BOTH:.*]] = llvm.inline_asm "", "=v,=v,=v,=v,0,1,2,3" %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} :
// CHECK: %[[PRODUCTS:.*]] = llvm.extractvalue %[[BOTH]][0]
// CHECK: %[[SUMS:.*]] = llvm.extractvalue %[[BOTH]][2]
// CHECK: arith.addi %[[SUMS]], %[[PRODUCTS]] : vector<16xi16>
// CHECK-COUNT-16: qnet.pair_dot
// CHECK-NOT: qnet.pair_dot
// CHECK: %[[ONES:.*]] = llvm.load volatile %{{.*}} {alignment = 32 : i64} : !llvm.ptr -> vector<16xi16>
// CHECK-COUNT-6: qnet.dot %{{.*}}, %{{.*}}, %[[ONES]] : vector<8xi32>, vector<16xi16>, vector<16xi16>
// CHECK: scf.for {{.*}} step %c2
// CHECK: scf.for {{.*}} step %c1
// A single row asks for the first line of the next page of weights: they come from beyond the second cache.
// CHECK: %[[MASK:.*]] = llvm.mlir.constant(-4096 : i64)
// CHECK: %[[NEXT:.*]] = llvm.getelementptr %{{.*}}[4096]
// CHECK: %[[LINE:.*]] = llvm.intr.ptrmask %[[NEXT]], %[[MASK]]
// CHECK: "llvm.intr.prefetch"(%[[LINE]]) <{cache = 1 : i32, hint = 2 : i32, rw = 0 : i32}>
// CHECK-NOT: llvm.intr.prefetch
// CHECK-COUNT-2: qnet.narrow_dot %{{.*}}, (%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}), (%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}})
// CHECK-NOT: qnet.narrow_dot
func.func @sixteen(%x: memref<?x21xi8>, %y: memref<?x32xf32>, %w: memref<512xi8>, %b: memref<32xi32>, %m: memref<32xf32>,
                   %s: memref<3xi32>, %o: memref<8xi16>) {
  qnet.packed_dense "gemm_u8s8s16_3x16x16_avx2" ins(%x, %w, %b : memref<?x21xi8>, memref<512xi8>, memref<32xi32>)
    multiplier(%m : memref<32xf32>) lists(%s, %o : memref<3xi32>, memref<8xi16>)
    outs(%y : memref<?x32xf32>)
  return
}

// -----

// A start for each panel of 16 and one more.
func.func @lists_size(%x: memref<?x21xi8>, %y: memref<?x32xf32>, %w: memref<256xi8>, %b: memref<32xi32>, %m: memref<32xf32>,
                      %s: memref<2xi32>, %o: memref<4xi16>) {
  // expected-error @below {{lists do not have the sizes}}
  qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : memref<?x21xi8>, memref<256xi8>, memref<32xi32>)
    multiplier(%m : memref<32xf32>) lists(%s, %o : memref<2xi32>, memref<4xi16>)
    outs(%y : memref<?x32xf32>)
  return
}

// -----

// Groups are numbers of 16 bits.
func.func @lists_type(%x: memref<?x21xi8>, %y: memref<?x32xf32>, %w: memref<256xi8>, %b: memref<32xi32>, %m: memref<32xf32>,
                      %s: memref<3xi32>, %o: memref<4xi32>) {
  // expected-error @below {{lists do not have the types}}
  qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : memref<?x21xi8>, memref<256xi8>, memref<32xi32>)
    multiplier(%m : memref<32xf32>) lists(%s, %o : memref<3xi32>, memref<4xi32>)
    outs(%y : memref<?x32xf32>)
  return
}

// -----

// As many weights as the lists' groups: 4 of 64.
func.func @listed_weights(%x: memref<?x21xi8>, %y: memref<?x32xf32>, %w: memref<192xi8>, %b: memref<32xi32>, %m: memref<32xf32>,
                          %s: memref<3xi32>, %o: memref<4xi16>) {
  // expected-error @below {{packed weights do not have the size}}
  qnet.packed_dense "gemm_u8s8s16_4x16x8_avx2" ins(%x, %w, %b : memref<?x21xi8>, memref<192xi8>, memref<32xi32>)
    multiplier(%m : memref<32xf32>) lists(%s, %o : memref<3xi32>, memref<4xi16>)
    outs(%y : memref<?x32xf32>)
  return
}

// -----

// No such row.
func.func @unknown(%x: memref<?x4xi16>, %w: memref<64xi8>, %b: memref<16xi32>, %y: memref<?x16xf32>) {
  // expected-error @below {{no row of the kernel table is named 'gemm_none'}}
  qnet.packed_dense "gemm_none" ins(%x, %w, %b : memref<?x4xi16>, memref<64xi8>, memref<16xi32>)
    outs(%y : memref<?x16xf32>)
  return
}

// -----

// The packed size must be the row's: 4 inputs are two groups of 2, 64 bytes.
func.func @size(%x: memref<?x4xi16>, %w: memref<63xi8>, %b: memref<16xi32>, %y: memref<?x16xf32>) {
  // expected-error @below {{packed weights do not have the size}}
  qnet.packed_dense "gemm_s16s8s32_4x16x2_avx2" ins(%x, %w, %b : memref<?x4xi16>, memref<63xi8>, memref<16xi32>)
    outs(%y : memref<?x16xf32>)
  return
}

// -----

// Nothing to do.
// CHECK-LABEL: func.func @empty
func.func @empty() {
  return
}

// -----

memref.global "private" constant @others : memref<2097152xi8> = dense<1>

// Weights of 4 bits: per group one sum for each vector of a row, eight steps of
// two vectors' nibbles by two quads of channels, then the multiplier.
// CHECK-LABEL: func.func @grouped
// CHECK: scf.for
// CHECK: scf.for
// CHECK: llvm.load %{{.*}} : !llvm.ptr -> vector<64xi8>
// CHECK: dense<-8> : vector<2xi16>
// CHECK: llvm.store %{{.*}} : i32, !llvm.ptr
// CHECK: func.func private @gemm_s8u4s16_4x16x64_avx2_to_f32
// CHECK: scf.for {{.*}} step %c4
// CHECK: scf.for
// Two of the eight lines of the next panel's group, for each of four tiles.
// CHECK-COUNT-2: llvm.intr.prefetch
// CHECK-NOT: llvm.intr.prefetch
// CHECK: scf.for
// CHECK-COUNT-16: qnet.pair_dot
// CHECK-NOT: qnet.pair_dot
// CHECK: scf.yield
// CHECK: arith.extui %{{.*}} : vector<16xi8> to vector<16xi16>
// CHECK-COUNT-8: qnet.dot {{.*}} : vector<8xi32>, vector<16xi16>, vector<16xi16>
// CHECK-NOT: qnet.dot
// CHECK: scf.for {{.*}} step %c2
func.func @grouped(%x: memref<?x100xi8>, %y: memref<?x16xf32>, %w: memref<1024xi8>, %b: memref<16xi32>, %m: memref<16xf32>,
                   %g: memref<64xi8>, %s: memref<?x2xi32>) {
  qnet.group_sums ins(%x : memref<?x100xi8>) outs(%s : memref<?x2xi32>) {halves}
  qnet.packed_dense "gemm_s8u4s16_4x16x64_avx2" ins(%x, %w, %b : memref<?x100xi8>, memref<1024xi8>, memref<16xi32>)
    multiplier(%m : memref<16xf32>) group_multiplier(%g : memref<64xi8>) group_sums(%s : memref<?x2xi32>)
    outs(%y : memref<?x16xf32>)
  return
}

// -----

// On NEON lanes take inputs: 16 bytes of a row meet 16 weights of each of four channels, whose products the assembly of
// nothing keeps in order. The end adds lanes, then the bias; a visit is a step from a list.
// CHECK: func.func private @gemm_s8s8s16_4x4x16_neon_visits_to_f32
// CHECK: scf.for {{.*}} step %c4
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-4: qnet.narrow_dot {{.*}} {lhs_signed} : vector<4xi32>, (vector<8xi8>, vector<8xi8>), (vector<8xi8>, vector<8xi8>)
// CHECK: llvm.inline_asm "", "=w,=w,=w,=w,=w,=w,=w,=w,0,1,2,3,4,5,6,7"
// CHECK-COUNT-12: qnet.narrow_dot
// CHECK-NOT: qnet.narrow_dot
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-16: qnet.narrow_dot
// CHECK-NOT: qnet.narrow_dot
// CHECK: vector.deinterleave
// CHECK: scf.for {{.*}} step %c2
func.func @input_lanes(%x: memref<?x16xi8>, %y: memref<?x4xf32>, %w: memref<64xi8>, %b: memref<4xi32>, %m: memref<4xf32>,
                       %s: memref<2xi32>, %o: memref<1xi32>, %v: memref<64xi8>) {
  qnet.packed_dense "gemm_s8s8s16_4x4x16_neon" ins(%x, %w, %b : memref<?x16xi8>, memref<64xi8>, memref<4xi32>)
    multiplier(%m : memref<4xf32>) visits(%s, %o, %v : memref<2xi32>, memref<1xi32>, memref<64xi8>)
    outs(%y : memref<?x4xf32>)
  return
}

// -----

// Nibbles of two vectors of channels by one load; sums of 16 bits take one product an instruction.
// CHECK: func.func private @gemm_s8s4s16_4x16x64_neon_to_f32
// CHECK: dense<0> : vector<8xi16>
// CHECK: llvm.load {{.*}} -> vector<16xi8>
// CHECK: arith.shli
// CHECK: arith.shrsi
// CHECK: vector.shuffle {{.*}} [0, 1, 2, 3, 4, 5, 6, 7] : vector<16xi8>, vector<16xi8>
// CHECK: arith.muli %{{.*}}, %{{.*}} : vector<8xi16>
// CHECK: qnet.dot {{.*}} : vector<4xi32>, vector<8xi16>, vector<8xi16>
func.func @signed_narrow(%x: memref<?x64xi8>, %y: memref<?x16xf32>, %w: memref<512xi8>, %b: memref<16xi32>, %m: memref<16xf32>,
                         %g: memref<32xi8>) {
  qnet.packed_dense "gemm_s8s4s16_4x16x64_neon" ins(%x, %w, %b : memref<?x64xi8>, memref<512xi8>, memref<16xi32>)
    multiplier(%m : memref<16xf32>) group_multiplier(%g : memref<32xi8>) outs(%y : memref<?x16xf32>)
  return
}

// -----

// Signed nibbles need no sums. One load of a row serves two steps, each of two lanes; nibbles are multiplied 16 times
// as large, and their sum is shifted back.
// CHECK: func.func private @gemm_s8s4s32_4x16x64_dotprod_to_f32
// CHECK: dense<0> : vector<4xi32>
// CHECK: llvm.load {{.*}} -> vector<16xi8>
// CHECK: arith.shli
// CHECK: arith.andi
// CHECK-NOT: arith.shrsi
// CHECK: qnet.dot {{.*}} {lane = 0 : i32} : vector<4xi32>, vector<16xi8>, vector<16xi8>
// CHECK: qnet.dot {{.*}} {lane = 1 : i32}
// CHECK: qnet.dot {{.*}} {lane = 2 : i32}
// CHECK: qnet.dot {{.*}} {lane = 3 : i32}
// CHECK: arith.extui %{{.*}} : vector<4xi8> to vector<4xi32>
// CHECK: arith.shrsi
// CHECK: arith.muli
func.func @signed(%x: memref<?x64xi8>, %y: memref<?x16xf32>, %w: memref<512xi8>, %b: memref<16xi32>, %m: memref<16xf32>,
                  %g: memref<16xi8>) {
  qnet.packed_dense "gemm_s8s4s32_4x16x64_dotprod" ins(%x, %w, %b : memref<?x64xi8>, memref<512xi8>, memref<16xi32>)
    multiplier(%m : memref<16xf32>) group_multiplier(%g : memref<16xi8>) outs(%y : memref<?x16xf32>)
  return
}

// -----

func.func @no_multiplier(%x: memref<?x64xi8>, %y: memref<?x16xf32>, %w: memref<512xi8>, %b: memref<16xi32>, %m: memref<16xf32>) {
  // expected-error @below {{has not the group operands of gemm_s8s4s32_4x16x64_dotprod}}
  qnet.packed_dense "gemm_s8s4s32_4x16x64_dotprod" ins(%x, %w, %b : memref<?x64xi8>, memref<512xi8>, memref<16xi32>)
    multiplier(%m : memref<16xf32>) outs(%y : memref<?x16xf32>)
  return
}

// -----

func.func @multiplier_size(%x: memref<?x64xi8>, %y: memref<?x16xf32>, %w: memref<512xi8>, %b: memref<16xi32>, %m: memref<16xf32>,
                           %g: memref<17xi8>) {
  // expected-error @below {{group multipliers do not have the size that gemm_s8s4s32_4x16x64_dotprod needs for 16 channels}}
  qnet.packed_dense "gemm_s8s4s32_4x16x64_dotprod" ins(%x, %w, %b : memref<?x64xi8>, memref<512xi8>, memref<16xi32>)
    multiplier(%m : memref<16xf32>) group_multiplier(%g : memref<17xi8>) outs(%y : memref<?x16xf32>)
  return
}

// -----

func.func @sums_shape(%x: memref<?x100xi8>, %s: memref<?x1xi32>) {
  // expected-error @below {{gives one sum for each group of 64 channels, but 'memref<?x1xi32>' is no such result for 'memref<?x100xi8>'}}
  qnet.group_sums ins(%x : memref<?x100xi8>) outs(%s : memref<?x1xi32>)
  return
}

// -----

// Of so many weights memory is the home: a single row of 4 bits asks for all lines of a step, 8 KiB ahead.
memref.global "private" constant @many : memref<25165825xi8> = dense<1>
// CHECK: func.func private @gemm_s8u4s16_4x16x64_avx2_one_to_f32
// CHECK: llvm.getelementptr %{{.*}}[8192]
// CHECK: "llvm.intr.prefetch"(%{{.*}}) <{cache = 1 : i32, hint = 3 : i32, rw = 0 : i32}>
// CHECK-COUNT-7: llvm.intr.prefetch
// CHECK-NOT: llvm.intr.prefetch
func.func @from_memory(%x: memref<1x64xi8>, %y: memref<1x16xf32>, %w: memref<512xi8>, %b: memref<16xi32>, %m: memref<16xf32>,
                       %g: memref<32xi8>, %s: memref<1x1xi32>) {
  qnet.group_sums ins(%x : memref<1x64xi8>) outs(%s : memref<1x1xi32>) {halves}
  qnet.packed_dense "gemm_s8u4s16_4x16x64_avx2" ins(%x, %w, %b : memref<1x64xi8>, memref<512xi8>, memref<16xi32>)
    multiplier(%m : memref<16xf32>) group_multiplier(%g : memref<32xi8>) group_sums(%s : memref<1x1xi32>)
    outs(%y : memref<1x16xf32>)
  return
}

// -----

// From a cache it asks for none. A step multiplies before it adds, which the assembly of nothing keeps so.
// CHECK: func.func @from_cache
// CHECK: func.func private @gemm_s8u4s16_4x16x64_avx2_one_to_f32
// CHECK-NOT: llvm.intr.prefetch
// CHECK-COUNT-4: qnet.pair_dot
// CHECK-NOT: qnet.pair_dot
// CHECK: llvm.inline_asm
// CHECK-COUNT-4: arith.addi {{.*}} : vector<16xi16>
// CHECK: scf.yield
// CHECK-NOT: llvm.intr.prefetch
func.func @from_cache(%x: memref<1x64xi8>, %y: memref<1x16xf32>, %w: memref<512xi8>, %b: memref<16xi32>, %m: memref<16xf32>,
                      %g: memref<32xi8>, %s: memref<1x1xi32>) {
  qnet.group_sums ins(%x : memref<1x64xi8>) outs(%s : memref<1x1xi32>) {halves}
  qnet.packed_dense "gemm_s8u4s16_4x16x64_avx2" ins(%x, %w, %b : memref<1x64xi8>, memref<512xi8>, memref<16xi32>)
    multiplier(%m : memref<16xf32>) group_multiplier(%g : memref<32xi8>) group_sums(%s : memref<1x1xi32>)
    outs(%y : memref<1x16xf32>)
  return
}
