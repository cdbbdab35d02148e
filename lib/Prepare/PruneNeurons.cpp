//===- PruneNeurons.cpp - remove the channels that matter least -----------===//
//
// Takes          a dense layer read by one other dense layer only, a fraction.
// Gives          both without the channels that are dead, and without the least
//                important ones until that share is gone.
// Why            rows and columns that are gone cost nothing on any machine.
// Not done here  choosing with data, channels that pass through other ops
//                (prune-neurons-by-error).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "ChannelCopies.h"
#include "DenseLayer.h"
#include "PrunePattern.h"

#include "quantc/Dialect/AppliedFunction.h"

#include "mlir/IR/BuiltinOps.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#define DEBUG_TYPE "prune-neurons"

namespace mlir::qnet {
#define GEN_PASS_DEF_PRUNENEURONS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct PruneNeurons : qnet::impl::PruneNeuronsBase<PruneNeurons> {
  using PruneNeuronsBase::PruneNeuronsBase;

  void runOnOperation() override {
    // False for NaN too.
    const bool isShare = fraction >= 0 && fraction < 1;
    if (!isShare) {
      getOperation().emitError(DEBUG_TYPE ": the fraction must lie between 0 "
                                          "and 1, without 1");
      return signalPassFailure();
    }
    SmallVector<DenseOp> layers;
    getOperation().walk([&](DenseOp op) { layers.push_back(op); });
    // From the end: removing a channel may leave earlier ones without readers.
    for (DenseOp op : llvm::reverse(layers))
      if (DenseOp next = onlyReader(op);
          next && !op->hasAttr(kFrozenAttr) && !next->hasAttr(kFrozenAttr))
        prune(op, next);
  }

private:
  void prune(DenseOp op, DenseOp next) {
    std::optional<DenseLayer> here = DenseLayer::read(op),
                              there = DenseLayer::read(next);
    if (!here || !there || here->channels < 2)
      return;
    const int64_t channels = here->channels;
    std::vector<bool> removed(channels, false);
    std::vector<double> importance(channels);
    int64_t gone = 0;
    for (int64_t n = 0; n < channels; ++n) {
      double incoming = 0, outgoing = 0;
      for (int64_t k = 0; k < here->inputs; ++k)
        incoming += square(here->weights[n * here->inputs + k]);
      for (int64_t m = 0; m < there->channels; ++m)
        outgoing += square(there->weights[m * channels + n]);
      importance[n] =
          std::sqrt(incoming + square(here->bias[n])) * std::sqrt(outgoing);
      if (outgoing == 0 ||
          (incoming == 0 && foldConstant(op, *here, *there, n))) {
        removed[n] = true;
        ++gone;
      }
    }
    std::vector<int64_t> order(channels);
    std::iota(order.begin(), order.end(), int64_t(0));
    llvm::stable_sort(order, [&](int64_t a, int64_t b) {
      return importance[a] < importance[b];
    });
    const auto wanted = next->hasAttr(kPrunedAttr)
                            ? int64_t(0)
                            : static_cast<int64_t>(fraction * channels);
    for (int64_t n : order) {
      if (gone >= wanted)
        break;
      gone += !removed[n];
      removed[n] = true;
    }
    if (gone == 0)
      return;
    if (gone == channels) { // a layer of no channels is none
      removed[order.back()] = false;
      --gone;
    }
    if (wanted > 0)
      next->setAttr(kPrunedAttr,
                    StringAttr::get(op.getContext(),
                                    describePruning("neurons", fraction) +
                                        " by magnitude, without data"));
    remove(op, next, *here, *there, removed, channels - gone);
  }

  static double square(double value) { return value * value; }

  /// A channel without incoming weights is f(bias) for every row: its
  /// contribution goes into the next layer's bias, and its column to zero.
  bool foldConstant(DenseOp op, const DenseLayer &here, DenseLayer &there,
                    int64_t n) {
    const double value = AppliedFunction::of(op).evaluate(here.bias[n]);
    std::vector<float> bias = there.bias;
    for (int64_t m = 0; m < there.channels; ++m) {
      float &weight = there.weights[m * there.inputs + n];
      bias[m] = static_cast<float>(bias[m] + weight * value);
      if (!std::isfinite(bias[m]))
        return false;
    }
    for (int64_t m = 0; m < there.channels; ++m)
      there.weights[m * there.inputs + n] = 0;
    there.bias = std::move(bias);
    there.hasBias |= value != 0;
    return true;
  }

  static void remove(DenseOp op, DenseOp next, const DenseLayer &here,
                     const DenseLayer &there, const std::vector<bool> &removed,
                     int64_t kept) {
    DenseLayer smallHere{{}, {}, kept, here.inputs, here.hasBias};
    for (int64_t n = 0; n < here.channels; ++n) {
      if (removed[n])
        continue;
      llvm::append_range(
          smallHere.weights,
          ArrayRef(here.weights).slice(n * here.inputs, here.inputs));
      smallHere.bias.push_back(here.bias[n]);
    }
    DenseLayer smallThere{{}, there.bias, there.channels, kept, there.hasBias};
    for (int64_t m = 0; m < there.channels; ++m)
      for (int64_t n = 0; n < there.inputs; ++n)
        if (!removed[n])
          smallThere.weights.push_back(there.weights[m * there.inputs + n]);
    smallHere.write(op);
    smallThere.write(next);
    auto type = cast<RankedTensorType>(op.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = kept;
    op.getResult().setType(type.clone(shape));
  }
};

} // namespace
