// Breaks if a product by a constant matrix is not seen as a dense layer, or is
// seen with the matrix the wrong way round.
// RUN: quant-opt --split-input-file --form-dense %s | FileCheck %s
// RUN: quant-opt --split-input-file --evaluate-main=digits=5 -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --form-dense --evaluate-main=digits=5 -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = qnet.constant dense<{{\[}}[1.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]> : tensor<3x2xf32>
// CHECK: qnet.dense %arg0, %[[W]] : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
// CHECK-NOT: qnet.matmul
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %w = qnet.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %y = qnet.matmul %x, %w : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

// Leading dimensions of the input stay; those of the constant are 1.
// CHECK-LABEL: func.func @main
// CHECK: qnet.dense %arg0, %{{.*}} : (tensor<?x4x2xf32>, tensor<3x2xf32>) -> tensor<?x4x3xf32>
func.func @main(%x: tensor<?x4x2xf32>) -> tensor<?x4x3xf32> {
  %w = qnet.constant dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]> : tensor<1x2x3xf32>
  %y = qnet.matmul %x, %w : (tensor<?x4x2xf32>, tensor<1x2x3xf32>) -> tensor<?x4x3xf32>
  return %y : tensor<?x4x3xf32>
}

// -----

// A vector is a layer of one channel.
// CHECK-LABEL: func.func @main
// CHECK: %[[D:.*]] = qnet.dense %arg0, %{{.*}} : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
// CHECK: qnet.reshape %[[D]] : tensor<?x1xf32> -> tensor<?xf32>
func.func @main(%x: tensor<?x2xf32>) -> tensor<?xf32> {
  %w = qnet.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = qnet.matmul %x, %w : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// The constant on the left: the layer of the transposed input.
// CHECK-LABEL: func.func @main
// CHECK: %[[T:.*]] = qnet.transpose %arg0
// CHECK: %[[D:.*]] = qnet.dense %[[T]], %{{.*}} : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
// CHECK: qnet.transpose %[[D]]
func.func @main(%x: tensor<2x?xf32>) -> tensor<3x?xf32> {
  %w = qnet.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %y = qnet.matmul %w, %x : (tensor<3x2xf32>, tensor<2x?xf32>) -> tensor<3x?xf32>
  return %y : tensor<3x?xf32>
}

// -----

// Nothing to do: two inputs.
// CHECK-LABEL: func.func @main
// CHECK: qnet.matmul
func.func @main(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %z = qnet.matmul %x, %y : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %z : tensor<2x2xf32>
}
