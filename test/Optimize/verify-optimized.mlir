// If this fails, a broken promise of Optimize reaches Lower.
// RUN: quant-opt %s --verify-optimized --split-input-file --verify-diagnostics

!a = tensor<?x1x!quant.uniform<u8<2:5>:f32, 0.25:3>>

// Nothing is wrong here.
func.func @sound(%q: !a) -> !a {
  %t = qnet.constant dense<[5, 4, 3, 3]> : tensor<4xui8>
  %y = qnet.lookup %q, %t : (!a, tensor<4xui8>) -> !a
  return %y : !a
}

// -----

!a = tensor<?x1x!quant.uniform<u8<2:5>:f32, 0.25:3>>

// O1
func.func @dead(%q: !a) {
  // expected-error @below {{'qnet.requantize' op breaks O1 of verify-optimized: nothing reads its results}}
  %y = qnet.requantize %q : !a -> tensor<?x1x!quant.uniform<u8:f32, 0.5:3>>
  return
}

// -----

!a = tensor<?x1x!quant.uniform<u8<2:5>:f32, 0.25:3>>

// O2
func.func @tables(%q: !a) -> !a {
  %t = qnet.constant dense<[5, 4, 3, 3]> : tensor<4xui8>
  %y = qnet.lookup %q, %t : (!a, tensor<4xui8>) -> !a
  // expected-error @below {{breaks O2 of verify-optimized: reads a qnet.lookup that could be in its own table; run fold-lookups}}
  %z = qnet.lookup %y, %t : (!a, tensor<4xui8>) -> !a
  return %z : !a
}

// -----

!a = tensor<?x1x!quant.uniform<u8<2:5>:f32, 0.25:3>>

// O3
func.func @round_trip(%q: !a) -> !a {
  %d = qnet.dequantize %q : !a -> tensor<?x1xf32>
  // expected-error @below {{breaks O3 of verify-optimized: quantizes what was dequantized; run fuse-requantize}}
  %y = qnet.quantize %d : tensor<?x1xf32> -> !a
  return %y : !a
}

// -----

// O4
func.func @float(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<1.0> : tensor<1x1xf32>
  // expected-error @below {{'qnet.dense' op breaks O4 of verify-optimized: belongs to a float graph; run the quantize stage first}}
  %y = qnet.dense %x, %w : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
