//===- quant-opt.cpp - Run passes on MLIR ---------------------------------===//
//
// mlir-opt with quantc's dialect, passes and named pipelines beside upstream's.
//
//===----------------------------------------------------------------------===//
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::registerAllPasses();
  mlir::qnet::registerAllPasses();
  mlir::qnet::registerAllPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "quantc's optimizer driver\n", registry));
}
