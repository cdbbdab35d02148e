//===- RoundingError.h - what rounded weights do to the output --*- C++ -*-===//
#ifndef QUANTC_LIB_QUANTIZE_ROUNDINGERROR_H
#define QUANTC_LIB_QUANTIZE_ROUNDINGERROR_H

#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

/// A dense layer's parameters before and after the rounding of its weights.
struct RoundedLayer {
  /// Rows x columns: before any rounding, and the grids' points.
  ArrayRef<float> target, rounded;
  /// What belongs to the target.
  ArrayRef<double> bias;
  /// The mean of each input that the bias was corrected by, or empty.
  ArrayRef<double> mean;
};

/// The power of the error that the rounding makes in the layer's own output,
/// over that of the output, on the rows that kSecondMomentAttr of `dense` is
/// of; the input is not rounded. Nothing without moments, for an output without
/// power, and where the moments would take too long to multiply.
std::optional<double> roundingNoise(DenseOp dense, const RoundedLayer &layer);

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_ROUNDINGERROR_H
