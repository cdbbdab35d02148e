//===- Tune.h - bits where they matter --------------------------*- C++ -*-===//
//
// What each precision of each layer does to the network's output, measured on
// rows of data with only that layer quantized; the combinations of precisions
// that are worth their cost; and those of them that were compiled and run.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_PIPELINE_TUNE_H
#define QUANTC_PIPELINE_TUNE_H

#include "quantc/Pipeline/Evaluation.h"
#include "quantc/Pipeline/Native.h"
#include "quantc/Quantize/PrecisionSearch.h"

#include <functional>

namespace mlir::qnet {

/// How much accuracy may be lost: a share of rows, or a least SQNR.
struct AccuracyBudget {
  bool isDecibels = false;
  double amount = 0; ///< Percentage points, or dB.

  std::string text() const; ///< "0.1%", "40dB"
};
/// Reads "0.1%" or "40dB".
llvm::Expected<AccuracyBudget> parseBudget(StringRef text);

/// What a network has to reach.
class Requirement {
public:
  /// With labels, a share is the score that may be lost; without, the rows that
  /// may be decided otherwise than by the float network, if it decides at all:
  /// an error if not.
  static llvm::Expected<Requirement> ofBudget(const AccuracyBudget &budget,
                                              const Evaluation &evaluation);
  /// Without a budget: 99.8% of decisions as in float, or as many as `int8` has
  /// where those are fewer; of a network that does not decide, at most 1 dB
  /// less than `int8`.
  static Requirement byDefault(const Evaluation &evaluation,
                               const Quality &int8);

  bool isMet(const Quality &quality) const;
  /// How far from it: 0 or less where it is met, for comparisons only.
  double shortfall(const Quality &quality) const;
  std::string text() const; ///< "an agreement of at least 99.8%"

private:
  enum class Kind { Score, Agreement, Sqnr };
  Kind kind = Kind::Sqnr;
  double least = 0;
};

/// What a layer's precisions cost.
struct LayerSensitivity {
  SearchLayer layer;
  int64_t inputs = 0, outputs = 0;
  /// With 4-bit weights, what each group of 64 input channels adds to the power
  /// of the error, of all groups; empty where the layer can't have them.
  std::vector<double> groupShares;
};

/// One combination, compiled and run.
struct TunePoint {
  PrecisionPlan plan;
  /// Of a row that has one precision for all, that precision.
  std::optional<Precision> uniform;
  double cycles = 0; ///< Of dense layers for a row, by the cost model.
  double bytes = 0;  ///< Of weights.
  double predictedNoise = 0;
  Quality quality;
  double secondsPerRow = 0; ///< As measured on this machine, many rows a call.
  bool meetsBudget = false;

  double sqnrPredicted() const;
  double cost(Goal goal) const { return goal == Goal::Time ? cycles : bytes; }
};

/// The Quantize and Optimize stages, on a calibrated graph whose layers have
/// their precisions.
using QuantizeGraph =
    std::function<LogicalResult(ModuleOp calibrated, bool allowFloat)>;

/// A calibrated network and what is needed to judge it.
struct TuneInput {
  ModuleOp calibrated;
  /// The same network before calibration.
  ModuleOp network;
  QuantizeGraph quantize;
  /// Whose kernels and cost model count.
  CpuVariant cpu;
  /// Some hundred rows for single layers, and the rows that decide.
  const Evaluation *sample = nullptr, *validation = nullptr;
};

struct TuneOptions {
  Goal goal = Goal::Time;
  bool allowFloat = false;
  /// Precisions beside int8.
  bool int4 = true, int8x16 = true, pruned = true;
  std::optional<AccuracyBudget> budget;
  /// Without a budget, whether Requirement::byDefault has to be met.
  bool hasDefaultBudget = false;
  /// Combinations to compile and run beside those that the budget asks for; 0
  /// if only the one within the budget is wanted.
  size_t points = 12;
  std::function<void(StringRef what, int64_t done, int64_t total)> progress;
};

struct TuneResult {
  std::vector<LayerSensitivity> layers;
  /// Of what was compiled, the combinations that none beats, cheapest first.
  std::vector<TunePoint> points;
  /// One precision for every layer that can have it: int8 first.
  std::vector<TunePoint> uniform;
  /// The cheapest point within the budget, or else the nearest to it.
  std::optional<size_t> chosen;
  bool isBudgetMet = true;
  std::string requirement; ///< "" without one.
  std::string cpu;         ///< Whose time was modelled.
};

/// Measures every precision of every dense layer.
FailureOr<std::vector<LayerSensitivity>>
measureSensitivity(const TuneInput &input, const TuneOptions &options);

FailureOr<TuneResult> tune(const TuneInput &input, const TuneOptions &options);

/// "49.45 dB, an agreement of 99.90% and a score of 95.10%": what there is.
std::string figuresText(const TunePoint &point);

/// "4 8 8x16 f 8/b50": the layers' precisions in short; of the last, 50% of the
/// blocks of weights are 0.
std::string shortText(const PrecisionPlan &plan);

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_TUNE_H
