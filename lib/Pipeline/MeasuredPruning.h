//===- MeasuredPruning.h - prune once the rows have been seen ---*- C++ -*-===//
#ifndef QUANTC_LIB_PIPELINE_MEASUREDPRUNING_H
#define QUANTC_LIB_PIPELINE_MEASUREDPRUNING_H

#include "CalibrationData.h"

#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Pipeline/Compile.h"

namespace mlir::qnet {

/// Whether the compilation prunes with its rows in the stage Calibrate, in
/// place of Prepare, which has none.
bool prunesWithRows(const CompileOptions &options);

/// Runs the rows through the module and leaves on it what was measured, but no
/// ranges: means, and with `secondMoments` those of the layers' inputs.
LogicalResult measureStatistics(ModuleOp module, CalibrationOptions calibration,
                                Calibrator calibrator, bool secondMoments);

/// Takes it away again: it belongs to the network as it was then.
void dropStatistics(ModuleOp module);

/// Folds and prunes a prepared module. Where that takes second moments or
/// means, the rows are run through it first. Their ranges are dropped: those of
/// the pruned network are others. Errors are diagnostics.
LogicalResult pruneWithRows(ModuleOp module, const CompileOptions &options,
                            CalibrationOptions calibration,
                            Calibrator calibrator);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PIPELINE_MEASUREDPRUNING_H
