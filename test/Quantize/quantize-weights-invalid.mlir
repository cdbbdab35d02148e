// If this fails, a layer that cannot be quantized gives wrong integers in silence.
// RUN: quant-opt %s --quantize-weights --split-input-file --verify-diagnostics
// RUN: not quant-opt %s --quantize-weights=requant=double --split-input-file 2>&1 | FileCheck %s
// CHECK: requant must be float or fixed, not 'double'

!u8 = !quant.uniform<u8:f32, 0.015625:128>

func.func @nan(%q: tensor<?x1x!u8>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0], [0x7FC00000]]> : tensor<2x1xf32>
  %d = qnet.dequantize %q : tensor<?x1x!u8> -> tensor<?x1xf32>
  // expected-error @below {{has a weight or bias that is NaN or infinite in output channel 1; train or repair the network}}
  %y = qnet.dense %d, %w : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

!u16 = !quant.uniform<u16:f32, 0.015625:128>

func.func @wide(%q: tensor<?x1x!u16>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<1.0> : tensor<1x1xf32>
  %d = qnet.dequantize %q : tensor<?x1x!u16> -> tensor<?x1xf32>
  // expected-error @below {{but integer layers read per-tensor unsigned values of at most 32767; quantize the input with one u8 scale, or u16<0:32767>}}
  %y = qnet.dense %d, %w : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>

func.func @dynamic_weights(%q: tensor<?x1x!u8>, %w: tensor<1x1xf32>) -> tensor<?x1xf32> {
  %d = qnet.dequantize %q : tensor<?x1x!u8> -> tensor<?x1xf32>
  // expected-error @below {{has weights that are not a readable f32 constant; fold constants first}}
  %y = qnet.dense %d, %w : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 7.8886090522101181e-31:0>

func.func @huge_bias(%q: tensor<?x1x!u8>) -> tensor<?x1x!u8> {
  %w = qnet.constant dense<1.0> : tensor<1x1xf32>
  %b = qnet.constant dense<3.0e38> : tensor<1xf32>
  %d = qnet.dequantize %q : tensor<?x1x!u8> -> tensor<?x1xf32>
  // expected-error @below {{has in output channel 0 a bias of 3.000000e+38, which fits no 32-bit accumulator}}
  %y = qnet.dense %d, %w, %b : (tensor<?x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  %r = qnet.quantize %y : tensor<?x1xf32> -> tensor<?x1x!u8>
  return %r : tensor<?x1x!u8>
}
