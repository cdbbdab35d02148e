//===- Optimize.cpp - the passes of the stage in order --------------------===//
#include "quantc/Optimize/Optimize.h"

#include "mlir/Transforms/Passes.h"
#include "quantc/Optimize/Passes.h"

void mlir::qnet::buildOptimizePipeline(OpPassManager &pm,
                                       const OptimizeOptions &options) {
  // Equal ops are merged first: a value that two equal tables read has one
  // reader afterwards.
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createFuseRequantize());
  pm.addPass(createFoldLookups());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createVerifyOptimized());
}
