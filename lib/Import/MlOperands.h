//===- MlOperands.h - what the ops of ONNX-ML read --------------*- C++ -*-===//
#ifndef QUANTC_LIB_IMPORT_MLOPERANDS_H
#define QUANTC_LIB_IMPORT_MLOPERANDS_H

#include "NodeImporter.h"

namespace mlir::qnet::onnx {

/// The input as f32, [rows, features]; a vector is one row of features. Null
/// (reported) where it is neither, or its number of features is not known.
Value featuresOf(NodeImporter &n, size_t input);

/// Finite f32 numbers as a constant of that shape; null (reported) otherwise.
Value constantOf(NodeImporter &n, ArrayRef<float> values,
                 ArrayRef<int64_t> shape, llvm::StringRef attribute);

} // namespace mlir::qnet::onnx

#endif // QUANTC_LIB_IMPORT_MLOPERANDS_H
