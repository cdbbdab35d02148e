//===- ChannelExponents.h - how channels were changed -----------*- C++ -*-===//
#ifndef QUANTC_DIALECT_CHANNELEXPONENTS_H
#define QUANTC_DIALECT_CHANNELEXPONENTS_H

#include "llvm/ADT/StringRef.h"

namespace mlir::qnet {

/// A discardable attribute (array of i32) on a dense layer, float or integer,
/// that was equalized: its channel c is 2^-e[c] times what the layer of the
/// source model gives.
inline constexpr llvm::StringLiteral kChannelExponentsAttr =
    "qnet.channel_exponents";

/// A discardable attribute (array of i32) on a dense layer, float or integer,
/// whose channels were split: the channel that each of the last ones is a copy
/// of, one after the other. Readers have half the weight for both.
inline constexpr llvm::StringLiteral kChannelCopiesAttr = "qnet.channel_copies";

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_CHANNELEXPONENTS_H
