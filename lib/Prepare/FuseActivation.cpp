//===- FuseActivation.cpp - an activation becomes its layer's function ----===//
//
// Takes          dense without a function, read by one activation only.
// Gives          dense with that function.
// Why            the integer layer finishes with the function: a ReLU is its
//                clamp and costs nothing, others are one look-up.
// Not done here  naming functions that are spelled out (recognize-activation).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "quantc/Reference/PartLocation.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#define DEBUG_TYPE "fuse-activation"

namespace mlir::qnet {
#define GEN_PASS_DEF_FUSEACTIVATION
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct ActivationIntoDense : OpRewritePattern<ActivationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ActivationOp op,
                                PatternRewriter &rewriter) const override {
    auto dense = op.getInput().getDefiningOp<DenseOp>();
    if (!dense)
      return rewriter.notifyMatchFailure(op, "its input is no dense layer");
    if (dense.getFunction() != Function::identity)
      return rewriter.notifyMatchFailure(dense, "has a function already");
    if (!dense->hasOneUse())
      return rewriter.notifyMatchFailure(dense, "others read its result");
    if (op.getType() != dense.getType())
      return rewriter.notifyMatchFailure(op,
                                         "its type differs from the layer's");
    Location location =
        fusedLocation(getContext(), {dense.getLoc(), op.getLoc()});
    auto fused = DenseOp::create(rewriter, location, op.getType(),
                                 dense.getInput(), dense.getWeights(),
                                 dense.getBias(), op.getFunctionAttr(),
                                 op.getAlphaAttr(), op.getBetaAttr());
    rewriter.replaceOp(op, fused);
    return success();
  }
};

struct FuseActivation : qnet::impl::FuseActivationBase<FuseActivation> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ActivationIntoDense>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
