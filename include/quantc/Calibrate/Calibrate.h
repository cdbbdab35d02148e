//===- Calibrate.h - measure the range of every value -----------*- C++ -*-===//
//
// One streaming pass over the rows: the observed float graph is run a block of
// rows at a time by a runner that the caller supplies (native code, or the
// reference interpreter in tests), and mergeable statistics are kept.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_CALIBRATE_CALIBRATE_H
#define QUANTC_CALIBRATE_CALIBRATE_H

#include "quantc/Calibrate/MeasuredRows.h"
#include "quantc/Calibrate/RangeMethods.h"
#include "quantc/Calibrate/RowSample.h"
#include "quantc/Calibrate/RowSource.h"
#include "quantc/Calibrate/Statistics.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/FunctionExtras.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mlir::qnet {

/// Discardable attributes that calibration leaves on a value's producer (or, as
/// an argument attribute, on the argument).
/// Array of f32: the mean of each feature along the last axis.
inline constexpr llvm::StringLiteral kChannelMeanAttr = "qnet.mean";
/// Array of two f64: the range of a dense layer before its function.
inline constexpr llvm::StringLiteral kPreactivationAttr = "qnet.preactivation";
/// Layers of more inputs get no kSecondMomentAttr: it would take gigabytes, and
/// hours.
inline constexpr int64_t kWidestSecondMoment = 2048;

/// Runs a float function on blocks of rows.
struct FloatRunner {
  virtual ~FloatRunner();
  /// inputs[i]: rows x values of argument i; outputs[j]: rows x values of
  /// result j, allocated by the caller.
  virtual LogicalResult run(ArrayRef<const float *> inputs, int64_t rows,
                            ArrayRef<float *> outputs) = 0;
};

/// Makes a runner of @main of a module whose tensors are f32 with a dynamic
/// leading dimension. Emits a diagnostic on failure.
using RunnerFactory =
    llvm::function_ref<FailureOr<std::unique_ptr<FloatRunner>>(
        ModuleOp observed)>;

/// A range that the user gives, by the name of its node or input.
struct FixedRange {
  std::string name;
  double lo = 0, hi = 0;
};

/// NAME=lo:hi.
llvm::Expected<FixedRange> parseFixedRange(StringRef text);

struct CalibrationOptions {
  RangeMethod method = RangeMethod::Auto;
  /// Of Percentile: share of the values inside the range, in percent.
  double percentile = 99.99;
  /// Leave kOutputNoiseAttr on values that will be stored, by `Auto` always.
  bool outputNoise = false;
  /// Leave kSecondMomentAttr on dense layers, for passes that round weights.
  bool secondMoments = false;
  /// Keep the sample of rows in the summary, whatever else is asked for.
  bool keepsSample = false;
  /// The largest integer that Quantize stores an activation as.
  int32_t activationMax = 255;
  /// Ranges to take as they are, each of a name that one value has.
  std::vector<FixedRange> fixed;
  /// Ranges of which those that are `fixed` are taken; null for none.
  const struct CalibrationSummary *given = nullptr;
  /// Rows run at a time.
  int64_t blockRows = 256;
  /// Called after each block.
  std::function<void(int64_t done, int64_t total)> progress;
  /// Asked before each block; true ends calibration with an error.
  std::function<bool()> interrupted;
};

/// A range that `auto` tried, and what it does to the outputs.
struct RangeCandidate {
  std::string method; ///< a method's name, or "searched"
  double lo = 0, hi = 0;
  /// Signal over error of the outputs in dB on the sample of rows, with this
  /// value alone stored in its range; infinite without an error.
  double outputSqnr = 0;
};

/// What was measured of one observed value.
struct ObservedRange {
  int64_t tensor = 0;         ///< the observer's number
  std::string name;           ///< of the node or argument; may repeat
  bool preactivation = false; ///< before the function of a dense layer
  double lo = 0, hi = 0;      ///< the range chosen
  double min = 0, max = 0;    ///< the smallest and largest finite value
  bool fixed = false;         ///< given by the user
  std::string method;         ///< that gave the range
  std::string reason;         ///< of `auto`: why this one
  std::vector<RangeCandidate> candidates; ///< of `auto`: what was tried
  /// Error over signal of the outputs on the sample of rows, with this value
  /// alone stored in its range; of stored values, where it was measured.
  std::optional<double> outputNoise;
  uint64_t values = 0, nans = 0, infinities = 0;
  std::vector<double> means; ///< of each feature along the last axis
};

struct CalibrationSummary {
  std::string method;      ///< such as "minmax" or "percentile 99.99"
  int64_t rows = 0;        ///< rows measured
  int64_t skippedRows = 0; ///< rows left out because of a NaN in them
  /// How the hidden channels that the ranges are of were rescaled and split:
  /// the words of --equalize and --split-channels.
  std::string equalize = "none", splitChannels = "none";
  std::vector<ObservedRange> tensors;
  /// Of the rows measured, of @main's arguments in their order; empty where
  /// ranges were given, and where nothing but ranges was asked for.
  RowSample sample;
};

/// The inputs of @main as a RowSource wants them. Emits a diagnostic if @main
/// is missing or an input is not an f32 tensor of static rows.
FailureOr<SmallVector<RowShape>> describeInputs(ModuleOp module);

/// Measures a prepared module and writes the ranges into it as types. On
/// failure a diagnostic says why and the module is as it was.
FailureOr<CalibrationSummary> calibrate(ModuleOp module, RowSource &rows,
                                        RunnerFactory makeRunner,
                                        const CalibrationOptions &options);

/// The same by what was measured of rows before.
FailureOr<CalibrationSummary> calibrate(ModuleOp module,
                                        const MeasuredRows &measured,
                                        RunnerFactory makeRunner,
                                        const CalibrationOptions &options);

/// Measures, of a prepared module, all that any calibration asks for. Reads
/// blockRows, progress and interrupted of the options. Rows may all hold a NaN:
/// other parts may have more.
FailureOr<MeasuredRows> measure(ModuleOp module, RowSource &rows,
                                RunnerFactory makeRunner,
                                const CalibrationOptions &options);

/// What one observed value looked like.
struct ObservedStatistics {
  std::string name;           ///< as ObservedRange's
  bool preactivation = false; ///< likewise
  Statistics statistics;      ///< with a histogram
};

/// Measures without choosing: every value's statistics, in ObservedRange's
/// order; the module stays as it is. Of `options` only those of the pass over
/// the rows count.
FailureOr<std::vector<ObservedStatistics>>
observe(ModuleOp module, RowSource &rows, RunnerFactory makeRunner,
        CalibrationOptions options = {});

/// Writes given ranges into a prepared module, as calibrate() does: one for
/// each observed value, recognized by number and name.
LogicalResult applyRanges(ModuleOp module, const CalibrationSummary &ranges);

/// The summary as JSON that a user may read, edit and give back.
std::string rangesToJson(const CalibrationSummary &summary);
/// Reads it back; `source` names it in messages.
llvm::Expected<CalibrationSummary> rangesFromJson(StringRef text,
                                                  StringRef source);

} // namespace mlir::qnet

#endif // QUANTC_CALIBRATE_CALIBRATE_H
