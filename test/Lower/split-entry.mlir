// If this fails, NAME_run_i8 is not there, or NAME_run and NAME_run_i8 do not
// share the integer graph.
// RUN: quant-opt %s --split-entry --split-input-file | FileCheck %s
// RUN: quant-opt %s --split-entry --split-input-file | FileCheck %s --check-prefix=BESIDE

!x = !quant.uniform<u8<0:200>:f32, 0.5:7>
!y = !quant.uniform<u8:f32, 0.25:128>

// CHECK-LABEL: func.func @main(%arg0: tensor<?x4x!quant.uniform<u8<0:200>:f32, 5.000000e-01:7>>)
// CHECK-NEXT: qnet.dequantize %arg0
// BESIDE: func.func private @enter(%[[X:.*]]: tensor<?x4xf32>)
// BESIDE-NEXT: %[[Q:.*]] = qnet.quantize %[[X]]
// BESIDE-NEXT: return %[[Q]]
// The caller may give bytes beyond a narrower range: they are clamped.
// BESIDE: func.func private @enter_i8(%[[X:.*]]: tensor<?x4xi8>)
// BESIDE-NEXT: %[[WHOLE:.*]] = qnet.storage_cast %[[X]] {offset = -128 : i64} : tensor<?x4xi8> -> tensor<?x4x!quant.uniform<u8:f32, 5.000000e-01:7>>
// BESIDE-NEXT: %[[Q:.*]] = qnet.requantize %[[WHOLE]] : tensor<?x4x!quant.uniform<u8:f32, 5.000000e-01:7>> -> tensor<?x4x!quant.uniform<u8<0:200>:f32, 5.000000e-01:7>>
// BESIDE-NEXT: return %[[Q]]
// BESIDE: func.func private @leave_i8(%[[Y:.*]]: tensor<?x4xf32>) -> tensor<?x4xi8>
// BESIDE-NEXT: %[[Q:.*]] = qnet.quantize %[[Y]] : tensor<?x4xf32> -> tensor<?x4x!quant.uniform<u8:f32, 2.500000e-01:128>>
// BESIDE-NEXT: %[[B:.*]] = qnet.storage_cast %[[Q]] {offset = -128 : i64}
// BESIDE-NEXT: return %[[B]]
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32> {qnet.stored_as = !y}) {
  %q = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!x>
  %y = qnet.dequantize %q : tensor<?x4x!x> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// An input that is read as float: there is no 8-bit entry.
!x = !quant.uniform<u8:f32, 0.5:7>

// CHECK-LABEL: func.func @main(%arg0: tensor<?x4xf32>)
// CHECK-NOT: func.func
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32> {qnet.stored_as = !x}) {
  %q = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!x>
  %r = qnet.dequantize %q : tensor<?x4x!x> -> tensor<?x4xf32>
  %y = qnet.add %r, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// An output whose range is not known: neither.
!x = !quant.uniform<u8:f32, 0.5:7>

// CHECK-LABEL: func.func @main(%arg0: tensor<?x4xf32>)
// CHECK-NOT: func.func
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %q = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!x>
  %y = qnet.dequantize %q : tensor<?x4x!x> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// An input that is stored in more bits: the caller's bytes are some of its integers.
!x = !quant.uniform<u16<0:32640>:f32, 0.0625:16384>
!bytes = !quant.uniform<u8:f32, 2.0:128>

// CHECK-LABEL: func.func @main(%arg0: tensor<?x4x!quant.uniform<u16<0:32640>:f32, 6.250000e-02:16384>>
// BESIDE: func.func private @enter_i8(%[[X:.*]]: tensor<?x4xi8>)
// BESIDE-NEXT: %[[BYTES:.*]] = qnet.storage_cast %[[X]] {offset = -128 : i64} : tensor<?x4xi8> -> tensor<?x4x!quant.uniform<u8:f32, 2.000000e+00:128>>
// BESIDE-NEXT: %[[Q:.*]] = qnet.requantize %[[BYTES]] : {{.*}} -> tensor<?x4x!quant.uniform<u16<0:32640>:f32, 6.250000e-02:16384>>
// BESIDE-NEXT: return %[[Q]]
func.func @main(%x: tensor<?x4xf32> {qnet.stored_as = !bytes}) -> (tensor<?x4xf32> {qnet.stored_as = !bytes}) {
  %q = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!x>
  %y = qnet.dequantize %q : tensor<?x4x!x> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
