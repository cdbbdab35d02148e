// Every row of the stage's contract has a graph that breaks it.
// RUN: quant-opt --split-input-file --verify-calibrated --verify-diagnostics %s

// A sound graph; is_nan takes no calibrated type, so its operand stays f32.
func.func @main(%x: tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>, %z: tensor<?x2xf32>) -> (tensor<?x2x!quant.calibrated<f32<0.0:1.0>>>, tensor<?x2xi1>) {
  %y = qnet.activation relu %x : tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>> -> tensor<?x2x!quant.calibrated<f32<0.0:1.0>>>
  %n = qnet.is_nan %z : tensor<?x2xf32> -> tensor<?x2xi1>
  return %y, %n : tensor<?x2x!quant.calibrated<f32<0.0:1.0>>>, tensor<?x2xi1>
}

// -----

// R1
func.func @main(%x: tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>) -> tensor<?x2xf32> {
  // expected-error @unknown {{'act' has no range; calibrate the model, or add the tensor to the file of ranges [verify-calibrated R1]}}
  %y = qnet.activation relu %x : tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>> -> tensor<?x2xf32> loc("act")
  return %y : tensor<?x2xf32>
}

// -----

// R2
// expected-error @below {{'input0' has a range that is empty or not finite [verify-calibrated R2]}}
func.func @main(%x: tensor<?x2x!quant.calibrated<f32<-1.0:1.0e999>>>) -> tensor<?x2x!quant.calibrated<f32<-1.0:1.0e999>>> {
  return %x : tensor<?x2x!quant.calibrated<f32<-1.0:1.0e999>>>
}

// -----

// R3
func.func @main(%x: tensor<?x2xf32>) -> tensor<?xi1> {
  // expected-error @below {{an observer is left; run apply-ranges [verify-calibrated R3]}}
  qnet.observe %x {tensor = 0 : i64} : tensor<?x2xf32>
  %n = qnet.is_nan %x : tensor<?x2xf32> -> tensor<?x2xi1>
  %a = qnet.slice %n {starts = array<i64: 0, 0>, sizes = array<i64: -1, 1>, steps = array<i64: 1, 1>} : tensor<?x2xi1> -> tensor<?x1xi1>
  %b = qnet.reshape %a : tensor<?x1xi1> -> tensor<?xi1>
  return %b : tensor<?xi1>
}
