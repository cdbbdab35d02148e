// If this fails, tests that compare a graph before and after a pass compare nothing.
// RUN: split-file %s %t
// RUN: quant-opt --evaluate-main %t/example.mlir | FileCheck %t/example.mlir
// RUN: quant-opt --evaluate-main=digits=3 %t/example.mlir | FileCheck %t/example.mlir --check-prefix=DIGITS
// RUN: quant-opt --evaluate-main=digest=true %t/example.mlir | FileCheck %t/example.mlir --check-prefix=DIGEST
// RUN: quant-opt --evaluate-main=rows=3 %t/generated.mlir | FileCheck %t/generated.mlir
// RUN: quant-opt --evaluate-main="rows=3 seed=2" %t/generated.mlir | FileCheck %t/generated.mlir --check-prefix=SEED
// RUN: quant-opt --evaluate-main="rows=16 specials=true" %t/specials.mlir | FileCheck %t/specials.mlir
// RUN: quant-opt --evaluate-main=rows=0 %t/generated.mlir | FileCheck %t/generated.mlir --check-prefix=EMPTY
// RUN: not quant-opt --evaluate-main=rows=-1 %t/generated.mlir 2>&1 | FileCheck %t/generated.mlir --check-prefix=NEGATIVE
// RUN: not quant-opt --evaluate-main=function=other %t/generated.mlir 2>&1 | FileCheck %t/generated.mlir --check-prefix=OTHER
// RUN: not quant-opt --evaluate-main %t/overflow.mlir 2>&1 | FileCheck %t/overflow.mlir

//--- example.mlir

// The module is left as it is.
// CHECK: scores: 1x2xf32: -2.4 0.1
// CHECK-NEXT: result 1: 1x3xu8: 12 10 9
// CHECK-NEXT: result 2: 1xi64: 1
// CHECK: module
// CHECK: qnet.example
// DIGITS: scores: 1x2xf32: -2.4 0.1{{$}}
// DIGEST: scores: 1x2xf32: 0x{{[0-9a-f]+$}}
func.func @main(%x: tensor<?x3xf32> {qnet.example = dense<[[1.0, 0.1, -0.5]]> : tensor<1x3xf32>})
    -> (tensor<?x2xf32> {qnet.name = "scores"}, tensor<?x3x!quant.uniform<u8:f32, 0.5:10>>, tensor<?xi64>) {
  %w = qnet.constant dense<[[-2.0, 1.0, 1.0], [0.0, 1.0, 0.0]]> : tensor<2x3xf32>
  %y = qnet.dense %x, %w : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  %q = qnet.quantize %x : tensor<?x3xf32> -> tensor<?x3x!quant.uniform<u8:f32, 0.5:10>>
  %c = qnet.argmax %y {axis = 1 : i64} : tensor<?x2xf32> -> tensor<?xi64>
  return %y, %q, %c : tensor<?x2xf32>, tensor<?x3x!quant.uniform<u8:f32, 0.5:10>>, tensor<?xi64>
}

//--- generated.mlir

// The same values on every host: multiples of 1/256 that follow from the seed.
// CHECK: result 0: 3x2xf32: 0.98828125 -1.6328125 0.3046875 0.08984375 -0.1015625 0.53125{{$}}
// SEED: result 0: 3x2xf32: -0.30078125 -1.8984375 -1.8984375 -1.9570312 0.6328125 1.7851562{{$}}
// EMPTY: result 0: 0x2xf32:{{$}}
// NEGATIVE: cannot be run on -1 rows
// OTHER: there is no function @other to evaluate
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  return %x : tensor<?x2xf32>
}

//--- specials.mlir

// CHECK: result 0: 16x4xf32: {{.*}} nan {{.*}} inf {{.*}} -inf {{.*}} 0 {{.*}} -0 {{.*}}
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

//--- overflow.mlir

// The message names the node by its location, the output and the sum.
// CHECK: error: loc("fc1"): 'qnet.qdense' op overflows its 32-bit accumulator: output 0 sums to 2169795000
func.func @main() -> tensor<1x1xf32> {
  %x = qnet.constant dense<1.0e9> : tensor<1x67000xf32>
  %q = qnet.quantize %x : tensor<1x67000xf32> -> tensor<1x67000x!quant.uniform<u8:f32, 0.5:0>>
  %w = qnet.constant dense<127> : tensor<1x67000xi8>
  %b = qnet.constant dense<0> : tensor<1xi32>
  %m = qnet.constant dense<1.0> : tensor<1xf32>
  %r = qnet.qdense %q, %w, %b, %m : (tensor<1x67000x!quant.uniform<u8:f32, 0.5:0>>, tensor<1x67000xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<1x1xf32> loc("fc1")
  return %r : tensor<1x1xf32>
}
