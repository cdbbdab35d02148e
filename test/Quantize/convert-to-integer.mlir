// If this fails, something between integer layers still runs in float.
// RUN: quant-opt %s --convert-to-integer --split-input-file | FileCheck %s

// Meaning: stored results are those of the float ops between the same pairs. The
// values stay clear of ties, where a table is exact and f32 arithmetic need not be.
// RUN: quant-opt %s --evaluate-main="rows=7" --split-input-file -o /dev/null > %t.before
// RUN: quant-opt %s --convert-to-integer --evaluate-main="rows=7" --split-input-file -o /dev/null > %t.after
// RUN: diff %t.before %t.after

!q = tensor<?x2x!quant.uniform<u8<0:15>:f32, 0.25:8>>
!r = tensor<?x2x!quant.uniform<u8:f32, 0.03:3>>

// A chain of functions: one table. 2 * relu(x) at x = -2, ..., 1.75. Of the notes, what
// storing the result does stays on the op that stores it.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[T:.*]] = qnet.constant dense<[3, 3, 3, 3, 3, 3, 3, 3, 3, 20, 36, 53, 70, 86, 103, 120]> : tensor<16xui8>
// CHECK-NEXT: %[[Y:.*]] = qnet.lookup %{{.*}}, %[[T]] {qnet.output_noise = 1.000000e-04 : f64} :
// CHECK-NEXT: return %[[Y]]
func.func @main(%q: !q) -> (!r {qnet.name = "chain"}) {
  %two = qnet.constant dense<2.0> : tensor<f32>
  %d = qnet.dequantize %q : !q -> tensor<?x2xf32>
  %a = qnet.activation relu %d : tensor<?x2xf32> -> tensor<?x2xf32>
  %m = qnet.mul %a, %two : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %y = qnet.quantize %m {qnet.mean = array<f64: 1.0, 2.0>, qnet.output_noise = 1.0e-4 : f64} : tensor<?x2xf32> -> !r
  return %y : !r
}

// -----

!q = tensor<?x2x!quant.uniform<u8:f32, 0.25:128>>
!r = tensor<?x2x!quant.uniform<u8:f32, 0.3:0>>

// add, sub and mul of two values; a relu behind them is the result's clamp.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[A:.*]]: tensor{{.*}}, %[[B:.*]]: tensor
// CHECK-NEXT: %[[S:.*]] = qnet.qadd %[[A]], %[[B]]
// CHECK-NEXT: %[[D:.*]] = qnet.qsub %[[A]], %[[B]]
// CHECK-NEXT: %[[P:.*]] = qnet.qmul %[[A]], %[[B]]
// CHECK-NEXT: return %[[S]], %[[D]], %[[P]]
func.func @main(%qa: !q, %qb: !q) -> (!r {qnet.name = "sum"}, !q {qnet.name = "difference"}, !q {qnet.name = "product"}) {
  %a = qnet.dequantize %qa : !q -> tensor<?x2xf32>
  %b = qnet.dequantize %qb : !q -> tensor<?x2xf32>
  %s = qnet.add %a, %b : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %sr = qnet.activation relu %s : tensor<?x2xf32> -> tensor<?x2xf32>
  %sq = qnet.quantize %sr : tensor<?x2xf32> -> !r
  %d = qnet.sub %a, %b : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %dq = qnet.quantize %d : tensor<?x2xf32> -> !q
  %m = qnet.mul %a, %b : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %mq = qnet.quantize %m : tensor<?x2xf32> -> !q
  return %sq, %dq, %mq : !r, !q, !q
}

// -----

!q = tensor<?x2x!quant.uniform<u8:f32, 0.25:128>>
!w = tensor<?x2x!quant.uniform<u8:f32, 0.5:100>>
!c = tensor<?x4x!quant.uniform<u8:f32, 0.25:128>>

// Moves move stored integers; an operand under other parameters is requantized.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[A:.*]]: tensor{{.*}}, %[[B:.*]]: tensor
// CHECK-NEXT: %[[R:.*]] = qnet.requantize %[[B]]
// CHECK-NEXT: %[[C:.*]] = qnet.concat %[[A]], %[[R]] {axis = 1 : i64}
// CHECK-NEXT: %[[M:.*]] = qnet.max %[[A]], %[[R]]
// CHECK-NOT: quantize
func.func @main(%qa: !q, %qb: !w) -> (!c {qnet.name = "joined"}, !q {qnet.name = "larger"}) {
  %a = qnet.dequantize %qa : !q -> tensor<?x2xf32>
  %b = qnet.dequantize %qb : !w -> tensor<?x2xf32>
  %rq = qnet.quantize %b : tensor<?x2xf32> -> !q
  %r = qnet.dequantize %rq : !q -> tensor<?x2xf32>
  %c = qnet.concat %a, %r {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %cq = qnet.quantize %c : tensor<?x4xf32> -> !c
  %m = qnet.max %a, %r : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %mq = qnet.quantize %m : tensor<?x2xf32> -> !q
  return %cq, %mq : !c, !q
}

// -----

!q = tensor<?x2x!quant.uniform<u8:f32, 0.25:128>>

// Nothing to do: a graph input, and an op that the ledger keeps in float.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[Q:.*]] = qnet.quantize
// CHECK-NEXT: %[[D:.*]] = qnet.dequantize %[[Q]]
// CHECK-NEXT: %[[S:.*]] = qnet.softmax %[[D]]
// CHECK-NEXT: qnet.quantize %[[S]]
func.func @main(%x: tensor<?x2xf32>) -> (!q {qnet.name = "kept"}) {
  %q = qnet.quantize %x {qnet.mean = array<f64: 0.0, 0.0>} : tensor<?x2xf32> -> !q
  %d = qnet.dequantize %q : !q -> tensor<?x2xf32>
  %s = qnet.softmax %d {axis = 1 : i64, qnet.ledger = "asked for"} : tensor<?x2xf32> -> tensor<?x2xf32>
  %y = qnet.quantize %s : tensor<?x2xf32> -> !q
  return %y : !q
}
