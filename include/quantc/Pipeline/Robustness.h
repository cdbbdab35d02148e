//===- Robustness.h - Float against integer on disturbed inputs -*- C++ -*-===//
#ifndef QUANTC_PIPELINE_ROBUSTNESS_H
#define QUANTC_PIPELINE_ROBUSTNESS_H

#include "quantc/Pipeline/Rows.h"
#include <string>

namespace mlir::qnet {

/// What one disturbance does.
struct Disturbance {
  std::string what; ///< "noise of 0.1 standard deviations"
  /// Integer against float network, both on the disturbed rows.
  OutputError integer;
  /// Float network on the disturbed rows against itself on the clean ones: what
  /// the disturbance alone does.
  OutputError alone;
  /// Integer network on the disturbed rows against itself on the clean ones.
  OutputError integerAlone;
  /// Rows that have a NaN or an infinity among their outputs.
  int64_t floatSpecial = 0, integerSpecial = 0;
  /// Rows whose decision is their label; without labels 0.
  int64_t floatRight = 0, integerRight = 0;
};

/// Gaussian noise, features dropped to zero or to their mean, rows scaled out
/// of range, NaN and infinities; the first is no disturbance. The noise depends
/// on the seed, the row's number and the feature only. Noise and means take a
/// feature's finite values for what it usually is.
FailureOr<std::vector<Disturbance>>
measureRobustness(ModuleOp expected, ModuleOp actual, const Rows &rows,
                  ArrayRef<double> labels, uint64_t seed);

/// The mean and the standard deviation of each value of a tensor's rows; finite
/// ones only, 0 without any.
struct FeatureMoments {
  std::vector<float> mean, deviation;
};
FeatureMoments momentsOf(const Rows &rows, size_t tensor);

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_ROBUSTNESS_H
