//===- Equalization.cpp - rescale and split hidden channels ---------------===//
#include "Equalization.h"

#include "quantc/Dialect/ChannelExponents.h"
#include "quantc/Pipeline/Evaluation.h"
#include "quantc/Prepare/Prepare.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::qnet;

/// What another scale has to gain on the sample to be taken, in dB. Networks
/// that need it gain more than 10; of others, 1 was chance.
static constexpr double kLeastGain = 3.0;

/// The passes that `build` adds, on a network of which the layers' inputs are
/// measured first if they go by activations. It is given the names of values
/// whose range the user fixed.
static LogicalResult changeChannels(
    ModuleOp module, Equalize by, const CalibrationOptions &calibration,
    const CalibrationSummary &given, Calibrator calibrator,
    llvm::function_ref<void(OpPassManager &, ArrayRef<std::string>)> build) {
  if (by == Equalize::Activations &&
      failed(measureStatistics(module, calibration, calibrator,
                               /*secondMoments=*/true)))
    return failure();
  std::vector<std::string> kept;
  for (const FixedRange &range : calibration.fixed)
    kept.push_back(range.name);
  for (const ObservedRange &range : given.tensors)
    if (range.fixed)
      kept.push_back(range.name);
  PassManager passes(module->getContext());
  passes.enableVerifier(false);
  build(passes, kept);
  if (failed(passes.run(module)))
    return failure();
  dropStatistics(module);
  return verify(module);
}

LogicalResult qnet::equalize(ModuleOp module, StringRef how,
                             const CalibrationOptions &calibration,
                             const CalibrationSummary &given,
                             Calibrator calibrator) {
  if (how == "none")
    return success();
  const Equalize by =
      how == "activations" ? Equalize::Activations : Equalize::Weights;
  return changeChannels(module, by, calibration, given, calibrator,
                        [&](OpPassManager &passes, ArrayRef<std::string> kept) {
                          buildEqualizePipeline(passes, by, kept);
                        });
}

LogicalResult qnet::splitChannels(ModuleOp module, const SplitChoice &how,
                                  const CalibrationOptions &calibration,
                                  const CalibrationSummary &given,
                                  Calibrator calibrator) {
  if (how.share == 0)
    return success();
  const Equalize by =
      how.byActivations ? Equalize::Activations : Equalize::Weights;
  return changeChannels(module, by, calibration, given, calibrator,
                        [&](OpPassManager &passes, ArrayRef<std::string> kept) {
                          buildSplitPipeline(passes, by, how.share, kept);
                        });
}

static bool isRescaled(ModuleOp module) {
  return module
      .walk([](DenseOp layer) {
        return layer->hasAttr(kChannelExponentsAttr) ? WalkResult::interrupt()
                                                     : WalkResult::advance();
      })
      .wasInterrupted();
}

std::string qnet::chooseEqualization(
    ModuleOp module, int64_t mostRows,
    llvm::function_ref<LogicalResult(ModuleOp, StringRef how)> rescale,
    llvm::function_ref<FailureOr<RowSample>(ModuleOp)> compile) {
  // What is wrong with the network or the rows, its own compilation says.
  ScopedDiagnosticHandler silent(module.getContext(),
                                 [](Diagnostic &) { return success(); });
  std::unique_ptr<Evaluation> evaluation;
  auto measure = [&](ModuleOp trial) -> std::optional<double> {
    FailureOr<RowSample> sample = compile(trial);
    if (failed(sample))
      return std::nullopt;
    if (!evaluation) {
      Evaluation::Data data;
      data.sample = &*sample;
      data.mostRows = mostRows;
      auto made = Evaluation::make(module, data);
      if (failed(made))
        return std::nullopt;
      evaluation = std::move(*made);
    }
    FailureOr<Quality> quality = evaluation->measure(trial);
    if (failed(quality))
      return std::nullopt;
    return quality->sqnr();
  };
  std::string best = "none";
  std::optional<double> most;
  for (StringRef how : {"weights", "activations"}) {
    OwningOpRef<ModuleOp> trial = module.clone();
    if (failed(rescale(*trial, how)) || !isRescaled(*trial))
      continue;
    if (!most) {
      OwningOpRef<ModuleOp> base = module.clone();
      most = measure(*base);
      if (!most)
        return best;
      *most += kLeastGain;
    }
    std::optional<double> sqnr = measure(*trial);
    // False for NaN too.
    if (!sqnr || !(*sqnr > *most))
      continue;
    most = sqnr;
    best = how.str();
  }
  return best;
}
