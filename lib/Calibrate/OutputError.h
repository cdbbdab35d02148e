//===- OutputError.h - Ranges by what they do to the outputs ----*- C++ -*-===//
#ifndef QUANTC_LIB_CALIBRATE_OUTPUTERROR_H
#define QUANTC_LIB_CALIBRATE_OUTPUTERROR_H

#include "ObservedValues.h"
#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Calibrate/ExtremeRows.h"

namespace mlir::qnet {

/// The rows that show what a range does: a sample, and those in which each
/// stored value is largest and smallest.
class TrialRows {
public:
  TrialRows() = default;
  /// For `stored` values, of inputs of those widths.
  TrialRows(std::vector<int64_t> widths, size_t stored);

  /// Offers the rows of a block for the stored value of that index.
  void add(size_t index, std::span<const float> values, int64_t valuesPerRow,
           ArrayRef<const float *> inputs, int64_t rows);

  const ExtremeRows &largest(size_t index) const { return extremes[2 * index]; }
  const ExtremeRows &smallest(size_t index) const {
    return extremes[2 * index + 1];
  }
  const std::vector<ExtremeRows> &all() const { return extremes; }

private:
  std::vector<int64_t> widths;
  std::vector<ExtremeRows> extremes; ///< two a value
};

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
