//===- Passes.h - the passes of Optimize -------------------------*- C++
//-*-===//
#ifndef QUANTC_OPTIMIZE_PASSES_H
#define QUANTC_OPTIMIZE_PASSES_H

#include "mlir/Pass/Pass.h"
#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

#define GEN_PASS_DECL
#include "quantc/Optimize/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "quantc/Optimize/Passes.h.inc"

} // namespace mlir::qnet

#endif // QUANTC_OPTIMIZE_PASSES_H
