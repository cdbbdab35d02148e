// If this fails, reductions, per-channel prelu or fused functions between dense
// layers have no integer form, or no longer mean the same.
// RUN: quant-opt %s --decompose-for-integers --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// Meaning: the same values, but for the order of f32 sums.
// RUN: quant-opt %s --evaluate-main="rows=4 digits=4" --split-input-file -o /dev/null > %t.before
// RUN: quant-opt %s --decompose-for-integers --evaluate-main="rows=4 digits=4" --split-input-file -o /dev/null > %t.after
// RUN: diff %t.before %t.after

// A fused function comes off; NAME stays with the value after it, and so do its
// range and mean. The layer's own range goes to the layer's own value.
// CHECK-LABEL: func.func @main
// CHECK: %[[D:.*]] = qnet.dense
// CHECK-NOT: qnet.preactivation
// CHECK-SAME: -> tensor<?x2x!quant.calibrated<f32<-2.500000e+00:3.000000e+00>>> loc("fc/pre-activation")
// CHECK: qnet.activation tanh %[[D]] {qnet.mean = array<f64: 1.000000e-01, 2.000000e-01>} : {{.*}} loc("fc")
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %y = qnet.dense %x, %w {function = #qnet.fn<tanh>, qnet.mean = array<f64: 0.1, 0.2>, qnet.preactivation = array<f64: -2.5, 3.0>} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>> loc("fc")
  return %y : tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
}

// -----

// A mean over the middle dimension, between two dense layers: 1/3 three times.
// CHECK-LABEL: func.func @main
// CHECK: qnet.transpose {{.*}} {permutation = array<i64: 0, 2, 1>} : tensor<?x3x2xf32> -> tensor<?x2x3xf32> loc("mean/terms")
// CHECK: %[[ROW:.*]] = qnet.constant dense<0.333333343> : tensor<1x3xf32>
// CHECK: %[[D:.*]] = qnet.dense {{.*}}, %[[ROW]] : {{.*}} -> tensor<?x2x1xf32>
// CHECK: qnet.reshape %[[D]] : tensor<?x2x1xf32> -> tensor<?x2xf32> loc("mean")
func.func @main(%x: tensor<?x3x2xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %v = qnet.constant dense<[[1.0, -1.0]]> : tensor<1x2xf32>
  %h = qnet.dense %x, %w : (tensor<?x3x2xf32>, tensor<2x2xf32>) -> tensor<?x3x2xf32>
  %m = qnet.reduce mean %h {axes = array<i64: 1>} : tensor<?x3x2xf32> -> tensor<?x2xf32> loc("mean")
  %y = qnet.dense %m, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// prelu with a slope a channel: its parts at 12 bits, the ranges from the input's.
// CHECK-LABEL: func.func @main
// CHECK: qnet.max {{.*}} {qnet.parameters = !quant.uniform<u16<0:4095>:f32, 4.8840051749721169E-4>} : {{.*}} loc("act/positive")
// CHECK: %[[N:.*]] = qnet.min {{.*}} {qnet.parameters = !quant.uniform<u16<0:4095>:f32, 2.4420025874860585E-4:4095>} : {{.*}} loc("act/negative")
// CHECK: qnet.mul %[[N]], %{{.*}} loc("act/scaled")
// CHECK: qnet.add {{.*}} -> tensor<?x2x!quant.calibrated<f32<-1.000000e+00:2.000000e+00>>> loc("act")
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %s = qnet.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %h = qnet.dense %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2x!quant.calibrated<f32<-1.0:2.0>>>
  %p = qnet.prelu %h, %s : (tensor<?x2x!quant.calibrated<f32<-1.0:2.0>>>, tensor<2xf32>) -> tensor<?x2x!quant.calibrated<f32<-1.0:2.0>>> loc("act")
  %y = qnet.dense %p, %w : (tensor<?x2x!quant.calibrated<f32<-1.0:2.0>>>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Nothing to do: a reduction that ends the graph stays in float, and so does one
// over the batch.
// CHECK-LABEL: func.func @main
// CHECK: qnet.reduce mean
// CHECK-NOT: qnet.dense
func.func @main(%x: tensor<?x2xf32>) -> tensor<?xf32> {
  %m = qnet.reduce mean %x {axes = array<i64: 1>} : tensor<?x2xf32> -> tensor<?xf32>
  return %m : tensor<?xf32>
}
