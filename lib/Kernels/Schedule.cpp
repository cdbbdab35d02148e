//===- Schedule.cpp - which kernel a layer gets, exactly ------------------===//

#include "quantc/Kernels/Schedule.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

#include <array>
#include <cassert>
#include <limits>
#include <map>
#include <numeric>

using namespace mlir::qnet;

/// What a visit reaches of its row's rate: its weights are loaded for one
/// vector of lanes, and its offset comes from memory.
static constexpr double visitEfficiency = 0.6;

int32_t mlir::qnet::largestPositiveSum(int32_t lhsMax) {
  return std::numeric_limits<int16_t>::max() / lhsMax;
}
int32_t mlir::qnet::largestNegativeSum(int32_t lhsMax) {
  return -(std::numeric_limits<int16_t>::min() / lhsMax);
}

namespace {

/// Splits the weights of one vector of lanes, step after step.
class Splitter {
public:
  Splitter(const LayerWeights &layer, const KernelRow &row, NarrowSplit &result)
      : layer(layer), row(row), result(result), depth(row.kr / row.group()),
        largest{largestPositiveSum(layer.lhsMax),
                largestNegativeSum(layer.lhsMax)},
        excess(row.lanes * row.kr) {}

  void splitStep(int64_t firstLane, int64_t firstInput);

private:
  static constexpr int64_t half = 2; ///< Products that share 16 bits at once.

  /// The absolute value where `value` has the sign (0: positive, 1: negative).
  static int32_t part(int32_t value, int sign) {
    return std::max(sign ? -value : value, 0);
  }
  int8_t *weight(int64_t lane, int64_t input) {
    return lane < layer.n && input < layer.k
               ? &result.values[lane * layer.k + input]
               : nullptr;
  }
  /// A half sum's share of one group.
  int32_t shareOf(int64_t lane, int64_t input, int sign) {
    int32_t sum = 0;
    for (int64_t j = 0; j < half; ++j)
      if (const int8_t *w = weight(lane, input + j))
        sum += part(*w, sign);
    return sum;
  }
  void take(int64_t lane, int64_t input, int sign, int32_t &need,
            int8_t *moved);
  void emitVisits(int64_t firstInput);

  const LayerWeights &layer;
  const KernelRow &row;
  NarrowSplit &result;
  int64_t depth;
  std::array<int32_t, 2> largest;
  /// What is moved out of the step: [depth][lanes][group].
  std::vector<int8_t> excess;
};

void Splitter::splitStep(int64_t firstLane, int64_t firstInput) {
  struct Overfull {
    int64_t lane, offset; ///< In the vector; in each group.
    int sign;
    int32_t need;
  };
  llvm::SmallVector<Overfull, 16> overfull;
  for (int64_t lane = 0; lane < row.lanes; ++lane)
    for (int64_t offset = 0; offset < row.group(); offset += half)
      for (int sign : {0, 1}) {
        int32_t sum = 0;
        for (int64_t d = 0; d < depth; ++d)
          sum += shareOf(firstLane + lane,
                         firstInput + d * row.group() + offset, sign);
        if (sum > largest[sign])
          overfull.push_back({lane, offset, sign, sum - largest[sign]});
      }
  if (overfull.empty())
    return;
  // One group that can give what most half sums have too much makes one visit
  // of what could be several.
  llvm::SmallVector<int64_t, 4> order(depth);
  std::iota(order.begin(), order.end(), 0);
  auto served = [&](int64_t d) {
    return llvm::count_if(overfull, [&](const Overfull &o) {
      return shareOf(firstLane + o.lane,
                     firstInput + d * row.group() + o.offset, o.sign) >= o.need;
    });
  };
  llvm::SmallVector<int64_t, 4> serves;
  for (int64_t d : order)
    serves.push_back(served(d));
  llvm::stable_sort(
      order, [&](int64_t a, int64_t b) { return serves[a] > serves[b]; });
  llvm::fill(excess, 0);
  for (Overfull &o : overfull)
    for (int64_t d : order)
      take(firstLane + o.lane, firstInput + d * row.group() + o.offset, o.sign,
           o.need, &excess[(d * row.lanes + o.lane) * row.group() + o.offset]);
  emitVisits(firstInput);
}

/// Moves up to `need` from the two weights at `input` to `moved`.
void Splitter::take(int64_t lane, int64_t input, int sign, int32_t &need,
                    int8_t *moved) {
  for (int64_t j = 0; j < half; ++j) {
    int8_t *w = weight(lane, input + j);
    if (!w)
      continue;
    int32_t amount = std::min(need, part(*w, sign));
    amount = std::min<int32_t>(amount, std::numeric_limits<int8_t>::max());
    int32_t signedAmount = sign ? -amount : amount;
    *w = static_cast<int8_t>(*w - signedAmount);
    moved[j] = static_cast<int8_t>(moved[j] + signedAmount);
    need -= amount;
  }
}

/// The excess as visits, each of which fits by itself.
void Splitter::emitVisits(int64_t firstInput) {
  int64_t size = row.lanes * row.group();
  for (int64_t d = 0; d < depth; ++d) {
    llvm::MutableArrayRef<int8_t> left(excess.data() + d * size, size);
    while (llvm::any_of(left, [](int8_t w) { return w != 0; })) {
      result.visits.offsets.push_back(
          static_cast<int32_t>(firstInput + d * row.group()));
      for (int64_t at = 0; at < size; at += half) {
        std::array<int32_t, 2> room = largest;
        for (int64_t j = at; j < at + half; ++j) {
          int sign = left[j] < 0;
          int32_t amount = std::min(room[sign], part(left[j], sign));
          room[sign] -= amount;
          int32_t signedAmount = sign ? -amount : amount;
          result.visits.weights.push_back(static_cast<int8_t>(signedAmount));
          left[j] = static_cast<int8_t>(left[j] - signedAmount);
        }
      }
    }
  }
}

double costOf(const LayerWeights &layer, const KernelRow &row,
              const NarrowSplit &split) {
  double panels =
      double(row.paddedChannels(layer.n)) * (row.groups(layer.k) * row.kr);
  auto visits = double(split.visits.weights.size());
  return (panels + visits / visitEfficiency) / row.rate;
}

} // namespace

NarrowSplit mlir::qnet::split(const LayerWeights &layer, const KernelRow &row) {
  assert(row.hasNarrowSums() && "other rows take any weights");
  NarrowSplit result;
  result.values.assign(layer.values.begin(), layer.values.end());
  Splitter splitter(layer, row, result);
  for (int64_t lane = 0; lane < row.paddedChannels(layer.n);
       lane += row.lanes) {
    result.visits.starts.push_back(
        static_cast<int32_t>(result.visits.offsets.size()));
    for (int64_t input = 0; input < layer.k; input += row.kr)
      splitter.splitStep(lane, input);
  }
  result.visits.starts.push_back(
      static_cast<int32_t>(result.visits.offsets.size()));
  return result;
}

Choice mlir::qnet::chooseRow(const LayerWeights &layer, Isa isa) {
  const KernelRow *best = nullptr;
  double least = std::numeric_limits<double>::infinity();
  // Rows of one depth split alike, whatever their tiles: the first one shows
  // the cost of all.
  std::map<std::pair<int64_t, int64_t>, NarrowSplit> splits;
  for (const KernelRow &row : kernelTable()) {
    if (row.isa != isa || row.isFloat())
      continue;
    NarrowSplit none;
    const NarrowSplit *form = &none;
    if (row.hasNarrowSums()) {
      auto [known, isNew] =
          splits.try_emplace(std::pair(row.kr, row.lanes), NarrowSplit());
      if (isNew)
        known->second = split(layer, row);
      form = &known->second;
    }
    double cost = costOf(layer, row, *form);
    if (cost < least) {
      least = cost;
      best = &row;
    }
  }
  if (!best)
    llvm_unreachable("every instruction set has an integer row");
  return {best, best->hasNarrowSums() ? split(layer, *best) : NarrowSplit()};
}
