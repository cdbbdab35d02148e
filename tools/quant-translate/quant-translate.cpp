//===- quant-translate.cpp - Formats in and out of MLIR -------------------===//
//
// mlir-translate with `--import-onnx` beside upstream's LLVM IR translations,
// and `--mlir-to-text` / `--mlir-to-bytecode` between MLIR's own two forms.
//
//===----------------------------------------------------------------------===//
#include "MlirForms.h"

#include "quantc/Import/ImportOnnx.h"

#include "mlir/InitAllTranslations.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "llvm/Support/LogicalResult.h"

int main(int argc, char **argv) {
  mlir::registerToLLVMIRTranslation();
  mlir::registerFromLLVMIRTranslation();
  mlir::qnet::registerOnnxTranslation();
  quantc::registerMlirForms();
  return failed(
      mlir::mlirTranslateMain(argc, argv, "quantc's translation driver\n"));
}
