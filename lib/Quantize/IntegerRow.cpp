//===- IntegerRow.cpp - one output channel in integers --------------------===//
#include "IntegerRow.h"

#include "quantc/Dialect/Qnet.h"
#include "quantc/Numerics/Sequences.h"
#include "quantc/Quantize/Accumulator.h"

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

static constexpr int32_t kWeightMax = 127;

/// A weight is taken to lie on a grid if it is within this share of a step of
/// it: far more than f32 rounding of scale times integer, far less than chance.
static constexpr float kGridTolerance = 1e-4f;

/// The most a bias may take of an accumulator; the products have the rest.
static constexpr double kLargestBias = 0x1p30;
/// A channel of nothing but zeros gets a scale that makes its bias this large:
/// precise, and exact as f32.
static constexpr double kLoneBias = 0x1p22;

WeightGrid qnet::chooseGrid(ArrayRef<float> row) {
  float most = 0.0f, highest = 0.0f;
  for (float w : row) {
    most = std::max(most, std::fabs(w));
    highest = std::max(highest, w);
  }
  float scale = numerics::chooseSymmetric(most, kWeightMax);
  if (most < numerics::minScale * kWeightMax)
    return {scale, {}};
  // Every smaller grid has a multiple in the upper half of the range.
  const bool mayReachLowest = highest < most;
  for (int32_t steps = kWeightMax + (mayReachLowest ? 1 : 0);
       steps > kWeightMax / 2; --steps) {
    float candidate = numerics::chooseSymmetric(most, steps);
    if (llvm::all_of(row, [&](float w) {
          float t = w / candidate;
          return std::fabs(t - std::nearbyint(t)) <= kGridTolerance;
        }))
      return {candidate, {}, steps > kWeightMax};
  }
  return {scale, {}};
}

std::optional<IntegerRow> qnet::fitRow(ArrayRef<float> row, double bias,
                                       const LayerInput &input,
                                       bool isFloatResult, float scale,
                                       WeightsAtScale weightsAt) {
  IntegerRow result;
  result.scale = scale;
  double inputScale = input.params.scale;
  if (!isFloatResult) {
    bool isZero = llvm::all_of(row, [](float w) { return w == 0.0f; });
    double least =
        std::fabs(bias) / inputScale / (isZero ? kLoneBias : kLargestBias);
    if (isZero && bias != 0.0)
      result.scale = static_cast<float>(
          std::clamp<double>(least, numerics::minScale, numerics::maxScale));
    else if (least > result.scale)
      result.scale =
          static_cast<float>(std::min<double>(least, numerics::maxScale));
  }
  for (; result.scale <= numerics::maxScale; result.scale *= 2.0f) {
    ArrayRef<int16_t> weights = weightsAt(result.scale);
    int64_t sum = 0;
    for (int64_t w : weights)
      sum += w;
    result.realBias = bias;
    double step = result.scale;
    for (size_t k = 0; k < input.mean.size(); ++k)
      result.realBias -= (weights[k] * step - row[k]) * input.mean[k];
    double own =
        isFloatResult
            ? 0.0
            : std::nearbyint(std::clamp(result.realBias / (inputScale * step),
                                        -0x1p40, 0x1p40));
    int64_t folded = static_cast<int64_t>(own) - input.params.zeroPoint * sum;
    if (accumulatorRange(weights, folded, input.params.qmax).fits()) {
      result.bias = static_cast<int32_t>(folded);
      return result;
    }
    // Again with wider steps: both the products and the bias shrink.
  }
  return std::nullopt;
}

RowSums qnet::rowSums(ArrayRef<float> row) {
  const WeightGrid grid = chooseGrid(row);
  RowSums sums{grid.scale};
  for (auto [k, w] : llvm::enumerate(row)) {
    int64_t weight = grid.nearest(w, static_cast<int64_t>(k));
    (weight > 0 ? sums.positive : sums.negative) += weight;
  }
  return sums;
}

int32_t WeightGrid::most() const {
  return multipliers.empty()
             ? kWeightMax
             : static_cast<int32_t>(QDenseOp::kMaxGroupedWeight);
}

float WeightGrid::step(int64_t column) const {
  return multipliers.empty()
             ? scale
             : scale * static_cast<float>(
                           multipliers[column / QDenseOp::kGroupChannels]);
}

int32_t WeightGrid::nearest(float weight, int64_t column) const {
  numerics::FloatPolicy a;
  const int32_t least = -most() - (hasLowest ? 1 : 0);
  return numerics::quantize(a, weight, step(column), 0, least, most());
}

std::optional<IntegerRow> qnet::quantizeRow(ArrayRef<float> row, double bias,
                                            const LayerInput &input,
                                            bool isFloatResult,
                                            WeightGrid &grid,
                                            MutableArrayRef<int8_t> quantized) {
  if (!grid.multipliers.empty())
    return quantizeGroupedRow(row, bias, input, isFloatResult, grid, quantized);
  std::vector<int16_t> weights(row.size());
  auto weightsAt = [&](float scale) -> ArrayRef<int16_t> {
    grid.scale = scale;
    for (auto [k, weight] : llvm::enumerate(weights))
      weight =
          static_cast<int16_t>(grid.nearest(row[k], static_cast<int64_t>(k)));
    return weights;
  };
  std::optional<IntegerRow> result =
      fitRow(row, bias, input, isFloatResult, grid.scale, weightsAt);
  llvm::transform(weights, quantized.begin(),
                  [](int16_t w) { return static_cast<int8_t>(w); });
  return result;
}
