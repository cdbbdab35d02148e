//===- Observer.cpp - runs rows through a network and watches -------------===//
#include "Observer.h"

#include "mlir/IR/BuiltinOps.h"

#include <algorithm>

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

} // namespace

FailureOr<Observer> Observer::make(ModuleOp module) {
  FailureOr<func::FuncOp> function = mainFunction(module);
  FailureOr<SmallVector<RowShape>> inputs = describeInputs(module);
  if (failed(function) || failed(inputs))
    return failure();
  FailureOr<SmallVector<ObservedValue>> values = observedValues(*function);
  if (failed(values))
    return failure();
  Observer observer;
  observer.module = module;
  observer.main = *function;
  observer.observed = std::move(*values);
  for (const RowShape &input : *inputs)
    observer.inputWidths.push_back(input.values());
  observer.shown = shownValues(*function, observer.observed);
  for (const ObservedValue &value : observer.observed)
    observer.storedIndex.push_back(
        isStored(value) ? static_cast<int64_t>(observer.storedCount++)
                        : kNotObserved);
  observer.clone = module.clone();
  if (failed(observer.readNumbers()))
    return failure();
  return observer;
}

/// An input that the graph quantizes itself has no observer.
LogicalResult Observer::readNumbers() {
  FailureOr<func::FuncOp> watched = mainFunction(*clone);
  if (failed(insertObservers(*watched)))
    return failure();
  observersToResults(*watched);
  for (unsigned i = 0, e = watched->getNumArguments(); i < e; ++i) {
    auto number = watched->getArgAttrOfType<IntegerAttr>(i, kObservedAttr);
    ofArguments.push_back(number ? number.getInt() : kNotObserved);
  }
  for (unsigned i = 0, e = watched->getNumResults(); i < e; ++i)
    ofResults.push_back(
        watched->getResultAttrOfType<IntegerAttr>(i, kObservedAttr).getInt());
  return success();
}

FailureOr<FloatRunner *> Observer::runnerOf(RunnerFactory makeRunner) {
  if (!runner && !ofResults.empty()) {
    FailureOr<std::unique_ptr<FloatRunner>> made = makeRunner(*clone);
    if (failed(made))
      return failure();
    runner = std::move(*made);
  }
  return runner.get();
}

LogicalResult Observer::check(const MeasuredRows &measured) const {
  const uint64_t rows = measured.rows;
  bool isSound = llvm::equal(measured.inputWidths, inputWidths) &&
                 measured.tensors.size() == observed.size() &&
                 measured.trialRows.stored() == storedCount;
  if (isSound)
    for (auto [statistics, value] : llvm::zip_equal(measured.tensors, observed))
      isSound &=
          statistics.channels() == std::max<int64_t>(value.channels, 1) &&
          statistics.count() == rows * value.valuesPerRow;
  if (isSound)
    return success();
  return emitError(module->getLoc())
         << "the statistics do not fit the network that they say they are of; "
            "measure the rows again with quantc calibrate";
}

FailureOr<MeasuredRows> Observer::measure(RowSource &source,
                                          RunnerFactory makeRunner,
                                          const CalibrationOptions &run,
                                          const ObserverOptions &options) {
  FailureOr<FloatRunner *> observedRunner = runnerOf(makeRunner);
  if (failed(observedRunner))
    return failure();
  MeasuredRows result;
  result.inputWidths.assign(inputWidths.begin(), inputWidths.end());
  result.sample = RowSample(result.inputWidths);
  result.trialRows =
      TrialRows(result.inputWidths, options.trialRows ? storedCount : 0);
  using Histograms = ObserverOptions::Histograms;
  for (const ObservedValue &value : observed)
    result.tensors.emplace_back(
        std::max<int64_t>(value.channels, 1),
        options.histograms == Histograms::All ||
            (options.histograms == Histograms::Stored && isStored(value)));
  // Wide graphs get shorter blocks, so that a block's values stay in bounds.
  constexpr int64_t mostBlockValues = int64_t(1) << 26; // 256 MB
  int64_t valuesPerRow = 1;
  for (const ObservedValue &value : observed)
    valuesPerRow += value.valuesPerRow;
  const int64_t blockRows = std::max<int64_t>(
      1,
      std::min({run.blockRows, source.rows(), mostBlockValues / valuesPerRow}));

  std::vector<std::vector<float>> inputs, outputs;
  SmallVector<float *> inputPointers, outputPointers;
  for (int64_t width : inputWidths)
    inputPointers.push_back(inputs.emplace_back(blockRows * width).data());
  for (int64_t number : ofResults)
    outputPointers.push_back(
        outputs.emplace_back(blockRows * observed[number].valuesPerRow).data());

  for (int64_t done = 0;;) {
    if (run.interrupted && run.interrupted())
      return module.emitError() << "calibration was interrupted";
    llvm::Expected<int64_t> read = source.next(blockRows, inputPointers);
    if (!read)
      return module.emitError() << llvm::toString(read.takeError());
    if (*read == 0)
      break;
    SmallVector<const float *> constInputs(inputPointers.begin(),
                                           inputPointers.end());
    if (*observedRunner &&
        failed((*observedRunner)->run(constInputs, *read, outputPointers)))
      return failure();
    const int64_t kept = leaveOutNans(inputPointers, outputPointers, *read);
    result.skippedRows += *read - kept;
    result.rows += kept;
    if (kept > 0) {
      if (options.sample)
        result.sample.add(std::span(constInputs.data(), constInputs.size()),
                          kept);
      for (auto [number, buffer] : llvm::zip_equal(ofArguments, inputs))
        add(result, number, buffer, constInputs, kept);
      for (auto [number, buffer] : llvm::zip_equal(ofResults, outputs))
        add(result, number, buffer, constInputs, kept);
    }
    done += *read;
    if (run.progress)
      run.progress(done, source.rows());
  }
  return result;
}

/// Leaves out the rows that hold a NaN which reaches a result: where the
/// graph puts something in its place, the row is as good as any. Returns how
/// many are left.
int64_t Observer::leaveOutNans(ArrayRef<float *> inputs,
                               ArrayRef<float *> outputs, int64_t rows) const {
  SmallVector<RowBuffer> all, results;
  auto list = [&](float *buffer, int64_t width, int64_t number) {
    all.push_back({buffer, width});
    if (number != kNotObserved && llvm::is_contained(shown, number))
      results.push_back(all.back());
  };
  for (auto [buffer, width, number] :
       llvm::zip_equal(inputs, inputWidths, ofArguments))
    list(buffer, width, number);
  for (auto [buffer, number] : llvm::zip_equal(outputs, ofResults))
    list(buffer, observed[number].valuesPerRow, number);
  ArrayRef<RowBuffer> given = ArrayRef(all).take_front(inputs.size());
  SmallVector<bool> isKept(rows, true);
  for (int64_t row = 0; row < rows; ++row) {
    auto hasNan = [row](const RowBuffer &buffer) { return buffer.hasNan(row); };
    isKept[row] = llvm::none_of(given, hasNan) ||
                  (!results.empty() && llvm::none_of(results, hasNan));
  }
  return keepRows(all, isKept);
}

void Observer::add(MeasuredRows &to, int64_t number, ArrayRef<float> buffer,
                   ArrayRef<const float *> inputs, int64_t rows) const {
  if (number == kNotObserved)
    return;
  const int64_t perRow = observed[number].valuesPerRow;
  const std::span values(buffer.data(), rows * perRow);
  to.tensors[number].add(values);
  if (storedIndex[number] != kNotObserved && to.trialRows.stored() != 0)
    to.trialRows.add(storedIndex[number], values, perRow,
                     std::span(inputs.data(), inputs.size()), rows);
}
