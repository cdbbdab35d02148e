// Breaks if a selection of features stays behind what is computed of all of them,
// or if it selects others.
// RUN: quant-opt --split-input-file --hoist-selection %s | FileCheck %s
// RUN: quant-opt --split-input-file --evaluate-main=digits=5 -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --hoist-selection --evaluate-main=digits=5 -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// CHECK-LABEL: func.func @main
// CHECK: %[[X:.*]] = qnet.gather %arg0, %[[I:.*]] {axis = 1 : i64} : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x2xf32>
// CHECK: %[[MEAN:.*]] = qnet.gather %{{.*}}, %[[I]] {axis = 0 : i64} : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32>
// CHECK: %[[C:.*]] = qnet.sub %[[X]], %[[MEAN]] : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
// CHECK: %[[S:.*]] = qnet.mul %[[C]], %{{.*}} : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
// CHECK: %[[Y:.*]] = qnet.activation tanh %[[S]] : tensor<?x2xf32> -> tensor<?x2xf32>
// CHECK: return %[[Y]]
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %mean = qnet.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %half = qnet.constant dense<0.5> : tensor<f32>
  %i = qnet.constant dense<[3, 0]> : tensor<2xi64>
  %c = qnet.sub %x, %mean : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %s = qnet.mul %c, %half : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %t = qnet.activation tanh %s : tensor<?x4xf32> -> tensor<?x4xf32>
  %y = qnet.gather %t, %i {axis = 1 : i64} : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Declined: all of it is read.
// CHECK-LABEL: func.func @main
// CHECK: qnet.sub %arg0, %{{.*}} : (tensor<?x4xf32>
// CHECK: qnet.gather
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x1xf32>, tensor<?x4xf32>) {
  %one = qnet.constant dense<1.0> : tensor<f32>
  %i = qnet.constant dense<2> : tensor<1xi64>
  %c = qnet.sub %x, %one : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %y = qnet.gather %c, %i {axis = 1 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  return %y, %c : tensor<?x1xf32>, tensor<?x4xf32>
}

// -----

// Declined: a softmax reads all features. And nothing to do for a selection
// from the input.
// CHECK-LABEL: func.func @main
// CHECK: qnet.softmax %arg0
// CHECK: qnet.gather %arg0
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %i = qnet.constant dense<2> : tensor<1xi64>
  %s = qnet.softmax %x {axis = 1 : i64} : tensor<?x4xf32> -> tensor<?x4xf32>
  %y = qnet.gather %s, %i {axis = 1 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %z = qnet.gather %x, %i {axis = 1 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  return %y, %z : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// Declined: the one feature is selected three times.
// CHECK-LABEL: func.func @main
// CHECK: %[[S:.*]] = qnet.sub %arg0
// CHECK: qnet.gather %[[S]]
func.func @main(%x: tensor<?x1xf32>) -> tensor<?x3xf32> {
  %one = qnet.constant dense<1.0> : tensor<1xf32>
  %i = qnet.constant dense<0> : tensor<3xi64>
  %c = qnet.sub %x, %one : (tensor<?x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  %y = qnet.gather %c, %i {axis = 1 : i64} : (tensor<?x1xf32>, tensor<3xi64>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
