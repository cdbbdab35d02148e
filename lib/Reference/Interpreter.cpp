//===- Interpreter.cpp - Ops in order, each by its evaluator --------------===//

#include "quantc/Reference/Interpreter.h"
#include "Evaluation.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qnet;

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

FailureOr<Tensor> Evaluation::allocate(Type elementType,
                                       ArrayRef<int64_t> shape) const {
  if (!elementFormat(elementType)) {
    error() << "cannot be evaluated on elements of type " << elementType
            << "; use f16, bf16, f32, f64 or an integer of at most 64 bits";
    return failure();
  }
  FailureOr<int64_t> count = staticElementCount(shape);
  if (failed(count) || *count > limits.elements) {
    auto diagnostic = error() << "has a result of shape [";
    llvm::interleave(
        shape, [&](int64_t dim) { diagnostic << dim; },
        [&] { diagnostic << "x"; });
    diagnostic << "], over the limit of " << limits.elements
               << " elements; run fewer rows at a time";
    return failure();
  }
  return Tensor(elementType, shape);
}

LogicalResult Evaluation::checkProducts(ArrayRef<int64_t> dimensions) const {
  FailureOr<int64_t> products = staticElementCount(dimensions);
  if (succeeded(products) && *products <= limits.products)
    return success();
  return error() << "takes more than " << limits.products
                 << " multiplications; run fewer rows at a time";
}

FailureOr<SmallVector<int64_t>>
Evaluation::broadcast(ArrayRef<unsigned> which) const {
  SmallVector<int64_t> shape;
  for (unsigned i : which) {
    FailureOr<SmallVector<int64_t>> joined =
        broadcastShapes(shape, operand(i).shape);
    if (failed(joined)) {
      auto diagnostic = error()
                        << "has operands whose shapes do not broadcast:";
      for (unsigned j : which)
        diagnostic << " " << operand(j).type();
      return failure();
    }
    shape = std::move(*joined);
  }
  return shape;
}

SmallVector<int64_t> qnet::broadcastStrides(ArrayRef<int64_t> shape,
                                            ArrayRef<int64_t> to) {
  SmallVector<int64_t> strides(to.size(), 0);
  SmallVector<int64_t> own = rowMajorStrides(shape);
  size_t missing = to.size() - shape.size();
  for (size_t i = 0; i != shape.size(); ++i)
    if (shape[i] != 1)
      strides[missing + i] = own[i];
  return strides;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Calls visit(op of its class) for ops that have an evaluator.
template <typename Result, typename Visit>
static Result visitEvaluable(Operation *op, Visit visit, Result otherwise) {
  return llvm::TypeSwitch<Operation *, Result>(op)
      .template Case<ConstantOp, DenseOp, MatmulOp, KernelOp, ActivationOp,
                     PreluOp, CastOp, NotOp, IsNanOp, IsInfOp, AddOp, SubOp,
                     MulOp, DivOp, PowOp, MinOp, MaxOp, AndOp, OrOp, XorOp,
                     CompareOp, WhereOp>(visit)
      .template Case<SoftmaxOp, LogSoftmaxOp, BatchNormOp, LayerNormOp,
                     ConcatOp, SliceOp, ReshapeOp, TransposeOp, BroadcastOp,
                     GatherOp, ReduceOp, ArgmaxOp, ArgminOp, TopKOp,
                     arith::ConstantOp>(visit)
      .template Case<ObserveOp, QuantizeOp, DequantizeOp, RequantizeOp,
                     QDenseOp, LookupOp, QAddOp, QSubOp, QMulOp>(visit)
      .Default([&](Operation *) { return std::move(otherwise); });
}

bool qnet::isEvaluable(Operation *op) {
  return visitEvaluable<bool>(op, [](auto) { return true; }, false);
}

/// Whether a per-axis type has one scale for each index of its dimension.
static bool parametersFit(Type elementType, ArrayRef<int64_t> shape) {
  auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(elementType);
  if (!perAxis)
    return true;
  int64_t axis = perAxis.getQuantizedDimension();
  return axis >= 0 && axis < static_cast<int64_t>(shape.size()) &&
         shape[axis] == static_cast<int64_t>(perAxis.getScales().size());
}

/// The last line of defence between run-time shapes and declared ones.
static LogicalResult checkResults(const Evaluation &e,
                                  ArrayRef<Tensor> results) {
  for (auto [i, result] : llvm::enumerate(results)) {
    auto declared = cast<ShapedType>(e.op->getResult(i).getType());
    Type expected = declared.getElementType();
    if (!isStoredInteger(expected))
      expected = realType(expected);
    if (failed(verifyCompatibleShape(declared.getShape(), result.shape)) ||
        result.elementType != expected ||
        !parametersFit(expected, result.shape))
      return e.error() << "gives " << result.type()
                       << " where its declared result is " << declared
                       << "; check the dynamic dimensions of the inputs";
  }
  return success();
}

static Results evaluateChecked(const Evaluation &e) {
  if (!isEvaluable(e.op)) {
    e.error() << "has no meaning in the reference interpreter, which runs the "
                 "network and integer levels of qnet";
    return failure();
  }
  for (Value value :
       llvm::concat<Value>(llvm::to_vector_of<Value>(e.op->getOperands()),
                           llvm::to_vector_of<Value>(e.op->getResults())))
    if (auto shaped = dyn_cast<RankedTensorType>(value.getType());
        !shaped || !elementFormat(shaped.getElementType())) {
      e.error() << "cannot be evaluated on " << value.getType()
                << "; use tensors of f16, bf16, f32, f64, integers of at most "
                   "64 bits or per-tensor and per-axis quantized ones";
      return failure();
    }
  Results results = visitEvaluable<Results>(
      e.op, [&](auto op) { return evaluate(op, e); }, failure());
  if (failed(results) || failed(checkResults(e, *results)))
    return failure();
  return results;
}

FailureOr<SmallVector<Tensor>> qnet::evaluateOp(Operation *op,
                                                ArrayRef<Tensor> operands,
                                                const Limits &limits) {
  SmallVector<const Tensor *> pointers;
  for (const Tensor &operand : operands)
    pointers.push_back(&operand);
  Evaluation e{op, pointers, limits};
  if (operands.size() != op->getNumOperands()) {
    e.error() << "is evaluated with " << operands.size() << " operands, not "
              << op->getNumOperands();
    return failure();
  }
  for (auto [operand, value] : llvm::zip_equal(operands, op->getOperands())) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      continue; // evaluateChecked refuses it
    Type element = type.getElementType();
    if (operand.elementType !=
            (isStoredInteger(element) ? element : realType(element)) ||
        failed(verifyCompatibleShape(type.getShape(), operand.shape))) {
      e.error() << "is evaluated with an operand of type " << operand.type()
                << " where it takes " << type;
      return failure();
    }
  }
  return evaluateChecked(e);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static LogicalResult checkInputs(func::FuncOp function,
                                 ArrayRef<Tensor> inputs) {
  if (function.isExternal() || !function.getBody().hasOneBlock())
    return function.emitError()
           << "function @" << function.getName()
           << " cannot be run: it must have a body of one block";
  if (inputs.size() != function.getNumArguments())
    return function.emitError()
           << "function @" << function.getName() << " takes "
           << function.getNumArguments() << " inputs, not " << inputs.size();
  for (auto [i, input] : llvm::enumerate(inputs)) {
    auto type = dyn_cast<RankedTensorType>(function.getArgumentTypes()[i]);
    Type element = type ? type.getElementType() : Type();
    if (!type || !elementFormat(element))
      return function.emitError()
             << "input " << i << " of @" << function.getName()
             << " has a type that cannot be run: "
             << function.getArgumentTypes()[i];
    if (!isStoredInteger(element))
      element = realType(element);
    if (input.elementType != element ||
        failed(verifyCompatibleShape(type.getShape(), input.shape)) ||
        !parametersFit(element, input.shape))
      return function.emitError()
             << "input " << i << " of @" << function.getName() << " is " << type
             << ", but the data is " << input.type();
  }
  return success();
}

FailureOr<SmallVector<Tensor>> Interpreter::run(func::FuncOp function,
                                                ArrayRef<Tensor> inputs) {
  if (failed(checkInputs(function, inputs)))
    return failure();

  // Values die after their last use, so that memory follows the widest part of
  // the graph and not its depth.
  DenseMap<Value, const Tensor *> values;
  DenseMap<Value, std::unique_ptr<Tensor>> owned;
  DenseMap<Value, int64_t> usesLeft;
  for (auto [argument, input] :
       llvm::zip_equal(function.getArguments(), inputs))
    values[argument] = &input;

  for (Operation &op : function.getBody().front()) {
    SmallVector<const Tensor *> operands;
    for (Value operand : op.getOperands()) {
      auto it = values.find(operand);
      if (it == values.end()) {
        op.emitOpError() << "uses a value from outside the function's block";
        return failure();
      }
      operands.push_back(it->second);
    }
    if (isa<func::ReturnOp>(op)) {
      SmallVector<Tensor> results;
      for (const Tensor *operand : operands)
        results.push_back(*operand);
      return results;
    }
    Results results = evaluateChecked({&op, operands, limits});
    if (failed(results))
      return failure();
    if (observer) {
      if (isa<ObserveOp>(op))
        observer(&op, ArrayRef<Tensor>(*operands[0]));
      else
        observer(&op, *results);
    }
    for (auto [value, tensor] : llvm::zip_equal(op.getResults(), *results)) {
      usesLeft[value] = std::distance(value.use_begin(), value.use_end());
      if (usesLeft[value] == 0)
        continue;
      auto &slot = owned[value];
      slot = std::make_unique<Tensor>(std::move(tensor));
      values[value] = slot.get();
    }
    for (Value operand : op.getOperands()) {
      auto it = usesLeft.find(operand);
      if (it != usesLeft.end() && --it->second == 0) {
        owned.erase(operand);
        values.erase(operand);
      }
    }
  }
  function.emitError() << "function @" << function.getName()
                       << " does not end in a return";
  return failure();
}
