// If this fails, a broken op that moves or reduces values is accepted, or refused
// without saying which rule it breaks. Each case names the op and the rule.
//
// RUN: quant-opt %s --split-input-file --verify-diagnostics

//===----------------------------------------------------------------------===//
// Moving values
//===----------------------------------------------------------------------===//

// concat C1
func.func @concat_c1_none() {
  // expected-error @+1 {{joins no tensors: give it at least one [C1]}}
  %0 = "qnet.concat"() {axis = 0 : i64} : () -> tensor<4xf32>
  return
}

// -----

// concat C1
func.func @concat_c1_axis(%a: tensor<4xf32>) {
  // expected-error @+1 {{axis 1 is outside the input 'tensor<4xf32>'}}
  %0 = qnet.concat %a, %a {axis = 1 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  return
}

// -----

// concat C1
func.func @concat_c1_rank(%a: tensor<4xf32>, %b: tensor<1x4xf32>) {
  // expected-error @+1 {{joins 'tensor<4xf32>' and 'tensor<1x4xf32>': all must have one rank [C1]}}
  %0 = qnet.concat %a, %b {axis = 0 : i64} : (tensor<4xf32>, tensor<1x4xf32>) -> tensor<8xf32>
  return
}

// -----

// concat C2
func.func @concat_c2_shape(%a: tensor<3x4xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{along axis 1, but dimension 0 is 3 and 2: all others than the axis must agree [C2]}}
  %0 = qnet.concat %a, %b {axis = 1 : i64} : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<3x8xf32>
  return
}

// -----

// concat C2
func.func @concat_c2_type(%a: tensor<4xf32>, %b: tensor<4xi8>) {
  // expected-error @+1 {{the first input has element type 'f32' but another has 'i8'}}
  %0 = qnet.concat %a, %b {axis = 0 : i64} : (tensor<4xf32>, tensor<4xi8>) -> tensor<8xf32>
  return
}

// -----

// concat C2: the sum of the sizes wraps in 63 bits.
func.func @concat_c2_overflow(%a: tensor<9223372036854775807xf32>) {
  // expected-error @+1 {{joins more than 2^63 values along axis 0 [C2]}}
  %0 = qnet.concat %a, %a {axis = 0 : i64} : (tensor<9223372036854775807xf32>, tensor<9223372036854775807xf32>) -> tensor<2xf32>
  return
}

// -----

// slice C1
func.func @slice_c1_count(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{has 1 starts, 2 sizes and 2 steps for the input 'tensor<?x8xf32>': each must have 2, one a dimension [C1]}}
  %0 = qnet.slice %x {starts = array<i64: 0>, sizes = array<i64: -1, 3>, steps = array<i64: 1, 1>} : tensor<?x8xf32> -> tensor<?x3xf32>
  return
}

// -----

// slice C1
func.func @slice_c1_step(%x: tensor<8xf32>) {
  // expected-error @+1 {{step of dimension 0 is 0: use 1 to take neighbours [C1]}}
  %0 = qnet.slice %x {starts = array<i64: 0>, sizes = array<i64: 3>, steps = array<i64: 0>} : tensor<8xf32> -> tensor<3xf32>
  return
}

// -----

// slice C2
func.func @slice_c2(%x: tensor<8xf32>) {
  // expected-error @+1 {{reads outside dimension 0 of 8 values: start 6, size 3, step 1 [C2]}}
  %0 = qnet.slice %x {starts = array<i64: 6>, sizes = array<i64: 3>, steps = array<i64: 1>} : tensor<8xf32> -> tensor<3xf32>
  return
}

// -----

// slice C2: backwards past the start.
func.func @slice_c2_backwards(%x: tensor<8xf32>) {
  // expected-error @+1 {{reads outside dimension 0 of 8 values: start 1, size 3, step -1 [C2]}}
  %0 = qnet.slice %x {starts = array<i64: 1>, sizes = array<i64: 3>, steps = array<i64: -1>} : tensor<8xf32> -> tensor<3xf32>
  return
}

// -----

// slice C2: (size - 1) * step wraps in 64 bits to a value inside.
func.func @slice_c2_overflow(%x: tensor<8xf32>) {
  // expected-error @+1 {{reads outside dimension 0 of 8 values}}
  %0 = qnet.slice %x {starts = array<i64: 0>, sizes = array<i64: 5>, steps = array<i64: 4611686018427387904>} : tensor<8xf32> -> tensor<5xf32>
  return
}

// -----

// slice C2
func.func @slice_c2_negative(%x: tensor<8xf32>) {
  // expected-error @+1 {{reads outside dimension 0 of 8 values: start 0, size -2, step 1 [C2]}}
  %0 = qnet.slice %x {starts = array<i64: 0>, sizes = array<i64: -2>, steps = array<i64: 1>} : tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

// slice C3
func.func @slice_c3_static(%x: tensor<8xf32>) {
  // expected-error @+1 {{size of dimension 0 is -1, which stands for a dynamic dimension, but it is static: write 8 [C3]}}
  %0 = qnet.slice %x {starts = array<i64: 0>, sizes = array<i64: -1>, steps = array<i64: 1>} : tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

// slice C3
func.func @slice_c3_dynamic(%x: tensor<?xf32>) {
  // expected-error @+1 {{dynamic dimension 0 is cut (start 0, size 3, step 1): it can only be taken whole: start 0, size -1, step 1 [C3]}}
  %0 = qnet.slice %x {starts = array<i64: 0>, sizes = array<i64: 3>, steps = array<i64: 1>} : tensor<?xf32> -> tensor<3xf32>
  return
}

// -----

// reshape C1
func.func @reshape_c1_two(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'tensor<?x8xf32>' to 'tensor<?x?xf32>': result has 2 dynamic dimensions: at most one can be worked out [C1]}}
  %0 = qnet.reshape %x : tensor<?x8xf32> -> tensor<?x?xf32>
  return
}

// -----

// reshape C1
func.func @reshape_c1_lost(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{input has a dynamic dimension but the result has none: both or neither must have one [C1]}}
  %0 = qnet.reshape %x : tensor<?x8xf32> -> tensor<8xf32>
  return
}

// -----

// reshape C1
func.func @reshape_c1_new(%x: tensor<8xf32>) {
  // expected-error @+1 {{result has a dynamic dimension but the input has none: both or neither must have one [C1]}}
  %0 = qnet.reshape %x : tensor<8xf32> -> tensor<?x8xf32>
  return
}

// -----

// reshape C2
func.func @reshape_c2_static(%x: tensor<2x4xf32>) {
  // expected-error @+1 {{the input's static dimensions hold 8 values and the result's 9: these must be equal [C2]}}
  %0 = qnet.reshape %x : tensor<2x4xf32> -> tensor<3x3xf32>
  return
}

// -----

// reshape C2
func.func @reshape_c2_dynamic(%x: tensor<?x6xf32>) {
  // expected-error @+1 {{the input's static dimensions hold 6 values and the result's 4: one must divide the other [C2]}}
  %0 = qnet.reshape %x : tensor<?x6xf32> -> tensor<?x4xf32>
  return
}

// -----

// reshape C2: the products differ but are equal modulo 2^64.
func.func @reshape_c2_overflow(%x: tensor<4294967296x4294967296xf32>) {
  // expected-error @+1 {{the number of elements does not fit in 63 bits [C2]}}
  %0 = qnet.reshape %x : tensor<4294967296x4294967296xf32> -> tensor<0xf32>
  return
}

// -----

// reshape C2: nothing can be made of no values but no values.
func.func @reshape_c2_zero(%x: tensor<?x0xf32>) {
  // expected-error @+1 {{hold 0 values and the result's 5: one must divide the other [C2]}}
  %0 = qnet.reshape %x : tensor<?x0xf32> -> tensor<?x5xf32>
  return
}

// -----

// reshape C3
func.func @reshape_c3(%x: tensor<4xf32>) {
  // expected-error @+1 {{input has element type 'f32' but result has 'i32': make them the same with qnet.cast [C3]}}
  %0 = qnet.reshape %x : tensor<4xf32> -> tensor<2x2xi32>
  return
}

// -----

// transpose C1
func.func @transpose_c1_twice(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{permutation [1, 1] must name each dimension of the input 'tensor<2x3xf32>', 0 to 2 exclusive, exactly once [C1]}}
  %0 = qnet.transpose %x {permutation = array<i64: 1, 1>} : tensor<2x3xf32> -> tensor<3x3xf32>
  return
}

// -----

// transpose C1
func.func @transpose_c1_range(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{permutation [0, -1] must name each dimension}}
  %0 = qnet.transpose %x {permutation = array<i64: 0, -1>} : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

// transpose C1
func.func @transpose_c1_rank(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{permutation [0, 1, 2] must name each dimension}}
  %0 = qnet.transpose %x {permutation = array<i64: 0, 1, 2>} : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

// broadcast C1
func.func @broadcast_c1(%x: tensor<3xf32>) {
  // expected-error @+1 {{input 'tensor<3xf32>' does not broadcast to the result 'tensor<2x4xf32>': from the last dimension on, each must be equal or 1 [C1]}}
  %0 = qnet.broadcast %x : tensor<3xf32> -> tensor<2x4xf32>
  return
}

// -----

// broadcast C2
func.func @broadcast_c2(%x: tensor<3xf32>) {
  // expected-error @+1 {{input has element type 'f32' but result has 'f16': make them the same with qnet.cast [C2]}}
  %0 = qnet.broadcast %x : tensor<3xf32> -> tensor<2x3xf16>
  return
}

// -----

// gather C1
func.func @gather_c1(%x: tensor<f32>, %i: tensor<3xi64>) {
  // expected-error @+1 {{axis 0 is outside the input 'tensor<f32>': it must be at least 0 and less than its rank 0 [C1]}}
  %0 = qnet.gather %x, %i {axis = 0 : i64} : (tensor<f32>, tensor<3xi64>) -> tensor<3xf32>
  return
}

// -----

// gather C2
func.func @gather_c2_type(%x: tensor<8xf32>, %i: tensor<3xf32>) {
  // expected-error @+1 {{indices 'tensor<3xf32>' are not integers: cast them to i64 [C2]}}
  %0 = qnet.gather %x, %i {axis = 0 : i64} : (tensor<8xf32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

// gather C2
func.func @gather_c2_range(%x: tensor<8xf32>) {
  %i = qnet.constant dense<[0, -8, 8]> : tensor<3xi64>
  // expected-error @+1 {{index 8 is outside dimension 0 of 'tensor<8xf32>': it must lie in [-8, 8) [C2]}}
  %0 = qnet.gather %x, %i {axis = 0 : i64} : (tensor<8xf32>, tensor<3xi64>) -> tensor<3xf32>
  return
}

// -----

// gather C2: i8 is signed.
func.func @gather_c2_narrow(%x: tensor<8xf32>) {
  %i = qnet.constant dense<-9> : tensor<3xi8>
  // expected-error @+1 {{index -9 is outside dimension 0}}
  %0 = qnet.gather %x, %i {axis = 0 : i64} : (tensor<8xf32>, tensor<3xi8>) -> tensor<3xf32>
  return
}

// -----

// reduce C1
func.func @reduce_c1_order(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{axes [1, 0] must be distinct, ascending, at least 0 and less than the rank 2 of the input 'tensor<?x8xf32>' [C1]}}
  %0 = qnet.reduce sum %x {axes = array<i64: 1, 0>} : tensor<?x8xf32> -> tensor<f32>
  return
}

// -----

// reduce C1
func.func @reduce_c1_range(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{axes [2] must be distinct}}
  %0 = qnet.reduce sum %x {axes = array<i64: 2>} : tensor<?x8xf32> -> tensor<?x8xf32>
  return
}

// -----

// argmax C1
func.func @argmax_c1(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'qnet.argmax' op axis 5 is outside the input 'tensor<?x8xf32>': it must be at least 0 and less than its rank 2 [C1]}}
  %0 = qnet.argmax %x {axis = 5 : i64} : tensor<?x8xf32> -> tensor<?xi64>
  return
}

// -----

// argmin C1
func.func @argmin_c1(%x: tensor<f32>) {
  // expected-error @+1 {{'qnet.argmin' op axis 0 is outside the input}}
  %0 = qnet.argmin %x {axis = 0 : i64} : tensor<f32> -> tensor<i64>
  return
}

// -----

// top_k C1
func.func @top_k_c1_axis(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'qnet.top_k' op axis 2 is outside the input}}
  %0:2 = qnet.top_k %x {axis = 2 : i64, k = 1 : i64} : tensor<?x8xf32> -> tensor<?x1xf32>, tensor<?x1xi64>
  return
}

// -----

// top_k C1
func.func @top_k_c1_k(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{k is 9 but dimension 1 of the input 'tensor<?x8xf32>' has 8: k must lie between 0 and it [C1]}}
  %0:2 = qnet.top_k %x {axis = 1 : i64, k = 9 : i64} : tensor<?x8xf32> -> tensor<?x9xf32>, tensor<?x9xi64>
  return
}

