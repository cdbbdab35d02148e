// Breaks if rescaled channels change a bit of a float result, or if channels are rescaled that something else ties.
// RUN: quant-opt --split-input-file --equalize-layers %s | FileCheck %s
// RUN: quant-opt --split-input-file --equalize-layers=keep=h %s | FileCheck %s --check-prefix=KEEP
// RUN: quant-opt --split-input-file --evaluate-main="rows=16 range=64" -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --equalize-layers --evaluate-main="rows=16 range=64" -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// sqrt(8 / 0.5) = 4 and sqrt(0.5 / 8) = 1/4. The bias goes with the row.
// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = qnet.constant dense<2.000000e+00> : tensor<2x1xf32>
// CHECK: %[[B:.*]] = qnet.constant dense<[2.500000e-01, 4.000000e+00]>
// CHECK: qnet.dense %arg0, %[[W]], %[[B]] {function = #qnet.fn<leaky_relu>, qnet.channel_exponents = array<i32: 2, -2>}
// CHECK: %[[V:.*]] = qnet.constant dense<2.000000e+00> : tensor<1x2xf32>
// CHECK: qnet.dense %{{.*}}, %[[V]] :
// KEEP-LABEL: func.func @main
// KEEP-NOT: qnet.channel_exponents
// KEEP: return
func.func @main(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[8.0], [0.5]]> : tensor<2x1xf32>
  %b = qnet.constant dense<1.0> : tensor<2xf32>
  %v = qnet.constant dense<[[0.5, 8.0]]> : tensor<1x2xf32>
  %h = qnet.dense %x, %w, %b {function = #qnet.fn<leaky_relu>} : (tensor<?x1xf32>, tensor<2x1xf32>, tensor<2xf32>) -> tensor<?x2xf32> loc("h")
  %y = qnet.dense %h, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Through a product with a constant, which stays, a sum with one, which does
// not, a maximum with 0, a sum of two layers, a concat and two readers. Dead
// channels (the last of four has no reader) keep their scale.
// CHECK-LABEL: func.func @main
// CHECK: %[[S:.*]] = qnet.constant dense<[1.100000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]>
// CHECK: qnet.dense %arg0, {{.*}}qnet.channel_exponents = array<i32: 0, 3, -3, 0>
// CHECK: qnet.mul %{{.*}}, %[[S]] :
// CHECK: %[[P:.*]] = qnet.constant dense<[1.000000e-01, 2.500000e-02, 2.400000e+00, 4.000000e-01]>
// CHECK: qnet.add %{{.*}}, %[[P]] :
// CHECK: qnet.dense %arg0, {{.*}}qnet.channel_exponents = array<i32: 0, 3, -3, 0>
// CHECK: qnet.constant dense<{{\[}}[1.000000e+00, 1.600000e+01, 3.750000e-01, 0.000000e+00, 5.000000e+00], [5.000000e+00,
// CHECK: qnet.constant dense<{{\[}}[3.000000e+00, 5.600000e+00, 1.250000e-02, 0.000000e+00]]>
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<[[1.0, 0.3], [20.0, 2.0], [0.01, 0.02], [4.0, 4.0]]> : tensor<4x2xf32>
  %b = qnet.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %s = qnet.constant dense<[1.1, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %p = qnet.constant dense<[0.1, 0.2, 0.3, 0.4]> : tensor<4xf32>
  %0 = qnet.constant dense<0.0> : tensor<f32>
  %u = qnet.constant dense<[[1.0, 1.0]]> : tensor<1x2xf32>
  %v = qnet.constant dense<[[1.0, 2.0, 3.0, 0.0, 5.0], [5.0, 0.1, 3.0, 0.0, 1.0]]> : tensor<2x5xf32>
  %t = qnet.constant dense<[[3.0, 0.7, 0.1, 0.0]]> : tensor<1x4xf32>
  %h = qnet.dense %x, %w, %b {function = #qnet.fn<relu>} : (tensor<?x2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %m = qnet.mul %h, %s : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %n = qnet.add %m, %p : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %g = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<4x2xf32>) -> tensor<?x4xf32>
  %a = qnet.add %n, %g : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %r = qnet.max %a, %0 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %z = qnet.dense %x, %u : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %c = qnet.concat %r, %z {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x5xf32>
  %y = qnet.dense %c, %v : (tensor<?x5xf32>, tensor<2x5xf32>) -> tensor<?x2xf32>
  %q = qnet.dense %r, %t : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %y, %q : tensor<?x2xf32>, tensor<?x1xf32>
}

// -----

// Not through sigmoid, squares, a sum or maximum with one number for all
// channels, or to a frozen reader; nor a value that is also a result.
// CHECK-LABEL: func.func @main
// CHECK-NOT: qnet.channel_exponents
// CHECK: return
func.func @main(%x: tensor<?x1xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x2xf32>) {
  %w = qnet.constant dense<[[8.0], [0.5]]> : tensor<2x1xf32>
  %v = qnet.constant dense<[[0.5, 8.0]]> : tensor<1x2xf32>
  %1 = qnet.constant dense<1.0> : tensor<f32>
  %a = qnet.dense %x, %w {function = #qnet.fn<sigmoid>} : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  %ya = qnet.dense %a, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %b = qnet.dense %x, %w : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  %bb = qnet.mul %b, %b : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %yb = qnet.dense %bb, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %c = qnet.dense %x, %w : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  %cc = qnet.add %c, %1 : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %yc = qnet.dense %cc, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %d = qnet.dense %x, %w : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  %dd = qnet.max %d, %1 : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %yd = qnet.dense %dd, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %e = qnet.dense %x, %w {function = #qnet.fn<relu>} : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  %ye = qnet.dense %e, %v {qnet.frozen} : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %f = qnet.dense %x, %w : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
  %yf = qnet.dense %f, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %ya, %yb, %yc, %yd, %ye, %f : tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x2xf32>
}

// -----

// A range that was measured is of the channels as they are. And a bias
// would lose bits.
// CHECK-LABEL: func.func @main
// CHECK-NOT: qnet.channel_exponents
// CHECK: return
func.func @main(%x: tensor<?x1xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<[[8.0], [0.5]]> : tensor<2x1xf32>
  %v = qnet.constant dense<[[0.5, 8.0]]> : tensor<1x2xf32>
  %u = qnet.constant dense<[[8.0], [0.5]]> : tensor<2x1xf32>
  %a = qnet.dense %x, %w : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
  %ya = qnet.dense %a, %v : (tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %tiny = qnet.constant dense<[1.0e-45, 0.0]> : tensor<2xf32>
  %b = qnet.dense %x, %u, %tiny : (tensor<?x1xf32>, tensor<2x1xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %yb = qnet.dense %b, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %ya, %yb : tensor<?x1xf32>, tensor<?x1xf32>
}
