//===- quant-translate.cpp - Formats in and out of MLIR -------------------===//
//
// mlir-translate with `--import-onnx` beside upstream's LLVM IR translations,
// and `--mlir-to-text` / `--mlir-to-bytecode` between MLIR's own two forms.
//
//===----------------------------------------------------------------------===//
#include "quantc/Import/ImportOnnx.h"
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/Operation.h"
#include "mlir/InitAllTranslations.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"

static void registerMlirForms() {
  static mlir::TranslateFromMLIRRegistration toText(
      "mlir-to-text", "MLIR (text or bytecode) to text",
      [](mlir::Operation *op, llvm::raw_ostream &os) {
        op->print(os, mlir::OpPrintingFlags().enableDebugInfo());
        os << "\n";
        return mlir::success();
      },
      mlir::qnet::registerAllDialects);
  static mlir::TranslateFromMLIRRegistration toBytecode(
      "mlir-to-bytecode", "MLIR (text or bytecode) to bytecode",
      [](mlir::Operation *op, llvm::raw_ostream &os) {
        return mlir::writeBytecodeToFile(op, os);
      },
      mlir::qnet::registerAllDialects);
}

int main(int argc, char **argv) {
  mlir::registerToLLVMIRTranslation();
  mlir::registerFromLLVMIRTranslation();
  mlir::qnet::registerOnnxTranslation();
  registerMlirForms();
  return failed(mlir::mlirTranslateMain(argc, argv,
                                        "quantc's translation driver\n"));
}
