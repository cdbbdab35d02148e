//===- Passes.h - passes of the Kernels room ---------------------*- C++
//-*-===//
#ifndef QUANTC_KERNELS_PASSES_H
#define QUANTC_KERNELS_PASSES_H

#include "mlir/Pass/Pass.h"
#include <memory>
#include <string>

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace mlir::qnet {
#define GEN_PASS_DECL
#include "quantc/Kernels/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "quantc/Kernels/Passes.h.inc"
} // namespace mlir::qnet

#endif // QUANTC_KERNELS_PASSES_H
