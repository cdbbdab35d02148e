//===- Passes.h - the passes of Prepare -------------------------*- C++ -*-===//
#ifndef QUANTC_PREPARE_PASSES_H
#define QUANTC_PREPARE_PASSES_H

#include "mlir/Pass/Pass.h"
#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

#define GEN_PASS_DECL
#include "quantc/Prepare/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "quantc/Prepare/Passes.h.inc"

} // namespace mlir::qnet

#endif // QUANTC_PREPARE_PASSES_H
