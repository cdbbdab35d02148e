//===- Splitter.h - weights whose 16-bit sums fit ---------------*- C++ -*-===//
#ifndef QUANTC_LIB_KERNELS_SPLITTER_H
#define QUANTC_LIB_KERNELS_SPLITTER_H

#include "quantc/Kernels/Schedule.h"
#include <algorithm>
#include <array>

namespace mlir::qnet {

/// Splits the weights of one vector of lanes, step after step.
class Splitter {
public:
  Splitter(const LayerWeights &layer, const KernelRow &row, NarrowSplit &result)
      : layer(layer), row(row), result(result), depth(row.kr / row.group()),
        largest(largestSums(layer, row)), excess(row.lanes * row.kr) {}

  /// `inputs`: the channel at which each group of the step begins.
  void splitStep(int64_t firstLane, llvm::ArrayRef<int64_t> inputs);

private:
  static std::array<int32_t, 2> largestSums(const LayerWeights &layer,
                                            const KernelRow &row);

  /// The absolute value where `value` has the sign (0: positive, 1: negative).
  static int32_t part(int32_t value, int sign) {
    return std::max(sign ? -value : value, 0);
  }
  int8_t *weight(int64_t lane, int64_t input) {
    return lane < layer.n && input < layer.k
               ? &result.values[lane * layer.k + input]
               : nullptr;
  }
  /// What the group from `input` on has of a 16-bit sum.
  int32_t shareOf(int64_t lane, int64_t input, int64_t sum, int sign) {
    int32_t share = 0;
    for (int64_t j = 0; j < KernelRow::productsPerSum; ++j)
      if (const int8_t *w = weight(lane, input + row.inputOfSum(sum, j)))
        share += part(*w, sign);
    return share;
  }
  void take(int64_t lane, int64_t input, int64_t sum, int sign, int32_t &need,
            int8_t *moved);
  void emitVisits(llvm::ArrayRef<int64_t> inputs);

  const LayerWeights &layer;
  const KernelRow &row;
  NarrowSplit &result;
  int64_t depth;
  std::array<int32_t, 2> largest;
  /// What is moved out of the step: [depth][lanes][group].
  std::vector<int8_t> excess;
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_KERNELS_SPLITTER_H
