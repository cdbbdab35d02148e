// Breaks if a model whose inputs or numbers are no f32 has another meaning in f32.
// RUN: quant-opt --split-input-file --use-float32 %s | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32> {qnet.name = "x"}) -> (tensor<?x2xf32>, tensor<?x2xi1>, tensor<?x2xi64>)
// CHECK: %[[I:.*]] = qnet.cast %[[X]] : tensor<?x2xf32> -> tensor<?x2xi64>
// CHECK: %[[C:.*]] = qnet.compare gt %[[I]]
// CHECK: %[[Y:.*]] = qnet.mul %[[X]], %{{.*}} : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
// CHECK: return %[[Y]], %[[C]], %[[I]]
func.func @main(%x: tensor<?x2xi64> {qnet.name = "x"}) -> (tensor<?x2xf64>, tensor<?x2xi1>, tensor<?x2xi64>) {
  %three = qnet.constant dense<3> : tensor<i64>
  %s = qnet.constant dense<[0.5, -2.0]> : tensor<2xf64>
  %r = qnet.cast %x : tensor<?x2xi64> -> tensor<?x2xf32>
  %d = qnet.cast %r : tensor<?x2xf32> -> tensor<?x2xf64>
  %c = qnet.compare gt %x, %three : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %y = qnet.mul %d, %s : (tensor<?x2xf64>, tensor<2xf64>) -> tensor<?x2xf64>
  return %y, %c, %x : tensor<?x2xf64>, tensor<?x2xi1>, tensor<?x2xi64>
}

// -----

// f64 beyond f32 is its largest number; infinity stays. Half precision is exact.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<?x3xf32>) -> tensor<?x3xf32>
// CHECK-DAG: qnet.constant dense<[3.40282347E+38, -3.40282347E+38, 0x7F800000]> : tensor<3xf32>
// CHECK-DAG: qnet.constant dense<[1.000000e+00, 0.0999755859, -6.550400e+04]> : tensor<3xf32>
// CHECK-NOT: qnet.cast
func.func @main(%x: tensor<?x3xf64>) -> tensor<?x3xf16> {
  %m = qnet.constant dense<[1.0e300, -1.0e300, 0x7FF0000000000000]> : tensor<3xf64>
  %h = qnet.constant dense<[1.0, 0.1, -65504.0]> : tensor<3xf16>
  %c = qnet.min %x, %m : (tensor<?x3xf64>, tensor<3xf64>) -> tensor<?x3xf64>
  %n = qnet.cast %c : tensor<?x3xf64> -> tensor<?x3xf16>
  %y = qnet.add %n, %h : (tensor<?x3xf16>, tensor<3xf16>) -> tensor<?x3xf16>
  return %y : tensor<?x3xf16>
}

// -----

// Nothing to do.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: qnet.activation relu %arg0
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %y = qnet.activation relu %x : tensor<?x3xf32> -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
