//===- StatisticsTest.cpp - calibration's sums do not depend on order -----===//
#include "quantc/Calibrate/Statistics.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

using namespace mlir::qnet;

namespace {

/// Values of very different sizes, zeros of both signs and denormals.
std::vector<float> makeRows(int64_t rows, int64_t channels, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(rows * channels);
  for (float &value : values) {
    auto bits = generator();
    int exponent = int(bits % 60) - 40;
    value = std::ldexp(float(int32_t(generator())) * 0x1p-31f, exponent);
    if (bits % 17 == 0)
      value = 0.0f;
    if (bits % 19 == 0)
      value = -0.0f;
    if (bits % 23 == 0)
      value = std::copysign(std::numeric_limits<float>::denorm_min(), value);
  }
  return values;
}

Statistics inOnePiece(const std::vector<float> &values, int64_t channels) {
  Statistics statistics(channels);
  statistics.add(values);
  return statistics;
}

} // namespace

// Breaks if any part of the statistics depends on how rows are split or on the
// order in which parts are merged: results would differ with block size.
TEST(Statistics, AnySplitAndOrderGiveTheSameBits) {
  constexpr int64_t rows = 700;
  // Less than a vector of channels, and two with a rest.
  for (auto [channels, withSpecials] : {std::pair<int64_t, bool>(7, false),
                                        {7, true},
                                        {37, false},
                                        {37, true}}) {
    std::vector<float> values = makeRows(rows, channels, 1);
    if (withSpecials) {
      values[5] = std::numeric_limits<float>::quiet_NaN();
      values[100] = std::numeric_limits<float>::infinity();
      values[3003] = -std::numeric_limits<float>::infinity();
    }
    Statistics whole = inOnePiece(values, channels);
    std::mt19937 generator(2);
    for (int trial = 0; trial < 20; ++trial) {
      std::vector<int64_t> order(rows);
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.end(), generator);
      std::vector<Statistics> parts(1 + trial % 5, Statistics(channels));
      std::vector<float> block;
      for (int64_t row : order) {
        block.insert(block.end(), values.begin() + row * channels,
                     values.begin() + (row + 1) * channels);
        if (generator() % 31 == 0) {
          parts[generator() % parts.size()].add(block);
          block.clear();
        }
      }
      parts[0].add(block);
      std::shuffle(parts.begin(), parts.end(), generator);
      Statistics merged(channels);
      for (const Statistics &part : parts)
        merged.merge(part);
      EXPECT_TRUE(merged == whole) << "trial " << trial;
      EXPECT_EQ(merged.channelMeans(), whole.channelMeans());
    }
  }
}

// Breaks if min-max, which keeps no histogram, has other extremes and means
// than the other methods, or counts all the same.
TEST(Statistics, WithoutAHistogramTheRestIsTheSame) {
  constexpr int64_t channels = 19;
  const std::vector<float> values = makeRows(300, channels, 3);
  Statistics with(channels), without(channels, /*keepsHistogram=*/false);
  with.add(values);
  without.add(values);
  EXPECT_EQ(without.min(), with.min());
  EXPECT_EQ(without.max(), with.max());
  EXPECT_EQ(without.channelMeans(), with.channelMeans());
  EXPECT_TRUE(without.histogram() == Histogram());
  Statistics merged(channels, /*keepsHistogram=*/false);
  merged.merge(without);
  EXPECT_TRUE(merged == without);
}

// Breaks if the fast path of large blocks and the path of small ones disagree.
TEST(Statistics, LargeBlocksCountLikeSmallOnes) {
  constexpr int64_t rows = 5000, channels = 11;
  std::vector<float> values = makeRows(rows, channels, 3);
  Statistics byRow(channels);
  for (int64_t row = 0; row < rows; ++row)
    byRow.add({values.data() + row * channels, size_t(channels)});
  EXPECT_TRUE(byRow == inOnePiece(values, channels));
}

// Breaks if the mean is not that of exact arithmetic.
TEST(Statistics, MeansAreExact) {
  constexpr int64_t rows = 3000;
  std::vector<float> values = makeRows(rows, 1, 4);
  long double sum = 0;
  for (float value : values)
    sum += value; // 64 bits hold multiples of 2^-40 below 2^20 exactly
  double mean = inOnePiece(values, 1).channelMeans()[0];
  EXPECT_NEAR(mean, double(sum / rows), std::fabs(double(sum / rows)) * 1e-12);

  Statistics cancelling(1);
  cancelling.add(std::vector<float>{1e9f, 0.25f, -1e9f, 0.25f});
  EXPECT_EQ(cancelling.channelMeans()[0], 0.125);
}

// Breaks if special values reach a range or a mean, or go uncounted.
TEST(Statistics, SpecialValuesAreCountedAndLeftOut) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  Statistics statistics(2);
  statistics.add(std::vector<float>{1, nan, 3, inf, -inf, 4});
  EXPECT_EQ(statistics.count(), 6u);
  EXPECT_EQ(statistics.nanCount(), 1u);
  EXPECT_EQ(statistics.infinityCount(), 2u);
  EXPECT_EQ(statistics.min(), 1);
  EXPECT_EQ(statistics.max(), 4);
  EXPECT_EQ(statistics.channelMeans(), (std::vector<double>{2, 4}));
  EXPECT_EQ(statistics.channelMaximum()[1], 4);

  Statistics empty(2);
  EXPECT_EQ(empty.min(), inf);
  EXPECT_EQ(empty.channelMeans(), (std::vector<double>{0, 0}));
}

// Breaks if the bins' width follows anything but the largest magnitude.
TEST(Histogram, WidthFollowsTheLargestMagnitude) {
  for (float largest : {1.0f, 1.99f, 2.0f, 1e-20f, 3e38f, 1e-44f, 0.0f}) {
    Statistics statistics(1);
    statistics.add(std::vector<float>{1e-44f * (largest > 0), -largest});
    statistics.add(std::vector<float>{largest, 0.5f * largest});
    const Histogram &histogram = statistics.histogram();
    int expected =
        largest > 0 ? std::max(-126, std::ilogb(largest) - 10) : -126;
    EXPECT_EQ(histogram.exponent(), expected) << largest;
    auto counts = histogram.binCounts();
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), uint64_t(0)), 4u);
  }
}

// Breaks if a percentile cuts off more than it may, or less than it should.
TEST(Statistics, PercentileRangeLeavesOutWhatItSays) {
  Statistics statistics(1);
  std::vector<float> values;
  for (int i = 0; i < 10000; ++i)
    values.push_back(float(i) / 10000);
  values[0] = -1000;
  values[9999] = 50;
  statistics.add(values);
  auto [low, high] = statistics.percentileRange(99);
  const double width = statistics.histogram().width();
  uint64_t outside = 0;
  for (float value : values)
    outside += value < low || value > high;
  EXPECT_LE(outside, 100u);
  EXPECT_GE(low, -width);
  EXPECT_LE(high, 0.995 + width);

  EXPECT_EQ(statistics.percentileRange(100),
            (std::pair<double, double>{-1000, 50}));
  auto [same, alsoSame] = statistics.percentileRange(0);
  EXPECT_LE(same, alsoSame);
}
