// If this fails, the network that other compilers get from --qnet-to-linalg, as
// upstream ops only, has other bits than the reference interpreter's.

// RUN: quant-opt %s --evaluate-main -o /dev/null | %python %S/Inputs/bits.py > %t.reference
// RUN: quant-opt %s --qnet-to-linalg -o %t.linalg.mlir
// RUN: FileCheck %s --input-file=%t.linalg.mlir
// RUN: mlir-opt %t.linalg.mlir --one-shot-bufferize=bufferize-function-boundaries \
// RUN:     --convert-linalg-to-loops --memref-expand --expand-strided-metadata --lower-affine \
// RUN:     --convert-scf-to-cf --convert-vector-to-llvm --finalize-memref-to-llvm --convert-math-to-llvm \
// RUN:     --convert-arith-to-llvm --convert-func-to-llvm --convert-cf-to-llvm --reconcile-unrealized-casts \
// RUN:   | mlir-runner -e print_bits --entry-point-result=void --shared-libs=%llvm-lib/libmlir_c_runner_utils.so > %t.linalg
// RUN: count 12 < %t.linalg
// RUN: diff %t.reference %t.linalg

// CHECK-NOT: qnet.
// CHECK-NOT: quant.uniform

!in = !quant.uniform<u8:f32, 0.5:10>
!mid = !quant.uniform<u8:f32, 0.25:100>
!wide = !quant.uniform<u16<0:4095>:f32, 0.125:2048>
!sum = !quant.uniform<u8:f32, 0.5:60>

func.func @main(%x: tensor<?x5xf32> {qnet.example = dense<[[1.0, -2.5, 0.25, 60.0, -3.0], [0x7FC00000, 0x7F800000, 0xFF800000, 0.75, 1.0e30],
                                                           [-1.0, 2.0, -0.75, 100.0, 5.5], [0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<4x5xf32>})
    -> tensor<?x3xf32> {
  %w1 = qnet.constant dense<[[1, -2, 3, 4, 5], [5, 6, -7, 8, 9], [1, 1, 1, 1, -1], [127, -127, 127, -127, 127]]> : tensor<4x5xi8>
  %b1 = qnet.constant dense<[-200, 20, 300, 7]> : tensor<4xi32>
  %m1 = qnet.constant dense<[0.125, 0.0625, 0.3, 0.001]> : tensor<4xf32>
  %mw = qnet.constant dense<[1.5, 0.7, 3.3, 0.01]> : tensor<4xf32>
  %w2 = qnet.constant dense<[[1, -2, 3, 7], [5, 6, -7, -7], [-1, 2, -3, 4]]> : tensor<3x4xi4>
  %g2 = qnet.constant dense<[[1], [2], [255]]> : tensor<3x1xui8>
  %b2 = qnet.constant dense<[1, 2, 3]> : tensor<3xi32>
  %m2 = qnet.constant dense<[0.0078125, 0.01, 0.00003]> : tensor<3xf32>
  %o2 = qnet.constant dense<[0.1, -0.2, 0.3]> : tensor<3xf32>
  %table = qnet.constant dense<77> : tensor<4096xui8>
  %q = qnet.quantize %x : tensor<?x5xf32> -> tensor<?x5x!in>
  %a = qnet.qdense %q, %w1, %b1, %m1 : (tensor<?x5x!in>, tensor<4x5xi8>, tensor<4xi32>, tensor<4xf32>) -> tensor<?x4x!mid>
  %i = qnet.qdense %q, %w1, %b1, %mw : (tensor<?x5x!in>, tensor<4x5xi8>, tensor<4xi32>, tensor<4xf32>) -> tensor<?x4x!wide>
  %t = qnet.lookup %i, %table : (tensor<?x4x!wide>, tensor<4096xui8>) -> tensor<?x4x!mid>
  %r = qnet.requantize %a : tensor<?x4x!mid> -> tensor<?x4x!sum>
  %s = qnet.qadd %r, %t : (tensor<?x4x!sum>, tensor<?x4x!mid>) -> tensor<?x4x!sum>
  %p = qnet.qmul %s, %a : (tensor<?x4x!sum>, tensor<?x4x!mid>) -> tensor<?x4x!sum>
  %y = qnet.qdense %p, %w2, %b2, %m2 out_bias(%o2) group_multiplier(%g2)
    : (tensor<?x4x!sum>, tensor<3x4xi4>, tensor<3xi32>, tensor<3xf32>, tensor<3xf32>, tensor<3x1xui8>) -> tensor<?x3xf32>
  %z = qnet.softmax %y {axis = 1 : i64} : tensor<?x3xf32> -> tensor<?x3xf32>
  return %z : tensor<?x3xf32>
}

func.func @print_bits() {
  %rows = arith.constant dense<[[1.0, -2.5, 0.25, 60.0, -3.0], [0x7FC00000, 0x7F800000, 0xFF800000, 0.75, 1.0e30],
                                [-1.0, 2.0, -0.75, 100.0, 5.5], [0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<4x5xf32>
  %x = tensor.cast %rows : tensor<4x5xf32> to tensor<?x5xf32>
  %y = func.call @main(%x) : (tensor<?x5xf32>) -> tensor<?x3xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  scf.for %r = %c0 to %c4 step %c1 {
    scf.for %c = %c0 to %c3 step %c1 {
      %v = tensor.extract %y[%r, %c] : tensor<?x3xf32>
      %bits = arith.bitcast %v : f32 to i32
      vector.print %bits : i32
    }
  }
  return
}
