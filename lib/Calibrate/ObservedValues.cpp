//===- ObservedValues.cpp - which values of a graph are measured ----------===//
#include "ObservedValues.h"

#include "quantc/Reference/Compare.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace mlir::qnet;

FailureOr<func::FuncOp> mlir::qnet::mainFunction(ModuleOp module) {
  auto function = module.lookupSymbol<func::FuncOp>("main");
  if (!function || !llvm::hasSingleElement(function.getBody())) {
    module.emitError("the module has no function @main of one block; import a "
                     "model first");
    return failure();
  }
  return function;
}

Value mlir::qnet::sameRangeSource(Value value) {
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<ReshapeOp, TransposeOp, BroadcastOp>(op)
             ? op->getOperand(0)
             : Value();
}

/// Whether the graph came quantized here: the value is stored as integers, or
/// it is on its way to or from them. Its range is that of the integers.
static bool hasGivenRange(Value value) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  return isStoredInteger(element) ||
         isa_and_nonnull<DequantizeOp>(value.getDefiningOp()) ||
         llvm::any_of(value.getUsers(), llvm::IsaPred<QuantizeOp>);
}

static bool isReal(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && realType(type.getElementType()).isF32() &&
         !hasGivenRange(value);
}

/// The name of the node or argument that gives a value.
static std::string nameOfValue(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    if (auto name = function.getArgAttrOfType<StringAttr>(
            argument.getArgNumber(), kNameAttr))
      return name.str();
    return "input" + std::to_string(argument.getArgNumber());
  }
  return nameOf(value.getLoc()).str();
}

static FailureOr<ObservedValue> describe(Value value, bool preactivation) {
  ObservedValue observed;
  observed.value = value;
  observed.preactivation = preactivation;
  observed.name = nameOfValue(value);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  auto *found = llvm::find(shape, ShapedType::kDynamic);
  SmallVector<int64_t> others(shape);
  if (found != shape.end()) {
    observed.rowDimension = found - shape.begin();
    others.erase(others.begin() + observed.rowDimension);
  }
  FailureOr<int64_t> count = staticElementCount(others);
  if (found == shape.end() || failed(count)) {
    emitError(value.getLoc())
        << "'" << observed.name << "' of type " << value.getType()
        << " has no batch dimension, or more than one dynamic dimension; run "
           "--qnet-prepare first";
    return failure();
  }
  observed.valuesPerRow = *count;
  observed.channels = ShapedType::isDynamic(shape.back()) ? 1 : shape.back();
  return observed;
}

FailureOr<SmallVector<ObservedValue>>
mlir::qnet::observedValues(func::FuncOp function) {
  SmallVector<ObservedValue> result;
  llvm::DenseSet<Value> dependent;
  auto observe = [&](Value value, bool preactivation) -> LogicalResult {
    FailureOr<ObservedValue> observed = describe(value, preactivation);
    if (failed(observed))
      return failure();
    result.push_back(std::move(*observed));
    return success();
  };
  Block &body = function.getBody().front();
  for (BlockArgument argument : body.getArguments()) {
    dependent.insert(argument);
    if (isReal(argument) && failed(observe(argument, false)))
      return failure();
  }
  for (Operation &op : body) {
    // A value of constants alone is not measured, it is known.
    if (llvm::none_of(op.getOperands(), [&](Value operand) {
          return dependent.contains(operand);
        }))
      continue;
    for (Value value : op.getResults()) {
      dependent.insert(value);
      if (!isReal(value) || sameRangeSource(value))
        continue;
      auto dense = dyn_cast<DenseOp>(op);
      if (dense && dense.getFunction() != Function::identity &&
          failed(observe(value, /*preactivation=*/true)))
        return failure();
      if (failed(observe(value, /*preactivation=*/false)))
        return failure();
    }
  }
  return result;
}

LogicalResult mlir::qnet::insertObservers(func::FuncOp function) {
  FailureOr<SmallVector<ObservedValue>> values = observedValues(function);
  if (failed(values))
    return failure();
  OpBuilder builder(function.getContext());
  for (auto [number, observed] : llvm::enumerate(*values)) {
    Value value = observed.value;
    if (observed.preactivation) {
      auto dense = value.getDefiningOp<DenseOp>();
      builder.setInsertionPointAfter(dense);
      // The layer keeps its result for the value after the function, which
      // comes next in the list; what is computed here is the same.
      value =
          DenseOp::create(builder, dense.getLoc(), dense.getType(),
                          dense.getInput(), dense.getWeights(), dense.getBias(),
                          Function::identity, FloatAttr(), FloatAttr());
      auto activation = ActivationOp::create(
          builder, dense.getLoc(), dense.getType(), dense.getFunction(), value,
          dense.getAlphaAttr(), dense.getBetaAttr());
      dense.getResult().replaceAllUsesWith(activation.getResult());
      dense.erase();
      (*values)[number + 1].value = activation.getResult();
    }
    builder.setInsertionPointAfterValue(value);
    if (observed.rowDimension != 0) {
      auto type = cast<RankedTensorType>(value.getType());
      SmallVector<int64_t> permutation{observed.rowDimension}, shape;
      for (int64_t d = 0; d < type.getRank(); ++d)
        if (d != observed.rowDimension)
          permutation.push_back(d);
      for (int64_t d : permutation)
        shape.push_back(type.getDimSize(d));
      value =
          TransposeOp::create(builder, value.getLoc(), type.clone(shape), value,
                              builder.getDenseI64ArrayAttr(permutation));
    }
    ObserveOp::create(builder, value.getLoc(), value,
                      static_cast<int64_t>(number));
  }
  return success();
}

void mlir::qnet::observersToResults(func::FuncOp function) {
  Block &body = function.getBody().front();
  Builder builder(function.getContext());
  SmallVector<ObserveOp> observers(body.getOps<ObserveOp>());
  llvm::stable_sort(observers, [](ObserveOp a, ObserveOp b) {
    return a.getTensor() < b.getTensor();
  });
  SmallVector<Value> results;
  SmallVector<Attribute> resultAttributes;
  for (ObserveOp observer : observers) {
    auto number = builder.getI64IntegerAttr(observer.getTensor());
    if (auto argument = dyn_cast<BlockArgument>(observer.getInput())) {
      function.setArgAttr(argument.getArgNumber(), kObservedAttr, number);
    } else {
      results.push_back(observer.getInput());
      resultAttributes.push_back(builder.getDictionaryAttr(
          builder.getNamedAttr(kObservedAttr, number)));
    }
    observer.erase();
  }
  Operation *terminator = body.getTerminator();
  terminator->setOperands(results);
  function.setFunctionType(builder.getFunctionType(
      body.getArgumentTypes(), ValueRange(results).getTypes()));
  function.setAllResultAttrs(resultAttributes);
  eraseDeadOps(body); // what only the former results needed
}

void mlir::qnet::eraseDeadOps(Block &body) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// Whether the op is a function of one value: constants aside, it has one
/// operand, and works element by element.
static bool isFunctionOfOne(Operation *op) {
  if (isa<ActivationOp>(op))
    return true;
  return isa<PreluOp, AddOp, SubOp, MulOp, DivOp, PowOp, MinOp, MaxOp>(op) &&
         llvm::any_of(op->getOperands(), [](Value operand) {
           return operand.getDefiningOp<ConstantOp>();
         });
}

/// The ops that read a value, moves passed over.
static void collectReaders(Value value, SmallVectorImpl<Operation *> &readers) {
  for (Operation *user : value.getUsers()) {
    if (user->getNumResults() == 1 && sameRangeSource(user->getResult(0)))
      collectReaders(user->getResult(0), readers);
    else
      readers.push_back(user);
  }
}

bool mlir::qnet::isStored(const ObservedValue &observed) {
  if (observed.preactivation || observed.rowDimension != 0)
    return false;
  SmallVector<Operation *> readers;
  collectReaders(observed.value, readers);
  // Read as plain floats, the value has no storage to share.
  if (llvm::any_of(readers, llvm::IsaPred<IsNanOp, IsInfOp>))
    return false;
  llvm::erase_if(readers, [](Operation *op) {
    return op->hasTrait<OpTrait::IsTerminator>() ||
           isa<SoftmaxOp, LogSoftmaxOp, ArgmaxOp, ArgminOp, TopKOp, CastOp>(op);
  });
  if (readers.size() == 1)
    return !isFunctionOfOne(readers.front());
  return !readers.empty();
}

SmallVector<int64_t> mlir::qnet::shownValues(func::FuncOp function,
                                             ArrayRef<ObservedValue> values) {
  SmallVector<int64_t> shown;
  Operation *terminator = function.getBody().front().getTerminator();
  for (Value value : terminator->getOperands()) {
    auto numberOf = [&](Value wanted) -> int64_t {
      for (auto [number, observed] : llvm::enumerate(values))
        if (observed.value == wanted && !observed.preactivation)
          return static_cast<int64_t>(number);
      return -1;
    };
    // What was computed of a choice or a cast shows the value before it.
    for (Operation *op = value.getDefiningOp(); op; op = value.getDefiningOp())
      if (isa<CastOp, ArgmaxOp, ArgminOp, TopKOp>(op) || sameRangeSource(value))
        value = op->getOperand(0);
      else
        break;
    if (int64_t number = numberOf(value);
        number >= 0 && !llvm::is_contained(shown, number))
      shown.push_back(number);
  }
  return shown;
}
