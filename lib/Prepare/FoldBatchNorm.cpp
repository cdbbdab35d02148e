//===- FoldBatchNorm.cpp - one product and one sum a channel --------------===//
//
// Takes          batch_norm with constant parameters.
// Gives          mul and add by constants.
// Why            Quantize has forms for these, and tables where a function
//                follows.
// Not done here  a batch_norm beside a dense layer (fold-affine took it).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "AffineChain.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Reference/PartLocation.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

#define DEBUG_TYPE "fold-batch-norm"

namespace mlir::qnet {
#define GEN_PASS_DEF_FOLDBATCHNORM
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct BatchNormToMulAdd : OpRewritePattern<BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BatchNormOp op,
                                PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    if (!type.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "requires f32");
    std::optional<ChannelAffine> channels = channelAffine(op);
    if (!channels)
      return rewriter.notifyMatchFailure(op, "requires constant parameters");
    std::vector<float> scale, shift;
    for (auto [s, t] : llvm::zip_equal(channels->scale, channels->shift)) {
      scale.push_back(static_cast<float>(s));
      shift.push_back(static_cast<float>(t));
      if (!std::isfinite(scale.back()) || !std::isfinite(shift.back()))
        return rewriter.notifyMatchFailure(
            op, "scale or shift of a channel is not finite");
    }
    // [C, 1, ..., 1] lines channels up with dimension 1.
    SmallVector<int64_t> shape(std::max<int64_t>(type.getRank() - 1, 1), 1);
    shape[0] = scale.size();
    Value factor = makeConstant<float>(rewriter, op.getLoc(), shape,
                                       type.getElementType(), scale);
    Value summand = makeConstant<float>(rewriter, op.getLoc(), shape,
                                        type.getElementType(), shift);
    Value product = MulOp::create(rewriter, partLocation(op.getLoc(), "scale"),
                                  type, op.getInput(), factor);
    rewriter.replaceOpWithNewOp<AddOp>(op, type, product, summand);
    return success();
  }
};

struct FoldBatchNorm : qnet::impl::FoldBatchNormBase<FoldBatchNorm> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<BatchNormToMulAdd>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
