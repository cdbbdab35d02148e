// If this fails, activations that integer layers cannot read get past the door.
// RUN: quant-opt %s --absorb-qdq --split-input-file --verify-diagnostics

// 16 bits.
func.func @wide(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{activations are per-tensor 8-bit integers over f32; export the model with those, or in float}}
  %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<i16:f32, 0.125>>
  %d = qnet.dequantize %q : tensor<?x2x!quant.uniform<i16:f32, 0.125>> -> tensor<?x2xf32>
  return %d : tensor<?x2xf32>
}

// -----

// One scale a feature.
func.func @per_axis(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{activations are per-tensor 8-bit integers over f32}}
  %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<u8:f32:1, {0.25, 1.0}>>
  %d = qnet.dequantize %q : tensor<?x2x!quant.uniform<u8:f32:1, {0.25, 1.0}>> -> tensor<?x2xf32>
  return %d : tensor<?x2xf32>
}

// -----

// A value of an op with several results.
func.func @several(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %v, %i = qnet.top_k %x {axis = 1 : i64, k = 2 : i64} : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi64>
  // expected-error @below {{quantizes one of several results of qnet.top_k}}
  %q = qnet.quantize %v : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<u8:f32, 0.125>>
  %d = qnet.dequantize %q : tensor<?x2x!quant.uniform<u8:f32, 0.125>> -> tensor<?x2xf32>
  return %d : tensor<?x2xf32>
}
