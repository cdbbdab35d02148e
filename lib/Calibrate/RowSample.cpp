//===- RowSample.cpp - A bounded sample of the calibration rows -----------===//
#include "quantc/Calibrate/RowSample.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>

using namespace mlir::qnet;

static size_t bytesOf(const std::vector<float> &row) {
  return row.size() * sizeof(float);
}

static uint64_t hashOf(const std::vector<float> &row) {
  return llvm::xxh3_64bits(llvm::ArrayRef(
      reinterpret_cast<const uint8_t *>(row.data()), bytesOf(row)));
}

bool RowSample::Key::operator<(const Key &other) const {
  if (hash != other.hash)
    return hash < other.hash;
  return !row.empty() &&
         std::memcmp(row.data(), other.row.data(), bytesOf(row)) < 0;
}

bool RowSample::Key::operator==(const Key &other) const {
  return hash == other.hash && bytesOf(row) == bytesOf(other.row) &&
         !(*this < other) && !(other < *this);
}

RowSample::RowSample(std::vector<int64_t> inputWidths, int64_t mostRows,
                     int64_t mostBytes)
    : widths(std::move(inputWidths)),
      rowWidth(std::accumulate(widths.begin(), widths.end(), int64_t(0))),
      mostRows(std::max<int64_t>(
          1, std::min(mostRows, mostBytes / static_cast<int64_t>(
                                                sizeof(Key) + sizeof(uint64_t) +
                                                rowWidth * sizeof(float))))) {}

/// Whether a row of that hash has no place in the full sample.
bool RowSample::isBeyond(uint64_t hash) const {
  return rows() >= mostRows && hash > kept.rbegin()->first.hash;
}

void RowSample::offer(Key key, uint64_t count) {
  if (isBeyond(key.hash))
    return;
  // A row that is in the sample at the end was so from its first coming on, so
  // no coming of it is missed.
  kept[std::move(key)] += count;
  if (rows() > mostRows)
    kept.erase(std::prev(kept.end()));
}

void RowSample::add(std::span<const float *const> inputs, int64_t rows) {
  assert(inputs.size() == widths.size() && "one buffer an input");
  std::vector<float> scratch(rowWidth);
  for (int64_t row = 0; row < rows; ++row) {
    float *to = scratch.data();
    for (auto [values, width] : llvm::zip_equal(inputs, widths))
      // + 0: the two zeros are one number.
      to = std::transform(values + row * width, values + (row + 1) * width, to,
                          [](float x) { return x + 0.0f; });
    const uint64_t hash = hashOf(scratch);
    if (!isBeyond(hash))
      offer({hash, scratch}, 1);
  }
}

void RowSample::merge(const RowSample &other) {
  assert(other.widths == widths && other.mostRows == mostRows &&
         "samples of the same inputs and bounds");
  for (const auto &[key, count] : other.kept)
    offer(key, count);
}

std::vector<float> RowSample::values(int64_t input) const {
  const int64_t first =
      std::accumulate(widths.begin(), widths.begin() + input, int64_t(0));
  std::vector<float> result;
  result.reserve(rows() * widths[input]);
  for (const auto &entry : kept)
    result.insert(result.end(), entry.first.row.begin() + first,
                  entry.first.row.begin() + first + widths[input]);
  return result;
}

std::vector<uint64_t> RowSample::counts() const {
  std::vector<uint64_t> result;
  for (const auto &entry : kept)
    result.push_back(entry.second);
  return result;
}
