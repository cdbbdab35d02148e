//===- TfliteReader.cpp - A TensorFlow Lite file to OnnxModel -------------===//
//
// flatbuffers' verifier walks the whole file once, after which every table,
// vector and string lies inside of it; what the numbers in them mean is checked
// where they are read (TfliteGraph.cpp).
//
//===----------------------------------------------------------------------===//

#include "quantc/Import/TfliteModel.h"

#include "TfliteGraph.h"

using namespace mlir::qnet::onnx;
using llvm::StringRef;

namespace {
/// The first bytes of a flatbuffer: where its root is, and what it holds.
constexpr size_t kIdentifierAt = 4, kIdentifierBytes = 4;
/// How far flatbuffers' offsets reach.
constexpr size_t kMostBytes = FLATBUFFERS_MAX_BUFFER_SIZE - 1;
/// What flatbuffers' accessors may assume of the file's first byte.
constexpr size_t kAlignment = 16;

llvm::Error unreadable(const llvm::Twine &reason) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), reason);
}

bool isAligned(StringRef bytes) {
  return reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment == 0;
}
} // namespace

bool mlir::qnet::onnx::isTfliteModel(StringRef content) {
  return content.substr(kIdentifierAt, kIdentifierBytes) ==
         tflite::ModelIdentifier();
}

bool mlir::qnet::onnx::isTfliteFile(StringRef path) {
  auto start = llvm::MemoryBuffer::getFileSlice(
      path, kIdentifierAt + kIdentifierBytes, /*Offset=*/0);
  return start && isTfliteModel((*start)->getBuffer());
}

llvm::Expected<std::unique_ptr<OnnxModel>>
mlir::qnet::onnx::readTfliteModel(std::unique_ptr<llvm::MemoryBuffer> buffer) {
  if (buffer->getBufferSize() > kMostBytes)
    return unreadable("the TensorFlow Lite file is larger than 2 GiB, the most "
                      "that is read; convert the model with smaller weights");
  if (!isAligned(buffer->getBuffer()))
    buffer = llvm::MemoryBuffer::getMemBufferCopy(buffer->getBuffer());
  StringRef bytes = buffer->getBuffer();
  flatbuffers::Verifier verifier(
      reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  if (!tflite::VerifyModelBuffer(verifier))
    return unreadable("not a readable TensorFlow Lite file; it is cut short or "
                      "damaged, convert the model again");
  const tflite::Model &file = *tflite::GetModel(bytes.data());
  constexpr uint32_t schema = 3;
  if (file.version() != schema)
    return unreadable("version " + llvm::Twine(file.version()) +
                      " of the TensorFlow Lite schema is not known (quantc "
                      "reads 3); convert the model again");
  auto model = std::make_unique<OnnxModel>();
  constexpr int64_t irVersion = 10, opset = 21;
  model->irVersion = irVersion;
  model->opsets[""] = opset;
  model->producer = "TensorFlow Lite";
  model->files.push_back(std::move(buffer));
  if (llvm::Error error = TfliteGraph(file, bytes, *model).run())
    return std::move(error);
  return std::move(model);
}
