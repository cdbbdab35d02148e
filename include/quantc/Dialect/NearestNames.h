//===- NearestNames.h - what a misspelt name may have meant -----*- C++ -*-===//
#ifndef QUANTC_DIALECT_NEARESTNAMES_H
#define QUANTC_DIALECT_NEARESTNAMES_H

#include "mlir/Support/LLVM.h"

#include <string>

namespace mlir::qnet {

/// "the nearest are 'fc1', 'fc2'", or that there are none.
std::string nearestNames(StringRef name, ArrayRef<std::string> known);

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_NEARESTNAMES_H
