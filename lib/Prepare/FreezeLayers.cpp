//===- FreezeLayers.cpp - layers whose parameters are not to change -------===//
//
// Takes          names of dense layers, or patterns of names.
// Gives          the same graph; those layers carry `qnet.frozen`.
// Why            parameters that were certified, or are shared with another
//                program, must come out as the model has them, rounded once.
// Not done here  leaving them alone: each pass that changes parameters for the
//                sake of accuracy or size looks for the attribute.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "ChannelGroup.h"
#include "quantc/Dialect/NearestNames.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/GlobPattern.h"

#define DEBUG_TYPE "freeze-layers"

namespace mlir::qnet {
#define GEN_PASS_DEF_FREEZELAYERS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct FreezeLayers : qnet::impl::FreezeLayersBase<FreezeLayers> {
  using FreezeLayersBase::FreezeLayersBase;

  void runOnOperation() override {
    SmallVector<DenseOp> layers;
    std::vector<std::string> known;
    getOperation().walk([&](DenseOp op) {
      layers.push_back(op);
      known.push_back(nameOfValue(op.getResult()));
    });
    for (const std::string &name : layerNames) {
      llvm::Expected<llvm::GlobPattern> glob = llvm::GlobPattern::create(name);
      if (!glob) {
        getOperation().emitError(DEBUG_TYPE ": '")
            << name << "' is no pattern: " << llvm::toString(glob.takeError());
        return signalPassFailure();
      }
      bool isFound = false;
      for (auto [layer, own] : llvm::zip_equal(layers, known)) {
        // A name with brackets in it is itself, whatever it matches.
        if (own != name && !glob->match(own))
          continue;
        isFound = true;
        layer->setAttr(kFrozenAttr, UnitAttr::get(layer.getContext()));
      }
      if (!isFound) {
        getOperation().emitError(DEBUG_TYPE ": no dense layer is named '")
            << name << "'; " << nearestNames(name, known);
        return signalPassFailure();
      }
    }
  }
};

} // namespace
