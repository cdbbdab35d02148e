//===- Statistics.cpp - What calibration remembers of a tensor ------------===//
#include "quantc/Calibrate/Statistics.h"

#include "quantc/Numerics/CpuClones.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir::qnet;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Rows are summed in f64 in blocks no longer than this: 2^10 values of a limb
/// (at most 2^44 units each) add without rounding in f64's 53 bits.
constexpr size_t exactBlockRows = 512;

/// Magnitudes above are clipped in sums, so that the coarse limb stays exact.
constexpr double largestSummand = 0x1p35;

/// Adding and subtracting 1.5 * 2^(52 - bits) rounds to a multiple of 2^-bits
/// (ties to even) whatever the order of the values.
constexpr double roundingTerm(int bits) {
  double term = 1.5;
  for (int i = 0; i < 52 - bits; ++i)
    term *= 2;
  for (int i = 0; i < bits - 52; ++i)
    term /= 2;
  return term;
}

/// Floor of log2 of a positive finite number.
int32_t exponentOf(float magnitude) { return std::ilogb(magnitude); }

/// Channels that are measured together.
constexpr size_t kLanes = 16, kHalf = kLanes / 2;
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));
using Doubles = double __attribute__((vector_size(kHalf * sizeof(double))));

/// A value's parts on the grids of ExactSum, of vectors or of one value.
template <typename Real> struct Limbs {
  Real coarse, middle, fine;

  /// Of a value that is clipped to largestSummand.
  static Limbs of(Real x) {
    const Real coarse = (x + roundingTerm(ExactSum::coarseBits)) -
                        roundingTerm(ExactSum::coarseBits);
    Real rest = x - coarse;
    const Real middle = (rest + roundingTerm(ExactSum::middleBits)) -
                        roundingTerm(ExactSum::middleBits);
    rest -= middle;
    return {coarse, middle,
            (rest + roundingTerm(ExactSum::fineBits)) -
                roundingTerm(ExactSum::fineBits)};
  }

  void operator+=(const Limbs &other) {
    coarse += other.coarse;
    middle += other.middle;
    fine += other.fine;
  }
};

/// What a pass over finite values finds in each of kLanes channels.
struct LaneSums {
  std::array<float, kLanes> low, high;
  std::array<double, kLanes> coarse, middle, fine;
};

/// Measures `count` <= kLanes channels of `rows` <= exactBlockRows slices that
/// are `width` values apart; what stands before `end` may be read. Lanes beyond
/// `count` mean nothing.
QUANTC_CPU_CLONES
void measureLanes(const float *values, const float *end, size_t rows,
                  size_t width, size_t count, LaneSums &found) {
  constexpr auto most = static_cast<float>(largestSummand);
  Floats low = Floats{} + infinity, high = -low, x = {};
  Limbs<Doubles> first = {}, second = {};
  for (size_t row = 0; row < rows; ++row, values += width) {
    if (end - values >= static_cast<ptrdiff_t>(kLanes))
      std::memcpy(&x, values, sizeof(x));
    else
      for (size_t lane = 0; lane < count; ++lane)
        x[lane] = values[lane];
    x += 0.0f; // -0 becomes +0
    low = x < low ? x : low;
    high = x > high ? x : high;
    Floats clipped = x > most ? Floats{} + most : x;
    clipped = clipped < -most ? Floats{} - most : clipped;
    const Doubles left = __builtin_convertvector(
        __builtin_shufflevector(clipped, clipped, 0, 1, 2, 3, 4, 5, 6, 7),
        Doubles);
    const Doubles right = __builtin_convertvector(
        __builtin_shufflevector(clipped, clipped, 8, 9, 10, 11, 12, 13, 14, 15),
        Doubles);
    first += Limbs<Doubles>::of(left);
    second += Limbs<Doubles>::of(right);
  }
  std::memcpy(found.low.data(), &low, sizeof(low));
  std::memcpy(found.high.data(), &high, sizeof(high));
  auto store = [](std::array<double, kLanes> &to, Doubles left, Doubles right) {
    std::memcpy(to.data(), &left, sizeof(left));
    std::memcpy(to.data() + kHalf, &right, sizeof(right));
  };
  store(found.coarse, first.coarse, second.coarse);
  store(found.middle, first.middle, second.middle);
  store(found.fine, first.fine, second.fine);
}

/// NaN and infinities.
QUANTC_CPU_CLONES
uint64_t countSpecial(const float *values, size_t size) {
  uint64_t special = 0;
  constexpr size_t block = 4096; // counted in 32 bits
  for (size_t start = 0; start < size; start += block) {
    uint32_t count = 0;
    for (size_t i = start, end = std::min(size, start + block); i < end; ++i)
      count += !(std::fabs(values[i]) <= std::numeric_limits<float>::max());
    special += count;
  }
  return special;
}

/// The bins of `size` finite values, given the inverse of their width.
QUANTC_CPU_CLONES
void findBins(const float *values, size_t size, float inverseWidth,
              int32_t *bins) {
  for (size_t i = 0; i < size; ++i) {
    // floor(x / width) by truncation and correction. The scaling is exact
    // unless it underflows, and then only the sign of x counts.
    const float scaled = values[i] * inverseWidth;
    const auto truncated = static_cast<int32_t>(scaled);
    const bool below = (static_cast<float>(truncated) > scaled) |
                       ((truncated == 0) & (values[i] < 0));
    bins[i] = truncated - below + Histogram::halfBins;
  }
}

} // namespace

//===----------------------------------------------------------------------===//
// Histogram
//===----------------------------------------------------------------------===//

double Histogram::width() const { return std::ldexp(1.0, widthExponent); }

double Histogram::lowerEdge(int32_t bin) const {
  return std::ldexp(double(bin - halfBins), widthExponent);
}

void Histogram::growTo(int32_t exponent) {
  for (; widthExponent < exponent; ++widthExponent) {
    std::vector<uint64_t> merged(bins, 0);
    for (int32_t bin = 0; bin < bins; ++bin) {
      // Arithmetic shift: floor, also below zero.
      int32_t target = ((bin - halfBins) >> 1) + halfBins;
      merged[target] += counts[bin];
    }
    counts = std::move(merged);
    // Values so far sit in the two middle bins after 12 doublings at most.
    if (exponent - widthExponent > 13) {
      uint64_t below = 0, above = 0;
      for (int32_t bin = 0; bin < halfBins; ++bin)
        below += counts[bin];
      for (int32_t bin = halfBins; bin < bins; ++bin)
        above += counts[bin];
      std::fill(counts.begin(), counts.end(), 0);
      counts[halfBins - 1] = below;
      counts[halfBins] = above;
      widthExponent = exponent - 1;
    }
  }
}

void Histogram::add(std::span<const float> values, float maxMagnitude) {
  constexpr int32_t halfBinsLog2 = 11;
  static_assert(1 << halfBinsLog2 == halfBins);
  if (maxMagnitude > 0)
    growTo(std::max(smallestExponent,
                    exponentOf(maxMagnitude) + 1 - halfBinsLog2));
  const float inverseWidth = std::ldexp(1.0f, -widthExponent);
  // Several counters a bin: equal neighbours (zeros after a ReLU) would
  // otherwise wait for each other's store.
  constexpr size_t lanes = 4, block = 256, worthLanes = 16384;
  std::array<int32_t, block> index;
  std::vector<uint32_t> laneCounts;
  const bool useLanes = values.size() >= worthLanes;
  if (useLanes)
    laneCounts.assign(lanes * bins, 0);
  // 32-bit counters are folded before they can wrap.
  constexpr size_t foldEvery = size_t(1) << 31;
  auto fold = [&] {
    for (size_t lane = 0; lane < lanes; ++lane)
      for (int32_t bin = 0; bin < bins; ++bin)
        counts[bin] += laneCounts[lane * bins + bin];
    std::fill(laneCounts.begin(), laneCounts.end(), 0);
  };
  size_t sinceFold = 0;
  for (size_t start = 0; start < values.size(); start += block) {
    const size_t size = std::min(block, values.size() - start);
    findBins(values.data() + start, size, inverseWidth, index.data());
    if (!useLanes) {
      for (size_t i = 0; i < size; ++i)
        ++counts[index[i]];
      continue;
    }
    size_t i = 0;
    for (; i + lanes <= size; i += lanes)
      for (size_t lane = 0; lane < lanes; ++lane)
        ++laneCounts[lane * bins + index[i + lane]];
    for (; i < size; ++i)
      ++laneCounts[index[i]];
    sinceFold += size;
    if (sinceFold >= foldEvery) {
      fold();
      sinceFold = 0;
    }
  }
  if (useLanes)
    fold();
}

void Histogram::merge(const Histogram &other) {
  if (other.widthExponent < widthExponent) {
    Histogram grown = other;
    grown.growTo(widthExponent);
    merge(grown);
    return;
  }
  growTo(other.widthExponent);
  for (int32_t bin = 0; bin < bins; ++bin)
    counts[bin] += other.counts[bin];
}

//===----------------------------------------------------------------------===//
// ExactSum
//===----------------------------------------------------------------------===//

void ExactSum::normalize() {
  constexpr int64_t half = int64_t(1) << (limbBits - 1);
  int64_t carry = (fine + half) >> limbBits;
  fine -= carry << limbBits;
  middle += carry;
  carry = (middle + half) >> limbBits;
  middle -= carry << limbBits;
  coarse += carry;
}

void ExactSum::add(double coarseSum, double middleSum, double fineSum) {
  // Scaling by a power of two is exact, and so is the conversion.
  coarse += static_cast<int64_t>(coarseSum * 0x1p8);
  middle += static_cast<int64_t>(middleSum * 0x1p42);
  fine += static_cast<int64_t>(fineSum * 0x1p76);
  normalize();
}

void ExactSum::merge(const ExactSum &other) {
  coarse += other.coarse;
  middle += other.middle;
  fine += other.fine;
  normalize();
}

double ExactSum::value() const {
  return std::ldexp(static_cast<double>(coarse), -coarseBits) +
         (std::ldexp(static_cast<double>(middle), -middleBits) +
          std::ldexp(static_cast<double>(fine), -fineBits));
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

Statistics::Statistics(int64_t channels, bool keepsHistogram)
    : channelMin(channels, infinity), channelMax(channels, -infinity),
      channelSum(channels), channelSkipped(channels, 0),
      keepsHistogram(keepsHistogram) {}

void Statistics::add(std::span<const float> values) {
  const size_t channelCount = channelMin.size();
  if (channelCount == 0 || values.empty())
    return;
  assert(values.size() % channelCount == 0 && "only whole slices");
  total += values.size();

  // One cheap pass decides whether the vector path may be taken.
  if (countSpecial(values.data(), values.size()) == 0)
    return addFinite(values);

  for (size_t i = 0; i < values.size(); ++i) {
    float x = values[i];
    if (std::isfinite(x))
      continue;
    std::isnan(x) ? ++nans : ++infinities;
    ++channelSkipped[i % channelCount];
  }
  // The finite values of a slice, one by one: rare, so simple. The zeros that
  // stand in for the others change no sum and are taken out of the counts.
  std::vector<float> finite;
  for (size_t i = 0; i < values.size(); ++i) {
    float x = values[i];
    if (!std::isfinite(x))
      continue;
    x += 0.0f;
    size_t channel = i % channelCount;
    channelMin[channel] = std::min(channelMin[channel], x);
    channelMax[channel] = std::max(channelMax[channel], x);
    finite.push_back(x);
    const auto parts = Limbs<double>::of(
        std::clamp<double>(x, -largestSummand, largestSummand));
    channelSum[channel].add(parts.coarse, parts.middle, parts.fine);
  }
  if (!keepsHistogram)
    return;
  float magnitude = 0;
  for (float x : finite)
    magnitude = std::max(magnitude, std::fabs(x));
  distribution.add(finite, magnitude);
}

void Statistics::addFinite(std::span<const float> values) {
  const size_t width = channelMin.size(), rows = values.size() / width;
  float magnitude = 0;
  LaneSums found;
  for (size_t start = 0; start < rows; start += exactBlockRows) {
    const size_t block = std::min(exactBlockRows, rows - start);
    for (size_t first = 0; first < width; first += kLanes) {
      const size_t count = std::min(kLanes, width - first);
      measureLanes(values.data() + start * width + first,
                   values.data() + values.size(), block, width, count, found);
      for (size_t lane = 0; lane < count; ++lane) {
        const size_t channel = first + lane;
        const float low = found.low[lane], high = found.high[lane];
        channelMin[channel] = std::min(channelMin[channel], low);
        channelMax[channel] = std::max(channelMax[channel], high);
        magnitude = std::max({magnitude, std::fabs(low), std::fabs(high)});
        channelSum[channel].add(found.coarse[lane], found.middle[lane],
                                found.fine[lane]);
      }
    }
  }
  if (keepsHistogram)
    distribution.add(values, magnitude);
}

void Statistics::merge(const Statistics &other) {
  assert(other.channels() == channels() && "statistics of the same tensor");
  total += other.total;
  nans += other.nans;
  infinities += other.infinities;
  for (size_t k = 0; k < channelMin.size(); ++k) {
    channelMin[k] = std::min(channelMin[k], other.channelMin[k]);
    channelMax[k] = std::max(channelMax[k], other.channelMax[k]);
    channelSum[k].merge(other.channelSum[k]);
    channelSkipped[k] += other.channelSkipped[k];
  }
  distribution.merge(other.distribution);
}

float Statistics::min() const {
  return channelMin.empty()
             ? infinity
             : *std::min_element(channelMin.begin(), channelMin.end());
}

float Statistics::max() const {
  return channelMax.empty()
             ? -infinity
             : *std::max_element(channelMax.begin(), channelMax.end());
}

std::vector<double> Statistics::channelMeans() const {
  std::vector<double> means(channelMin.size(), 0);
  if (means.empty())
    return means;
  const uint64_t perChannel = total / means.size();
  for (size_t k = 0; k < means.size(); ++k)
    if (uint64_t counted = perChannel - channelSkipped[k])
      means[k] = channelSum[k].value() / static_cast<double>(counted);
  return means;
}

std::pair<double, double> Statistics::percentileRange(double percent) const {
  const double low = min(), high = max();
  if (finiteCount() == 0 || !(percent < 100))
    return {low, high};
  const double outside = std::max(0.0, (100 - percent) / 200);
  const auto allowed = static_cast<uint64_t>(
      std::floor(outside * static_cast<double>(finiteCount())));
  std::span<const uint64_t> counts = distribution.binCounts();
  int32_t first = 0, last = Histogram::bins - 1;
  uint64_t below = counts[first], above = counts[last];
  while (first < last && below <= allowed)
    below += counts[++first];
  while (last > first && above <= allowed)
    above += counts[--last];
  return {std::max(low, distribution.lowerEdge(first)),
          std::min(high, distribution.lowerEdge(last + 1))};
}
