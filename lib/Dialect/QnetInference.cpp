//===- QnetInference.cpp - Result types from operands and attributes ------===//
//
// Part of the quantc project.
//
// Inference names the real type (f32) where operands are calibrated, and keeps
// a `!quant.uniform` type only for the ops that move values. Operands may come
// straight from an untrusted model: each op's rules are checked before its
// shape is formed.
//
//===----------------------------------------------------------------------===//

#include "QnetRules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qnet;

namespace {

using Shape = SmallVector<int64_t>;

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

ArrayRef<int64_t> shapeOf(Value value) { return tensorOf(value).getShape(); }

Type elementOf(Value value) { return tensorOf(value).getElementType(); }

Type realOf(Value value) { return realType(elementOf(value)); }

/// The element type of a value that is only moved.
Type movedOf(Value value) {
  Type type = elementOf(value);
  return isStoredInteger(type) ? type : realType(type);
}

/// The type of an elementwise result in the shape of `value`.
Type realLike(Value value) {
  return RankedTensorType::get(shapeOf(value), realOf(value));
}

/// The shape without `axes`, or with size 1 in their places.
Shape reducedShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes,
                   bool keepDims) {
  Shape result;
  for (auto [index, size] : llvm::enumerate(shape)) {
    if (!llvm::is_contained(axes, static_cast<int64_t>(index)))
      result.push_back(size);
    else if (keepDims)
      result.push_back(1);
  }
  return result;
}

/// Every operand is a tensor of known rank and the op's own rules hold.
template <typename OpTy>
LogicalResult operandsAreSound(typename OpTy::Adaptor op,
                               std::optional<Location> location) {
  auto emit = [&]() -> RuleError {
    if (!location)
      return {};
    return emitError(*location) << "'" << OpTy::getOperationName() << "' op ";
  };
  // Attributes: present, of their kind, within their constraints.
  if (location && failed(op.verify(*location)))
    return failure();
  for (auto [index, operand] : llvm::enumerate(op.getOperands()))
    if (!isa<RankedTensorType>(operand.getType())) {
      return emit() << "operand #" << index
                    << " must be a tensor of known rank, but is "
                    << operand.getType();
    }
  if constexpr (requires { checkRules(op, emit); })
    return checkRules(op, emit);
  return success();
}

//===----------------------------------------------------------------------===//
// Result types by family. The op's rules hold here.
//===----------------------------------------------------------------------===//

template <typename Adaptor> Type inferSame(Adaptor op) {
  return realLike(op.getInput());
}

template <typename Adaptor> Type inferBool(Adaptor op) {
  return RankedTensorType::get(shapeOf(op.getInput()),
                               IntegerType::get(op.getInput().getContext(), 1));
}

template <typename Adaptor> Type inferBinary(Adaptor op) {
  return RankedTensorType::get(
      *broadcastShapes(shapeOf(op.getLhs()), shapeOf(op.getRhs())),
      realOf(op.getLhs()));
}

template <typename Adaptor> Type inferBinaryMove(Adaptor op) {
  return RankedTensorType::get(
      *broadcastShapes(shapeOf(op.getLhs()), shapeOf(op.getRhs())),
      movedOf(op.getLhs()));
}

Type inferCompare(CompareOp::Adaptor op) {
  return RankedTensorType::get(
      *broadcastShapes(shapeOf(op.getLhs()), shapeOf(op.getRhs())),
      IntegerType::get(op.getLhs().getContext(), 1));
}

Type inferWhere(WhereOp::Adaptor op) {
  Shape values =
      *broadcastShapes(shapeOf(op.getTrueValue()), shapeOf(op.getFalseValue()));
  return RankedTensorType::get(
      *broadcastShapes(values, shapeOf(op.getCondition())),
      realOf(op.getTrueValue()));
}

Type inferDense(DenseOp::Adaptor op) {
  Shape shape(shapeOf(op.getInput()));
  shape.back() = shapeOf(op.getWeights()).front();
  return RankedTensorType::get(shape, realOf(op.getInput()));
}

Type inferMatmul(MatmulOp::Adaptor op) {
  ArrayRef<int64_t> lhs = shapeOf(op.getLhs()), rhs = shapeOf(op.getRhs());
  Shape shape =
      *broadcastShapes(lhs.drop_back(std::min<size_t>(lhs.size(), 2)),
                       rhs.drop_back(std::min<size_t>(rhs.size(), 2)));
  if (lhs.size() > 1)
    shape.push_back(lhs[lhs.size() - 2]);
  if (rhs.size() > 1)
    shape.push_back(rhs.back());
  return RankedTensorType::get(shape, realOf(op.getLhs()));
}

Type inferKernel(KernelOp::Adaptor op) {
  Shape shape(shapeOf(op.getInput()));
  shape.back() = shapeOf(op.getVectors()).front();
  return RankedTensorType::get(shape, realOf(op.getInput()));
}

Type inferConcat(ConcatOp::Adaptor op) {
  Shape shape(shapeOf(op.getInputs().front()));
  int64_t axis = op.getAxis();
  for (Value input : op.getInputs().drop_front())
    for (auto [index, size] : llvm::enumerate(shapeOf(input))) {
      int64_t &sum = shape[index];
      if (static_cast<int64_t>(index) != axis)
        sum = ShapedType::isDynamic(sum) ? size : sum;
      else if (ShapedType::isDynamic(sum) || ShapedType::isDynamic(size))
        sum = ShapedType::kDynamic;
      else
        sum += size;
    }
  return RankedTensorType::get(shape, movedOf(op.getInputs().front()));
}

Type inferSlice(SliceOp::Adaptor op) {
  Shape shape(op.getSizes());
  llvm::replace(shape, int64_t(-1), ShapedType::kDynamic);
  return RankedTensorType::get(shape, movedOf(op.getInput()));
}

Type inferTranspose(TransposeOp::Adaptor op) {
  Shape shape;
  for (int64_t from : op.getPermutation())
    shape.push_back(shapeOf(op.getInput())[from]);
  return RankedTensorType::get(shape, movedOf(op.getInput()));
}

Type inferGather(GatherOp::Adaptor op) {
  ArrayRef<int64_t> input = shapeOf(op.getInput());
  Shape shape(input.take_front(op.getAxis()));
  llvm::append_range(shape, shapeOf(op.getIndices()));
  llvm::append_range(shape, input.drop_front(op.getAxis() + 1));
  return RankedTensorType::get(shape, movedOf(op.getInput()));
}

Type inferReduce(ReduceOp::Adaptor op) {
  return RankedTensorType::get(
      reducedShape(shapeOf(op.getInput()), op.getAxes(), op.getKeepDims()),
      realOf(op.getInput()));
}

template <typename Adaptor> Type inferArg(Adaptor op) {
  return RankedTensorType::get(
      reducedShape(shapeOf(op.getInput()), {static_cast<int64_t>(op.getAxis())},
                   op.getKeepDims()),
      IntegerType::get(op.getInput().getContext(), 64));
}

} // namespace

//===----------------------------------------------------------------------===//
// The interface's methods
//===----------------------------------------------------------------------===//

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> location,
                                           Adaptor op,
                                           SmallVectorImpl<Type> &types) {
  if (failed(operandsAreSound<ConstantOp>(op, location)))
    return failure();
  types.push_back(op.getValue().getShapedType());
  return success();
}

LogicalResult TopKOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location> location,
                                       Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  if (failed(operandsAreSound<TopKOp>(op, location)))
    return failure();
  Shape shape(shapeOf(op.getInput()));
  shape[op.getAxis()] = op.getK();
  types.push_back(RankedTensorType::get(shape, realOf(op.getInput())));
  types.push_back(RankedTensorType::get(shape, IntegerType::get(context, 64)));
  return success();
}

#define QNET_INFERENCE(Op, Infer)                                              \
  LogicalResult Op::inferReturnTypes(                                          \
      MLIRContext *, std::optional<Location> location, Adaptor op,             \
      SmallVectorImpl<Type> &types) {                                          \
    if (failed(operandsAreSound<Op>(op, location)))                            \
      return failure();                                                        \
    types.push_back(Infer(op));                                                \
    return success();                                                          \
  }

QNET_INFERENCE(DenseOp, inferDense)
QNET_INFERENCE(MatmulOp, inferMatmul)
QNET_INFERENCE(KernelOp, inferKernel)
QNET_INFERENCE(ActivationOp, inferSame)
QNET_INFERENCE(PreluOp, inferSame)
QNET_INFERENCE(NotOp, inferBool)
QNET_INFERENCE(IsNanOp, inferBool)
QNET_INFERENCE(IsInfOp, inferBool)
QNET_INFERENCE(AddOp, inferBinary)
QNET_INFERENCE(SubOp, inferBinary)
QNET_INFERENCE(MulOp, inferBinary)
QNET_INFERENCE(DivOp, inferBinary)
QNET_INFERENCE(PowOp, inferBinary)
QNET_INFERENCE(MinOp, inferBinaryMove)
QNET_INFERENCE(MaxOp, inferBinaryMove)
QNET_INFERENCE(AndOp, inferBinary)
QNET_INFERENCE(OrOp, inferBinary)
QNET_INFERENCE(XorOp, inferBinary)
QNET_INFERENCE(CompareOp, inferCompare)
QNET_INFERENCE(WhereOp, inferWhere)
QNET_INFERENCE(SoftmaxOp, inferSame)
QNET_INFERENCE(LogSoftmaxOp, inferSame)
QNET_INFERENCE(BatchNormOp, inferSame)
QNET_INFERENCE(LayerNormOp, inferSame)
QNET_INFERENCE(ConcatOp, inferConcat)
QNET_INFERENCE(SliceOp, inferSlice)
QNET_INFERENCE(TransposeOp, inferTranspose)
QNET_INFERENCE(GatherOp, inferGather)
QNET_INFERENCE(ReduceOp, inferReduce)
QNET_INFERENCE(ArgmaxOp, inferArg)
QNET_INFERENCE(ArgminOp, inferArg)
#undef QNET_INFERENCE
