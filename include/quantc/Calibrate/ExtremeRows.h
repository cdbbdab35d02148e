//===- ExtremeRows.h - The rows in which a value is largest -----*- C++ -*-===//
//
// What a narrower range does shows in few rows, and a sample may miss them all.
// Of a stream of any length, the distinct rows of the largest keys are kept,
// those of equal keys by the hash of their content; as with RowSample, any
// split and order of the rows gives the same ones.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_CALIBRATE_EXTREMEROWS_H
#define QUANTC_CALIBRATE_EXTREMEROWS_H

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace mlir::qnet {

class ByteReader;
class ByteWriter;

class ExtremeRows {
public:
  explicit ExtremeRows(int64_t mostRows) : mostRows(mostRows) {}

  /// Whether a row of that key may have a place; most have none.
  bool mayHold(float key) const {
    return static_cast<int64_t>(kept.size()) < mostRows ||
           key >= kept.rbegin()->first.key;
  }
  /// Offers a row: the values of all inputs, one input behind the other.
  void offer(float key, std::vector<float> row, uint64_t count = 1);
  void merge(const ExtremeRows &other);

  /// The rows, the largest key first, and how often each came.
  std::vector<std::pair<std::vector<float>, uint64_t>> rows() const;

  bool operator==(const ExtremeRows &other) const;

  /// To and from a file (MeasuredRows.h). What is read is of `total` rows of
  /// `width` values; false is a fault of the reader.
  void write(ByteWriter &to) const;
  bool read(ByteReader &from, int64_t width, uint64_t total);

private:
  struct Entry {
    float key;
    uint64_t hash;
    std::vector<float> row;

    bool operator<(const Entry &other) const;
  };

  int64_t mostRows;
  std::map<Entry, uint64_t> kept; ///< to the count
};

/// The largest and the smallest of each row's finite values; -inf and +inf
/// where there are none.
void rowExtremes(std::span<const float> values, int64_t rows, int64_t width,
                 std::vector<float> &largest, std::vector<float> &smallest);

/// The rows in which each stored value is largest and smallest: what shows what
/// its range does.
class TrialRows {
public:
  TrialRows() = default;
  /// For `stored` values, of inputs of those widths.
  TrialRows(std::vector<int64_t> widths, size_t stored);

  /// Offers the rows of a block for the stored value of that index.
  void add(size_t index, std::span<const float> values, int64_t valuesPerRow,
           std::span<const float *const> inputs, int64_t rows);
  void merge(const TrialRows &other);

  /// Of as many values.
  size_t stored() const { return extremes.size() / 2; }
  /// Two a value: where it is largest, and where it is smallest.
  const std::vector<ExtremeRows> &all() const { return extremes; }

  bool operator==(const TrialRows &) const = default;

  /// To and from a file, likewise.
  void write(ByteWriter &to) const;
  bool read(ByteReader &from, uint64_t total);

private:
  std::vector<int64_t> widths;
  std::vector<ExtremeRows> extremes;
};

} // namespace mlir::qnet

#endif // QUANTC_CALIBRATE_EXTREMEROWS_H
