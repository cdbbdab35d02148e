//===- AdaptiveRounding.cpp - single weights up or down, by descent -------===//
//
// Takes          dense layers as assign-parameters or compensate-rounding
//                leaves them, with `qnet.second_moment`.
// Gives          weights that are points of the same grids, of which none alone
//                could be another one with less error of the layer's output.
// Why            compensate-rounding chooses each weight once, before it knows
//                what the later ones leave.
//                Source: the problem is AdaRound's (Nagel et al. 2020,
//                arXiv:2004.10568, 3.2); descent over whole steps, from a good
//                start, takes the place of its relaxation.
// Not done here  the start (compensate-rounding); the integers
//                (quantize-weights).
//
//===----------------------------------------------------------------------===//
#include "MetricRounding.h"

#include "quantc/Quantize/Passes.h"

#define DEBUG_TYPE "adaptive-rounding"

namespace mlir::qnet {
#define GEN_PASS_DEF_ADAPTIVEROUNDING
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Rounds over the columns; hardly any channel needs a tenth.
constexpr int64_t kSweeps = 20;

struct AdaptiveRounding : qnet::impl::AdaptiveRoundingBase<AdaptiveRounding> {
  using AdaptiveRoundingBase::AdaptiveRoundingBase;

  void runOnOperation() override {
    forEachRoundableLayer(
        getOperation(), {weights == "int4", leastInt4, biasCorrection}, round);
  }

  static void round(RoundableLayer &layer, const MetricRounding &metric) {
    std::vector<int8_t> points;
    for (int64_t n = 0; n < layer.rows; ++n) {
      MetricRounding::Channel channel{layer.targetOf(n), layer.grids[n], {}, 0};
      for (auto [k, weight] : llvm::enumerate(layer.weightsOf(n)))
        channel.points.push_back(static_cast<int8_t>(
            channel.grid.nearest(weight, static_cast<int64_t>(k))));
      metric.descend(channel, kSweeps);
      points.insert(points.end(), channel.points.begin(), channel.points.end());
    }
    layer.writeRounded(points);
  }
};

} // namespace
