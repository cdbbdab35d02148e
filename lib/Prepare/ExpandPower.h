//===- ExpandPower.h - powers of constant exponents -------------*- C++ -*-===//
#ifndef QUANTC_LIB_PREPARE_EXPANDPOWER_H
#define QUANTC_LIB_PREPARE_EXPANDPOWER_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::qnet {

/// Spells out `pow` by f32 exponents that are constants, with the least
/// benefit.
void populateExpandPower(RewritePatternSet &patterns);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PREPARE_EXPANDPOWER_H
