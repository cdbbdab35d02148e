//===- RowSource.h - Rows of input values, a block at a time ----*- C++ -*-===//
//
// Where calibration (and `quantc run`) gets its rows: .npy, .npz and .csv
// files. Files are hostile until checked: rank, width, element type, length
// and, in CSV, every cell. Memory does not grow with the number of rows.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_CALIBRATE_ROWSOURCE_H
#define QUANTC_CALIBRATE_ROWSOURCE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>

namespace mlir::qnet {

/// One input of the model, without its batch dimension.
struct RowShape {
  std::string name;
  llvm::SmallVector<int64_t> dimensions;

  int64_t values() const;
};

class RowSource {
public:
  virtual ~RowSource();

  /// Opens the files that hold the inputs' rows:
  /// - one .npz: an array for each input, by the input's name; or, for a model
  ///   with one input, an archive of one array of any name;
  /// - one .npy or .csv: the values of all inputs side by side, in their order;
  /// - as many files as inputs (several): one file an input, in their order.
  /// An array's dimensions after the first are the input's, or one flat
  /// dimension of as many values.
  static llvm::Expected<std::unique_ptr<RowSource>>
  open(llvm::ArrayRef<std::string> paths, llvm::ArrayRef<RowShape> inputs);

  /// At least one.
  int64_t rows() const { return rowCount; }

  /// Reads up to `count` further rows; into[i] has room for count rows of input
  /// i. Returns how many were read: less than `count` only at the end, then 0.
  virtual llvm::Expected<int64_t> next(int64_t count,
                                       llvm::ArrayRef<float *> into) = 0;

protected:
  int64_t rowCount = 0;
};

} // namespace mlir::qnet

#endif // QUANTC_CALIBRATE_ROWSOURCE_H
