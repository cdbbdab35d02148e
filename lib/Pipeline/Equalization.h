//===- Equalization.h - rescale and split hidden channels -------*- C++ -*-===//
#ifndef QUANTC_LIB_PIPELINE_EQUALIZATION_H
#define QUANTC_LIB_PIPELINE_EQUALIZATION_H

#include "MeasuredPruning.h"

namespace mlir::qnet {

/// Rescales by "weights" or "activations" ("none" does nothing) a prepared (and
/// pruned) module whose ranges are yet to be taken. By activations, the rows
/// are run through it first. Values of a range that the user fixed, of `given`
/// too, keep the scale that it was fixed in. Errors are diagnostics.
LogicalResult equalize(ModuleOp module, StringRef how,
                       const CalibrationOptions &calibration,
                       const CalibrationSummary &given, Calibrator calibrator);

/// Splits hidden channels as `how` says (parseSplit), under the same
/// conditions.
LogicalResult splitChannels(ModuleOp module, const SplitChoice &how,
                            const CalibrationOptions &calibration,
                            const CalibrationSummary &given,
                            Calibrator calibrator);

/// Of "none", "weights" and "activations" the one with which the program is
/// nearest to the float network on up to `mostRows` of the sample of rows;
/// "none" unless another gains something, or where nothing can be measured.
/// `compile` calibrates and quantizes a rescaled module, and gives the sample.
std::string chooseEqualization(
    ModuleOp module, int64_t mostRows,
    llvm::function_ref<LogicalResult(ModuleOp, StringRef how)> rescale,
    llvm::function_ref<FailureOr<RowSample>(ModuleOp)> compile);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PIPELINE_EQUALIZATION_H
