//===- Influence.h - What matters to a network's output ---------*- C++ -*-===//
#ifndef QUANTC_PIPELINE_INFLUENCE_H
#define QUANTC_PIPELINE_INFLUENCE_H

#include "quantc/Pipeline/Rows.h"
#include <string>

namespace mlir::qnet {

/// An input feature or a neuron.
struct Influence {
  std::string name; ///< of the input or the layer
  int64_t channel = 0;
  /// Of a feature: |dy/dx| times the feature's standard deviation, the mean
  /// over the rows, summed over the outputs. Of a neuron 0.
  double gradient = 0;
  /// With its value replaced by its mean: the root of the mean squared change
  /// of the outputs, over the root of their mean square.
  double change = 0;
  /// Share of the rows whose decision changes then.
  double decisions = 0;
};

struct Influences {
  int64_t rows = 0;                ///< that were measured
  std::vector<Influence> features; ///< by change, largest first
  std::vector<Influence> neurons;  ///< of the hidden layers, likewise
};

/// Of the prepared float network; fewer rows for larger networks.
FailureOr<Influences> measureInfluence(ModuleOp network, const Rows &rows,
                                       ArrayRef<std::string> inputNames);

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_INFLUENCE_H
