//===- Pruning.h - what pruning a layer would cost --------------*- C++ -*-===//
#ifndef QUANTC_PREPARE_PRUNING_H
#define QUANTC_PREPARE_PRUNING_H

#include "quantc/Dialect/Qnet.h"

#include <string>
#include <vector>

namespace mlir::qnet {

/// One way to prune a layer's weights.
struct PruningCandidate {
  std::string pattern; ///< of prune-weights-by-error
  double fraction = 0;
  double zeroShare = 0; ///< of the layer's weights
  /// Mean squared error over power of the layer's output before its function,
  /// on the rows its second moments come from.
  double error = 0;
};

/// What each pattern and share would cost the layer, with its other weights
/// refit. Empty without second moments, and for frozen layers. The layer stays
/// as it is.
std::vector<PruningCandidate> candidatePrunings(DenseOp layer);

} // namespace mlir::qnet

#endif // QUANTC_PREPARE_PRUNING_H
