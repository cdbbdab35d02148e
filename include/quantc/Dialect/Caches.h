//===- Caches.h - what code may expect of a CPU's caches ---------*- C++
//-*-===//
#ifndef QUANTC_DIALECT_CACHES_H
#define QUANTC_DIALECT_CACHES_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::qnet {

/// Whether a program's weights (its `memref.global`s) leave the second cache
/// between two blocks of rows, so that each block fetches them from the third
/// or from memory.
bool weightsLeaveCache(ModuleOp module);

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_CACHES_H
