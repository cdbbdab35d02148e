//===- Culprits.cpp - What costs a compiled program its accuracy ----------===//
#include "quantc/Pipeline/Culprits.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Multiply-adds that the first look at an effect's channels may take: a few
/// seconds.
constexpr int64_t kChannelWork = int64_t(1) << 32;
/// Rows of that look.
constexpr int64_t kFewestRows = 16, kMostRows = 256;
/// Effects whose channels are looked at.
constexpr size_t kEffectsWithChannels = 3;

constexpr float kOn = 1.0f, kOff = 0.0f;

func::FuncOp mainOf(ModuleOp module) {
  return module.lookupSymbol<func::FuncOp>("main");
}

class Search {
public:
  Search(const CulpritOptions &options) : options(options) {}
  LogicalResult run(ModuleOp expected, ModuleOp actual, const Rows &all);

  Culprits found;

private:
  LogicalResult chooseRows(ModuleOp expected, ModuleOp actual, const Rows &all);
  void findWorstRows(ArrayRef<int64_t> numbers);
  LogicalResult measureEffects();
  LogicalResult measureChannels(ArrayRef<const Switch *> together,
                                std::vector<Suspect> &into);
  /// The error's power with `switches` set to `state` in one channel (-1: all)
  /// and all others to the opposite.
  FailureOr<double> power(ArrayRef<const Switch *> switches, int64_t channel,
                          float state, const Rows &on, const Rows &truth);
  Suspect suspect(const Switch &of, int64_t channel, double base,
                  double restored) const;

  const CulpritOptions &options;
  Simulation simulation;
  GraphRunner runner;
  Rows rows, floats, integers;
  /// Of the simulation with everything quantized.
  double basePower = 0;
  int64_t products = 1;
  std::vector<float> ones, zeros;
};

} // namespace

LogicalResult Search::chooseRows(ModuleOp expected, ModuleOp actual,
                                 const Rows &all) {
  std::vector<int64_t> finite;
  for (int64_t row = 0; row != all.count; ++row)
    if (isFiniteRow(all, row))
      finite.push_back(row);
  found.skipped = all.count - static_cast<int64_t>(finite.size());
  std::vector<int64_t> numbers;
  for (int64_t i : spacedRows(finite.size(), options.rows))
    numbers.push_back(finite[i]);
  found.rows = numbers.size();
  if (numbers.empty())
    return expected.emitError("no row without NaN or infinity is left to find "
                              "culprits on; give such rows with --input");
  rows = takeRows(all, numbers);
  auto floatRunner = GraphRunner::compile(expected);
  auto integerRunner = GraphRunner::compile(actual);
  if (failed(floatRunner) || failed(integerRunner))
    return failure();
  auto floatResults = floatRunner->run(rows),
       integerResults = integerRunner->run(rows);
  if (failed(floatResults) || failed(integerResults))
    return failure();
  floats = std::move(*floatResults);
  integers = std::move(*integerResults);
  findWorstRows(numbers);
  return success();
}

void Search::findWorstRows(ArrayRef<int64_t> numbers) {
  for (auto [i, number] : llvm::enumerate(numbers)) {
    WorstRow worst{number, 0, decisionOf(rowOf(floats, 0, i)),
                   decisionOf(rowOf(integers, 0, i))};
    for (size_t t = 0; t != floats.tensors.size(); ++t)
      for (auto [x, y] :
           llvm::zip_equal(rowOf(floats, t, i), rowOf(integers, t, i)))
        worst.error += (double(x) - y) * (double(x) - y);
    worst.error = std::sqrt(worst.error);
    found.worst.push_back(worst);
  }
  llvm::stable_sort(found.worst, [](const WorstRow &a, const WorstRow &b) {
    return a.error > b.error;
  });
  if (found.worst.size() > options.worstRows)
    found.worst.resize(options.worstRows);
}

FailureOr<double> Search::power(ArrayRef<const Switch *> switches,
                                int64_t channel, float state, const Rows &on,
                                const Rows &truth) {
  const std::vector<float> &others = state == kOn ? zeros : ones;
  SmallVector<const float *> arguments(simulation.switches.size(),
                                       others.data());
  std::vector<std::vector<float>> own;
  for (const Switch *changed : switches) {
    size_t index = changed - simulation.switches.data();
    if (channel < 0) {
      arguments[index] = (state == kOn ? ones : zeros).data();
      continue;
    }
    std::vector<float> &values = own.emplace_back(
        GraphRunner::kBlockRows * changed->values, kOn - state);
    for (size_t i = channel; i < values.size(); i += changed->channels)
      values[i] = state;
    arguments[index] = values.data();
  }
  auto results = runner.run(on, arguments);
  if (failed(results))
    return failure();
  return outputError(truth, *results).power;
}

Suspect Search::suspect(const Switch &of, int64_t channel, double base,
                        double restored) const {
  Suspect result{of.effect, of.place, of.name, channel};
  result.share = base == 0 ? 0 : 1 - restored / base;
  result.gain =
      restored == 0 || base == 0 ? 0 : 10 * std::log10(base / restored);
  return result;
}

static bool hasLargerShare(const Suspect &a, const Suspect &b) {
  return a.share > b.share;
}

LogicalResult Search::measureEffects() {
  double sum = 0;
  for (const Switch &effect : simulation.switches) {
    auto restored = power(&effect, -1, kOff, rows, floats);
    auto alone = power(&effect, -1, kOn, rows, floats);
    if (failed(restored) || failed(alone))
      return failure();
    Suspect measured = suspect(effect, -1, basePower, *restored);
    measured.alone = *alone;
    sum += *alone;
    // What changes nothing is no suspect.
    if (*restored != basePower || *alone != 0)
      found.effects.push_back(measured);
  }
  for (Suspect &measured : found.effects)
    measured.alone = sum == 0 ? 0 : measured.alone / sum;
  llvm::stable_sort(found.effects, hasLargerShare);
  return success();
}

/// A first look at every channel on few rows, then those that seem worst on all
/// of them.
LogicalResult Search::measureChannels(ArrayRef<const Switch *> together,
                                      std::vector<Suspect> &into) {
  int64_t channels = together.front()->channels;
  if (channels < 2)
    return success();
  int64_t count =
      std::clamp(kChannelWork / (products * channels), kFewestRows, kMostRows);
  std::vector<int64_t> which = spacedRows(rows.count, count);
  Rows few = takeRows(rows, which), truth = takeRows(floats, which);
  std::vector<std::pair<double, int64_t>> powers;
  for (int64_t channel = 0; channel != channels; ++channel) {
    auto restored = power(together, channel, kOff, few, truth);
    if (failed(restored))
      return failure();
    powers.emplace_back(*restored, channel);
  }
  llvm::stable_sort(powers, llvm::less_first());
  if (powers.size() > options.channels)
    powers.resize(options.channels);
  std::vector<Suspect> measured;
  for (auto [first, channel] : powers) {
    auto restored = power(together, channel, kOff, rows, floats);
    if (failed(restored))
      return failure();
    Suspect one = suspect(*together.front(), channel, basePower, *restored);
    if (one.share > 0)
      measured.push_back(one);
  }
  llvm::stable_sort(measured, hasLargerShare);
  llvm::append_range(into, measured);
  return success();
}

LogicalResult Search::run(ModuleOp expected, ModuleOp actual, const Rows &all) {
  if (failed(chooseRows(expected, actual, all)))
    return failure();
  found.sqnr = outputError(floats, integers).sqnr();
  auto simulated = simulateQuantization(mainOf(expected), mainOf(actual));
  if (failed(simulated))
    return failure();
  simulation = std::move(*simulated);
  found.fixed = simulation.fixed;
  products = productsOfRow(*simulation.module);
  int64_t widest = 1;
  for (const Switch &effect : simulation.switches)
    widest = std::max(widest, effect.values);
  ones.assign(widest * GraphRunner::kBlockRows, kOn);
  zeros.assign(widest * GraphRunner::kBlockRows, kOff);
  auto compiled = GraphRunner::compile(*simulation.module);
  if (failed(compiled))
    return failure();
  runner = std::move(*compiled);

  auto simulatedPower = power({}, -1, kOff, rows, integers);
  auto undonePower = power({}, -1, kOn, rows, floats);
  auto base = power({}, -1, kOff, rows, floats);
  if (failed(simulatedPower) || failed(undonePower) || failed(base))
    return failure();
  basePower = *base;
  found.simulation = OutputError{*simulatedPower}.sqnr();
  found.undone = OutputError{*undonePower}.sqnr();
  if (failed(measureEffects()))
    return failure();

  size_t looked = 0;
  for (const Suspect &worst : found.effects) {
    if (worst.place == Place::Input)
      continue;
    if (looked++ == kEffectsWithChannels)
      break;
    for (const Switch &effect : simulation.switches)
      if (effect.effect == worst.effect && effect.place == worst.place &&
          effect.name == worst.name &&
          failed(measureChannels(&effect, found.channels)))
        return failure();
  }
  llvm::stable_sort(found.channels, hasLargerShare);
  // Of an input, rounding and clipping together.
  for (const Switch &effect : simulation.switches) {
    if (effect.place != Place::Input || effect.effect != Effect::Rounding)
      continue;
    SmallVector<const Switch *> together = {&effect};
    for (const Switch &other : simulation.switches)
      if (other.place == Place::Input && other.name == effect.name &&
          other.effect == Effect::Clipping)
        together.push_back(&other);
    if (failed(measureChannels(together, found.features)))
      return failure();
  }
  llvm::stable_sort(found.features, hasLargerShare);
  return success();
}

FailureOr<Culprits> qnet::findCulprits(ModuleOp expected, ModuleOp actual,
                                       const Rows &rows,
                                       const CulpritOptions &options) {
  Search search(options);
  if (failed(search.run(expected, actual, rows)))
    return failure();
  return std::move(search.found);
}

std::string qnet::describe(const Suspect &suspect) {
  std::string text;
  switch (suspect.effect) {
  case Effect::Weights:
    text = "weights of ";
    break;
  case Effect::Rounding:
    text = "rounding of ";
    break;
  case Effect::Clipping:
    text = "clipping of ";
    break;
  }
  if (suspect.place == Place::Input)
    text += "input ";
  if (suspect.place == Place::Index)
    text += "the look-up index of ";
  return text + suspect.name;
}
