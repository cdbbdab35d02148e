//===- quant-reduce.cpp - Smaller MLIR that still fails -------------------===//
//
// Upstream's test case reducer with quantc's dialect and passes.
//
//===----------------------------------------------------------------------===//
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::registerAllPasses();
  mlir::qnet::registerAllPasses();
  mlir::qnet::registerAllPipelines();
  mlir::MLIRContext context(registry);
  return failed(mlir::mlirReduceMain(argc, argv, context));
}
