//===- MeasuredPruning.cpp - prune once the rows have been seen -----------===//
#include "MeasuredPruning.h"

#include "quantc/Dialect/Qnet.h"
#include "quantc/Prepare/Prepare.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::qnet;

static bool runsCalibrate(const CompileOptions &options) {
  return options.from <= Stage::Calibrate && options.to >= Stage::Calibrate;
}

bool qnet::prunesWithRows(const CompileOptions &options) {
  return options.prune != "none" && options.measures() &&
         runsCalibrate(options);
}

/// What was measured of a clone, written on the ops it was cloned from.
static void copyStatistics(func::FuncOp from, func::FuncOp to) {
  for (unsigned i = 0, e = from.getNumArguments(); i < e; ++i)
    if (Attribute mean = from.getArgAttr(i, kChannelMeanAttr))
      to.setArgAttr(i, kChannelMeanAttr, mean);
  for (auto [source, target] :
       llvm::zip_equal(from.getBody().front().getOperations(),
                       to.getBody().front().getOperations()))
    for (StringRef name :
         {StringRef(kChannelMeanAttr), StringRef(kSecondMomentAttr),
          StringRef(kSampleMeanAttr)})
      if (Attribute attribute = source.getDiscardableAttr(name))
        target.setDiscardableAttr(name, attribute);
}

LogicalResult qnet::measureStatistics(ModuleOp module,
                                      CalibrationOptions calibration,
                                      Calibrator calibrator,
                                      bool secondMoments) {
  OwningOpRef<ModuleOp> measured = module.clone();
  // The ranges are not used: the quickest method does.
  calibration.method = RangeMethod::MinMax;
  calibration.secondMoments = secondMoments;
  if (failed(calibrator(*measured, calibration)))
    return failure();
  copyStatistics(measured->lookupSymbol<func::FuncOp>("main"),
                 module.lookupSymbol<func::FuncOp>("main"));
  return success();
}

void qnet::dropStatistics(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (unsigned i = 0, e = main.getNumArguments(); i < e; ++i)
    main.removeArgAttr(i, kChannelMeanAttr);
  for (Operation &op : main.getBody().front())
    for (StringRef name :
         {StringRef(kChannelMeanAttr), StringRef(kSecondMomentAttr),
          StringRef(kSampleMeanAttr)})
      op.removeDiscardableAttr(name);
}

LogicalResult qnet::pruneWithRows(ModuleOp module,
                                  const CompileOptions &options,
                                  CalibrationOptions calibration,
                                  Calibrator calibrator) {
  llvm::Expected<PruneRequest> request = parsePrune(options.prune);
  if (!request)
    return module.emitError() << llvm::toString(request.takeError());
  const bool prunes = prunesWithRows(options);
  if (!prunes && options.folds.empty())
    return success();
  const bool needsRows =
      prunes || llvm::any_of(options.folds, [](StringRef fold) {
        return fold.ends_with("=mean");
      });
  if (needsRows && options.measures() &&
      failed(measureStatistics(module, calibration, calibrator,
                               /*secondMoments=*/prunes)))
    return failure();
  MeasuredPruneOptions stage;
  stage.folds = options.folds;
  stage.pattern = request->pattern;
  stage.fraction = request->fraction;
  stage.neurons = request->neurons;
  stage.features = request->features;
  PassManager passes(module->getContext());
  passes.enableVerifier(false);
  buildMeasuredPrunePipeline(passes, stage);
  if (failed(passes.run(module)))
    return failure();
  dropStatistics(module);
  return verify(module);
}
