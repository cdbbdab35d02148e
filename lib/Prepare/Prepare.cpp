//===- Prepare.cpp - the order of the stage's passes ----------------------===//
#include "quantc/Prepare/Prepare.h"

#include "quantc/Prepare/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::qnet;

void mlir::qnet::buildPreparePipeline(OpPassManager &pm,
                                      const PrepareOptions &options) {
  pm.addPass(createFoldConstants());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createHoistSelection());
  // What was selected from a constant is one.
  pm.addPass(createFoldConstants());
  pm.addPass(createFormDense());
  // Functions get their names before fold-affine can take a part of one (the
  // "+ 3" of a hard_swish) into a layer.
  pm.addPass(createRecognizeActivation());
  pm.addPass(createFoldAffine());
  pm.addPass(createFoldBatchNorm());
  pm.addPass(createFuseActivation());
  pm.addPass(createGeneralizeBatch());
  PruneWeightsOptions prune;
  prune.pattern = options.prunePattern;
  prune.fraction = options.pruneFraction;
  pm.addPass(createPruneWeights(prune));
  // Also without a fraction: dead channels go exactly.
  pm.addPass(createPruneNeurons({options.pruneNeurons}));
  pm.addPass(createFoldConstants());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createVerifyPrepared());
}
