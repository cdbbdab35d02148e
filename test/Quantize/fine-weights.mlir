// If this fails, layers of fine weights lose what rounding leaves of them, or others pay for it.
// RUN: quant-opt %s --quantize-weights --split-input-file | FileCheck %s
// RUN: quant-opt %s --quantize-weights=split-fine=false --split-input-file | FileCheck %s --check-prefix=COARSE

// Meaning: the same values to four digits, of which 8 bits would keep two.
// RUN: quant-opt %s --evaluate-main="rows=3 digits=4" --split-input-file -o /dev/null > %t.before
// RUN: quant-opt %s --quantize-weights --evaluate-main="rows=3 digits=4" --split-input-file -o /dev/null > %t.after
// RUN: diff %t.before %t.after
// RUN: quant-opt %s --quantize-weights=split-fine=false --evaluate-main="rows=3 digits=4" --split-input-file -o /dev/null > %t.coarse
// RUN: not diff %t.before %t.coarse

!u16 = !quant.uniform<u16<0:32767>:f32, 0.000244140625:16384>

// 63.5 = 64 - 0.5, and 0.25 = 0 + 0.25 on the grid of 0.5 / 128.
// CHECK-LABEL: func.func @main
// CHECK: %[[C:.*]] = qnet.constant dense<{{\[}}[127, 64, 0]]> : tensor<1x3xi8>
// CHECK: %[[FIRST:.*]] = qnet.qdense %[[Q:.*]], %[[C]]
// CHECK: %[[F:.*]] = qnet.constant dense<{{\[}}[0, -128, 64]]> : tensor<1x3xi8>
// CHECK: %[[SECOND:.*]] = qnet.qdense %[[Q]], %[[F]]
// CHECK: %[[Y:.*]] = qnet.add %[[FIRST]], %[[SECOND]] {qnet.finish = "sum of both halves of fine weights", qnet.ledger = "sum of both halves of fine weights"}
// CHECK: return %[[Y]]
// COARSE-LABEL: func.func @main
// COARSE: qnet.qdense
// COARSE-NOT: qnet.qdense
// COARSE: return
func.func @main(%x: tensor<?x3xf32>) -> (tensor<?x1xf32> {qnet.name = "fine"}) {
  %w = qnet.constant dense<[[127.0, 63.5, 0.25]]> : tensor<1x3xf32>
  %b = qnet.constant dense<[1.0]> : tensor<1xf32>
  %q = qnet.quantize %x : tensor<?x3xf32> -> tensor<?x3x!u16>
  %d = qnet.dequantize %q : tensor<?x3x!u16> -> tensor<?x3xf32>
  %y = qnet.dense %d, %w, %b {qnet.fine_weights, qnet.frozen} : (tensor<?x3xf32>, tensor<1x3xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!u16 = !quant.uniform<u16<0:32767>:f32, 0.000244140625:16384>

// The bias of a kernel's layer is that of the vectors as they were, of both halves: -(127^2 + 63.5^2 + 0.25^2) / 4.
// Of the rounded half alone, it is that of 127, 64 and 0.
// CHECK-LABEL: func.func @main
// CHECK: i32>
// CHECK: %[[B:.*]] = qnet.constant dense<-5040.32{{.*}}> : tensor<1xf32>
// CHECK: qnet.qdense {{.*}} out_bias(%[[B]])
// COARSE-LABEL: func.func @main
// COARSE-DAG: qnet.constant dense<-5.056250e+03> : tensor<1xf32>
func.func @main(%x: tensor<?x3xf32>) -> (tensor<?x1xf32> {qnet.name = "kernel"}) {
  %w = qnet.constant dense<[[127.0, 63.5, 0.25]]> : tensor<1x3xf32>
  %b = qnet.constant dense<[-5040.328125]> : tensor<1xf32>
  %q = qnet.quantize %x : tensor<?x3xf32> -> tensor<?x3x!u16>
  %d = qnet.dequantize %q : tensor<?x3x!u16> -> tensor<?x3xf32>
  %y = qnet.dense %d, %w, %b {qnet.fine_weights, qnet.frozen, qnet.rbf_gamma = 1.0 : f32} : (tensor<?x3xf32>, tensor<1x3xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

!u8 = !quant.uniform<u8:f32, 0.015625:128>
!out = !quant.uniform<u8:f32, 0.5:0>

// A result of 8 bits has nothing of it.
// CHECK-LABEL: func.func @main
// CHECK: qnet.qdense
// CHECK-NOT: qnet.qdense
// CHECK: return
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[127.0, 64.0, 0.0]]> : tensor<1x3xf32>
  %b = qnet.constant dense<[1.0]> : tensor<1xf32>
  %q = qnet.quantize %x : tensor<?x3xf32> -> tensor<?x3x!u8>
  %d = qnet.dequantize %q : tensor<?x3x!u8> -> tensor<?x3xf32>
  %y = qnet.dense %d, %w, %b {qnet.fine_weights, qnet.frozen} : (tensor<?x3xf32>, tensor<1x3xf32>, tensor<1xf32>) -> tensor<?x1xf32>
  %r = qnet.quantize %y : tensor<?x1xf32> -> tensor<?x1x!out>
  %z = qnet.dequantize %r : tensor<?x1x!out> -> tensor<?x1xf32>
  return %z : tensor<?x1xf32>
}
