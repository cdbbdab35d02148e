// If this fails, requantizations are left over, or fusing them changes bits.
// RUN: quant-opt %s --fuse-requantize --split-input-file | FileCheck %s
// RUN: quant-opt %s --evaluate-main="rows=400 digest" --split-input-file -o /dev/null > %t.before
// RUN: quant-opt %s --fuse-requantize --evaluate-main="rows=400 digest" --split-input-file -o /dev/null > %t.after
// RUN: diff %t.before %t.after

!a = tensor<?x2x!quant.uniform<u8:f32, 0.25:128>>
!b = tensor<?x2x!quant.uniform<u8:f32, 0.5:100>>

// Scales that are powers of two: one requantization is the same for every value.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: qnet.requantize
// CHECK-NEXT: return
func.func @main(%q: !a) -> (!b {qnet.name = "same"}) {
  %d = qnet.dequantize %q : !a -> tensor<?x2xf32>
  %r = qnet.quantize %d : tensor<?x2xf32> -> !b
  return %r : !b
}

// -----

!a = tensor<?x2x!quant.uniform<u8:f32, 0.1:128>>
!m = tensor<?x2x!quant.uniform<u8:f32, 0.7:100>>
!b = tensor<?x2x!quant.uniform<u8:f32, 0.13:77>>

// Two roundings that no single one equals: a table.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: qnet.constant
// CHECK-NEXT: qnet.lookup
// CHECK-NEXT: return
func.func @main(%q: !a) -> (!b {qnet.name = "twice"}) {
  %m = qnet.requantize %q : !a -> !m
  %r = qnet.requantize %m : !m -> !b
  return %r : !b
}

// -----

!x = tensor<?x1x!quant.uniform<u8:f32, 1.0:0>>
!a = tensor<?x1x!quant.uniform<u8:f32, 8.0:128>>
!relu = tensor<?x1x!quant.uniform<u8<128:255>:f32, 8.0:128>>

// The same scale in a narrower range is the layer's own clamp.
// CHECK-LABEL: func.func @main
// CHECK: qnet.qdense {{.*}} -> tensor<?x1x!quant.uniform<u8<128:255>:f32, 8.000000e+00:128>>
// CHECK-NOT: requantize
func.func @main(%q: !x) -> (!relu {qnet.name = "narrower"}) {
  %w = qnet.constant dense<-3> : tensor<1x1xi8>
  %b = qnet.constant dense<300> : tensor<1xi32>
  %m = qnet.constant dense<0.3> : tensor<1xf32>
  %y = qnet.qdense %q, %w, %b, %m : (!x, tensor<1x1xi8>, tensor<1xi32>, tensor<1xf32>) -> !a
  %r = qnet.requantize %y : !a -> !relu
  return %r : !relu
}

// -----

// Not here: another scale (it would round once), a wider range (it would clamp
// less), a value that is read elsewhere, and types of one scale a feature.
!x = tensor<?x1x!quant.uniform<u8:f32, 1.0:0>>
!a = tensor<?x1x!quant.uniform<u8<100:200>:f32, 8.0:128>>
!wider = tensor<?x1x!quant.uniform<u8:f32, 8.0:128>>
!coarser = tensor<?x1x!quant.uniform<u8<120:140>:f32, 9.0:128>>
!narrower = tensor<?x1x!quant.uniform<u8<120:140>:f32, 8.0:128>>
// CHECK-LABEL: func.func @main
// CHECK-COUNT-3: qnet.requantize
// CHECK: qnet.dequantize
// CHECK-NEXT: qnet.quantize
func.func @main(%q: !x, %p: tensor<2x1x!quant.uniform<u8:f32:0, {1.0, 2.0}>>) -> (!wider, !coarser, !narrower, !a, tensor<2x1x!quant.uniform<u8:f32, 1.0:0>>) {
  %w = qnet.constant dense<-3> : tensor<1x1xi8>
  %b = qnet.constant dense<300> : tensor<1xi32>
  %m = qnet.constant dense<0.3> : tensor<1xf32>
  %y0 = qnet.qdense %q, %w, %b, %m : (!x, tensor<1x1xi8>, tensor<1xi32>, tensor<1xf32>) -> !a
  %r0 = qnet.requantize %y0 : !a -> !wider
  %y1 = qnet.qdense %q, %w, %b, %m : (!x, tensor<1x1xi8>, tensor<1xi32>, tensor<1xf32>) -> !wider
  %r1 = qnet.requantize %y1 : !wider -> !coarser
  %y2 = qnet.qdense %q, %w, %b, %m : (!x, tensor<1x1xi8>, tensor<1xi32>, tensor<1xf32>) -> !a
  %r2 = qnet.requantize %y2 : !a -> !narrower
  %d = qnet.dequantize %p : tensor<2x1x!quant.uniform<u8:f32:0, {1.0, 2.0}>> -> tensor<2x1xf32>
  %r3 = qnet.quantize %d : tensor<2x1xf32> -> tensor<2x1x!quant.uniform<u8:f32, 1.0:0>>
  return %r0, %r1, %r2, %y2, %r3 : !wider, !coarser, !narrower, !a, tensor<2x1x!quant.uniform<u8:f32, 1.0:0>>
}
