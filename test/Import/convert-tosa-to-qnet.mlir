// If this fails, a float MLP in TOSA does not become the same network in qnet.
//
// RUN: quant-opt %s --convert-tosa-to-qnet --split-input-file | FileCheck %s
// RUN: quant-opt %s --convert-tosa-to-qnet --canonicalize --split-input-file | FileCheck %s --check-prefix=CANON

// The form that TFLite's converter gives: fully connected layers as 1x1 kernels.
// CHECK-LABEL: func @fully_connected
// CHECK-SAME: (%[[X:.*]]: tensor<?x1x1x4xf32>)
// CHECK-NOT: tosa.
// CHECK-DAG: %[[W:.*]] = qnet.constant dense<5.000000e-01> : tensor<3x1x1x4xf32>
// CHECK-DAG: %[[B:.*]] = qnet.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]> : tensor<3xf32>
// CHECK-DAG: %[[W2:.*]] = qnet.reshape %[[W]] : tensor<3x1x1x4xf32> -> tensor<3x4xf32>
// CHECK: %[[D:.*]] = qnet.dense %[[X]], %[[W2]], %[[B]] : (tensor<?x1x1x4xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<?x1x1x3xf32>
// CHECK: %[[R:.*]] = qnet.activation relu %[[D]] : tensor<?x1x1x3xf32> -> tensor<?x1x1x3xf32>
// CHECK: %[[F:.*]] = qnet.reshape %[[R]] : tensor<?x1x1x3xf32> -> tensor<?x3xf32>
// CHECK: return %[[F]]
// CANON-LABEL: func @fully_connected
// CANON: qnet.constant dense<5.000000e-01> : tensor<3x4xf32>
func.func @fully_connected(%x: tensor<?x1x1x4xf32>) -> tensor<?x3xf32> {
  %w = "tosa.const"() {values = dense<0.5> : tensor<3x1x1x4xf32>} : () -> tensor<3x1x1x4xf32>
  %b = "tosa.const"() {values = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %shape = tosa.const_shape {values = dense<[-1, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.conv2d %x, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<?x1x1x4xf32>, tensor<3x1x1x4xf32>, tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<?x1x1x3xf32>
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 3.40282347E+38 : f32} : (tensor<?x1x1x3xf32>) -> tensor<?x1x1x3xf32>
  %2 = tosa.reshape %1, %shape : (tensor<?x1x1x3xf32>, !tosa.shape<2>) -> tensor<?x3xf32>
  return %2 : tensor<?x3xf32>
}

// -----

// A bias of one value serves all outputs.
// CHECK-LABEL: func @scalar_bias
// CHECK: %[[B:.*]] = qnet.broadcast %{{.*}} : tensor<1xf32> -> tensor<3xf32>
// CHECK: qnet.dense %{{.*}}, %{{.*}}, %[[B]]
func.func @scalar_bias(%x: tensor<2x1x1x4xf32>, %w: tensor<3x1x1x4xf32>) -> tensor<2x1x1x3xf32> {
  %b = "tosa.const"() {values = dense<1.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %zp, %zp {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<2x1x1x4xf32>, tensor<3x1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x1x1x3xf32>
  return %0 : tensor<2x1x1x3xf32>
}

// -----

// The form that torch-mlir gives: a matmul of one matrix between reshapes. It is
// left a product of rank 2, with no reshape on the rows' way.
// CHECK-LABEL: func @torch_mlp
// CHECK-NOT: tosa.
// CANON-LABEL: func @torch_mlp
// CANON-SAME: (%[[X:.*]]: tensor<?x4xf32>)
// CANON-DAG: %[[W:.*]] = qnet.constant dense<5.000000e-01> : tensor<4x2xf32>
// CANON-DAG: %[[B:.*]] = qnet.constant dense<{{.*}}> : tensor<1x2xf32>
// CANON: %[[P:.*]] = qnet.matmul %[[X]], %[[W]] : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
// CANON: %[[A:.*]] = qnet.add %[[P]], %[[B]] : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x2xf32>
// CANON: %[[T:.*]] = qnet.activation tanh %[[A]]
// CANON: return %[[T]]
func.func @torch_mlp(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = "tosa.const"() {values = dense<0.5> : tensor<1x4x2xf32>} : () -> tensor<1x4x2xf32>
  %b = "tosa.const"() {values = dense<[[1.0, 2.0]]> : tensor<1x2xf32>} : () -> tensor<1x2xf32>
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %s3 = tosa.const_shape {values = dense<[1, -1, 4]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %s2 = tosa.const_shape {values = dense<[-1, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.reshape %x, %s3 : (tensor<?x4xf32>, !tosa.shape<3>) -> tensor<1x?x4xf32>
  %1 = tosa.matmul %0, %w, %zp, %zp : (tensor<1x?x4xf32>, tensor<1x4x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x?x2xf32>
  %2 = tosa.reshape %1, %s2 : (tensor<1x?x2xf32>, !tosa.shape<2>) -> tensor<?x2xf32>
  %3 = tosa.add %2, %b : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x2xf32>
  %4 = tosa.tanh %3 : (tensor<?x2xf32>) -> tensor<?x2xf32>
  return %4 : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @batched_matmul
// CHECK: qnet.matmul %arg0, %arg1 : (tensor<5x3x4xf32>, tensor<5x4x2xf32>) -> tensor<5x3x2xf32>
func.func @batched_matmul(%a: tensor<5x3x4xf32>, %b: tensor<5x4x2xf32>) -> tensor<5x3x2xf32> {
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.matmul %a, %b, %zp, %zp : (tensor<5x3x4xf32>, tensor<5x4x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<5x3x2xf32>
  return %0 : tensor<5x3x2xf32>
}

// -----

// CHECK-LABEL: func @clamps
// CHECK: qnet.activation relu %arg0
// CHECK: qnet.activation relu6 %arg0
// CHECK: qnet.activation clip %arg0 {alpha = -1.000000e+00 : f32, beta = 1.000000e+00 : f32}
// CHECK: qnet.activation clip %arg0 {alpha = 0xFF800000 : f32, beta = 2.000000e+00 : f32}
func.func @clamps(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %0 = tosa.clamp %x {min_val = 0.0 : f32, max_val = 0x7F800000 : f32} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = tosa.clamp %x {min_val = 0.0 : f32, max_val = 6.0 : f32} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = tosa.clamp %x {min_val = -1.0 : f32, max_val = 1.0 : f32} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %3 = tosa.clamp %x {min_val = -3.40282347E+38 : f32, max_val = 2.0 : f32} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0, %1, %2, %3 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func @unary
// CHECK: qnet.activation sigmoid
// CHECK: qnet.activation tanh
// CHECK: qnet.activation erf
// CHECK: qnet.activation exp
// CHECK: qnet.activation log
// CHECK: qnet.activation abs
// CHECK: qnet.activation ceil
// CHECK: qnet.activation floor
// CHECK: qnet.activation sin
// CHECK: qnet.activation cos
// CHECK: qnet.activation rsqrt
// CHECK: qnet.activation reciprocal
// CHECK: %[[N:.*]] = qnet.activation neg
// CHECK-NEXT: return %[[N]]
func.func @unary(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %zp = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.sigmoid %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = tosa.tanh %0 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = tosa.erf %1 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %3 = tosa.exp %2 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %4 = tosa.log %3 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %5 = tosa.abs %4 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %6 = tosa.ceil %5 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %7 = tosa.floor %6 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %8 = tosa.sin %7 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %9 = tosa.cos %8 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %10 = tosa.rsqrt %9 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %11 = tosa.reciprocal %10 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %12 = tosa.negate %11, %zp, %zp : (tensor<?x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<?x4xf32>
  return %12 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func @binary
// CHECK: qnet.sub %arg0, %arg1 : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
// CHECK: qnet.mul
// CHECK: qnet.pow
// CHECK: qnet.max
// CHECK: qnet.min
// CHECK: %[[G:.*]] = qnet.compare gt %{{.*}} : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xi1>
// CHECK: %[[E:.*]] = qnet.compare ge
// CHECK: %[[Q:.*]] = qnet.compare eq
// CHECK: %[[A:.*]] = qnet.and %[[G]], %[[E]]
// CHECK: %[[O:.*]] = qnet.or %[[A]], %[[Q]]
// CHECK: %[[X:.*]] = qnet.xor %[[O]], %[[Q]]
// CHECK: %[[N:.*]] = qnet.not %[[X]]
// CHECK: qnet.where %[[N]], %{{.*}}, %arg1 : (tensor<?x4xi1>, tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
func.func @binary(%a: tensor<?x4xf32>, %b: tensor<1x4xf32>) -> tensor<?x4xf32> {
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.sub %a, %b : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  %1 = tosa.mul %0, %b, %shift : (tensor<?x4xf32>, tensor<1x4xf32>, tensor<1xi8>) -> tensor<?x4xf32>
  %2 = tosa.pow %1, %b : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  %3 = tosa.maximum %2, %b : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  %4 = tosa.minimum %3, %b : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  %5 = tosa.greater %4, %b : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xi1>
  %6 = tosa.greater_equal %4, %b : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xi1>
  %7 = tosa.equal %4, %b : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xi1>
  %8 = tosa.logical_and %5, %6 : (tensor<?x4xi1>, tensor<?x4xi1>) -> tensor<?x4xi1>
  %9 = tosa.logical_or %8, %7 : (tensor<?x4xi1>, tensor<?x4xi1>) -> tensor<?x4xi1>
  %10 = tosa.logical_xor %9, %7 : (tensor<?x4xi1>, tensor<?x4xi1>) -> tensor<?x4xi1>
  %11 = tosa.logical_not %10 : (tensor<?x4xi1>) -> tensor<?x4xi1>
  %12 = tosa.select %11, %4, %b : (tensor<?x4xi1>, tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  return %12 : tensor<?x4xf32>
}

// -----

// TOSA's cast rounds; qnet's truncates.
// CHECK-LABEL: func @casts
// CHECK: %[[R:.*]] = qnet.activation round %arg0
// CHECK: %[[I:.*]] = qnet.cast %[[R]] : tensor<?x4xf32> -> tensor<?x4xi32>
// CHECK: qnet.cast %[[I]] : tensor<?x4xi32> -> tensor<?x4xf32>
func.func @casts(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = tosa.cast %x : (tensor<?x4xf32>) -> tensor<?x4xi32>
  %1 = tosa.cast %0 : (tensor<?x4xi32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func @shapes
// CHECK: qnet.concat %arg0, %arg0 {axis = 1 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x8xf32>
// CHECK: qnet.slice %{{.*}} {sizes = array<i64: 2, 3>, starts = array<i64: 0, 1>, steps = array<i64: 1, 1>} : tensor<2x8xf32> -> tensor<2x3xf32>
// CHECK: qnet.transpose %{{.*}} {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
// CHECK: qnet.reduce sum %{{.*}} {axes = array<i64: 0>, keep_dims} : tensor<3x2xf32> -> tensor<1x2xf32>
// CHECK: qnet.reduce max
// CHECK: qnet.reduce min
// CHECK: qnet.reduce prod
// CHECK: %[[I:.*]] = qnet.argmax %{{.*}} {axis = 1 : i64} : tensor<1x1xf32> -> tensor<1xi64>
// CHECK: qnet.cast %[[I]] : tensor<1xi64> -> tensor<1xi32>
func.func @shapes(%x: tensor<2x4xf32>) -> tensor<1xi32> {
  %start = tosa.const_shape {values = dense<[0, 1]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %size = tosa.const_shape {values = dense<[2, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.concat %x, %x {axis = 1 : i32} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x8xf32>
  %1 = tosa.slice %0, %start, %size : (tensor<2x8xf32>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<2x3xf32>
  %2 = tosa.transpose %1 {perms = array<i32: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %3 = tosa.reduce_sum %2 {axis = 0 : i32} : (tensor<3x2xf32>) -> tensor<1x2xf32>
  %4 = tosa.reduce_max %3 {axis = 0 : i32} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %5 = tosa.reduce_min %4 {axis = 1 : i32} : (tensor<1x2xf32>) -> tensor<1x1xf32>
  %6 = tosa.reduce_product %5 {axis = 1 : i32} : (tensor<1x1xf32>) -> tensor<1x1xf32>
  %7 = tosa.argmax %6 {axis = 1 : i32} : (tensor<1x1xf32>) -> tensor<1xi32>
  return %7 : tensor<1xi32>
}

// -----

// A result of a less exact type keeps it, as its users expect; an identity goes.
// CHECK-LABEL: func @types
// CHECK: %[[A:.*]] = qnet.add %arg0, %arg0 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<?x4xf32>
// CHECK: return %[[A]]
func.func @types(%x: tensor<2x4xf32>) -> tensor<?x4xf32> {
  %0 = tosa.add %x, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<?x4xf32>
  %1 = tosa.identity %0 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// -----

// Nothing to do.
// CHECK-LABEL: func @nothing
// CHECK-NEXT: qnet.activation tanh
// CHECK-NEXT: return
func.func @nothing(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = qnet.activation tanh %x : tensor<?x4xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
