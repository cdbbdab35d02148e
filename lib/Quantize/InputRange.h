//===- InputRange.h - stored integers a dense layer can read -----*- C++
//-*-===//
//
// Activations of 16 bits have as many steps as the layer's accumulators allow:
// with constant weights that is known. For a channel with weights w' (int8),
// the input's largest stored integer q and zero point z, and its bias b in
// steps of the accumulator,
//
//   highest = max(b - z * sum(w'), 0) + q * sum of the positive w'
//   lowest  = min(b - z * sum(w'), 0) + q * sum of the negative w'
//
// bound all partial sums and must fit in 32 bits; b and z grow with q.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_QUANTIZE_INPUTRANGE_H
#define QUANTC_LIB_QUANTIZE_INPUTRANGE_H

#include "ValueParameters.h"

namespace mlir::qnet {

/// What every layer can read: where not even this fits, quantize-weights gives
/// the channel a coarser scale.
inline constexpr int32_t kLeastInputMax = 255;

/// The largest q from kLeastInputMax to `limit` so that an input of `range`,
/// stored in [0, q], overflows no accumulator of the layer. `dense` has
/// constant weights and bias.
int32_t largestInput(DenseOp dense, RealRange range, int32_t limit);

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_INPUTRANGE_H
