// If this fails, results go through a buffer of their own, or a copy calls memcpy.
// RUN: quant-opt %s --bufferize-rows --split-input-file | FileCheck %s

// The result is computed in the caller's buffer: no allocation, no copy.
// CHECK-LABEL: func.func @rows
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: linalg.generic {{.*}} ins(%arg0 : memref<?x4xf32>) outs(%arg1 : memref<?x4xf32>)
#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @rows(%x: memref<?x4xf32>, %y: memref<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %t = bufferization.to_tensor %x restrict : memref<?x4xf32> to tensor<?x4xf32>
  %n = tensor.dim %t, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32>
  bufferization.materialize_in_destination %r in restrict writable %y : (tensor<?x4xf32>, memref<?x4xf32>) -> ()
  return
}

// -----

// A copy that must be is a loop nest, not a call.
// CHECK-LABEL: func.func @copied
// CHECK-NOT: memref.copy
// CHECK: linalg.generic
func.func @copied(%x: memref<?x4xf32>, %y: memref<?x4xf32>) {
  %t = bufferization.to_tensor %x restrict : memref<?x4xf32> to tensor<?x4xf32>
  bufferization.materialize_in_destination %t in restrict writable %y : (tensor<?x4xf32>, memref<?x4xf32>) -> ()
  return
}
