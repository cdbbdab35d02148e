// The wrong half of use-float32.mlir.
// RUN: not quant-opt --use-float32 %s 2>&1 | FileCheck --check-prefix=NEGATIVE %s

// NEGATIVE: has numbers of 'f8E5M2', which are not supported; export them in f32
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<2xf8E5M2>) {
  %s = qnet.constant dense<[0.5, -2.0]> : tensor<2xf8E5M2>
  return %x, %s : tensor<?x2xf32>, tensor<2xf8E5M2>
}
