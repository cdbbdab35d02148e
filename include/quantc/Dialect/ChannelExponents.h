//===- ChannelExponents.h - how channels were rescaled ----------*- C++ -*-===//
#ifndef QUANTC_DIALECT_CHANNELEXPONENTS_H
#define QUANTC_DIALECT_CHANNELEXPONENTS_H

#include "llvm/ADT/StringRef.h"

namespace mlir::qnet {

/// A discardable attribute (array of i32) on a dense layer, float or integer,
/// that was equalized: its channel c is 2^-e[c] times what the layer of the
/// source model gives.
inline constexpr llvm::StringLiteral kChannelExponentsAttr =
    "qnet.channel_exponents";

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_CHANNELEXPONENTS_H
