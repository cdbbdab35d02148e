//===- LibsvmModel.h - libsvm's model files ---------------------*- C++ -*-===//
#ifndef QUANTC_IMPORT_LIBSVMMODEL_H
#define QUANTC_IMPORT_LIBSVMMODEL_H

#include "quantc/Import/OnnxModel.h"

namespace mlir::qnet::onnx {

/// Whether a file begins as svm-train writes it: with its "svm_type".
bool isLibsvmModel(llvm::StringRef content);

/// Reads the text that svm-train writes (libsvm 3, svm_save_model) as a model
/// of one SVMClassifier or SVMRegressor. The input "x" has as many features as
/// the highest index of a support vector, whose indices count from 1.
llvm::Expected<std::unique_ptr<OnnxModel>>
readLibsvmModel(std::unique_ptr<llvm::MemoryBuffer> buffer);

} // namespace mlir::qnet::onnx

#endif // QUANTC_IMPORT_LIBSVMMODEL_H
