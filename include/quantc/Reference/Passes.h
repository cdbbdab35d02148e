//===- Passes.h - Passes of the Reference room ------------------*- C++ -*-===//
#ifndef QUANTC_REFERENCE_PASSES_H
#define QUANTC_REFERENCE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::qnet {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "quantc/Reference/Passes.h.inc"

} // namespace mlir::qnet

#endif // QUANTC_REFERENCE_PASSES_H
