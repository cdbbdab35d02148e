//===- Caches.h - what code may expect of a CPU's caches --------*- C++ -*-===//
#ifndef QUANTC_DIALECT_CACHES_H
#define QUANTC_DIALECT_CACHES_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::qnet {

/// What holds a program's weights (its `memref.global`s) from one block of rows
/// to the next, by their size.
enum class WeightsHome { SecondCache, ThirdCache, Memory };

WeightsHome homeOfWeights(ModuleOp module);

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_CACHES_H
