//===- InputStatistics.h - what a layer's input is like ---------*- C++ -*-===//
//
// The mean squared change of a layer's output under a change D of its weights
// is the trace of D C D^T, with C the covariance of its input, once the bias
// has taken up the change's mean. So means and second moments are all that
// pruning has to know of the data.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_PREPARE_INPUTSTATISTICS_H
#define QUANTC_LIB_PREPARE_INPUTSTATISTICS_H

#include "DenseLayer.h"

namespace mlir::qnet {

struct InputStatistics {
  int64_t size = 0;
  std::vector<double> mean; ///< of each input
  /// size x size. Where the means are unknown they are zeros, and these are the
  /// second moments.
  std::vector<double> covariance;

  /// From `qnet.second_moment` and `qnet.sample_mean` of the layer; nothing
  /// where the first is not there, or not finite, or says that the input is
  /// always 0.
  static std::optional<InputStatistics> of(DenseOp op);

  /// The upper V with V^T V = (covariance + damping)^-1, the damping a
  /// hundredth of the mean variance on the diagonal; nothing where that is no
  /// positive definite matrix.
  std::optional<std::vector<double>> inverseFactor() const;

  /// tr(W C W^T), of all channels together.
  double outputPower(const DenseLayer &layer) const;

  /// tr(D C D^T) over tr(W C W^T), D = after - before: what share of the power
  /// of the layer's output (before its function) the change is. 0 where the
  /// output does not vary.
  double relativeError(const DenseLayer &before, const DenseLayer &after) const;

  /// Takes the mean of the change from `before` to `after` off the bias of
  /// `after`. False, with `after` spoilt, where a result is not finite.
  bool settleBias(const DenseLayer &before, DenseLayer &after) const;
};

/// V^T V for an upper V.
std::vector<double> inverseFromFactor(ArrayRef<double> factor, int64_t size);

/// Removes inputs of a layer one by one, each time with the least squares refit
/// of all weights that are left (Hassibi and Stork, "Second order derivatives
/// for network pruning: Optimal Brain Surgeon", NIPS 1992, section 2; here with
/// all channels of a group sharing the choice).
class Elimination {
public:
  /// `weights`: rows x size.
  Elimination(std::vector<double> weights, std::vector<double> inverse,
              int64_t size);

  /// What removing input k adds to the mean squared error, the rows' sum.
  double cost(int64_t k) const;
  /// The same of neighbouring inputs at once.
  double cost(int64_t first, int64_t count) const;
  void remove(int64_t k);
  bool isRemoved(int64_t k) const { return removed[k]; }
  ArrayRef<double> row(int64_t n) const {
    return ArrayRef(weights).slice(n * size, size);
  }

private:
  void sumSquares();

  int64_t rows, size;
  std::vector<double> weights, inverse, squares;
  std::vector<bool> removed;
};

/// "-21.3 dB" for a share of power; "-inf dB" for none.
std::string decibels(double share);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PREPARE_INPUTSTATISTICS_H
