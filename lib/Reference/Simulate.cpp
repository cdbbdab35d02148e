//===- Simulate.cpp - Quantization in float, each part of it a switch -----===//
//
// Each stored value becomes the real number that it stands for, and where the
// integer graph rounds or clips, the simulation selects between the value with
// and without it:
//   c = clip ? min(max(x, lo), hi) : x      r = round ? rne(c / s) * s : c
// A layer is there twice, with the weights of either graph. Functions that are
// tables in the integer graph are the float graph's ops.
//
//===----------------------------------------------------------------------===//
#include "quantc/Reference/Simulate.h"

#include "quantc/Dialect/Batch.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Reference/Compare.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Verifier.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

namespace {

quant::UniformQuantizedType storedType(Value value) {
  return dyn_cast<quant::UniformQuantizedType>(
      getElementTypeOrSelf(value.getType()));
}

bool isConstantOp(Operation *op) {
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

/// A layer's numbers as reals.
struct RealLayer {
  std::vector<float> weights, bias;
};

class Simulator {
public:
  Simulator(func::FuncOp expected, func::FuncOp actual)
      : expected(expected), actual(actual), expectedOps(namedOps(expected)),
        actualOps(namedOps(actual)), builder(actual.getContext()),
        loc(UnknownLoc::get(actual.getContext())) {}

  FailureOr<Simulation> run();

private:
  LogicalResult simulate(Operation *op);
  LogicalResult simulateDense(QDenseOp op);
  LogicalResult simulateLookup(LookupOp op);
  LogicalResult copy(Operation *op);
  FailureOr<RealLayer> readLayer(QDenseOp op);
  std::optional<RealLayer> floatLayer(StringRef name, QDenseOp op);
  /// `input` through the float graph's ops from the value named `from` to the
  /// one named `to`; null where they are no chain.
  Value followChain(Value input, StringRef from, StringRef to);

  Value store(Value real, Value stored, StringRef name, Place place);
  Value select(Effect effect, Place place, StringRef name, Value on, Value off);
  Value dense(Value input, const RealLayer &layer, RankedTensorType type);
  Value scalar(float value);
  void keep(Operation *op, const Twine &why) {
    simulation.fixed.push_back((nameFor(op) + ": " + why).str());
  }
  std::string nameFor(Operation *op) {
    StringRef name = nameOf(op->getLoc());
    return (name.empty() ? op->getName().getStringRef() : name).str();
  }
  Value real(Value value) { return reals.lookup(value); }
  RankedTensorType realTensor(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return type.clone(realType(type.getElementType()));
  }

  func::FuncOp expected, actual;
  llvm::StringMap<Operation *> expectedOps, actualOps;
  OpBuilder builder;
  Location loc;
  Block *body = nullptr;
  DenseMap<Value, Value> reals;
  Simulation simulation;
};

} // namespace

Value Simulator::scalar(float value) {
  return makeConstant<float>(builder, loc, {1}, builder.getF32Type(), {value});
}

/// `on` where the switch's argument says so, else `off`.
Value Simulator::select(Effect effect, Place place, StringRef name, Value on,
                        Value off) {
  auto type = cast<RankedTensorType>(on.getType());
  Value argument = body->addArgument(type, loc);
  Switch made{effect, place, name.str()};
  made.argument = cast<BlockArgument>(argument).getArgNumber();
  made.values = 1;
  for (int64_t size : type.getShape().drop_front())
    made.values *= size;
  made.channels = type.getRank() > 1 ? type.getShape().back() : 1;
  simulation.switches.push_back(made);
  Value isOn = CompareOp::create(builder, loc, ComparePredicate::gt, argument,
                                 scalar(0.5f));
  return WhereOp::create(builder, loc, isOn, on, off);
}

/// A value as it is stored with `stored`'s parameters.
Value Simulator::store(Value real, Value stored, StringRef name, Place place) {
  quant::UniformQuantizedType type = storedType(stored);
  auto scale = static_cast<float>(type.getScale());
  auto end = [&](int64_t q) {
    return static_cast<float>(q - type.getZeroPoint()) * scale;
  };
  auto apply = [&](Function function, Value x, std::optional<float> alpha = {},
                   std::optional<float> beta = {}) -> Value {
    auto number = [&](std::optional<float> value) {
      return value ? builder.getF32FloatAttr(*value) : FloatAttr();
    };
    return ActivationOp::create(builder, loc, x.getType(), function, x,
                                number(alpha), number(beta));
  };
  Value clipped = apply(Function::clip, real, end(type.getStorageTypeMin()),
                        end(type.getStorageTypeMax()));
  // A range that ends at 0 may be a ReLU's: that is no error.
  bool isRelu =
      place == Place::Value && type.getZeroPoint() == type.getStorageTypeMin();
  Value free = isRelu ? apply(Function::relu, real) : real;
  Value held = select(Effect::Clipping, place, name, clipped, free);
  Value step = scalar(scale);
  Value steps = apply(Function::round,
                      DivOp::create(builder, loc, held, step).getResult());
  Value rounded = MulOp::create(builder, loc, steps, step);
  return select(Effect::Rounding, place, name, rounded, held);
}

Value Simulator::dense(Value input, const RealLayer &layer,
                       RankedTensorType type) {
  int64_t n = layer.bias.size(),
          k = static_cast<int64_t>(layer.weights.size()) /
              std::max<int64_t>(n, 1);
  Type f32 = builder.getF32Type();
  Value weights = makeConstant<float>(builder, loc, {n, k}, f32, layer.weights);
  Value bias = makeConstant<float>(builder, loc, {n}, f32, layer.bias);
  return DenseOp::create(builder, loc, type, input, weights, bias,
                         Function::identity, FloatAttr(), FloatAttr());
}

/// real = accumulator * multiplier * output scale, and the accumulator is
/// sum_k weights[k] * (q[k] - zero point) + own bias.
FailureOr<RealLayer> Simulator::readLayer(QDenseOp op) {
  auto weights = readWeights(op);
  auto bias = readConstant<int32_t>(op.getBias());
  FailureOr<std::vector<float>> multipliers;
  if (op.getShift()) {
    auto mantissas = readConstant<int32_t>(op.getMultiplier());
    auto shifts = readConstant<int32_t>(op.getShift());
    if (succeeded(mantissas) && succeeded(shifts)) {
      multipliers = std::vector<float>();
      for (auto [mantissa, shift] : llvm::zip_equal(*mantissas, *shifts))
        multipliers->push_back(
            std::ldexp(static_cast<float>(mantissa), -shift));
    }
  } else {
    multipliers = readConstant<float>(op.getMultiplier());
  }
  FailureOr<std::vector<float>> outBias = std::vector<float>();
  if (op.getOutBias())
    outBias = readConstant<float>(op.getOutBias());
  if (failed(weights) || failed(bias) || failed(multipliers) || failed(outBias))
    return op.emitOpError("has weights that are no constants");
  quant::UniformQuantizedType input = storedType(op.getInput()),
                              output = storedType(op.getResult());
  size_t n = bias->size(), k = n ? weights->size() / n : 0;
  RealLayer layer{std::vector<float>(n * k), std::vector<float>(n)};
  for (size_t row = 0; row != n; ++row) {
    double scale = (*multipliers)[row] * (output ? output.getScale() : 1.0);
    int64_t sum = 0;
    for (size_t column = 0; column != k; ++column) {
      int64_t weight = (*weights)[row * k + column];
      sum += weight;
      layer.weights[row * k + column] =
          static_cast<float>(weight * scale / input.getScale());
    }
    double own = double((*bias)[row]) + double(input.getZeroPoint() * sum);
    layer.bias[row] = static_cast<float>(
        own * scale + (outBias->empty() ? 0.0f : (*outBias)[row]));
  }
  return layer;
}

/// The float graph's layer of that name, if it has the integer one's shape.
std::optional<RealLayer> Simulator::floatLayer(StringRef name, QDenseOp op) {
  auto layer = dyn_cast_if_present<DenseOp>(expectedOps.lookup(name));
  if (!layer || cast<ShapedType>(layer.getWeights().getType()).getShape() !=
                    cast<ShapedType>(op.getWeights().getType()).getShape())
    return std::nullopt;
  auto weights = readConstant<float>(layer.getWeights());
  if (failed(weights))
    return std::nullopt;
  int64_t n = cast<ShapedType>(layer.getWeights().getType()).getDimSize(0);
  RealLayer result{std::move(*weights), std::vector<float>(n)};
  if (layer.getBias()) {
    auto bias = readConstant<float>(layer.getBias());
    if (failed(bias))
      return std::nullopt;
    result.bias = std::move(*bias);
  }
  return result;
}

LogicalResult Simulator::simulateDense(QDenseOp op) {
  std::string name = nameFor(op);
  Value input = real(op.getInput());
  RankedTensorType type = realTensor(op.getResult());
  FailureOr<RealLayer> layer = readLayer(op);
  if (failed(layer))
    return failure();
  Value result = dense(input, *layer, type);
  if (std::optional<RealLayer> other = floatLayer(name, op))
    result = select(Effect::Weights, Place::Value, name, result,
                    dense(input, *other, type));
  else
    keep(op, "the float network has no layer of that name and shape");
  bool isIndex = llvm::any_of(op->getUsers(), llvm::IsaPred<LookupOp>);
  auto source = dyn_cast_if_present<DenseOp>(expectedOps.lookup(name));
  // A function that no op of the same name follows is part of the finish.
  if (source && source.getFunction() != Function::identity &&
      actualOps.lookup(name) == op.getOperation())
    result =
        ActivationOp::create(builder, loc, type, source.getFunction(), result,
                             source.getAlphaAttr(), source.getBetaAttr());
  if (storedType(op.getResult()))
    result = store(result, op.getResult(), name,
                   isIndex ? Place::Index : Place::Value);
  reals[op.getResult()] = result;
  return success();
}

Value Simulator::followChain(Value input, StringRef from, StringRef to) {
  SmallVector<Operation *> chain;
  Operation *op = expectedOps.lookup(to);
  while (op && (chain.empty() || nameOf(op->getLoc()) != from)) {
    // The function of a layer whose products are those of the input.
    if (auto layer = dyn_cast<DenseOp>(op)) {
      if (to != from || layer.getFunction() == Function::identity)
        return {};
      return ActivationOp::create(builder, loc, input.getType(),
                                  layer.getFunction(), input,
                                  layer.getAlphaAttr(), layer.getBetaAttr());
    }
    chain.push_back(op);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      if (!isConstantOp(operand.getDefiningOp()) &&
          !llvm::is_contained(operands, operand))
        operands.push_back(operand);
    if (operands.size() != 1 || op->getNumResults() != 1)
      return {};
    op = operands.front().getDefiningOp();
    if (!op && nameOf(operands.front().getLoc()) != from)
      return {};
  }
  if (chain.empty() || (op && nameOf(op->getLoc()) != from))
    return {};
  for (Operation *link : llvm::reverse(chain)) {
    IRMapping mapping;
    for (Value operand : link->getOperands())
      if (Operation *constant = operand.getDefiningOp(); isConstantOp(constant))
        mapping.map(operand, builder.clone(*constant)->getResult(0));
      else
        mapping.map(operand, input);
    input = builder.clone(*link, mapping)->getResult(0);
  }
  return input;
}

LogicalResult Simulator::simulateLookup(LookupOp op) {
  std::string name = nameFor(op);
  Value input = real(op.getInput());
  StringRef from = nameOf(op.getInput().getLoc());
  if (Value result = followChain(input, from, name);
      result && result.getType() == realTensor(op.getResult())) {
    reals[op.getResult()] =
        storedType(op.getResult())
            ? store(result, op.getResult(), name, Place::Value)
            : result;
    return success();
  }
  // As it is: exact, but nothing of it can be turned off.
  keep(op, "its table has no counterpart in the float network");
  Value stored =
      QuantizeOp::create(builder, loc, op.getInput().getType(), input);
  IRMapping mapping;
  mapping.map(op.getInput(), stored);
  mapping.map(op.getTable(),
              builder.clone(*op.getTable().getDefiningOp())->getResult(0));
  Value result = builder.clone(*op, mapping)->getResult(0);
  if (storedType(result))
    result = DequantizeOp::create(builder, loc, realTensor(result), result);
  reals[op.getResult()] = result;
  return success();
}

/// The same op on reals.
LogicalResult Simulator::copy(Operation *op) {
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, real(operand));
  Operation *clone = builder.clone(*op, mapping);
  for (auto [old, made] :
       llvm::zip_equal(op->getResults(), clone->getResults())) {
    if (storedType(old))
      made.setType(realTensor(old));
    reals[old] = made;
  }
  return success();
}

LogicalResult Simulator::simulate(Operation *op) {
  for (Value operand : op->getOperands())
    if (!real(operand))
      return op->emitOpError("reads a value that the simulation does not have");
  if (auto quantize = dyn_cast<QuantizeOp>(op)) {
    auto argument = dyn_cast<BlockArgument>(quantize.getInput());
    std::string name = nameFor(op);
    if (argument)
      if (auto given = actual.getArgAttrOfType<StringAttr>(
              argument.getArgNumber(), kNameAttr))
        name = given.str();
    reals[quantize.getResult()] =
        store(real(quantize.getInput()), quantize.getResult(), name,
              argument ? Place::Input : Place::Value);
    return success();
  }
  if (auto dequantize = dyn_cast<DequantizeOp>(op)) {
    reals[dequantize.getResult()] = real(dequantize.getInput());
    return success();
  }
  if (auto requantize = dyn_cast<RequantizeOp>(op)) {
    reals[requantize.getResult()] =
        store(real(requantize.getInput()), requantize.getResult(), nameFor(op),
              Place::Value);
    return success();
  }
  if (auto layer = dyn_cast<QDenseOp>(op))
    return simulateDense(layer);
  if (auto lookup = dyn_cast<LookupOp>(op))
    return simulateLookup(lookup);
  if (isa<QAddOp, QSubOp, QMulOp>(op)) {
    Value lhs = real(op->getOperand(0)), rhs = real(op->getOperand(1)), result;
    if (isa<QAddOp>(op))
      result = AddOp::create(builder, loc, lhs, rhs);
    else if (isa<QSubOp>(op))
      result = SubOp::create(builder, loc, lhs, rhs);
    else
      result = MulOp::create(builder, loc, lhs, rhs);
    reals[op->getResult(0)] =
        store(result, op->getResult(0), nameFor(op), Place::Value);
    return success();
  }
  return copy(op);
}

FailureOr<Simulation> Simulator::run() {
  for (func::FuncOp function : {expected, actual})
    if (function.isExternal() || !function.getBody().hasOneBlock())
      return function.emitError() << "function @" << function.getName()
                                  << " cannot be simulated: it must have a "
                                     "body of one block";
  // Rows of a switch are rows of the batch.
  if (ReshapeOp op = firstRegrouping(actual))
    return op.emitOpError("makes rows of parts of rows, which the simulation "
                          "of quantization does not follow");

  simulation.module = ModuleOp::create(loc);
  OpBuilder outer = OpBuilder::atBlockEnd(simulation.module->getBody());
  auto function = func::FuncOp::create(
      outer, loc, "main", builder.getFunctionType(TypeRange(), TypeRange()));
  body = function.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  for (BlockArgument argument : actual.getArguments())
    reals[argument] = body->addArgument(realTensor(argument), loc);
  Block &from = actual.getBody().front();
  for (Operation &op : from.without_terminator())
    if (failed(simulate(&op)))
      return failure();
  SmallVector<Value> results;
  for (Value value : from.getTerminator()->getOperands())
    results.push_back(real(value));
  func::ReturnOp::create(builder, loc, results);
  function.setType(
      builder.getFunctionType(body->getArgumentTypes(), TypeRange(results)));
  if (failed(verify(*simulation.module)))
    return actual.emitError("cannot be simulated");
  return std::move(simulation);
}

FailureOr<Simulation> qnet::simulateQuantization(func::FuncOp expected,
                                                 func::FuncOp actual) {
  return Simulator(expected, actual).run();
}
