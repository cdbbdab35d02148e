//===- PruneFeatures.cpp - inputs that the network misses least -----------===//
//
// Takes          a network whose inputs reach dense layers with second moments
//                of their input; how many input features to keep.
// Gives          the same network, which reads only those: of each input that
//                keeps its width, they are gathered. The layers that read them
//                are refit by least squares.
// Why            what is not read need not be measured, stored or multiplied.
// Not done here  features without a layer of their own (an input that goes
//                through ops that mix features): an error names them.
//
// Source: as prune-neurons-by-error.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "MeasuredRemoval.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#define DEBUG_TYPE "prune-features"

namespace mlir::qnet {
#define GEN_PASS_DEF_PRUNEFEATURES
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct PruneFeatures : qnet::impl::PruneFeaturesBase<PruneFeatures> {
  using PruneFeaturesBase::PruneFeaturesBase;

  void runOnOperation() override {
    if (failed(prune()))
      signalPassFailure();
  }

private:
  LogicalResult prune() {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return success();
    MeasuredRemoval removal;
    int64_t features = 0, inputs = 0;
    for (BlockArgument argument : main.getArguments()) {
      std::string why;
      auto fail = [&]() {
        return main.emitError(DEBUG_TYPE ": the features of input '")
               << nameOfValue(argument) << "' can't be removed: " << why;
      };
      FailureOr<ChannelGroup> group =
          ChannelGroup::around(argument, /*withArguments=*/true, why);
      if (failed(group))
        return fail();
      if (group->arguments.size() > 1 || !group->makers.empty()) {
        why = "it is combined with other values";
        return fail();
      }
      features += group->channels;
      ++inputs;
      if (failed(removal.add(std::move(*group), why)))
        return fail();
    }
    if (keep < inputs || keep > features)
      return main.emitError(DEBUG_TYPE ": ")
             << keep.getValue() << " features can't be kept of a network with "
             << inputs << " input(s) of " << features
             << " features together; keep from " << inputs << " to "
             << features;
    for (int64_t i = keep; i < features; ++i)
      removal.removeCheapest();
    if (failed(removal.apply("features:" + std::to_string(keep))))
      return main.emitError(DEBUG_TYPE ": the layers' refit is not finite; "
                                       "scale the network's values");
    return success();
  }
};

} // namespace
