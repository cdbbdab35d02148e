//===- CsvFile.h - Rows of numbers in a text file ---------------*- C++ -*-===//
#ifndef QUANTC_LIB_CALIBRATE_CSVFILE_H
#define QUANTC_LIB_CALIBRATE_CSVFILE_H

#include "quantc/Calibrate/NumpyFile.h"

namespace mlir::qnet {

/// Comma-separated numbers, one row a line, '.' as the decimal point. The first
/// line is a header if any of its cells is no number. Cells may be in double
/// quotes and have blanks around them; empty lines are passed over. Every other
/// deviation is an error with its line and column.
class CsvFile {
public:
  static llvm::Expected<CsvFile> open(llvm::StringRef path);

  int64_t rows() const { return rowCount; }
  /// Cells in the first row.
  int64_t width() const { return columnCount; }
  /// Reads up to `count` further rows of `width()` values.
  llvm::Expected<int64_t> next(int64_t count,
                               llvm::MutableArrayRef<float> into);

private:
  explicit CsvFile(std::shared_ptr<FileBytes> file) : file(std::move(file)) {}

  /// The next line without its end, or nothing at the end of the file.
  llvm::Expected<std::optional<llvm::StringRef>> nextLine();
  llvm::Error parseRow(llvm::StringRef line,
                       llvm::MutableArrayRef<float> into) const;
  void rewind();

  std::shared_ptr<FileBytes> file;
  std::vector<char> buffer;
  size_t position = 0;
  uint64_t fileOffset = 0;
  int64_t lineNumber = 0;
  int64_t rowCount = 0, columnCount = 0;
  bool hasHeader = false, passedHeader = false;
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_CALIBRATE_CSVFILE_H
