// If this fails, a broken op is accepted, or refused without saying which rule
// it breaks. Each case names the op and the rule: "op C1", as the op's page does.
//
// RUN: quant-opt %s --split-input-file --verify-diagnostics

//===----------------------------------------------------------------------===//
// constant
//===----------------------------------------------------------------------===//

// constant C1
func.func @constant_c1_vector() {
  // expected-error @+1 {{value of type 'vector<2xf32>' is not a dense or dense_resource value of a ranked tensor}}
  %0 = qnet.constant dense<[1.0, 2.0]> : vector<2xf32>
  return
}

// -----

// constant C1
func.func @constant_c1_sparse() {
  // expected-error @+1 {{'qnet.constant' op value of type 'tensor<4xf32>' is not a dense or dense_resource value of a ranked tensor: write it in one of these forms [C1]}}
  %0 = qnet.constant sparse<[[1]], [2.0]> : tensor<4xf32>
  return
}

// -----

// constant C1
func.func @constant_c1_complex() {
  // expected-error @+1 {{only floats and integers are constants [C1]}}
  %0 = qnet.constant dense<(1.0, 2.0)> : tensor<2xcomplex<f32>>
  return
}

// -----

// constant C2
func.func @constant_c2_missing() {
  // expected-error @+1 {{resource 'lost' holds no data: the file it came from was cut or printed without its resources [C2]}}
  %0 = qnet.constant dense_resource<lost> : tensor<2xf32>
  return
}

// -----

// constant C2
func.func @constant_c2_size() {
  // expected-error @+1 {{resource 'four' holds 4 bytes, but 'tensor<2xf32>' needs 2 times 4 [C2]}}
  %0 = qnet.constant dense_resource<four> : tensor<2xf32>
  return
}
{-#
  dialect_resources: { builtin: { four: "0x0400000001020304" } }
#-}

// -----

//===----------------------------------------------------------------------===//
// dense
//===----------------------------------------------------------------------===//

// dense C1
func.func @dense_c1_features(%x: tensor<?x5xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{weights 'tensor<2x4xf32>' take 4 features but the input 'tensor<?x5xf32>' has 5: the second dimension of weights must equal the input's last [C1]}}
  %0 = qnet.dense %x, %w : (tensor<?x5xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return
}

// -----

// dense C1
func.func @dense_c1_rank(%x: tensor<?x4xf32>, %w: tensor<1x2x4xf32>) {
  // expected-error @+1 {{have rank 3: they must have rank 2, outputs by inputs [C1]}}
  %0 = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<1x2x4xf32>) -> tensor<?x2xf32>
  return
}

// -----

// dense C2
func.func @dense_c2_size(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{bias 'tensor<3xf32>' must have shape [N] with N = 2, the first dimension of weights [C2]}}
  %0 = qnet.dense %x, %w, %b : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<3xf32>) -> tensor<?x2xf32>
  return
}

// -----

// dense C2
func.func @dense_c2_rank(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>, %b: tensor<f32>) {
  // expected-error @+1 {{bias 'tensor<f32>' must have shape [N]}}
  %0 = qnet.dense %x, %w, %b : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<f32>) -> tensor<?x2xf32>
  return
}

// -----

// dense C3
func.func @dense_c3(%x: tensor<f32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{input 'tensor<f32>' has rank 0: give it a last dimension of features [C3]}}
  %0 = qnet.dense %x, %w : (tensor<f32>, tensor<2x4xf32>) -> tensor<2xf32>
  return
}

// -----

// dense C4
func.func @dense_c4(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+1 {{function leaky_relu: alpha is NaN; give a number [C4]}}
  %0 = qnet.dense %x, %w {function = #qnet.fn<leaky_relu>, alpha = 0x7FC00000 : f32} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return
}

// -----

// dense C5
func.func @dense_c5(%x: tensor<?x4xf32>, %w: tensor<2x4xf16>) {
  // expected-error @+1 {{input has element type 'f32' but weights has 'f16': make them the same with qnet.cast [C5]}}
  %0 = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<2x4xf16>) -> tensor<?x2xf32>
  return
}

// -----

// The result must be the inferred one.
func.func @dense_result(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{'qnet.dense' op inferred type(s) 'tensor<?x2xf32>' are incompatible with return type(s) of operation 'tensor<?x3xf32>'}}
  %0 = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x3xf32>
  return
}

// -----

// And stand for the same real numbers.
func.func @dense_result_type(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{are incompatible with return type(s) of operation 'tensor<?x2xf64>'}}
  %0 = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf64>
  return
}

// -----

//===----------------------------------------------------------------------===//
// kernel
//===----------------------------------------------------------------------===//

// kernel C1
func.func @kernel_c1(%x: tensor<?x4xf32>, %v: tensor<3x5xf32>) {
  // expected-error @+1 {{as many features as the input's last dimension [C1]}}
  %0 = qnet.kernel rbf %x, %v {gamma = 1.0 : f32} : (tensor<?x4xf32>, tensor<3x5xf32>) -> tensor<?x3xf32>
  return
}

// -----

// kernel C2
func.func @kernel_c2(%x: tensor<f32>, %v: tensor<3x5xf32>) {
  // expected-error @+1 {{has rank 0: give it a last dimension of features [C2]}}
  %0 = qnet.kernel rbf %x, %v {gamma = 1.0 : f32} : (tensor<f32>, tensor<3x5xf32>) -> tensor<3xf32>
  return
}

// -----

// kernel C3
func.func @kernel_c3_gamma(%x: tensor<?x4xf32>, %v: tensor<3x4xf32>) {
  // expected-error @+1 {{gamma is 0.000000 and coef0 0.000000: both must be finite, and gamma positive for rbf [C3]}}
  %0 = qnet.kernel rbf %x, %v {gamma = 0.0 : f32} : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  return
}

// -----

// kernel C3
func.func @kernel_c3_degree(%x: tensor<?x4xf32>, %v: tensor<3x4xf32>) {
  // expected-error @+1 {{degree is 17: it must be 1 to 16 [C3]}}
  %0 = qnet.kernel polynomial %x, %v {gamma = 1.0 : f32, degree = 17 : i64} : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  return
}

// -----

// kernel C4
func.func @kernel_c4(%x: tensor<?x4xf32>, %v: tensor<3x4xf64>) {
  // expected-error @+1 {{[C4]}}
  %0 = qnet.kernel rbf %x, %v {gamma = 1.0 : f32} : (tensor<?x4xf32>, tensor<3x4xf64>) -> tensor<?x3xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// matmul
//===----------------------------------------------------------------------===//

// matmul C1
func.func @matmul_c1_inner(%a: tensor<?x4xf32>, %b: tensor<3x2xf32>) {
  // expected-error @+1 {{lhs 'tensor<?x4xf32>' has 4 columns but rhs 'tensor<3x2xf32>' has 3 rows: these must be equal [C1]}}
  %0 = qnet.matmul %a, %b : (tensor<?x4xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

// matmul C1
func.func @matmul_c1_scalar(%a: tensor<?x4xf32>, %b: tensor<f32>) {
  // expected-error @+1 {{has rank 0: multiply by a number with qnet.mul [C1]}}
  %0 = qnet.matmul %a, %b : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  return
}

// -----

// matmul C1
func.func @matmul_c1_leading(%a: tensor<2x3x4xf32>, %b: tensor<5x4x2xf32>) {
  // expected-error @+1 {{the leading dimensions of 'tensor<2x3x4xf32>' and 'tensor<5x4x2xf32>' do not broadcast}}
  %0 = qnet.matmul %a, %b : (tensor<2x3x4xf32>, tensor<5x4x2xf32>) -> tensor<2x3x2xf32>
  return
}

// -----

// matmul C2
func.func @matmul_c2(%a: tensor<?x4xf32>, %b: tensor<4x2xf64>) {
  // expected-error @+1 {{lhs has element type 'f32' but rhs has 'f64': make them the same with qnet.cast [C2]}}
  %0 = qnet.matmul %a, %b : (tensor<?x4xf32>, tensor<4x2xf64>) -> tensor<?x2xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// activation, prelu, cast
//===----------------------------------------------------------------------===//

// activation C1
func.func @activation_c1(%x: tensor<?xi32>) {
  // expected-error @+1 {{function sigmoid is not defined on integers ('tensor<?xi32>'): cast to f32 first [C1]}}
  %0 = qnet.activation sigmoid %x : tensor<?xi32> -> tensor<?xi32>
  return
}

// -----

// activation C2
func.func @activation_c2(%x: tensor<?xf32>) {
  // expected-error @+1 {{function celu: alpha must be a positive normal f32 number (x is divided by it) [C2]}}
  %0 = qnet.activation celu %x {alpha = 0.0 : f32} : tensor<?xf32> -> tensor<?xf32>
  return
}

// -----

// prelu C1
func.func @prelu_c1(%x: tensor<?x4xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{slope 'tensor<3xf32>' does not broadcast to the input 'tensor<?x4xf32>': from the last dimension on, each must be equal or 1 [C1]}}
  %0 = qnet.prelu %x, %s : (tensor<?x4xf32>, tensor<3xf32>) -> tensor<?x4xf32>
  return
}

// -----

// prelu C1
func.func @prelu_c1_rank(%x: tensor<4xf32>, %s: tensor<1x4xf32>) {
  // expected-error @+1 {{slope 'tensor<1x4xf32>' does not broadcast to the input 'tensor<4xf32>'}}
  %0 = qnet.prelu %x, %s : (tensor<4xf32>, tensor<1x4xf32>) -> tensor<4xf32>
  return
}

// -----

// prelu C2
func.func @prelu_c2(%x: tensor<?x4xf32>, %s: tensor<4xf64>) {
  // expected-error @+1 {{input has element type 'f32' but slope has 'f64': make them the same with qnet.cast [C2]}}
  %0 = qnet.prelu %x, %s : (tensor<?x4xf32>, tensor<4xf64>) -> tensor<?x4xf32>
  return
}

// -----

// cast C1
func.func @cast_c1(%x: tensor<?x4xi64>) {
  // expected-error @+1 {{input 'tensor<?x4xi64>' and result 'tensor<?x5xf32>' have different shapes: a cast keeps it [C1]}}
  %0 = qnet.cast %x : tensor<?x4xi64> -> tensor<?x5xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// add and the others of two values
//===----------------------------------------------------------------------===//

// add C1
func.func @add_c1(%a: tensor<?x4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{'qnet.add' op lhs 'tensor<?x4xf32>' and rhs 'tensor<3xf32>' do not broadcast: from the last dimension on, each pair must be equal or hold a 1 [C1]}}
  %0 = qnet.add %a, %b : (tensor<?x4xf32>, tensor<3xf32>) -> tensor<?x4xf32>
  return
}

// -----

// add C2
func.func @add_c2(%a: tensor<?x4xf32>, %b: tensor<4xi32>) {
  // expected-error @+1 {{lhs has element type 'f32' but rhs has 'i32': make them the same with qnet.cast [C2]}}
  %0 = qnet.add %a, %b : (tensor<?x4xf32>, tensor<4xi32>) -> tensor<?x4xf32>
  return
}

// -----

// sub C1
func.func @sub_c1(%a: tensor<2x4xf32>, %b: tensor<3x1xf32>) {
  // expected-error @+1 {{'qnet.sub' op lhs 'tensor<2x4xf32>' and rhs 'tensor<3x1xf32>' do not broadcast}}
  %0 = qnet.sub %a, %b : (tensor<2x4xf32>, tensor<3x1xf32>) -> tensor<2x4xf32>
  return
}

// -----

// mul C1
func.func @mul_c1(%a: tensor<0xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{'qnet.mul' op lhs 'tensor<0xf32>' and rhs 'tensor<3xf32>' do not broadcast}}
  %0 = qnet.mul %a, %b : (tensor<0xf32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

// and: booleans only
func.func @and_type(%a: tensor<?xi64>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of 1-bit signless integer values}}
  %0 = qnet.and %a, %a : (tensor<?xi64>, tensor<?xi64>) -> tensor<?xi64>
  return
}

// -----

// compare C1
func.func @compare_c1(%a: tensor<2xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{'qnet.compare' op lhs 'tensor<2xf32>' and rhs 'tensor<3xf32>' do not broadcast: from the last dimension on, each pair must be equal or hold a 1 [C1]}}
  %0 = qnet.compare lt %a, %b : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xi1>
  return
}

// -----

// compare C2
func.func @compare_c2(%a: tensor<2xf32>, %b: tensor<2xi64>) {
  // expected-error @+1 {{lhs has element type 'f32' but rhs has 'i64': make them the same with qnet.cast [C2]}}
  %0 = qnet.compare lt %a, %b : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xi1>
  return
}

// -----

// where C1
func.func @where_c1(%m: tensor<3xi1>, %a: tensor<2xf32>) {
  // expected-error @+1 {{condition 'tensor<3xi1>' and values 'tensor<2xf32>' and 'tensor<2xf32>' do not broadcast: from the last dimension on, each pair must be equal or hold a 1 [C1]}}
  %0 = qnet.where %m, %a, %a : (tensor<3xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// where C2
func.func @where_c2(%m: tensor<2xi1>, %a: tensor<2xf32>, %b: tensor<2xf64>) {
  // expected-error @+1 {{the true value has element type 'f32' but the false value has 'f64': make them the same with qnet.cast [C2]}}
  %0 = qnet.where %m, %a, %b : (tensor<2xi1>, tensor<2xf32>, tensor<2xf64>) -> tensor<2xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

// softmax C1
func.func @softmax_c1(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'qnet.softmax' op axis 2 is outside the input 'tensor<?x4xf32>': it must be at least 0 and less than its rank 2 [C1]}}
  %0 = qnet.softmax %x {axis = 2 : i64} : tensor<?x4xf32> -> tensor<?x4xf32>
  return
}

// -----

// softmax C1: a scalar has no axis.
func.func @softmax_c1_scalar(%x: tensor<f32>) {
  // expected-error @+1 {{axis 0 is outside the input 'tensor<f32>'}}
  %0 = qnet.softmax %x {axis = 0 : i64} : tensor<f32> -> tensor<f32>
  return
}

// -----

func.func @softmax_negative(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{attribute 'axis' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = qnet.softmax %x {axis = -1 : i64} : tensor<?x4xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @softmax_missing(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'qnet.softmax' op requires attribute 'axis'}}
  %0 = "qnet.softmax"(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// log_softmax C1
func.func @log_softmax_c1(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{'qnet.log_softmax' op axis 9223372036854775807 is outside the input}}
  %0 = qnet.log_softmax %x {axis = 9223372036854775807 : i64} : tensor<?x4xf32> -> tensor<?x4xf32>
  return
}

// -----

// batch_norm C1
func.func @batch_norm_c1(%x: tensor<?x4xf32>, %c: tensor<4xf32>, %d: tensor<3xf32>) {
  // expected-error @+1 {{mean 'tensor<3xf32>' must have shape [C] with C = 4, the channels of the input 'tensor<?x4xf32>' [C1]}}
  %0 = qnet.batch_norm %x, %c, %c, %d, %c {epsilon = 0.0 : f32} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<3xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// batch_norm C1
func.func @batch_norm_c1_scalar(%x: tensor<f32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{input 'tensor<f32>' has rank 0 and so no channels: give it rank 1 or more [C1]}}
  %0 = qnet.batch_norm %x, %c, %c, %c, %c {epsilon = 0.0 : f32} : (tensor<f32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return
}

// -----

// batch_norm C2
func.func @batch_norm_c2(%x: tensor<?x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{epsilon is -1.000000: it must be finite and at least 0 [C2]}}
  %0 = qnet.batch_norm %x, %c, %c, %c, %c {epsilon = -1.0 : f32} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// batch_norm C3
func.func @batch_norm_c3(%x: tensor<?x4xf32>, %c: tensor<4xf32>, %d: tensor<4xf64>) {
  // expected-error @+1 {{input has element type 'f32' but variance has 'f64': make them the same with qnet.cast [C3]}}
  %0 = qnet.batch_norm %x, %c, %c, %c, %d {epsilon = 0.0 : f32} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf64>) -> tensor<?x4xf32>
  return
}

// -----

// layer_norm C1
func.func @layer_norm_c1(%x: tensor<?x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{axis 2 is outside the input 'tensor<?x4xf32>': it must be at least 0 and less than its rank 2 [C1]}}
  %0 = qnet.layer_norm %x, %c {axis = 2 : i64, epsilon = 0.0 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// layer_norm C2
func.func @layer_norm_c2(%x: tensor<?x4xf32>, %c: tensor<4xf32>, %d: tensor<5xf32>) {
  // expected-error @+1 {{bias 'tensor<5xf32>' does not broadcast to the input 'tensor<?x4xf32>': from the last dimension on, each must be equal or 1 [C2]}}
  %0 = qnet.layer_norm %x, %c, %d {axis = 1 : i64, epsilon = 0.0 : f32} : (tensor<?x4xf32>, tensor<4xf32>, tensor<5xf32>) -> tensor<?x4xf32>
  return
}

// -----

// layer_norm C3
func.func @layer_norm_c3(%x: tensor<?x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{epsilon is inf: it must be finite and at least 0 [C3]}}
  %0 = qnet.layer_norm %x, %c {axis = 1 : i64, epsilon = 0x7F800000 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// layer_norm C4
func.func @layer_norm_c4(%x: tensor<?x4xf32>, %c: tensor<4xbf16>) {
  // expected-error @+1 {{input has element type 'f32' but scale has 'bf16': make them the same with qnet.cast [C4]}}
  %0 = qnet.layer_norm %x, %c {axis = 1 : i64, epsilon = 0.0 : f32} : (tensor<?x4xf32>, tensor<4xbf16>) -> tensor<?x4xf32>
  return
}

// -----

// An element type that is no number.
func.func @element_type(%x: tensor<4xindex>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of}}
  %0 = qnet.add %x, %x : (tensor<4xindex>, tensor<4xindex>) -> tensor<4xindex>
  return
}

// -----

// An unknown rank.
func.func @unranked(%x: tensor<*xf32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of}}
  %0 = qnet.add %x, %x : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

// An unknown function.
func.func @unknown_function(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected one of [identity, relu, relu6,}}
  %0 = qnet.activation frobnicate %x : tensor<4xf32> -> tensor<4xf32>
  return
}
