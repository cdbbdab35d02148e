//===- TextValue.h - Tensors of strings as numbers --------------*- C++ -*-===//
//
// A compiled program has no text. A label that is text is the number of its
// class, and a categorical column that comes in as text is the number of its
// category; the words go beside the program (qnet.classes, qnet.categories).
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_TEXTVALUE_H
#define QUANTC_LIB_IMPORT_TEXTVALUE_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/StringMap.h"
#include <string>
#include <vector>

namespace mlir::qnet::onnx {

/// The categories of one column of a graph input, in the order in which the
/// model's ops name them.
class TextColumn {
public:
  /// The number of a category, a new one where it was not named before.
  int64_t codeOf(llvm::StringRef category) {
    auto [found, isNew] = codes.try_emplace(category, categories.size());
    if (isNew)
      categories.push_back(category.str());
    return found->second;
  }
  const std::vector<std::string> &all() const { return categories; }

private:
  std::vector<std::string> categories;
  llvm::StringMap<int64_t> codes;
};

/// What a tensor of strings is in the program. Of what the network computes,
/// `codes` (i64) are indices into `words`. Of a graph input they are f32, in
/// the last dimension one for each of `columns`; a number that is no category's
/// (NaN too) is an unknown category.
struct TextValue {
  Value codes;
  std::vector<std::string> words;
  std::vector<TextColumn *> columns;

  bool isInput() const { return !columns.empty(); }
};

} // namespace mlir::qnet::onnx

#endif // QUANTC_LIB_IMPORT_TEXTVALUE_H
