//===- MeasuredRemoval.cpp - channels go in the order of their cost -------===//
#include "MeasuredRemoval.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

LogicalResult MeasuredRemoval::add(ChannelGroup group, std::string &why) {
  for (ChannelGroup::Place<DenseOp> place : group.readers) {
    if (readers.contains(place.at))
      continue;
    DenseLayer layer = *DenseLayer::read(place.at);
    std::optional<InputStatistics> statistics = InputStatistics::of(place.at);
    std::optional<std::vector<double>> factor;
    if (statistics)
      factor = statistics->inverseFactor();
    if (!factor) {
      why = "layer '" + nameOfValue(DenseOp(place.at).getResult()) +
            "', which reads it, has no usable second moments of its input";
      return failure();
    }
    const double power = statistics->outputPower(layer);
    Elimination elimination({layer.weights.begin(), layer.weights.end()},
                            inverseFromFactor(*factor, layer.inputs),
                            layer.inputs);
    readers.insert({place.at, Reader{std::move(layer), std::move(*statistics),
                                     std::move(elimination), power}});
  }
  const int64_t channels = group.channels;
  groups.push_back(
      {std::move(group), std::vector<bool>(channels, false), channels});
  return success();
}

/// Relative to what each reader gives, so that a layer of small values counts
/// as much as one of large ones.
double MeasuredRemoval::cost(const Marked &marked, int64_t channel) const {
  double sum = 0;
  for (ChannelGroup::Place<DenseOp> place : marked.group.readers) {
    const Reader &reader = readers.find(place.at)->second;
    const double own = reader.elimination.cost(place.offset + channel);
    sum += reader.power > 0 ? own / reader.power : own;
  }
  return sum;
}

bool MeasuredRemoval::removeCheapest() {
  Marked *best = nullptr;
  int64_t bestChannel = 0;
  double least = HUGE_VAL;
  for (Marked &marked : groups) {
    if (marked.left == 1)
      continue;
    for (int64_t channel = 0; channel < marked.group.channels; ++channel) {
      if (marked.removed[channel])
        continue;
      const double own = cost(marked, channel);
      if (best && !(own < least))
        continue;
      best = &marked;
      bestChannel = channel;
      least = own;
    }
  }
  if (!best)
    return false;
  best->removed[bestChannel] = true;
  --best->left;
  for (ChannelGroup::Place<DenseOp> place : best->group.readers)
    readers.find(place.at)->second.elimination.remove(place.offset +
                                                      bestChannel);
  return true;
}

LogicalResult MeasuredRemoval::apply(StringRef what) {
  std::vector<DenseLayer> refit;
  for (auto &[op, reader] : readers) {
    DenseLayer &layer = refit.emplace_back(reader.before);
    for (int64_t n = 0; n < layer.channels; ++n)
      for (int64_t k = 0; k < layer.inputs; ++k)
        layer.weights[n * layer.inputs + k] =
            static_cast<float>(reader.elimination.row(n)[k]);
    if (!reader.statistics.settleBias(reader.before, layer))
      return failure();
  }
  for (auto [entry, layer] : llvm::zip_equal(readers, refit)) {
    auto op = cast<DenseOp>(entry.first);
    int64_t gone = 0;
    for (int64_t k = 0; k < layer.inputs; ++k)
      gone += entry.second.elimination.isRemoved(k);
    const double error =
        entry.second.statistics.relativeError(entry.second.before, layer);
    layer.write(op);
    op->setAttr(kPrunedAttr,
                StringAttr::get(
                    op.getContext(),
                    llvm::formatv("{0}: {1} of {2} inputs removed, which adds "
                                  "an error of {3} of its output",
                                  what, gone, layer.inputs, decibels(error))
                        .str()));
  }
  for (const Marked &marked : groups)
    if (marked.left != marked.group.channels)
      marked.group.remove(marked.removed);
  return success();
}
