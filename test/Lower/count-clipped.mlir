// If this fails, --count-clipped counts something else, or changes the result.
// RUN: quant-opt %s --count-clipped --split-input-file --verify-diagnostics | FileCheck %s
// RUN: quant-opt %s --count-clipped --split-input-file --verify-diagnostics | quant-opt --split-input-file | FileCheck %s

!narrow = !quant.uniform<u8:f32, 0.5:10>
!relu = !quant.uniform<u8:f32, 0.25>

// CHECK: module attributes {qnet.clipped = ["pixels", "fc"]}
// CHECK: func.func @main(%[[X:.*]]: tensor<?x4xf32> {qnet.name = "pixels"})
// CHECK-SAME: -> (tensor<?x2xf32> {qnet.name = "y"}, tensor<?x2xf32> {qnet.clipped = ["pixels", "fc"]})
// CHECK: %[[Q:.*]] = qnet.quantize %[[X]] : tensor<?x4xf32> -> tensor<?x4x!quant.uniform<u16:f32, 5.000000e-01:32650>>
// CHECK: %[[N:.*]] = qnet.requantize %[[Q]] : {{.*}} -> tensor<?x4x!quant.uniform<u8:f32, 5.000000e-01:10>>
// An input is clipped at both ends,
// CHECK: qnet.compare gt
// CHECK: qnet.compare lt
// CHECK: %[[A:.*]] = qnet.reduce sum %{{.*}} {axes = array<i64: 1>, keep_dims}
// CHECK: %[[H:.*]] = qnet.qdense %[[N]], {{.*}} -> tensor<?x2x!quant.uniform<u16:f32, 2.500000e-01:32640>>
// and below its zero a ReLU clips nothing.
// CHECK: qnet.compare gt
// CHECK-NOT: qnet.compare lt
// CHECK: %[[B:.*]] = qnet.reduce sum
// CHECK: %[[C:.*]] = qnet.concat %[[A]], %[[B]] {axis = 1 : i64}
// CHECK: return %{{.*}}, %[[C]]
func.func @main(%x: tensor<?x4xf32> {qnet.name = "pixels"}) -> (tensor<?x2xf32> {qnet.name = "y"}) {
  %w = qnet.constant dense<1> : tensor<2x4xi8>
  %b = qnet.constant dense<0> : tensor<2xi32>
  %m = qnet.constant dense<2.0> : tensor<2xf32>
  %q = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!narrow>
  %h = qnet.qdense %q, %w, %b, %m : (tensor<?x4x!narrow>, tensor<2x4xi8>, tensor<2xi32>, tensor<2xf32>) -> tensor<?x2x!relu> loc("fc")
  %y = qnet.dequantize %h : tensor<?x2x!relu> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Nothing is stored: nothing is counted.
// CHECK-NOT: qnet.clipped
// CHECK: func.func @main(%{{.*}}: tensor<?x4xf32>) -> tensor<?x4xf32>
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = qnet.activation relu %x : tensor<?x4xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

func.func @main(%x: tensor<?x2x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{makes rows of parts of rows, whose clipped values can't be counted by row}}
  %y = qnet.reshape %x : tensor<?x2x4xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{stores values of 16 bits, and what leaves their range can't be counted}}
  %q = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!quant.uniform<u16:f32, 0.5>>
  %y = qnet.dequantize %q : tensor<?x4x!quant.uniform<u16:f32, 0.5>> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// expected-error @below {{count-clipped: the module has no function @main with one block}}
module {
}
