//===- ImportOnnx.h - ONNX to qnet -------------------------------*- C++
//-*-===//

#ifndef QUANTC_IMPORT_IMPORTONNX_H
#define QUANTC_IMPORT_IMPORTONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>

namespace mlir::qnet {

/// The opsets of the default domain that the importer knows. Ops whose meaning
/// changed before the oldest one that it reads say so by name.
inline constexpr int64_t kOldestOpset = 1;
inline constexpr int64_t kNewestOpset = 24;

struct ImportOptions {
  /// Name of the function that holds the graph.
  llvm::StringRef functionName = "main";
};

/// Reads an ONNX file (or one of TensorFlow Lite or libsvm) into `func.func
/// @main` of float qnet ops. Arguments and results carry the tensors' names as
/// `qnet.name`; every op's location is a NameLoc of its node. Null after
/// exactly one error diagnostic.
OwningOpRef<ModuleOp> importOnnx(llvm::StringRef path, MLIRContext &context,
                                 const ImportOptions &options = {});

/// The same from memory. `path` is for messages; external data is looked for
/// beside it, and refused when it is empty.
OwningOpRef<ModuleOp> importOnnx(std::unique_ptr<llvm::MemoryBuffer> buffer,
                                 llvm::StringRef path, MLIRContext &context,
                                 const ImportOptions &options = {});

/// Registers `--import-onnx` with quant-translate.
void registerOnnxTranslation();

} // namespace mlir::qnet

#endif // QUANTC_IMPORT_IMPORTONNX_H
