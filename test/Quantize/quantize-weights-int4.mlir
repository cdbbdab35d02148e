// If this fails, --weights=int4 gives other integers than the nearest of 4 bits, or
// a layer loses its meaning.
// RUN: quant-opt %s --quantize-weights="weights=int4 least-int4=0" --split-input-file | FileCheck %s
// RUN: quant-opt %s --quantize-weights=weights=int4 --split-input-file | FileCheck %s --check-prefix=SMALL
// RUN: not quant-opt %s --quantize-weights=weights=int5 --split-input-file 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: quantize-weights: weights must be int8 or int4, not 'int5'

// Meaning: the same values to two digits (these weights are multiples of a step).
// RUN: quant-opt %s --evaluate-main="rows=3 digits=2" --split-input-file -o /dev/null > %t.before
// RUN: quant-opt %s --quantize-weights="weights=int4 least-int4=0" --verify-integer --evaluate-main="rows=3 digits=2" --split-input-file -o /dev/null > %t.after
// RUN: diff %t.before %t.after

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// A weight of 7 steps: the step is the channel's scale times 127. The zero point
// leaves with the bias: -128 * 64 * 7 * 127.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[W:.*]] = qnet.constant dense<7> : tensor<1x64xi4>
// CHECK-DAG: %[[G:.*]] = qnet.constant dense<127> : tensor<1x1xui8>
// CHECK-DAG: %[[B:.*]] = qnet.constant dense<-7282688> : tensor<1xi32>
// CHECK-NOT: qnet.weights
// CHECK: qnet.qdense %{{.*}}, %[[W]], %[[B]], %{{.*}} out_bias(%{{.*}}) group_multiplier(%[[G]])
// So few weights keep 8 bits unless told otherwise.
// SMALL-LABEL: func.func @main
// SMALL: qnet.qdense {{.*}} {qnet.weights = "8 bits: fewer than 4096 weights"} : ({{.*}}tensor<1x64xi8>
func.func @main(%x: tensor<?x64xf32>) -> (tensor<?x1xf32> {qnet.name = "one group"}) {
  %w = qnet.constant dense<0.875> : tensor<1x64xf32>
  %b = qnet.constant dense<1.0> : tensor<1xf32>
  %q = qnet.quantize %x : tensor<?x64xf32> -> tensor<?x64x!u8>
  %d = qnet.dequantize %q : tensor<?x64x!u8> -> tensor<?x64xf32>
  %h = qnet.dense %d, %w, %b : (tensor<?x64xf32>, tensor<1x64xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %h : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// Groups with steps of 0.25 and 0.125: half the multiplier, rounded.
// CHECK-LABEL: func.func @main
// CHECK-DAG: qnet.constant dense<{{\[}}[127, 6{{[34]}}]]> : tensor<1x2xui8>
// CHECK-DAG: qnet.constant dense<"0x{{.*}}"> : tensor<1x128xi4>
func.func @main(%x: tensor<?x128xf32>) -> (tensor<?x1xf32> {qnet.name = "two groups"}) {
  %w = qnet.constant dense<"0x0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000000BF0000403F0000E0BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE0000C03E000060BF000080BE"> : tensor<1x128xf32>
  %q = qnet.quantize %x : tensor<?x128xf32> -> tensor<?x128x!u8>
  %d = qnet.dequantize %q : tensor<?x128x!u8> -> tensor<?x128xf32>
  %h = qnet.dense %d, %w : (tensor<?x128xf32>, tensor<1x128xf32>) -> tensor<?x1xf32>
  return %h : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>
!out = !quant.uniform<u8:f32, 0.5:0>

// Nothing but zeros: the scale is that of the bias.
// CHECK-LABEL: func.func @main
// CHECK-DAG: qnet.constant dense<0> : tensor<1x64xi4>
// CHECK-DAG: qnet.constant dense<1> : tensor<1x1xui8>
func.func @main(%x: tensor<?x64xf32>) -> (tensor<?x1xf32> {qnet.name = "zeros"}) {
  %w = qnet.constant dense<0.0> : tensor<1x64xf32>
  %b = qnet.constant dense<100.0> : tensor<1xf32>
  %q = qnet.quantize %x : tensor<?x64xf32> -> tensor<?x64x!u8>
  %d = qnet.dequantize %q : tensor<?x64x!u8> -> tensor<?x64xf32>
  %h = qnet.dense %d, %w, %b : (tensor<?x64xf32>, tensor<1x64xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  %hq = qnet.quantize %h : tensor<?x1xf32> -> tensor<?x1x!out>
  %hd = qnet.dequantize %hq : tensor<?x1x!out> -> tensor<?x1xf32>
  return %hd : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>

// One channel less than a group keeps 8 bits, and says why.
// CHECK-LABEL: func.func @main
// CHECK: qnet.qdense {{.*}} {qnet.weights = "8 bits: fewer than 64 input channels"} : ({{.*}}tensor<1x63xi8>
func.func @main(%x: tensor<?x63xf32>) -> (tensor<?x1xf32> {qnet.name = "63 channels"}) {
  %w = qnet.constant dense<0.875> : tensor<1x63xf32>
  %q = qnet.quantize %x : tensor<?x63xf32> -> tensor<?x63x!u8>
  %d = qnet.dequantize %q : tensor<?x63x!u8> -> tensor<?x63xf32>
  %h = qnet.dense %d, %w : (tensor<?x63xf32>, tensor<1x63xf32>) -> tensor<?x1xf32>
  return %h : tensor<?x1xf32>
}

// -----

!u16 = !quant.uniform<u16<0:32767>:f32, 0.015625:128>

// Kernels of 4-bit weights multiply bytes.
// CHECK-LABEL: func.func @main
// CHECK: qnet.qdense {{.*}} {qnet.weights = "8 bits: its input has 16"} : ({{.*}}tensor<1x64xi8>
func.func @main(%x: tensor<?x64xf32>) -> (tensor<?x1xf32> {qnet.name = "16 bits"}) {
  %w = qnet.constant dense<0.875> : tensor<1x64xf32>
  %q = qnet.quantize %x : tensor<?x64xf32> -> tensor<?x64x!u16>
  %d = qnet.dequantize %q : tensor<?x64x!u16> -> tensor<?x64xf32>
  %h = qnet.dense %d, %w : (tensor<?x64xf32>, tensor<1x64xf32>) -> tensor<?x1xf32>
  return %h : tensor<?x1xf32>
}
