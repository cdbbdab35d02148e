//===- quant-lsp-server.cpp - qnet in an editor ---------------------------===//
//
// Upstream's language server for MLIR files, with quantc's dialect: hover,
// definitions, diagnostics of the verifiers.
//
//===----------------------------------------------------------------------===//
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/Support/LogicalResult.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
