//===- FuseRequantize.cpp - fewer roundings, the same bits ----------------===//
//
// Takes          an integer graph.
// Gives          quantize(dequantize(q)) and requantize(requantize(q)) as one
// op;
//                a requantize that only shifts or narrows, inside its producer.
// Why            every one of them is a pass over memory.
// Not done here  a rewrite that rounds less often than the graph says: it would
//                change bits (Quantize asks for the right rounding at once).
//
//===----------------------------------------------------------------------===//
#include "StoredFunction.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "quantc/Optimize/Passes.h"

#define DEBUG_TYPE "fuse-requantize"

namespace mlir::qnet {
#define GEN_PASS_DEF_FUSEREQUANTIZE
#include "quantc/Optimize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// quantize(dequantize(q)) -> requantize(q), or lookup(q).
struct FuseRoundTrip : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp quantize,
                                PatternRewriter &rewriter) const override {
    auto dequantize = quantize.getInput().getDefiningOp<DequantizeOp>();
    if (!dequantize)
      return rewriter.notifyMatchFailure(quantize,
                                         "its input is not dequantized");
    auto from = storedType(dequantize.getInput());
    auto to = storedType(quantize.getResult());
    if (!from || !to)
      return rewriter.notifyMatchFailure(
          quantize, "both types must be per-tensor and unsigned");
    Value input = dequantize.getInput();
    replaceStoring(rewriter, quantize,
                   createFunction(rewriter, quantize.getLoc(), input,
                                  quantize.getType(),
                                  roundTripValues(from, to)));
    return success();
  }
};

/// requantize(requantize(q)) -> requantize(q), or lookup(q).
struct FuseChain : OpRewritePattern<RequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RequantizeOp outer,
                                PatternRewriter &rewriter) const override {
    auto inner = outer.getInput().getDefiningOp<RequantizeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(outer, "its input is not requantized");
    if (!inner->hasOneUse())
      return rewriter.notifyMatchFailure(outer,
                                         "the value between is read elsewhere");
    auto innerValues = valuesOf(inner), outerValues = valuesOf(outer);
    if (!innerValues || !outerValues)
      return rewriter.notifyMatchFailure(outer,
                                         "too many stored values to try out");
    replaceStoring(
        rewriter, outer,
        createFunction(
            rewriter, outer.getLoc(), inner.getInput(), outer.getType(),
            composed(*innerValues, *outerValues,
                     storedType(outer.getInput()).getStorageTypeMin())));
    return success();
  }
};

/// requantize(op(...)) with equal scales -> op(...) of the narrower type.
struct FuseIntoProducer : OpRewritePattern<RequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RequantizeOp requantize,
                                PatternRewriter &rewriter) const override {
    Operation *producer = requantize.getInput().getDefiningOp();
    if (!isa_and_present<QDenseOp, QAddOp, QSubOp, QMulOp>(producer))
      return rewriter.notifyMatchFailure(
          requantize, "its producer does not requantize by itself");
    if (!producer->hasOneUse())
      return rewriter.notifyMatchFailure(requantize,
                                         "the value between is read elsewhere");
    auto from = storedType(requantize.getInput());
    auto to = storedType(requantize.getResult());
    if (!from || !to || from.getScale() != to.getScale())
      return rewriter.notifyMatchFailure(
          requantize, "the scales differ: fusing would round only once");
    // clamp to a range after clamping to a wider one is the first clamp alone.
    if (from.getStorageTypeMin() - from.getZeroPoint() >
            to.getStorageTypeMin() - to.getZeroPoint() ||
        from.getStorageTypeMax() - from.getZeroPoint() <
            to.getStorageTypeMax() - to.getZeroPoint())
      return rewriter.notifyMatchFailure(
          requantize,
          "the producer's range clamps what the result's would not");
    rewriter.modifyOpInPlace(producer, [&]() {
      producer->getResult(0).setType(requantize.getType());
    });
    replaceStoring(rewriter, requantize, producer->getResult(0));
    return success();
  }
};

struct FuseRequantize : qnet::impl::FuseRequantizeBase<FuseRequantize> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseRoundTrip, FuseChain, FuseIntoProducer>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns)))) {
      getOperation().emitError(
          "fuse-requantize: rewriting did not come to rest");
      signalPassFailure();
    }
  }
};

} // namespace
