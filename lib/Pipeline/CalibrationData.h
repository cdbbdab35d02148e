//===- CalibrationData.h - What a compilation calibrates on -----*- C++ -*-===//
//
// Rows, which are run as often as networks are measured, or statistics of rows
// that were measured elsewhere. A network whose statistics are not among them
// is kept for whoever has the rows.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_PIPELINE_CALIBRATIONDATA_H
#define QUANTC_LIB_PIPELINE_CALIBRATIONDATA_H

#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Pipeline/Compile.h"

#include <map>

namespace mlir::qnet {

/// calibrate() of a module, on the data of a compilation.
using Calibrator = llvm::function_ref<FailureOr<CalibrationSummary>(
    ModuleOp, const CalibrationOptions &)>;

class CalibrationData {
public:
  explicit CalibrationData(const CompileOptions &options) : options(options) {}

  /// Reads and merges the statistics.
  llvm::Error open();

  /// Calibrates a prepared module. Errors are diagnostics; where statistics are
  /// missing there is none, but reportMissing has it.
  FailureOr<CalibrationSummary> calibrate(ModuleOp module,
                                          const CalibrationOptions &stage);

  /// Whether a network was met whose statistics are missing.
  bool isMissing() const { return missing.has_value(); }
  /// Writes that network where the options say, and tells so: an error.
  LogicalResult reportMissing(MLIRContext &context) const;

  /// Whether all statistics that were given served.
  llvm::Error checkUsed() const;

  /// SHA-256 of the statistics used last, which is the same for the same rows
  /// in any order; "" where rows were run.
  std::string digest() const;

private:
  struct Given {
    MeasuredRows measured;
    std::string path; ///< the first file's
    bool isUsed = false;
  };

  const CompileOptions &options;
  std::map<std::string, Given> statistics; ///< by network
  const Given *last = nullptr;
  std::optional<std::string> missing; ///< a network as bytecode
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_PIPELINE_CALIBRATIONDATA_H
