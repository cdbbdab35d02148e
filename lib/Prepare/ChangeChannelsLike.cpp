//===- ChangeChannelsLike.cpp - a network's channels as a program's -------===//
#include "quantc/Prepare/Equalize.h"

#include "ChannelCopies.h"
#include "ChannelScaling.h"
#include "quantc/Dialect/ChannelExponents.h"
#include "quantc/Reference/Compare.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::qnet;

/// What decompose-for-integers adds to the name of a layer without its
/// function.
static constexpr llvm::StringLiteral kPreactivation = "/pre-activation";

/// The attribute of each layer of the program that has it, by the layer's name.
static llvm::StringMap<DenseI32ArrayAttr> notesOf(func::FuncOp program,
                                                  StringRef attribute) {
  llvm::StringMap<DenseI32ArrayAttr> notes;
  program.walk([&](Operation *op) {
    if (auto own = op->getAttrOfType<DenseI32ArrayAttr>(attribute)) {
      StringRef name = nameOf(op->getLoc());
      name.consume_back(kPreactivation);
      notes[name] = own;
    }
  });
  return notes;
}

void qnet::changeChannelsLike(func::FuncOp network, func::FuncOp program) {
  // Gathered first: changed layers get constants before them.
  SmallVector<DenseOp> layers;
  network.walk([&](DenseOp layer) { layers.push_back(layer); });
  const auto copies = notesOf(program, kChannelCopiesAttr);
  for (DenseOp layer : layers) {
    auto own = copies.find(nameOf(layer.getLoc()));
    DenseOp reader = onlyReader(layer);
    if (own != copies.end() && reader)
      copyChannels(layer, reader, own->second.asArrayRef());
  }
  const auto exponents = notesOf(program, kChannelExponentsAttr);
  llvm::DenseSet<Operation *> done;
  for (DenseOp layer : layers) {
    auto own = exponents.find(nameOf(layer.getLoc()));
    std::string why;
    if (own == exponents.end() || done.contains(layer))
      continue;
    FailureOr<ChannelScaling> scaling = ChannelScaling::around(layer, why);
    if (failed(scaling) || scaling->channels() != own->second.size())
      continue;
    for (const ChannelGroup::Place<DenseOp> &maker : scaling->members().makers)
      done.insert(maker.at);
    scaling->apply(own->second);
  }
}
