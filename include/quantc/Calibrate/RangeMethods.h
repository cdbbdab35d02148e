//===- RangeMethods.h - Ways to choose a range of values --------*- C++ -*-===//
//
// A wide range has coarse steps, a narrow one clips. Each method answers from
// the statistics alone, so that its range has the same bits for any order of
// the rows.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_CALIBRATE_RANGEMETHODS_H
#define QUANTC_CALIBRATE_RANGEMETHODS_H

#include "quantc/Calibrate/Statistics.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace mlir::qnet {

/// How a range is chosen.
enum class RangeMethod {
  MinMax,     ///< smallest and largest value seen
  Percentile, ///< see Statistics::percentileRange
  Mse,        ///< see mseRange
  Entropy,    ///< see entropyRange
  Auto,       ///< of these, and of narrower ones, what the output shows is best
};

/// The method of that name; the error lists what there is.
llvm::Expected<RangeMethod> rangeMethodNamed(llvm::StringRef name);
llvm::StringRef nameOf(RangeMethod method);

struct Interval {
  double lo = 0, hi = 0;

  bool operator==(const Interval &) const = default;
};

/// The mean squared error of storing the values as 0 to `largest` under that
/// range, clipping included. A bin's values count as spread evenly over it.
double squaredError(const Statistics &statistics, Interval range,
                    int32_t largest);

/// The range of least `squaredError`, searched from the outside in: both ends
/// together, then each alone, in steps of 1/64 octave at the end. Of equal ones
/// the widest.
Interval mseRange(const Statistics &statistics, int32_t largest);

/// The range of least Kullback-Leibler divergence between the values as counted
/// and as stored (Migacz, "8-bit inference with TensorRT", GTC 2017; in the
/// form of MXNet's `_get_optimal_threshold`): of each threshold t, the counts
/// within [-t, t] with what lies outside added to their ends are held against
/// the same counts, without what lies outside, merged into `largest` levels and
/// spread evenly over those of their bins that hold anything. Thresholds go
/// from one bin a level up in steps of at most 1/128. The bin of zero counts no
/// more than the next one, as in TensorRT's tools: every range stores the zeros
/// behind a ReLU exactly. The range is [-t, t] cut to what was seen.
Interval entropyRange(const Statistics &statistics, int32_t largest);

/// The range of one of the methods but Auto.
Interval chooseRange(const Statistics &statistics, RangeMethod method,
                     double percentile, int32_t largest);

} // namespace mlir::qnet

#endif // QUANTC_CALIBRATE_RANGEMETHODS_H
