//===- StatisticsBytes.cpp - Statistics to and from bytes -----------------===//
//
// Equal statistics have equal bytes. What is read is hostile: each number is
// held against the others, so that what was read could have been measured.
//
//===----------------------------------------------------------------------===//
#include "ByteStream.h"

#include "quantc/Calibrate/ExtremeRows.h"
#include "quantc/Calibrate/RowSample.h"
#include "quantc/Calibrate/Statistics.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir::qnet;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Whether a number is as statistics keep it: -0 became +0.
static bool isCanonical(float value) {
  return llvm::bit_cast<uint32_t>(value) != 0x80000000u;
}

static bool readRow(ByteReader &from, int64_t width, std::vector<float> &row) {
  return from.numbers(static_cast<uint64_t>(width), row) &&
         from.require(llvm::all_of(row, isCanonical),
                      "a row holds a zero with a sign");
}

static uint64_t hashOf(const std::vector<float> &row) {
  return llvm::xxh3_64bits(
      llvm::ArrayRef(reinterpret_cast<const uint8_t *>(row.data()),
                     row.size() * sizeof(float)));
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

void Histogram::write(ByteWriter &to) const {
  to.number(widthExponent);
  to.number(static_cast<uint32_t>(
      llvm::count_if(counts, [](uint64_t count) { return count != 0; })));
  for (int32_t bin = 0; bin < bins; ++bin)
    if (counts[bin] != 0) {
      to.number(bin);
      to.number(counts[bin]);
    }
}

bool Histogram::read(ByteReader &from, uint64_t total, float maxMagnitude) {
  Histogram empty;
  empty.add({}, maxMagnitude);
  *this = empty;
  int32_t exponent = 0;
  uint32_t filled = 0;
  if (!from.number(exponent) || !from.number(filled) ||
      !from.require(exponent == widthExponent,
                    "a histogram has bins of another width than its values "
                    "give"))
    return false;
  uint64_t sum = 0;
  for (int32_t last = -1; filled > 0; --filled) {
    int32_t bin = 0;
    uint64_t count = 0;
    if (!from.number(bin) || !from.number(count) ||
        !from.require(bin > last && bin < bins && count > 0 &&
                          count <= total - sum,
                      "a histogram's counts are not those of its values"))
      return false;
    counts[bin] = count;
    sum += count;
    last = bin;
  }
  return from.require(sum == total,
                      "a histogram's counts are not those of its values");
}

void ExactSum::write(ByteWriter &to) const {
  to.number(static_cast<uint64_t>(coarse));
  to.number(static_cast<int64_t>(coarse >> 64));
  to.number(middle);
  to.number(fine);
}

bool ExactSum::read(ByteReader &from, uint64_t count) {
  uint64_t low = 0;
  int64_t high = 0;
  if (!from.number(low) || !from.number(high) || !from.number(middle) ||
      !from.number(fine))
    return false;
  coarse = (static_cast<__int128>(high) << 64) | low;
  constexpr int64_t half = int64_t(1) << (limbBits - 1);
  constexpr int largestBits = 35 + coarseBits; // of one value
  const __int128 most = (static_cast<__int128>(count) << largestBits) + 1;
  const bool isNormal =
      middle >= -half && middle < half && fine >= -half && fine < half;
  const bool isPossible = count == 0 ? coarse == 0 && middle == 0 && fine == 0
                                     : coarse >= -most && coarse <= most;
  return from.require(isNormal && isPossible, "a sum is out of bounds");
}

void Statistics::write(ByteWriter &to) const {
  to.number(static_cast<uint64_t>(channelMin.size()));
  to.number(total);
  to.number(nans);
  to.number(infinities);
  for (size_t channel = 0; channel < channelMin.size(); ++channel) {
    to.number(channelSkipped[channel]);
    to.number(channelMin[channel]);
    to.number(channelMax[channel]);
    channelSum[channel].write(to);
  }
  distribution.write(to);
}

bool Statistics::readChannel(ByteReader &from, size_t channel) {
  const uint64_t each = total / channelMin.size();
  float &low = channelMin[channel], &high = channelMax[channel];
  uint64_t &skipped = channelSkipped[channel];
  if (!from.number(skipped) || !from.number(low) || !from.number(high) ||
      !from.require(skipped <= each, "a channel leaves out more than it has"))
    return false;
  const bool isEmpty = skipped == each;
  const bool isRange = std::isfinite(low) && std::isfinite(high) &&
                       low <= high && isCanonical(low) && isCanonical(high);
  return from.require(isEmpty ? low == kInfinity && high == -kInfinity
                              : isRange,
                      "a channel's smallest and largest values are no range") &&
         channelSum[channel].read(from, each - skipped);
}

bool Statistics::read(ByteReader &from) {
  constexpr uint64_t bytesOfChannel = 48;
  uint64_t channelCount = 0;
  if (!from.number(channelCount) || !from.number(total) || !from.number(nans) ||
      !from.number(infinities) || !from.holds(channelCount, bytesOfChannel) ||
      !from.require(channelCount > 0 && total % channelCount == 0 &&
                        nans <= total && infinities <= total - nans,
                    "counts of values contradict each other"))
    return false;
  const uint64_t all = total, nanCount = nans, infinityCount = infinities;
  *this = Statistics(static_cast<int64_t>(channelCount));
  total = all;
  nans = nanCount;
  infinities = infinityCount;
  uint64_t left = nans + infinities;
  float magnitude = 0;
  for (size_t channel = 0; channel < channelCount; ++channel) {
    if (!readChannel(from, channel) ||
        !from.require(channelSkipped[channel] <= left,
                      "counts of values contradict each other"))
      return false;
    left -= channelSkipped[channel];
    if (channelMin[channel] <= channelMax[channel])
      magnitude = std::max({magnitude, std::fabs(channelMin[channel]),
                            std::fabs(channelMax[channel])});
  }
  return from.require(left == 0, "counts of values contradict each other") &&
         distribution.read(from, finiteCount(), magnitude);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

void RowSample::write(ByteWriter &to) const {
  to.number(static_cast<uint64_t>(kept.size()));
  for (const auto &[key, count] : kept) {
    to.number(count);
    to.numbers(llvm::ArrayRef(key.row));
  }
}

bool RowSample::read(ByteReader &from, uint64_t total) {
  uint64_t count = 0;
  if (!from.number(count) ||
      !from.require(count <= static_cast<uint64_t>(mostRows),
                    "a sample holds more rows than it may"))
    return false;
  kept.clear();
  uint64_t left = total;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t times = 0;
    Key key;
    if (!from.number(times) || !readRow(from, rowWidth, key.row))
      return false;
    key.hash = hashOf(key.row);
    if (!from.require(times > 0 && times <= left &&
                          (kept.empty() || kept.rbegin()->first < key),
                      "the rows of a sample are not in their order"))
      return false;
    left -= times;
    kept.emplace_hint(kept.end(), std::move(key), times);
  }
  return from.require(rows() == mostRows || left == 0,
                      "a sample lacks rows that it has room for");
}

void ExtremeRows::write(ByteWriter &to) const {
  to.number(static_cast<uint64_t>(kept.size()));
  for (const auto &[entry, count] : kept) {
    to.number(entry.key + 0.0f);
    to.number(count);
    to.numbers(llvm::ArrayRef(entry.row));
  }
}

bool ExtremeRows::read(ByteReader &from, int64_t width, uint64_t total) {
  uint64_t count = 0;
  if (!from.number(count) ||
      !from.require(count <= static_cast<uint64_t>(mostRows),
                    "there are more extreme rows than may be"))
    return false;
  kept.clear();
  uint64_t left = total;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t times = 0;
    Entry entry{0, 0, {}};
    if (!from.number(entry.key) || !from.number(times) ||
        !readRow(from, width, entry.row))
      return false;
    entry.hash = hashOf(entry.row);
    if (!from.require(std::isfinite(entry.key) && isCanonical(entry.key) &&
                          times > 0 && times <= left &&
                          (kept.empty() || kept.rbegin()->first < entry),
                      "extreme rows are not in their order"))
      return false;
    left -= times;
    kept.emplace_hint(kept.end(), std::move(entry), times);
  }
  return true;
}

void TrialRows::write(ByteWriter &to) const {
  for (const ExtremeRows &side : extremes)
    side.write(to);
}

bool TrialRows::read(ByteReader &from, uint64_t total) {
  int64_t width = 0;
  for (int64_t input : widths)
    width += input;
  return llvm::all_of(extremes, [&](ExtremeRows &side) {
    return side.read(from, width, total);
  });
}
