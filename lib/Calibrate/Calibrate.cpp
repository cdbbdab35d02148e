//===- Calibrate.cpp - measure the range of every value -------------------===//
#include "quantc/Calibrate/Calibrate.h"

#include "FixedRanges.h"
#include "InputMoments.h"
#include "Observer.h"
#include "OutputError.h"

#include "quantc/Numerics/Parameters.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Fails where no row is left, and warns where some are not.
LogicalResult checkRows(ModuleOp module, const MeasuredRows &measured) {
  if (measured.rows == 0)
    return module.emitError() << "every one of the " << measured.skippedRows
                              << " calibration rows holds a NaN; give rows "
                                 "without missing values";
  if (measured.skippedRows > 0)
    module.emitWarning() << measured.skippedRows << " of "
                         << measured.rows + measured.skippedRows
                         << " calibration rows are left out: a NaN in them "
                            "reaches the result";
  return success();
}

/// One calibration: what is measured, and the ranges that come of it.
class Calibration {
public:
  Calibration(ModuleOp module, RunnerFactory makeRunner,
              const CalibrationOptions &options)
      : module(module), makeRunner(makeRunner), options(options) {}

  /// By rows.
  FailureOr<CalibrationSummary> run(RowSource &rows) {
    if (failed(begin()))
      return failure();
    FailureOr<MeasuredRows> measured =
        observer->measure(rows, makeRunner, options, observerOptions());
    if (failed(measured))
      return failure();
    return conclude(*measured);
  }

  /// By what was measured before.
  FailureOr<CalibrationSummary> run(const MeasuredRows &measured) {
    // With a runner even where nothing is to be run: making one gives names to
    // constants, and those of the program are to be the same by either road.
    if (failed(begin()) || failed(observer->check(measured)) ||
        failed(observer->runnerOf(makeRunner)))
      return failure();
    return conclude(measured);
  }

  /// Of the last run.
  ArrayRef<InputMoment> inputMoments() const { return moments; }

private:
  /// What can go wrong before any row is read.
  LogicalResult begin() {
    FailureOr<Observer> made = Observer::make(module);
    if (failed(made) || failed(checkOptions()))
      return failure();
    observer.emplace(std::move(*made));
    FailureOr<std::map<int64_t, Interval>> given =
        fixedRanges(module, observer->values(), options);
    if (failed(given))
      return failure();
    fixed = std::move(*given);
    return success();
  }

  /// Whether what ranges do to the outputs is measured.
  bool triesRanges() const {
    return options.method == RangeMethod::Auto || options.outputNoise;
  }

  bool needsSample() const {
    return options.secondMoments || options.keepsSample || triesRanges();
  }

  ObserverOptions observerOptions() const {
    using Histograms = ObserverOptions::Histograms;
    ObserverOptions what;
    // `auto` begins with min-max and tries the others on what is stored.
    what.histograms = options.method == RangeMethod::Auto ? Histograms::Stored
                      : options.method == RangeMethod::MinMax ? Histograms::None
                                                              : Histograms::All;
    what.sample = needsSample();
    what.trialRows = triesRanges();
    return what;
  }

  FailureOr<CalibrationSummary> conclude(const MeasuredRows &measured) {
    if (failed(checkRows(module, measured)))
      return failure();
    if (options.secondMoments) {
      FailureOr<FloatRunner *> runner = observer->runnerOf(makeRunner);
      if (failed(runner))
        return failure();
      FailureOr<std::vector<InputMoment>> found = measureInputMoments(
          observer->function(), observer->values(), observer->argumentNumbers(),
          observer->resultNumbers(), measured.sample, *runner);
      if (failed(found))
        return failure();
      moments = std::move(*found);
    }
    FailureOr<CalibrationSummary> summary = summarize(measured);
    if (failed(summary))
      return failure();
    if (triesRanges() &&
        failed(measureByOutput(module, observer->values(), measured.tensors,
                               measured.trialRows, makeRunner, options,
                               *summary)))
      return failure();
    return summary;
  }

  LogicalResult checkOptions() {
    // False for NaN too.
    const bool isShare = options.percentile > 0 && options.percentile <= 100;
    if (!isShare)
      return module.emitError() << "the percentile must lie above 0 and not "
                                   "above 100, it is "
                                << options.percentile;
    if (options.blockRows < 1)
      return module.emitError() << "rows must be run at least one at a time";
    return success();
  }

  FailureOr<CalibrationSummary> summarize(const MeasuredRows &measured) {
    CalibrationSummary summary;
    summary.method = nameOf(options.method);
    if (options.method == RangeMethod::Percentile)
      llvm::raw_string_ostream(summary.method)
          << " " << llvm::format("%g", options.percentile);
    summary.rows = static_cast<int64_t>(measured.rows);
    summary.skippedRows = static_cast<int64_t>(measured.skippedRows);
    for (auto [index, statistics] : llvm::enumerate(measured.tensors)) {
      const ObservedValue &value = observer->values()[index];
      if (statistics.finiteCount() == 0 && statistics.count() > 0) {
        emitError(value.value.getLoc())
            << "'" << value.name << "' is NaN or infinite for all "
            << measured.rows
            << " calibration rows, so it has no range; check the model "
               "and the data's scale";
        return failure();
      }
      ObservedRange range;
      range.tensor = index;
      range.name = value.name;
      range.preactivation = value.preactivation;
      if (statistics.count() > 0) {
        range.min = statistics.min();
        range.max = statistics.max();
      }
      const RangeMethod method = options.method == RangeMethod::Auto
                                     ? RangeMethod::MinMax
                                     : options.method;
      Interval chosen = chooseRange(statistics, method, options.percentile,
                                    options.activationMax);
      range.method = nameOf(method);
      if (auto given = fixed.find(range.tensor); given != fixed.end()) {
        chosen = given->second;
        range.method = "fixed";
        range.fixed = true;
      }
      range.lo = chosen.lo;
      range.hi = chosen.hi;
      if (isStored(value))
        warnIfTiny(value, range);
      range.values = statistics.count();
      range.nans = statistics.nanCount();
      range.infinities = statistics.infinityCount();
      range.means = statistics.channelMeans();
      summary.tensors.push_back(std::move(range));
    }
    if (needsSample())
      summary.sample = measured.sample;
    return summary;
  }

  /// The finest scale that Numerics has leaves nothing of smaller values.
  void warnIfTiny(const ObservedValue &value, const ObservedRange &range) {
    const double magnitude = std::max(std::fabs(range.lo), std::fabs(range.hi));
    if (magnitude > 0 &&
        magnitude < options.activationMax * double(quantc::numerics::minScale))
      emitWarning(value.value.getLoc())
          << "'" << value.name << "' lies within "
          << llvm::formatv("[{0:e2}, {1:e2}]", range.lo, range.hi).str()
          << ", where the finest step of a stored value is 2^-100: it is "
             "stored "
             "coarsely or as 0; scale the data or the weights before it up";
  }

  ModuleOp module;
  RunnerFactory makeRunner;
  const CalibrationOptions &options;
  std::optional<Observer> observer;
  std::vector<InputMoment> moments;
  std::map<int64_t, Interval> fixed; ///< by observer
};

} // namespace

static FailureOr<CalibrationSummary>
applied(ModuleOp module, FailureOr<CalibrationSummary> summary,
        const Calibration &calibration) {
  if (failed(summary) || failed(applyRanges(module, *summary)))
    return failure();
  noteInputMoments(calibration.inputMoments());
  return summary;
}

FailureOr<CalibrationSummary>
mlir::qnet::calibrate(ModuleOp module, RowSource &rows,
                      RunnerFactory makeRunner,
                      const CalibrationOptions &options) {
  Calibration calibration(module, makeRunner, options);
  return applied(module, calibration.run(rows), calibration);
}

FailureOr<CalibrationSummary>
mlir::qnet::calibrate(ModuleOp module, const MeasuredRows &measured,
                      RunnerFactory makeRunner,
                      const CalibrationOptions &options) {
  Calibration calibration(module, makeRunner, options);
  return applied(module, calibration.run(measured), calibration);
}

FailureOr<MeasuredRows> mlir::qnet::measure(ModuleOp module, RowSource &rows,
                                            RunnerFactory makeRunner,
                                            const CalibrationOptions &options) {
  FailureOr<Observer> observer = Observer::make(module);
  if (failed(observer))
    return failure();
  FailureOr<MeasuredRows> measured =
      observer->measure(rows, makeRunner, options, ObserverOptions());
  if (succeeded(measured))
    measured->network = networkDigest(module);
  return measured;
}

FailureOr<std::vector<ObservedStatistics>>
mlir::qnet::observe(ModuleOp module, RowSource &rows, RunnerFactory makeRunner,
                    CalibrationOptions options) {
  FailureOr<Observer> observer = Observer::make(module);
  if (failed(observer))
    return failure();
  ObserverOptions what;
  what.sample = what.trialRows = false;
  FailureOr<MeasuredRows> measured =
      observer->measure(rows, makeRunner, options, what);
  if (failed(measured) || failed(checkRows(module, *measured)))
    return failure();
  std::vector<ObservedStatistics> result;
  for (auto [value, statistics] :
       llvm::zip_equal(observer->values(), measured->tensors))
    result.push_back({value.name, value.preactivation, std::move(statistics)});
  return result;
}
