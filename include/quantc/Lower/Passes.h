//===- Passes.h - passes of the Lower room -----------------------*- C++
//-*-===//
#ifndef QUANTC_LOWER_PASSES_H
#define QUANTC_LOWER_PASSES_H

#include "mlir/Pass/Pass.h"
#include <memory>
#include <string>

namespace mlir {
class DialectRegistry;
class ModuleOp;
} // namespace mlir

namespace mlir::qnet {

/// On the module, after assign-workspace: bytes, and rows of a block.
inline constexpr llvm::StringLiteral kWorkspaceAttr = "qnet.workspace";
inline constexpr llvm::StringLiteral kBlockRowsAttr = "qnet.block_rows";
/// The function that form-entry makes of @main.
inline constexpr llvm::StringLiteral kRowsFunction = "rows";

/// How packed_dense bufferizes: in place, into its destination.
void registerBufferizationModels(DialectRegistry &registry);

#define GEN_PASS_DECL
#include "quantc/Lower/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

#endif // QUANTC_LOWER_PASSES_H
