//===- GroupLists.h - panels that list what they multiply -------*- C++ -*-===//
//
// A group is what one instruction multiplies: G input channels by the NR output
// channels of a panel. A panel can list its groups, and its loop then reads
// from the list where in a row of activations each begins: groups of zeros are
// left out, heavy ones share a sum with light ones, and what is too much for a
// sum comes once more.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_KERNELS_GROUPLISTS_H
#define QUANTC_KERNELS_GROUPLISTS_H

#include "quantc/Kernels/KernelTable.h"

namespace mlir::qnet {

/// One layer's constant weights, `[n, k]` in row-major order.
struct LayerWeights {
  llvm::ArrayRef<int8_t> values;
  int64_t n = 0, k = 0;
  /// The largest activation that can be stored; the least is 0.
  int32_t lhsMax = 255;
};

/// What each panel of a layer multiplies.
struct GroupLists {
  /// Of each panel, its first step; one more for the end.
  std::vector<int32_t> starts;
  /// Which group of the layer's input channels each listed one is, KR/G a step.
  std::vector<uint16_t> groups;
  /// `[steps][KR/G][NR][G]`.
  std::vector<int8_t> weights;
  /// Groups that are listed because they are not all zero, and those of them
  /// that are listed once more, with what would leave 16 bits.
  int64_t listed = 0, repeated = 0;

  int64_t steps() const { return starts.empty() ? 0 : starts.back(); }
};

/// Whether the numbers of a layer's groups fit the lists.
bool canList(const LayerWeights &layer, const KernelRow &row);

/// The groups that are not all zero, and at least one step. Where several share
/// a step, and so a sum in 16 bits, heavy ones meet light ones; what is still
/// too much is moved to a group of its own at the end of the panel's list, so
/// that every sum fits.
GroupLists listGroups(const LayerWeights &layer, const KernelRow &row);

/// All groups of a layer in panels of the row, and those that are not all zero.
int64_t groupCount(const LayerWeights &layer, const KernelRow &row);
int64_t groupsWithWeights(const LayerWeights &layer, const KernelRow &row);

} // namespace mlir::qnet

#endif // QUANTC_KERNELS_GROUPLISTS_H
