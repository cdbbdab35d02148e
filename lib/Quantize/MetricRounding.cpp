//===- MetricRounding.cpp - rounding for the error of the output ----------===//
#include "MetricRounding.h"

#include "quantc/Numerics/Moments.h"

#include <numeric>

using namespace mlir;
using namespace mlir::qnet;

/// Factors on the damping that are tried one after the other.
static constexpr double kDampings[] = {1, 10, 100, 1000};

std::optional<MetricRounding> MetricRounding::of(const RoundableLayer &layer) {
  MetricRounding result;
  const int64_t n = result.columns = layer.columns;
  for (double damping : kDampings) {
    result.matrix = layer.metric(damping);
    if (static_cast<int64_t>(result.matrix.size()) != n * n)
      break;
    result.order.resize(n);
    std::iota(result.order.begin(), result.order.end(), 0);
    llvm::stable_sort(result.order, [&](int64_t a, int64_t b) {
      return result.matrix[a * n + a] < result.matrix[b * n + b];
    });
    result.factor.resize(n * n);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j)
        result.factor[i * n + j] =
            result.matrix[result.order[i] * n + result.order[j]];
    if (quantc::numerics::factorUpper(result.factor, n))
      return result;
  }
  layer.dense->emitRemark(
      "has second moments that are not positive definite: its weights are "
      "rounded to the nearest");
  return std::nullopt;
}

std::vector<MetricRounding::Channel>
MetricRounding::channelsOf(const RoundableLayer &layer, int64_t first) {
  std::vector<Channel> channels;
  for (int64_t n = first; n < std::min(first + kLanes, layer.rows); ++n)
    channels.push_back({layer.targetOf(n), layer.grids[n], {}, 0});
  return channels;
}

void qnet::forEachRoundableLayer(
    Operation *root, const RoundingOptions &options,
    function_ref<void(RoundableLayer &, const MetricRounding &)> choose) {
  root->walk([&](DenseOp dense) {
    std::optional<RoundableLayer> layer = RoundableLayer::read(dense, options);
    if (!layer)
      return;
    if (std::optional<MetricRounding> metric = MetricRounding::of(*layer))
      choose(*layer, *metric);
  });
}

void MetricRounding::compensate(MutableArrayRef<Channel> channels) const {
  const int64_t n = columns;
  const auto count = static_cast<int64_t>(channels.size());
  assert(count <= kLanes && "no more channels than lanes");
  // By column in `order` and lane, in units of the channel's scale: errors of
  // the compensating points and of the nearest ones.
  std::vector<double> missed(n * kLanes), nearest(n * kLanes);
  std::vector<int8_t> nearestPoints(n * kLanes);
  double error[kLanes] = {}, nearestError[kLanes] = {};
  for (Channel &channel : channels)
    channel.points.assign(n, 0);
  for (int64_t i = n - 1; i >= 0; --i) {
    const double *row = factor.data() + i * n;
    double sum[kLanes] = {}, nearestSum[kLanes] = {};
    for (int64_t j = i + 1; j < n; ++j)
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        sum[lane] += row[j] * missed[j * kLanes + lane];
        nearestSum[lane] += row[j] * nearest[j * kLanes + lane];
      }
    const int64_t k = order[i];
    for (int64_t lane = 0; lane < count; ++lane) {
      Channel &channel = channels[lane];
      const WeightGrid &grid = channel.grid;
      const int64_t place = i * kLanes + lane;
      const double wanted = static_cast<double>(channel.target[k]) / grid.scale;
      const double step = static_cast<double>(grid.step(k)) / grid.scale;
      const double most = grid.most();
      const double centre = wanted + sum[lane] / row[i];
      const double point =
          channel.target[k] == 0.0f
              ? 0.0
              : std::clamp(std::nearbyint(centre / step), -most, most);
      channel.points[k] = static_cast<int8_t>(point);
      missed[place] = wanted - point * step;
      double off = row[i] * (centre - point * step);
      error[lane] += off * off;
      nearestPoints[place] =
          static_cast<int8_t>(grid.nearest(channel.target[k], k));
      nearest[place] = wanted - nearestPoints[place] * step;
      off = row[i] * nearest[place] + nearestSum[lane];
      nearestError[lane] += off * off;
    }
  }
  for (int64_t lane = 0; lane < count; ++lane) {
    Channel &channel = channels[lane];
    channel.error = error[lane];
    // False for NaN too.
    const bool isBetter = error[lane] <= nearestError[lane];
    if (isBetter)
      continue;
    channel.error = nearestError[lane];
    for (int64_t i = 0; i < n; ++i)
      channel.points[order[i]] = nearestPoints[i * kLanes + lane];
  }
}

void MetricRounding::descend(Channel &channel, int64_t sweeps) const {
  const int64_t n = columns;
  const WeightGrid &grid = channel.grid;
  const double most = grid.most();
  // H d, kept up to date.
  std::vector<double> slope(n);
  auto move = [&](int64_t k, double by) {
    const double *row = matrix.data() + k * n;
    for (int64_t j = 0; j < n; ++j)
      slope[j] += by * row[j];
  };
  auto stepOf = [&](int64_t k) {
    return static_cast<double>(grid.step(k)) / grid.scale;
  };
  for (int64_t k = 0; k < n; ++k)
    move(k, channel.points[k] * stepOf(k) -
                static_cast<double>(channel.target[k]) / grid.scale);
  // Less than this share of what a step alone costs is no gain, but rounding.
  constexpr double leastGain = 1e-9;
  for (int64_t sweep = 0; sweep < sweeps; ++sweep) {
    bool moved = false;
    for (int64_t i = n - 1; i >= 0; --i) {
      const int64_t k = order[i];
      if (channel.target[k] == 0.0f)
        continue;
      const double step = stepOf(k), curvature = matrix[k * n + k];
      const double now = channel.points[k];
      const double point = std::clamp(
          std::nearbyint(now - slope[k] / curvature / step), -most, most);
      const double by = (point - now) * step;
      const double change = by * (2 * slope[k] + by * curvature);
      // False for NaN too.
      const bool isGain = change < -leastGain * curvature * step * step;
      if (!isGain)
        continue;
      channel.points[k] = static_cast<int8_t>(point);
      channel.error += change;
      move(k, by);
      moved = true;
    }
    if (!moved)
      break;
  }
}

double MetricRounding::bestScale(const Channel &channel) const {
  // The factor f of least (f q - w)^T H (f q - w).
  const int64_t n = columns;
  std::vector<double> points(n), wanted(n);
  for (int64_t k = 0; k < n; ++k) {
    points[k] = channel.points[k] * static_cast<double>(channel.grid.step(k)) /
                channel.grid.scale;
    wanted[k] = static_cast<double>(channel.target[k]) / channel.grid.scale;
  }
  double both = 0, own = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (points[i] == 0)
      continue;
    double towards = 0, square = 0;
    for (int64_t j = 0; j < n; ++j) {
      towards += matrix[i * n + j] * wanted[j];
      square += matrix[i * n + j] * points[j];
    }
    both += points[i] * towards;
    own += points[i] * square;
  }
  return own > 0 ? both / own : 1.0;
}
