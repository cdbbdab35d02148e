//===- ImportText.cpp - Text on its way between ops -----------------------===//
//
// Ops that move strings move the numbers that stand for them; a label that is
// looked up in a list of strings is its index.
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;
using llvm::StringRef;

namespace {
std::vector<std::string> wordsOf(ArrayRef<StringRef> views) {
  std::vector<std::string> words;
  for (StringRef view : views)
    words.push_back(view.str());
  return words;
}

/// Ops whose result holds all elements of the operand, in their order.
bool keepsElements(StringRef op) {
  return llvm::is_contained(
      ArrayRef<StringRef>(
          {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast"}),
      op);
}

bool takesElements(StringRef op) {
  return op == "Gather" || op == "ArrayFeatureExtractor";
}

/// strings[index]: the index itself.
LogicalResult importLookupOfText(NodeImporter &n,
                                 const std::vector<StringRef> &strings) {
  ArrayRef<int64_t> dims = n.binding(0).constant->dims;
  Value indices = n.castTo(n.operand(1), n.builder.getI64Type());
  if (!indices)
    return failure();
  if (dims.empty() || dims.back() != int64_t(strings.size()))
    return n.error("looks text up in a table of several rows, which is not "
                   "supported; export the model with one list of labels");
  if (n.node.opType == "ArrayFeatureExtractor") {
    bool isDynamic = llvm::any_of(n.shapeOf(indices), ShapedType::isDynamic);
    int64_t count = isDynamic ? ShapedType::kDynamic
                              : ShapedType::getNumElements(n.shapeOf(indices));
    indices = n.reshape(indices, {1, count});
  } else if (dims.size() != 1) {
    return n.error("looks text up in a table of " + Twine(dims.size()) +
                   " dimensions; export the model with one list of labels");
  }
  return n.result(0, TextValue{indices, wordsOf(strings), {}});
}

/// The columns that the result has of those of the operands.
FailureOr<std::vector<TextColumn *>> columnsAfter(NodeImporter &n) {
  std::vector<TextColumn *> columns = n.text(0)->columns;
  int64_t rank = n.rankOf(n.text(0)->codes);
  StringRef op = n.node.opType;
  if (op == "Concat") {
    FailureOr<int64_t> axis = n.axis(n.intAttribute("axis", 0), rank);
    if (failed(axis))
      return failure();
    if (*axis != 1)
      return n.error("joins text along another axis than its columns");
    for (size_t i = 1; i < n.node.inputs.size(); ++i)
      llvm::append_range(columns, n.text(i)->columns);
    return columns;
  }
  if (!takesElements(op))
    return columns;
  FailureOr<SmallVector<int64_t>> indices = n.integers(1, "its indices");
  FailureOr<int64_t> axis =
      n.axis(op == "Gather" ? n.intAttribute("axis", 0) : rank - 1, rank);
  if (failed(indices) || failed(axis))
    return failure();
  if (*axis != 1)
    return n.error("takes text along another axis than its columns");
  std::vector<TextColumn *> taken;
  auto count = static_cast<int64_t>(columns.size());
  for (int64_t index : *indices) {
    if (index < -count || index >= count)
      return n.error("takes column " + Twine(index) + " of " + Twine(count));
    taken.push_back(columns[index < 0 ? index + count : index]);
  }
  return taken;
}

/// Runs the op's own handler on the codes.
LogicalResult moveCodes(NodeImporter &n, const OpRow &row) {
  TextValue moved = *n.text(0);
  if (moved.isInput()) {
    FailureOr<std::vector<TextColumn *>> columns = columnsAfter(n);
    if (failed(columns))
      return failure();
    moved.columns = std::move(*columns);
  } else if (n.node.opType == "Concat" || takesElements(n.node.opType)) {
    return n.error("takes labels that are text apart, which is not supported; "
                   "export the model with the label as it is");
  }
  n.movesText = true;
  if (failed(row.handler(n)))
    return failure();
  Binding &result = n.outputBinding(0);
  moved.codes = result.text ? result.text->codes : result.value;
  ArrayRef<int64_t> shape = n.shapeOf(moved.codes);
  auto count = static_cast<int64_t>(moved.columns.size());
  if (count > 1 && (shape.empty() || shape.back() != count))
    return n.error("reshapes text so that its columns mix; export the model "
                   "with one input for each column");
  return n.result(0, std::move(moved));
}
} // namespace

std::optional<LogicalResult>
mlir::qnet::onnx::importMoveOfText(NodeImporter &n, const OpRow &row) {
  StringRef op = n.node.opType;
  if (const std::vector<StringRef> *strings = n.constantText(0);
      strings && takesElements(op))
    return importLookupOfText(n, *strings);
  if (!n.text(0))
    return std::nullopt;
  if (op == "Cast") {
    if (DataType(n.intAttribute("to", 0)) != DataType::String)
      return n.error("makes numbers of text, which is not supported; export "
                     "the model with integer labels");
    return n.alias(0, 0);
  }
  const bool moves =
      keepsElements(op) || takesElements(op) ||
      (op == "Concat" && llvm::all_of(llvm::seq(n.node.inputs.size()),
                                      [&](size_t i) { return n.text(i); }));
  if (!moves)
    return std::nullopt;
  return moveCodes(n, row);
}

LogicalResult mlir::qnet::onnx::labelResult(NodeImporter &n, Value classIndex,
                                            int64_t count) {
  ArrayRef<StringRef> names = n.stringsAttribute("classlabels_strings");
  SmallVector<int64_t> numbers =
      n.intsAttribute("classlabels_ints").value_or(SmallVector<int64_t>());
  auto labels =
      static_cast<int64_t>(names.empty() ? numbers.size() : names.size());
  if (labels == 0)
    return n.error("has no labels");
  if (labels != count)
    return n.error("has " + Twine(count) + " scores for " + Twine(labels) +
                   " labels; export the model with a score for each class");
  if (!names.empty())
    return n.result(0, TextValue{classIndex, wordsOf(names), {}});
  Value classes = n.constantValue(DenseElementsAttr::get(
      RankedTensorType::get(count, n.builder.getI64Type()),
      ArrayRef<int64_t>(numbers)));
  return n.result(
      0, n.emit<GatherOp>({classes, classIndex}, n.named("axis", int64_t(0))));
}
