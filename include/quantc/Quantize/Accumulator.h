//===- Accumulator.h - the range of a qdense's accumulators ------*- C++
//-*-===//
#ifndef QUANTC_QUANTIZE_ACCUMULATOR_H
#define QUANTC_QUANTIZE_ACCUMULATOR_H

#include "quantc/Dialect/Qnet.h"
#include <limits>

namespace mlir::qnet {

/// Bounds of one accumulator for any input of the type, in whatever order the
/// products and the bias are added up: 0 and every partial sum included.
struct AccumulatorRange {
  int64_t lo = 0, hi = 0;

  bool fits() const {
    return lo >= std::numeric_limits<int32_t>::min() &&
           hi <= std::numeric_limits<int32_t>::max();
  }
};

/// For one output channel: its weights (as the integers that multiply the
/// input), its bias, the input's largest stored integer (the smallest is 0 or
/// more).
template <typename Weights>
AccumulatorRange accumulatorRange(const Weights &weights, int64_t bias,
                                  int64_t inputMax) {
  int64_t positive = 0, negative = 0;
  for (int64_t w : weights)
    (w > 0 ? positive : negative) += w;
  return {std::min<int64_t>(bias, 0) + negative * inputMax,
          std::max<int64_t>(bias, 0) + positive * inputMax};
}

/// The first channel of the op whose accumulator may leave 32 bits, or -1 if
/// none does. Failure if weights or bias are no readable constants.
FailureOr<int64_t> firstOverflowingChannel(QDenseOp op);

} // namespace mlir::qnet

#endif // QUANTC_QUANTIZE_ACCUMULATOR_H
