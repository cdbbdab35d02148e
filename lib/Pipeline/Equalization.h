//===- Equalization.h - rescale hidden channels -----------------*- C++ -*-===//
#ifndef QUANTC_LIB_PIPELINE_EQUALIZATION_H
#define QUANTC_LIB_PIPELINE_EQUALIZATION_H

#include "MeasuredPruning.h"

namespace mlir::qnet {

/// What --equalize asks for, on a prepared (and pruned) module whose ranges are
/// yet to be taken. By activations, the rows are run through it first. Values of
/// a range that the user fixed, of `given` too, keep the scale that it was fixed
/// in. Errors are diagnostics.
LogicalResult equalize(ModuleOp module, const CompileOptions &options,
                       const CalibrationOptions &calibration,
                       const CalibrationSummary &given, RowOpener open,
                       RunnerFactory makeRunner);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PIPELINE_EQUALIZATION_H
