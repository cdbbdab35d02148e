//===- Statistics.h - What calibration remembers of a tensor ----*- C++ -*-===//
//
// Everything here is exact integer counting, or arithmetic whose result does
// not depend on the order of the values: any split of the rows over blocks,
// threads or machines, merged in any order, gives the same bits.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_CALIBRATE_STATISTICS_H
#define QUANTC_CALIBRATE_STATISTICS_H

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace mlir::qnet {

class ByteReader;
class ByteWriter;

/// Counts of values in bins of one power-of-two width around zero: bin i of
/// 2 * halfBins covers [(i - halfBins) * 2^exponent, (i - halfBins + 1) *
/// 2^exponent). When a value does not fit, neighbouring bins are merged in
/// pairs and the width doubles; so the final width depends on the largest
/// magnitude alone, and floor(floor(x/w)/2) = floor(x/2w) makes the counts
/// independent of when that happened.
class Histogram {
public:
  static constexpr int32_t halfBins = 2048;
  static constexpr int32_t bins = 2 * halfBins;

  Histogram() : counts(bins, 0) {}

  /// Counts finite values, none of a magnitude above `maxMagnitude`.
  void add(std::span<const float> values, float maxMagnitude);
  void merge(const Histogram &other);

  int32_t exponent() const { return widthExponent; }
  double width() const;
  /// Smallest value of a bin.
  double lowerEdge(int32_t bin) const;
  std::span<const uint64_t> binCounts() const { return counts; }
  bool operator==(const Histogram &) const = default;

  /// To and from a file (MeasuredRows.h). What is read counts `total` values,
  /// of which the largest magnitude is that one; false is a fault of the
  /// reader.
  void write(ByteWriter &to) const;
  bool read(ByteReader &from, uint64_t total, float maxMagnitude);

private:
  /// 2^-126, so that the width and its inverse are normal f32 numbers.
  static constexpr int32_t smallestExponent = -126;

  void growTo(int32_t exponent);

  int32_t widthExponent = smallestExponent;
  std::vector<uint64_t> counts;
};

/// A sum of f32 values as an integer number of 2^-76, without rounding errors
/// that depend on the order. Each value is first rounded to that grid and
/// clipped to +-2^35; both depend on the value alone. Kept in three limbs whose
/// lower two are normalized, so equal sums have equal limbs.
struct ExactSum {
  static constexpr int fineBits = 76, middleBits = 42, coarseBits = 8;
  static constexpr int limbBits = 34; // between neighbouring grids

  __int128 coarse = 0; ///< units of 2^-8
  int64_t middle = 0;  ///< units of 2^-42, in [-2^33, 2^33)
  int64_t fine = 0;    ///< units of 2^-76, in [-2^33, 2^33)

  void add(double coarseSum, double middleSum, double fineSum);
  void merge(const ExactSum &other);
  double value() const;
  bool operator==(const ExactSum &) const = default;

  void write(ByteWriter &to) const;
  /// A sum of `count` values.
  bool read(ByteReader &from, uint64_t count);

private:
  void normalize();
};

/// The statistics of one observed tensor of `channels` values along its last
/// axis.
class Statistics {
public:
  /// Without a histogram, which takes as long as the rest, there is no
  /// percentile, nor any method but min-max.
  explicit Statistics(int64_t channels, bool keepsHistogram = true);

  /// Adds whole slices along the last axis: `values.size()` is a multiple of
  /// `channels`.
  void add(std::span<const float> values);
  /// Adds what another one has seen; both have the same number of channels, and
  /// both a histogram or neither.
  void merge(const Statistics &other);

  int64_t channels() const { return channelMin.size(); }
  bool hasHistogram() const { return keepsHistogram; }
  uint64_t count() const { return total; }
  uint64_t nanCount() const { return nans; }
  uint64_t infinityCount() const { return infinities; }
  uint64_t finiteCount() const { return total - nans - infinities; }

  /// Extremes of the finite values; -0 counts as +0. Without any: +inf, -inf.
  float min() const;
  float max() const;
  std::span<const float> channelMinimum() const { return channelMin; }
  std::span<const float> channelMaximum() const { return channelMax; }
  /// Mean of the finite values of each channel; 0 where there are none.
  std::vector<double> channelMeans() const;
  /// Empty where none is kept.
  const Histogram &histogram() const { return distribution; }

  /// The smallest range of whole bins that leaves at most half of
  /// (100 - percent)% of the finite values out at either end, cut to
  /// [min, max]. 100 gives [min, max].
  std::pair<double, double> percentileRange(double percent) const;

  bool operator==(const Statistics &) const = default;

  /// To and from a file, with a histogram.
  void write(ByteWriter &to) const;
  bool read(ByteReader &from);

private:
  bool readChannel(ByteReader &from, size_t channel);
  void addFinite(std::span<const float> values);

  uint64_t total = 0, nans = 0, infinities = 0;
  std::vector<float> channelMin, channelMax;
  std::vector<ExactSum> channelSum;
  std::vector<uint64_t> channelSkipped; ///< NaN and infinities
  bool keepsHistogram;
  Histogram distribution;
};

} // namespace mlir::qnet

#endif // QUANTC_CALIBRATE_STATISTICS_H
