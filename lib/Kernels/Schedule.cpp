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

/// What a list reaches of its row's rate, since offsets come from memory: 0.99
/// of it for many rows, 0.84 to 1 for one (AVX2 and AVX512-VNNI, Zen 5).
static constexpr double listEfficiency = 0.85;

/// What a panel with a list costs beside its groups, in groups: its loop ends
/// when the CPU does not expect it, and LLVM cannot unroll a small layer whole.
static constexpr double listOverhead = 8;

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

  /// `inputs`: the channel at which each group of the step begins.
  void splitStep(int64_t firstLane, llvm::ArrayRef<int64_t> inputs);

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
  void emitVisits(llvm::ArrayRef<int64_t> inputs);

  const LayerWeights &layer;
  const KernelRow &row;
  NarrowSplit &result;
  int64_t depth;
  std::array<int32_t, 2> largest;
  /// What is moved out of the step: [depth][lanes][group].
  std::vector<int8_t> excess;
};

void Splitter::splitStep(int64_t firstLane, llvm::ArrayRef<int64_t> inputs) {
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
          sum += shareOf(firstLane + lane, inputs[d] + offset, sign);
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
      return shareOf(firstLane + o.lane, inputs[d] + o.offset, o.sign) >=
             o.need;
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
      take(firstLane + o.lane, inputs[d] + o.offset, o.sign, o.need,
           &excess[(d * row.lanes + o.lane) * row.group() + o.offset]);
  emitVisits(inputs);
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
void Splitter::emitVisits(llvm::ArrayRef<int64_t> inputs) {
  int64_t size = row.lanes * row.group();
  for (int64_t d = 0; d < depth; ++d) {
    llvm::MutableArrayRef<int8_t> left(excess.data() + d * size, size);
    while (llvm::any_of(left, [](int8_t w) { return w != 0; })) {
      result.visits.offsets.push_back(static_cast<int32_t>(inputs[d]));
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

/// Of what a row multiplies without visits.
double costOf(const LayerWeights &layer, const KernelRow &row,
              const GroupLists *lists) {
  auto channels = double(row.paddedChannels(layer.n));
  if (!lists)
    return channels * double(row.groups(layer.k) * row.kr) / row.rate;
  double listed = double(lists->steps() * row.nr * row.kr) / listEfficiency;
  return (listed + listOverhead * channels * double(row.group())) / row.rate;
}

double costOf(const Visits &visits, const KernelRow &row) {
  return double(visits.weights.size()) / visitEfficiency / row.rate;
}

/// Finds the fastest form of one layer, row by row.
class Chooser {
public:
  explicit Chooser(const LayerWeights &layer) : layer(layer) {}

  void consider(const KernelRow &row, bool listed);
  Choice best;

private:
  /// Rows of one depth split alike, whatever their tiles (but for lists, which
  /// are of panels): the first one shows the visits of all.
  const NarrowSplit &splitFor(const KernelRow &row, const GroupLists *lists);

  const LayerWeights &layer;
  double least = std::numeric_limits<double>::infinity();
  std::map<std::array<int64_t, 3>, NarrowSplit> splits;
};

const NarrowSplit &Chooser::splitFor(const KernelRow &row,
                                     const GroupLists *lists) {
  std::array<int64_t, 3> key{row.kr, row.lanes, lists ? row.nr : 0};
  auto [known, isNew] = splits.try_emplace(key);
  if (isNew)
    known->second = split(layer, row, lists);
  return known->second;
}

void Chooser::consider(const KernelRow &row, bool listed) {
  std::optional<GroupLists> lists;
  if (listed)
    lists = listGroups(layer, row);
  const GroupLists *form = lists ? &*lists : nullptr;
  double cost = costOf(layer, row, form);
  if (cost >= least)
    return;
  const NarrowSplit *narrow = nullptr;
  if (row.hasNarrowSums()) {
    narrow = &splitFor(row, form);
    cost += costOf(narrow->visits, row);
    if (cost >= least)
      return;
  }
  least = cost;
  best = {&row, std::move(lists), narrow ? *narrow : NarrowSplit()};
}

} // namespace

NarrowSplit mlir::qnet::split(const LayerWeights &layer, const KernelRow &row,
                              const GroupLists *lists) {
  assert(row.hasNarrowSums() && "other rows take any weights");
  NarrowSplit result;
  result.values.assign(layer.values.begin(), layer.values.end());
  Splitter splitter(layer, row, result);
  int64_t depth = row.kr / row.group();
  llvm::SmallVector<int64_t, 4> inputs(depth);
  for (int64_t lane = 0; lane < row.paddedChannels(layer.n);
       lane += row.lanes) {
    result.visits.starts.push_back(
        static_cast<int32_t>(result.visits.offsets.size()));
    int64_t panel = lane / row.nr;
    int64_t from = lists ? lists->starts[panel] : 0;
    int64_t to = lists ? lists->starts[panel + 1] : row.groups(layer.k);
    for (int64_t step = from; step < to; ++step) {
      for (int64_t d = 0; d < depth; ++d)
        inputs[d] = lists ? lists->offsets[step * depth + d]
                          : (step * depth + d) * row.group();
      splitter.splitStep(lane, inputs);
    }
  }
  result.visits.starts.push_back(
      static_cast<int32_t>(result.visits.offsets.size()));
  return result;
}

Choice mlir::qnet::formFor(const LayerWeights &layer, const KernelRow &row,
                           bool listed) {
  Choice choice;
  choice.row = &row;
  if (listed)
    choice.lists = listGroups(layer, row);
  if (row.hasNarrowSums())
    choice.split = split(layer, row, choice.lists ? &*choice.lists : nullptr);
  return choice;
}

Choice mlir::qnet::chooseRow(const LayerWeights &layer, Isa isa) {
  Chooser chooser(layer);
  // All groups first: where lists are not faster, there are none.
  for (bool listed : {false, true})
    for (const KernelRow &row : kernelTable())
      if (row.isa == isa && !row.isFloat())
        chooser.consider(row, listed);
  if (!chooser.best.row)
    llvm_unreachable("every instruction set has an integer row");
  return std::move(chooser.best);
}
