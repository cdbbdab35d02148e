//===- MomentsTest.cpp - second moments and their factors -----------------===//
#include "quantc/Numerics/Moments.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <random>

using namespace quantc::numerics;

namespace {

std::vector<float> makeRows(int64_t rows, int64_t width, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(rows * width);
  for (float &value : values)
    value = static_cast<float>(static_cast<int32_t>(generator())) * 0x1p-31f;
  return values;
}

} // namespace

// Breaks if a moment is not the sum over the rows in their order: layers would
// be rounded by other statistics than those of the data.
TEST(Moments, AreTheSumsOfProducts) {
  for (int64_t width : {1, 2, 7, 8, 9, 33})
    for (int64_t rows : {1, 31, 32, 65}) {
      const std::vector<float> values = makeRows(rows, width, 1);
      std::vector<uint64_t> counts(rows);
      double total = 0;
      for (int64_t r = 0; r < rows; ++r)
        total += static_cast<double>(counts[r] = 1 + r % 3);
      const std::vector<float> moment = secondMoment(values, width, counts);
      for (int64_t i = 0; i < width; ++i)
        for (int64_t j = 0; j < width; ++j) {
          const int64_t first = std::min(i, j), second = std::max(i, j);
          double sum = 0;
          for (int64_t r = 0; r < rows; ++r)
            sum += double(values[r * width + first]) * double(counts[r]) *
                   double(values[r * width + second]);
          EXPECT_EQ(moment[i * width + j], static_cast<float>(sum / total));
        }
    }
}

// Breaks if the factor is another matrix's.
TEST(Moments, FactorsGiveTheMatrixBack) {
  for (int64_t n : {1, 2, 7, 31, 32, 33, 70, 129}) {
    const std::vector<float> moment =
        secondMoment(makeRows(2 * n, n, 2), n, std::vector<uint64_t>(2 * n, 1));
    std::vector<double> factor(moment.begin(), moment.end());
    ASSERT_TRUE(factorUpper(factor, n));
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t t = 0; t < n; ++t)
          sum += factor[t * n + i] * factor[t * n + j];
        EXPECT_NEAR(sum, moment[i * n + j], 1e-6) << n << " " << i << " " << j;
        if (j < i) {
          EXPECT_EQ(factor[i * n + j], 0.0);
        }
      }
  }
}

// Breaks if a matrix without a factor is taken for one that has one.
TEST(Moments, RefusesWhatIsNotPositiveDefinite) {
  std::vector<double> singular = {1, 1, 1, 1};
  EXPECT_FALSE(factorUpper(singular, 2));
  std::vector<double> zero = {0};
  EXPECT_FALSE(factorUpper(zero, 1));
  std::vector<double> negative = {1, 0, 0, -1};
  EXPECT_FALSE(factorUpper(negative, 2));
  std::vector<double> undefined(40 * 40, std::nan(""));
  EXPECT_FALSE(factorUpper(undefined, 40));
  std::vector<double> infinite = {HUGE_VAL};
  EXPECT_FALSE(factorUpper(infinite, 1));
}

// Breaks if values that leave f32 give a moment that looks sound.
TEST(Moments, ShowWhatLeavesTheNumbers) {
  const std::vector<uint64_t> once = {1};
  EXPECT_FALSE(
      std::isfinite(secondMoment(std::vector<float>{1e30f}, 1, once)[0]));
  EXPECT_FALSE(std::isfinite(
      secondMoment(std::vector<float>{std::numeric_limits<float>::quiet_NaN()},
                   1, once)[0]));
}
