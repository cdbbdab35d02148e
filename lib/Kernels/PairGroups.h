//===- PairGroups.h - groups that share a 16-bit sum ------------*- C++ -*-===//
#ifndef QUANTC_LIB_KERNELS_PAIRGROUPS_H
#define QUANTC_LIB_KERNELS_PAIRGROUPS_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace mlir::qnet {

/// What the groups of one panel bring to each 16-bit sum.
struct GroupSums {
  /// `[groups][vectors][2][sums]`: of one group, in one half of a lane, the sum
  /// of its positive weights, or of its negative ones as a positive number.
  std::vector<uint16_t> values;
  int64_t vectors = 0, sums = 0;
  /// What a sum of positive weights, and of negative ones, may reach.
  uint16_t largest[2] = {0, 0};
};

/// An order of the groups (a multiple of `depth`) of which each `depth` share a
/// step, such that as few vectors as possible of all steps have a sum that is
/// too large. Heavy groups meet light ones: a local search that exchanges two
/// groups of two steps while that leaves less excess.
std::vector<int32_t> pairGroups(const GroupSums &groups, int64_t depth);

} // namespace mlir::qnet

#endif // QUANTC_LIB_KERNELS_PAIRGROUPS_H
