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

} // namespace mlir::qnet

#endif // QUANTC_CALIBRATE_EXTREMEROWS_H
