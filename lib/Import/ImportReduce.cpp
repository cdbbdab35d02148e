//===- ImportReduce.cpp - Reductions, ArgMax, TopK ------------------------===//

#include "NodeImporter.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {
/// Axes are an attribute in old opsets, an input in new ones; none means all,
/// or with noop_with_empty_axes none.
template <ReduceKind Kind> LogicalResult importReduce(NodeImporter &n) {
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      n.integersOrAttribute(1, "axes");
  Value input = n.operand(0);
  if (failed(given) || !input)
    return failure();
  int64_t rank = n.rankOf(input);
  SmallVector<int64_t> axes;
  if (*given && !(*given)->empty()) {
    FailureOr<SmallVector<int64_t>> checked = n.axes(**given, rank);
    if (failed(checked))
      return failure();
    axes = *checked;
  } else if (n.intAttribute("noop_with_empty_axes", 0) == 0) {
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  }
  bool keepDims = n.intAttribute("keepdims", 1) != 0;
  // Bools (opset 20) have an order, false before true.
  Type element = n.elementOf(input);
  bool boolean = element.isInteger(1);
  if (boolean && Kind != ReduceKind::max && Kind != ReduceKind::min)
    return n.error("is not defined on bool");
  if (boolean)
    input = n.castTo(input, n.builder.getI32Type());
  return n.result(0, n.castTo(n.reduce(Kind, input, axes, keepDims), element));
}

template <typename OpTy> LogicalResult importArg(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  FailureOr<int64_t> axis = n.axis(n.intAttribute("axis", 0), n.rankOf(input));
  if (failed(axis))
    return failure();
  SmallVector<NamedAttribute> attributes = {n.named("axis", *axis)};
  if (n.intAttribute("keepdims", 1) != 0)
    attributes.push_back(n.named("keep_dims", n.builder.getUnitAttr()));
  if (n.intAttribute("select_last_index", 0) != 0)
    attributes.push_back(n.named("select_last", n.builder.getUnitAttr()));
  return n.result(0, n.emit<OpTy>(input, attributes));
}

/// k is an attribute before opset 10. Sorted results serve `sorted` = 0 too,
/// which leaves the order open.
LogicalResult importTopK(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  FailureOr<int64_t> axis = n.axis(n.intAttribute("axis", -1), n.rankOf(input));
  if (failed(axis))
    return failure();
  int64_t k = n.intAttribute("k", -1);
  if (n.has(1)) {
    FailureOr<SmallVector<int64_t>> given = n.integers(1, "k");
    if (failed(given))
      return failure();
    if (given->size() != 1)
      return n.error("k must be one number");
    k = given->front();
  }
  int64_t size = n.shapeOf(input)[*axis];
  if (k < 0 || (!ShapedType::isDynamic(size) && k > size))
    return n.error("k is " + Twine(k) + ", but dimension " + Twine(*axis) +
                   " has " + Twine(size) + " values");
  Operation *op = n.emitOp(
      TopKOp::getOperationName(), input,
      {n.named("axis", *axis), n.named("k", k),
       n.named("largest",
               n.builder.getBoolAttr(n.intAttribute("largest", 1) != 0))},
      {});
  if (!op)
    return failure();
  return success(succeeded(n.result(0, op->getResult(0))) &&
                 succeeded(n.result(1, op->getResult(1))));
}

constexpr llvm::StringLiteral kReduceAttributes =
    "axes:I keepdims:i noop_with_empty_axes:i";

constexpr OpRow kRows[] = {
    {"ReduceSum", 1, 1, 2, 1, kReduceAttributes, importReduce<ReduceKind::sum>},
    {"ReduceMean", 1, 1, 2, 1, kReduceAttributes,
     importReduce<ReduceKind::mean>},
    {"ReduceMax", 1, 1, 2, 1, kReduceAttributes, importReduce<ReduceKind::max>},
    {"ReduceMin", 1, 1, 2, 1, kReduceAttributes, importReduce<ReduceKind::min>},
    {"ReduceL1", 1, 1, 2, 1, kReduceAttributes, importReduce<ReduceKind::l1>},
    {"ReduceL2", 1, 1, 2, 1, kReduceAttributes, importReduce<ReduceKind::l2>},
    {"ReduceSumSquare", 1, 1, 2, 1, kReduceAttributes,
     importReduce<ReduceKind::sum_square>},
    {"ReduceProd", 1, 1, 2, 1, kReduceAttributes,
     importReduce<ReduceKind::prod>},
    {"ArgMax", 1, 1, 1, 1, "axis:i keepdims:i select_last_index:i",
     importArg<ArgmaxOp>},
    {"ArgMin", 1, 1, 1, 1, "axis:i keepdims:i select_last_index:i",
     importArg<ArgminOp>},
    {"TopK", 1, 1, 2, 2, "axis:i k:i largest:i sorted:i", importTopK},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::reduceRows() { return kRows; }
