//===- DenseLayer.h - a dense layer's constants as matrices -----*- C++ -*-===//
#ifndef QUANTC_LIB_PREPARE_DENSELAYER_H
#define QUANTC_LIB_PREPARE_DENSELAYER_H

#include "quantc/Dialect/Qnet.h"

#include <optional>
#include <vector>

namespace mlir::qnet {

/// A layer's constants: weights `[channels, inputs]`, a bias (zeros if it has
/// none).
struct DenseLayer {
  std::vector<float> weights, bias;
  int64_t channels = 0, inputs = 0;
  bool hasBias = false;

  /// Nothing where they are no constants of f32, or not finite.
  static std::optional<DenseLayer> read(DenseOp op);
  /// Makes them the op's; new constants stand where its old ones did.
  void write(DenseOp op) const;
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_PREPARE_DENSELAYER_H
