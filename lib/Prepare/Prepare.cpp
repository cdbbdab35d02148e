//===- Prepare.cpp - the order of the stage's passes ----------------------===//
#include "quantc/Prepare/Prepare.h"

#include "quantc/Prepare/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::qnet;

void mlir::qnet::buildPreparePipeline(OpPassManager &pm,
                                      const PrepareOptions &options) {
  pm.addPass(createUseFloat32());
  pm.addPass(createFoldConstants());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createHoistSelection());
  // What was selected from a constant is one.
  pm.addPass(createFoldConstants());
  pm.addPass(createCollectColumns());
  pm.addPass(createFormDense());
  // Functions get their names before fold-affine can take a part of one (the
  // "+ 3" of a hard_swish) into a layer.
  pm.addPass(createRecognizeActivation());
  pm.addPass(createFoldAffine());
  pm.addPass(createFoldBatchNorm());
  // After fold-affine, which must not take what stands before a kernel into one
  // of its two readers.
  pm.addPass(createExpandKernels());
  pm.addPass(createFuseActivation());
  pm.addPass(createGeneralizeBatch());
  // From here on layers have the names that users know.
  if (!options.freeze.empty()) {
    FreezeLayersOptions freeze;
    freeze.layerNames.assign(options.freeze.begin(), options.freeze.end());
    pm.addPass(createFreezeLayers(freeze));
  }
  PruneWeightsOptions prune;
  prune.pattern = options.prunePattern;
  prune.fraction = options.pruneFraction;
  pm.addPass(createPruneWeights(prune));
  // Also without a fraction: dead channels go exactly.
  if (!options.keepChannels)
    pm.addPass(createPruneNeurons({options.pruneNeurons}));
  pm.addPass(createFoldConstants());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createVerifyPrepared());
}

void mlir::qnet::buildMeasuredPrunePipeline(
    OpPassManager &pm, const MeasuredPruneOptions &options) {
  if (!options.folds.empty()) {
    FoldFeaturesOptions fold;
    fold.folds.assign(options.folds.begin(), options.folds.end());
    pm.addPass(createFoldFeatures(fold));
  }
  if (options.features > 0)
    pm.addPass(createPruneFeatures({options.features}));
  pm.addPass(createPruneNeuronsByError({options.neurons}));
  PruneWeightsByErrorOptions prune;
  prune.pattern = options.pattern;
  prune.fraction = options.fraction;
  pm.addPass(createPruneWeightsByError(prune));
  // What could not be done with the data is done without; and what is dead by
  // now goes.
  PruneWeightsOptions blind;
  blind.pattern = options.pattern;
  blind.fraction = options.fraction;
  pm.addPass(createPruneWeights(blind));
  pm.addPass(createPruneNeurons({options.neurons}));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createVerifyPrepared());
}

void mlir::qnet::buildEqualizePipeline(OpPassManager &pm, Equalize how,
                                       ArrayRef<std::string> kept) {
  if (how == Equalize::Weights) {
    EqualizeLayersOptions options;
    options.keep.assign(kept.begin(), kept.end());
    pm.addPass(createEqualizeLayers(options));
  } else {
    MigrateOutliersOptions options;
    options.keep.assign(kept.begin(), kept.end());
    pm.addPass(createMigrateOutliers(options));
  }
  pm.addPass(createVerifyPrepared());
}

void mlir::qnet::buildSplitPipeline(OpPassManager &pm, Equalize by,
                                    double share, ArrayRef<std::string> kept) {
  SplitChannelsOptions options;
  options.by = by == Equalize::Weights ? "weights" : "activations";
  options.share = share;
  options.keep.assign(kept.begin(), kept.end());
  pm.addPass(createSplitChannels(options));
  pm.addPass(createVerifyPrepared());
}
