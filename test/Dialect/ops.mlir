// If this fails, an op can't be written to a file and read back: every op in its
// own syntax, in the generic one, and as bytecode.
//
// RUN: quant-opt %s --verify-roundtrip | FileCheck %s
// RUN: quant-opt %s --mlir-print-op-generic | quant-opt | FileCheck %s
// RUN: quant-opt %s --emit-bytecode -o %t.mlirbc
// RUN: quant-opt %t.mlirbc | FileCheck %s

!u8 = !quant.uniform<u8:f32, 0.5:10>
!y8 = !quant.uniform<u8<0:200>:f32, 0.25>
!index = !quant.uniform<u16<0:4095>:f32, 0.125:7>
!axis = !quant.uniform<u8:f32:1, {0.5:10, 0.25:3}>

// CHECK-LABEL: func @constants
func.func @constants() {
  // CHECK: qnet.constant dense<{{\[}}[1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
  %0 = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  // CHECK: qnet.constant dense<[0, 255]> : tensor<2xui8>
  %1 = qnet.constant dense<[0, 255]> : tensor<2xui8>
  // CHECK: qnet.constant {qnet.note = "kept"} dense<0.000000e+00> : tensor<0x4xf16>
  %2 = qnet.constant {qnet.note = "kept"} dense<0.0> : tensor<0x4xf16>
  // CHECK: qnet.constant dense<true> : tensor<i1>
  %3 = qnet.constant dense<true> : tensor<i1>
  // CHECK: qnet.constant dense_resource<weights> : tensor<2x2xi8>
  %4 = qnet.constant dense_resource<weights> : tensor<2x2xi8>
  return
}

// CHECK-LABEL: func @products
func.func @products(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>, %b: tensor<2xf32>, %a: tensor<3x5x4xf32>, %v: tensor<4xf32>) {
  // CHECK: qnet.dense %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %0 = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  // CHECK: qnet.dense %{{.*}}, %{{.*}}, %{{.*}} {alpha = 1.000000e-01 : f32, function = #qnet.fn<leaky_relu>} : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %1 = qnet.dense %x, %w, %b {function = #qnet.fn<leaky_relu>, alpha = 0.1 : f32} : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  // CHECK: qnet.dense %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<2xf32>
  %2 = qnet.dense %v, %w {function = #qnet.fn<identity>} : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<2xf32>
  // CHECK: qnet.matmul %{{.*}}, %{{.*}} : (tensor<3x5x4xf32>, tensor<4xf32>) -> tensor<3x5xf32>
  %3 = qnet.matmul %a, %v : (tensor<3x5x4xf32>, tensor<4xf32>) -> tensor<3x5xf32>
  return
}

// CHECK-LABEL: func @unary
func.func @unary(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %i: tensor<?x4xi64>, %m: tensor<?x4xi1>) {
  // CHECK: qnet.activation leaky_relu %{{.*}} {alpha = 1.000000e-01 : f32} : tensor<?x4xf32> -> tensor<?x4xf32>
  %0 = qnet.activation leaky_relu %x {alpha = 0.1 : f32} : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: qnet.activation clip %{{.*}} {alpha = 0.000000e+00 : f32, beta = 6.000000e+00 : f32} : tensor<?x4xi64> -> tensor<?x4xi64>
  %1 = qnet.activation clip %i {alpha = 0.0 : f32, beta = 6.0 : f32} : tensor<?x4xi64> -> tensor<?x4xi64>
  // CHECK: qnet.prelu %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %2 = qnet.prelu %x, %s : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: qnet.cast %{{.*}} : tensor<?x4xi64> -> tensor<?x4xf32>
  %3 = qnet.cast %i : tensor<?x4xi64> -> tensor<?x4xf32>
  // CHECK: qnet.not %{{.*}} : tensor<?x4xi1> -> tensor<?x4xi1>
  %4 = qnet.not %m : tensor<?x4xi1> -> tensor<?x4xi1>
  // CHECK: qnet.is_nan %{{.*}} : tensor<?x4xf32> -> tensor<?x4xi1>
  %5 = qnet.is_nan %x : tensor<?x4xf32> -> tensor<?x4xi1>
  // CHECK: qnet.is_inf %{{.*}} {detect_negative = false} : tensor<?x4xf32> -> tensor<?x4xi1>
  %6 = qnet.is_inf %x {detect_negative = false} : tensor<?x4xf32> -> tensor<?x4xi1>
  return
}

// CHECK-LABEL: func @functions
func.func @functions(%x: tensor<?xf32>) {
  // CHECK: qnet.activation identity
  // CHECK: qnet.activation relu %
  // CHECK: qnet.activation relu6
  // CHECK: qnet.activation elu
  // CHECK: qnet.activation selu
  // CHECK: qnet.activation celu
  // CHECK: qnet.activation silu
  // CHECK: qnet.activation gelu %
  // CHECK: qnet.activation gelu_tanh
  // CHECK: qnet.activation mish
  // CHECK: qnet.activation sigmoid
  // CHECK: qnet.activation tanh
  // CHECK: qnet.activation softplus
  // CHECK: qnet.activation softsign
  // CHECK: qnet.activation hard_sigmoid
  // CHECK: qnet.activation hard_swish
  // CHECK: qnet.activation thresholded_relu
  // CHECK: qnet.activation exp
  // CHECK: qnet.activation log
  // CHECK: qnet.activation sqrt
  // CHECK: qnet.activation rsqrt
  // CHECK: qnet.activation reciprocal
  // CHECK: qnet.activation abs
  // CHECK: qnet.activation neg
  // CHECK: qnet.activation sign
  // CHECK: qnet.activation floor
  // CHECK: qnet.activation ceil
  // CHECK: qnet.activation round
  // CHECK: qnet.activation erf
  // CHECK: qnet.activation sin
  // CHECK: qnet.activation cos
  // CHECK: qnet.activation square
  %0 = qnet.activation identity %x : tensor<?xf32> -> tensor<?xf32>
  %1 = qnet.activation relu %x : tensor<?xf32> -> tensor<?xf32>
  %2 = qnet.activation relu6 %x : tensor<?xf32> -> tensor<?xf32>
  %4 = qnet.activation elu %x : tensor<?xf32> -> tensor<?xf32>
  %5 = qnet.activation selu %x : tensor<?xf32> -> tensor<?xf32>
  %6 = qnet.activation celu %x : tensor<?xf32> -> tensor<?xf32>
  %7 = qnet.activation silu %x : tensor<?xf32> -> tensor<?xf32>
  %8 = qnet.activation gelu %x : tensor<?xf32> -> tensor<?xf32>
  %9 = qnet.activation gelu_tanh %x : tensor<?xf32> -> tensor<?xf32>
  %10 = qnet.activation mish %x : tensor<?xf32> -> tensor<?xf32>
  %11 = qnet.activation sigmoid %x : tensor<?xf32> -> tensor<?xf32>
  %12 = qnet.activation tanh %x : tensor<?xf32> -> tensor<?xf32>
  %13 = qnet.activation softplus %x : tensor<?xf32> -> tensor<?xf32>
  %14 = qnet.activation softsign %x : tensor<?xf32> -> tensor<?xf32>
  %15 = qnet.activation hard_sigmoid %x : tensor<?xf32> -> tensor<?xf32>
  %16 = qnet.activation hard_swish %x : tensor<?xf32> -> tensor<?xf32>
  %18 = qnet.activation thresholded_relu %x : tensor<?xf32> -> tensor<?xf32>
  %19 = qnet.activation exp %x : tensor<?xf32> -> tensor<?xf32>
  %20 = qnet.activation log %x : tensor<?xf32> -> tensor<?xf32>
  %21 = qnet.activation sqrt %x : tensor<?xf32> -> tensor<?xf32>
  %22 = qnet.activation rsqrt %x : tensor<?xf32> -> tensor<?xf32>
  %23 = qnet.activation reciprocal %x : tensor<?xf32> -> tensor<?xf32>
  %24 = qnet.activation abs %x : tensor<?xf32> -> tensor<?xf32>
  %25 = qnet.activation neg %x : tensor<?xf32> -> tensor<?xf32>
  %26 = qnet.activation sign %x : tensor<?xf32> -> tensor<?xf32>
  %27 = qnet.activation floor %x : tensor<?xf32> -> tensor<?xf32>
  %28 = qnet.activation ceil %x : tensor<?xf32> -> tensor<?xf32>
  %29 = qnet.activation round %x : tensor<?xf32> -> tensor<?xf32>
  %30 = qnet.activation erf %x : tensor<?xf32> -> tensor<?xf32>
  %31 = qnet.activation sin %x : tensor<?xf32> -> tensor<?xf32>
  %32 = qnet.activation cos %x : tensor<?xf32> -> tensor<?xf32>
  %33 = qnet.activation square %x : tensor<?xf32> -> tensor<?xf32>
  return
}

// CHECK-LABEL: func @binary
func.func @binary(%a: tensor<?x4xf32>, %b: tensor<4xf32>, %m: tensor<?x4xi1>, %n: tensor<1xi1>, %i: tensor<3xi64>) {
  // CHECK: qnet.add %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %0 = qnet.add %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: qnet.sub
  %1 = qnet.sub %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: qnet.mul
  %2 = qnet.mul %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: qnet.div %{{.*}}, %{{.*}} : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %3 = qnet.div %i, %i : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  // CHECK: qnet.pow
  %4 = qnet.pow %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: qnet.min
  %5 = qnet.min %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: qnet.max
  %6 = qnet.max %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: qnet.and %{{.*}}, %{{.*}} : (tensor<?x4xi1>, tensor<1xi1>) -> tensor<?x4xi1>
  %7 = qnet.and %m, %n : (tensor<?x4xi1>, tensor<1xi1>) -> tensor<?x4xi1>
  // CHECK: qnet.or
  %8 = qnet.or %m, %n : (tensor<?x4xi1>, tensor<1xi1>) -> tensor<?x4xi1>
  // CHECK: qnet.xor
  %9 = qnet.xor %m, %n : (tensor<?x4xi1>, tensor<1xi1>) -> tensor<?x4xi1>
  // CHECK: qnet.compare eq
  %10 = qnet.compare eq %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xi1>
  // CHECK: qnet.compare lt
  %11 = qnet.compare lt %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xi1>
  // CHECK: qnet.compare le
  %12 = qnet.compare le %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xi1>
  // CHECK: qnet.compare gt
  %13 = qnet.compare gt %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xi1>
  // CHECK: qnet.compare ge %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xi1>
  %14 = qnet.compare ge %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xi1>
  // CHECK: qnet.where %{{.*}}, %{{.*}}, %{{.*}} : (tensor<1xi1>, tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %15 = qnet.where %n, %a, %b : (tensor<1xi1>, tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// CHECK-LABEL: func @normalization
func.func @normalization(%x: tensor<?x4xf32>, %c: tensor<4xf32>) {
  // CHECK: qnet.softmax %{{.*}} {axis = 1 : i64} : tensor<?x4xf32> -> tensor<?x4xf32>
  %0 = qnet.softmax %x {axis = 1 : i64} : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: qnet.log_softmax %{{.*}} {axis = 0 : i64} : tensor<?x4xf32> -> tensor<?x4xf32>
  %1 = qnet.log_softmax %x {axis = 0 : i64} : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: qnet.batch_norm %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {epsilon = 9.99999974E-6 : f32} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %2 = qnet.batch_norm %x, %c, %c, %c, %c {epsilon = 1.0e-5 : f32} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: qnet.layer_norm %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64, epsilon = 0.000000e+00 : f32} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %3 = qnet.layer_norm %x, %c, %c {axis = 1 : i64, epsilon = 0.0 : f32} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: qnet.layer_norm %{{.*}}, %{{.*}} {axis = 1 : i64, epsilon = 0.000000e+00 : f32, rms} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %4 = qnet.layer_norm %x, %c {axis = 1 : i64, epsilon = 0.0 : f32, rms} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// CHECK-LABEL: func @moves
func.func @moves(%x: tensor<?x4xf32>, %y: tensor<?x2xf32>, %z: tensor<?x8xf32>, %s: tensor<2x3xf32>, %i: tensor<3xi64>, %q: tensor<?x4x!u8>) {
  // CHECK: qnet.concat %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xf32>) -> tensor<?x6xf32>
  %0 = qnet.concat %x, %y {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xf32>) -> tensor<?x6xf32>
  // CHECK: qnet.slice %{{.*}} {sizes = array<i64: -1, 3>, starts = array<i64: 0, 7>, steps = array<i64: 1, -2>} : tensor<?x8xf32> -> tensor<?x3xf32>
  %1 = qnet.slice %z {starts = array<i64: 0, 7>, sizes = array<i64: -1, 3>, steps = array<i64: 1, -2>} : tensor<?x8xf32> -> tensor<?x3xf32>
  // CHECK: qnet.reshape %{{.*}} : tensor<?x8xf32> -> tensor<?x2x4xf32>
  %2 = qnet.reshape %z : tensor<?x8xf32> -> tensor<?x2x4xf32>
  // CHECK: qnet.transpose %{{.*}} {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
  %3 = qnet.transpose %s {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
  // CHECK: qnet.broadcast %{{.*}} : tensor<2x3xf32> -> tensor<4x2x3xf32>
  %4 = qnet.broadcast %s : tensor<2x3xf32> -> tensor<4x2x3xf32>
  // CHECK: qnet.gather %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x3xf32>
  %5 = qnet.gather %z, %i {axis = 1 : i64} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x3xf32>
  // Stored integers move too.
  // CHECK: qnet.gather %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<?x4x!quant.uniform<u8:f32, 5.000000e-01:10>>, tensor<3xi64>) -> tensor<?x3x!quant.uniform<u8:f32, 5.000000e-01:10>>
  %6 = qnet.gather %q, %i {axis = 1 : i64} : (tensor<?x4x!u8>, tensor<3xi64>) -> tensor<?x3x!u8>
  // CHECK: qnet.max
  %7 = qnet.max %q, %q : (tensor<?x4x!u8>, tensor<?x4x!u8>) -> tensor<?x4x!u8>
  return
}

// CHECK-LABEL: func @reductions
func.func @reductions(%x: tensor<?x8xf32>) {
  // CHECK: qnet.reduce sum %{{.*}} {axes = array<i64: 0, 1>} : tensor<?x8xf32> -> tensor<f32>
  %0 = qnet.reduce sum %x {axes = array<i64: 0, 1>} : tensor<?x8xf32> -> tensor<f32>
  // CHECK: qnet.reduce mean %{{.*}} {axes = array<i64: 1>, keep_dims} : tensor<?x8xf32> -> tensor<?x1xf32>
  %1 = qnet.reduce mean %x {axes = array<i64: 1>, keep_dims} : tensor<?x8xf32> -> tensor<?x1xf32>
  // CHECK: qnet.reduce max
  %2 = qnet.reduce max %x {axes = array<i64: 1>} : tensor<?x8xf32> -> tensor<?xf32>
  // CHECK: qnet.reduce min
  %3 = qnet.reduce min %x {axes = array<i64: 1>} : tensor<?x8xf32> -> tensor<?xf32>
  // CHECK: qnet.reduce l2
  %4 = qnet.reduce l2 %x {axes = array<i64: 1>} : tensor<?x8xf32> -> tensor<?xf32>
  // CHECK: qnet.reduce sum_square
  %5 = qnet.reduce sum_square %x {axes = array<i64: 1>} : tensor<?x8xf32> -> tensor<?xf32>
  // CHECK: qnet.reduce l1
  %6 = qnet.reduce l1 %x {axes = array<i64: 1>} : tensor<?x8xf32> -> tensor<?xf32>
  // CHECK: qnet.reduce prod %{{.*}} {axes = array<i64>} : tensor<?x8xf32> -> tensor<?x8xf32>
  %7 = qnet.reduce prod %x {axes = array<i64>} : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: qnet.argmax %{{.*}} {axis = 1 : i64} : tensor<?x8xf32> -> tensor<?xi64>
  %8 = qnet.argmax %x {axis = 1 : i64} : tensor<?x8xf32> -> tensor<?xi64>
  // CHECK: qnet.argmin %{{.*}} {axis = 1 : i64, keep_dims, select_last} : tensor<?x8xf32> -> tensor<?x1xi64>
  %9 = qnet.argmin %x {axis = 1 : i64, keep_dims, select_last} : tensor<?x8xf32> -> tensor<?x1xi64>
  // CHECK: qnet.top_k %{{.*}} {axis = 1 : i64, k = 3 : i64, largest = false} : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x3xi64>
  %10:2 = qnet.top_k %x {axis = 1 : i64, k = 3 : i64, largest = false} : tensor<?x8xf32> -> tensor<?x3xf32>, tensor<?x3xi64>
  return
}

// CHECK-LABEL: func @calibrated
func.func @calibrated(%x: tensor<?x4x!quant.calibrated<f32<-1.0:2.0>>>, %b: tensor<4xf32>) {
  // CHECK: qnet.add %{{.*}} : (tensor<?x4x!quant.calibrated<f32<-1.000000e+00:2.000000e+00>>>, tensor<4xf32>) -> tensor<?x4x!quant.calibrated<f32<0.000000e+00:3.000000e+00>>>
  %0 = qnet.add %x, %b : (tensor<?x4x!quant.calibrated<f32<-1.0:2.0>>>, tensor<4xf32>) -> tensor<?x4x!quant.calibrated<f32<0.0:3.0>>>
  // CHECK: qnet.observe %{{.*}} {tensor = 3 : i64} : tensor<4xf32>
  qnet.observe %b {tensor = 3 : i64} : tensor<4xf32>
  return
}

// CHECK-LABEL: func @integers
func.func @integers(%x: tensor<?x2xf32>, %w: tensor<3x2xi8>, %b: tensor<3xi32>, %m: tensor<3xf32>, %mi: tensor<3xi32>, %t: tensor<256xui8>, %tf: tensor<4096xf32>) {
  // CHECK: qnet.quantize %{{.*}} : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>>
  %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!u8>
  // CHECK: qnet.quantize %{{.*}} : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<u8:f32:1, {5.000000e-01:10,2.500000e-01:3}>>
  %p = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!axis>
  // CHECK: qnet.dequantize %{{.*}} : tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>> -> tensor<?x2xf32>
  %0 = qnet.dequantize %q : tensor<?x2x!u8> -> tensor<?x2xf32>
  // CHECK: qnet.requantize %{{.*}} : tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>> -> tensor<?x2x!quant.uniform<u8<0:200>:f32, 2.500000e-01>>
  %1 = qnet.requantize %q : tensor<?x2x!u8> -> tensor<?x2x!y8>
  // CHECK: qnet.qdense %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3x!quant.uniform<u16<0:4095>:f32, 1.250000e-01:7>>
  %2 = qnet.qdense %q, %w, %b, %m : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3x!index>
  // CHECK: qnet.qdense %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} shift(%{{.*}}) : (tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xi32>, tensor<3xi32>) -> tensor<?x3x!quant.uniform<u8<0:200>:f32, 2.500000e-01>>
  %3 = qnet.qdense %q, %w, %b, %mi shift(%b) : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xi32>, tensor<3xi32>) -> tensor<?x3x!y8>
  // CHECK: qnet.qdense %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} out_bias(%{{.*}}) : (tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %4 = qnet.qdense %q, %w, %b, %m out_bias(%m) : (tensor<?x2x!u8>, tensor<3x2xi8>, tensor<3xi32>, tensor<3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  // CHECK: qnet.qdense %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x3x!quant.uniform<u16<0:4095>:f32, 1.250000e-01:7>>, tensor<3x3xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3xf32>
  %ww = qnet.constant dense<1> : tensor<3x3xi8>
  %11 = qnet.qdense %2, %ww, %b, %m : (tensor<?x3x!index>, tensor<3x3xi8>, tensor<3xi32>, tensor<3xf32>) -> tensor<?x3xf32>
  // CHECK: %[[W4:.*]] = qnet.constant dense<{{\[}}[7, -7], [1, 0], [-1, 3]]> : tensor<3x2xi4>
  %w4 = qnet.constant dense<[[7, -7], [1, 0], [-1, 3]]> : tensor<3x2xi4>
  // CHECK: %[[G:.*]] = qnet.constant dense<{{\[}}[1], [255], [127]]> : tensor<3x1xui8>
  %g = qnet.constant dense<[[1], [255], [127]]> : tensor<3x1xui8>
  // CHECK: qnet.qdense %{{.*}}, %[[W4]], %{{.*}}, %{{.*}} group_multiplier(%[[G]]) : (tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>>, tensor<3x2xi4>, tensor<3xi32>, tensor<3xf32>, tensor<3x1xui8>) -> tensor<?x3xf32>
  %10 = qnet.qdense %q, %w4, %b, %m group_multiplier(%g) : (tensor<?x2x!u8>, tensor<3x2xi4>, tensor<3xi32>, tensor<3xf32>, tensor<3x1xui8>) -> tensor<?x3xf32>
  // CHECK: qnet.lookup %{{.*}}, %{{.*}} : (tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>>, tensor<256xui8>) -> tensor<?x2x!quant.uniform<u8<0:200>:f32, 2.500000e-01>>
  %5 = qnet.lookup %q, %t : (tensor<?x2x!u8>, tensor<256xui8>) -> tensor<?x2x!y8>
  // CHECK: qnet.lookup %{{.*}}, %{{.*}} : (tensor<?x3x!quant.uniform<u16<0:4095>:f32, 1.250000e-01:7>>, tensor<4096xf32>) -> tensor<?x3xf32>
  %6 = qnet.lookup %2, %tf : (tensor<?x3x!index>, tensor<4096xf32>) -> tensor<?x3xf32>
  // CHECK: qnet.qadd %{{.*}}, %{{.*}} : (tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>>, tensor<?x2x!quant.uniform<u8<0:200>:f32, 2.500000e-01>>) -> tensor<?x2x!quant.uniform<u8:f32, 5.000000e-01:10>>
  %7 = qnet.qadd %q, %1 : (tensor<?x2x!u8>, tensor<?x2x!y8>) -> tensor<?x2x!u8>
  // CHECK: qnet.qsub
  %8 = qnet.qsub %q, %1 : (tensor<?x2x!u8>, tensor<?x2x!y8>) -> tensor<?x2x!u8>
  // CHECK: qnet.qmul
  %9 = qnet.qmul %q, %1 : (tensor<?x2x!u8>, tensor<?x2x!y8>) -> tensor<?x2x!u8>
  return
}

// CHECK-LABEL: func @kernels
func.func @kernels(%acc: vector<8xi32>, %a: vector<16xi16>, %w: vector<16xi8>, %b: vector<32xi8>,
                   %part: vector<[4]xi32>, %bytes: vector<[16]xi8>, %x: tensor<?x13xi8>, %init: tensor<?x32xi8>) {
  // CHECK: qnet.dot %{{.*}}, %{{.*}}, %{{.*}} : vector<8xi32>, vector<16xi16>, vector<16xi8>
  %0 = qnet.dot %acc, %a, %w : vector<8xi32>, vector<16xi16>, vector<16xi8>
  // CHECK: qnet.dot %{{.*}}, %{{.*}}, %{{.*}} {lhs_unsigned} : vector<8xi32>, vector<32xi8>, vector<32xi8>
  %1 = qnet.dot %acc, %b, %b {lhs_unsigned} : vector<8xi32>, vector<32xi8>, vector<32xi8>
  // CHECK: qnet.dot %{{.*}}, %{{.*}}, %{{.*}} {lane = 1 : i32} : vector<[4]xi32>, vector<[16]xi8>, vector<[16]xi8>
  %2 = qnet.dot %part, %bytes, %bytes {lane = 1 : i32} : vector<[4]xi32>, vector<[16]xi8>, vector<[16]xi8>
  // CHECK: qnet.block_dot %{{.*}}, %{{.*}}, %{{.*}} : vector<[4]xi32>, vector<[16]xi8>, vector<[16]xi8>
  %3 = qnet.block_dot %part, %bytes, %bytes : vector<[4]xi32>, vector<[16]xi8>, vector<[16]xi8>
  // CHECK: qnet.pair_rows %{{.*}}, %{{.*}} : tensor<?x13xi8>, tensor<?x32xi8> -> tensor<?x32xi8>
  %4 = qnet.pair_rows %x, %init : tensor<?x13xi8>, tensor<?x32xi8> -> tensor<?x32xi8>
  // CHECK: qnet.pair_dot %{{.*}}, %{{.*}}, %{{.*}} : vector<16xi16>, vector<32xi8>, vector<32xi8>
  %5 = qnet.pair_dot %a, %b, %b : vector<16xi16>, vector<32xi8>, vector<32xi8>
  return
}

// CHECK-LABEL: func @group_sums
func.func @group_sums(%x: tensor<?x100xi8>, %s: tensor<?x2xi32>, %w: tensor<2048xi8>, %b: tensor<16xi32>, %g: tensor<64xi8>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: %[[S:.*]] = qnet.group_sums ins(%{{.*}} : tensor<?x100xi8>) outs(%{{.*}} : tensor<?x2xi32>) {halves} -> tensor<?x2xi32>
  %0 = qnet.group_sums ins(%x : tensor<?x100xi8>) outs(%s : tensor<?x2xi32>) {halves} -> tensor<?x2xi32>
  // CHECK: qnet.packed_dense "gemm_s8u4s16_4x16x64_avx2" ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x100xi8>, tensor<2048xi8>, tensor<16xi32>)
  // CHECK-SAME: group_multiplier(%{{.*}} : tensor<64xi8>) group_sums(%[[S]] : tensor<?x2xi32>) outs(%{{.*}} : tensor<?x16xf32>) -> tensor<?x16xf32>
  %1 = qnet.packed_dense "gemm_s8u4s16_4x16x64_avx2" ins(%x, %w, %b : tensor<?x100xi8>, tensor<2048xi8>, tensor<16xi32>)
    group_multiplier(%g : tensor<64xi8>) group_sums(%0 : tensor<?x2xi32>) outs(%y : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}

// Attributes that travel with a tensor.
// CHECK: func @names(%{{.*}}: tensor<?x4xf32> {qnet.name = "input"}) -> (tensor<?x4xf32> {qnet.name = "output"})
func.func @names(%x: tensor<?x4xf32> {qnet.name = "input"}) -> (tensor<?x4xf32> {qnet.name = "output"}) {
  return %x : tensor<?x4xf32>
}

{-#
  dialect_resources: { builtin: { weights: "0x0100000001FF7F80" } }
#-}
