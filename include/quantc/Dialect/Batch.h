//===- Batch.h - What the batch dimension of a graph is --------*- C++ -*-===//
#ifndef QUANTC_DIALECT_BATCH_H
#define QUANTC_DIALECT_BATCH_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

/// The first reshape that makes rows of parts of rows, or of several; null
/// where every dynamic size is the batch itself.
ReshapeOp firstRegrouping(func::FuncOp function);

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_BATCH_H
