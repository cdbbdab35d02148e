// If this fails, a TOSA op that has no meaning in qnet is converted all the same,
// or refused without the reason.
//
// RUN: quant-opt %s --convert-tosa-to-qnet --split-input-file --verify-diagnostics

func.func @real_convolution(%x: tensor<1x8x8x4xf32>, %w: tensor<3x3x3x4xf32>, %b: tensor<3xf32>) -> tensor<1x6x6x3xf32> {
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  // expected-error @+1 {{'tosa.conv2d' op with weights 'tensor<3x3x3x4xf32>', pad [0, 0, 0, 0] and stride [1, 1] is no fully connected layer: only a 1x1 kernel, pad 0 and stride 1 are supported}}
  %0 = tosa.conv2d %x, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x8x8x4xf32>, tensor<3x3x3x4xf32>, tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x6x6x3xf32>
  return %0 : tensor<1x6x6x3xf32>
}

// -----

func.func @strided(%x: tensor<1x2x2x4xf32>, %w: tensor<3x1x1x4xf32>, %b: tensor<3xf32>) -> tensor<1x1x1x3xf32> {
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %p = tosa.const_shape {values = dense<[1, 1, 1, 4]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %o = tosa.const_shape {values = dense<0> : tensor<4xindex>} : () -> !tosa.shape<4>
  %1 = tosa.slice %x, %o, %p : (tensor<1x2x2x4xf32>, !tosa.shape<4>, !tosa.shape<4>) -> tensor<1x1x1x4xf32>
  // expected-error @+1 {{is no fully connected layer: only a 1x1 kernel, pad 0 and stride 1 are supported}}
  %0 = tosa.conv2d %1, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 2, 2>} : (tensor<1x1x1x4xf32>, tensor<3x1x1x4xf32>, tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x3xf32>
  return %0 : tensor<1x1x1x3xf32>
}

// -----

// A quantized graph: its zero point is not 0.
func.func @quantized(%a: tensor<1x3x4xi8>, %b: tensor<1x4x2xi8>) -> tensor<1x3x2xi32> {
  %zp = "tosa.const"() {values = dense<3> : tensor<1xi8>} : () -> tensor<1xi8>
  // expected-error @+1 {{'tosa.matmul' op has a zero point of a that is not a constant 0: quantized TOSA has other numerics; give the float network}}
  %0 = tosa.matmul %a, %b, %zp, %zp : (tensor<1x3x4xi8>, tensor<1x4x2xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x3x2xi32>
  return %0 : tensor<1x3x2xi32>
}

// -----

// Every op that can't be converted is named, not the first alone.
func.func @all_are_reported(%x: tensor<1x4xf32>) -> (tensor<1x8xf32>, tensor<1x4xi8>) {
  %m = tosa.const_shape {values = dense<[1, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
  // expected-error @+1 {{'tosa.tile' op can't be converted: no qnet op has its meaning; rewrite it, or take it out of the graph that is quantized}}
  %0 = tosa.tile %x, %m : (tensor<1x4xf32>, !tosa.shape<2>) -> tensor<1x8xf32>
  %t = "tosa.const"() {values = dense<0> : tensor<256xi8>} : () -> tensor<256xi8>
  %i = tosa.cast %x : (tensor<1x4xf32>) -> tensor<1x4xi8>
  // expected-error @+1 {{'tosa.table' op can't be converted}}
  %1 = tosa.table %i, %t : (tensor<1x4xi8>, tensor<256xi8>) -> tensor<1x4xi8>
  return %0, %1 : tensor<1x8xf32>, tensor<1x4xi8>
}

// -----

func.func @ignores_nan(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  // expected-error @+1 {{'tosa.maximum' op ignores NaN, which qnet's op does not: export it with nan_mode = PROPAGATE}}
  %0 = tosa.maximum %x, %x {nan_mode = IGNORE} : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// -----

func.func @unknown_rank(%x: tensor<*xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{'qnet.activation' op operand #0 must be a tensor of known rank, but is 'tensor<*xf32>'}}
  %0 = tosa.tanh %x : (tensor<*xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

func.func @integer_clamp(%x: tensor<1x4xi8>) -> tensor<1x4xi8> {
  // expected-error @+1 {{'tosa.clamp' op clamps integers: only float networks are supported}}
  %0 = tosa.clamp %x {min_val = 0 : i8, max_val = 6 : i8} : (tensor<1x4xi8>) -> tensor<1x4xi8>
  return %0 : tensor<1x4xi8>
}
