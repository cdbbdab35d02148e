// Every row of the stage's contract has a graph that breaks it.
// RUN: quant-opt --split-input-file --verify-prepared --verify-diagnostics %s

// A sound graph.
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %y = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// P1
// expected-error @below {{the module has no function @main of one block; import a model first [verify-prepared P1]}}
module {
  func.func @other() {
    return
  }
}

// -----

// expected-error @below {{@main needs at least one input and one output [verify-prepared P1]}}
func.func @main() {
  return
}

// -----

func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{arith.addf is no qnet op; only qnet ops and return may stand in @main [verify-prepared P1]}}
  %y = arith.addf %x, %x : tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// P2
// expected-error @below {{input 0 ('ids') is not an f32 tensor; convert the model's input to float32 [verify-prepared P2]}}
// expected-note @below {{its type is 'tensor<?x2xi64>'}}
func.func @main(%x: tensor<?x2xi64> {qnet.name = "ids"}) -> tensor<?x2xi64> {
  return %x : tensor<?x2xi64>
}

// -----

func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf64> {
  // expected-error @unknown {{node 'wide' (qnet.cast) computes in another float type than f32; convert the model to float32 [verify-prepared P2]}}
  // expected-note @unknown {{its type is 'tensor<?x2xf64>'}}
  %y = qnet.cast %x : tensor<?x2xf32> -> tensor<?x2xf64> loc("wide")
  return %y : tensor<?x2xf64>
}

// -----

// P3
func.func @main(%x: tensor<?x1xf32>, %v: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %one = qnet.constant dense<1.0> : tensor<1xf32>
  %zero = qnet.constant dense<0.0> : tensor<1xf32>
  // expected-error @unknown {{node 'bn' (qnet.batch_norm) has parameters that are not constants or not finite; freeze the model for inference [verify-prepared P3]}}
  %y = qnet.batch_norm %x, %one, %one, %one, %zero {epsilon = 0.0 : f32}
    : (tensor<?x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<?x1xf32> loc("bn")
  return %y : tensor<?x1xf32>
}

// -----

// P4
func.func @main(%x: tensor<?x2x2xf32>) -> tensor<?x2x2xf32> {
  %w = qnet.constant dense<1.0> : tensor<2x2x2xf32>
  // expected-error @below {{qnet.matmul multiplies by a constant that is no single f32 matrix, which is no dense layer [verify-prepared P4]}}
  %y = qnet.matmul %w, %w : (tensor<2x2x2xf32>, tensor<2x2x2xf32>) -> tensor<2x2x2xf32>
  return %x : tensor<?x2x2xf32>
}

// -----

// P5
func.func @main(%x: tensor<?x2xf32>, %w: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %v = qnet.constant dense<[[1.0, 0x7FC00000]]> : tensor<1x2xf32>
  // expected-error @unknown {{node 'fc' (qnet.dense) has weights that are not finite: element 1 is NaN; train or export the model again [verify-prepared P5]}}
  %y = qnet.dense %x, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32> loc("fc")
  return %y : tensor<?x1xf32>
}

// -----

func.func @main(%x: tensor<?x2xf32>, %w: tensor<1x2xf32>) -> tensor<?x1xf32> {
  // expected-error @below {{qnet.dense has weights that are computed from the input or not f32; only constant f32 ones can be compiled [verify-prepared P5]}}
  %y = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// P6
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // expected-error @unknown {{node 'mix' (qnet.softmax) works along the rows; every row must be computed from itself alone, as in inference [verify-prepared P6]}}
  %y = qnet.softmax %x {axis = 0 : i64} : tensor<?x2xf32> -> tensor<?x2xf32> loc("mix")
  return %y : tensor<?x2xf32>
}

// -----

// expected-error @below {{the batch dimension of the inputs is not dynamic; run generalize-batch, or export the model with a dynamic batch [verify-prepared P6]}}
func.func @main(%x: tensor<4x2xf32>) -> tensor<4x2xf32> {
  return %x : tensor<4x2xf32>
}

// -----

// expected-error @below {{input 0 must have a batch dimension in front and fixed dimensions behind it [verify-prepared P6]}}
func.func @main(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  return %x : tensor<?x?xf32>
}

// -----

// P7
func.func @main(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // expected-error @unknown {{node 'power' (qnet.pow) is a power by exponents that are computed or not finite, or of a value of fewer features than exponents; write it in products, or in exp and log [verify-prepared P7]}}
  %y = qnet.pow %x, %e : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32> loc("power")
  return %y : tensor<?x2xf32>
}
