//===- MeasuredRows.h - What rows say of a network --------------*- C++ -*-===//
//
// All that calibration takes from the rows, whatever the options are. Parts of
// the rows can be measured anywhere and merged in any order: the result has the
// bits of one pass over all of them. Its file is checked to the last number.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_CALIBRATE_MEASUREDROWS_H
#define QUANTC_CALIBRATE_MEASUREDROWS_H

#include "quantc/Calibrate/ExtremeRows.h"
#include "quantc/Calibrate/RowSample.h"
#include "quantc/Calibrate/Statistics.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mlir::qnet {

struct MeasuredRows {
  std::string network;              ///< networkDigest of what was run
  uint64_t rows = 0;                ///< measured
  uint64_t skippedRows = 0;         ///< left out because of a NaN
  std::vector<int64_t> inputWidths; ///< values a row of each input
  std::vector<Statistics> tensors;  ///< by observer
  RowSample sample;
  TrialRows trialRows;

  /// Adds what was measured of other rows; an error if the network is another.
  llvm::Error merge(const MeasuredRows &other);

  /// The same for the same rows, however they were split and ordered.
  std::string toBytes() const;
  /// `source` names the bytes in messages.
  static llvm::Expected<MeasuredRows> fromBytes(llvm::StringRef bytes,
                                                llvm::StringRef source);
  static llvm::Expected<MeasuredRows> readFile(llvm::StringRef path);
};

/// SHA-256 of what a network computes: ops, types, and constants by their
/// values. Names and locations, and notes on ops, do not count.
std::string networkDigest(ModuleOp module);

} // namespace mlir::qnet

#endif // QUANTC_CALIBRATE_MEASUREDROWS_H
