// Breaks if support vectors that cannot be compiled pass, or their error does
// not name the node.
// RUN: split-file %s %t
// RUN: not quant-opt --expand-kernels %t/computed.mlir 2>&1 | FileCheck --check-prefix=COMPUTED %s
// RUN: not quant-opt --expand-kernels %t/infinite.mlir 2>&1 | FileCheck --check-prefix=INFINITE %s

//--- computed.mlir
// COMPUTED: error: {{.*}}node 'machine' (qnet.kernel) has support vectors that are no f32 constants; only those can be compiled
func.func @main(%x: tensor<?x2xf32>, %v: tensor<3x2xf32>) -> tensor<?x3xf32> {
  %k = qnet.kernel rbf %x, %v {gamma = 0.25 : f32} : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32> loc("machine")
  return %k : tensor<?x3xf32>
}

//--- infinite.mlir
// INFINITE: error: {{.*}}node 'machine' (qnet.kernel) has support vectors that are not finite; train or export the model again
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %v = qnet.constant dense<[[1.0, 0x7F800000]]> : tensor<1x2xf32>
  %k = qnet.kernel rbf %x, %v {gamma = 0.25 : f32} : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32> loc("machine")
  return %k : tensor<?x1xf32>
}
