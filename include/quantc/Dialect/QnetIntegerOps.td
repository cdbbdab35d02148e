//===- QnetIntegerOps.td - the integer level -------------------------------===//
//
// Activations are tensors of !quant.uniform over u8, or u16 (of 15 bits between
// layers, wider for look-up indices). Operations here work on the stored integers q; "real" means
// scale * (q - zero_point). Rounding and clamping are those of
// quantc/Numerics/Sequences.h, to the bit.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_DIALECT_QNETINTEGEROPS_TD
#define QUANTC_DIALECT_QNETINTEGEROPS_TD

include "quantc/Dialect/QnetBase.td"

def Qnet_IntegerLevel : OpDocGroup {
  let summary = "Integer level";
  let description = "Exact arithmetic on stored integers, and the doors to it.";
}
let opDocGroup = Qnet_IntegerLevel in {

def Qnet_ObserveOp : Qnet_Op<"observe", [MemoryEffects<[MemWrite]>]> {
  let summary = "Hand a tensor's values to the calibration statistics";
  let description = [{
    Placed by `insert-observers` and removed by `apply-ranges`. `tensor` is the
    number of the observed value, from 0, in program order.

    ```mlir
    qnet.observe %x {tensor = 0 : i64} : tensor<?x784xf32>
    ```
  }];
  let arguments = (ins Qnet_FloatTensor:$input, ConfinedAttr<I64Attr, [IntNonNegative]>:$tensor);
  let results = (outs);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def Qnet_QuantizeOp : Qnet_Op<"quantize", [Pure, Qnet_SoundParameters]> {
  let summary = "Real numbers to stored integers";
  let description = [{
    `q = clamp(rne(x / scale) + zero_point)`; NaN becomes the zero point, ±inf
    saturates. A per-axis type has one scale and zero point a feature.

    - C1: shapes agree.
    - C2: the result's expressed type is the input's element type.

    ```mlir
    %q = qnet.quantize %x : tensor<?x2xf32> -> tensor<?x2x!quant.uniform<u8:f32, 0.5:10>>
    ```
  }];
  let arguments = (ins Qnet_FloatTensor:$input);
  let results = (outs Qnet_UniformTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Qnet_DequantizeOp : Qnet_Op<"dequantize", [Pure, Qnet_SoundParameters]> {
  let summary = "Stored integers to real numbers: f32(q - zero_point) * scale";
  let description = [{
    - C1: shapes agree.
    - C2: the input's expressed type is the result's element type.

    ```mlir
    %x = qnet.dequantize %q : tensor<?x2x!quant.uniform<u8:f32, 0.5:10>> -> tensor<?x2xf32>
    ```
  }];
  let arguments = (ins Qnet_UniformTensor:$input);
  let results = (outs Qnet_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Qnet_RequantizeOp : Qnet_Op<"requantize", [Pure, Qnet_SoundParameters]> {
  let summary = "Stored integers under other parameters";
  let description = [{
    `q' = clamp(rne(f32(q - zp) * f32(scale / scale')) + zp')`, the quotient of
    the scales taken in f64 and rounded once to f32.

    - C1: shapes agree.
    - C2: both types are per-tensor and share the expressed type.

    ```mlir
    %r = qnet.requantize %q : tensor<?x2x!quant.uniform<u8:f32, 0.5:10>> -> tensor<?x2x!quant.uniform<u8:f32, 0.25:0>>
    ```
  }];
  let arguments = (ins Qnet_UniformTensor:$input);
  let results = (outs Qnet_UniformTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Qnet_QDenseOp : Qnet_Op<"qdense", [Pure, AttrSizedOperandSegments,
                                    Qnet_SoundParameters]> {
  let summary = "Integer fully connected layer with its finish";
  let description = [{
    `acc[n] = bias[n] + sum_k q[k] * weights[n, k]`, exact in i32, on the stored
    integers q of the input: the input's zero point is folded into `bias`. Then

    - a quantized result: `requantize(acc, multiplier[n])` to the result's
      parameters (with `shift`: the fixed form, an integer multiplier and shift);
    - an f32 result: `f32(acc) * multiplier[n]`, and `+ out_bias[n]` if given.

    A ReLU is the clamp at the result's zero point and needs no op of its own.

    With `group_multiplier` the weights are of 4 bits, in groups of 64 input
    channels, and a product counts as often as its group's multiplier says:
    `acc[n] = bias[n] + sum_k group_multiplier[n, k / 64] * q[k] * weights[n, k]`,
    as exact as before.

    - C1: `weights` is `[N, K]` of i8 or i4 and K equals the input's last
      dimension.
    - C2: `bias` is `[N]` of i32, `multiplier` `[N]` of f32 (i32 with `shift`).
    - C3: `out_bias` only with an f32 result, `[N]`; `shift` only with a
      quantized one, `[N]` of i32.
    - C4: the result has the input's leading dimensions, then N.
    - C5: the input is per-tensor quantized over unsigned storage of at most
      32767 (15 bits, so that it is an i16 too); a quantized result is per-tensor.
    - C6: weights of i4 come with a `group_multiplier` of ui8 and shape `[N, G]`,
      G = K / 64 rounded up; weights of i8 without one.
    - C7: constant weights of i4 lie in [-7, 7], constant group multipliers are
      not 0.
    - C8: weights of i4 only with an input of at most 8 bits.

    ```mlir
    %y = qnet.qdense %x, %w, %b, %m
       : (tensor<?x4x!quant.uniform<u8:f32, 0.5:10>>, tensor<2x4xi8>, tensor<2xi32>, tensor<2xf32>)
      -> tensor<?x2x!quant.uniform<u8:f32, 0.25:0>>
    ```
    With weights of 4 bits:
    ```mlir
    %z = qnet.qdense %x, %w4, %b, %m group_multiplier(%g)
       : (tensor<?x4x!quant.uniform<u8:f32, 0.5:10>>, tensor<2x4xi4>, tensor<2xi32>, tensor<2xf32>, tensor<2x1xui8>)
      -> tensor<?x2x!quant.uniform<u8:f32, 0.25:0>>
    ```
  }];
  let arguments = (ins Qnet_UniformTensor:$input, RankedTensorOf<[I8, I<4>]>:$weights,
                       RankedTensorOf<[I32]>:$bias, RankedTensorOf<[F32, I32]>:$multiplier,
                       Optional<RankedTensorOf<[I32]>>:$shift,
                       Optional<RankedTensorOf<[F32]>>:$out_bias,
                       Optional<RankedTensorOf<[UI8]>>:$group_multiplier);
  let results = (outs RankedTensorOf<[F32, Qnet_Uniform]>:$result);
  let assemblyFormat = [{
    $input `,` $weights `,` $bias `,` $multiplier
    (`shift` `(` $shift^ `)`)? (`out_bias` `(` $out_bias^ `)`)?
    (`group_multiplier` `(` $group_multiplier^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [
    // A layer of 8-bit weights.
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input, "::mlir::Value":$weights,
                   "::mlir::Value":$bias, "::mlir::Value":$multiplier, "::mlir::Value":$shift,
                   "::mlir::Value":$out_bias), [{
      build($_builder, $_state, result, input, weights, bias, multiplier, shift, out_bias,
            /*group_multiplier=*/::mlir::Value());
    }]>];
  let extraClassDeclaration = [{
    /// Input channels that share a group multiplier. Of 64, each half sum of a
    /// kernel that adds in 16 bits has 32 products of at most 128 * 7, which
    /// fit; and a multiplier of one byte adds 1/32 to the weights' size.
    static constexpr int64_t kGroupChannels = 64;
    /// The largest 4-bit weight by absolute value: one more would not fit.
    static constexpr int64_t kMaxGroupedWeight = 7;
    /// The largest stored integer of an input: what multiplies 16-bit numbers
    /// (vpmaddwd, smlal) takes signed ones.
    static constexpr int64_t kMaxInput = 32767;
    static int64_t groupsOf(int64_t channels) {
      return (channels + kGroupChannels - 1) / kGroupChannels;
    }
  }];
  let hasVerifier = 1;
}

def Qnet_LookupOp : Qnet_Op<"lookup", [Pure, Qnet_SoundParameters]> {
  let summary = "Any function of one stored integer, as a table";
  let description = [{
    `result = table[q - lo]` with lo the input's smallest storage value. Entries
    are correctly rounded by `Numerics/Tables`.

    - C1: shapes agree.
    - C2: `table` has rank 1 with one entry a storage value of the input, of the
      result's storage type as an unsigned integer (ui8, ui16), or f32 for an
      f32 result.
    - C3: a constant table's entries lie in the result's storage range.

    ```mlir
    %y = qnet.lookup %x, %t : (tensor<?x2x!quant.uniform<u8:f32, 0.5:10>>, tensor<256xui8>)
      -> tensor<?x2x!quant.uniform<u8:f32, 0.0078125:128>>
    ```
  }];
  let arguments = (ins Qnet_UniformTensor:$input, Qnet_Tensor:$table);
  let results = (outs RankedTensorOf<[F32, Qnet_Uniform]>:$result);
  let assemblyFormat = "$input `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

class Qnet_QBinaryOp<string mnemonic, string formula> : Qnet_Op<mnemonic, [Pure, Qnet_SoundParameters]> {
  let summary = "Element by element on stored integers, numpy broadcasting";
  let description = "`q = quantize(" # formula # [{)` with a and b the dequantized
    operands: f32 operations, each rounded, so the op equals `dequantize`, the
    float op, `quantize`.

    - C1: the operands' shapes broadcast to the result's.
    - C2: all types are per-tensor.

    ```mlir
    %s = qnet.qadd %a, %b
       : (tensor<?x2x!quant.uniform<u8:f32, 0.5:10>>, tensor<?x2x!quant.uniform<u8:f32, 0.25:0>>)
      -> tensor<?x2x!quant.uniform<u8:f32, 0.5:10>>
    ```
  }];
  let arguments = (ins Qnet_UniformTensor:$lhs, Qnet_UniformTensor:$rhs);
  let results = (outs Qnet_UniformTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Qnet_QAddOp : Qnet_QBinaryOp<"qadd", "a + b">;
def Qnet_QSubOp : Qnet_QBinaryOp<"qsub", "a - b">;
def Qnet_QMulOp : Qnet_QBinaryOp<"qmul", "a * b">;

} // opDocGroup = Qnet_IntegerLevel

#endif // QUANTC_DIALECT_QNETINTEGEROPS_TD
