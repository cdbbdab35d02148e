//===- quant-opt.cpp - Run passes on MLIR ---------------------------------===//
//
// mlir-opt with quantc's dialect, passes and named pipelines beside upstream's.
//
//===----------------------------------------------------------------------===//
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

/// What the sections of bytecode need: weights lie in them as they are read.
static const llvm::Align bytecodeAlignment(64);

/// Upstream's driver reads a file to wherever there is room, which fails for
/// bytecode with aligned sections. Nothing where the input is no bytecode.
static std::optional<LogicalResult> runOnBytecode(llvm::StringRef input,
                                                  llvm::StringRef output,
                                                  DialectRegistry &registry) {
  if (input == "-")
    return std::nullopt;
  auto buffer = openInputFile(input, bytecodeAlignment);
  if (!buffer || !isBytecode(*buffer))
    return std::nullopt;
  std::string error;
  auto file = openOutputFile(output, &error);
  if (!file) {
    llvm::errs() << error << "\n";
    return failure();
  }
  LogicalResult result = MlirOptMain(file->os(), std::move(buffer), registry,
                                     MlirOptMainConfig::createFromCLOptions());
  if (succeeded(result))
    file->keep();
  return result;
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  qnet::registerAllDialects(registry);
  registerAllPasses();
  qnet::registerAllPasses();
  qnet::registerAllPipelines();
  auto [input, output] = registerAndParseCLIOptions(
      argc, argv, "quantc's optimizer driver\n", registry);
  if (auto result = runOnBytecode(input, output, registry))
    return asMainReturnCode(*result);
  return asMainReturnCode(MlirOptMain(argc, argv, input, output, registry));
}
