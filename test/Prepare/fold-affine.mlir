// Breaks if scales and shifts beside a layer are left as ops, or folded wrongly.
// RUN: quant-opt --split-input-file --fold-affine %s | FileCheck %s
// RUN: quant-opt --split-input-file --evaluate-main=digits=5 -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --fold-affine --evaluate-main=digits=5 -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// Behind a layer, the whole chain at once: (W x + 1) * [2, 4] - 3, then / 2.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[W:.*]] = qnet.constant dense<{{\[}}[1.000000e+00, 2.000000e+00], [6.000000e+00, 8.000000e+00]]> : tensor<2x2xf32>
// CHECK-DAG: %[[B:.*]] = qnet.constant dense<[-5.000000e-01, 5.000000e-01]> : tensor<2xf32>
// CHECK: %[[D:.*]] = qnet.dense %arg0, %[[W]], %[[B]]
// CHECK-NEXT: return %[[D]]
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = qnet.constant dense<1.0> : tensor<2xf32>
  %scale = qnet.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %three = qnet.constant dense<3.0> : tensor<f32>
  %two = qnet.constant dense<2.0> : tensor<1x1xf32>
  %d = qnet.dense %x, %w, %b : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %m = qnet.mul %scale, %d : (tensor<2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %s = qnet.sub %m, %three : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %q = qnet.div %s, %two : (tensor<?x2xf32>, tensor<1x1xf32>) -> tensor<?x2xf32>
  return %q : tensor<?x2xf32>
}

// -----

// A constant less the layer; a negation; a batch normalization.
// CHECK-LABEL: func.func @main
// CHECK-NOT: qnet.sub
// CHECK-NOT: qnet.activation
// CHECK-NOT: qnet.batch_norm
// CHECK: qnet.dense
// CHECK-NEXT: return
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %one = qnet.constant dense<1.0> : tensor<1xf32>
  %three = qnet.constant dense<3.0> : tensor<1xf32>
  %d = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %s = qnet.sub %one, %d : (tensor<1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %n = qnet.activation neg %s : tensor<?x1xf32> -> tensor<?x1xf32>
  %y = qnet.batch_norm %n, %three, %one, %one, %three {epsilon = 1.0 : f32}
    : (tensor<?x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Before a layer, from an input whose features share one range.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[W:.*]] = qnet.constant dense<{{\[}}[5.000000e-01, 1.000000e+00]]> : tensor<1x2xf32>
// CHECK-DAG: %[[B:.*]] = qnet.constant dense<-1.000000e+00> : tensor<1xf32>
// CHECK: qnet.dense %arg0, %[[W]], %[[B]] {function = #qnet.fn<relu>}
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %b = qnet.constant dense<2.0> : tensor<1xf32>
  %mean = qnet.constant dense<2.0> : tensor<2xf32>
  %scale = qnet.constant dense<2.0> : tensor<2xf32>
  %c = qnet.sub %x, %mean : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %n = qnet.div %c, %scale : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %n, %w, %b {function = #qnet.fn<relu>} : (tensor<?x2xf32>, tensor<1x2xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Declined: one feature is a thousand times wider than the other, and both would
// share one 8-bit range.
// CHECK-LABEL: func.func @main
// CHECK: qnet.mul
// CHECK: qnet.dense
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %scale = qnet.constant dense<[1.0, 0.001]> : tensor<2xf32>
  %n = qnet.mul %x, %scale : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %n, %w : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Between layers there is no such limit: the value is quantized either way.
// CHECK-LABEL: func.func @main
// CHECK-NOT: qnet.mul
// CHECK: return
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %scale = qnet.constant dense<[1.0, 0.25]> : tensor<2xf32>
  %r = qnet.activation relu %x : tensor<?x2xf32> -> tensor<?x2xf32>
  %n = qnet.mul %r, %scale : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %n, %w : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Through concat and reshape: each branch has its own scales.
// CHECK-LABEL: func.func @main
// CHECK-NOT: qnet.mul
// CHECK-NOT: qnet.add
// CHECK: %[[F:.*]] = qnet.reshape %arg0 : tensor<?x2x1xf32> -> tensor<?x2xf32>
// CHECK: %[[C:.*]] = qnet.concat %[[F]], %arg1
// CHECK: qnet.dense %[[C]]
func.func @main(%x: tensor<?x2x1xf32>, %y: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0, 4.0]]> : tensor<1x3xf32>
  %s = qnet.constant dense<[[1.0], [0.5]]> : tensor<2x1xf32>
  %t = qnet.constant dense<8.0> : tensor<f32>
  %xs = qnet.mul %x, %s : (tensor<?x2x1xf32>, tensor<2x1xf32>) -> tensor<?x2x1xf32>
  %flat = qnet.reshape %xs : tensor<?x2x1xf32> -> tensor<?x2xf32>
  %ys = qnet.add %y, %t : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %c = qnet.concat %flat, %ys {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %z = qnet.dense %c, %w : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  return %z : tensor<?x1xf32>
}

// -----

// Declined: another op reads the layer's own result.
// CHECK-LABEL: func.func @main
// CHECK: qnet.dense
// CHECK: qnet.add
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %one = qnet.constant dense<1.0> : tensor<1xf32>
  %d = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %y = qnet.add %d, %one : (tensor<?x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %d, %y : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// Declined: the layer has a function; a division by zero; a product of two
// inputs; an overflow.
// CHECK-LABEL: func.func @main
// CHECK: qnet.dense
// CHECK: qnet.div
// CHECK: qnet.mul
// CHECK: qnet.mul
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %big = qnet.constant dense<[[1.0e30]]> : tensor<1x1xf32>
  %zero = qnet.constant dense<0.0> : tensor<1xf32>
  %huge = qnet.constant dense<1.0e30> : tensor<1xf32>
  %d = qnet.dense %x, %w {function = #qnet.fn<relu>} : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %q = qnet.div %d, %zero : (tensor<?x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  %m = qnet.mul %q, %d : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %e = qnet.dense %m, %big : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
  %y = qnet.mul %e, %huge : (tensor<?x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Declined: raw features of 1 and of 1000 units do not share a range, and no less
// so when their empty cells have been filled.
// CHECK-LABEL: func.func @main
// CHECK: %[[F:.*]] = qnet.where
// CHECK: %[[S:.*]] = qnet.mul %[[F]]
// CHECK: qnet.dense %[[S]]
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %mean = qnet.constant dense<[0.5, 250.0]> : tensor<2xf32>
  %scale = qnet.constant dense<[1.0, 0.001]> : tensor<2xf32>
  %m = qnet.is_nan %x : tensor<?x2xf32> -> tensor<?x2xi1>
  %f = qnet.where %m, %mean, %x : (tensor<?x2xi1>, tensor<2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %s = qnet.mul %f, %scale : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %y = qnet.dense %s, %w : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Declined: two features of 1000 units fit one range, but not beside a flag.
// CHECK-LABEL: func.func @main
// CHECK: %[[S:.*]] = qnet.mul %arg0
// CHECK: %[[C:.*]] = qnet.concat %[[S]]
// CHECK: qnet.dense %[[C]]
func.func @main(%x: tensor<?x2xf32>, %flag: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %scale = qnet.constant dense<[0.001, 0.002]> : tensor<2xf32>
  %s = qnet.mul %x, %scale : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %c = qnet.concat %s, %flag {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %y = qnet.dense %c, %w : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
