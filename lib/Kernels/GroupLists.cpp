//===- GroupLists.cpp - panels that list what they multiply ---------------===//

#include "quantc/Kernels/GroupLists.h"

#include "PairGroups.h"
#include "Splitter.h"

#include "llvm/ADT/STLExtras.h"

#include <array>
#include <cassert>
#include <limits>

using namespace mlir::qnet;

namespace {

/// Products that share a lane of 16 bits at once.
constexpr int64_t half = 2;

bool isZero(const LayerWeights &layer, const KernelRow &row,
            int64_t firstChannel, int64_t offset) {
  int64_t endChannel = std::min(firstChannel + row.nr, layer.n);
  int64_t inputs = std::min(row.group(), layer.k - offset);
  for (int64_t channel = firstChannel; channel < endChannel; ++channel)
    for (int8_t w : layer.values.slice(channel * layer.k + offset, inputs))
      if (w != 0)
        return false;
  return true;
}

/// What each group of a panel brings to the sums that it shares.
GroupSums sumsOf(const LayerWeights &layer, const KernelRow &row,
                 int64_t firstChannel, llvm::ArrayRef<int32_t> offsets) {
  int64_t halves = row.group() / half, size = row.nr * halves * 2;
  GroupSums groups{std::vector<uint16_t>(offsets.size() * size, 0),
                   row.nr / row.lanes,
                   row.lanes * halves,
                   {static_cast<uint16_t>(largestPositiveSum(layer.lhsMax)),
                    static_cast<uint16_t>(largestNegativeSum(layer.lhsMax))}};
  int64_t channels = std::min(row.nr, layer.n - firstChannel);
  for (auto [place, offset] : llvm::enumerate(offsets)) {
    uint16_t *sums = &groups.values[place * size];
    int64_t inputs = std::min<int64_t>(row.group(), layer.k - offset);
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < inputs; ++i) {
        // An int8_t is a number here, not a character.
        // NOLINTNEXTLINE(bugprone-signed-char-misuse)
        int32_t w = layer.values[(firstChannel + c) * layer.k + offset + i];
        int64_t vector = c / row.lanes * 2 + (w < 0);
        sums[(vector * row.lanes + c % row.lanes) * halves + i / half] +=
            static_cast<uint16_t>(w < 0 ? -w : w);
      }
  }
  return groups;
}

/// Makes the lists, one panel after the other.
class Lister {
public:
  Lister(const LayerWeights &layer, const KernelRow &row)
      : layer(layer), row(row), wide(row), depth(row.kr / row.group()) {
    wide.lanes = row.nr;
    form.values.assign(layer.values.begin(), layer.values.end());
  }

  GroupLists run();

private:
  /// A group in a list: `weights` is [NR][G].
  struct Listed {
    int64_t offset;
    std::vector<int8_t> weights;
  };

  void listPanel(int64_t firstChannel);
  std::vector<int32_t> paired(int64_t firstChannel,
                              std::vector<int32_t> offsets) const;
  std::vector<int8_t> packed(int64_t firstChannel, int64_t offset) const;
  void appendRepeated(int64_t firstChannel);
  bool fits(llvm::ArrayRef<Listed> step, const Listed &more) const;
  void append(const Listed &group);
  void breakPitch();
  int32_t steps() const {
    return static_cast<int32_t>(static_cast<int64_t>(lists.groups.size()) /
                                depth);
  }

  const LayerWeights &layer;
  const KernelRow &row;
  KernelRow wide; ///< The row, with a panel for a vector of lanes.
  int64_t depth;
  NarrowSplit form;
  GroupLists lists;
};

/// In the order of their steps, `depth` a step; those at the layer's last
/// channel or beyond have no weights.
std::vector<int32_t> Lister::paired(int64_t firstChannel,
                                    std::vector<int32_t> offsets) const {
  auto count = static_cast<int64_t>(offsets.size());
  auto none = static_cast<int32_t>(row.groups(layer.k) * row.kr);
  offsets.resize((count + depth - 1) / depth * depth, none);
  if (depth == 1)
    return offsets;
  std::vector<int32_t> result;
  for (int32_t place :
       pairGroups(sumsOf(layer, wide, firstChannel, offsets), depth))
    result.push_back(offsets[place]);
  return result;
}

std::vector<int8_t> Lister::packed(int64_t firstChannel, int64_t offset) const {
  std::vector<int8_t> result(row.nr * row.group(), 0);
  int64_t channels = std::min(row.nr, layer.n - firstChannel);
  int64_t inputs = std::min(row.group(), layer.k - offset);
  for (int64_t c = 0; c < channels && inputs > 0; ++c)
    std::copy_n(form.values.begin() + (firstChannel + c) * layer.k + offset,
                inputs, result.begin() + c * row.group());
  return result;
}

void Lister::append(const Listed &group) {
  // Whatever a group without weights multiplies.
  int64_t offset = group.offset < layer.k ? group.offset : 0;
  lists.groups.push_back(static_cast<uint16_t>(offset / row.group()));
  llvm::append_range(lists.weights, group.weights);
}

/// Whether one more group can share the sums of a step.
bool Lister::fits(llvm::ArrayRef<Listed> step, const Listed &more) const {
  std::array<int32_t, 2> largest{largestPositiveSum(layer.lhsMax),
                                 largestNegativeSum(layer.lhsMax)};
  for (size_t at = 0; at < more.weights.size(); at += half) {
    std::array<int32_t, 2> sums{0, 0};
    auto add = [&](const Listed &group) {
      // An int8_t is a number here, not a character.
      // NOLINTNEXTLINE(bugprone-signed-char-misuse)
      for (int32_t w : llvm::ArrayRef(group.weights).slice(at, half))
        sums[w < 0] += w < 0 ? -w : w;
    };
    add(more);
    llvm::for_each(step, add);
    if (sums[0] > largest[0] || sums[1] > largest[1])
      return false;
  }
  return true;
}

/// What the panel's steps have too much, in as few steps as it fits.
void Lister::appendRepeated(int64_t firstChannel) {
  std::vector<std::vector<Listed>> open;
  int64_t size = row.nr * row.group();
  for (auto [visit, offset] : llvm::enumerate(form.visits.offsets)) {
    auto from =
        form.visits.weights.begin() + static_cast<int64_t>(visit) * size;
    Listed group{offset, std::vector<int8_t>(from, from + size)};
    auto step = llvm::find_if(open, [&](llvm::ArrayRef<Listed> known) {
      return static_cast<int64_t>(known.size()) < depth && fits(known, group);
    });
    if (step == open.end())
      open.push_back({std::move(group)});
    else
      step->push_back(std::move(group));
  }
  lists.repeated += static_cast<int64_t>(form.visits.offsets.size());
  form.visits = Visits();
  for (std::vector<Listed> &step : open) {
    step.resize(depth, {layer.k, std::vector<int8_t>(size, 0)});
    llvm::for_each(step, [&](const Listed &group) { append(group); });
  }
}

void Lister::listPanel(int64_t firstChannel) {
  std::vector<int32_t> offsets;
  for (int64_t offset = 0; offset < layer.k; offset += row.group())
    if (!isZero(layer, row, firstChannel, offset))
      offsets.push_back(static_cast<int32_t>(offset));
  lists.listed += static_cast<int64_t>(offsets.size());
  offsets = paired(firstChannel, std::move(offsets));
  if (row.hasNarrowSums()) {
    Splitter splitter(layer, wide, form);
    llvm::SmallVector<int64_t, 4> inputs;
    for (int64_t step = 0; step < static_cast<int64_t>(offsets.size());
         step += depth) {
      inputs.assign(offsets.begin() + step, offsets.begin() + step + depth);
      splitter.splitStep(firstChannel, inputs);
    }
  }
  for (int32_t offset : offsets)
    append({offset, packed(firstChannel, offset)});
  appendRepeated(firstChannel);
}

/// A step of zeros after a panel of whole pages. Where panels come from beyond
/// the second cache, tiles read one and ask for the next: if the two were whole
/// pages apart, they would meet in the same places of the first cache.
void Lister::breakPitch() {
  constexpr int64_t page = 4096, leastWeights = 1 << 20;
  int64_t bytes = (steps() - lists.starts.back()) * row.nr * row.kr;
  if (layer.n * layer.k < leastWeights || bytes == 0 || bytes % page != 0)
    return;
  const Listed zeros{0, std::vector<int8_t>(row.nr * row.group(), 0)};
  for (int64_t d = 0; d < depth; ++d)
    append(zeros);
}

GroupLists Lister::run() {
  for (int64_t channel = 0; channel < layer.n; channel += row.nr) {
    lists.starts.push_back(steps());
    listPanel(channel);
    breakPitch();
  }
  // A constant has elements: a layer of zeros multiplies by some of them.
  if (lists.groups.empty()) {
    lists.groups.assign(depth, 0);
    lists.weights.assign(row.nr * row.kr, 0);
  }
  lists.starts.push_back(steps());
  return std::move(lists);
}

} // namespace

bool mlir::qnet::canList(const LayerWeights &layer, const KernelRow &row) {
  return !row.hasSteps() && row.groups(layer.k) * row.kr / row.group() <=
                                std::numeric_limits<uint16_t>::max();
}

GroupLists mlir::qnet::listGroups(const LayerWeights &layer,
                                  const KernelRow &row) {
  assert(canList(layer, row) && "too many input channels");
  return Lister(layer, row).run();
}

int64_t mlir::qnet::groupCount(const LayerWeights &layer,
                               const KernelRow &row) {
  return row.paddedChannels(layer.n) / row.nr *
         ((layer.k + row.group() - 1) / row.group());
}

int64_t mlir::qnet::groupsWithWeights(const LayerWeights &layer,
                                      const KernelRow &row) {
  int64_t count = 0;
  for (int64_t channel = 0; channel < layer.n; channel += row.nr)
    for (int64_t offset = 0; offset < layer.k; offset += row.group())
      count += isZero(layer, row, channel, offset) ? 0 : 1;
  return count;
}
