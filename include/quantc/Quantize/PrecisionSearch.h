//===- PrecisionSearch.h - the frontier of layers' precisions ---*- C++ -*-===//
//
// Errors that layers add to a network's output are nearly independent: their
// powers add up, as do the layers' times and sizes. So the best combinations of
// precisions follow from figures of single layers. What a precision costs is
// told by the caller, who knows the kernels.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_QUANTIZE_PRECISIONSEARCH_H
#define QUANTC_QUANTIZE_PRECISIONSEARCH_H

#include "quantc/Quantize/Precision.h"
#include "llvm/ADT/ArrayRef.h"

namespace mlir::qnet {

/// One precision of one layer.
struct PrecisionOption {
  Precision precision = Precision::Int8;
  /// The power of the output's error that the layer alone makes, over that of
  /// the output.
  double noise = 0;
  double cycles = 0; ///< For a row, by the caller's model.
  double bytes = 0;  ///< Of weights.
};

/// One layer and what it may have.
struct SearchLayer {
  std::string name;
  /// Which value it reads: layers of one number read the same one, and so have
  /// one width of it.
  int64_t input = 0;
  std::vector<PrecisionOption> options;
};

enum class Goal { Time, Size };

/// One combination: of each layer the index of its option, and the sums.
struct Combination {
  std::vector<uint8_t> options;
  double noise = 0, cycles = 0, bytes = 0;

  double cost(Goal goal) const { return goal == Goal::Time ? cycles : bytes; }
};

/// The combinations that no other one beats in both noise and cost, from the
/// cheapest on; of equal cost the other one decides (of equal sizes, the time).
/// Layer by layer, each step keeps what no other partial combination beats. Of
/// more than `most` they are thinned, evenly in the logarithm of the noise,
/// both ends kept.
std::vector<Combination> searchFrontier(llvm::ArrayRef<SearchLayer> layers,
                                        Goal goal, size_t most = 4096);

} // namespace mlir::qnet

#endif // QUANTC_QUANTIZE_PRECISIONSEARCH_H
