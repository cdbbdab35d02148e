//===- Tune.cpp - bits where they matter ----------------------------------===//
//
// The search proposes combinations by the sum of single layers' errors; what is
// given out was compiled and run.
//
//===----------------------------------------------------------------------===//
#include "quantc/Pipeline/Tune.h"

#include "TuneSteps.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <cmath>
#include <map>

using namespace llvm;

namespace mlir::qnet {

double TunePoint::sqnrPredicted() const {
  return -10 * std::log10(predictedNoise);
}

std::string shortText(const PrecisionPlan &plan) {
  std::vector<std::string> parts;
  for (const PlannedLayer &layer : plan.layers)
    parts.push_back(briefNameOf(layer.precision).str());
  // A run of equal ones in deep networks: "8*12".
  constexpr size_t shortest = 4;
  std::vector<std::string> text;
  for (size_t i = 0; i < parts.size();) {
    size_t end = i;
    while (end < parts.size() && parts[end] == parts[i])
      ++end;
    if (end - i >= shortest)
      text.push_back(parts[i] + "*" + std::to_string(end - i));
    else
      text.insert(text.end(), end - i, parts[i]);
    i = end;
  }
  return join(text, " ");
}

namespace {

class Tuner {
public:
  Tuner(const TuneInput &input, const TuneOptions &options)
      : input(input), options(options) {}

  FailureOr<TuneResult> run();

private:
  /// A combination compiled and run; each one once.
  FailureOr<const TunePoint *> verify(const Combination &combination);
  LogicalResult verifyUniform();
  LogicalResult verifySpread();
  LogicalResult meetBudget();
  void keepFrontier();
  void choose();

  SmallVector<SearchLayer> layers() const {
    SmallVector<SearchLayer> result;
    for (const LayerSensitivity &layer : outcome.layers)
      result.push_back(layer.layer);
    return result;
  }
  std::optional<Combination> uniform(Precision precision) const;
  void showProgress() {
    if (options.progress)
      options.progress("combinations", static_cast<int64_t>(verified.size()),
                       0);
  }

  TuneInput input;
  const TuneOptions &options;
  TuneResult outcome;
  std::vector<Combination> frontier;
  std::optional<Requirement> requirement;
  /// By the options of the layers.
  std::map<std::vector<uint8_t>, TunePoint> verified;
};

} // namespace

FailureOr<const TunePoint *> Tuner::verify(const Combination &combination) {
  auto [entry, isNew] = verified.try_emplace(combination.options);
  TunePoint &point = entry->second;
  if (!isNew)
    return &point;
  bool hasFloat = false;
  StringMap<Precision> precisions;
  for (auto [layer, number] : zip_equal(outcome.layers, combination.options)) {
    Precision precision = layer.layer.options[number].precision;
    hasFloat |= precision == Precision::Float;
    point.plan.layers.push_back({layer.layer.name, precision});
    precisions[layer.layer.name] = precision;
  }
  OwningOpRef<ModuleOp> module = input.calibrated.clone();
  module->walk([&](DenseOp dense) {
    if (auto found = precisions.find(layerName(dense));
        found != precisions.end())
      setPrecision(dense, found->second);
  });
  if (failed(input.quantize(*module, options.allowFloat || hasFloat)))
    return failure();
  // All dense layers: those that decomposition adds too.
  module->walk([&](Operation *op) {
    if (!isa<DenseOp, QDenseOp>(op))
      return;
    point.cycles += modelledCycles(op, input.cpu);
    point.bytes += weightBytes(op, input.cpu);
  });
  point.predictedNoise = combination.noise;
  FailureOr<Quality> quality =
      input.validation->measure(*module, &point.secondsPerRow);
  if (failed(quality))
    return failure();
  point.quality = *quality;
  showProgress();
  return &point;
}

std::optional<Combination> Tuner::uniform(Precision precision) const {
  Combination combination;
  bool isThere = false;
  for (const LayerSensitivity &layer : outcome.layers) {
    size_t number = 0;
    for (auto [index, option] : enumerate(layer.layer.options))
      if (option.precision == precision) {
        number = index;
        isThere = true;
      }
    const PrecisionOption &option = layer.layer.options[number];
    combination.options.push_back(static_cast<uint8_t>(number));
    combination.noise += option.noise;
    combination.cycles += option.cycles;
    combination.bytes += option.bytes;
  }
  if (!isThere)
    return std::nullopt;
  return combination;
}

LogicalResult Tuner::verifyUniform() {
  SmallVector<Precision> wanted = {Precision::Int8};
  if (options.points != 0)
    wanted.append({Precision::Int4, Precision::Int8x16});
  for (Precision precision : wanted) {
    std::optional<Combination> combination = uniform(precision);
    if (!combination)
      continue;
    // Layers that share an input may not have it all; then there is no such
    // row.
    ScopedDiagnosticHandler quiet(
        input.calibrated.getContext(),
        [&](Diagnostic &) { return success(precision != Precision::Int8); });
    FailureOr<const TunePoint *> point = verify(*combination);
    if (succeeded(point)) {
      outcome.uniform.push_back(**point);
      outcome.uniform.back().uniform = precision;
    } else if (precision == Precision::Int8) {
      return failure();
    } else {
      verified.erase(combination->options);
    }
  }
  return success();
}

/// The cheapest combination that meets the requirement: noise falls along the
/// frontier, so it is looked for by halving.
LogicalResult Tuner::meetBudget() {
  size_t bad = 0, good = frontier.size();
  while (bad < good) {
    size_t middle = bad + (good - bad) / 2;
    FailureOr<const TunePoint *> point = verify(frontier[middle]);
    if (failed(point))
      return failure();
    if (requirement->isMet((*point)->quality))
      good = middle;
    else
      bad = middle + 1;
  }
  return success();
}

/// Some of the frontier, evenly in the logarithm of the noise.
LogicalResult Tuner::verifySpread() {
  if (options.points == 0)
    return success();
  auto level = [&](size_t i) {
    constexpr double least = 1e-20;
    return std::log(std::max(frontier[i].noise, least));
  };
  double first = level(0), last = level(frontier.size() - 1);
  double steps = double(std::max<size_t>(options.points, 2) - 1);
  double next = first;
  for (size_t i = 0; i < frontier.size(); ++i) {
    if (i != 0 && i + 1 != frontier.size() && level(i) > next)
      continue;
    next = level(i) - (first - last) / steps;
    if (failed(verify(frontier[i])))
      return failure();
  }
  return success();
}

/// The points that no other beats as measured.
void Tuner::keepFrontier() {
  std::vector<TunePoint> points;
  for (auto &[options, point] : verified)
    points.push_back(point);
  Goal other = options.goal == Goal::Time ? Goal::Size : Goal::Time;
  stable_sort(points, [&](const TunePoint &a, const TunePoint &b) {
    if (a.cost(options.goal) != b.cost(options.goal))
      return a.cost(options.goal) < b.cost(options.goal);
    if (a.cost(other) != b.cost(other))
      return a.cost(other) < b.cost(other);
    return a.quality.noise < b.quality.noise;
  });
  double least = std::numeric_limits<double>::infinity();
  bool hasChosen = false;
  for (TunePoint &point : points) {
    point.meetsBudget = !requirement || requirement->isMet(point.quality);
    // Decisions need not follow the noise: the cheapest point that meets the
    // requirement stays whatever its noise.
    bool isCheapest = requirement && point.meetsBudget && !hasChosen;
    hasChosen |= point.meetsBudget;
    if (point.quality.noise >= least && !isCheapest)
      continue;
    least = std::min(least, point.quality.noise);
    outcome.points.push_back(std::move(point));
  }
}

void Tuner::choose() {
  if (!requirement)
    return;
  outcome.requirement = requirement->text();
  for (auto [index, point] : enumerate(outcome.points))
    if (point.meetsBudget) {
      outcome.chosen = index;
      return;
    }
  outcome.isBudgetMet = false;
  const auto *nearest =
      std::min_element(&*outcome.points.begin(),
                       &*outcome.points.begin() + outcome.points.size(),
                       [&](const TunePoint &a, const TunePoint &b) {
                         return requirement->shortfall(a.quality) <
                                requirement->shortfall(b.quality);
                       });
  outcome.chosen = nearest - outcome.points.data();
}

FailureOr<TuneResult> Tuner::run() {
  ModuleOp module = input.calibrated;
  // A budget that no network can have is known before any work.
  if (options.budget) {
    auto read = Requirement::ofBudget(*options.budget, *input.validation);
    if (!read)
      return module.emitError() << toString(read.takeError());
    requirement = *read;
  }
  auto measured = measureSensitivity(input, options);
  if (failed(measured))
    return failure();
  outcome.layers = std::move(*measured);
  outcome.cpu = input.cpu.cpu;
  if (outcome.layers.empty())
    return module.emitError()
           << "the network has no dense layer with constant weights and a "
              "name, so there are no bits to choose";
  frontier = searchFrontier(layers(), options.goal);
  if (failed(verifyUniform()))
    return failure();
  if (options.hasDefaultBudget && !requirement)
    requirement = Requirement::byDefault(*input.validation,
                                         outcome.uniform.front().quality);
  if (requirement && failed(meetBudget()))
    return failure();
  if (failed(verifySpread()))
    return failure();
  keepFrontier();
  choose();
  return std::move(outcome);
}

FailureOr<TuneResult> tune(const TuneInput &input, const TuneOptions &options) {
  return Tuner(input, options).run();
}

} // namespace mlir::qnet
