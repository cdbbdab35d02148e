//===- GroupLists.cpp - panels that skip their zero groups ----------------===//

#include "quantc/Kernels/GroupLists.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <array>

using namespace mlir::qnet;

namespace {

/// Products that share a lane of 16 bits at once.
constexpr int64_t half = 2;

struct Group {
  int64_t offset;
  /// The largest absolute sum of weights of one sign in a half of a lane's
  /// group; 0 where all are zero.
  int32_t heaviest;
};

Group measure(const LayerWeights &layer, const KernelRow &row,
              int64_t firstChannel, int64_t offset) {
  Group group{offset, 0};
  int64_t endChannel = std::min(firstChannel + row.nr, layer.n);
  int64_t end = std::min(offset + row.group(), layer.k);
  for (int64_t channel = firstChannel; channel < endChannel; ++channel)
    for (int64_t from = offset; from < end; from += half) {
      std::array<int32_t, 2> sums{0, 0};
      for (int64_t i = from; i < std::min(from + half, end); ++i) {
        int32_t w = layer.values[channel * layer.k + i];
        sums[w < 0] += w < 0 ? -w : w;
      }
      group.heaviest = std::max({group.heaviest, sums[0], sums[1]});
    }
  return group;
}

/// Appends one panel's groups, `depth` a step; `none` fills up the last one.
void appendSteps(std::vector<Group> groups, int64_t depth, int32_t none,
                 GroupLists &lists) {
  int64_t steps = (static_cast<int64_t>(groups.size()) + depth - 1) / depth;
  groups.resize(steps * depth, Group{none, 0});
  if (depth > 1)
    llvm::stable_sort(groups, [](const Group &a, const Group &b) {
      return a.heaviest > b.heaviest;
    });
  // The first of a step from the heavy end, the others from the light one.
  auto heavy = groups.begin(), light = groups.end();
  for (int64_t step = 0; step < steps; ++step) {
    lists.offsets.push_back(static_cast<int32_t>((heavy++)->offset));
    for (int64_t d = 1; d < depth; ++d)
      lists.offsets.push_back(static_cast<int32_t>((--light)->offset));
  }
}

} // namespace

GroupLists mlir::qnet::listGroups(const LayerWeights &layer,
                                  const KernelRow &row) {
  GroupLists lists;
  int64_t depth = row.kr / row.group();
  auto none = static_cast<int32_t>(row.groups(layer.k) * row.kr);
  auto steps = [&] {
    return static_cast<int32_t>(static_cast<int64_t>(lists.offsets.size()) /
                                depth);
  };
  for (int64_t channel = 0; channel < layer.n; channel += row.nr) {
    lists.starts.push_back(steps());
    std::vector<Group> groups;
    for (int64_t offset = 0; offset < layer.k; offset += row.group())
      if (Group group = measure(layer, row, channel, offset);
          group.heaviest != 0)
        groups.push_back(group);
    appendSteps(std::move(groups), depth, none, lists);
  }
  // A constant has elements: a layer of zeros multiplies by some of them.
  if (lists.offsets.empty())
    lists.offsets.assign(depth, none);
  lists.starts.push_back(steps());
  return lists;
}

double mlir::qnet::listedShare(const GroupLists &lists,
                               const LayerWeights &layer,
                               const KernelRow &row) {
  int64_t listed = llvm::count_if(
      lists.offsets, [&](int32_t offset) { return offset < layer.k; });
  int64_t all = row.paddedChannels(layer.n) / row.nr *
                ((layer.k + row.group() - 1) / row.group());
  return all == 0 ? 1 : double(listed) / double(all);
}

std::vector<int8_t> mlir::qnet::packListed(const KernelRow &row,
                                           const GroupLists &lists,
                                           const LayerWeights &layer) {
  int64_t group = row.group(), depth = row.kr / group;
  int64_t size = row.nr * group;
  std::vector<int8_t> packed(lists.offsets.size() * size, 0);
  for (auto [panel, start] : llvm::enumerate(llvm::drop_end(lists.starts))) {
    int64_t firstChannel = static_cast<int64_t>(panel) * row.nr;
    int64_t channels = std::min(row.nr, layer.n - firstChannel);
    for (int64_t at = start * depth; at < lists.starts[panel + 1] * depth;
         ++at) {
      int64_t offset = lists.offsets[at];
      int64_t inputs = std::clamp<int64_t>(layer.k - offset, 0, group);
      for (int64_t c = 0; c < channels; ++c)
        std::copy_n(layer.values.begin() + (firstChannel + c) * layer.k +
                        std::min(offset, layer.k),
                    inputs, packed.begin() + at * size + c * group);
    }
  }
  return packed;
}

std::vector<int32_t> mlir::qnet::storedOffsets(const GroupLists &lists,
                                               const LayerWeights &layer) {
  std::vector<int32_t> offsets(lists.offsets);
  for (int32_t &offset : offsets)
    if (offset >= layer.k)
      offset = 0;
  return offsets;
}
