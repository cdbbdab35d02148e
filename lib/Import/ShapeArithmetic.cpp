//===- ShapeArithmetic.cpp - Integers known when importing ----------------===//

#include "ShapeArithmetic.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>
#include <limits>

using namespace mlir;
using namespace mlir::qnet::onnx;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

namespace {
constexpr int64_t kBatch = ShapedType::kDynamic;

using Inputs = ArrayRef<const ShapeValue *>;

int64_t attributeOr(const OnnxNode &node, StringRef name, int64_t otherwise) {
  const OnnxAttribute *attribute = node.attribute(name);
  return attribute && attribute->kind == AttributeKind::Int ? attribute->i
                                                            : otherwise;
}

/// A value with the elements in order under other dimensions.
std::optional<ShapeValue> withDims(const ShapeValue &value,
                                   ArrayRef<int64_t> dims) {
  std::optional<int64_t> count = elementCount(dims);
  if (!count || *count != int64_t(value.elements.size()))
    return std::nullopt;
  ShapeValue result = value;
  result.dims.assign(dims.begin(), dims.end());
  return result;
}

/// Where an axis list is: an attribute before opset 13, an input from there on.
std::optional<SmallVector<int64_t>> axesOf(const OnnxNode &node, Inputs in) {
  if (in.size() > 1 && in[1]->isKnown())
    return llvm::to_vector_of<int64_t>(in[1]->elements);
  const OnnxAttribute *attribute = node.attribute("axes");
  if (in.size() > 1 || !attribute || attribute->kind != AttributeKind::Ints)
    return std::nullopt;
  return llvm::to_vector_of<int64_t>(attribute->ints);
}

std::optional<ShapeValue> evaluateCast(const OnnxNode &node, Inputs in) {
  ShapeValue result = *in[0];
  result.type = DataType(attributeOr(node, "to", 0));
  auto range = integerRange(result.type);
  if (!range)
    return std::nullopt;
  for (int64_t &element : result.elements) {
    if (element == kBatch) {
      if (result.type != DataType::Int64 && result.type != DataType::Int32)
        return std::nullopt;
      continue;
    }
    if (result.type == DataType::Bool)
      element = element != 0;
    if (element < range->first || element > range->second)
      return std::nullopt;
  }
  return result;
}

/// The batch survives only where the other operand is neutral.
std::optional<int64_t> arithmetic(StringRef op, int64_t a, int64_t b) {
  bool symbolic = a == kBatch || b == kBatch;
  int64_t result;
  if (op == "Add") {
    if (symbolic && (a == 0 || b == 0))
      return kBatch;
    if (symbolic || llvm::AddOverflow(a, b, result))
      return std::nullopt;
    return result;
  }
  if (op == "Sub") {
    if (a == kBatch && b == 0)
      return kBatch;
    if (symbolic || llvm::SubOverflow(a, b, result))
      return std::nullopt;
    return result;
  }
  if (op == "Mul") {
    if (symbolic && (a == 1 || b == 1))
      return kBatch;
    if (symbolic || llvm::MulOverflow(a, b, result))
      return std::nullopt;
    return result;
  }
  if (op == "Div") {
    if (a == kBatch && b == 1)
      return kBatch;
    if (symbolic || b == 0 || b == -1)
      return std::nullopt;
    return a / b;
  }
  if (op == "Equal") {
    // The batch is a size: never a negative marker, perhaps any other number.
    static_assert(kBatch < 0);
    if (symbolic && (a >= 0 || b >= 0))
      return std::nullopt;
    return a == b;
  }
  if (symbolic)
    return std::nullopt;
  if (op == "Min")
    return std::min(a, b);
  if (op == "Max")
    return std::max(a, b);
  return std::nullopt;
}

/// The common shape when it equals one operand's and each other operand has it
/// too or has a single element; the general broadcast never occurs in shapes.
const ShapeValue *widest(Inputs in) {
  const ShapeValue *wide = in[0];
  for (const ShapeValue *value : in)
    if (value->elements.size() > wide->elements.size() ||
        (value->elements.size() == wide->elements.size() &&
         value->dims.size() > wide->dims.size()))
      wide = value;
  for (const ShapeValue *value : in)
    if (value->dims != wide->dims &&
        (value->elements.size() != 1 || value->dims.size() > wide->dims.size()))
      return nullptr;
  return wide;
}

int64_t elementAt(const ShapeValue &value, size_t index) {
  return value.elements[value.elements.size() == 1 ? 0 : index];
}

std::optional<ShapeValue> evaluateBinary(const OnnxNode &node, Inputs in) {
  const ShapeValue *wide = widest(in);
  if (!wide || in[0]->type != in[1]->type)
    return std::nullopt;
  ShapeValue result = *wide;
  if (node.opType == "Equal")
    result.type = DataType::Bool;
  auto range = integerRange(result.type);
  for (size_t i = 0; i < result.elements.size(); ++i) {
    std::optional<int64_t> value =
        arithmetic(node.opType, elementAt(*in[0], i), elementAt(*in[1], i));
    if (!value)
      return std::nullopt;
    // What would wrap is left to the op itself.
    if (*value != kBatch && (*value < range->first || *value > range->second))
      return std::nullopt;
    result.elements[i] = *value;
  }
  return result;
}

std::optional<ShapeValue> evaluateWhere(const OnnxNode &, Inputs in) {
  const ShapeValue *wide = widest(in);
  if (!wide || in[0]->type != DataType::Bool || in[1]->type != in[2]->type)
    return std::nullopt;
  ShapeValue result = *wide;
  result.type = in[1]->type;
  for (size_t i = 0; i < result.elements.size(); ++i)
    result.elements[i] = elementAt(elementAt(*in[0], i) ? *in[1] : *in[2], i);
  return result;
}

std::optional<ShapeValue> evaluateConcat(const OnnxNode &node, Inputs in) {
  int64_t axis = attributeOr(node, "axis", 1);
  if (axis != 0 && axis != -1)
    return std::nullopt;
  ShapeValue result;
  result.type = in[0]->type;
  for (const ShapeValue *value : in) {
    if (value->dims.size() != 1 || value->type != result.type)
      return std::nullopt;
    result.elements.append(value->elements);
  }
  if (int64_t(result.elements.size()) > kMaxShapeElements)
    return std::nullopt;
  result.dims = {int64_t(result.elements.size())};
  return result;
}

std::optional<ShapeValue> evaluateGather(const OnnxNode &node, Inputs in) {
  int64_t axis = attributeOr(node, "axis", 0);
  int64_t size = in[0]->elements.size();
  if (in[0]->dims.size() != 1 || (axis != 0 && axis != -1))
    return std::nullopt;
  ShapeValue result;
  result.type = in[0]->type;
  result.dims = in[1]->dims;
  for (int64_t index : in[1]->elements) {
    if (index < 0)
      index += size;
    if (index < 0 || index >= size)
      return std::nullopt;
    result.elements.push_back(in[0]->elements[index]);
  }
  return result;
}

std::optional<ShapeValue> evaluateUnsqueeze(const OnnxNode &node, Inputs in) {
  auto axes = axesOf(node, in);
  if (!axes)
    return std::nullopt;
  int64_t rank = in[0]->dims.size() + axes->size();
  SmallVector<int64_t> dims(rank, 0);
  for (int64_t axis : *axes) {
    if (axis < 0)
      axis += rank;
    if (axis < 0 || axis >= rank || dims[axis] == 1)
      return std::nullopt;
    dims[axis] = 1;
  }
  SmallVector<bool> added(llvm::map_range(dims, [](int64_t d) { return d; }));
  size_t next = 0;
  for (int64_t i = 0; i < rank; ++i)
    if (!added[i])
      dims[i] = in[0]->dims[next++];
  return withDims(*in[0], dims);
}

std::optional<ShapeValue> evaluateSqueeze(const OnnxNode &node, Inputs in) {
  auto axes = axesOf(node, in);
  int64_t rank = in[0]->dims.size();
  SmallVector<int64_t> dims;
  for (int64_t i = 0; i < rank; ++i) {
    bool listed = !axes || llvm::is_contained(*axes, i) ||
                  llvm::is_contained(*axes, i - rank);
    if (!listed || in[0]->dims[i] != 1)
      dims.push_back(in[0]->dims[i]);
  }
  return withDims(*in[0], dims);
}

std::optional<ShapeValue> evaluateReshape(const OnnxNode &, Inputs in) {
  SmallVector<int64_t> dims(in[1]->elements.begin(), in[1]->elements.end());
  if (llvm::count(dims, -1) > 1)
    return std::nullopt;
  int64_t known = 1;
  for (int64_t dim : dims) {
    if (dim == 0 || dim < -1 || dim > kMaxShapeElements)
      return std::nullopt;
    if (dim > 0)
      known *= dim;
    if (known > kMaxShapeElements)
      return std::nullopt;
  }
  for (int64_t &dim : dims)
    if (dim == -1)
      dim = int64_t(in[0]->elements.size()) / known;
  return withDims(*in[0], dims);
}

std::optional<ShapeValue> evaluateSlice(const OnnxNode &node, Inputs in) {
  if (in[0]->dims.size() != 1)
    return std::nullopt;
  auto bound = [&](size_t input, StringRef name) -> std::optional<int64_t> {
    if (in.size() > input)
      return in[input]->elements.size() == 1 && in[input]->isKnown()
                 ? std::optional<int64_t>(in[input]->elements[0])
                 : std::nullopt;
    const OnnxAttribute *attribute = node.attribute(name);
    return attribute && attribute->ints.size() == 1
               ? std::optional<int64_t>(attribute->ints[0])
               : std::nullopt;
  };
  auto start = bound(1, "starts"), end = bound(2, "ends");
  int64_t size = in[0]->elements.size();
  if (!start || !end || (in.size() > 4 && bound(4, "") != 1) ||
      (in.size() > 3 && bound(3, "") != 0 && bound(3, "") != -1))
    return std::nullopt;
  auto clampIndex = [&](int64_t index) {
    return std::clamp<int64_t>(index < 0 ? index + size : index, 0, size);
  };
  int64_t from = clampIndex(*start), to = std::max(from, clampIndex(*end));
  ShapeValue result;
  result.type = in[0]->type;
  result.elements.assign(in[0]->elements.begin() + from,
                         in[0]->elements.begin() + to);
  result.dims = {to - from};
  return result;
}

std::optional<ShapeValue> evaluateConstantOfShape(const OnnxNode &node,
                                                  Inputs in) {
  const OnnxAttribute *attribute = node.attribute("value");
  if (!attribute || !attribute->tensor || !in[0]->isKnown())
    return std::nullopt;
  std::optional<ShapeValue> fill = shapeValueOf(*attribute->tensor);
  std::optional<int64_t> count = elementCount(in[0]->elements);
  if (!fill || fill->elements.size() != 1 || !count ||
      *count > kMaxShapeElements)
    return std::nullopt;
  ShapeValue result;
  result.type = fill->type;
  result.dims.assign(in[0]->elements.begin(), in[0]->elements.end());
  result.elements.assign(*count, fill->elements[0]);
  return result;
}

/// How many values some dimensions have.
std::optional<ShapeValue> evaluateReduceProd(const OnnxNode &node, Inputs in) {
  if (in[0]->dims.size() != 1)
    return std::nullopt;
  // No axes mean all, unless they are said to mean none.
  if (in.size() > 1 || node.attribute("axes")) {
    auto axes = axesOf(node, in);
    if (!axes || axes->size() != 1 || ((*axes)[0] != 0 && (*axes)[0] != -1))
      return std::nullopt;
  } else if (attributeOr(node, "noop_with_empty_axes", 0) != 0) {
    return std::nullopt;
  }
  int64_t product = 1;
  for (int64_t element : in[0]->elements) {
    std::optional<int64_t> next = arithmetic("Mul", product, element);
    if (!next)
      return std::nullopt;
    product = *next;
  }
  auto range = integerRange(in[0]->type);
  if (product != kBatch && (product < range->first || product > range->second))
    return std::nullopt;
  ShapeValue result;
  result.type = in[0]->type;
  result.elements = {product};
  if (attributeOr(node, "keepdims", 1) != 0)
    result.dims = {1};
  return result;
}

std::optional<ShapeValue> evaluateIdentity(const OnnxNode &, Inputs in) {
  return *in[0];
}

using Evaluator = std::optional<ShapeValue> (*)(const OnnxNode &, Inputs);
struct EvaluatorRow {
  Evaluator evaluate = nullptr;
  size_t minInputs = 0, maxInputs = 0;
};

EvaluatorRow evaluatorOf(StringRef op) {
  return llvm::StringSwitch<EvaluatorRow>(op)
      .Case("Identity", {evaluateIdentity, 1, 1})
      .Case("Cast", {evaluateCast, 1, 1})
      .Cases({"Add", "Sub", "Mul", "Div", "Equal", "Min", "Max"},
             {evaluateBinary, 2, 2})
      .Case("Where", {evaluateWhere, 3, 3})
      .Case("Concat", {evaluateConcat, 1, SIZE_MAX})
      .Case("Gather", {evaluateGather, 2, 2})
      .Case("Unsqueeze", {evaluateUnsqueeze, 1, 2})
      .Case("Squeeze", {evaluateSqueeze, 1, 2})
      .Case("Reshape", {evaluateReshape, 2, 2})
      .Case("Slice", {evaluateSlice, 1, 5})
      .Case("ConstantOfShape", {evaluateConstantOfShape, 1, 1})
      .Case("ReduceProd", {evaluateReduceProd, 1, 2})
      .Default({});
}
} // namespace

std::optional<std::pair<int64_t, int64_t>>
mlir::qnet::onnx::integerRange(DataType type) {
  switch (type) {
  case DataType::Bool:
    return std::pair<int64_t, int64_t>(0, 1);
  case DataType::Int4:
    return std::pair<int64_t, int64_t>(-8, 7);
  case DataType::UInt4:
    return std::pair<int64_t, int64_t>(0, 15);
  case DataType::Int8:
    return std::pair<int64_t, int64_t>(INT8_MIN, INT8_MAX);
  case DataType::UInt8:
    return std::pair<int64_t, int64_t>(0, UINT8_MAX);
  case DataType::Int16:
    return std::pair<int64_t, int64_t>(INT16_MIN, INT16_MAX);
  case DataType::UInt16:
    return std::pair<int64_t, int64_t>(0, UINT16_MAX);
  case DataType::Int32:
    return std::pair<int64_t, int64_t>(INT32_MIN, INT32_MAX);
  case DataType::UInt32:
    return std::pair<int64_t, int64_t>(0, UINT32_MAX);
  case DataType::Int64:
    // The smallest value stands for the batch.
    return std::pair<int64_t, int64_t>(INT64_MIN + 1, INT64_MAX);
  default:
    return std::nullopt;
  }
}

std::optional<ShapeValue>
mlir::qnet::onnx::shapeValueOf(const OnnxTensor &tensor) {
  auto range = integerRange(tensor.type);
  if (!range || tensor.numElements > kMaxShapeElements)
    return std::nullopt;
  ShapeValue value;
  value.type = tensor.type;
  value.dims.assign(tensor.dims.begin(), tensor.dims.end());
  unsigned width = dataTypeBytes(tensor.type);
  for (int64_t i = 0; i < tensor.numElements; ++i) {
    uint64_t bits = 0;
    std::memcpy(&bits, tensor.bytes.data() + i * width, width);
    int64_t element =
        range->first < 0 ? llvm::SignExtend64(bits, width * 8) : int64_t(bits);
    if (tensor.type == DataType::Bool)
      element = element != 0;
    if (element == kBatch)
      return std::nullopt;
    value.elements.push_back(element);
  }
  return value;
}

std::optional<ShapeValue>
mlir::qnet::onnx::evaluateShapeNode(const OnnxNode &node, Inputs inputs) {
  if (!node.domain.empty() || node.outputs.size() != 1)
    return std::nullopt;
  EvaluatorRow row = evaluatorOf(node.opType);
  if (!row.evaluate || inputs.size() < row.minInputs ||
      inputs.size() > row.maxInputs)
    return std::nullopt;
  std::optional<ShapeValue> value = row.evaluate(node, inputs);
  if (value && value->dims.size() > kMaxRank)
    return std::nullopt;
  return value;
}
