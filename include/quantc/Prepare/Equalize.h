//===- Equalize.h - hidden channels of another scale or number --*- C++ -*-===//
#ifndef QUANTC_PREPARE_EQUALIZE_H
#define QUANTC_PREPARE_EQUALIZE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::qnet {

/// Splits and rescales the hidden channels of `network`, prepared and in float,
/// as those of `program`, which was made from it, have been
/// (kChannelCopiesAttr, kChannelExponentsAttr). Values of one name in both then
/// stand for the same numbers; the results keep their bits where no channel was
/// split. Layers that have another number of channels stay.
void changeChannelsLike(func::FuncOp network, func::FuncOp program);

} // namespace mlir::qnet

#endif // QUANTC_PREPARE_EQUALIZE_H
