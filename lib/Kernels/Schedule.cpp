//===- Schedule.cpp - which kernel a layer gets, exactly ------------------===//

#include "quantc/Kernels/Schedule.h"

#include "Splitter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

#include <cassert>
#include <limits>
#include <map>
#include <tuple>

using namespace mlir::qnet;

/// What a visit reaches of its row's rate: its weights are loaded for one
/// vector of lanes, and its offset comes from memory.
static constexpr double visitEfficiency = 0.6;

/// What a list reaches of its row's rate, since groups are numbers in memory:
/// 0.99 of it for many rows, 0.84 to 1 for one (AVX2 and AVX512-VNNI, Zen 5).
/// Groups that share a step have more to do for each number.
static constexpr double listEfficiency = 0.85, sharedListEfficiency = 0.97;

/// What a group costs, in groups, that is listed once more for what is too much
/// for 16 bits, beside its own product: it is one more to fetch for each row.
static constexpr double repeatedCost = 1;

/// What a panel costs beside its groups, in groups, where lists differ in
/// length: its loop ends when the CPU does not expect it.
static constexpr double listOverhead = 8;

/// Layers of fewer weights are unrolled whole for one row, which a list
/// hinders: they have one only where it leaves out zeros.
static constexpr int64_t leastListed = 1 << 14;
/// Cycles a row that tile registers cost beside their products: they are filled
/// from memory, emptied through it, and given their sizes. An estimate, since
/// no machine at hand has them: layers below some 8,000 weights stay on
/// vectors.
static constexpr double tileCycles = 64;

/// Cycles that a tile costs beside its products and its results: its addresses,
/// and a loop that ends when the CPU does not expect it. An estimate.
static constexpr double tileEndCycles = 30;

/// Panels that are tried before all of a layer, and the part of what they say
/// that is believed.
static constexpr int64_t samplePanels = 4;
static constexpr double sampleTrust = 0.9;

int32_t mlir::qnet::largestPositiveSum(int32_t lhsMax) {
  return std::numeric_limits<int16_t>::max() / lhsMax;
}
int32_t mlir::qnet::largestNegativeSum(int32_t lhsMax) {
  return -(std::numeric_limits<int16_t>::min() / lhsMax);
}

namespace {

/// The ends of the tiles of a layer with n outputs, for each row.
double costOfEnds(int64_t n, const KernelRow &row) {
  const int64_t panels = row.paddedChannels(n) / row.nr;
  return double(panels) * tileEndCycles / double(row.mr);
}

/// All panels of a layer without lists or visits.
double costOf(int64_t n, int64_t k, const KernelRow &row) {
  return double(row.paddedChannels(n)) * double(row.groups(k) * row.kr) /
             row.rate +
         costOfEnds(n, row);
}

double costOf(const LayerWeights &layer, const KernelRow &row) {
  return costOf(layer.n, layer.k, row) + (row.hasTiles() ? tileCycles : 0);
}

double costOf(const Visits &visits, const KernelRow &row) {
  return double(visits.weights.size()) / visitEfficiency / row.rate;
}

double costOf(const GroupLists &lists, const LayerWeights &layer,
              const KernelRow &row) {
  int64_t panels = row.paddedChannels(layer.n) / row.nr;
  int64_t depth = row.kr / row.group();
  double groups =
      (double(lists.steps() * depth) + repeatedCost * double(lists.repeated)) /
      (depth > 1 ? sharedListEfficiency : listEfficiency);
  if (lists.listed < groupCount(layer, row))
    groups += listOverhead * double(panels);
  return groups * double(row.nr * row.group()) / row.rate +
         costOfEnds(layer.n, row);
}

/// Finds the fastest form of one layer, row by row.
class Chooser {
public:
  explicit Chooser(const LayerWeights &layer) : layer(layer) {}

  void considerAll(const KernelRow &row);
  void considerLists(const KernelRow &row);
  Choice best;

private:
  bool isHopeless(const KernelRow &row) const;

  const LayerWeights &layer;
  double least = std::numeric_limits<double>::infinity();
  /// Rows of one depth, as wide vectors and as many channels split alike,
  /// whatever their tiles: the first one shows the visits of all.
  std::map<std::tuple<int64_t, int64_t, int64_t>, NarrowSplit> splits;
};

/// All groups of a layer, and visits.
void Chooser::considerAll(const KernelRow &row) {
  double cost = costOf(layer, row);
  if (cost >= least)
    return;
  NarrowSplit form;
  if (row.hasNarrowSums()) {
    auto [known, isNew] = splits.try_emplace(
        std::tuple(row.kr, row.lanes, row.paddedChannels(layer.n)),
        NarrowSplit());
    if (isNew)
      known->second = split(layer, row);
    form = known->second;
    cost += costOf(form.visits, row);
  }
  if (cost >= least)
    return;
  least = cost;
  best = {&row, std::nullopt, std::move(form)};
}

/// Whether the first panels say that a row's lists would be too long: pairing
/// the groups of all takes a while.
bool Chooser::isHopeless(const KernelRow &row) const {
  int64_t channels = samplePanels * row.nr;
  if (layer.n <= channels)
    return false;
  LayerWeights sample{layer.values.take_front(channels * layer.k), channels,
                      layer.k, layer.lhsMax};
  GroupLists lists = listGroups(sample, row);
  if (lists.listed == 0)
    return false;
  double groups = double(groupsWithWeights(layer, row)) / double(lists.listed);
  return costOf(lists, sample, row) * groups * sampleTrust >= least;
}

void Chooser::considerLists(const KernelRow &row) {
  if (!canList(layer, row) || isHopeless(row))
    return;
  GroupLists lists = listGroups(layer, row);
  if (lists.listed == groupCount(layer, row) && layer.n * layer.k < leastListed)
    return;
  double cost = costOf(lists, layer, row);
  if (cost >= least)
    return;
  least = cost;
  best = {&row, std::move(lists), NarrowSplit()};
}

} // namespace

NarrowSplit mlir::qnet::split(const LayerWeights &layer, const KernelRow &row) {
  assert(row.hasNarrowSums() && "other rows take any weights");
  NarrowSplit result;
  result.values.assign(layer.values.begin(), layer.values.end());
  Splitter splitter(layer, row, result);
  llvm::SmallVector<int64_t, 4> inputs(row.kr / row.group());
  for (int64_t lane = 0; lane < row.paddedChannels(layer.n);
       lane += row.lanes) {
    result.visits.starts.push_back(
        static_cast<int32_t>(result.visits.offsets.size()));
    for (int64_t input = 0; input < layer.k; input += row.kr) {
      for (auto [d, at] : llvm::enumerate(inputs))
        at = input + static_cast<int64_t>(d) * row.group();
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
  else if (row.hasNarrowSums())
    choice.split = split(layer, row);
  return choice;
}

Choice mlir::qnet::chooseRow(const LayerWeights &layer, Isa isa) {
  Chooser chooser(layer);
  // All groups first: where lists are not faster, there are none.
  for (const KernelRow &row : kernelTable())
    if (row.isa == isa && row.isByteRow() && row.reads(layer.lhsMax))
      chooser.considerAll(row);
  for (const KernelRow &row : kernelTable())
    if (row.isa == isa && row.isByteRow() && row.reads(layer.lhsMax))
      chooser.considerLists(row);
  if (!chooser.best.row)
    llvm_unreachable("every instruction set has a row of S16");
  return std::move(chooser.best);
}

const KernelRow &mlir::qnet::chooseGroupedRow(int64_t n, Isa isa) {
  const KernelRow *best = nullptr;
  double least = std::numeric_limits<double>::infinity();
  for (const KernelRow &row : kernelTable()) {
    double cost = double(row.paddedChannels(n)) / row.rate;
    if (row.isa == isa && row.isGrouped() && cost < least) {
      least = cost;
      best = &row;
    }
  }
  if (!best)
    llvm_unreachable("every instruction set has a row for 4-bit weights");
  return *best;
}

double mlir::qnet::floatCycles(int64_t n, int64_t k, Isa isa) {
  return costOf(n, k, floatKernel(isa));
}

double mlir::qnet::timeOverFloat(const LayerWeights &layer,
                                 const Choice &choice) {
  const KernelRow &row = *choice.row;
  double cost = choice.lists
                    ? costOf(*choice.lists, layer, row)
                    : costOf(layer, row) + costOf(choice.split.visits, row);
  return cost / floatCycles(layer.n, layer.k, row.isa);
}

double mlir::qnet::timeOverFloat(int64_t n, int64_t k,
                                 const KernelRow &grouped) {
  return costOf(n, k, grouped) / floatCycles(n, k, grouped.isa);
}
