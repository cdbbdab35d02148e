//===- PruneMagnitude.cpp - the smallest weights become zero --------------===//
//
// Takes          dense layers with constant f32 weights, a fraction.
// Gives          the same layers; that share of each one's weights is zero.
// Why            zero weights need no storage and no work in sparse kernels.
// Not done here  retraining; removing whole channels (prune-neurons).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "quantc/Dialect/Constants.h"

#include "mlir/IR/BuiltinOps.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#define DEBUG_TYPE "prune-magnitude"

namespace mlir::qnet {
#define GEN_PASS_DEF_PRUNEMAGNITUDE
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct PruneMagnitude : qnet::impl::PruneMagnitudeBase<PruneMagnitude> {
  using PruneMagnitudeBase::PruneMagnitudeBase;

  void runOnOperation() override {
    // False for NaN too.
    const bool isShare = fraction >= 0 && fraction <= 1;
    if (!isShare) {
      getOperation().emitError(DEBUG_TYPE ": the fraction must lie between 0 "
                                          "and 1");
      return signalPassFailure();
    }
    if (fraction > 0)
      getOperation().walk([&](DenseOp op) { prune(op); });
  }

private:
  void prune(DenseOp op) {
    FailureOr<std::vector<float>> weights =
        readConstant<float>(op.getWeights());
    if (failed(weights) || weights->empty())
      return;
    const auto pruned = static_cast<size_t>(fraction * weights->size());
    if (pruned == 0)
      return;
    // Equal magnitudes go in row-major order, so the result is defined.
    std::vector<size_t> order(weights->size());
    std::iota(order.begin(), order.end(), size_t(0));
    auto smaller = [&](size_t a, size_t b) {
      const float left = std::fabs((*weights)[a]),
                  right = std::fabs((*weights)[b]);
      return left != right ? left < right : a < b;
    };
    std::nth_element(order.begin(), order.begin() + pruned - 1, order.end(),
                     smaller);
    for (size_t i = 0; i < pruned; ++i)
      (*weights)[order[i]] = 0;
    OpBuilder builder(op);
    auto type = cast<RankedTensorType>(op.getWeights().getType());
    Operation *old = op.getWeights().getDefiningOp();
    op.getWeightsMutable().assign(
        makeConstant<float>(builder, op.getWeights().getLoc(), type.getShape(),
                            type.getElementType(), *weights));
    if (old && old->use_empty())
      old->erase();
  }
};

} // namespace
