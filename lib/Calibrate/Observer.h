//===- Observer.h - runs rows through a network and watches -----*- C++ -*-===//
#ifndef QUANTC_LIB_CALIBRATE_OBSERVER_H
#define QUANTC_LIB_CALIBRATE_OBSERVER_H

#include "ObservedValues.h"
#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Calibrate/MeasuredRows.h"

namespace mlir::qnet {

/// What of the rows is to be kept: statistics of each value always.
struct ObserverOptions {
  enum class Histograms { None, Stored, All };
  Histograms histograms = Histograms::All;
  bool sample = true;    ///< a sample of the rows
  bool trialRows = true; ///< rows in which stored values are extreme
};

/// A network with an observer behind each value.
class Observer {
public:
  /// Errors are diagnostics.
  static FailureOr<Observer> make(ModuleOp module);

  /// Runs the rows. Reads blockRows, progress and interrupted of `run`.
  FailureOr<MeasuredRows> measure(RowSource &rows, RunnerFactory makeRunner,
                                  const CalibrationOptions &run,
                                  const ObserverOptions &options);

  /// Fails, with an error, where that cannot be measured of this network.
  LogicalResult check(const MeasuredRows &measured) const;

  /// Makes the runner of the observed values if there is none yet. It is null
  /// where nothing but arguments is observed.
  FailureOr<FloatRunner *> runnerOf(RunnerFactory makeRunner);

  func::FuncOp function() const { return main; }
  ArrayRef<ObservedValue> values() const { return observed; }
  /// Which observer each argument and result of the runner belongs to, or
  /// kNotObserved.
  ArrayRef<int64_t> argumentNumbers() const { return ofArguments; }
  ArrayRef<int64_t> resultNumbers() const { return ofResults; }

  static constexpr int64_t kNotObserved = -1;

private:
  LogicalResult readNumbers();
  int64_t leaveOutNans(ArrayRef<float *> inputs, ArrayRef<float *> outputs,
                       int64_t rows) const;
  void add(MeasuredRows &to, int64_t number, ArrayRef<float> buffer,
           ArrayRef<const float *> inputs, int64_t rows) const;

  ModuleOp module;
  func::FuncOp main;
  SmallVector<ObservedValue> observed;
  OwningOpRef<ModuleOp> clone;
  std::unique_ptr<FloatRunner> runner;
  SmallVector<int64_t> inputWidths, ofArguments, ofResults;
  SmallVector<int64_t> shown;       ///< observers of what the results show
  SmallVector<int64_t> storedIndex; ///< by observer: place in TrialRows
  size_t storedCount = 0;
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_CALIBRATE_OBSERVER_H
