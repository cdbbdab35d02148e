//===- RangeMethodsTest.cpp - each method gives the range it promises -----===//
#include "quantc/Calibrate/RangeMethods.h"
#include "quantc/Numerics/Parameters.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace mlir::qnet;
namespace numerics = quantc::numerics;

namespace {

constexpr int32_t eightBits = 255;

/// Values with tails that fall like exp(-|x|), both signs.
std::vector<float> laplace(size_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float &value : values) {
    const double uniform = (double(generator()) + 1) / 0x1p32;
    value = float(generator() % 2 ? -std::log(uniform) : std::log(uniform));
  }
  return values;
}

/// Values with tails that fall like x^-3: min-max is far too wide.
std::vector<float> heavy(size_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float &value : values) {
    const double uniform = (double(generator()) + 1) / 0x1p32;
    value = float(std::pow(uniform, -0.5) - 1);
  }
  return values;
}

Statistics statisticsOf(const std::vector<float> &values) {
  Statistics statistics(1);
  statistics.add(values);
  return statistics;
}

/// What storing the values in that range does, value by value.
double trueError(const std::vector<float> &values, Interval range) {
  const auto params =
      numerics::chooseCovering(range.lo, range.hi, 0, eightBits);
  double sum = 0;
  for (float x : values) {
    const double q = std::clamp(std::nearbyint(x / double(params.scale)),
                                -double(params.zeroPoint),
                                double(params.qmax) - params.zeroPoint);
    const double error = x - q * params.scale;
    sum += error * error;
  }
  return sum / double(values.size());
}

Interval seen(const Statistics &statistics) {
  return {statistics.min(), statistics.max()};
}

} // namespace

// Breaks if the error that ranges are chosen by is not the one they cause.
TEST(RangeMethods, SquaredErrorIsThatOfTheValues) {
  for (const std::vector<float> &values :
       {laplace(40000, 1), heavy(40000, 2)}) {
    Statistics statistics = statisticsOf(values);
    const Interval all = seen(statistics);
    for (double factor : {1.0, 0.7, 0.4, 0.2, 0.1}) {
      const Interval range{all.lo * factor, all.hi * factor};
      const double truth = trueError(values, range);
      EXPECT_NEAR(squaredError(statistics, range, eightBits), truth,
                  0.1 * truth)
          << factor;
    }
  }
}

// Breaks if another range on a fine grid has clearly less error than mse's, or
// if it is no better than min-max where there are tails.
TEST(RangeMethods, MseHasTheLeastError) {
  for (const std::vector<float> &values :
       {laplace(40000, 3), heavy(40000, 4)}) {
    Statistics statistics = statisticsOf(values);
    const Interval all = seen(statistics);
    const double least = trueError(values, mseRange(statistics, eightBits));
    for (int hi = 4; hi <= 100; hi += 2)
      for (int lo = all.lo < 0 ? 4 : 100; lo <= 100; lo += 6) {
        const Interval range{all.lo * lo / 100, all.hi * hi / 100};
        EXPECT_LE(least, 1.05 * trueError(values, range)) << lo << " " << hi;
      }
    // One value of x^-3's tail weighs as much as all the others.
    EXPECT_LT(least, (all.lo < 0 ? 0.95 : 1.0) * trueError(values, all));
  }
}

// Breaks if entropy is another name for min-max, as it is elsewhere.
TEST(RangeMethods, EntropyLeavesHeavyTailsOut) {
  for (const std::vector<float> &values :
       {laplace(40000, 5), heavy(40000, 6)}) {
    Statistics statistics = statisticsOf(values);
    const Interval range = entropyRange(statistics, eightBits),
                   all = seen(statistics);
    EXPECT_LT(range.hi, 0.8 * all.hi);
    EXPECT_GT(range.hi, 2 * 0.69) << "the median is well inside";
    if (all.lo < 0) {
      EXPECT_GT(range.lo, 0.8 * all.lo);
      EXPECT_EQ(range.lo, -range.hi);
    }
  }
}

// Breaks if entropy cuts off what has no tails, or if the zeros of a ReLU make
// it do so.
TEST(RangeMethods, EntropyKeepsWhatHasNoTails) {
  std::vector<float> even, half;
  for (int i = 0; i < 40000; ++i) {
    even.push_back(float(i) / 40000 - 0.5f);
    half.push_back(i % 2 ? float(i) / 40000 : 0.0f);
  }
  for (const std::vector<float> &values : {even, half}) {
    Statistics statistics = statisticsOf(values);
    const Interval range = entropyRange(statistics, eightBits);
    EXPECT_GE(range.hi, 0.98 * statistics.max());
    EXPECT_LE(range.lo, 0.98 * statistics.min());
  }
}

// Breaks if a method fails, or leaves what was seen, where there is little to
// go by.
TEST(RangeMethods, OddDistributions) {
  const std::vector<std::vector<float>> all = {{},
                                               {0},
                                               {5, 5, 5},
                                               {-5},
                                               {0, 0, 0, 1},
                                               {-1, 1},
                                               {5, 6},
                                               {-6, -5.5f},
                                               {1e30f, -1e30f, 0},
                                               {1e-38f, 2e-38f},
                                               {1e-45f, -1e-45f},
                                               {3e38f, 3e38f, 1},
                                               {NAN, 1},
                                               {INFINITY, 1, 2}};
  for (const std::vector<float> &values : all) {
    Statistics statistics = statisticsOf(values);
    for (RangeMethod method :
         {RangeMethod::MinMax, RangeMethod::Percentile, RangeMethod::Mse,
          RangeMethod::Entropy, RangeMethod::Auto})
      for (int32_t largest : {127, 255, 32767}) {
        const Interval range = chooseRange(statistics, method, 99.9, largest);
        EXPECT_LE(range.lo, range.hi);
        if (statistics.finiteCount() == 0) {
          EXPECT_EQ(range, Interval());
          continue;
        }
        EXPECT_GE(range.lo, statistics.min());
        EXPECT_LE(range.hi, statistics.max());
        EXPECT_TRUE(std::isfinite(range.lo) && std::isfinite(range.hi));
      }
  }
}

// Breaks if a range depends on how the rows were split or ordered.
TEST(RangeMethods, AnySplitGivesTheSameBits) {
  std::vector<float> values = laplace(5000, 7);
  Statistics whole = statisticsOf(values);
  std::reverse(values.begin(), values.end());
  Statistics parts(1);
  for (size_t start = 0; start < values.size(); start += 617) {
    Statistics part(1);
    part.add(std::span(values).subspan(
        start, std::min<size_t>(617, values.size() - start)));
    parts.merge(part);
  }
  for (RangeMethod method :
       {RangeMethod::Percentile, RangeMethod::Mse, RangeMethod::Entropy})
    EXPECT_EQ(chooseRange(whole, method, 99, eightBits),
              chooseRange(parts, method, 99, eightBits));
}
