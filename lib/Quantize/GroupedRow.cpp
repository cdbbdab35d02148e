//===- GroupedRow.cpp - one output channel in 4 bits ----------------------===//
//
// w ~ scale * multiplier[g] * q, q in [-7, 7]: first the best real step of each
// group by search, then the channel's scale so that the widest step has the
// largest multiplier, then whole multipliers, and the weights again for these.
//
//===----------------------------------------------------------------------===//
#include "IntegerRow.h"

#include "quantc/Dialect/Qnet.h"
#include "quantc/Numerics/Sequences.h"

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

namespace {

constexpr int64_t kChannels = QDenseOp::kGroupChannels;
constexpr auto kWeightMax = static_cast<int32_t>(QDenseOp::kMaxGroupedWeight);

/// The largest multiplier. A byte could hold more, but a step within 1/254 of
/// the best costs nothing beside 15 levels, and deep layers need the room in
/// their accumulators.
constexpr int32_t kMultiplierMax = 127;

/// Steps that are tried for a group: its largest weight as this many of them.
/// Below 7 levels stay unused (a model that comes quantized may need just
/// that), above weights are clipped.
constexpr float kFewestSteps = 4.0f, kMostSteps = 12.0f, kStepsApart = 0.25f;

/// Steps below this underflow where they are squared; such weights are as good
/// as 0.
constexpr float kTiniest = numerics::minScale * kWeightMax * kMultiplierMax;

/// 64 weights, zeros beyond the layer's inputs.
struct Group {
  std::array<float, kChannels> weights{};
  float most = 0.0f;

  Group(ArrayRef<float> row, int64_t first) {
    llvm::copy(
        row.slice(first, std::min<int64_t>(kChannels, row.size() - first)),
        weights.begin());
    for (float w : weights)
      most = std::max(most, std::fabs(w));
  }
};

/// How well a step serves a group, and the step of least squared error for the
/// weights it gives.
struct Fit {
  float error = 0.0f;
  float refined = 0.0f;
};

Fit fitOf(const Group &group, float step) {
  // x + round - round is rne(x) for small x; sums in lanes, so that the loop
  // becomes vectors without a change of its meaning.
  constexpr float round = 0x1.8p23f, limit = kWeightMax;
  constexpr int64_t lanes = 8;
  float error[lanes] = {}, cross[lanes] = {}, square[lanes] = {};
  float inverse = 1.0f / step;
  for (int64_t k = 0; k < kChannels; k += lanes)
    for (int64_t j = 0; j < lanes; ++j) {
      float w = group.weights[k + j];
      float scaled = w * inverse;
      scaled = scaled < -limit ? -limit : scaled;
      scaled = scaled > limit ? limit : scaled;
      float q = (scaled + round) - round;
      float miss = w - q * step;
      error[j] += miss * miss;
      cross[j] += w * q;
      square[j] += q * q;
    }
  Fit fit;
  float crosses = 0.0f, squares = 0.0f;
  for (int64_t j = 0; j < lanes; ++j) {
    fit.error += error[j];
    crosses += cross[j];
    squares += square[j];
  }
  fit.refined = squares > 0.0f ? crosses / squares : step;
  return fit;
}

/// The step of least squared error among those tried.
float bestStep(const Group &group) {
  float best = group.most / static_cast<float>(kWeightMax);
  float least = fitOf(group, best).error;
  auto tryStep = [&](float step) {
    Fit fit = fitOf(group, step);
    if (fit.error < least) {
      least = fit.error;
      best = step;
    }
    return fit.refined;
  };
  for (float steps = kFewestSteps; steps <= kMostSteps; steps += kStepsApart)
    tryStep(tryStep(group.most / steps));
  return best;
}

/// The whole multiplier of least squared error near `step` / `scale`.
int32_t bestMultiplier(const Group &group, float step, float scale) {
  auto nearest = static_cast<int32_t>(
      std::nearbyint(std::min<float>(step / scale, kMultiplierMax)));
  int32_t best = std::clamp(nearest, 1, kMultiplierMax);
  float least = std::numeric_limits<float>::infinity();
  for (int32_t m = std::max(nearest - 1, 1);
       m <= std::min(nearest + 1, kMultiplierMax) && group.most > kTiniest;
       ++m) {
    float error = fitOf(group, scale * static_cast<float>(m)).error;
    if (error < least) {
      least = error;
      best = m;
    }
  }
  return best;
}

} // namespace

WeightGrid qnet::chooseGroupedGrid(ArrayRef<float> row) {
  std::vector<Group> groups;
  std::vector<float> steps;
  float widest = 0.0f;
  const int64_t columns = static_cast<int64_t>(row.size());
  for (int64_t first = 0; first < columns; first += kChannels) {
    const Group &group = groups.emplace_back(row, first);
    steps.push_back(group.most > kTiniest ? bestStep(group) : 0.0f);
    widest = std::max(widest, steps.back());
  }
  WeightGrid grid{std::max(widest / kMultiplierMax, numerics::minScale), {}};
  for (auto [group, step] : llvm::zip_equal(groups, steps))
    grid.multipliers.push_back(
        static_cast<uint8_t>(bestMultiplier(group, step, grid.scale)));
  return grid;
}

std::optional<IntegerRow>
qnet::quantizeGroupedRow(ArrayRef<float> row, double bias,
                         const LayerInput &input, bool isFloatResult,
                         WeightGrid &grid, MutableArrayRef<int8_t> quantized) {
  const WeightGrid given = grid;
  std::vector<int16_t> products(row.size());
  auto weightsAt = [&](float scale) -> ArrayRef<int16_t> {
    grid.scale = scale;
    for (auto [g, multiplier] : llvm::enumerate(given.multipliers)) {
      const int64_t first = static_cast<int64_t>(g) * kChannels;
      const int64_t end = std::min<int64_t>(first + kChannels, row.size());
      const int32_t m =
          scale == given.scale
              ? multiplier
              : bestMultiplier(Group(row, first), given.step(first), scale);
      grid.multipliers[g] = static_cast<uint8_t>(m);
      for (int64_t k = first; k < end; ++k) {
        const int32_t q = grid.nearest(row[k], k);
        quantized[k] = static_cast<int8_t>(q);
        products[k] = static_cast<int16_t>(q * m);
      }
    }
    return products;
  };
  return fitRow(row, bias, input, isFloatResult, given.scale, weightsAt);
}
