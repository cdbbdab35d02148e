//===- Quantize.cpp - the passes of the stage in order --------------------===//
#include "quantc/Quantize/Quantize.h"

#include "mlir/Transforms/Passes.h"
#include "quantc/Quantize/Passes.h"

namespace mlir::qnet {
/// What the passes that choose the weights' rounding share.
template <typename Options>
static Options roundingOptions(const QuantizeOptions &options) {
  Options result;
  result.weights = options.weights;
  result.biasCorrection = options.biasCorrection;
  return result;
}

/// How much may have 15 bits: of a network whose accuracy comes first, a larger
/// part. Figures for both in docs/accuracy.md.
static WidenInputsOptions wideningOptions(const QuantizeOptions &options) {
  WidenInputsOptions result;
  result.weights = options.weights;
  if (options.activations == "mixed" || options.effort == "high") {
    constexpr double sqnr = 60, share = 0.25;
    result.sqnr = sqnr;
    result.share = share;
    result.tables = true;
  }
  return result;
}
} // namespace mlir::qnet

void mlir::qnet::buildRoundingPipeline(OpPassManager &pm,
                                       const QuantizeOptions &options) {
  pm.addPass(createAbsorbQdq());
  pm.addPass(createAssignPrecision(
      AssignPrecisionOptions{options.plan, options.allowFloat}));
  if (options.activations == "mixed" || options.activations == "auto")
    pm.addPass(createWidenInputs(wideningOptions(options)));
  pm.addPass(createDecomposeForIntegers());
  pm.addPass(createAssignParameters(AssignParametersOptions{
      options.allowFloat, options.activations == "int16" ? "int16" : "int8",
      options.activationMax, options.indexBits}));
  if (options.effort == "high")
    pm.addPass(createSearchWeightScales(
        roundingOptions<SearchWeightScalesOptions>(options)));
  if (options.effort != "low")
    pm.addPass(createCompensateRounding(
        roundingOptions<CompensateRoundingOptions>(options)));
  if (options.effort == "high")
    pm.addPass(createAdaptiveRounding(
        roundingOptions<AdaptiveRoundingOptions>(options)));
}

void mlir::qnet::buildQuantizePipeline(OpPassManager &pm,
                                       const QuantizeOptions &options) {
  buildRoundingPipeline(pm, options);
  QuantizeWeightsOptions weights;
  weights.weights = options.weights;
  weights.requant = options.requant;
  weights.biasCorrection = options.biasCorrection;
  weights.splitFine = options.splitFine;
  weights.noteRounding = options.noteRounding;
  pm.addPass(createQuantizeWeights(weights));
  pm.addPass(createConvertToInteger());
  pm.addPass(createVerifyInteger(VerifyIntegerOptions{options.requireInt}));
}
