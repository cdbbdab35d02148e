//===- TfliteModel.h - TensorFlow Lite's model files ------------*- C++ -*-===//
#ifndef QUANTC_IMPORT_TFLITEMODEL_H
#define QUANTC_IMPORT_TFLITEMODEL_H

#include "quantc/Import/OnnxModel.h"

namespace mlir::qnet::onnx {

/// Whether a file has the identifier of a TensorFlow Lite file ("TFL3").
bool isTfliteModel(llvm::StringRef content);
/// The same of the file at `path`; false where it cannot be read.
bool isTfliteFile(llvm::StringRef path);

/// Reads and checks a TensorFlow Lite file as nodes of ONNX. Every tensor keeps
/// the shape that the file gives it, a batch of one in most files. A quantized
/// tensor of 8 bits becomes a pair of QuantizeLinear and DequantizeLinear
/// behind the float op that makes it, a quantized constant a DequantizeLinear;
/// the graph's inputs and outputs are real numbers. The names are not checked
/// (readOnnxModel does that with those of every file).
llvm::Expected<std::unique_ptr<OnnxModel>>
readTfliteModel(std::unique_ptr<llvm::MemoryBuffer> buffer);

} // namespace mlir::qnet::onnx

#endif // QUANTC_IMPORT_TFLITEMODEL_H
