//===- RowSample.h - A bounded sample of the calibration rows ---*- C++ -*-===//
//
// Of a stream of any length, the distinct rows with the smallest hashes of
// their content (a bottom-k sketch: Cohen and Kaplan, "Summarizing data using
// bottom-k sketches", PODC 2007), each with the number of times it came. Which
// rows are kept depends on the set of rows alone, so any split and order of
// them, and any order of merging, gives the same sample; and what is computed
// from it, in its order, has the same bits.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_CALIBRATE_ROWSAMPLE_H
#define QUANTC_CALIBRATE_ROWSAMPLE_H

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace mlir::qnet {

class ByteReader;
class ByteWriter;

class RowSample {
public:
  static constexpr int64_t kMostRows = 2048;
  static constexpr int64_t kMostBytes = int64_t(64) << 20;

  RowSample() = default;
  /// Of rows with that many values of each input: at most `mostRows`, and no
  /// more than `mostBytes` hold, but always one.
  explicit RowSample(std::vector<int64_t> inputWidths,
                     int64_t mostRows = kMostRows,
                     int64_t mostBytes = kMostBytes);

  /// Offers rows; inputs[i] has rows * width(i) values.
  void add(std::span<const float *const> inputs, int64_t rows);
  /// Offers all that `other`, of the same inputs and bounds, holds.
  void merge(const RowSample &other);

  int64_t inputs() const { return static_cast<int64_t>(widths.size()); }
  int64_t width(int64_t input) const { return widths[input]; }
  /// Distinct rows held.
  int64_t rows() const { return static_cast<int64_t>(kept.size()); }
  /// The most that can be held.
  int64_t capacity() const { return mostRows; }
  bool empty() const { return kept.empty(); }

  /// The values of one input, rows x width, in the sample's order.
  std::vector<float> values(int64_t input) const;
  /// How often each row came, in the same order.
  std::vector<uint64_t> counts() const;

  bool operator==(const RowSample &) const = default;

  /// To and from a file (MeasuredRows.h). What is read is a sample of `total`
  /// rows, of the inputs and bounds that this one has; false is a fault of the
  /// reader.
  void write(ByteWriter &to) const;
  bool read(ByteReader &from, uint64_t total);

private:
  /// In order of the hash; rows of equal hashes by their bits.
  struct Key {
    uint64_t hash = 0;
    std::vector<float> row; ///< all inputs, one behind the other

    bool operator<(const Key &other) const;
    bool operator==(const Key &other) const;
  };

  void offer(Key key, uint64_t count);
  bool isBeyond(uint64_t hash) const;

  std::vector<int64_t> widths;
  int64_t rowWidth = 0;
  int64_t mostRows = 0;
  std::map<Key, uint64_t> kept; ///< to the count
};

} // namespace mlir::qnet

#endif // QUANTC_CALIBRATE_ROWSAMPLE_H
