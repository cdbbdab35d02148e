// If this fails, the stage as a whole changes bits, or needs a second run.
// RUN: quant-opt %s --evaluate-main="rows=50" -o /dev/null > %t.before
// RUN: quant-opt %s --qnet-optimize --evaluate-main="rows=50" -o /dev/null > %t.after
// RUN: diff %t.before %t.after
// RUN: quant-opt %s --qnet-optimize -o %t.once
// RUN: quant-opt %s --qnet-optimize --qnet-optimize -o %t.twice
// RUN: diff %t.once %t.twice
// RUN: FileCheck %s --input-file=%t.once

!a = tensor<?x2x!quant.uniform<u8<0:7>:f32, 0.25:3>>
!b = tensor<?x2x!quant.uniform<u8:f32, 0.1:128>>

// Equal tables behind one value are one op, which leaves that value one reader: all
// of it is one table.
// CHECK: %[[T:.*]] = qnet.constant
// CHECK-NEXT: %[[Q:.*]] = qnet.quantize
// CHECK-NEXT: %[[L:.*]] = qnet.lookup %[[Q]], %[[T]]
// CHECK-NEXT: return %[[L]], %[[L]]
func.func @main(%x: tensor<?x2xf32>) -> (!b {qnet.name = "left"}, !b {qnet.name = "right"}) {
  %t = qnet.constant dense<[7, 6, 5, 4, 3, 2, 1, 0]> : tensor<8xui8>
  %u = qnet.constant dense<[7, 6, 5, 4, 3, 2, 1, 0]> : tensor<8xui8>
  %q = qnet.quantize %x : tensor<?x2xf32> -> !a
  %c = qnet.lookup %q, %t : (!a, tensor<8xui8>) -> !a
  %d = qnet.dequantize %c : !a -> tensor<?x2xf32>
  %l = qnet.quantize %d : tensor<?x2xf32> -> !b
  %r = qnet.quantize %d : tensor<?x2xf32> -> !b
  %dead = qnet.lookup %q, %u : (!a, tensor<8xui8>) -> !a
  return %l, %r : !b, !b
}
