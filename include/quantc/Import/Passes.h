//===- Passes.h - the passes of Import ---------------------------*- C++
//-*-===//
#ifndef QUANTC_IMPORT_PASSES_H
#define QUANTC_IMPORT_PASSES_H

#include "mlir/Pass/Pass.h"
#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

#define GEN_PASS_DECL
#include "quantc/Import/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "quantc/Import/Passes.h.inc"

} // namespace mlir::qnet

#endif // QUANTC_IMPORT_PASSES_H
