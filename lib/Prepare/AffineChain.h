//===- AffineChain.h - ops that scale and shift every feature ---*- C++ -*-===//
//
// x -> scale * x + shift with one pair a feature, in f64, so that a chain is
// rounded once when it ends in a constant.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_PREPARE_AFFINECHAIN_H
#define QUANTC_LIB_PREPARE_AFFINECHAIN_H

#include "quantc/Dialect/Qnet.h"

#include <vector>

namespace mlir::qnet {

/// Pairs for the elements of one row (all dimensions but the first, row-major).
struct Affine {
  Value input; ///< what is scaled
  std::vector<double> scale, shift;

  int64_t size() const { return scale.size(); }
  static Affine identity(Value input, int64_t size);
  /// This one, then `next`.
  void then(const Affine &next);
  bool isFinite() const;
};

/// Elements of a row of an f32 tensor [rows, ...], or nothing where it has
/// dynamic dimensions, no row dimension or too many elements.
std::optional<int64_t> rowElements(Value value);

/// The op as an affine of one of its operands, if it is one: add, sub, mul, div
/// by constants that broadcast along the rows, negation, batch_norm.
/// `reason` says why not.
std::optional<Affine> matchAffine(Operation *op, std::string &reason);

/// The scale and shift of a batch_norm with constant parameters.
struct ChannelAffine {
  std::vector<double> scale, shift;
};
std::optional<ChannelAffine> channelAffine(BatchNormOp op);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PREPARE_AFFINECHAIN_H
