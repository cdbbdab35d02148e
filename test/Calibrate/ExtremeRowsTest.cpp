//===- ExtremeRowsTest.cpp - the rows that a narrow range would clip ------===//
#include "quantc/Calibrate/ExtremeRows.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace mlir::qnet;

// Breaks if rows other than those of the largest keys are kept, or if equal
// ones are counted apart.
TEST(ExtremeRows, KeepsTheLargest) {
  ExtremeRows rows(2);
  rows.offer(1, {1, 1});
  rows.offer(3, {3, 3});
  rows.offer(2, {2, 2});
  rows.offer(3, {3, 3});
  EXPECT_FALSE(rows.mayHold(1.5f));
  EXPECT_TRUE(rows.mayHold(2.5f));
  const auto kept = rows.rows();
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0], std::pair(std::vector<float>({3, 3}), uint64_t(2)));
  EXPECT_EQ(kept[1], std::pair(std::vector<float>({2, 2}), uint64_t(1)));
}

// Breaks if the rows kept, or their counts, depend on order or split, also
// where many have the same key.
TEST(ExtremeRows, AnySplitAndOrderGiveTheSame) {
  std::mt19937 generator(1);
  std::vector<std::pair<float, std::vector<float>>> offers;
  for (int i = 0; i < 500; ++i) {
    const auto key = float(generator() % 7);
    offers.push_back({key, {key, float(generator() % 40)}});
  }
  ExtremeRows whole(9);
  for (auto &[key, row] : offers)
    whole.offer(key, row);
  for (int trial = 0; trial < 20; ++trial) {
    std::shuffle(offers.begin(), offers.end(), generator);
    std::vector<ExtremeRows> parts(3, ExtremeRows(9));
    for (auto &[key, row] : offers)
      if (ExtremeRows &part = parts[generator() % 3]; part.mayHold(key))
        part.offer(key, row);
    parts[0].merge(parts[2]);
    parts[1].merge(parts[0]);
    EXPECT_TRUE(parts[1] == whole) << trial;
  }
}

// Breaks if a row's extremes are wrong at some width, or special values count.
TEST(ExtremeRows, ExtremesOfRows) {
  std::mt19937 generator(2);
  for (int64_t width : {1, 3, 8, 9, 31}) {
    std::vector<float> values;
    for (int64_t i = 0; i < 4 * width; ++i)
      values.push_back(float(int32_t(generator())));
    values[width] = INFINITY;
    values[2 * width] = NAN;
    values[3 * width] = -INFINITY;
    std::vector<float> largest, smallest;
    rowExtremes(values, 4, width, largest, smallest);
    for (int64_t row = 0; row < 4; ++row) {
      float high = -INFINITY, low = INFINITY;
      for (int64_t k = 0; k < width; ++k)
        if (float x = values[row * width + k]; std::isfinite(x)) {
          high = std::max(high, x);
          low = std::min(low, x);
        }
      EXPECT_EQ(largest[row], high) << width;
      EXPECT_EQ(smallest[row], low) << width;
    }
  }
}
