//===- PruneWeights.cpp - weights that matter least become zero -----------===//
//
// Takes          dense layers with constant f32 weights, a pattern, a fraction.
// Gives          the same layers; of each, the weights of smallest magnitude
//                that the pattern can take are zero. Biases stay.
// Why            kernels skip groups of zeros (select-kernels); zeros that
//                stand alone leave sums more room.
// Not done here  choosing with data (prune-weights-by-error); removing whole
//                channels (prune-neurons).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "PrunePattern.h"

#include "quantc/Dialect/Constants.h"

#include "mlir/IR/BuiltinOps.h"

#include <algorithm>
#include <cmath>
#include <limits>

#define DEBUG_TYPE "prune-weights"

namespace mlir::qnet {
#define GEN_PASS_DEF_PRUNEWEIGHTS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// One layer's weights, `[n, k]`.
struct Weights {
  std::vector<float> values;
  int64_t n, k;

  float &at(int64_t channel, int64_t input) {
    return values[channel * k + input];
  }
};

/// A weight that is no number is none to prune: verify-prepared names it.
double magnitude(float weight) {
  return std::isnan(weight) ? std::numeric_limits<double>::infinity()
                            : std::fabs(double(weight));
}

void pruneSingles(Weights &weights, double fraction) {
  std::vector<double> importance;
  for (float weight : weights.values)
    importance.push_back(magnitude(weight));
  auto count = static_cast<size_t>(fraction * double(importance.size()));
  for (size_t i : leastOf(importance, count))
    weights.values[i] = 0;
}

/// Blocks by their mean square: those at the edges have fewer weights.
void pruneBlocks(Weights &weights, double fraction) {
  int64_t across = llvm::divideCeil(weights.k, kBlockInputs);
  int64_t down = llvm::divideCeil(weights.n, kBlockChannels);
  auto forEach = [&](int64_t block, auto &&body) {
    int64_t channel = block / across * kBlockChannels;
    int64_t input = block % across * kBlockInputs;
    for (int64_t c = channel; c < std::min(channel + kBlockChannels, weights.n);
         ++c)
      for (int64_t i = input; i < std::min(input + kBlockInputs, weights.k);
           ++i)
        body(weights.at(c, i));
  };
  std::vector<double> importance;
  for (int64_t block = 0; block < across * down; ++block) {
    double squares = 0, count = 0;
    forEach(block, [&](float weight) {
      squares += magnitude(weight) * magnitude(weight);
      ++count;
    });
    importance.push_back(squares / count);
  }
  auto count = static_cast<size_t>(fraction * double(importance.size()));
  for (size_t block : leastOf(importance, count))
    forEach(static_cast<int64_t>(block), [](float &weight) { weight = 0; });
}

/// Of each four inputs of a channel, two; of fewer at the end, half of them.
void pruneTwoOfFour(Weights &weights) {
  constexpr int64_t four = 4;
  for (int64_t channel = 0; channel < weights.n; ++channel)
    for (int64_t input = 0; input < weights.k; input += four) {
      std::vector<double> importance;
      for (int64_t i = input; i < std::min(input + four, weights.k); ++i)
        importance.push_back(magnitude(weights.at(channel, i)));
      for (size_t i : leastOf(importance, importance.size() / 2))
        weights.at(channel, input + static_cast<int64_t>(i)) = 0;
    }
}

struct PruneWeights : qnet::impl::PruneWeightsBase<PruneWeights> {
  using PruneWeightsBase::PruneWeightsBase;

  void runOnOperation() override {
    FailureOr<std::optional<PrunePattern>> known =
        checkPruning(getOperation(), DEBUG_TYPE, pattern, fraction);
    if (failed(known))
      return signalPassFailure();
    if (*known)
      getOperation().walk([&](DenseOp op) { prune(op, **known); });
  }

private:
  void prune(DenseOp op, PrunePattern known) {
    // Pruned with the data already, or not to be.
    if (op->hasAttr(kPrunedAttr) || op->hasAttr(kFrozenAttr))
      return;
    FailureOr<std::vector<float>> values = readConstant<float>(op.getWeights());
    auto type = cast<RankedTensorType>(op.getWeights().getType());
    if (failed(values) || type.getNumElements() < least)
      return;
    Weights weights{std::move(*values), type.getDimSize(0), type.getDimSize(1)};
    // A block of a few channels would be a hole in the input of them all.
    if (known == PrunePattern::Block && weights.n < kBlockChannels)
      return;
    if (known == PrunePattern::Magnitude)
      pruneSingles(weights, fraction);
    else if (known == PrunePattern::Block)
      pruneBlocks(weights, fraction);
    else
      pruneTwoOfFour(weights);
    OpBuilder builder(op);
    op->setAttr(kPrunedAttr,
                builder.getStringAttr(describePruning(pattern, fraction) +
                                      " by magnitude, without data"));
    Operation *old = op.getWeights().getDefiningOp();
    op.getWeightsMutable().assign(
        makeConstant<float>(builder, op.getWeights().getLoc(), type.getShape(),
                            type.getElementType(), weights.values));
    if (old && old->use_empty())
      old->erase();
  }
};

} // namespace
