// Breaks if sums of columns are not put together, or give other sums.
// RUN: quant-opt --split-input-file --collect-columns %s | FileCheck %s
// RUN: quant-opt --split-input-file --evaluate-main=digits=5 -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --collect-columns --evaluate-main=digits=5 -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[F:.*]] = qnet.constant dense<{{\[}}[1.000000e+00, -1.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00, -1.000000e+00]]> : tensor<2x3xf32>
// CHECK-DAG: %[[C:.*]] = qnet.constant dense<[0.000000e+00, 1.000000e+00]> : tensor<2xf32>
// CHECK: %[[R:.*]] = qnet.reshape %arg0 : tensor<?x3xf32> -> tensor<?x1x3xf32>
// CHECK: %[[T:.*]] = qnet.mul %[[R]], %[[F]]
// CHECK: %[[S:.*]] = qnet.reduce sum %[[T]]
// CHECK: qnet.add %[[S]], %[[C]]
// CHECK-NOT: qnet.gather
// CHECK-NOT: qnet.concat
func.func @main(%s: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %i0 = qnet.constant dense<0> : tensor<1xi64>
  %i1 = qnet.constant dense<1> : tensor<1xi64>
  %i2 = qnet.constant dense<2> : tensor<1xi64>
  %one = qnet.constant dense<1.0> : tensor<1xf32>
  %a = qnet.gather %s, %i0 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %b = qnet.gather %s, %i1 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %c = qnet.gather %s, %i2 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %d = qnet.sub %a, %b : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %n = qnet.activation neg %c : tensor<?x1xf32> -> tensor<?x1xf32>
  %e = qnet.add %n, %one : (tensor<?x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  %y = qnet.concat %d, %e {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Columns that are only picked, and columns of two matrices, stay.
// CHECK-LABEL: func.func @main
// CHECK: qnet.concat
// CHECK: qnet.concat
// CHECK-NOT: qnet.reduce
func.func @main(%s: tensor<?x2xf32>, %t: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %i0 = qnet.constant dense<0> : tensor<1xi64>
  %i1 = qnet.constant dense<1> : tensor<1xi64>
  %a = qnet.gather %s, %i0 {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %b = qnet.gather %s, %i1 {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %c = qnet.gather %t, %i1 {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %d = qnet.add %a, %b : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %y = qnet.concat %b, %a {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %z = qnet.concat %d, %c {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  return %y, %z : tensor<?x2xf32>, tensor<?x2xf32>
}
