// If this fails, values between integer layers get no parameters, or wrong ones.
// RUN: quant-opt %s --assign-parameters --split-input-file | FileCheck %s
// RUN: quant-opt %s --assign-parameters=activation-max=127 --split-input-file | FileCheck %s --check-prefix=SEVEN

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
!positive = tensor<?x2x!quant.calibrated<f32<0.0:2.55>>>

// A relu's result starts at its zero point, which makes it a clamp: no index. The
// last dense layer's result is read as float: no pair.
// CHECK-LABEL: func.func @relu
// CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32>) -> tensor<?x2xf32>
// CHECK-NEXT: %[[Q:.*]] = qnet.quantize %[[X]] {{.*}}!quant.uniform<u8:f32, 0.0078740157186985015:127>>
// CHECK-NEXT: %[[D:.*]] = qnet.dequantize %[[Q]]
// CHECK: %[[H:.*]] = qnet.dense %[[D]], {{.*}} -> tensor<?x2xf32>
// CHECK-NEXT: %[[R:.*]] = qnet.activation relu %[[H]]
// CHECK-NEXT: %[[RQ:.*]] = qnet.quantize %[[R]] {{.*}}!quant.uniform<u8:f32, 0.0099999997764825821>>
// CHECK-NEXT: %[[RD:.*]] = qnet.dequantize %[[RQ]]
// CHECK-NEXT: %[[Y:.*]] = qnet.dense %[[RD]],
// CHECK-NEXT: return %[[Y]]
// SEVEN-LABEL: func.func @relu
// SEVEN: !quant.uniform<u8<0:127>:f32,
func.func @relu(%x: !in) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  %r = qnet.activation relu %h : tensor<?x2xf32> -> !positive
  %y = qnet.dense %r, %w : (!positive, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
!out = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>

// A function that bends gets an index of 12 bits over what the weights allow and
// the function can tell apart; a chain of functions gets one index in all. Both
// ends of tanh are stored exactly.
// CHECK-LABEL: func.func @bends
// CHECK: %[[H:.*]] = qnet.dense
// CHECK-NEXT: %[[I:.*]] = qnet.quantize %[[H]] {{.*}}!quant.uniform<u16<0:4095>:f32
// CHECK-NEXT: %[[ID:.*]] = qnet.dequantize %[[I]]
// CHECK: qnet.mul %[[ID]]
// CHECK-NEXT: %[[T:.*]] = qnet.activation tanh
// CHECK-NEXT: qnet.quantize %[[T]] {{.*}}!quant.uniform<u8:f32, 0.0078740157186985015:127>>
func.func @bends(%x: !in) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[5.0, -2.5], [1.25, 10.0]]> : tensor<2x2xf32>
  %two = qnet.constant dense<2.0> : tensor<f32>
  %h = qnet.dense %x, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  %m = qnet.mul %h, %two : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %t = qnet.activation tanh %m : tensor<?x2xf32> -> !out
  %y = qnet.dense %t, %w : (!out, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

!a = tensor<?x2x!quant.calibrated<f32<0.0:1.0>>>
!b = tensor<?x2x!quant.calibrated<f32<-3.0:0.0>>>
!c = tensor<?x4x!quant.calibrated<f32<-3.0:1.0>>>

// What concat and reshape join has one parameter set, over all ranges.
// CHECK-LABEL: func.func @united
// CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32>, %[[Z:.*]]: tensor<?x2xf32>)
// CHECK-NEXT: qnet.quantize %[[X]] {{.*}}!quant.uniform<u8:f32, [[P:0.015[0-9]*:191]]>>
// CHECK: qnet.quantize %[[Z]] {{.*}}!quant.uniform<u8:f32, [[P]]>>
// CHECK: qnet.concat
// CHECK-NEXT: qnet.quantize {{.*}}!quant.uniform<u8:f32, [[P]]>>
// CHECK: qnet.reshape
// CHECK-NEXT: qnet.quantize {{.*}}!quant.uniform<u8:f32, [[P]]>>
func.func @united(%x: !a, %z: !b) -> tensor<?x2x1xf32> {
  %w = qnet.constant dense<[[0.5, -0.25]]> : tensor<1x2xf32>
  %c = qnet.concat %x, %z {axis = 1 : i64} : (!a, !b) -> !c
  %r = qnet.reshape %c : !c -> tensor<?x2x2xf32>
  %y = qnet.dense %r, %w : (tensor<?x2x2xf32>, tensor<1x2xf32>) -> tensor<?x2x1xf32>
  return %y : tensor<?x2x1xf32>
}

// -----

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>

// Float before and behind the integers: a scale a feature on a graph input, which
// is part of its quantization, and what follows the last dense layer. Both are in
// the ledger.
// CHECK-LABEL: func.func @ledger
// CHECK: qnet.mul {{.*}}{qnet.input_parameters, qnet.ledger = "part of the input's quantization: an offset or a factor for each feature"}
// CHECK-NEXT: qnet.quantize
// CHECK: %[[Y:.*]] = qnet.dense
// CHECK-NEXT: qnet.softmax %[[Y]] {axis = 1 : i64, qnet.ledger = "no dense layer follows: it computes what is read as float"}
func.func @ledger(%x: !in) -> tensor<?x2xf32> {
  %s = qnet.constant dense<[1.0, 100.0]> : tensor<2xf32>
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %m = qnet.mul %x, %s : (!in, tensor<2xf32>) -> tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
  %y = qnet.dense %m, %w : (tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %z = qnet.softmax %y {axis = 1 : i64} : tensor<?x2xf32> -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// -----

!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>

// A function behind float ops is computed with them: on stored integers it would
// round once more. Directly on a graph input it is the input's own affair.
// CHECK-LABEL: func.func @prologue
// CHECK: %[[Q:.*]] = qnet.quantize %arg1
// CHECK-NEXT: %[[Z:.*]] = qnet.dequantize %[[Q]]
// CHECK: %[[M:.*]] = qnet.mul %arg0, %{{.*}} {qnet.ledger = "prepares a graph input before it is quantized"}
// CHECK-NEXT: %[[C:.*]] = qnet.activation clip %[[M]] {{.*}}qnet.ledger = "prepares a graph input before it is quantized"
// CHECK-NEXT: qnet.quantize %[[C]]
// CHECK: qnet.activation tanh %[[Z]]
// CHECK-NOT: qnet.ledger
func.func @prologue(%x: !in, %z: !in) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %s = qnet.constant dense<[1.0, 100.0]> : tensor<2xf32>
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %m = qnet.mul %x, %s : (!in, tensor<2xf32>) -> !in
  %c = qnet.activation clip %m {alpha = 0.0 : f32, beta = 1.0 : f32} : !in -> !in
  %y = qnet.dense %c, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  %t = qnet.activation tanh %z : !in -> !in
  %u = qnet.dense %t, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y, %u : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// Given parameters win over measured ones.
// CHECK-LABEL: func.func @given
// CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32>) ->
// CHECK-NEXT: qnet.quantize %[[X]] : {{.*}}!quant.uniform<u8:f32, 2.500000e-01:7>>
func.func @given(%x: tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>> {qnet.parameters = !quant.uniform<u8:f32, 0.25:7>}) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %y = qnet.dense %x, %w : (tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Nothing to do.
// CHECK-LABEL: func.func @moves
// CHECK-NEXT: %[[R:.*]] = qnet.reshape %{{.*}} : tensor<?x2xf32> -> tensor<?x2x1xf32>
// CHECK-NEXT: return %[[R]]
func.func @moves(%x: tensor<?x2xf32>) -> tensor<?x2x1xf32> {
  %y = qnet.reshape %x : tensor<?x2xf32> -> tensor<?x2x1xf32>
  return %y : tensor<?x2x1xf32>
}
