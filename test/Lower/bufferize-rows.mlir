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

// -----

// Results that start from one initial tensor get one each: written in place of
// both, the second sum would stand in both results.
// CHECK-LABEL: func.func @sums
// CHECK-NOT: memref.alloc
// CHECK-DAG: linalg.fill {{.*}} outs(%arg1 : memref<?x1xf32>)
// CHECK-DAG: linalg.fill {{.*}} outs(%arg2 : memref<?x1xf32>)
// CHECK: linalg.generic {{.*}}"reduction"]} ins(%arg0 : memref<?x4xf32>) outs(%arg1 : memref<?x1xf32>)
// CHECK: arith.addf
// CHECK: linalg.generic {{.*}}"reduction"]} ins(%arg0 : memref<?x4xf32>) outs(%arg2 : memref<?x1xf32>)
// CHECK: arith.mulf
#row = affine_map<(d0, d1) -> (d0, 0)>
#all = affine_map<(d0, d1) -> (d0, d1)>
func.func @sums(%x: memref<?x4xf32>, %y: memref<?x1xf32>, %z: memref<?x1xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = bufferization.to_tensor %x restrict : memref<?x4xf32> to tensor<?x4xf32>
  %n = tensor.dim %t, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x1xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x1xf32>) -> tensor<?x1xf32>
  %a = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%t : tensor<?x4xf32>) outs(%f : tensor<?x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %out, %in : f32
    linalg.yield %s : f32
  } -> tensor<?x1xf32>
  %b = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%t : tensor<?x4xf32>) outs(%f : tensor<?x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.mulf %out, %in : f32
    linalg.yield %s : f32
  } -> tensor<?x1xf32>
  bufferization.materialize_in_destination %a in restrict writable %y : (tensor<?x1xf32>, memref<?x1xf32>) -> ()
  bufferization.materialize_in_destination %b in restrict writable %z : (tensor<?x1xf32>, memref<?x1xf32>) -> ()
  return
}
