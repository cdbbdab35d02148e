//===- ChannelCopies.h - channels that are made twice -----------*- C++ -*-===//
#ifndef QUANTC_LIB_PREPARE_CHANNELCOPIES_H
#define QUANTC_LIB_PREPARE_CHANNELCOPIES_H

#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

/// The dense layer that reads the layer's result, where nothing else does; else
/// null.
DenseOp onlyReader(DenseOp layer);

/// Appends a copy of each of `sources`, one after the other (so a copy may be
/// copied), to the channels of `layer`; `reader`, its only one, reads both by
/// half the weight. The layer notes it (kChannelCopiesAttr). What was measured
/// of the reader's input is dropped. Nothing changes where a layer has no
/// constants, or a source is no channel.
void copyChannels(DenseOp layer, DenseOp reader, ArrayRef<int32_t> sources);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PREPARE_CHANNELCOPIES_H
