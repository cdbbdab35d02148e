//===- RangeMethods.cpp - Ways to choose a range of values ----------------===//
#include "quantc/Calibrate/RangeMethods.h"

#include "DataError.h"
#include "quantc/Numerics/Parameters.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

using namespace mlir::qnet;
namespace numerics = quantc::numerics;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static constexpr RangeMethod allMethods[] = {
    RangeMethod::Auto, RangeMethod::MinMax, RangeMethod::Percentile,
    RangeMethod::Mse, RangeMethod::Entropy};

llvm::Expected<RangeMethod> mlir::qnet::rangeMethodNamed(llvm::StringRef name) {
  for (RangeMethod method : allMethods)
    if (nameOf(method) == name)
      return method;
  return dataError("calibration method '" + name + "'",
                   "does not exist; there are auto, minmax, percentile, mse "
                   "and entropy");
}

llvm::StringRef mlir::qnet::nameOf(RangeMethod method) {
  switch (method) {
  case RangeMethod::MinMax:
    return "minmax";
  case RangeMethod::Percentile:
    return "percentile";
  case RangeMethod::Mse:
    return "mse";
  case RangeMethod::Entropy:
    return "entropy";
  case RangeMethod::Auto:
    return "auto";
  }
  llvm_unreachable("all methods have a name");
}

//===----------------------------------------------------------------------===//
// Mean squared error
//===----------------------------------------------------------------------===//

namespace {

/// The bins that hold anything.
class Distribution {
public:
  explicit Distribution(const Statistics &statistics)
      : width(statistics.histogram().width()),
        total(static_cast<double>(statistics.finiteCount())) {
    const Histogram &histogram = statistics.histogram();
    for (auto [bin, count] : llvm::enumerate(histogram.binCounts()))
      if (count)
        bins.push_back(
            {histogram.lowerEdge(static_cast<int32_t>(bin)) + 0.5 * width,
             static_cast<double>(count)});
  }

  double squaredError(Interval range, int32_t largest) const {
    const numerics::QuantParams params =
        numerics::chooseCovering(range.lo, range.hi, 0, largest);
    const double scale = params.scale, inverse = 1.0 / scale;
    const double lowest = -params.zeroPoint;
    const double highest = double(params.qmax) - params.zeroPoint;
    // Steps finer than a bin have their rounding error everywhere in it; of
    // coarser ones, the error at the centre and the spread around it.
    const bool isFine = scale <= width;
    const double fineError = scale * scale / 12, spread = width * width / 12;
    double sum = 0;
    for (const Bin &bin : bins) {
      const double steps = bin.centre * inverse;
      const bool isInside = steps >= lowest && steps <= highest;
      if (isInside && isFine) {
        sum += bin.count * fineError;
        continue;
      }
      const double stored =
          std::clamp(std::nearbyint(steps), lowest, highest) * scale;
      const double error = bin.centre - stored;
      sum += bin.count * (error * error + spread);
    }
    return total > 0 ? sum / total : 0;
  }

private:
  struct Bin {
    double centre, count;
  };
  std::vector<Bin> bins;
  double width, total;
};

/// Looks for the range of least error by scaling the ends of the widest one.
class MseSearch {
public:
  MseSearch(const Statistics &statistics, Interval widest, int32_t largest)
      : distribution(statistics), widest(widest), largest(largest) {}

  Interval run() {
    best = widest;
    leastError = distribution.squaredError(best, largest);
    // 2^-(i / 8) down to 2^-10: below, a bin of the histogram is a step.
    constexpr int octaves = 10, perOctave = 8, finePerOctave = 64;
    for (int i = 1; i <= octaves * perOctave; ++i)
      offer(scaled(i, perOctave), scaled(i, perOctave));
    for (int round = 0; round < 2; ++round)
      for (bool isHigh : {false, true}) {
        const Factors start = factors;
        for (int i = 0; i <= octaves * perOctave; ++i)
          offerEnd(start, isHigh, scaled(i, perOctave));
      }
    for (bool isHigh : {false, true}) {
      const Factors start = factors;
      for (int i = -finePerOctave / perOctave; i <= finePerOctave / perOctave;
           ++i)
        offerEnd(start, isHigh,
                 (isHigh ? start.hi : start.lo) * scaled(i, finePerOctave));
    }
    return best;
  }

private:
  struct Factors {
    double lo = 1, hi = 1;
  };

  /// 2^(-steps / perOctave), of square roots and products alone: their bits
  /// are the same on every machine, and those of exp2 are not.
  static double scaled(int steps, int perOctave) {
    double root = 2, power = 1;
    for (int n = perOctave; n > 1; n /= 2)
      root = std::sqrt(root);
    for (int i = 0; i < std::abs(steps); ++i)
      power *= root;
    return steps < 0 ? power : 1 / power;
  }

  void offerEnd(Factors start, bool isHigh, double factor) {
    // An end that is not there has nothing to move.
    if (isHigh ? widest.hi <= 0 : widest.lo >= 0)
      return;
    isHigh ? offer(start.lo, factor) : offer(factor, start.hi);
  }

  void offer(double lo, double hi) {
    lo = std::min(lo, 1.0);
    hi = std::min(hi, 1.0);
    const Interval range{widest.lo < 0 ? widest.lo * lo : widest.lo,
                         widest.hi > 0 ? widest.hi * hi : widest.hi};
    if (range.lo > range.hi)
      return;
    const double error = distribution.squaredError(range, largest);
    if (error < leastError) {
      leastError = error;
      best = range;
      factors = {lo, hi};
    }
  }

  Distribution distribution;
  Interval widest, best;
  int32_t largest;
  Factors factors;
  double leastError = 0;
};

Interval seenRange(const Statistics &statistics) {
  return statistics.finiteCount() == 0
             ? Interval()
             : Interval{statistics.min(), statistics.max()};
}

} // namespace

double mlir::qnet::squaredError(const Statistics &statistics, Interval range,
                                int32_t largest) {
  return Distribution(statistics).squaredError(range, largest);
}

Interval mlir::qnet::mseRange(const Statistics &statistics, int32_t largest) {
  Interval seen = seenRange(statistics);
  if (!(seen.lo < seen.hi))
    return seen;
  return MseSearch(statistics, seen, largest).run();
}

//===----------------------------------------------------------------------===//
// Entropy
//===----------------------------------------------------------------------===//

/// The natural logarithm of a positive normal number to about 1e-15, of
/// operations whose bits are the same on every machine.
static double logarithm(double x) {
  constexpr double ln2 = 0.69314718055994530942, root2 = 1.41421356237309504880;
  int exponent = 0;
  double m = std::frexp(x, &exponent) * 2; // in [1, 2)
  --exponent;
  if (m > root2) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1) / (m + 1), square = s * s;
  double series = 0;
  constexpr int lastTerm = 19; // |s| < 0.172: what is left is below 1e-17
  for (int n = lastTerm; n >= 1; n -= 2)
    series = series * square + 1.0 / n;
  return 2 * s * series + exponent * ln2;
}

/// KL(P || Q) of one slice of the counts: P with `below` and `above` at its
/// ends, Q from the slice alone, merged into `levels` groups of equal numbers
/// of bins, the last with what is left over.
static double divergence(std::span<const uint64_t> slice, uint64_t below,
                         uint64_t above, size_t levels) {
  // Zeros take this from the others, so that no logarithm is infinite
  // (MXNet's `_smooth_distribution`).
  constexpr double smoothing = 1e-4;
  const size_t size = slice.size(), merged = std::max<size_t>(1, size / levels);
  levels = std::min(levels, size);
  auto reference = [&](size_t bin) {
    double count = static_cast<double>(slice[bin]);
    if (bin == 0)
      count += static_cast<double>(below);
    if (bin + 1 == size)
      count += static_cast<double>(above);
    return count;
  };
  double inside = 0, total = 0;
  size_t emptyReference = 0, emptyStored = 0;
  auto groupEnd = [&](size_t level) {
    return level + 1 == levels ? size : (level + 1) * merged;
  };
  auto forEachGroup = [&](auto visit) {
    for (size_t level = 0; level < levels; ++level) {
      double sum = 0;
      size_t holding = 0;
      for (size_t bin = level * merged; bin < groupEnd(level); ++bin) {
        sum += static_cast<double>(slice[bin]);
        holding += reference(bin) > 0;
      }
      visit(level, holding ? sum / static_cast<double>(holding) : 0.0);
    }
  };
  forEachGroup([&](size_t level, double each) {
    for (size_t bin = level * merged; bin < groupEnd(level); ++bin) {
      const double p = reference(bin);
      total += p;
      emptyReference += p == 0;
      inside += p > 0 ? each : 0;
      emptyStored += p == 0 || each == 0;
    }
  });
  if (inside == 0)
    return std::numeric_limits<double>::infinity();
  auto taken = [&](size_t empty) {
    return empty == size ? 0.0
                         : smoothing * static_cast<double>(empty) /
                               static_cast<double>(size - empty);
  };
  const double takenReference = taken(emptyReference),
               takenStored = taken(emptyStored);
  double sum = 0;
  forEachGroup([&](size_t level, double each) {
    for (size_t bin = level * merged; bin < groupEnd(level); ++bin) {
      double p = reference(bin), q = p > 0 ? each : 0;
      p = p > 0 ? p / total - takenReference : smoothing;
      q = q > 0 ? q / inside - takenStored : smoothing;
      // Of very rare values smoothing takes more than they have.
      p = std::max(p, smoothing * smoothing);
      q = std::max(q, smoothing * smoothing);
      sum += p * logarithm(p / q);
    }
  });
  return sum;
}

Interval mlir::qnet::entropyRange(const Statistics &statistics,
                                  int32_t largest) {
  const Interval seen = seenRange(statistics);
  if (!(seen.lo < seen.hi))
    return seen;
  const Histogram &histogram = statistics.histogram();
  std::vector<uint64_t> counts(histogram.binCounts().begin(),
                               histogram.binCounts().end());
  constexpr int32_t zero = Histogram::halfBins;
  // Any range stores the zeros behind a ReLU exactly, so they say nothing.
  counts[zero] = std::min(counts[zero], counts[zero + 1]);
  const int32_t first = static_cast<int32_t>(std::distance(
      counts.begin(),
      llvm::find_if(counts, [](uint64_t count) { return count != 0; })));
  int32_t end = Histogram::bins;
  while (counts[end - 1] == 0)
    --end;
  // Bins from zero to the threshold at most, and to either end of the data.
  const int32_t below = std::max(0, zero - first),
                above = std::max(0, end - zero);
  const int32_t furthest = std::max(below, above);
  const bool isTwoSided = below > 0 && above > 0;
  const auto levels = static_cast<size_t>(largest);
  const int32_t nearest = static_cast<int32_t>(
      std::min<int64_t>(furthest, isTwoSided ? (largest + 1) / 2 : largest));
  std::vector<uint64_t> upTo(counts.size() + 1, 0);
  for (size_t bin = 0; bin < counts.size(); ++bin)
    upTo[bin + 1] = upTo[bin] + counts[bin];

  double least = std::numeric_limits<double>::infinity();
  int32_t best = furthest;
  constexpr int32_t stepsPerThreshold = 128;
  for (int32_t bins = nearest;;
       bins =
           std::min(furthest, bins + std::max(1, bins / stepsPerThreshold))) {
    const int32_t from = zero - std::min(bins, below),
                  to = zero + std::min(bins, above);
    const double value = divergence(std::span(counts).subspan(from, to - from),
                                    upTo[from], upTo.back() - upTo[to], levels);
    // Of equal ones the widest: it clips least.
    if (value <= least) {
      least = value;
      best = bins;
    }
    if (bins == furthest)
      break;
  }
  const double threshold = std::ldexp(double(best), histogram.exponent());
  return {std::max(seen.lo, -threshold), std::min(seen.hi, threshold)};
}

Interval mlir::qnet::chooseRange(const Statistics &statistics,
                                 RangeMethod method, double percentile,
                                 int32_t largest) {
  switch (method) {
  case RangeMethod::Percentile: {
    if (statistics.finiteCount() == 0)
      return {};
    auto [lo, hi] = statistics.percentileRange(percentile);
    return {lo, hi};
  }
  case RangeMethod::Mse:
    return mseRange(statistics, largest);
  case RangeMethod::Entropy:
    return entropyRange(statistics, largest);
  case RangeMethod::MinMax:
  case RangeMethod::Auto:
    return seenRange(statistics);
  }
  llvm_unreachable("all methods are handled");
}
