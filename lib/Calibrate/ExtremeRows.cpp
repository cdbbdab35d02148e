//===- ExtremeRows.cpp - The rows in which a value is largest -------------===//
#include "quantc/Calibrate/ExtremeRows.h"

#include "quantc/Numerics/CpuClones.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir::qnet;

/// Rows kept for either end of a value, and their memory.
static constexpr int64_t kExtremeRows = 8;
static constexpr int64_t kExtremeBytes = int64_t(16) << 20;

static size_t bytesOf(const std::vector<float> &row) {
  return row.size() * sizeof(float);
}

bool ExtremeRows::Entry::operator<(const Entry &other) const {
  if (key != other.key)
    return key > other.key;
  if (hash != other.hash)
    return hash < other.hash;
  return !row.empty() &&
         std::memcmp(row.data(), other.row.data(), bytesOf(row)) < 0;
}

bool ExtremeRows::operator==(const ExtremeRows &other) const {
  return rows() == other.rows();
}

void ExtremeRows::offer(float key, std::vector<float> row, uint64_t count) {
  for (float &x : row)
    x += 0.0f; // the two zeros are one number
  Entry entry{key, 0, std::move(row)};
  entry.hash = llvm::xxh3_64bits(llvm::ArrayRef(
      reinterpret_cast<const uint8_t *>(entry.row.data()), bytesOf(entry.row)));
  // A row that is here at the end was so from its first coming on, so no coming
  // of it is missed.
  kept[std::move(entry)] += count;
  if (static_cast<int64_t>(kept.size()) > mostRows)
    kept.erase(std::prev(kept.end()));
}

void ExtremeRows::merge(const ExtremeRows &other) {
  for (const auto &[entry, count] : other.kept)
    if (mayHold(entry.key))
      offer(entry.key, entry.row, count);
}

std::vector<std::pair<std::vector<float>, uint64_t>> ExtremeRows::rows() const {
  std::vector<std::pair<std::vector<float>, uint64_t>> result;
  for (const auto &[entry, count] : kept)
    result.emplace_back(entry.row, count);
  return result;
}

QUANTC_CPU_CLONES
static void findExtremes(const float *values, int64_t rows, int64_t width,
                         float *largest, float *smallest) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr int64_t lanes = 8; // so that the compiler may use vectors
  for (int64_t row = 0; row < rows; ++row) {
    const float *x = values + row * width;
    std::array<float, lanes> high, low;
    high.fill(-infinity);
    low.fill(infinity);
    // Comparisons are false for NaN, and infinities compare as too far.
    auto take = [&](int64_t lane, float value) {
      high[lane] =
          ((value > high[lane]) & (value < infinity)) ? value : high[lane];
      low[lane] =
          ((value < low[lane]) & (value > -infinity)) ? value : low[lane];
    };
    int64_t k = 0;
    for (; k + lanes <= width; k += lanes)
      for (int64_t lane = 0; lane < lanes; ++lane)
        take(lane, x[k + lane]);
    for (; k < width; ++k)
      take(0, x[k]);
    largest[row] = *std::max_element(high.begin(), high.end());
    smallest[row] = *std::min_element(low.begin(), low.end());
  }
}

void mlir::qnet::rowExtremes(std::span<const float> values, int64_t rows,
                             int64_t width, std::vector<float> &largest,
                             std::vector<float> &smallest) {
  largest.resize(rows);
  smallest.resize(rows);
  findExtremes(values.data(), rows, width, largest.data(), smallest.data());
}

TrialRows::TrialRows(std::vector<int64_t> inputWidths, size_t stored)
    : widths(std::move(inputWidths)) {
  int64_t rowBytes = 1;
  for (int64_t width : widths)
    rowBytes += width * static_cast<int64_t>(sizeof(float));
  const auto sides = static_cast<int64_t>(2 * stored);
  if (sides > 0)
    extremes.assign(sides,
                    ExtremeRows(std::clamp<int64_t>(
                        kExtremeBytes / (sides * rowBytes), 1, kExtremeRows)));
}

void TrialRows::add(size_t index, std::span<const float> values,
                    int64_t valuesPerRow, std::span<const float *const> inputs,
                    int64_t rows) {
  std::vector<float> largest, smallest;
  rowExtremes(values, rows, valuesPerRow, largest, smallest);
  auto offer = [&](ExtremeRows &side, float key, int64_t row) {
    if (!std::isfinite(key) || !side.mayHold(key))
      return;
    std::vector<float> joined;
    for (auto [input, width] : llvm::zip_equal(inputs, widths))
      joined.insert(joined.end(), input + row * width,
                    input + (row + 1) * width);
    side.offer(key, std::move(joined));
  };
  for (int64_t row = 0; row < rows; ++row) {
    offer(extremes[2 * index], largest[row], row);
    offer(extremes[2 * index + 1], -smallest[row], row);
  }
}

void TrialRows::merge(const TrialRows &other) {
  assert(other.extremes.size() == extremes.size() && "of the same values");
  for (auto [mine, theirs] : llvm::zip_equal(extremes, other.extremes))
    mine.merge(theirs);
}
