//===- Schedule.h - which kernel a layer gets, exactly ----------*- C++ -*-===//
//
// Rows of the table that add in 16 bits (vpmaddubsw) are the fastest, and exact
// only where no sum overflows. Weights are constants and the activations' range
// is known: split() moves what would overflow to visits of their own, which
// makes any layer exact under any such row; chooseRow() says which row is then
// the fastest.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_KERNELS_SCHEDULE_H
#define QUANTC_KERNELS_SCHEDULE_H

#include "quantc/Kernels/GroupLists.h"

#include <optional>

namespace mlir::qnet {

/// Products of one group of input channels with one vector of lanes, done
/// beside the panels (packed_dense's `visits`).
struct Visits {
  /// Of each vector of lanes, the first visit; one more for the end.
  std::vector<int32_t> starts;
  /// The input channel at which each begins.
  std::vector<int32_t> offsets;
  /// `[lanes][group]` of each.
  std::vector<int8_t> weights;
};

/// Weights as a row with 16-bit sums can take them: values plus visits give the
/// layer's weights, and no half sum of either leaves 16 bits.
struct NarrowSplit {
  std::vector<int8_t> values;
  Visits visits;
};

NarrowSplit split(const LayerWeights &layer, const KernelRow &row);

/// The largest sum of one sign that `lhsMax` allows in 16 bits: of weights that
/// are positive, and of weights that are negative (as a positive number).
int32_t largestPositiveSum(int32_t lhsMax);
int32_t largestNegativeSum(int32_t lhsMax);

/// A row, the lists of the panels' groups where that is faster than all groups,
/// and the split of the layer's weights where the row needs one.
struct Choice {
  const KernelRow *row = nullptr;
  std::optional<GroupLists> lists;
  NarrowSplit split;
};

/// A layer in one form of a row, for who knows the row.
Choice formFor(const LayerWeights &layer, const KernelRow &row, bool listed);

/// The fastest row of an instruction set for a layer of 4-bit weights with `n`
/// channels.
const KernelRow &chooseGroupedRow(int64_t n, Isa isa);

/// The fastest 8-bit row of an instruction set for a layer by the cost model:
/// the time of the padded panels, or of their listed groups, at the row's rate,
/// of the ends of its tiles, and of the visits.
Choice chooseRow(const LayerWeights &layer, Isa isa);

/// By the cost model, a layer's time in the form chosen over that of the same
/// layer in float on the same instruction set; with 4-bit weights in groups, of
/// their row.
double timeOverFloat(const LayerWeights &layer, const Choice &choice);
double timeOverFloat(int64_t n, int64_t k, const KernelRow &grouped);

/// By the cost model, the cycles that a float layer takes for a row: the time
/// of its panels at the rate of the instruction set's float row, and of the ends
/// of its tiles.
double floatCycles(int64_t n, int64_t k, Isa isa);

} // namespace mlir::qnet

#endif // QUANTC_KERNELS_SCHEDULE_H
