//===- Equalize.h - hidden channels of another scale ------------*- C++ -*-===//
#ifndef QUANTC_PREPARE_EQUALIZE_H
#define QUANTC_PREPARE_EQUALIZE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::qnet {

/// Rescales the hidden channels of `network`, prepared and in float, as those
/// of `program`, which was made from it, have been (kChannelExponentsAttr).
/// Values of one name in both then stand for the same numbers; the results keep
/// their bits. Layers that have another number of channels stay.
void scaleChannelsLike(func::FuncOp network, func::FuncOp program);

} // namespace mlir::qnet

#endif // QUANTC_PREPARE_EQUALIZE_H
