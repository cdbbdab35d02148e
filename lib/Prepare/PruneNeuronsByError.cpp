//===- PruneNeuronsByError.cpp - channels that the output misses least ----===//
//
// Takes          hidden channels of dense layers, all of whose readers have
//                second moments of their input; a fraction.
// Gives          the layers without that share of them: rows, columns and the
//                constants between go; the readers' other weights are refit by
//                least squares, and their bias takes up the mean.
// Why            rows and columns that are gone cost nothing on any machine,
//                and what they did is mostly done by the others.
// Not done here  channels tied to inputs, results, or ops that mix channels;
//                layers without second moments (prune-neurons). Ranges change,
//                so they have to be measured again.
//
// Hassibi and Stork, "Second order derivatives for network pruning: Optimal
// Brain Surgeon", NIPS 1992, section 2, for a layer's output in place of the
// network's.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "MeasuredRemoval.h"
#include "PrunePattern.h"

#include "mlir/IR/BuiltinOps.h"

#define DEBUG_TYPE "prune-neurons-by-error"

namespace mlir::qnet {
#define GEN_PASS_DEF_PRUNENEURONSBYERROR
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct PruneNeuronsByError
    : qnet::impl::PruneNeuronsByErrorBase<PruneNeuronsByError> {
  using PruneNeuronsByErrorBase::PruneNeuronsByErrorBase;

  void runOnOperation() override {
    if (!isPrunableShare(fraction)) {
      getOperation().emitError(DEBUG_TYPE ": the fraction must be at least 0 "
                                          "and less than 1");
      return signalPassFailure();
    }
    if (fraction == 0)
      return;
    SmallVector<DenseOp> layers;
    getOperation().walk([&](DenseOp op) { layers.push_back(op); });
    // From the end: a layer that loses rows has less to refit.
    llvm::DenseSet<Operation *> done;
    for (DenseOp op : llvm::reverse(layers))
      if (!done.contains(op))
        prune(op, done);
  }

private:
  void prune(DenseOp op, llvm::DenseSet<Operation *> &done) {
    std::string why;
    FailureOr<ChannelGroup> group =
        ChannelGroup::around(op.getResult(), /*withArguments=*/false, why);
    if (failed(group))
      return;
    for (ChannelGroup::Place<DenseOp> maker : group->makers)
      done.insert(maker.at);
    const auto wanted =
        static_cast<int64_t>(fraction * double(group->channels));
    MeasuredRemoval removal;
    if (wanted == 0 || failed(removal.add(std::move(*group), why)))
      return;
    for (int64_t i = 0; i < wanted; ++i)
      removal.removeCheapest();
    // Not finite: prune-neurons, which refits nothing, is left to do it.
    (void)removal.apply(describePruning("neurons", fraction));
  }
};

} // namespace
