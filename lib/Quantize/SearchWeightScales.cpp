//===- SearchWeightScales.cpp - scales of least error of the output -------===//
//
// Takes          dense layers as assign-parameters leaves them, with
//                `qnet.second_moment`.
// Gives          the scale of each output channel as `qnet.weight_scale`, in 4
//                bits with `qnet.group_multipliers`.
// Why            a channel with a few large weights loses less by clipping
//                them, whose errors others compensate, than by wide steps for
//                all.
//                Source: the clipping search of OmniQuant (Shao et al. 2023,
//                arXiv:2308.13137, 3.2), by trial in place of learning.
// Not done here  rounding (compensate-rounding, quantize-weights).
//
//===----------------------------------------------------------------------===//
#include "MetricRounding.h"

#include "quantc/Numerics/Parameters.h"
#include "quantc/Quantize/Passes.h"

#define DEBUG_TYPE "search-weight-scales"

namespace mlir::qnet {
#define GEN_PASS_DEF_SEARCHWEIGHTSCALES
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

using Channel = MetricRounding::Channel;

/// Shares of a channel's own scale that are tried.
constexpr float kShares[] = {0.97f, 0.94f, 0.9f, 0.86f, 0.82f};
/// Times that the scale of least squares for the points is taken.
constexpr int kRefits = 2;

struct SearchWeightScales
    : qnet::impl::SearchWeightScalesBase<SearchWeightScales> {
  using SearchWeightScalesBase::SearchWeightScalesBase;

  void runOnOperation() override {
    forEachRoundableLayer(
        getOperation(), {weights == "int4", leastInt4, biasCorrection}, search);
  }

  static void search(RoundableLayer &layer, const MetricRounding &metric) {
    for (int64_t first = 0; first < layer.rows;
         first += MetricRounding::kLanes) {
      std::vector<Channel> best = MetricRounding::channelsOf(layer, first);
      metric.compensate(best);
      const std::vector<Channel> own = best;
      auto tryScales = [&](function_ref<double(size_t)> scaleOf) {
        std::vector<Channel> tried = best;
        for (auto [n, channel] : llvm::enumerate(tried))
          channel.grid.scale = std::clamp(static_cast<float>(scaleOf(n)),
                                          quantc::numerics::minScale,
                                          quantc::numerics::maxScale);
        metric.compensate(tried);
        for (auto [channel, candidate] : llvm::zip_equal(best, tried))
          if (errorOf(candidate) < errorOf(channel))
            channel = std::move(candidate);
      };
      for (float share : kShares)
        tryScales(
            [&](size_t n) -> double { return own[n].grid.scale * share; });
      for (int refit = 0; refit < kRefits; ++refit)
        tryScales([&](size_t n) {
          return best[n].grid.scale * metric.bestScale(best[n]);
        });
      for (auto [n, channel] : llvm::enumerate(best))
        layer.grids[first + static_cast<int64_t>(n)] = channel.grid;
    }
    layer.writeGrids();
  }

  static double errorOf(const Channel &channel) {
    const double scale = channel.grid.scale;
    return channel.error * scale * scale;
  }
};

} // namespace
