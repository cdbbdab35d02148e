//===- PrunePattern.h - which weights become zero together ------*- C++ -*-===//
#ifndef QUANTC_LIB_PREPARE_PRUNEPATTERN_H
#define QUANTC_LIB_PREPARE_PRUNEPATTERN_H

#include "mlir/IR/Operation.h"

#include <optional>
#include <string>
#include <vector>

namespace mlir::qnet {

enum class PrunePattern { Magnitude, Block, TwoOfFour };

/// Groups of kernels are 2 or 4 inputs by 16 or 32 channels (Kernels.def): a
/// block holds whole ones of either width.
inline constexpr int64_t kBlockChannels = 32, kBlockInputs = 4;

/// "magnitude", "block" or "2:4".
std::optional<PrunePattern> prunePatternNamed(StringRef name);
StringRef nameOf(PrunePattern pattern);

/// The pattern that a pass is to prune by, nothing for "none"; or a diagnostic
/// if there is none of that name or the share of the weights is no share.
FailureOr<std::optional<PrunePattern>>
checkPruning(Operation *root, StringRef pass, StringRef name, double fraction);

/// "2:4" or "block:0.5": as a user asks for it.
std::string describePruning(StringRef pattern, double fraction);

/// At least 0 and less than 1; false for NaN too.
inline bool isPrunableShare(double fraction) {
  return fraction >= 0 && fraction < 1;
}

/// The `count` units that matter least; of equal ones the earlier.
std::vector<size_t> leastOf(ArrayRef<double> importance, size_t count);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PREPARE_PRUNEPATTERN_H
