//===- OnnxParts.h - The pieces readOnnxModel is made of --------*- C++ -*-===//

#ifndef QUANTC_LIB_IMPORT_ONNXPARTS_H
#define QUANTC_LIB_IMPORT_ONNXPARTS_H

#include "quantc/Import/OnnxModel.h"
#include <protozero/pbf_reader.hpp>

namespace mlir::qnet::onnx {

/// What is wrong with a file, thrown while protozero (which throws too) walks
/// it and turned into an llvm::Error by readOnnxModel. Never leaves the reader.
struct MalformedModel {
  std::string message;
};

/// The external data files of one model, each mapped once.
class ExternalData {
public:
  /// `folder` must hold every file, links followed; files go to `files`.
  ExternalData(llvm::StringRef folder,
               std::vector<std::unique_ptr<llvm::MemoryBuffer>> &files)
      : folder(folder.str()), files(files) {}

  /// The file at `location`, relative to the folder. `tensor` is for messages.
  llvm::StringRef get(llvm::StringRef location, const std::string &tensor);

private:
  std::string folder;
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> &files;
  llvm::StringMap<llvm::StringRef> mapped;
};

/// Reads one TensorProto. `what` names it in messages when it has no name.
OnnxTensor readTensor(protozero::pbf_reader message, ExternalData &external,
                      const std::string &what);

/// Checks that every name is defined once and before use; sorts the nodes when
/// they are not in order. Throws MalformedModel.
void checkAndSortGraph(OnnxGraph &graph);

} // namespace mlir::qnet::onnx

#endif // QUANTC_LIB_IMPORT_ONNXPARTS_H
