//===- PruneWeights.cpp - weights that matter least become zero -----------===//
//
// Takes          dense layers with constant f32 weights, a pattern, a fraction.
// Gives          the same layers; of each, the weights of smallest magnitude
//                that the pattern can take are zero. Biases stay.
// Why            kernels skip groups of zeros (select-kernels); zeros that
//                stand alone leave sums more room.
// Not done here  retraining; removing whole channels (prune-neurons).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "quantc/Dialect/Constants.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSwitch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#define DEBUG_TYPE "prune-weights"

namespace mlir::qnet {
#define GEN_PASS_DEF_PRUNEWEIGHTS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

enum class Pattern { Magnitude, Block, TwoOfFour };

/// What becomes zero together. Groups of kernels are 2 or 4 inputs by 16 or 32
/// channels (Kernels.def): a block holds whole ones of either width.
constexpr int64_t blockChannels = 32, blockInputs = 4;

/// One layer's weights, `[n, k]`.
struct Weights {
  std::vector<float> values;
  int64_t n, k;

  float &at(int64_t channel, int64_t input) {
    return values[channel * k + input];
  }
};

/// The `count` units that matter least; of equal ones the earlier.
std::vector<size_t> leastOf(ArrayRef<double> importance, size_t count) {
  std::vector<size_t> order(importance.size());
  std::iota(order.begin(), order.end(), size_t(0));
  auto middle = order.begin() + static_cast<ptrdiff_t>(count);
  std::nth_element(order.begin(), middle, order.end(), [&](size_t a, size_t b) {
    return importance[a] != importance[b] ? importance[a] < importance[b]
                                          : a < b;
  });
  order.resize(count);
  return order;
}

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
  int64_t across = llvm::divideCeil(weights.k, blockInputs);
  int64_t down = llvm::divideCeil(weights.n, blockChannels);
  auto forEach = [&](int64_t block, auto &&body) {
    int64_t channel = block / across * blockChannels;
    int64_t input = block % across * blockInputs;
    for (int64_t c = channel; c < std::min(channel + blockChannels, weights.n);
         ++c)
      for (int64_t i = input; i < std::min(input + blockInputs, weights.k); ++i)
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
    auto known = llvm::StringSwitch<std::optional<Pattern>>(pattern)
                     .Case("magnitude", Pattern::Magnitude)
                     .Case("block", Pattern::Block)
                     .Case("2:4", Pattern::TwoOfFour)
                     .Default(std::nullopt);
    if (!known && pattern != "none") {
      getOperation().emitError(DEBUG_TYPE ": '")
          << pattern << "' is no pattern; choose none, magnitude, block or 2:4";
      return signalPassFailure();
    }
    // False for NaN too.
    const bool isShare = fraction >= 0 && fraction < 1;
    if (!isShare) {
      getOperation().emitError(DEBUG_TYPE ": the fraction must be at least 0 "
                                          "and less than 1");
      return signalPassFailure();
    }
    if (known)
      getOperation().walk([&](DenseOp op) { prune(op, *known); });
  }

private:
  void prune(DenseOp op, Pattern known) {
    FailureOr<std::vector<float>> values = readConstant<float>(op.getWeights());
    auto type = cast<RankedTensorType>(op.getWeights().getType());
    if (failed(values) || type.getNumElements() < least)
      return;
    Weights weights{std::move(*values), type.getDimSize(0), type.getDimSize(1)};
    // A block of a few channels would be a hole in the input of them all.
    if (known == Pattern::Block && weights.n < blockChannels)
      return;
    if (known == Pattern::Magnitude)
      pruneSingles(weights, fraction);
    else if (known == Pattern::Block)
      pruneBlocks(weights, fraction);
    else
      pruneTwoOfFour(weights);
    OpBuilder builder(op);
    Operation *old = op.getWeights().getDefiningOp();
    op.getWeightsMutable().assign(
        makeConstant<float>(builder, op.getWeights().getLoc(), type.getShape(),
                            type.getElementType(), weights.values));
    if (old && old->use_empty())
      old->erase();
  }
};

} // namespace
