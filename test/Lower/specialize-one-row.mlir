// If this fails, a small network is as slow for one row as a large one, or a
// network is specialized for a row that is not one.
// RUN: quant-opt %s --specialize-one-row --split-input-file | FileCheck %s
// RUN: quant-opt %s --specialize-one-row="max-weights=1" --split-input-file | FileCheck %s --check-prefix=LARGE

!q = !quant.uniform<u8:f32, 0.5:0>

// LARGE-NOT: _one
// CHECK-LABEL: func.func @main(
// CHECK-SAME: tensor<?x2x!quant
// CHECK: func.func private @main_one(%[[X:.*]]: tensor<1x2x!quant.uniform<u8:f32, 5.000000e-01>>) -> tensor<1x1xf32>
// CHECK: qnet.qdense %[[X]]
// CHECK-SAME: -> tensor<1x1xf32>
// CHECK: func.func private @enter(%{{.*}}: tensor<?x2xf32>)
// CHECK: func.func private @enter_one(%{{.*}}: tensor<1x2xf32>) -> tensor<1x2x!quant
// CHECK: qnet.slice {{.*}}sizes = array<i64: 1, 2>
func.func @main(%x: tensor<?x2x!q>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[100, 50]]> : tensor<1x2xi8>
  %b = qnet.constant dense<0> : tensor<1xi32>
  %m = qnet.constant dense<0.5> : tensor<1xf32>
  %y = qnet.qdense %x, %w, %b, %m
    : (tensor<?x2x!q>, tensor<1x2xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
func.func private @enter(%x: tensor<?x2xf32>) -> tensor<?x2x!q> {
  %p = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!q>
  %q = qnet.slice %p {starts = array<i64: 0, 0>, sizes = array<i64: -1, 2>, steps = array<i64: 1, 1>}
    : tensor<?x2x!q> -> tensor<?x2x!q>
  return %q : tensor<?x2x!q>
}

// -----

// A row of the layer is a part of a row of the batch.
!q = !quant.uniform<u8:f32, 0.5:0>

// CHECK-LABEL: func.func @main(
// CHECK-NOT: _one
func.func @main(%x: tensor<?x4x!q>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[100, 50]]> : tensor<1x2xi8>
  %b = qnet.constant dense<0> : tensor<1xi32>
  %m = qnet.constant dense<0.5> : tensor<1xf32>
  %r = qnet.reshape %x : tensor<?x4x!q> -> tensor<?x2x!q>
  %y = qnet.qdense %r, %w, %b, %m
    : (tensor<?x2x!q>, tensor<1x2xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// No integer layer: nothing to gain.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: _one
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}
