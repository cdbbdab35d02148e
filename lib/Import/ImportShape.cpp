//===- ImportShape.cpp - Constants, shapes, reshaping ---------------------===//

#include "NodeImporter.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {
constexpr int64_t kDynamic = ShapedType::kDynamic;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value floatConstant(NodeImporter &n, ArrayRef<float> values, bool scalar) {
  SmallVector<int64_t> shape;
  if (!scalar)
    shape.push_back(values.size());
  return n.constantValue(DenseElementsAttr::get(
      RankedTensorType::get(shape, n.builder.getF32Type()), values));
}

Value integerConstant(NodeImporter &n, ArrayRef<int64_t> values, bool scalar) {
  SmallVector<int64_t> shape;
  if (!scalar)
    shape.push_back(values.size());
  return n.constantValue(DenseElementsAttr::get(
      RankedTensorType::get(shape, n.builder.getI64Type()), values));
}

LogicalResult importConstant(NodeImporter &n) {
  if (n.node.attributes.size() != 1)
    return n.error("must have exactly one value, but has " +
                   Twine(n.node.attributes.size()));
  const OnnxAttribute &value = n.node.attributes.front();
  switch (value.kind) {
  case AttributeKind::Tensor: {
    Binding binding;
    binding.constant = value.tensor.get();
    return n.result(0, std::move(binding));
  }
  case AttributeKind::Float:
    return n.result(0, floatConstant(n, value.f, /*scalar=*/true));
  case AttributeKind::Floats:
    return n.result(0, floatConstant(n, value.floats, /*scalar=*/false));
  case AttributeKind::Int:
    return n.result(0, integerConstant(n, value.i, /*scalar=*/true));
  default:
    return n.result(0, integerConstant(n, value.ints, /*scalar=*/false));
  }
}

/// `one`, of one row, repeated for each row of the batch where `shape` begins
/// with it. The rows are those of a graph input.
Value onBatch(NodeImporter &n, Value one, ArrayRef<int64_t> shape) {
  if (!llvm::is_contained(shape, kDynamic))
    return one;
  Value input;
  for (Value argument : n.builder.getBlock()->getArguments())
    if (n.rankOf(argument) > 0 && ShapedType::isDynamic(n.shapeOf(argument)[0]))
      input = argument;
  if (!input || llvm::is_contained(shape.drop_front(), kDynamic)) {
    (void)n.error("its shape depends on the size of the batch, which is not "
                  "known when compiling");
    return {};
  }
  SmallVector<int64_t> starts(n.rankOf(input), 0), sizes(starts.size(), 1),
      steps(starts.size(), 1), column(shape.size(), 1);
  sizes[0] = -1;
  column[0] = kDynamic;
  Value first = n.emit<SliceOp>(input, {n.named("starts", starts),
                                        n.named("sizes", sizes),
                                        n.named("steps", steps)});
  Value rows = n.castTo(n.reshape(first, column), n.builder.getI1Type());
  return n.emit<WhereOp>({rows, one, one});
}

LogicalResult importConstantOfShape(NodeImporter &n) {
  FailureOr<SmallVector<int64_t>> shape = n.integers(0, "the shape");
  if (failed(shape))
    return failure();
  SmallVector<int64_t> known(*shape);
  llvm::replace(known, kDynamic, int64_t(1));
  if (!elementCount(known) || shape->size() > kMaxRank)
    return n.error("its shape is impossible: sizes must not be negative and "
                   "their product at most 2^31 - 1");
  const OnnxAttribute *value = n.node.attribute("value");
  if (!value)
    return n.result(
        0, onBatch(n, n.splat(0.0, n.builder.getF32Type(), known), *shape));
  const OnnxTensor &tensor = *value->tensor;
  Type element = n.elementType(tensor.type);
  if (!element)
    return failure();
  if (tensor.numElements != 1)
    return n.error("attribute 'value' must have one element, not " +
                   Twine(tensor.numElements));
  OnnxTensor scalar = tensor;
  scalar.dims.clear();
  Value one = emitConstant(n.builder, scalar, n.node.label(), element);
  auto fill =
      cast<DenseElementsAttr>(one.getDefiningOp<ConstantOp>().getValue());
  return n.result(0, onBatch(n,
                             n.constantValue(fill.resizeSplat(
                                 RankedTensorType::get(known, element))),
                             *shape));
}

//===----------------------------------------------------------------------===//
// What is known about shapes
//===----------------------------------------------------------------------===//

/// The dimensions of the operand, the batch as kDynamic.
FailureOr<SmallVector<int64_t>> dimsOf(NodeImporter &n) {
  // A shape value need not have a qnet value.
  if (n.binding(0).integers)
    return llvm::to_vector_of<int64_t>(n.binding(0).integers->dims);
  Value input = n.operand(0);
  if (!input)
    return failure();
  return SmallVector<int64_t>(n.shapeOf(input));
}

LogicalResult importShape(NodeImporter &n) {
  FailureOr<SmallVector<int64_t>> dims = dimsOf(n);
  if (failed(dims))
    return failure();
  int64_t rank = dims->size();
  auto bound = [&](StringRef name, int64_t otherwise) {
    int64_t value = n.intAttribute(name, otherwise);
    return std::clamp<int64_t>(value < 0 ? value + rank : value, 0, rank);
  };
  int64_t start = bound("start", 0), end = std::max(start, bound("end", rank));
  ShapeValue shape;
  shape.elements.assign(dims->begin() + start, dims->begin() + end);
  shape.dims = {end - start};
  return n.result(0, std::move(shape));
}

LogicalResult importSize(NodeImporter &n) {
  FailureOr<SmallVector<int64_t>> dims = dimsOf(n);
  if (failed(dims))
    return failure();
  // Only a lone batch can be passed on as it is.
  ShapeValue size;
  SmallVector<int64_t> known(*dims);
  int64_t batches = llvm::count(known, kDynamic);
  llvm::erase(known, kDynamic);
  int64_t product = elementCount(known).value_or(0);
  if (batches > 1 || (batches == 1 && product != 1))
    return n.error("depends on the size of the batch, which is not known when "
                   "compiling");
  size.elements = {batches == 1 ? kDynamic : product};
  return n.result(0, std::move(size));
}

//===----------------------------------------------------------------------===//
// Passing on
//===----------------------------------------------------------------------===//

LogicalResult importIdentity(NodeImporter &n) { return n.alias(0, 0); }

/// true wherever `input` has an element.
Value allTrue(NodeImporter &n, Value input) {
  Type boolean = n.builder.getI1Type();
  if (n.typeOf(input).hasStaticShape())
    return n.constantValue(DenseElementsAttr::get(
        RankedTensorType::get(n.shapeOf(input), boolean), true));
  Value any = n.castTo(input, boolean);
  return n.emit<OrOp>({any, n.emit<NotOp>(any)});
}

/// The identity, and a mask of ones for who asks: dropout drops in training.
LogicalResult importDropout(NodeImporter &n) {
  if (n.has(2)) {
    std::optional<double> training = n.constantScalar(2);
    if (!training)
      return n.error("whether it trains (input 2) must be known when "
                     "compiling; export the model for inference");
    double ratio = n.has(1) ? n.constantScalar(1).value_or(0.5) : 0.5;
    if (*training != 0 && ratio != 0)
      return n.error("is in training mode; export the model for inference");
  }
  if (n.wants(1)) {
    Value input = n.operand(0);
    if (!input)
      return failure();
    Value mask = allTrue(n, input);
    // Before opset 10 the mask had the type of the data.
    if (n.opset < 10)
      mask = n.castTo(mask, n.elementOf(input));
    if (failed(n.result(1, mask)))
      return failure();
  }
  return n.alias(0, 0);
}

//===----------------------------------------------------------------------===//
// Reshaping
//===----------------------------------------------------------------------===//

LogicalResult importFlatten(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  int64_t rank = n.rankOf(input), axis = n.intAttribute("axis", 1);
  if (axis < -rank || axis > rank)
    return n.error("axis " + Twine(axis) + " is outside of a tensor with " +
                   Twine(rank) + " dimensions");
  return n.result(0, n.flatten(input, axis < 0 ? axis + rank : axis));
}

/// The static dimensions' product, and whether a dynamic one stands beside it.
struct Extent {
  int64_t known = 1;
  bool dynamic = false;
};

Extent extentOf(ArrayRef<int64_t> shape) {
  Extent extent;
  for (int64_t dim : shape)
    if (dim == kDynamic)
      extent.dynamic = true;
    else if (dim >= 0)
      extent.known *= dim;
  return extent;
}

/// Puts a size in the place of the -1 in `target`.
LogicalResult inferMissing(NodeImporter &n, ArrayRef<int64_t> shape,
                           MutableArrayRef<int64_t> target) {
  int64_t *missing = llvm::find(target, -1);
  if (missing == target.end())
    return success();
  Extent from = extentOf(shape), to = extentOf(target);
  // The batch goes where nothing else says how many there are.
  if (from.dynamic && !to.dynamic) {
    *missing = kDynamic;
    return success();
  }
  if (to.known == 0 || from.known % to.known != 0)
    return n.error(
        "the size left open (-1) is no whole number: " + Twine(from.known) +
        " values, divided by " + Twine(to.known));
  *missing = from.known / to.known;
  return success();
}

LogicalResult importReshape(NodeImporter &n) {
  FailureOr<SmallVector<int64_t>> target = n.integers(1, "the shape");
  Value input = n.operand(0);
  if (failed(target) || !input)
    return failure();
  ArrayRef<int64_t> shape = n.shapeOf(input);
  if (target->size() > kMaxRank)
    return n.error("its shape has more than " + Twine(kMaxRank) +
                   " dimensions");
  bool zeroIsZero = n.intAttribute("allowzero", 0) != 0;
  for (auto [index, dim] : llvm::enumerate(*target)) {
    if (dim == 0 && !zeroIsZero) {
      if (index >= shape.size())
        return n.error("its shape copies dimension " + Twine(index) +
                       ", which the input does not have");
      dim = shape[index];
    }
    if (dim < -1 && dim != kDynamic)
      return n.error("its shape has size " + Twine(dim));
  }
  if (llvm::count(*target, -1) > 1)
    return n.error("its shape leaves more than one size open (-1)");
  SmallVector<int64_t> known(*target);
  llvm::erase_if(known, [](int64_t dim) { return dim < 0; });
  if (!elementCount(known))
    return n.error("its shape has more than 2^31 - 1 elements");
  if (failed(inferMissing(n, shape, *target)))
    return failure();
  Extent from = extentOf(shape), to = extentOf(*target);
  if (from.dynamic && !to.dynamic)
    return n.error("fixes the size of the batch, which may vary; export the "
                   "model with a dynamic or with a fixed batch throughout");
  if (!from.dynamic && (to.dynamic || from.known != to.known))
    return n.error("reshapes " + Twine(from.known) + " values to " +
                   (to.dynamic ? "a number that varies" : Twine(to.known)));
  return n.result(0, n.reshape(input, *target));
}

LogicalResult importSqueeze(NodeImporter &n) {
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      n.integersOrAttribute(1, "axes");
  Value input = n.operand(0);
  if (failed(given) || !input)
    return failure();
  ArrayRef<int64_t> shape = n.shapeOf(input);
  SmallVector<int64_t> axes;
  if (*given) {
    FailureOr<SmallVector<int64_t>> checked = n.axes(**given, shape.size());
    if (failed(checked))
      return failure();
    axes = *checked;
    for (int64_t axis : axes)
      if (shape[axis] != 1)
        return n.error("dimension " + Twine(axis) +
                       " cannot be dropped, its "
                       "size is not 1");
  } else {
    for (auto [index, dim] : llvm::enumerate(shape))
      if (dim == 1)
        axes.push_back(index);
  }
  SmallVector<int64_t> result;
  for (auto [index, dim] : llvm::enumerate(shape))
    if (!llvm::is_contained(axes, int64_t(index)))
      result.push_back(dim);
  return n.result(0, n.reshape(input, result));
}

LogicalResult importUnsqueeze(NodeImporter &n) {
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      n.integersOrAttribute(1, "axes");
  Value input = n.operand(0);
  if (failed(given) || !input)
    return failure();
  if (!*given)
    return n.error("its axes are missing");
  size_t rank = n.rankOf(input) + (*given)->size();
  if (rank > kMaxRank)
    return n.error("makes more than " + Twine(kMaxRank) + " dimensions");
  FailureOr<SmallVector<int64_t>> axes = n.axes(**given, rank);
  if (failed(axes))
    return failure();
  SmallVector<int64_t> result;
  ArrayRef<int64_t> rest = n.shapeOf(input);
  for (size_t i = 0; i < rank; ++i)
    if (llvm::is_contained(*axes, int64_t(i))) {
      result.push_back(1);
    } else {
      result.push_back(rest.front());
      rest = rest.drop_front();
    }
  return n.result(0, n.reshape(input, result));
}

LogicalResult importTranspose(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  int64_t rank = n.rankOf(input);
  SmallVector<int64_t> permutation =
      llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  if (auto given = n.intsAttribute("perm")) {
    permutation = *given;
    FailureOr<SmallVector<int64_t>> sorted = n.axes(permutation, rank);
    if (failed(sorted))
      return failure();
    if (int64_t(sorted->size()) != rank)
      return n.error("attribute 'perm' lists " + Twine(sorted->size()) +
                     " of " + Twine(rank) + " dimensions");
    for (int64_t &axis : permutation)
      axis = axis < 0 ? axis + rank : axis;
  }
  return n.result(0, n.transpose(input, permutation));
}

LogicalResult importExpand(NodeImporter &n) {
  FailureOr<SmallVector<int64_t>> target = n.integers(1, "the shape");
  Value input = n.operand(0);
  if (failed(target) || !input)
    return failure();
  for (int64_t dim : *target)
    if (dim < 0 && dim != kDynamic)
      return n.error("its shape has size " + Twine(dim));
  ArrayRef<int64_t> shape = n.shapeOf(input);
  FailureOr<SmallVector<int64_t>> result = broadcastShapes(shape, *target);
  if (failed(result) || result->size() > kMaxRank)
    return n.error("its input does not broadcast to its shape");
  size_t added = result->size() - shape.size();
  for (auto [index, dim] : llvm::enumerate(*result))
    if (dim == kDynamic && (index < added || shape[index - added] != kDynamic))
      return n.error("repeats a value once a row of the batch, whose size is "
                     "not known when compiling; let the op that uses it "
                     "broadcast instead");
  if (ArrayRef<int64_t>(*result) == shape)
    return n.result(0, input);
  return n.result(
      0, n.emitTyped<BroadcastOp>(
             RankedTensorType::get(*result, n.elementOf(input)), input));
}

constexpr OpRow kRows[] = {
    {"Constant", 1, 0, 0, 1,
     "value:t value_float:f value_floats:F value_int:i value_ints:I",
     importConstant},
    {"ConstantOfShape", 9, 1, 1, 1, "value:t", importConstantOfShape},
    {"Shape", 1, 1, 1, 1, "start:i end:i", importShape},
    {"Size", 1, 1, 1, 1, "", importSize},
    {"Identity", 1, 1, 1, 1, "", importIdentity},
    {"Dropout", 7, 1, 3, 2, "ratio:f seed:i", importDropout},
    {"Flatten", 1, 1, 1, 1, "axis:i", importFlatten},
    {"Reshape", 5, 2, 2, 1, "allowzero:i", importReshape},
    {"Squeeze", 1, 1, 2, 1, "axes:I", importSqueeze},
    {"Unsqueeze", 1, 1, 2, 1, "axes:I", importUnsqueeze},
    {"Transpose", 1, 1, 1, 1, "perm:I", importTranspose},
    {"Expand", 8, 2, 2, 1, "", importExpand},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::shapeRows() { return kRows; }
