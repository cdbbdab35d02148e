//===- KernelTable.h - rows of Kernels.def and how they pack -----*- C++
//-*-===//
#ifndef QUANTC_KERNELS_KERNELTABLE_H
#define QUANTC_KERNELS_KERNELTABLE_H

#include "quantc/Dialect/Isa.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <algorithm>
#include <cstdint>
#include <vector>

namespace mlir::qnet {

/// How a kernel wants its activations stored (Kernels.def).
enum class LhsStorage { S16, S8, U8, F32 };

/// How a kernel reads its weights: of 8 bits (floats where Lhs is F32), or of 4
/// with group multipliers, as w + 8 unsigned or as w signed.
enum class RhsStorage { Plain, U4, S4 };

/// One row of Kernels.def.
struct KernelRow {
  llvm::StringRef name;
  Isa isa;
  LhsStorage lhs;
  int64_t mr, nr, kr, lanes;
  unsigned sumBits;
  double rate;
  RhsStorage rhs = RhsStorage::Plain;
  int64_t channels = 0; ///< Of an instruction's lane, where rhs is not Plain.

  bool isFloat() const { return lhs == LhsStorage::F32; }
  /// Whether it is for layers of 4-bit weights with group multipliers.
  bool isGrouped() const { return rhs != RhsStorage::Plain; }
  /// Whether it is for layers of 8-bit weights.
  bool isByteRow() const { return !isFloat() && !isGrouped(); }
  /// Whether it reads activations that are stored in [0, lhsMax]: those of more
  /// than 8 bits only as i16, which holds whatever a qdense may read.
  bool reads(int64_t lhsMax) const {
    return lhs == LhsStorage::S16 || (!isFloat() && lhsMax <= 255);
  }
  /// Whether an instruction for 4-bit weights chooses its four activations
  /// among 16 (sdot and sudot by element).
  bool choosesLanes() const {
    return isGrouped() &&
           (isa == Isa::dotprod || isa == Isa::i8mm || isa == Isa::svei8mm);
  }
  /// What is added to a 4-bit weight to store it.
  int32_t nibbleOffset() const { return rhs == RhsStorage::U4 ? 8 : 0; }
  /// Bits of one stored activation.
  unsigned lhsBits() const {
    return lhs == LhsStorage::F32 ? 32 : lhs == LhsStorage::S16 ? 16 : 8;
  }
  /// What is added to a u8 value to store it.
  int32_t lhsOffset() const { return lhs == LhsStorage::S8 ? -128 : 0; }
  /// Whether products are added in 16 bits first (exact by proof only).
  bool hasNarrowSums() const { return sumBits == 16; }
  /// Whether lanes of an accumulator take inputs of one channel, and are added
  /// at the end; else each lane is a channel.
  bool hasInputLanes() const {
    return isByteRow() && isa == Isa::neon && lhs == LhsStorage::S8;
  }
  /// Whether 16-bit sums have room for more the smaller the activations are.
  /// Two products of signed bytes fit as they are, but for weights of -128.
  bool gainsBySmallInputs() const {
    return isByteRow() && hasNarrowSums() && lhs == LhsStorage::U8;
  }
  /// Whether one instruction multiplies two rows by two channels of 8 inputs
  /// (qnet.block_dot); its input is in pairs of rows (qnet.pair_rows).
  bool hasBlocks() const {
    return isByteRow() && kr == 16 && (isa == Isa::i8mm || isa == Isa::svei8mm);
  }
  /// Whether sums are in tile registers (AMX).
  bool hasTiles() const { return isByteRow() && isa == Isa::amx && kr == 64; }
  /// Whether vectors are as long as the CPU has them, `lanes` the least.
  bool isScalable() const {
    return isByteRow() && lhs != LhsStorage::S16 &&
           (isa == Isa::sve || isa == Isa::svei8mm);
  }
  /// Input channels that one instruction takes for one lane.
  int64_t group() const {
    if (isGrouped())
      return channels;
    if (hasBlocks())
      return 8;
    return hasInputLanes() ? kr : std::min<int64_t>(kr, 4);
  }
  /// Products of a group that share a 16-bit sum, where sums are narrow.
  static constexpr int64_t productsPerSum = 2;
  int64_t sumsPerGroup() const { return group() / productsPerSum; }
  /// Input `j` of those of a group that share its 16-bit sum `sum`: neighbours
  /// (vpmaddubsw), or one of either half of the bytes (smull, smlal2).
  int64_t inputOfSum(int64_t sum, int64_t j) const {
    return hasInputLanes() ? sum + j * sumsPerGroup()
                           : sum * productsPerSum + j;
  }
  /// Whether a step takes several groups from one load, or tiles: panels of
  /// such rows have all their groups, and list none.
  bool hasSteps() const {
    return !isGrouped() && (isScalable() || hasInputLanes() ||
                            (!isFloat() && !hasNarrowSums() && kr > group()));
  }
  /// Packed weights of one lane and step, in elements.
  int64_t stepBytes() const { return isGrouped() ? kr / 2 : kr; }
  /// Of 16-bit sums, both halves of a lane have the group's multiplier.
  int64_t multipliersPerLane() const { return hasNarrowSums() ? 2 : 1; }
  int64_t paddedChannels(int64_t n) const { return (n + nr - 1) / nr * nr; }
  int64_t groups(int64_t k) const { return (k + kr - 1) / kr; }
};

llvm::ArrayRef<KernelRow> kernelTable();

/// The row of that name, or null.
const KernelRow *kernelByName(llvm::StringRef name);

/// The row for float dense layers on an instruction set.
const KernelRow &floatKernel(Isa isa);

/// Whether an instruction set has rows with 16-bit sums, which are quicker the
/// smaller the activations are.
bool hasNarrowRows(Isa isa);

/// Weights `[n, k]` in row-major order to `[N/NR][K/KR][KR/G][NR][G]` with G
/// the row's group, zeros beyond.
template <typename T>
std::vector<T> packWeights(const KernelRow &row, llvm::ArrayRef<T> weights,
                           int64_t n, int64_t k) {
  int64_t depth = row.groups(k) * row.kr, group = row.group();
  std::vector<T> packed(row.paddedChannels(n) * depth, T(0));
  for (int64_t channel = 0; channel < n; ++channel) {
    const T *source = weights.data() + channel * k;
    T *panel = packed.data() + channel / row.nr * row.nr * depth +
               channel % row.nr * group;
    for (int64_t i = 0; i < k; ++i)
      panel[i / group * row.nr * group + i % group] = source[i];
  }
  return packed;
}

/// 4-bit weights `[n, k]` in row-major order to
/// `[N/NR][K/64][64/(2 G)][NR][G]` bytes with G the row's group: channel
/// 2 G s + i of step s in the low half, 2 G s + G + i in the high one; zero
/// weights beyond.
std::vector<int8_t> packNibbles(const KernelRow &row,
                                llvm::ArrayRef<int8_t> weights, int64_t n,
                                int64_t k);

/// Group multipliers `[n, groups]` to `[N/NR][groups][NR]`, each as often as
/// its lane has sums; zeros beyond.
std::vector<uint8_t> packGroupMultipliers(const KernelRow &row,
                                          llvm::ArrayRef<uint8_t> multipliers,
                                          int64_t n, int64_t groups);

} // namespace mlir::qnet

#endif // QUANTC_KERNELS_KERNELTABLE_H
