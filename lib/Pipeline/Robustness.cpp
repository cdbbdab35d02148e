//===- Robustness.cpp - Float against integer on disturbed inputs ---------===//
#include "quantc/Pipeline/Robustness.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <functional>

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Random numbers by their place, so that no order of rows changes them
/// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014: the mix of splitmix64).
class Dice {
public:
  explicit Dice(uint64_t seed) : seed(seed) {}

  /// In [0, 1).
  double uniform(uint64_t row, uint64_t feature, uint64_t draw) const {
    uint64_t bits = mix(mix(mix(seed + kStep) + row) + feature) + draw;
    return static_cast<double>(mix(bits) >> 11) * 0x1p-53;
  }
  /// Mean 0, variance 1: twelve uniform numbers, whose sum needs no libm and is
  /// the same everywhere.
  double normal(uint64_t row, uint64_t feature) const {
    constexpr int draws = 12;
    double sum = -draws / 2.0;
    for (int i = 0; i != draws; ++i)
      sum += uniform(row, feature, i);
    return sum;
  }

private:
  static constexpr uint64_t kStep = 0x9E3779B97F4A7C15;
  static uint64_t mix(uint64_t x) {
    x += kStep;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  }
  uint64_t seed;
};

/// A value from what it was, its mean and its standard deviation.
using Disturb = std::function<float(float value, float mean, float deviation,
                                    uint64_t row, uint64_t feature)>;
struct Kind {
  std::string what;
  Disturb disturb;
};

std::vector<Kind> kindsFor(const Dice &dice) {
  std::vector<Kind> kinds;
  kinds.push_back(
      {"none", [](float x, float, float, uint64_t, uint64_t) { return x; }});
  for (double level : {0.05, 0.1, 0.2, 0.5, 1.0})
    kinds.push_back(
        {llvm::formatv("noise of {0} standard deviations",
                       llvm::format("%g", level)),
         [=](float x, float, float deviation, uint64_t row, uint64_t feature) {
           return static_cast<float>(x + level * deviation *
                                             dice.normal(row, feature));
         }});
  // Draws after those of the noise.
  constexpr uint64_t kDrop = 12;
  auto dropped = [=](double share, uint64_t row, uint64_t feature) {
    return dice.uniform(row, feature, kDrop) < share;
  };
  for (double share : {0.01, 0.1, 0.25})
    kinds.push_back(
        {llvm::formatv("{0:P0} of features 0", share),
         [=](float x, float, float, uint64_t row, uint64_t feature) {
           return dropped(share, row, feature) ? 0.0f : x;
         }});
  for (double share : {0.01, 0.1, 0.25})
    kinds.push_back(
        {llvm::formatv("{0:P0} of features their mean", share),
         [=](float x, float mean, float, uint64_t row, uint64_t feature) {
           return dropped(share, row, feature) ? mean : x;
         }});
  for (float factor : {1.5f, 2.0f, 10.0f})
    kinds.push_back(
        {llvm::formatv("values times {0}", llvm::format("%g", factor)),
         [=](float x, float, float, uint64_t, uint64_t) {
           return x * factor;
         }});
  constexpr double kSpecials = 0.01;
  for (auto [name, special] :
       {std::pair("NaN", std::numeric_limits<float>::quiet_NaN()),
        std::pair("infinity", std::numeric_limits<float>::infinity())}) {
    float value = special;
    kinds.push_back(
        {llvm::formatv("{0:P0} of features {1}", kSpecials, name),
         [=](float x, float, float, uint64_t row, uint64_t feature) {
           return dropped(kSpecials, row, feature) ? value : x;
         }});
  }
  return kinds;
}

Rows disturbed(const Rows &rows, ArrayRef<FeatureMoments> moments,
               const Disturb &disturb) {
  Rows result = rows;
  uint64_t before = 0;
  for (auto [i, tensor] : llvm::enumerate(result.tensors)) {
    uint64_t width = rows.width(i);
    for (auto [at, value] : llvm::enumerate(tensor)) {
      uint64_t feature = at % width;
      value =
          disturb(value, moments[i].mean[feature],
                  moments[i].deviation[feature], at / width, before + feature);
    }
    before += width;
  }
  return result;
}

int64_t rowsWithSpecials(const Rows &rows) {
  int64_t count = 0;
  for (int64_t row = 0; row != rows.count; ++row) {
    bool isSpecial = false;
    for (size_t i = 0; i != rows.tensors.size(); ++i)
      isSpecial |= !llvm::all_of(rowOf(rows, i, row),
                                 [](float x) { return std::isfinite(x); });
    count += isSpecial;
  }
  return count;
}

int64_t rightRows(const Rows &results, ArrayRef<double> labels) {
  int64_t count = 0;
  if (!labels.empty())
    for (int64_t row = 0; row != results.count; ++row)
      count += labels[row] == double(decisionOf(rowOf(results, 0, row)));
  return count;
}

} // namespace

FeatureMoments qnet::momentsOf(const Rows &rows, size_t tensor) {
  int64_t width = rows.width(tensor);
  FeatureMoments moments{std::vector<float>(width), std::vector<float>(width)};
  for (int64_t i = 0; i != width; ++i) {
    double sum = 0, squares = 0, count = 0;
    for (int64_t row = 0; row != rows.count; ++row)
      if (double x = rowOf(rows, tensor, row)[i]; std::isfinite(x)) {
        sum += x;
        ++count;
      }
    double mean = count == 0 ? 0 : sum / count;
    for (int64_t row = 0; row != rows.count; ++row)
      if (double x = rowOf(rows, tensor, row)[i]; std::isfinite(x))
        squares += (x - mean) * (x - mean);
    moments.mean[i] = static_cast<float>(mean);
    moments.deviation[i] =
        static_cast<float>(count == 0 ? 0 : std::sqrt(squares / count));
  }
  return moments;
}

FailureOr<std::vector<Disturbance>>
qnet::measureRobustness(ModuleOp expected, ModuleOp actual, const Rows &rows,
                        ArrayRef<double> labels, uint64_t seed) {
  auto floatRunner = GraphRunner::compile(expected);
  auto integerRunner = GraphRunner::compile(actual);
  if (failed(floatRunner) || failed(integerRunner))
    return failure();
  std::vector<FeatureMoments> moments;
  for (size_t i = 0; i != rows.tensors.size(); ++i)
    moments.push_back(momentsOf(rows, i));
  auto cleanFloats = floatRunner->run(rows),
       cleanIntegers = integerRunner->run(rows);
  if (failed(cleanFloats) || failed(cleanIntegers))
    return failure();
  std::vector<Disturbance> result;
  for (const Kind &kind : kindsFor(Dice(seed))) {
    Rows inputs = disturbed(rows, moments, kind.disturb);
    auto floats = floatRunner->run(inputs),
         integers = integerRunner->run(inputs);
    if (failed(floats) || failed(integers))
      return failure();
    result.push_back({kind.what, outputError(*floats, *integers),
                      outputError(*cleanFloats, *floats),
                      outputError(*cleanIntegers, *integers),
                      rowsWithSpecials(*floats), rowsWithSpecials(*integers),
                      rightRows(*floats, labels),
                      rightRows(*integers, labels)});
  }
  return result;
}
