//===- Splitter.cpp - weights whose 16-bit sums fit -----------------------===//

#include "Splitter.h"

#include "llvm/ADT/STLExtras.h"
#include <numeric>

using namespace mlir::qnet;

std::array<int32_t, 2> Splitter::largestSums(const LayerWeights &layer,
                                             const KernelRow &row) {
  if (row.gainsBySmallInputs())
    return {largestPositiveSum(layer.lhsMax), largestNegativeSum(layer.lhsMax)};
  // Of activations from -128 to 127: two weights of unlike sign fit.
  const int32_t most = std::numeric_limits<int16_t>::max() / 128;
  return {most, most};
}

void Splitter::splitStep(int64_t firstLane, llvm::ArrayRef<int64_t> inputs) {
  struct Overfull {
    int64_t lane, sum; ///< In the vector; in each group.
    int sign;
    int32_t need;
  };
  llvm::SmallVector<Overfull, 16> overfull;
  for (int64_t lane = 0; lane < row.lanes; ++lane)
    for (int64_t sum = 0; sum < row.sumsPerGroup(); ++sum)
      for (int sign : {0, 1}) {
        int32_t reach = 0;
        for (int64_t d = 0; d < depth; ++d)
          reach += shareOf(firstLane + lane, inputs[d], sum, sign);
        if (reach > largest[sign])
          overfull.push_back({lane, sum, sign, reach - largest[sign]});
      }
  if (overfull.empty())
    return;
  // One group that can give what most half sums have too much makes one visit
  // of what could be several.
  llvm::SmallVector<int64_t, 4> order(depth);
  std::iota(order.begin(), order.end(), 0);
  auto served = [&](int64_t d) {
    return llvm::count_if(overfull, [&](const Overfull &o) {
      return shareOf(firstLane + o.lane, inputs[d], o.sum, o.sign) >= o.need;
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
      take(firstLane + o.lane, inputs[d], o.sum, o.sign, o.need,
           &excess[(d * row.lanes + o.lane) * row.group()]);
  emitVisits(inputs);
}

/// Moves up to `need` from what a group has of a sum to its `moved`.
void Splitter::take(int64_t lane, int64_t input, int64_t sum, int sign,
                    int32_t &need, int8_t *moved) {
  for (int64_t j = 0; j < KernelRow::productsPerSum; ++j) {
    const int64_t at = row.inputOfSum(sum, j);
    int8_t *w = weight(lane, input + at);
    if (!w)
      continue;
    int32_t amount = std::min(need, part(*w, sign));
    amount = std::min<int32_t>(amount, std::numeric_limits<int8_t>::max());
    int32_t signedAmount = sign ? -amount : amount;
    *w = static_cast<int8_t>(*w - signedAmount);
    moved[at] = static_cast<int8_t>(moved[at] + signedAmount);
    need -= amount;
  }
}

/// The excess as visits, each of which fits by itself.
void Splitter::emitVisits(llvm::ArrayRef<int64_t> inputs) {
  int64_t size = row.lanes * row.group();
  for (int64_t d = 0; d < depth; ++d) {
    llvm::MutableArrayRef<int8_t> left(excess.data() + d * size, size);
    while (llvm::any_of(left, [](int8_t w) { return w != 0; })) {
      result.visits.offsets.push_back(static_cast<int32_t>(inputs[d]));
      std::vector<int8_t> visit(size);
      for (int64_t at = 0; at < row.lanes * row.sumsPerGroup(); ++at) {
        const int64_t lane = at / row.sumsPerGroup() * row.group();
        std::array<int32_t, 2> room = largest;
        for (int64_t j = 0; j < KernelRow::productsPerSum; ++j) {
          int64_t place = lane + row.inputOfSum(at % row.sumsPerGroup(), j);
          int sign = left[place] < 0;
          int32_t amount = std::min(room[sign], part(left[place], sign));
          room[sign] -= amount;
          visit[place] = static_cast<int8_t>(sign ? -amount : amount);
          left[place] = static_cast<int8_t>(left[place] - visit[place]);
        }
      }
      llvm::append_range(result.visits.weights, visit);
    }
  }
}
