//===- Quantize.cpp - the passes of the stage in order --------------------===//
#include "quantc/Quantize/Quantize.h"

#include "mlir/Transforms/Passes.h"
#include "quantc/Quantize/Passes.h"

void mlir::qnet::buildQuantizePipeline(OpPassManager &pm,
                                       const QuantizeOptions &options) {
  pm.addPass(createAbsorbQdq());
  pm.addPass(createDecomposeForIntegers());
  pm.addPass(createAssignParameters(AssignParametersOptions{
      options.allowFloat, options.activationMax, options.indexBits}));
  pm.addPass(createQuantizeWeights(
      QuantizeWeightsOptions{options.requant, options.biasCorrection}));
  pm.addPass(createConvertToInteger());
  pm.addPass(createVerifyInteger(VerifyIntegerOptions{options.requireInt}));
}
