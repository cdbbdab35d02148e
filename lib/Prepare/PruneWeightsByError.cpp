//===- PruneWeightsByError.cpp - zeros that cost the output least ---------===//
//
// Takes          dense layers with constant f32 weights and the second moments
//                of their input, a pattern, a fraction.
// Gives          the same layers; the weights that the pattern can take and
//                that the output misses least are zero, all others refit to
//                take over, and the bias takes up the mean of what is left.
// Why            inputs that go together stand in for each other: at the same
//                share of zeros the error is a fraction of prune-weights'.
// Not done here  layers without second moments (prune-weights); ranges change
//                with weights, so they have to be measured again.
//
// Frantar and Alistarh, "SparseGPT: Massive Language Models Can Be Accurately
// Pruned in One-Shot", 2023 (arXiv:2301.00774), section 3: one order of inputs
// for all channels, so that one factor of the inverse serves them all.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "InputStatistics.h"
#include "PrunePattern.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

#define DEBUG_TYPE "prune-weights-by-error"

namespace mlir::qnet {
#define GEN_PASS_DEF_PRUNEWEIGHTSBYERROR
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Single weights are chosen in as many rounds, each after the refit of the one
/// before: of two that stand in for each other, one goes.
constexpr int kRounds = 4;
/// Multiply-adds up to which blocks are chosen one by one with all refit after
/// each: some ten seconds. Above, all at once.
constexpr double kMostBlockWork = 2e10;

/// One layer on its way.
class Pruner {
public:
  Pruner(const DenseLayer &layer, std::vector<double> factor)
      : n(layer.channels), k(layer.inputs),
        weights(layer.weights.begin(), layer.weights.end()), zero(n * k, false),
        factor(std::move(factor)) {}

  void prune(PrunePattern pattern, double fraction) {
    if (pattern == PrunePattern::TwoOfFour)
      return sweep(/*twoOfFour=*/true);
    std::vector<double> inverse = inverseFromFactor(factor, k);
    if (pattern == PrunePattern::Block)
      return pruneBlocks(inverse, fraction);
    const auto wanted = static_cast<size_t>(fraction * double(n * k));
    for (int round = 1; round <= kRounds; ++round) {
      std::vector<double> cost(n * k);
      for (int64_t i = 0; i < n * k; ++i)
        cost[i] = zero[i]
                      ? -1.0
                      : weights[i] * weights[i] / inverse[i % k * k + i % k];
      for (size_t i : leastOf(cost, wanted * round / kRounds))
        zero[i] = true;
      sweep(/*twoOfFour=*/false);
    }
  }

  /// Exactly 0 where pruned, and only there.
  void store(std::vector<float> &into) const {
    llvm::transform(weights, into.begin(),
                    [](double w) { return static_cast<float>(w); });
  }

private:
  /// Input by input: those marked become zero, and the inputs behind take over
  /// what they can. With `twoOfFour`, marks are chosen as it comes to them.
  void sweep(bool twoOfFour) {
    for (int64_t channel = 0; channel < n; ++channel) {
      double *row = &weights[channel * k];
      for (int64_t j = 0; j < k; ++j) {
        if (twoOfFour && j % 4 == 0)
          chooseOfFour(channel, j);
        if (!zero[channel * k + j])
          continue;
        const double *line = &factor[j * k];
        const double f = row[j] / line[j];
        if (f != 0)
          for (int64_t i = j; i < k; ++i)
            row[i] -= f * line[i];
        row[j] = 0;
      }
    }
  }

  void chooseOfFour(int64_t channel, int64_t first) {
    std::vector<double> cost;
    for (int64_t i = first; i < std::min<int64_t>(first + 4, k); ++i) {
      const double share = weights[channel * k + i] / factor[i * k + i];
      cost.push_back(share * share);
    }
    for (size_t i : leastOf(cost, cost.size() / 2))
      zero[channel * k + first + static_cast<int64_t>(i)] = true;
  }

  void pruneBlocks(ArrayRef<double> inverse, double fraction) {
    const int64_t across = llvm::divideCeil(k, kBlockInputs);
    const int64_t down = llvm::divideCeil(n, kBlockChannels);
    const auto wanted = static_cast<int64_t>(fraction * double(across * down));
    const double work = fraction * double(down) * double(k) * double(k) *
                        double(k + kBlockChannels);
    for (int64_t group = 0; group < down; ++group) {
      const int64_t first = group * kBlockChannels;
      const int64_t end = std::min(first + kBlockChannels, n);
      Elimination elimination(
          {weights.begin() + first * k, weights.begin() + end * k}, inverse, k);
      const int64_t count = wanted * (group + 1) / down - wanted * group / down;
      if (work <= kMostBlockWork)
        removeOneByOne(elimination, across, count);
      markGroup(elimination, across, count, first, end);
      if (work <= kMostBlockWork)
        for (int64_t c = first; c < end; ++c)
          llvm::copy(elimination.row(c - first), weights.begin() + c * k);
    }
    if (work > kMostBlockWork)
      sweep(/*twoOfFour=*/false);
  }

  int64_t widthOf(int64_t block) const {
    return std::min(kBlockInputs, k - block * kBlockInputs);
  }

  void removeOneByOne(Elimination &elimination, int64_t across, int64_t count) {
    for (int64_t step = 0; step < count; ++step) {
      int64_t best = -1;
      double least = 0;
      for (int64_t block = 0; block < across; ++block) {
        if (elimination.isRemoved(block * kBlockInputs))
          continue;
        double cost = elimination.cost(block * kBlockInputs, widthOf(block)) /
                      double(widthOf(block));
        if (best < 0 || cost < least) {
          best = block;
          least = cost;
        }
      }
      for (int64_t i = 0; i < widthOf(best); ++i)
        elimination.remove(best * kBlockInputs + i);
    }
  }

  /// Marks what is removed, or where nothing is, what costs least.
  void markGroup(const Elimination &elimination, int64_t across, int64_t count,
                 int64_t first, int64_t end) {
    std::vector<double> cost(across);
    for (int64_t block = 0; block < across; ++block)
      cost[block] =
          elimination.isRemoved(block * kBlockInputs)
              ? -1.0
              : elimination.cost(block * kBlockInputs, widthOf(block)) /
                    double(widthOf(block));
    for (size_t block : leastOf(cost, count))
      for (int64_t c = first; c < end; ++c)
        for (int64_t i = 0; i < widthOf(int64_t(block)); ++i)
          zero[c * k + int64_t(block) * kBlockInputs + i] = true;
  }

  int64_t n, k;
  std::vector<double> weights;
  std::vector<bool> zero;
  std::vector<double> factor;
};

/// The pruned layer and what it costs; nothing where there are no statistics or
/// the refit fails.
struct Pruned {
  DenseLayer layer;
  double zeroShare = 0, error = 0;
};

std::optional<Pruned> pruned(const DenseLayer &layer,
                             const InputStatistics &statistics,
                             const std::vector<double> &factor,
                             PrunePattern pattern, double fraction) {
  Pruner pruner(layer, factor);
  pruner.prune(pattern, fraction);
  Pruned result{layer};
  pruner.store(result.layer.weights);
  if (!statistics.settleBias(layer, result.layer))
    return std::nullopt;
  result.zeroShare = double(llvm::count(result.layer.weights, 0.0f)) /
                     double(result.layer.weights.size());
  result.error = statistics.relativeError(layer, result.layer);
  return result;
}

struct PruneWeightsByError
    : qnet::impl::PruneWeightsByErrorBase<PruneWeightsByError> {
  using PruneWeightsByErrorBase::PruneWeightsByErrorBase;

  void runOnOperation() override {
    if (pattern == "planned")
      return prunePlanned();
    FailureOr<std::optional<PrunePattern>> known =
        checkPruning(getOperation(), DEBUG_TYPE, pattern, fraction);
    if (failed(known))
      return signalPassFailure();
    if (*known)
      getOperation().walk([&](DenseOp op) { prune(op, **known, fraction); });
  }

private:
  /// Each layer by what its precision says.
  void prunePlanned() {
    getOperation().walk([&](DenseOp op) {
      auto precision = op->getAttrOfType<StringAttr>(kPrecisionAttr);
      StringRef how = precision ? precision.getValue() : "";
      if (!how.consume_front(kPrunedPrecision))
        return;
      double share = 0;
      std::optional<PrunePattern> known = prunePatternNamed(how);
      if (!known && !how.rsplit(':').second.getAsDouble(share))
        known = prunePatternNamed(how.rsplit(':').first);
      if (known && isPrunableShare(share))
        prune(op, *known, share);
    });
  }
  void prune(DenseOp op, PrunePattern known, double fraction) {
    if (op->hasAttr(kFrozenAttr) || op->hasAttr(kPrunedAttr))
      return;
    std::optional<DenseLayer> layer = DenseLayer::read(op);
    if (!layer || static_cast<int64_t>(layer->weights.size()) < least ||
        (known == PrunePattern::Block && layer->channels < kBlockChannels))
      return;
    std::optional<InputStatistics> statistics = InputStatistics::of(op);
    std::optional<std::vector<double>> factor;
    if (statistics)
      factor = statistics->inverseFactor();
    if (!factor)
      return;
    std::optional<Pruned> result =
        pruned(*layer, *statistics, *factor, known, fraction);
    if (!result)
      return;
    result->layer.write(op);
    op->setAttr(kPrunedAttr,
                StringAttr::get(
                    op.getContext(),
                    llvm::formatv("{0}: {1:P1} of its weights are 0, which "
                                  "adds an error of {2} of its output",
                                  describePruning(nameOf(known), fraction),
                                  result->zeroShare, decibels(result->error))
                        .str()));
  }
};

} // namespace
