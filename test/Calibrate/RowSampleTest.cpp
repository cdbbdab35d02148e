//===- RowSampleTest.cpp - the sample does not depend on the order --------===//
#include "quantc/Calibrate/RowSample.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <numeric>
#include <random>

using namespace mlir::qnet;

namespace {

constexpr int64_t kWidth = 3;

/// Rows of small integers: `distinct` different ones, in turn.
std::vector<float> makeRows(int64_t rows, int64_t distinct) {
  std::vector<float> values(rows * kWidth);
  for (int64_t row = 0; row < rows; ++row) {
    std::mt19937 generator(static_cast<uint32_t>(row % distinct));
    for (int64_t k = 0; k < kWidth; ++k)
      values[row * kWidth + k] =
          static_cast<float>(static_cast<int32_t>(generator() % 2001) - 1000);
  }
  return values;
}

void addTo(RowSample &sample, const float *values, int64_t rows) {
  const float *inputs[] = {values};
  sample.add(inputs, rows);
}

RowSample sampleOf(const std::vector<float> &values, int64_t mostRows) {
  RowSample sample({kWidth}, mostRows);
  addTo(sample, values.data(), static_cast<int64_t>(values.size()) / kWidth);
  return sample;
}

} // namespace

// Breaks if the sample depends on how rows are split, on their order or on that
// of merging: all that is computed from it would, too.
TEST(RowSample, AnySplitAndOrderGiveTheSameSample) {
  constexpr int64_t rows = 1000;
  for (int64_t mostRows : {1, 7, 64, 5000}) {
    const std::vector<float> values = makeRows(rows, 300);
    const RowSample whole = sampleOf(values, mostRows);
    EXPECT_EQ(whole.rows(), std::min<int64_t>(mostRows, 300));
    std::mt19937 generator(1);
    for (int trial = 0; trial < 10; ++trial) {
      std::vector<int64_t> order(rows);
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.end(), generator);
      std::vector<RowSample> parts(1 + trial % 4,
                                   RowSample({kWidth}, mostRows));
      for (int64_t row : order)
        addTo(parts[generator() % parts.size()], values.data() + row * kWidth,
              1);
      std::shuffle(parts.begin(), parts.end(), generator);
      RowSample merged({kWidth}, mostRows);
      for (const RowSample &part : parts)
        merged.merge(part);
      EXPECT_TRUE(merged == whole) << "trial " << trial;
      EXPECT_EQ(merged.values(0), whole.values(0));
      EXPECT_EQ(merged.counts(), whole.counts());
    }
  }
}

// Breaks if a row that comes often takes more than one place, or if its count
// is not how often it came.
TEST(RowSample, CountsEachRow) {
  RowSample sample = sampleOf(makeRows(1000, 8), 100);
  EXPECT_EQ(sample.rows(), 8);
  EXPECT_EQ(sample.counts(), std::vector<uint64_t>(8, 125));
  // In a full sample too.
  EXPECT_EQ(sampleOf(makeRows(1000, 8), 3).counts(),
            std::vector<uint64_t>(3, 125));
}

// Breaks if a sample outgrows its bounds, or has no row at all.
TEST(RowSample, KeepsItsBounds) {
  EXPECT_EQ(RowSample({784}).capacity(), RowSample::kMostRows);
  const RowSample wide({1 << 20});
  EXPECT_LE(wide.capacity() * (int64_t(4) << 20), RowSample::kMostBytes);
  EXPECT_GE(wide.capacity(), 15);
  EXPECT_EQ(RowSample({int64_t(1) << 40}).capacity(), 1);
  RowSample small = sampleOf(makeRows(5000, 5000), 10);
  EXPECT_EQ(small.rows(), 10);
  EXPECT_EQ(small.values(0).size(), size_t(10 * kWidth));
}

// Breaks if the sample prefers some rows: its mean would not be the rows'.
TEST(RowSample, IsASampleOfAll) {
  std::vector<float> values(20000 * kWidth);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i / kWidth);
  const std::vector<float> kept = sampleOf(values, 2000).values(0);
  const double mean = std::accumulate(kept.begin(), kept.end(), 0.0) /
                      static_cast<double>(kept.size());
  EXPECT_NEAR(mean, 10000, 4 * 20000 / std::sqrt(12.0 * 2000));
}

// Breaks if the inputs of a row are mixed up, or the two zeros are two rows.
TEST(RowSample, SplitsRowsIntoTheirInputs) {
  RowSample sample({1, 2}, 10);
  const float first[] = {1, 2, 1}, second[] = {10, -0.0f, 20, 21, 10, 0};
  const float *inputs[] = {first, second};
  sample.add(inputs, 3);
  ASSERT_EQ(sample.rows(), 2);
  const std::vector<float> singles = sample.values(0), pairs = sample.values(1);
  for (int64_t row = 0; row < 2; ++row) {
    EXPECT_EQ(pairs[2 * row], 10 * singles[row]);
    EXPECT_EQ(sample.counts()[row], singles[row] == 1 ? 2u : 1u);
  }
}
