//===- Calibrate.cpp - measure the range of every value -------------------===//
#include "quantc/Calibrate/Calibrate.h"

#include "FixedRanges.h"
#include "InputMoments.h"
#include "ObservedValues.h"
#include "OutputError.h"

#include "quantc/Numerics/Parameters.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

FloatRunner::~FloatRunner() = default;

FailureOr<SmallVector<RowShape>> mlir::qnet::describeInputs(ModuleOp module) {
  FailureOr<func::FuncOp> function = mainFunction(module);
  if (failed(function))
    return failure();
  SmallVector<RowShape> inputs;
  for (BlockArgument argument : function->getArguments()) {
    auto name = function->getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                       kNameAttr);
    RowShape input;
    input.name =
        name ? name.str() : "input" + std::to_string(argument.getArgNumber());
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || !realType(type.getElementType()).isF32() ||
        type.getRank() == 0 ||
        failed(staticElementCount(type.getShape().drop_front()))) {
      function->emitError()
          << "input '" << input.name << "' of type " << argument.getType()
          << " is not a batch of f32 rows of one fixed shape; "
             "convert the model's input to float32";
      return failure();
    }
    input.dimensions.assign(type.getShape().drop_front());
    inputs.push_back(std::move(input));
  }
  return inputs;
}

namespace {

/// Values of a block: rows x width.
struct RowBuffer {
  float *values;
  int64_t width;

  bool hasNan(int64_t row) const {
    // Not ended at the first one, so that it takes vectors.
    uint32_t count = 0;
    for (int64_t k = row * width; k < (row + 1) * width; ++k)
      count += values[k] != values[k];
    return count != 0;
  }
};

/// Moves the rows that are kept to the front of each buffer; returns how many.
int64_t keepRows(ArrayRef<RowBuffer> buffers, ArrayRef<bool> isKept) {
  int64_t kept = 0;
  for (auto [row, keep] : llvm::enumerate(isKept)) {
    if (!keep)
      continue;
    if (kept != static_cast<int64_t>(row))
      for (const RowBuffer &buffer : buffers)
        std::copy_n(buffer.values + row * buffer.width, buffer.width,
                    buffer.values + kept * buffer.width);
    ++kept;
  }
  return kept;
}

/// One calibration: a clone with observers, buffers for a block, statistics.
class Calibration {
public:
  Calibration(ModuleOp module, const CalibrationOptions &options)
      : module(module), options(options) {}

  /// The pass over the rows: leaves statistics, and the sample.
  LogicalResult observe(RowSource &source, RunnerFactory makeRunner) {
    function = mainFunction(module);
    FailureOr<SmallVector<RowShape>> inputs = describeInputs(module);
    if (failed(function) || failed(inputs))
      return failure();
    values = observedValues(*function);
    if (failed(values) || failed(checkOptions()))
      return failure();
    for (const RowShape &input : *inputs)
      inputWidths.push_back(input.values());
    sample = RowSample({inputWidths.begin(), inputWidths.end()});
    for (const ObservedValue &value : *values)
      statistics.emplace_back(std::max<int64_t>(value.channels, 1),
                              needsHistogram(value));
    FailureOr<std::map<int64_t, Interval>> given =
        fixedRanges(module, *values, options);
    if (failed(given))
      return failure();
    fixed = std::move(*given);
    shown = shownValues(*function, *values);
    for (auto [number, value] : llvm::enumerate(*values))
      storedIndex.push_back(triesRanges() && isStored(value)
                                ? static_cast<int64_t>(storedCount++)
                                : kNotObserved);
    trialRows =
        TrialRows({inputWidths.begin(), inputWidths.end()}, storedCount);

    OwningOpRef<ModuleOp> observed = module.clone();
    FailureOr<func::FuncOp> observedMain = mainFunction(*observed);
    if (failed(insertObservers(*observedMain)))
      return failure();
    observersToResults(*observedMain);
    readNumbers(*observedMain);
    if (!resultNumbers.empty()) {
      FailureOr<std::unique_ptr<FloatRunner>> made = makeRunner(*observed);
      if (failed(made))
        return failure();
      runner = std::move(*made);
    }
    return measure(source, runner.get(), *values);
  }

  FailureOr<CalibrationSummary> run(RowSource &source,
                                    RunnerFactory makeRunner) {
    if (failed(observe(source, makeRunner)))
      return failure();
    if (options.secondMoments) {
      FailureOr<std::vector<InputMoment>> measured =
          measureInputMoments(*function, *values, argumentNumbers,
                              resultNumbers, sample, runner.get());
      if (failed(measured))
        return failure();
      moments = std::move(*measured);
    }
    FailureOr<CalibrationSummary> summary = summarize(*values);
    if (failed(summary))
      return failure();
    if (triesRanges() &&
        failed(measureByOutput(module, *values, statistics, trialRows,
                               makeRunner, options, *summary)))
      return failure();
    return summary;
  }

  /// Of the last run.
  ArrayRef<InputMoment> inputMoments() const { return moments; }

  /// Of the last pass over the rows.
  std::vector<ObservedStatistics> takeStatistics() {
    std::vector<ObservedStatistics> result;
    for (auto [value, measured] : llvm::zip_equal(*values, statistics))
      result.push_back({value.name, value.preactivation, std::move(measured)});
    return result;
  }

private:
  /// Whether what ranges do to the outputs is measured.
  bool triesRanges() const {
    return options.method == RangeMethod::Auto || options.outputNoise;
  }

  /// Whether a method asks how its values are distributed: `auto` begins with
  /// min-max and tries the others on what is stored.
  bool needsHistogram(const ObservedValue &value) const {
    return options.method == RangeMethod::Auto
               ? isStored(value)
               : options.method != RangeMethod::MinMax;
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

  /// Which observer each argument and result of the clone belongs to. An input
  /// that the graph quantizes itself has none.
  void readNumbers(func::FuncOp observed) {
    for (unsigned i = 0, e = observed.getNumArguments(); i < e; ++i) {
      auto number = observed.getArgAttrOfType<IntegerAttr>(i, kObservedAttr);
      argumentNumbers.push_back(number ? number.getInt() : kNotObserved);
    }
    for (unsigned i = 0, e = observed.getNumResults(); i < e; ++i)
      resultNumbers.push_back(
          observed.getResultAttrOfType<IntegerAttr>(i, kObservedAttr).getInt());
  }

  LogicalResult measure(RowSource &source, FloatRunner *runner,
                        ArrayRef<ObservedValue> values) {
    // Wide graphs get shorter blocks, so that a block's values stay in bounds.
    constexpr int64_t mostBlockValues = int64_t(1) << 26; // 256 MB
    int64_t valuesPerRow = 1;
    for (const ObservedValue &value : values)
      valuesPerRow += value.valuesPerRow;
    const int64_t blockRows =
        std::max<int64_t>(1, std::min({options.blockRows, source.rows(),
                                       mostBlockValues / valuesPerRow}));

    std::vector<std::vector<float>> inputs, outputs;
    SmallVector<float *> inputPointers, outputPointers;
    for (int64_t width : inputWidths)
      inputPointers.push_back(inputs.emplace_back(blockRows * width).data());
    for (int64_t number : resultNumbers)
      outputPointers.push_back(
          outputs.emplace_back(blockRows * values[number].valuesPerRow).data());

    for (int64_t done = 0;;) {
      if (options.interrupted && options.interrupted())
        return module.emitError() << "calibration was interrupted";
      llvm::Expected<int64_t> read = source.next(blockRows, inputPointers);
      if (!read)
        return module.emitError() << llvm::toString(read.takeError());
      if (*read == 0)
        break;
      SmallVector<const float *> constInputs(inputPointers.begin(),
                                             inputPointers.end());
      if (runner && failed(runner->run(constInputs, *read, outputPointers)))
        return failure();
      const int64_t kept =
          leaveOutNans(values, inputPointers, outputPointers, *read);
      skippedRows += *read - kept;
      rows += kept;
      if (kept > 0) {
        if (options.secondMoments || triesRanges())
          sample.add(std::span(constInputs.data(), constInputs.size()), kept);
        for (auto [number, buffer] : llvm::zip_equal(argumentNumbers, inputs))
          add(values, number, buffer, constInputs, kept);
        for (auto [number, buffer] : llvm::zip_equal(resultNumbers, outputs))
          add(values, number, buffer, constInputs, kept);
      }
      done += *read;
      if (options.progress)
        options.progress(done, source.rows());
    }
    if (rows == 0)
      return module.emitError() << "every one of the " << skippedRows
                                << " calibration rows holds a NaN; give rows "
                                   "without missing values";
    if (skippedRows > 0)
      module.emitWarning() << skippedRows << " of " << rows + skippedRows
                           << " calibration rows are left out: a NaN in them "
                              "reaches the result";
    return success();
  }

  /// Leaves out the rows that hold a NaN which reaches a result: where the
  /// graph puts something in its place, the row is as good as any. Returns how
  /// many are left.
  int64_t leaveOutNans(ArrayRef<ObservedValue> values, ArrayRef<float *> inputs,
                       ArrayRef<float *> outputs, int64_t rows) {
    SmallVector<RowBuffer> all, results;
    auto list = [&](float *buffer, int64_t width, int64_t number) {
      all.push_back({buffer, width});
      if (number != kNotObserved && llvm::is_contained(shown, number))
        results.push_back(all.back());
    };
    for (auto [buffer, width, number] :
         llvm::zip_equal(inputs, inputWidths, argumentNumbers))
      list(buffer, width, number);
    for (auto [buffer, number] : llvm::zip_equal(outputs, resultNumbers))
      list(buffer, values[number].valuesPerRow, number);
    ArrayRef<RowBuffer> given = ArrayRef(all).take_front(inputs.size());
    SmallVector<bool> isKept(rows, true);
    for (int64_t row = 0; row < rows; ++row) {
      auto hasNan = [row](const RowBuffer &buffer) {
        return buffer.hasNan(row);
      };
      isKept[row] = llvm::none_of(given, hasNan) ||
                    (!results.empty() && llvm::none_of(results, hasNan));
    }
    return keepRows(all, isKept);
  }

  void add(ArrayRef<ObservedValue> values, int64_t number,
           ArrayRef<float> buffer, ArrayRef<const float *> inputs,
           int64_t rows) {
    if (number == kNotObserved)
      return;
    const int64_t perRow = values[number].valuesPerRow;
    const std::span observed(buffer.data(), rows * perRow);
    statistics[number].add(observed);
    if (storedIndex[number] != kNotObserved)
      trialRows.add(storedIndex[number], observed, perRow, inputs, rows);
  }

  FailureOr<CalibrationSummary> summarize(ArrayRef<ObservedValue> values) {
    CalibrationSummary summary;
    summary.method = nameOf(options.method);
    if (options.method == RangeMethod::Percentile)
      llvm::raw_string_ostream(summary.method)
          << " " << llvm::format("%g", options.percentile);
    summary.rows = rows;
    summary.skippedRows = skippedRows;
    for (auto [index, measured] : llvm::enumerate(statistics)) {
      const ObservedValue &value = values[index];
      if (measured.finiteCount() == 0 && measured.count() > 0) {
        emitError(value.value.getLoc())
            << "'" << value.name << "' is NaN or infinite for all " << rows
            << " calibration rows, so it has no range; check the model "
               "and the data's scale";
        return failure();
      }
      ObservedRange range;
      range.tensor = index;
      range.name = value.name;
      range.preactivation = value.preactivation;
      if (measured.count() > 0) {
        range.min = measured.min();
        range.max = measured.max();
      }
      const RangeMethod method = options.method == RangeMethod::Auto
                                     ? RangeMethod::MinMax
                                     : options.method;
      Interval chosen = chooseRange(measured, method, options.percentile,
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
      range.values = measured.count();
      range.nans = measured.nanCount();
      range.infinities = measured.infinityCount();
      range.means = measured.channelMeans();
      summary.tensors.push_back(std::move(range));
    }
    summary.sample = std::move(sample);
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
  const CalibrationOptions &options;
  FailureOr<func::FuncOp> function = failure();
  FailureOr<SmallVector<ObservedValue>> values = failure();
  std::unique_ptr<FloatRunner> runner; ///< none where only inputs are observed
  static constexpr int64_t kNotObserved = -1;
  SmallVector<int64_t> inputWidths, argumentNumbers, resultNumbers;
  std::vector<Statistics> statistics; ///< by observer
  RowSample sample;
  std::vector<InputMoment> moments;
  TrialRows trialRows;
  std::map<int64_t, Interval> fixed; ///< by observer
  SmallVector<int64_t> shown;        ///< observers of what the results show
  SmallVector<int64_t> storedIndex;  ///< by observer: place in trialRows
  size_t storedCount = 0;
  int64_t rows = 0, skippedRows = 0;
};

} // namespace

FailureOr<CalibrationSummary>
mlir::qnet::calibrate(ModuleOp module, RowSource &rows,
                      RunnerFactory makeRunner,
                      const CalibrationOptions &options) {
  Calibration calibration(module, options);
  FailureOr<CalibrationSummary> summary = calibration.run(rows, makeRunner);
  if (failed(summary) || failed(applyRanges(module, *summary)))
    return failure();
  noteInputMoments(calibration.inputMoments());
  return summary;
}

FailureOr<std::vector<ObservedStatistics>>
mlir::qnet::observe(ModuleOp module, RowSource &rows, RunnerFactory makeRunner,
                    CalibrationOptions options) {
  // A method that asks for all histograms, and tries nothing.
  options.method = RangeMethod::Percentile;
  options.outputNoise = options.secondMoments = false;
  Calibration calibration(module, options);
  if (failed(calibration.observe(rows, makeRunner)))
    return failure();
  return calibration.takeStatistics();
}
