// If this fails, activations=int16 stores values in fewer steps than the proof of
// the accumulators allows, or in more.
// RUN: quant-opt %s --assign-parameters=activations=int16 --split-input-file | FileCheck %s
// RUN: quant-opt %s --assign-parameters=activations=int16 --quantize-weights --convert-to-integer --verify-integer --split-input-file | FileCheck %s --check-prefix=WEIGHTS

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
!positive = tensor<?x2x!quant.calibrated<f32<0.0:2.0>>>

// Small layers leave all of 15 bits: 128 steps for each of 8 bits.
// CHECK-LABEL: func.func @small
// CHECK: qnet.quantize %arg0 {{.*}}!quant.uniform<u16<0:32640>:f32, {{.*}}:16{{256|384}}>>
// CHECK: qnet.activation relu
// CHECK-NEXT: qnet.quantize {{.*}}!quant.uniform<u16<0:32640>:f32, 6.127{{.*}}>>
// WEIGHTS-LABEL: func.func @small
// WEIGHTS-COUNT-2: qnet.qdense
func.func @small(%x: !in) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  %r = qnet.activation relu %h : tensor<?x2xf32> -> !positive
  %y = qnet.dense %r, %w : (!positive, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

!in = tensor<?x784x!quant.calibrated<f32<0.0:1.0>>>

// 784 weights of 127, and up to half a step of each input for the mean error of
// rounded weights: floor((2^31 - 1) / (784 * 127.5)) = 21483 steps, of which 84 for
// each step of 8 bits are taken. The weights keep theirs.
// CHECK-LABEL: func.func @heavy
// CHECK: qnet.quantize %arg0 {{.*}}!quant.uniform<u16<0:21420>:f32,
// WEIGHTS-LABEL: func.func @heavy
// WEIGHTS: qnet.constant dense<127> : tensor<1x784xi8>
func.func @heavy(%x: !in) -> tensor<?x1xf32> {
  %w = qnet.constant dense<0.25> : tensor<1x784xf32>
  %y = qnet.dense %x, %w : (!in, tensor<1x784xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!in = tensor<?x784x!quant.calibrated<f32<-1.0:1.0>>>
!out = tensor<?x1x!quant.calibrated<f32<0.0:9.0>>>

// The zero point's share of the bias is against the products' sign, and all products
// may still be positive: floor((2^31 - 1) / (784 * 127)) = 21568 steps, of which 84 for
// each step of 8 bits are taken.
// CHECK-LABEL: func.func @zero_point
// CHECK: qnet.quantize %arg0 {{.*}}!quant.uniform<u16<0:21420>:f32, {{.*}}:10{{668|752}}>>
// CHECK: qnet.quantize {{.*}}!quant.uniform<u16<0:32640>:f32,
// WEIGHTS-LABEL: func.func @zero_point
// WEIGHTS: qnet.constant dense<127> : tensor<1x784xi8>
func.func @zero_point(%x: !in) -> tensor<?x1xf32> {
  %w = qnet.constant dense<0.25> : tensor<1x784xf32>
  %b = qnet.constant dense<0.5> : tensor<1xf32>
  %v = qnet.constant dense<0.5> : tensor<1x1xf32>
  %h = qnet.dense %x, %w, %b : (!in, tensor<1x784xf32>, tensor<1xf32>) -> !out
  %y = qnet.dense %h, %v : (!out, tensor<1x1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!in = tensor<?x100000x!quant.calibrated<f32<0.0:1.0>>>

// Not even 255 steps fit: the input keeps 8 bits, and the weights' scale is doubled as
// it is with activations of 8 bits (0.25 / 127 * 2 / 255).
// CHECK-LABEL: func.func @huge
// CHECK: qnet.quantize %arg0 {{.*}}!quant.uniform<u8:f32,
// WEIGHTS-LABEL: func.func @huge
// WEIGHTS: qnet.constant dense<1.54392474E-5> : tensor<1xf32>
func.func @huge(%x: !in) -> tensor<?x1xf32> {
  %w = qnet.constant dense<0.25> : tensor<1x100000xf32>
  %y = qnet.dense %x, %w : (!in, tensor<1x100000xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!in = tensor<?x784x!quant.calibrated<f32<0.0:1.0>>>

// Two layers read the input, one of them through a slice: the stricter one decides,
// for all that a move ties together.
// CHECK-LABEL: func.func @tied
// CHECK: qnet.quantize %arg0 {{.*}}!quant.uniform<u16<0:21420>:f32,
// CHECK: qnet.slice
// CHECK: qnet.quantize {{.*}}!quant.uniform<u16<0:21420>:f32,
// WEIGHTS-LABEL: func.func @tied
func.func @tied(%x: !in) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = qnet.constant dense<0.25> : tensor<1x784xf32>
  %v = qnet.constant dense<0.25> : tensor<1x2xf32>
  %s = qnet.slice %x {starts = array<i64: 0, 0>, sizes = array<i64: -1, 2>, steps = array<i64: 1, 1>} : !in -> tensor<?x2x!quant.calibrated<f32<0.0:1.0>>>
  %y = qnet.dense %s, %v : (tensor<?x2x!quant.calibrated<f32<0.0:1.0>>>, tensor<1x2xf32>) -> tensor<?x1xf32>
  %z = qnet.dense %x, %w : (!in, tensor<1x784xf32>) -> tensor<?x1xf32>
  return %y, %z : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
!out = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>

// The index of a function has 15 bits too.
// CHECK-LABEL: func.func @bends
// CHECK: %[[H:.*]] = qnet.dense
// CHECK-NEXT: qnet.quantize %[[H]] {{.*}}!quant.uniform<u16<0:32767>:f32
// CHECK: qnet.activation tanh
// CHECK-NEXT: qnet.quantize {{.*}}!quant.uniform<u16<0:32640>:f32
// WEIGHTS-LABEL: func.func @bends
func.func @bends(%x: !in) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[5.0, -2.5], [1.25, 10.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  %t = qnet.activation tanh %h : tensor<?x2xf32> -> !out
  %y = qnet.dense %t, %w : (!out, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>

// Nothing to choose: the model says how its input is stored.
// CHECK-LABEL: func.func @given
// CHECK: qnet.quantize %arg0 {{.*}}!quant.uniform<u8:f32, 5.000000e-01:10>>
// WEIGHTS-LABEL: func.func @given
func.func @given(%x: !in {qnet.parameters = !quant.uniform<u8:f32, 0.5:10>}) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %y = qnet.dense %x, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
!positive = tensor<?x2x!quant.calibrated<f32<0.0:2.0>>>

// What was seen is twice as wide as the range that 8 bits were given, and is reached
// four times over; an input says which 8 bits are among its 15. 0 stays where it is.
// CHECK-LABEL: func.func @seen
// CHECK-SAME: qnet.stored_as = !quant.uniform<u8:f32, 0.00787{{.*}}:127>
// CHECK: qnet.quantize %arg0 {{.*}}!quant.uniform<u16<0:32640>:f32, 4.92{{.*}}E-4:16256>>
// CHECK: qnet.activation relu
// CHECK-NEXT: qnet.quantize {{.*}}!quant.uniform<u16<0:32640>:f32, 4.90{{.*}}E-4>>
// WEIGHTS-LABEL: func.func @seen
func.func @seen(%x: !in {qnet.seen_range = array<f64: -2.0, 2.0>}) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  %r = qnet.activation relu %h {qnet.seen_range = array<f64: 0.0, 4.0>} : tensor<?x2xf32> -> !positive
  %y = qnet.dense %r, %w : (!positive, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
!out = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>

// A function's result goes no further than the function.
// CHECK-LABEL: func.func @bounded
// CHECK: qnet.activation tanh
// CHECK-NEXT: qnet.quantize {{.*}}!quant.uniform<u16<0:32640>:f32, 6.15{{.*}}E-5:
// WEIGHTS-LABEL: func.func @bounded
func.func @bounded(%x: !in) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[5.0, -2.5], [1.25, 10.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  %t = qnet.activation tanh %h {qnet.seen_range = array<f64: -1.0, 1.0>} : tensor<?x2xf32> -> !out
  %y = qnet.dense %t, %w : (!out, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
!kernel = tensor<?x2x!quant.calibrated<f32<0.1:0.6>>>

// A kernel of distances lies between 0 and 1, whatever was seen: all steps are spent there.
// CHECK-LABEL: func.func @kernel
// CHECK: %[[K:.*]] = qnet.activation exp
// CHECK: qnet.quantize %[[K]] : {{.*}} -> tensor<?x2x!quant.uniform<u16<0:32640>:f32, 3.063725{{.*}}E-5>>
func.func @kernel(%x: !in) -> tensor<?x1xf32> {
  %v = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %w = qnet.constant dense<[[0.5, -0.25]]> : tensor<1x2xf32>
  %p = qnet.dense %x, %v : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  %k = qnet.activation exp %p {qnet.finish = "finish of a kernel"} : tensor<?x2xf32> -> !kernel
  %y = qnet.dense %k, %w : (!kernel, tensor<1x2xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
