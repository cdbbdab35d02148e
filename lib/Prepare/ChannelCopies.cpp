//===- ChannelCopies.cpp - channels that are made twice -------------------===//
#include "ChannelCopies.h"

#include "DenseLayer.h"
#include "quantc/Dialect/ChannelExponents.h"

using namespace mlir;
using namespace mlir::qnet;

DenseOp qnet::onlyReader(DenseOp layer) {
  if (!layer->hasOneUse())
    return {};
  auto reader = dyn_cast<DenseOp>(*layer->user_begin());
  return reader && reader.getInput() == layer.getResult() ? reader : DenseOp();
}

/// What the layer notes under `name`.
static SmallVector<int32_t> noted(DenseOp layer, StringRef name) {
  auto own = layer->getAttrOfType<DenseI32ArrayAttr>(name);
  return own ? SmallVector<int32_t>(own.asArrayRef()) : SmallVector<int32_t>();
}

void qnet::copyChannels(DenseOp layer, DenseOp reader,
                        ArrayRef<int32_t> sources) {
  std::optional<DenseLayer> here = DenseLayer::read(layer),
                            there = DenseLayer::read(reader);
  if (sources.empty() || !here || !there || here->channels != there->inputs)
    return;
  for (auto [i, source] : llvm::enumerate(sources))
    if (source < 0 || source >= here->channels + int64_t(i))
      return;
  SmallVector<int32_t> exponents = noted(layer, kChannelExponentsAttr);
  if (static_cast<int64_t>(exponents.size()) != here->channels)
    exponents.clear(); // of other channels: nobody here wrote them
  for (int32_t source : sources) {
    const std::vector<float> row(here->weights.begin() + source * here->inputs,
                                 here->weights.begin() +
                                     (source + 1) * here->inputs);
    llvm::append_range(here->weights, row);
    here->bias.push_back(here->bias[source]);
    ++here->channels;
    if (!exponents.empty())
      exponents.push_back(exponents[source]);
  }
  const int64_t before = there->inputs;
  std::vector<float> columns;
  columns.reserve(there->channels * here->channels);
  for (int64_t n = 0; n < there->channels; ++n) {
    const size_t start = columns.size();
    columns.insert(columns.end(), there->weights.begin() + n * before,
                   there->weights.begin() + (n + 1) * before);
    for (int32_t source : sources) {
      columns[start + source] /= 2;
      columns.push_back(columns[start + source]);
    }
  }
  there->weights = std::move(columns);
  there->inputs = here->channels;
  here->write(layer);
  there->write(reader);
  auto type = cast<RankedTensorType>(layer.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = here->channels;
  layer.getResult().setType(type.clone(shape));
  reader->removeDiscardableAttr(kSecondMomentAttr);
  reader->removeDiscardableAttr(kSampleMeanAttr);
  SmallVector<int32_t> copies = noted(layer, kChannelCopiesAttr);
  llvm::append_range(copies, sources);
  Builder builder(layer.getContext());
  layer->setDiscardableAttr(kChannelCopiesAttr,
                            builder.getDenseI32ArrayAttr(copies));
  if (!exponents.empty())
    layer->setDiscardableAttr(kChannelExponentsAttr,
                              builder.getDenseI32ArrayAttr(exponents));
}
