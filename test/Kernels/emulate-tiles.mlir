// If this fails, the test of AMX's kernel runs other code than the kernel's.
// RUN: quant-opt %s --emulate-tiles | FileCheck %s

// CHECK-DAG: llvm.func @emulated_tdpbusd(i8, i8, i8)
// CHECK-DAG: llvm.func @emulated_tilerelease()
// CHECK-LABEL: func.func @tiles
// CHECK-COUNT-2: llvm.call @emulated_tdpbusd(%arg0, %arg1, %arg2) : (i8, i8, i8) -> ()
// CHECK: llvm.call @emulated_tilerelease() : () -> ()
func.func @tiles(%c: i8, %a: i8, %b: i8) {
  llvm.call_intrinsic "llvm.x86.tdpbusd"(%c, %a, %b) : (i8, i8, i8) -> ()
  llvm.call_intrinsic "llvm.x86.tdpbusd"(%c, %a, %b) : (i8, i8, i8) -> ()
  llvm.call_intrinsic "llvm.x86.tilerelease"() : () -> ()
  return
}

// Other intrinsics stay.
// CHECK-LABEL: func.func @others
// CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
func.func @others(%x: vector<16xi16>) -> vector<8xi32> {
  %r = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%x, %x) : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>
  return %r : vector<8xi32>
}
