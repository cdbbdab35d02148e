// If this fails, a network is quantized that no parameters fit.
// RUN: quant-opt %s --assign-parameters --split-input-file --verify-diagnostics
// RUN: not quant-opt %s --assign-parameters=activation-max=100 2>&1 | FileCheck %s --check-prefix=MAX
// RUN: not quant-opt %s --assign-parameters=index-bits=20 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not quant-opt %s --assign-parameters=activations=int9 2>&1 | FileCheck %s --check-prefix=WIDTH
// WIDTH: activations must be int8 or int16, not 'int9'
// MAX: activation-max must be 127 to 255, not 100
// BITS: index-bits must be 8 to 16, not 20

// No range was measured.
// expected-error @below {{no range was measured for this value, which must be stored in 8 bits; calibrate the network}}
func.func @uncalibrated(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %y = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// A float op between dense layers, without leave to stay.
!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
func.func @between(%x: !in) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w : (!in, tensor<2x2xf32>) -> !in
  // expected-error @below {{'qnet.softmax' op has no integer form and stands between dense layers; quantize with allow-float}}
  %s = qnet.softmax %h {axis = 1 : i64} : !in -> !in
  %y = qnet.dense %s, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
