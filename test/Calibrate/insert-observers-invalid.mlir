// A graph that was not prepared is refused, not measured wrongly.
// RUN: quant-opt --split-input-file --insert-observers --verify-diagnostics %s

// expected-error @below {{'in' of type 'tensor<4x2xf32>' has no batch dimension, or more than one dynamic dimension; run --qnet-prepare first}}
func.func @main(%x: tensor<4x2xf32> {qnet.name = "in"}) -> tensor<4x2xf32> {
  return %x : tensor<4x2xf32>
}

// -----

// expected-error @below {{the module has no function @main of one block; import a model first}}
module {
}
