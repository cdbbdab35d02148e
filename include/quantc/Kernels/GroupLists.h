//===- GroupLists.h - panels that skip their zero groups --------*- C++ -*-===//
//
// A group is what one instruction multiplies: G input channels by the NR output
// channels of a panel. Where many are all zero, a panel lists the others, and
// its loop reads from the list where in a row of activations each begins.
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
  /// The input channel at which each group begins, KR/G a step. A group at or
  /// beyond the layer's last channel fills up a step and has no weights.
  std::vector<int32_t> offsets;

  int64_t steps() const { return starts.empty() ? 0 : starts.back(); }
};

/// The groups that are not all zero, and at least one step. Where several share
/// a step, and so a sum in 16 bits, the heaviest meets the lightest.
GroupLists listGroups(const LayerWeights &layer, const KernelRow &row);

/// Share of a layer's groups that are listed.
double listedShare(const GroupLists &lists, const LayerWeights &layer,
                   const KernelRow &row);

/// The listed weights as `[steps][KR/G][NR][G]`.
std::vector<int8_t> packListed(const KernelRow &row, const GroupLists &lists,
                               const LayerWeights &layer);

/// The lists' offsets as a kernel reads them: groups without weights begin at
/// channel 0.
std::vector<int32_t> storedOffsets(const GroupLists &lists,
                                   const LayerWeights &layer);

} // namespace mlir::qnet

#endif // QUANTC_KERNELS_GROUPLISTS_H
