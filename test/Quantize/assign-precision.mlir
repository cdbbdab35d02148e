// If this fails, a layer does not get the bits that a plan or its attribute says, or
// others than it get them.
// RUN: split-file %s %t
// RUN: quant-opt %t/net.mlir --assign-precision=plan=%t/plan.json | FileCheck %s --check-prefix=PLAN
// RUN: quant-opt %t/net.mlir --assign-precision | FileCheck %s --check-prefix=NOTHING
// RUN: quant-opt %t/net.mlir --qnet-quantize=plan=%t/plan.json | FileCheck %s --check-prefix=INTEGER
// RUN: quant-opt %t/net.mlir --qnet-quantize="plan=%t/float.json allow-float" | FileCheck %s --check-prefix=FLOAT
// RUN: quant-opt %t/shared.mlir --qnet-quantize | FileCheck %s --check-prefix=SHARED
// RUN: quant-opt %t/shared.mlir --qnet-quantize=activations=int16 | FileCheck %s --check-prefix=DEFAULT

// Meaning: the integer graph gives what the float one gives, to a digit.
// RUN: quant-opt %t/net.mlir --evaluate-main="rows=3 digits=1 range=1" -o /dev/null > %t.before
// RUN: quant-opt %t/net.mlir --qnet-quantize=plan=%t/plan.json --evaluate-main="rows=3 digits=1 range=1" -o /dev/null > %t.after
// RUN: diff %t.before %t.after

// PLAN: qnet.dense {{.*}}qnet.precision = "int4"}
// PLAN: qnet.dense {{.*}} {qnet.precision = "int8x16"}
// NOTHING-NOT: qnet.precision

// The first layer has few weights, and 4 bits all the same: a plan says so. The
// second reads 15 bits and the first, which makes them, 8.
// INTEGER: qnet.quantize %{{.*}}!quant.uniform<u8:
// INTEGER: qnet.qdense {{.*}}group_multiplier({{.*}}tensor<2x64xi4>{{.*}} -> tensor<?x2x!quant.uniform<u16<0:32640>
// INTEGER: qnet.qdense {{.*}}tensor<2x2xi8>{{.*}} -> tensor<?x2xf32>

// FLOAT: qnet.dense {{.*}}qnet.ledger = "left in float, as its precision asks"
// FLOAT: qnet.qdense

// The value that both read has what the more demanding one wants.
// SHARED: qnet.quantize %arg0 {{.*}}!quant.uniform<u16<0:32640>
// SHARED-NOT: qnet.quantize %arg0
// SHARED-COUNT-2: qnet.qdense
// What the attribute says comes before the option: the last layer reads 8 bits.
// DEFAULT: qnet.quantize %arg0 {{.*}}!quant.uniform<u16<0:32640>
// DEFAULT: qnet.qdense {{.*}} -> tensor<?x2x!quant.uniform<u8:

//--- plan.json
{"format": "quantc-plan",
 "layers": [{"name": "first", "precision": "int4"}, {"name": "second", "precision": "int8x16"}]}
//--- float.json
{"format": "quantc-plan", "layers": [{"name": "first", "precision": "float"}]}
//--- net.mlir
!in = tensor<?x64x!quant.calibrated<f32<-1.0:1.0>>>
!h = tensor<?x2x!quant.calibrated<f32<0.0:8.0>>>
func.func @main(%x: !in) -> (tensor<?x2xf32> {qnet.name = "y"}) {
  %w = qnet.constant dense<0.125> : tensor<2x64xf32>
  %v = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %h = qnet.dense %x, %w {function = #qnet.fn<relu>} : (!in, tensor<2x64xf32>) -> !h loc("first")
  %y = qnet.dense %h, %v : (!h, tensor<2x2xf32>) -> tensor<?x2xf32> loc("second")
  return %y : tensor<?x2xf32>
}
//--- shared.mlir
!in = tensor<?x2x!quant.calibrated<f32<-1.0:1.0>>>
func.func @main(%x: !in) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = qnet.constant dense<[[0.5, -0.25], [0.125, 1.0]]> : tensor<2x2xf32>
  %a = qnet.dense %x, %w {qnet.precision = "int8"} : (!in, tensor<2x2xf32>) -> !in
  %b = qnet.dense %x, %w {qnet.precision = "int8x16"} : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  %c = qnet.dense %a, %w {qnet.precision = "int8"} : (!in, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %b, %c : tensor<?x2xf32>, tensor<?x2xf32>
}
