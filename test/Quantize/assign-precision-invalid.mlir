// If this fails, a plan or a precision that can't be carried out ends in something
// other than an error that says why.
// RUN: split-file %s %t
// RUN: not quant-opt %t/net.mlir --assign-precision=plan=%t/unknown-layer.json 2>&1 | FileCheck %s --check-prefix=LAYER
// RUN: not quant-opt %t/net.mlir --assign-precision=plan=%t/unknown-word.json 2>&1 | FileCheck %s --check-prefix=WORD
// RUN: not quant-opt %t/net.mlir --assign-precision=plan=%t/twice.json 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not quant-opt %t/net.mlir --assign-precision=plan=%t/other.json 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not quant-opt %t/net.mlir --assign-precision=plan=%t/broken.json 2>&1 | FileCheck %s --check-prefix=BROKEN
// RUN: not quant-opt %t/net.mlir --assign-precision=plan=%t/field.json 2>&1 | FileCheck %s --check-prefix=FIELD
// RUN: not quant-opt %t/net.mlir --assign-precision=plan=%t/none.json 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not quant-opt %t/net.mlir --assign-precision=plan=%t/small.json 2>&1 | FileCheck %s --check-prefix=SMALL
// RUN: not quant-opt %t/net.mlir --assign-precision=plan=%t/float.json 2>&1 | FileCheck %s --check-prefix=FLOAT
// RUN: not quant-opt %t/word.mlir --qnet-quantize 2>&1 | FileCheck %s --check-prefix=ATTRIBUTE
// RUN: not quant-opt %t/shared.mlir --qnet-quantize 2>&1 | FileCheck %s --check-prefix=SHARED

// LAYER: names the layer 'frist', but the network has no dense layer of that name; there is only 'first'
// WORD: gives the layer 'first' the precision 'int5', which is unknown; choose from int4, int8, int8x16, float, int8/block:0.5, int8/block:0.75
// TWICE: names the layer 'first' twice, in layers[0] and layers[1]; leave one out
// OTHER: is no plan: it lacks "format": "quantc-plan"
// BROKEN: is no JSON, so it is no plan
// FIELD: layers[0] needs a "name" and a "precision", both texts
// NONE: cannot read the plan
// SMALL: can't have the precision int4: its 2 input channels are fewer than the 64 of one group of 4-bit weights; choose another one for the layer 'first'
// FLOAT: has the precision float, but the layer 'first' may only stay in float with allow-float
// ATTRIBUTE: has the precision 7 : i64, which is unknown; choose from
// SHARED: can't have the precision int4: {{.*}} reads the same value and wants it in 16 bits

//--- unknown-layer.json
{"format": "quantc-plan", "layers": [{"name": "frist", "precision": "int8"}]}
//--- unknown-word.json
{"format": "quantc-plan", "layers": [{"name": "first", "precision": "int5"}]}
//--- twice.json
{"format": "quantc-plan", "layers": [{"name": "first", "precision": "int8"}, {"name": "first", "precision": "int8"}]}
//--- other.json
{"layers": []}
//--- broken.json
{"format": "quantc-plan",
//--- field.json
{"format": "quantc-plan", "layers": [{"name": "first", "precision": 8}]}
//--- small.json
{"format": "quantc-plan", "layers": [{"name": "first", "precision": "int4"}]}
//--- float.json
{"format": "quantc-plan", "layers": [{"name": "first", "precision": "float"}]}
//--- net.mlir
!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
func.func @main(%x: !in) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %y = qnet.dense %x, %w : (!in, tensor<2x2xf32>) -> tensor<?x2xf32> loc("first")
  return %y : tensor<?x2xf32>
}
//--- word.mlir
!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
func.func @main(%x: !in) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %y = qnet.dense %x, %w {qnet.precision = 7} : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
//--- shared.mlir
!in = tensor<?x64x!quant.calibrated<f32<-1.0:1.0>>>
func.func @main(%x: !in) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = qnet.constant dense<0.125> : tensor<2x64xf32>
  %a = qnet.dense %x, %w {qnet.precision = "int4"} : (!in, tensor<2x64xf32>) -> tensor<?x2xf32>
  %b = qnet.dense %x, %w {qnet.precision = "int8x16"} : (!in, tensor<2x64xf32>) -> tensor<?x2xf32>
  return %a, %b : tensor<?x2xf32>, tensor<?x2xf32>
}
