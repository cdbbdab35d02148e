// If this fails, results are copied instead of written in place, or inputs are
// treated as writable.
// RUN: quant-opt %s --form-entry --split-input-file --verify-diagnostics | FileCheck %s

// CHECK: func.func private @rows(%[[X:.*]]: memref<?x4xf32>, %[[Y:.*]]: memref<?x4xf32>, %{{.*}}: memref<?xi8>)
// CHECK: bufferization.to_tensor %[[X]] restrict : memref<?x4xf32>
// CHECK: bufferization.materialize_in_destination %{{.*}} in restrict writable %[[Y]]
// CHECK: return
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = tensor.cast %x : tensor<?x4xf32> to tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// expected-error @below {{form-entry: the module has no function @main}}
module {
}

// -----

// expected-error @below {{form-entry: every input and output must be a ranked tensor}}
func.func @main(%x: f32) -> f32 {
  return %x : f32
}
