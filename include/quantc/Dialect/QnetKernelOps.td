//===- QnetKernelOps.td - the kernel level ---------------------------------===//
#ifndef QUANTC_DIALECT_QNETKERNELOPS_TD
#define QUANTC_DIALECT_QNETKERNELOPS_TD

include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "quantc/Dialect/QnetBase.td"

def Qnet_KernelLevel : OpDocGroup {
  let summary = "Kernel level";
  let description = "Packed operands, and products that are one instruction.";
}
let opDocGroup = Qnet_KernelLevel in {

def Qnet_DotOp : Qnet_Op<"dot", [Pure, AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "Grouped products added to i32 lanes";
  let description = [{
    `result[l] = accumulator[l] + sum_j lhs[l*G + j] * rhs[l*G + j]` for the G =
    length(rhs) / length(accumulator) products of lane l, exact in i32. `lhs` is
    unsigned 8-bit with `lhs_unsigned`, else signed 8- or 16-bit; `rhs` is
    signed. Kernels lowers it to `vpmaddwd`, `sdot`, `vpdpbusd`, ... (G = 2 or 4).

    With `lane`, every part of 128 bits of `lhs` gives its group of that number,
    four bytes, to all four lanes of the part: ARM's `sdot` by element.

    - C1: lhs and rhs have the same length, a multiple (1, 2 or 4) of the lanes.
    - C2: with `lhs_unsigned`, lhs is 8 bits wide.
    - C3: `lane` is from 0 to 3, with four bytes a lane and a multiple of 4 lanes.

    ```mlir
    %r = qnet.dot %acc, %a, %w : vector<8xi32>, vector<16xi16>, vector<16xi8>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I32]>:$accumulator,
                       VectorOfRankAndType<[1], [I8, I16]>:$lhs,
                       VectorOfRankAndType<[1], [I8, I16]>:$rhs,
                       UnitAttr:$lhs_unsigned,
                       OptionalAttr<I32Attr>:$lane);
  let results = (outs VectorOfRankAndType<[1], [I32]>:$result);
  let assemblyFormat = [{
    $accumulator `,` $lhs `,` $rhs attr-dict `:` type($accumulator) `,` type($lhs) `,` type($rhs)
  }];
  let hasVerifier = 1;
}

def Qnet_NarrowDotOp : Qnet_Op<"narrow_dot", [Pure, SameVariadicOperandSize,
    AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "Grouped products added in 16 bits, then to i32 lanes";
  let description = [{
    With D operands on either side: `result[l] = accumulator[l] + sum_d sum_j
    lhs_d[G*l + j] * rhs_d[G*l + j]`, j from 0 to G - 1, with G = 4, or 2; `lhs`
    is unsigned, or signed with `lhs_signed`, `rhs` signed. A lane has two half
    sums over all d, of j in {0, 1} and in {2, 3}, or of j = 0 and j = 1. They and
    every part of them must fit in 16 bits: whoever makes the op has proved it from
    the weights and the activations' range (`select-kernels`; `verify-narrow-sums`
    proves it again). Then `vpmaddubsw` never saturates and the sum is exact
    (Intel SDM volume 2, PMADDUBSW), and so is that of NEON's `smull`, `smlal` and
    `sadalp` (Arm ARM C7.2), which are G = 2.

    - C1: every lhs and rhs has G times as many elements as there are lanes.

    ```mlir
    %r = qnet.narrow_dot %acc, (%a), (%w) : vector<8xi32>, (vector<32xi8>), (vector<32xi8>)
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I32]>:$accumulator,
                       Variadic<VectorOfRankAndType<[1], [I8]>>:$lhs,
                       Variadic<VectorOfRankAndType<[1], [I8]>>:$rhs,
                       UnitAttr:$lhs_signed);
  let results = (outs VectorOfRankAndType<[1], [I32]>:$result);
  let assemblyFormat = [{
    $accumulator `,` `(` $lhs `)` `,` `(` $rhs `)` attr-dict `:` type($accumulator) `,`
    `(` type($lhs) `)` `,` `(` type($rhs) `)`
  }];
  let hasVerifier = 1;
}

def Qnet_BlockDotOp : Qnet_Op<"block_dot", [Pure, AllTypesMatch<["accumulator", "result"]>,
    AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "Products of two rows with two channels, added to 2x2 blocks of i32";
  let description = [{
    Vectors are taken in parts of 128 bits, which are matrices: `lhs` two rows of
    8 unsigned bytes, `rhs` two channels of 8 signed ones, the accumulator 2x2.
    `result[i][j] = accumulator[i][j] + sum_k lhs[i][k] * rhs[j][k]`, k from 0 to
    7, exact in i32. ARM's `usmmla` (Arm ARM C7.2, FEAT_I8MM), of 128 bits or
    scalable.

    - C1: lhs and rhs have four times as many elements as the accumulator, which
      has a multiple of 4, and all are scalable or none is.

    ```mlir
    %r = qnet.block_dot %acc, %a, %w : vector<4xi32>, vector<16xi8>, vector<16xi8>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I32]>:$accumulator,
                       VectorOfRankAndType<[1], [I8]>:$lhs,
                       VectorOfRankAndType<[1], [I8]>:$rhs);
  let results = (outs VectorOfRankAndType<[1], [I32]>:$result);
  let assemblyFormat = [{
    $accumulator `,` $lhs `,` $rhs attr-dict `:` type($accumulator) `,` type($lhs) `,` type($rhs)
  }];
  let hasVerifier = 1;
}

def Qnet_PairDotOp : Qnet_Op<"pair_dot", [Pure, AllTypesMatch<["accumulator", "result"]>]> {
  let summary = "Pairs of products added in 16 bits";
  let description = [{
    `result[l] = accumulator[l] + lhs[2*l] * rhs[2*l] + lhs[2*l+1] * rhs[2*l+1]`
    modulo 2^16, with `lhs` unsigned and `rhs` signed. The two products together
    must fit in 16 bits, so that `vpmaddubsw` never saturates (Intel SDM volume 2,
    PMADDUBSW); whoever makes the op sees to it. Weights of 4 bits as `lhs` are
    at most 15, and 15 * 128 * 2 is 3840; of activations and weights of 8 bits
    it is proved as for `narrow_dot`, which this is a part of.

    - C1: lhs and rhs have twice as many elements as the accumulator.

    ```mlir
    %r = qnet.pair_dot %sums, %w, %a : vector<16xi16>, vector<32xi8>, vector<32xi8>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I16]>:$accumulator,
                       VectorOfRankAndType<[1], [I8]>:$lhs,
                       VectorOfRankAndType<[1], [I8]>:$rhs);
  let results = (outs VectorOfRankAndType<[1], [I16]>:$result);
  let assemblyFormat = [{
    $accumulator `,` $lhs `,` $rhs attr-dict `:` type($accumulator) `,` type($lhs) `,` type($rhs)
  }];
  let hasVerifier = 1;
}

def Qnet_PairRowsOp : Qnet_Op<"pair_rows", [DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Rows of bytes, two and two, as block_dot reads them";
  let description = [{
    Row p of the result has rows 2p and 2p + 1 of the input in turns of 8 bytes;
    the partner of an odd last row is zeros. What follows the input's own bytes in
    a row of the result is unspecified: it meets zero weights only.

    On tensors before bufferization, on memrefs after it.

    - C1: both are of rank 2 and i8, and a row of the result has an even number of
      groups of 8 bytes, enough for two rows of the input.

    ```mlir
    %p = qnet.pair_rows %x, %init : tensor<?x13xi8>, tensor<?x32xi8> -> tensor<?x32xi8>
    ```
  }];
  let arguments = (ins AnyShaped:$input, AnyShaped:$init);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $input `,` $init attr-dict `:` type($input) `,` type($init) (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def Qnet_GroupSumsOp : Qnet_Op<"group_sums", [DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "What storing 4-bit weights as unsigned nibbles adds, with its sign changed";
  let description = [{
    A kernel that multiplies by `w + 8` in place of the weight w starts the sum of
    each group of 64 channels from -8 times the sum of the row's stored
    activations there. With `halves` the sum is kept in two halves of 16 bits,
    modulo 2^16: that of channels 0 and 1 of every four in the low half, that of
    channels 2 and 3 in the high one. Otherwise it is one i32. The bytes that
    follow a row count as the kernel reads them: it meets them with w = 0.

    On tensors before bufferization, on memrefs after it: `input` is `[rows, K]`
    of i8, `init` `[rows, G]` of i32 with G = K / 64 rounded up (checked by
    `expand-packed-dense`).

    ```text
    %s = qnet.group_sums ins(%x : tensor<?x100xi8>) outs(%init : tensor<?x2xi32>) {halves} -> tensor<?x2xi32>
    ```
  }];
  let arguments = (ins AnyShaped:$input, AnyShaped:$init, UnitAttr:$halves);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $input `:` type($input) `)` `outs` `(` $init `:` type($init) `)` attr-dict
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def Qnet_StorageCastOp : Qnet_Op<"storage_cast", [Pure]> {
  let summary = "Stored integers as the bytes a kernel reads, or back";
  let description = [{
    Between a quantized tensor and a tensor of plain integers: the storage holds
    `q + offset` in i8 or i16. Offset -128 turns unsigned bytes into the signed
    ones that `sdot` wants; i16 is what `vpmaddwd` wants.

    - C1: shapes agree.
    - C2: one side is per-tensor uniform over unsigned storage, the other i8 or
      i16, and every value of the former fits (8 bits wrap as bytes).

    ```mlir
    %s = qnet.storage_cast %q {offset = 0 : i64} : tensor<?x4x!quant.uniform<u8:f32, 0.5:0>> -> tensor<?x4xi16>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$input, I64Attr:$offset);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Qnet_PackedDenseOp : Qnet_Op<"packed_dense", [AttrSizedOperandSegments,
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "A dense layer on packed weights, by one row of the kernel table";
  let description = [{
    `kernel` names a row of `quantc/Kernels/Kernels.def`; weights are packed as
    `[N/NR][K/KR][KR/G][NR][G]` (G input channels are one instruction's; G = KR
    where the row says no other) and padded with zeros, so `bias`, `multiplier`,
    `shift`, `out_bias` and the destination have N rounded up to NR. The input
    has the row's storage type; its rows may be followed by other bytes, which
    meet zero weights only. The finish follows from the types: f32 accumulators
    are stored as they are; i32 ones become f32 by `multiplier` and `out_bias`,
    or integers by requantization to `zero_point`, `qmin`, `qmax`, stored with
    `offset` added.

    Rows that add in 16 bits are exact while `lhs_max`, the largest stored
    activation, times the weights stays within 16 bits. What would not fit is in
    `visits`: products of single groups that are added after the panel's own.
    `visit_starts` has the first visit of each vector of lanes (panel by panel,
    and the end), `visit_offsets` the input channel that each begins at, and
    `visit_weights` its [lanes][4] weights.

    With `lists`, `packed` holds the groups (G input channels by NR) that a panel
    lists, in any order, and as often as it lists them: `list_starts` has the
    first step of each panel (and the end), `list_groups` (unsigned) the number of
    each group of each step, KR/G a step; group g begins at input channel G g.
    `packed` is `[steps][KR/G][NR][G]`. A panel that lists no group is its bias.

    Rows of blocks (i8mm) take their input from `pair_rows`.

    Rows of 4-bit weights take `packed` as `[N/NR][K/64][8][NR][4]` bytes: of a
    byte, the low half is the weight of channel 8 * s + i of step s, the high half
    that of channel 8 * s + 4 + i. `group_multiplier` has a byte for each vector
    element that it multiplies, `group_sums` is what the op of that name gives
    where the row's nibbles are unsigned.

    On tensors before bufferization, on memrefs after it.

    The kernel must be in the table with the row's operand types;
    the vectors have one length, a multiple of NR, and `packed` has that
    length times K rounded up to KR (checked by `expand-packed-dense`).
  }];
  let arguments = (ins AnyShaped:$input, AnyShaped:$packed, AnyShaped:$bias,
                       Optional<AnyShaped>:$multiplier, Optional<AnyShaped>:$shift,
                       Optional<AnyShaped>:$out_bias,
                       Optional<AnyShaped>:$list_starts,
                       Optional<AnyShaped>:$list_groups,
                       Optional<AnyShaped>:$visit_starts,
                       Optional<AnyShaped>:$visit_offsets,
                       Optional<AnyShaped>:$visit_weights,
                       Optional<AnyShaped>:$group_multiplier,
                       Optional<AnyShaped>:$group_sums, AnyShaped:$init,
                       StrAttr:$kernel,
                       DefaultValuedAttr<I32Attr, "0">:$zero_point,
                       DefaultValuedAttr<I32Attr, "0">:$qmin,
                       DefaultValuedAttr<I32Attr, "255">:$qmax,
                       DefaultValuedAttr<I32Attr, "0">:$offset,
                       DefaultValuedAttr<I32Attr, "255">:$lhs_max);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $kernel `ins` `(` $input `,` $packed `,` $bias `:` type($input) `,` type($packed) `,` type($bias) `)`
    (`multiplier` `(` $multiplier^ `:` type($multiplier) `)`)?
    (`shift` `(` $shift^ `:` type($shift) `)`)?
    (`out_bias` `(` $out_bias^ `:` type($out_bias) `)`)?
    (`lists` `(` $list_starts^ `,` $list_groups `:` type($list_starts) `,`
      type($list_groups) `)`)?
    (`visits` `(` $visit_starts^ `,` $visit_offsets `,` $visit_weights `:`
      type($visit_starts) `,` type($visit_offsets) `,` type($visit_weights) `)`)?
    (`group_multiplier` `(` $group_multiplier^ `:` type($group_multiplier) `)`)?
    (`group_sums` `(` $group_sums^ `:` type($group_sums) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

} // opDocGroup = Qnet_KernelLevel

#endif // QUANTC_DIALECT_QNETKERNELOPS_TD
