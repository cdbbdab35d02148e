//===- FixedRanges.h - Ranges that the user gives ---------------*- C++ -*-===//
#ifndef QUANTC_LIB_CALIBRATE_FIXEDRANGES_H
#define QUANTC_LIB_CALIBRATE_FIXEDRANGES_H

#include "ObservedValues.h"
#include "quantc/Calibrate/Calibrate.h"

#include <map>

namespace mlir::qnet {

/// The ranges given in the options, by the number of the value. Fails, with an
/// error, on a name that no value or several have, and on ranges of another
/// model.
FailureOr<std::map<int64_t, Interval>>
fixedRanges(ModuleOp module, ArrayRef<ObservedValue> values,
            const CalibrationOptions &options);

/// Fails, with an error, unless there is a sound range for each value, in the
/// order of the values and under their names.
LogicalResult checkRanges(ModuleOp module, ArrayRef<ObservedValue> values,
                          const CalibrationSummary &ranges);

} // namespace mlir::qnet

#endif // QUANTC_LIB_CALIBRATE_FIXEDRANGES_H
