//===- MlirForms.cpp - MLIR's text and bytecode, both ways ----------------===//
#include "MlirForms.h"

#include "quantc/Pipeline/Pipeline.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

/// What bytecode asks of its buffer, so that large constants are used in place.
static constexpr size_t kBytecodeAlignment = 64;

/// The input as a module, whichever form it has.
static OwningOpRef<ModuleOp> parse(const llvm::SourceMgr &sources,
                                   MLIRContext *context) {
  DialectRegistry registry;
  qnet::registerAllDialects(registry);
  context->appendDialectRegistry(registry);
  const llvm::MemoryBuffer *input =
      sources.getMemoryBuffer(sources.getMainFileID());
  auto aligned = llvm::WritableMemoryBuffer::getNewUninitMemBuffer(
      input->getBufferSize(), input->getBufferIdentifier(),
      llvm::Align(kBytecodeAlignment));
  llvm::copy(input->getBuffer(), aligned->getBufferStart());
  auto copy = std::make_shared<llvm::SourceMgr>();
  copy->AddNewSourceBuffer(std::move(aligned), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(copy, context);
}

void quantc::registerMlirForms() {
  static TranslateRegistration toText(
      "mlir-to-text", "MLIR (text or bytecode) to text",
      [](const std::shared_ptr<llvm::SourceMgr> &sources,
         llvm::raw_ostream &output, MLIRContext *context) {
        OwningOpRef<ModuleOp> module = parse(*sources, context);
        if (!module)
          return failure();
        module->print(output, OpPrintingFlags().enableDebugInfo());
        return success();
      });
  static TranslateRegistration toBytecode(
      "mlir-to-bytecode", "MLIR (text or bytecode) to bytecode",
      [](const std::shared_ptr<llvm::SourceMgr> &sources,
         llvm::raw_ostream &output, MLIRContext *context) -> LogicalResult {
        OwningOpRef<ModuleOp> module = parse(*sources, context);
        if (!module)
          return failure();
        return writeBytecodeToFile(*module, output);
      });
}
