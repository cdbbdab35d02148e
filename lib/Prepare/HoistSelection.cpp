//===- HoistSelection.cpp - features are selected before anything else ----===//
//
// Takes          gather by constant indices along the last axis, behind ops
//                that compute each feature by itself.
// Gives          the gather first: gather(f(x, c)) = f(gather(x), gather(c)).
// Why            features that nobody reads are not computed, and their ranges
//                do not cost those that stay any steps.
// Not done here  a selection behind a dense layer, which its rows could take.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "quantc/Dialect/Constants.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#define DEBUG_TYPE "hoist-selection"

namespace mlir::qnet {
#define GEN_PASS_DEF_HOISTSELECTION
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Ops whose elements come from the elements at the same place.
bool isElementwise(Operation *op) {
  return isa_and_nonnull<AddOp, SubOp, MulOp, DivOp, PowOp, MinOp, MaxOp,
                         ActivationOp, CastOp, IsNanOp, IsInfOp, NotOp,
                         CompareOp, WhereOp>(op);
}

struct HoistAboveElementwise : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op,
                                PatternRewriter &rewriter) const override {
    Operation *producer = op.getInput().getDefiningOp();
    auto type = cast<RankedTensorType>(op.getInput().getType());
    auto indices = cast<RankedTensorType>(op.getIndices().getType());
    if (!isElementwise(producer) || !op.getInput().hasOneUse())
      return rewriter.notifyMatchFailure(
          op, "what it selects from is no elementwise op of its own");
    if (static_cast<int64_t>(op.getAxis()) != type.getRank() - 1 ||
        type.getRank() < 2 || indices.getRank() != 1 ||
        failed(readConstant<int64_t>(op.getIndices())))
      return rewriter.notifyMatchFailure(
          op, "selects no features by constant indices");
    int64_t features = type.getShape().back();
    if (indices.getDimSize(0) > features)
      return rewriter.notifyMatchFailure(op, "selects more than there is");
    SmallVector<Value> operands;
    for (Value operand : producer->getOperands()) {
      auto own = cast<RankedTensorType>(operand.getType());
      bool hasFeatures = own.getRank() > 0 && own.getShape().back() != 1;
      if (hasFeatures && own.getShape().back() != features)
        return rewriter.notifyMatchFailure(op, "an operand has other features");
      if (!hasFeatures) {
        operands.push_back(operand);
        continue;
      }
      SmallVector<int64_t> shape(own.getShape());
      shape.back() = indices.getDimSize(0);
      operands.push_back(GatherOp::create(rewriter, op.getLoc(),
                                          own.clone(shape), operand,
                                          op.getIndices(), own.getRank() - 1));
    }
    Operation *moved = rewriter.clone(*producer);
    moved->setOperands(operands);
    moved->getResult(0).setType(op.getType());
    rewriter.replaceOp(op, moved);
    return success();
  }
};

struct HoistSelection : qnet::impl::HoistSelectionBase<HoistSelection> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<HoistAboveElementwise>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
