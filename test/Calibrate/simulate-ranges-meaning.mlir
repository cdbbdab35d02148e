// Breaks if a simulated quantization gives other values than a real one with the
// same parameters: scale 0.5, zero point 3, 0 to 7.
// RUN: split-file %s %t
// RUN: quant-opt --simulate-ranges %t/float.mlir > %t.simulated
// RUN: sed -e 's/"inverse_scale_0"/"a", qnet.example = dense<2.0> : tensor<4x1xf32>/' \
// RUN:     -e 's/"lowest_0"/"b", qnet.example = dense<-3.0> : tensor<4x1xf32>/' \
// RUN:     -e 's/"highest_0"/"c", qnet.example = dense<4.0> : tensor<4x1xf32>/' \
// RUN:     -e 's/"scale_0"/"d", qnet.example = dense<0.5> : tensor<4x1xf32>/' %t.simulated > %t.examples
// RUN: quant-opt --evaluate-main -o /dev/null %t.examples > %t.first
// RUN: quant-opt --evaluate-main -o /dev/null %t/stored.mlir > %t.second
// RUN: diff %t.first %t.second
// RUN: FileCheck %s < %t.first

// CHECK: result 0: 4x2xf32: 0 3 -3 4 -2 1 4 -3

//--- float.mlir
func.func @main(%x: tensor<?x2xf32> {qnet.example = dense<[[0.2, 1.3], [-1.6, 100.0], [-0.75, 0.3], [1.75, -9.0]]> : tensor<4x2xf32>}) -> tensor<?x2xf32> {
  %y = qnet.add %x, %x : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

//--- stored.mlir
!u8 = !quant.uniform<u8<0:7>:f32, 0.5:3>
func.func @main(%x: tensor<?x2xf32> {qnet.example = dense<[[0.2, 1.3], [-1.6, 100.0], [-0.75, 0.3], [1.75, -9.0]]> : tensor<4x2xf32>}) -> tensor<?x2xf32> {
  %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!u8>
  %r = qnet.dequantize %q : tensor<?x2x!u8> -> tensor<?x2xf32>
  %y = qnet.add %r, %r : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
