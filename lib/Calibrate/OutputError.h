//===- OutputError.h - Ranges by what they do to the outputs ----*- C++ -*-===//
#ifndef QUANTC_LIB_CALIBRATE_OUTPUTERROR_H
#define QUANTC_LIB_CALIBRATE_OUTPUTERROR_H

#include "ObservedValues.h"
#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Calibrate/ExtremeRows.h"

namespace mlir::qnet {

/// Notes in `summary` what each range of a stored value does to the outputs.
/// With the method Auto it replaces min-max ranges by better ones first, and
/// notes what was tried and why. `module` is the prepared graph, as it was
/// measured. Fails, with an error, only where the graph cannot be run.
LogicalResult measureByOutput(ModuleOp module, ArrayRef<ObservedValue> values,
                              ArrayRef<Statistics> statistics,
                              const TrialRows &extremes,
                              RunnerFactory makeRunner,
                              const CalibrationOptions &options,
                              CalibrationSummary &summary);

} // namespace mlir::qnet

#endif // QUANTC_LIB_CALIBRATE_OUTPUTERROR_H
