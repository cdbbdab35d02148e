//===- Quantize.cpp - the passes of the stage in order --------------------===//
#include "quantc/Quantize/Quantize.h"

#include "mlir/Transforms/Passes.h"
#include "quantc/Quantize/Passes.h"

void mlir::qnet::buildQuantizePipeline(OpPassManager &pm,
                                       const QuantizeOptions &options) {
  pm.addPass(createAbsorbQdq());
  pm.addPass(createAssignPrecision(
      AssignPrecisionOptions{options.plan, options.allowFloat}));
  pm.addPass(createDecomposeForIntegers());
  pm.addPass(createAssignParameters(
      AssignParametersOptions{options.allowFloat, options.activations,
                              options.activationMax, options.indexBits}));
  QuantizeWeightsOptions weights;
  weights.weights = options.weights;
  weights.requant = options.requant;
  weights.biasCorrection = options.biasCorrection;
  pm.addPass(createQuantizeWeights(weights));
  pm.addPass(createConvertToInteger());
  pm.addPass(createVerifyInteger(VerifyIntegerOptions{options.requireInt}));
}
