//===- OutputError.cpp - Ranges by what they do to the outputs ------------===//
//
// The method `auto`. The float graph is compiled once with a quantization
// behind each value that will be stored (simulate-ranges) and run on a few
// hundred rows with candidate ranges: first each alone, then together. Half of
// the rows choose, the other half must agree.
//
//===----------------------------------------------------------------------===//
#include "OutputError.h"

#include "quantc/Numerics/Parameters.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

namespace {

/// A range replaces min-max only if it takes that share off the error of the
/// outputs (0.46 dB), in both halves of the rows.
constexpr double kClearlyLess = 0.9;

/// A value with less than this share of the error is not worth a search.
constexpr double kShareWorthSearch = 0.02;

/// Rows of the sample, and multiplications (of one run) that they are reduced
/// for: about 10 ms of one core.
constexpr int64_t kMostRows = 256, kLeastRows = 32;
constexpr int64_t kProductsOfRun = int64_t(1) << 28;
/// Values that the inputs and outputs of a run may have.
constexpr int64_t kValuesOfRun = int64_t(1) << 23;

/// The name of a range that no method gave.
constexpr llvm::StringLiteral kSearched = "searched";

/// Fewer rows say nothing of those to come.
constexpr int64_t kLeastTrials = 16;

/// Outside, f32 has no scale that leaves a value as it is.
constexpr double kLeastMagnitude = 0x1p-90, kLargestMagnitude = 0x1p90;

constexpr double infinite = std::numeric_limits<double>::infinity();

/// Error of the outputs over their energy, in the two halves of the rows.
struct Error {
  std::array<double, 2> halves = {0, 0};

  double total() const { return 0.5 * (halves[0] + halves[1]); }
  bool clearlyBelow(const Error &other) const {
    return halves[0] < kClearlyLess * other.halves[0] &&
           halves[1] < kClearlyLess * other.halves[1];
  }
};

double decibels(double error) {
  return error > 0 ? -10 * std::log10(error)
                   : std::numeric_limits<double>::infinity();
}

int64_t productsPerRow(func::FuncOp function) {
  int64_t products = 0;
  function.walk([&](Operation *op) {
    if (isa<DenseOp, MatmulOp>(op))
      products +=
          cast<ShapedType>(op->getOperand(1).getType()).hasStaticShape()
              ? cast<ShapedType>(op->getOperand(1).getType()).getNumElements()
              : 0;
  });
  return std::max<int64_t>(products, 1);
}

/// What softmax or sigmoid make the probabilities of, as far as an output shows
/// them: scores. On rows that a network was trained on they are so far from the
/// boundary that no error shows behind the function.
void collectScores(Value value, llvm::SetVector<Value> &scores) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return;
  if (auto dense = dyn_cast<DenseOp>(op);
      dense && dense.getFunction() == Function::sigmoid) {
    OpBuilder builder(dense);
    auto inner = cast<DenseOp>(builder.clone(*dense));
    inner.setFunction(Function::identity);
    scores.insert(inner.getResult());
    return;
  }
  auto activation = dyn_cast<ActivationOp>(op);
  if (isa<SoftmaxOp, LogSoftmaxOp>(op) ||
      (activation && activation.getFunction() == Function::sigmoid)) {
    scores.insert(op->getOperand(0));
    return;
  }
  // 1 - p beside p, in other shapes and orders.
  if (isa<AddOp, SubOp, MulOp, ConcatOp, SliceOp>(op) || sameRangeSource(value))
    for (Value operand : op->getOperands())
      collectScores(operand, scores);
}

/// The graph with simulated ranges, its rows and its exact outputs.
class Simulation {
public:
  Simulation(ArrayRef<ObservedValue> values, const CalibrationOptions &options,
             const CalibrationSummary &summary)
      : values(values), options(options), summary(summary) {}

  /// Returns false where the graph shows nothing to measure.
  FailureOr<bool> prepare(ModuleOp module, const TrialRows &extremes,
                          RunnerFactory makeRunner);

  ArrayRef<int64_t> stored() const { return numbers; }

  /// Lets a stored value pass as it is, or in a range.
  void passThrough(size_t index);
  void store(size_t index, Interval range);

  FailureOr<Error> run();

private:
  void gatherRows(const TrialRows &extremes, int64_t mostRows);
  static constexpr size_t kParameters = 4; ///< of simulate-ranges
  void setParameters(size_t index, std::array<float, kParameters> numbers);
  LogicalResult runOnce();

  ArrayRef<ObservedValue> values;
  const CalibrationOptions &options;
  const CalibrationSummary &summary;
  OwningOpRef<ModuleOp> simulated;
  std::unique_ptr<FloatRunner> runner;
  SmallVector<int64_t> numbers;      ///< of the stored values
  int64_t rows = 0, extremeRows = 0; ///< the extremes stand in front
  std::vector<double> weights;       ///< of the rows
  std::vector<std::vector<float>> inputs, parameters, outputs, exact;
};

void Simulation::gatherRows(const TrialRows &extremes, int64_t mostRows) {
  // The rows of the extremes stand for themselves, those of the sample for all
  // others.
  std::vector<std::vector<float>> gathered;
  auto bitsOf = [](const std::vector<float> &row) {
    return std::vector<uint32_t>(
        reinterpret_cast<const uint32_t *>(row.data()),
        reinterpret_cast<const uint32_t *>(row.data()) + row.size());
  };
  std::set<std::vector<uint32_t>> seen;
  double left = static_cast<double>(summary.rows);
  for (const ExtremeRows &side : extremes.all())
    for (auto &[row, count] : side.rows()) {
      if (static_cast<int64_t>(gathered.size()) >= mostRows ||
          !seen.insert(bitsOf(row)).second)
        continue;
      gathered.push_back(row);
      weights.push_back(static_cast<double>(count));
      left -= static_cast<double>(count);
    }
  extremeRows = static_cast<int64_t>(gathered.size());
  const RowSample &sample = summary.sample;
  std::vector<std::vector<float>> parts;
  for (int64_t input = 0; input < sample.inputs(); ++input)
    parts.push_back(sample.values(input));
  const std::vector<uint64_t> counts = sample.counts();
  double sampled = 0;
  const size_t firstSampled = extremeRows;
  for (int64_t i = 0;
       i < sample.rows() &&
       static_cast<int64_t>(gathered.size() - firstSampled) < mostRows;
       ++i) {
    std::vector<float> row;
    for (auto [input, part] : llvm::enumerate(parts)) {
      const int64_t width = sample.width(static_cast<int64_t>(input));
      row.insert(row.end(), part.begin() + i * width,
                 part.begin() + (i + 1) * width);
    }
    if (!seen.insert(bitsOf(row)).second)
      continue;
    weights.push_back(static_cast<double>(counts[i]));
    sampled += weights.back();
    gathered.push_back(std::move(row));
  }
  for (size_t i = firstSampled; i < weights.size(); ++i)
    weights[i] *= std::max(left, 0.0) / sampled;
  rows = static_cast<int64_t>(gathered.size());
  int64_t offset = 0;
  for (int64_t input = 0; input < sample.inputs(); ++input) {
    const int64_t width = sample.width(input);
    std::vector<float> &buffer = inputs.emplace_back();
    for (const std::vector<float> &row : gathered)
      buffer.insert(buffer.end(), row.begin() + offset,
                    row.begin() + offset + width);
    offset += width;
  }
}

FailureOr<bool> Simulation::prepare(ModuleOp module, const TrialRows &extremes,
                                    RunnerFactory makeRunner) {
  simulated = module.clone();
  FailureOr<func::FuncOp> function = mainFunction(*simulated);
  if (failed(function))
    return failure();
  FailureOr<SmallVector<ObservedValue>> own = observedValues(*function);
  if (failed(own))
    return failure();
  SmallVector<Value> shown;
  SmallVector<int64_t> shownPerRow;
  for (int64_t number : shownValues(*function, *own))
    if (const ObservedValue &value = (*own)[number];
        value.rowDimension == 0 && !isa<BlockArgument>(value.value)) {
      shown.push_back(value.value);
      shownPerRow.push_back(value.valuesPerRow);
    }
  if (shown.empty())
    return false;
  llvm::SetVector<Value> scores;
  for (Value value : shown)
    collectScores(value, scores);
  for (Value value : scores) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || type.getRank() == 0 || !type.isDynamicDim(0) ||
        !type.getElementType().isF32() || isa<BlockArgument>(value) ||
        llvm::is_contained(shown, value))
      continue;
    FailureOr<int64_t> perRow =
        staticElementCount(type.getShape().drop_front());
    if (failed(perRow))
      continue;
    shown.push_back(value);
    shownPerRow.push_back(*perRow);
  }
  // What the results show stands in the terminator before storage is put
  // behind it, so that it is compared as it is computed.
  Block &body = function->getBody().front();
  body.getTerminator()->setOperands(shown);
  function->setFunctionType(FunctionType::get(function->getContext(),
                                              body.getArgumentTypes(),
                                              ValueRange(shown).getTypes()));
  function->setAllResultAttrs(SmallVector<Attribute>(
      shown.size(), DictionaryAttr::get(function->getContext())));
  FailureOr<SmallVector<int64_t>> simulatedNumbers =
      simulateRanges(*function, *own);
  if (failed(simulatedNumbers))
    return failure();
  eraseDeadOps(body);
  numbers = *simulatedNumbers;
  if (numbers.empty())
    return false;

  int64_t perRow = 0;
  for (int64_t input = 0; input < summary.sample.inputs(); ++input)
    perRow += summary.sample.width(input);
  for (int64_t count : shownPerRow)
    perRow += count;
  gatherRows(extremes,
             std::clamp(std::min(kProductsOfRun / productsPerRow(*function),
                                 kValuesOfRun / perRow),
                        kLeastRows, kMostRows));
  if (rows < kLeastTrials)
    return false;
  for (int64_t count : shownPerRow)
    outputs.emplace_back(rows * count);
  parameters.assign(numbers.size() * kParameters,
                    std::vector<float>(rows, 0.0f));
  FailureOr<std::unique_ptr<FloatRunner>> made = makeRunner(*simulated);
  if (failed(made))
    return failure();
  runner = std::move(*made);
  for (size_t index = 0; index < numbers.size(); ++index)
    passThrough(index);
  if (failed(runOnce()))
    return failure();
  exact = outputs;
  return true;
}

void Simulation::setParameters(size_t index,
                               std::array<float, kParameters> numbersOfRow) {
  for (auto [which, number] : llvm::enumerate(numbersOfRow))
    std::fill(parameters[index * kParameters + which].begin(),
              parameters[index * kParameters + which].end(), number);
}

void Simulation::passThrough(size_t index) {
  // Scaled by a power of two so far up that nothing is left to round.
  constexpr int manyBits = 30;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const ObservedRange &range = summary.tensors[numbers[index]];
  const double magnitude = std::max(std::fabs(range.min), std::fabs(range.max));
  const int exponent = magnitude > 0 ? manyBits - std::ilogb(magnitude) : 0;
  setParameters(index, {std::ldexp(1.0f, exponent), -infinity, infinity,
                        std::ldexp(1.0f, -exponent)});
}

void Simulation::store(size_t index, Interval range) {
  const numerics::QuantParams params =
      numerics::chooseCovering(range.lo, range.hi, 0, options.activationMax);
  setParameters(index,
                {1.0f / params.scale, static_cast<float>(-params.zeroPoint),
                 static_cast<float>(params.qmax - params.zeroPoint),
                 params.scale});
}

LogicalResult Simulation::runOnce() {
  SmallVector<const float *> in;
  SmallVector<float *> out;
  for (const std::vector<float> &buffer : inputs)
    in.push_back(buffer.data());
  for (const std::vector<float> &buffer : parameters)
    in.push_back(buffer.data());
  for (std::vector<float> &buffer : outputs)
    out.push_back(buffer.data());
  return runner->run(in, rows, out);
}

FailureOr<Error> Simulation::run() {
  if (failed(runOnce()))
    return failure();
  Error result;
  for (auto [got, wanted] : llvm::zip_equal(outputs, exact)) {
    const size_t width = wanted.size() / rows;
    std::array<double, 2> noise = {0, 0}, energy = {0, 0};
    for (int64_t row = 0; row < rows; ++row) {
      double rowNoise = 0, rowEnergy = 0;
      for (size_t k = row * width; k < (row + 1) * width; ++k) {
        const double y = wanted[k], difference = got[k] - y;
        // False for NaN and infinities.
        const bool isFinite =
            std::fabs(y) < infinite && std::fabs(difference) < infinite;
        if (!isFinite)
          continue;
        rowNoise += difference * difference;
        rowEnergy += y * y;
      }
      // Extremes belong to both halves: there is no second one to check on.
      for (int64_t half : {0, 1})
        if (row < extremeRows || row % 2 == half) {
          const double weight = weights[row] * (row < extremeRows ? 0.5 : 1.0);
          noise[half] += weight * rowNoise;
          energy[half] += weight * rowEnergy;
        }
    }
    for (int64_t half : {0, 1})
      if (energy[half] > 0)
        result.halves[half] += noise[half] / energy[half];
  }
  return result;
}

//===----------------------------------------------------------------------===//
// The search
//===----------------------------------------------------------------------===//

/// One value that is stored.
struct Trial {
  size_t index = 0; ///< among the stored values
  ObservedRange *range = nullptr;
  const Statistics *statistics = nullptr;
  Error minmax; ///< of min-max
  std::string method = "minmax";
  Interval best;
  Error least;
};

class Search {
public:
  Search(Simulation &simulation, const CalibrationOptions &options)
      : simulation(simulation), options(options) {}

  /// Chooses ranges, and notes what they do to the outputs.
  LogicalResult run(MutableArrayRef<Trial> trials);
  /// Notes what the ranges that the values have do to the outputs.
  LogicalResult measure(MutableArrayRef<Trial> trials);

private:
  LogicalResult tryAlone(Trial &trial);
  LogicalResult offer(Trial &trial, StringRef method, Interval range);
  LogicalResult offerScaled(Trial &trial, double lo, double hi);
  LogicalResult narrow(Trial &trial);
  LogicalResult joinBest(MutableArrayRef<Trial> trials);

  Simulation &simulation;
  const CalibrationOptions &options;
  Error lastTried;
};

LogicalResult Search::offer(Trial &trial, StringRef method, Interval range) {
  if (!(range.lo < range.hi))
    return success();
  for (const RangeCandidate &known : trial.range->candidates)
    if (known.lo == range.lo && known.hi == range.hi)
      return success();
  simulation.store(trial.index, range);
  FailureOr<Error> error = simulation.run();
  if (failed(error))
    return failure();
  lastTried = *error;
  const bool isFirst = trial.range->candidates.empty();
  trial.range->candidates.push_back(
      {method.str(), range.lo, range.hi, decibels(error->total())});
  if (isFirst)
    trial.minmax = *error;
  // One half chooses; the other is asked at the end.
  if (isFirst || error->halves[0] < trial.least.halves[0]) {
    trial.least = *error;
    trial.best = range;
    trial.method = method;
  }
  return success();
}

/// Offers the best range so far with its ends scaled, and no wider than seen.
LogicalResult Search::offerScaled(Trial &trial, double lo, double hi) {
  const Interval &best = trial.best;
  return offer(
      trial, kSearched,
      {best.lo < 0 ? std::max(best.lo * lo, trial.range->min) : best.lo,
       best.hi > 0 ? std::min(best.hi * hi, trial.range->max) : best.hi});
}

/// Narrower ranges, of any method or none: by quarters down to 4^-10, for a
/// range that a few values which do not matter made far too wide; then around
/// the best so far, both ends together and each alone.
LogicalResult Search::narrow(Trial &trial) {
  constexpr int mostQuarters = 10;
  constexpr double hopeless = 4; // times the least error, and growing
  const Interval widest = {trial.range->min, trial.range->max};
  double before = trial.minmax.halves[0];
  for (int i = 1; i <= mostQuarters; ++i) {
    const double factor = std::ldexp(1.0, -2 * i);
    if (failed(offer(trial, kSearched,
                     {widest.lo < 0 ? widest.lo * factor : widest.lo,
                      widest.hi > 0 ? widest.hi * factor : widest.hi})))
      return failure();
    const double error = lastTried.halves[0];
    if (error > before && error > hopeless * trial.least.halves[0])
      break;
    before = error;
  }
  const double root = std::sqrt(2.0), fine = std::sqrt(root);
  for (double factor : {2.0, root, fine})
    for (auto [lo, hi] :
         {std::pair(1 / factor, 1 / factor), std::pair(factor, factor)})
      if (failed(offerScaled(trial, lo, hi)))
        return failure();
  if (widest.lo < 0 && widest.hi > 0)
    for (double factor : {1 / root, root})
      for (bool isHigh : {true, false})
        if (failed(
                offerScaled(trial, isHigh ? 1 : factor, isHigh ? factor : 1)))
          return failure();
  return success();
}

LogicalResult Search::tryAlone(Trial &trial) {
  for (RangeMethod method :
       {RangeMethod::Percentile, RangeMethod::Mse, RangeMethod::Entropy})
    if (failed(offer(trial, nameOf(method),
                     chooseRange(*trial.statistics, method, options.percentile,
                                 options.activationMax))))
      return failure();
  return narrow(trial);
}

/// Takes the best ranges one after the other, those that save most first, as
/// long as all of them together do what each promised alone.
LogicalResult Search::joinBest(MutableArrayRef<Trial> trials) {
  for (Trial &trial : trials)
    simulation.store(trial.index, {trial.range->lo, trial.range->hi});
  FailureOr<Error> joint = simulation.run();
  if (failed(joint))
    return failure();
  SmallVector<Trial *> order;
  for (Trial &trial : trials) {
    if (trial.method == "minmax" || trial.range->fixed)
      continue;
    if (trial.least.clearlyBelow(trial.minmax))
      order.push_back(&trial);
    else
      trial.range->reason =
          llvm::formatv("minmax is kept: {0}, the best of the others, takes "
                        "less than a tenth off the error of the outputs",
                        trial.method)
              .str();
  }
  llvm::stable_sort(order, [](const Trial *a, const Trial *b) {
    return a->minmax.total() - a->least.total() >
           b->minmax.total() - b->least.total();
  });
  for (Trial *trial : order) {
    ObservedRange &range = *trial->range;
    simulation.store(trial->index, trial->best);
    FailureOr<Error> with = simulation.run();
    if (failed(with))
      return failure();
    const std::string figures = llvm::formatv(
        "{0} gives the outputs {1:f1} dB where minmax gives {2:f1}",
        trial->method, decibels(trial->least.total()),
        decibels(trial->minmax.total()));
    if (with->halves[0] < joint->halves[0] &&
        with->halves[1] < joint->halves[1]) {
      joint = with;
      range.lo = trial->best.lo;
      range.hi = trial->best.hi;
      range.method = trial->method;
      range.outputNoise = trial->least.total();
      range.reason = figures;
    } else {
      simulation.store(trial->index, {range.lo, range.hi});
      range.reason = "minmax is kept: " + figures +
                     " alone, but nothing together with the other ranges";
    }
  }
  return success();
}

LogicalResult Search::measure(MutableArrayRef<Trial> trials) {
  for (Trial &trial : trials) {
    simulation.store(trial.index, {trial.range->lo, trial.range->hi});
    FailureOr<Error> error = simulation.run();
    if (failed(error))
      return failure();
    trial.range->outputNoise = error->total();
    simulation.passThrough(trial.index);
  }
  return success();
}

LogicalResult Search::run(MutableArrayRef<Trial> trials) {
  double sum = 0;
  for (Trial &trial : trials) {
    const ObservedRange &range = *trial.range;
    if (failed(offer(trial, range.method, {range.lo, range.hi})))
      return failure();
    simulation.passThrough(trial.index);
    trial.range->outputNoise = trial.minmax.total();
    sum += trial.minmax.total();
  }
  for (Trial &trial : trials) {
    ObservedRange &range = *trial.range;
    if (range.fixed) {
      range.reason = "fixed by the user";
      continue;
    }
    if (range.candidates.empty()) {
      range.reason = "the value never changes";
      continue;
    }
    if (trial.minmax.total() < kShareWorthSearch * sum) {
      range.reason = "minmax is kept: it causes a small part of the error of "
                     "the outputs";
      continue;
    }
    if (failed(tryAlone(trial)))
      return failure();
    simulation.passThrough(trial.index);
    if (trial.method == "minmax")
      range.reason = "minmax is kept: nothing that was tried has less error of "
                     "the outputs";
  }
  return joinBest(trials);
}

/// Whether f32 has a scale that leaves all values as they are.
bool canPassThrough(const ObservedRange &range) {
  const double magnitude = std::max(std::fabs(range.min), std::fabs(range.max));
  return magnitude == 0 ||
         (magnitude > kLeastMagnitude && magnitude < kLargestMagnitude);
}

} // namespace

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

LogicalResult mlir::qnet::measureByOutput(ModuleOp module,
                                          ArrayRef<ObservedValue> values,
                                          ArrayRef<Statistics> statistics,
                                          const TrialRows &extremes,
                                          RunnerFactory makeRunner,
                                          const CalibrationOptions &options,
                                          CalibrationSummary &summary) {
  const bool isAuto = options.method == RangeMethod::Auto;
  auto keepAll = [&](StringRef reason) {
    if (!isAuto)
      return success();
    for (ObservedRange &range : summary.tensors)
      range.reason = range.fixed ? "fixed by the user"
                                 : ("minmax is kept: " + reason).str();
    return success();
  };
  for (auto [value, range] : llvm::zip_equal(values, summary.tensors)) {
    if (isStored(value) && !canPassThrough(range))
      return keepAll("the values are too small or too large to try ranges");
    if (isAuto)
      range.reason = range.fixed ? "fixed by the user"
                                 : "minmax is kept: the value is not stored";
  }
  Simulation simulation(values, options, summary);
  FailureOr<bool> isUseful = simulation.prepare(module, extremes, makeRunner);
  if (failed(isUseful))
    return failure();
  if (!*isUseful)
    return keepAll("there is nothing to measure its effect by: fewer than 16 "
                   "different rows, or no real output");
  std::vector<Trial> trials;
  for (auto [index, number] : llvm::enumerate(simulation.stored())) {
    Trial &trial = trials.emplace_back();
    trial.index = index;
    trial.range = &summary.tensors[number];
    trial.statistics = &statistics[number];
    trial.best = {trial.range->lo, trial.range->hi};
  }
  Search search(simulation, options);
  return isAuto ? search.run(trials) : search.measure(trials);
}
