//===- CompensateRounding.cpp - weights rounded for the output's error ----===//
//
// Takes          dense layers as assign-parameters leaves them, with
//                `qnet.second_moment`; perhaps `qnet.weight_scale`.
// Gives          weights that are points of the grids of quantize-weights, each
//                chosen to make up for the errors of those before it; the mean
//                error in the bias; `qnet.weight_scale`, `qnet.unrounded`.
// Why            inputs are correlated, so errors of weights can cancel in the
//                output: in 4 bits that is worth 5 to 10 dB.
//                Source: Frantar et al. 2022, GPTQ (arXiv:2210.17323).
// Not done here  the integers (quantize-weights); the grids' scales
//                (search-weight-scales).
//
//===----------------------------------------------------------------------===//
#include "MetricRounding.h"

#include "quantc/Quantize/Passes.h"

#define DEBUG_TYPE "compensate-rounding"

namespace mlir::qnet {
#define GEN_PASS_DEF_COMPENSATEROUNDING
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct CompensateRounding
    : qnet::impl::CompensateRoundingBase<CompensateRounding> {
  using CompensateRoundingBase::CompensateRoundingBase;

  void runOnOperation() override {
    forEachRoundableLayer(
        getOperation(), {weights == "int4", leastInt4, biasCorrection}, round);
  }

  static void round(RoundableLayer &layer, const MetricRounding &metric) {
    std::vector<int8_t> points;
    for (int64_t first = 0; first < layer.rows;
         first += MetricRounding::kLanes) {
      std::vector<MetricRounding::Channel> channels =
          MetricRounding::channelsOf(layer, first);
      metric.compensate(channels);
      for (const MetricRounding::Channel &channel : channels)
        points.insert(points.end(), channel.points.begin(),
                      channel.points.end());
    }
    layer.writeRounded(points);
  }
};

} // namespace
