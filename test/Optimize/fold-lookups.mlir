// If this fails, functions behind each other cost a table each, or composing them
// changes bits.
// RUN: quant-opt %s --fold-lookups --split-input-file | FileCheck %s
// RUN: quant-opt %s --evaluate-main="rows=100 digest" --split-input-file -o /dev/null > %t.before
// RUN: quant-opt %s --fold-lookups --evaluate-main="rows=100 digest" --split-input-file -o /dev/null > %t.after
// RUN: diff %t.before %t.after

!a = tensor<?x1x!quant.uniform<u8<2:5>:f32, 0.25:3>>
!b = tensor<?x1x!quant.uniform<u8<10:12>:f32, 0.5:11>>

// A table behind a table, whose first index is 10.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[T:.*]] = qnet.constant dense<[5, 3, 2, 5]> : tensor<4xui8>
// CHECK-NEXT: qnet.lookup %{{.*}}, %[[T]]
// CHECK-NEXT: return
func.func @main(%q: !a) -> (!a {qnet.name = "two tables"}) {
  %t = qnet.constant dense<[12, 10, 11, 12]> : tensor<4xui8>
  %u = qnet.constant dense<[3, 2, 5]> : tensor<3xui8>
  %y = qnet.lookup %q, %t : (!a, tensor<4xui8>) -> !b
  %z = qnet.lookup %y, %u : (!b, tensor<3xui8>) -> !a
  return %z : !a
}

// -----

!a = tensor<?x1x!quant.uniform<u8<2:5>:f32, 0.25:3>>
!b = tensor<?x1x!quant.uniform<u8<10:12>:f32, 0.5:11>>

// requantize on both sides, and a table of floats: 2..5 -> 10.., halved and rounded.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[F:.*]] = qnet.constant dense<[2.000000e+00, 2.000000e+00, 2.000000e+00, 3.000000e+00]> : tensor<4xf32>
// CHECK-DAG: qnet.lookup %{{.*}}, %[[F]]
// CHECK-NOT: requantize
func.func @main(%q: !a) -> (tensor<?x1xf32> {qnet.name = "floats"}, !b {qnet.name = "integers"}) {
  %f = qnet.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %t = qnet.constant dense<[5, 4, 3, 2]> : tensor<4xui8>
  %r = qnet.requantize %q : !a -> !b
  %z = qnet.lookup %r, %f : (!b, tensor<3xf32>) -> tensor<?x1xf32>
  %y = qnet.lookup %q, %t : (!a, tensor<4xui8>) -> !a
  %s = qnet.requantize %y : !a -> !b
  return %z, %s : tensor<?x1xf32>, !b
}

// -----

!a = tensor<?x1x!quant.uniform<u8<2:5>:f32, 0.25:3>>

// A table that gives back its index.
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[Q:.*]]: tensor
// CHECK-NOT: qnet.lookup
// CHECK: return %[[Q]]
func.func @main(%q: !a) -> (!a {qnet.name = "itself"}) {
  %t = qnet.constant dense<[2, 3, 4, 5]> : tensor<4xui8>
  %y = qnet.lookup %q, %t : (!a, tensor<4xui8>) -> !a
  return %y : !a
}

// -----

!w = tensor<?x1x!quant.uniform<u16:f32, 0.25:3>>
!a = tensor<?x1x!quant.uniform<u8<2:5>:f32, 0.25:3>>

// Not here: a value that is read elsewhere, and 16 bits, whose table would be larger
// than both.
// CHECK-LABEL: func.func @main
// CHECK: qnet.lookup
// CHECK: qnet.lookup
// CHECK: qnet.requantize
// CHECK: qnet.lookup
func.func @main(%q: !a, %w: !w) -> (!a, !a, !a) {
  %t = qnet.constant dense<[5, 4, 3, 3]> : tensor<4xui8>
  %y = qnet.lookup %q, %t : (!a, tensor<4xui8>) -> !a
  %z = qnet.lookup %y, %t : (!a, tensor<4xui8>) -> !a
  %r = qnet.requantize %w : !w -> !a
  %v = qnet.lookup %r, %t : (!a, tensor<4xui8>) -> !a
  return %y, %z, %v : !a, !a, !a
}
