//===- Equalization.cpp - rescale hidden channels -------------------------===//
#include "Equalization.h"

#include "quantc/Prepare/Prepare.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::qnet;

LogicalResult qnet::equalize(ModuleOp module, const CompileOptions &options,
                             const CalibrationOptions &calibration,
                             const CalibrationSummary &given, RowOpener open,
                             RunnerFactory makeRunner) {
  if (options.equalize == "none")
    return success();
  const bool byActivations = options.equalize == "activations";
  if (byActivations &&
      failed(measureStatistics(module, calibration, open, makeRunner,
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
  buildEqualizePipeline(
      passes, byActivations ? Equalize::Activations : Equalize::Weights, kept);
  if (failed(passes.run(module)))
    return failure();
  dropStatistics(module);
  return verify(module);
}
