//===- PairGroups.cpp - which groups of weights share a 16-bit sum --------===//

#include "PairGroups.h"

#include "llvm/ADT/STLExtras.h"

#include <numeric>

using namespace mlir::qnet;

/// Rounds over the steps with a sum too large, and the groups that an exchange
/// looks at each time: more of either gain little for the time they take.
static constexpr int rounds = 12;
/// A round that leaves more than this share of what it found is the last one:
/// the weights are too heavy to be paired, or paired as well as can be.
static constexpr double stuck = 0.95;
static constexpr int64_t candidates = 128;

/// A vector of lanes with a sum too large takes a visit, however large the sum
/// is; the excess only says which of two such steps is nearer to have none.
static constexpr int64_t visitCost = 1 << 20;

namespace {

class Search {
public:
  Search(const GroupSums &groups, int64_t depth)
      : groups(groups), depth(depth), size(groups.vectors * 2 * groups.sums),
        count(static_cast<int64_t>(groups.values.size()) / size), order(count),
        totals(count / depth * size), costs(count / depth), first(size),
        second(size) {}

  std::vector<int32_t> run();

private:
  const uint16_t *valuesOf(int64_t place) const {
    return &groups.values[order[place] * size];
  }
  int64_t costOf(const uint16_t *sums) const;
  void total(int64_t step);
  void improve(int64_t step);
  /// `sums` of a step with `left` in place of `taken`, to `result`.
  void exchanged(const uint16_t *sums, const uint16_t *taken,
                 const uint16_t *left, std::vector<uint16_t> &result) const {
    for (int64_t i = 0; i < size; ++i)
      result[i] = static_cast<uint16_t>(sums[i] - taken[i] + left[i]);
  }

  const GroupSums &groups;
  int64_t depth, size, count, next = 0;
  std::vector<int32_t> order;
  std::vector<uint16_t> totals; ///< `[steps][size]`
  std::vector<int64_t> costs;
  std::vector<uint16_t> first, second;
};

int64_t Search::costOf(const uint16_t *sums) const {
  int64_t cost = 0;
  for (int64_t v = 0; v < groups.vectors; ++v) {
    uint16_t excess = 0;
    for (uint16_t largest : groups.largest) {
      for (int64_t i = 0; i < groups.sums; ++i)
        excess = static_cast<uint16_t>(
            excess + (sums[i] > largest ? sums[i] - largest : 0));
      sums += groups.sums;
    }
    cost += excess ? visitCost + excess : 0;
  }
  return cost;
}

void Search::total(int64_t step) {
  uint16_t *sums = &totals[step * size];
  std::fill_n(sums, size, uint16_t(0));
  for (int64_t d = 0; d < depth; ++d) {
    const uint16_t *values = valuesOf(step * depth + d);
    for (int64_t i = 0; i < size; ++i)
      sums[i] = static_cast<uint16_t>(sums[i] + values[i]);
  }
  costs[step] = costOf(sums);
}

/// Makes the exchange of one of the step's groups that leaves the least excess.
void Search::improve(int64_t step) {
  int64_t gain = 0, from = 0, to = 0;
  for (int64_t mine = step * depth; mine < (step + 1) * depth; ++mine)
    for (int64_t c = 0; c < std::min(count, candidates); ++c) {
      int64_t other = next = (next + 1) % count, otherStep = other / depth;
      if (otherStep == step)
        continue;
      int64_t before = costs[step] + costs[otherStep];
      exchanged(&totals[step * size], valuesOf(mine), valuesOf(other), first);
      int64_t after = costOf(first.data());
      if (before - after <= gain)
        continue;
      exchanged(&totals[otherStep * size], valuesOf(other), valuesOf(mine),
                second);
      after += costOf(second.data());
      if (before - after > gain) {
        gain = before - after;
        from = mine;
        to = other;
      }
    }
  if (gain == 0)
    return;
  std::swap(order[from], order[to]);
  total(step);
  total(to / depth);
}

std::vector<int32_t> Search::run() {
  // To begin with, the heaviest group shares a step with the lightest.
  std::vector<int64_t> weight(count);
  for (int64_t g = 0; g < count; ++g)
    weight[g] =
        std::accumulate(groups.values.begin() + g * size,
                        groups.values.begin() + (g + 1) * size, int64_t(0));
  std::vector<int32_t> sorted(count);
  std::iota(sorted.begin(), sorted.end(), 0);
  llvm::stable_sort(
      sorted, [&](int32_t a, int32_t b) { return weight[a] > weight[b]; });
  auto steps = static_cast<int64_t>(costs.size());
  for (int64_t d = 0; d < depth; ++d)
    for (int64_t step = 0; step < steps; ++step)
      order[step * depth + d] =
          sorted[d * steps + (d % 2 ? steps - 1 - step : step)];
  for (int64_t step = 0; step < steps; ++step)
    total(step);
  auto all = [&] {
    return static_cast<double>(
        std::accumulate(costs.begin(), costs.end(), int64_t(0)));
  };
  double before = all();
  for (int round = 0; round < rounds && before > 0; ++round) {
    for (int64_t step = 0; step < steps; ++step)
      if (costs[step] != 0)
        improve(step);
    double after = all();
    if (after > stuck * before)
      break;
    before = after;
  }
  return std::move(order);
}

} // namespace

std::vector<int32_t> mlir::qnet::pairGroups(const GroupSums &groups,
                                            int64_t depth) {
  return Search(groups, depth).run();
}
