//===- AssignParameters.cpp - quantization parameters of every value ------===//
//
// Takes          a graph with calibrated types or `qnet.parameters`, decomposed
//                by decompose-for-integers.
// Gives          f32 types; a quantize/dequantize pair on every value between
//                ops that become integer ones; ledger lines on those that
//                don't.
// Why            with every parameter in the graph, each rewrite to integers is
//                local, and Reference can run the graph as it will be.
// Not done here  weights (quantize-weights); the rewrite (convert-to-integer).
//
//===----------------------------------------------------------------------===//
#include "StorageTypes.h"
#include "UnarySteps.h"
#include "ValueParameters.h"

#include "quantc/Quantize/Passes.h"
#include "quantc/Quantize/Quantize.h"

#define DEBUG_TYPE "assign-parameters"

namespace mlir::qnet {
#define GEN_PASS_DEF_ASSIGNPARAMETERS
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// The work on one function.
class Assigner {
public:
  Assigner(func::FuncOp function, bool isWide, int32_t activationMax,
           int32_t indexMax)
      : function(function), placement(function), isWide(isWide),
        activationMax(activationMax), indexMax(indexMax) {}

  LogicalResult run(bool allowFloat) {
    takeRanges();
    if (failed(placement.decide(allowFloat)))
      return failure();
    takeFixedParameters();
    findChains();
    collectValues();
    values.chooseWidths(function, placement, isWide);
    if (failed(values.chooseTypes(function, placement, activationMax)) ||
        failed(values.chooseIndices(indexMax)))
      return failure();
    noteResults();
    first = &function.getBody().front().front();
    for (auto &[value, type] : values.types)
      insertPair(value, type);
    return success();
  }

private:
  void takeRanges();
  void takeFixedParameters();
  void findChains();
  void collectValues();
  void noteResults();
  void insertPair(Value value, quant::UniformQuantizedType type);

  /// What was noted on the value's producer, or on the argument.
  Attribute noteOn(Value value, StringRef name) {
    if (Operation *producer = value.getDefiningOp())
      return producer->getDiscardableAttr(name);
    return function.getArgAttr(cast<BlockArgument>(value).getArgNumber(), name);
  }
  bool isInteger(Operation *op) const { return op && placement.isInteger(op); }
  void need(Value value) {
    if (isRealTensor(value) && !values.internal.contains(value) &&
        !value.getDefiningOp<DequantizeOp>())
      values.needed.insert(value);
  }

  func::FuncOp function;
  Placement placement;
  bool isWide;
  int32_t activationMax, indexMax;
  ValueParameters values;
  /// The graph's first op: arguments are quantized before it, in their order.
  Operation *first = nullptr;
};

/// Calibrated types become what they stand for; the ranges are kept here.
void Assigner::takeRanges() {
  auto take = [&](Value value) {
    auto ends =
        dyn_cast_if_present<DenseF64ArrayAttr>(noteOn(value, kSeenRangeAttr));
    if (ends && ends.size() == 2 && std::isfinite(ends[0]) &&
        std::isfinite(ends[1]) && ends[0] <= ends[1])
      values.seen[value] = {ends[0], ends[1]};
    auto tensor = dyn_cast<RankedTensorType>(value.getType());
    if (!tensor)
      return;
    if (auto type =
            dyn_cast<quant::CalibratedQuantizedType>(tensor.getElementType())) {
      values.ranges[value] = {type.getMin(), type.getMax()};
      value.setType(tensor.clone(type.getExpressedType()));
    }
  };
  Block &body = function.getBody().front();
  llvm::for_each(body.getArguments(), take);
  for (Operation &op : body)
    llvm::for_each(op.getResults(), take);
  function.setType(FunctionType::get(function.getContext(),
                                     body.getArgumentTypes(),
                                     body.getTerminator()->getOperandTypes()));
}

void Assigner::takeFixedParameters() {
  auto take = [&](Value value, Attribute attribute) {
    auto type = dyn_cast_if_present<TypeAttr>(attribute);
    auto uniform = type ? dyn_cast<quant::UniformQuantizedType>(type.getValue())
                        : quant::UniformQuantizedType();
    if (uniform)
      values.fixed[value] = uniform;
  };
  for (BlockArgument arg : function.getArguments()) {
    take(arg, function.getArgAttr(arg.getArgNumber(), kParametersAttr));
    function.removeArgAttr(arg.getArgNumber(), kParametersAttr);
  }
  for (Operation &op : function.getBody().front()) {
    if (op.getNumResults() == 1)
      take(op.getResult(0), op.getDiscardableAttr(kParametersAttr));
    op.removeDiscardableAttr(kParametersAttr);
  }
}

/// A value that only a function reads is not stored, if the function can be
/// part of its producer's finish or the value can get an index of its own.
void Assigner::findChains() {
  for (Operation &op : function.getBody().front()) {
    if (!isInteger(&op))
      continue;
    std::optional<UnaryLink> link = unaryLink(&op);
    if (!link || isQuantizableDense(&op))
      continue;
    Value input = link->input;
    Operation *producer = input.getDefiningOp();
    bool keepsParameters =
        producer &&
        (isa<DequantizeOp, MinOp, MaxOp>(producer) || isMove(producer)) &&
        isInteger(producer) && !unaryLink(producer);
    bool canStayInside = hasOneUser(input) && !values.fixed.contains(input) &&
                         !keepsParameters &&
                         !isa_and_present<DequantizeOp>(producer);
    Chain chain{input, {}};
    if (canStayInside) {
      values.internal.insert(input);
      if (auto *before = values.chains.find(input);
          before != values.chains.end()) {
        chain = std::move(before->second);
        values.chains.erase(before);
      }
    }
    chain.steps.push_back(link->step);
    values.chains[op.getResult(0)] = std::move(chain);
  }
}

/// Values that must be stored: what integer ops read and give, but for the
/// dense layers that only float ops read.
void Assigner::collectValues() {
  for (Operation &op : function.getBody().front()) {
    if (!isInteger(&op))
      continue;
    if (isQuantizableDense(&op)) {
      need(op.getOperand(0));
      bool readByIntegers = llvm::any_of(
          op.getUsers(), [&](Operation *user) { return isInteger(user); });
      if (readByIntegers)
        need(op.getResult(0));
      continue;
    }
    if (std::optional<UnaryLink> link = unaryLink(&op))
      need(link->input);
    else
      for (Value operand : op.getOperands())
        need(operand);
    need(op.getResult(0));
  }
}

/// The function's results stay f32; what an 8-bit caller gets of them follows
/// from the same ranges.
void Assigner::noteResults() {
  Operation *end = function.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(end->getOperands())) {
    quant::UniformQuantizedType type = values.fixed.lookup(value);
    if (auto range = values.ranges.find(value);
        !type && range != values.ranges.end())
      type = uniformTypeFor(
          function.getContext(),
          chooseCovering(range->second.lo, range->second.hi, 0, 255));
    if (type)
      function.setResultAttr(i, kStoredAsAttr, TypeAttr::get(type));
  }
}

/// What integer ops read is the quantized value; a float reader keeps the value
/// itself where a float op makes it.
void Assigner::insertPair(Value value, quant::UniformQuantizedType type) {
  OpBuilder builder(function.getContext());
  if (value.getDefiningOp())
    builder.setInsertionPointAfterValue(value);
  else
    builder.setInsertionPoint(first);
  auto quantized = QuantizeOp::create(builder, value.getLoc(),
                                      withElementType(value, type), value);
  auto read =
      DequantizeOp::create(builder, value.getLoc(), value.getType(), quantized);
  Operation *producer = value.getDefiningOp();
  if (auto coarse = values.coarse.lookup(value))
    if (auto arg = dyn_cast<BlockArgument>(value))
      function.setArgAttr(arg.getArgNumber(), kStoredAsAttr,
                          TypeAttr::get(coarse));
  for (StringRef name : {StringRef(kMeanAttr), StringRef(kOutputNoiseAttr)})
    if (Attribute note = noteOn(value, name))
      quantized->setDiscardableAttr(name, note);
  bool onlyQuantized = isInteger(producer);
  value.replaceUsesWithIf(read, [&](OpOperand &use) {
    Operation *user = use.getOwner();
    // A finish reads what the layer beside it reads.
    return user != quantized && !isa<QuantizeOp>(user) &&
           (onlyQuantized || isInteger(user) || user->hasAttr(kFinishAttr));
  });
}

struct AssignParameters : qnet::impl::AssignParametersBase<AssignParameters> {
  using AssignParametersBase::AssignParametersBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (activations != "int8" && activations != "int16") {
      module.emitError("assign-parameters: activations must be int8 or int16, "
                       "not '")
          << activations << "'";
      return signalPassFailure();
    }
    if (activationMax < 127 || activationMax > 255) {
      module.emitError("assign-parameters: activation-max must be 127 to 255, "
                       "not ")
          << activationMax.getValue();
      return signalPassFailure();
    }
    if (indexBits < 8 || indexBits > 16) {
      module.emitError("assign-parameters: index-bits must be 8 to 16, not ")
          << indexBits.getValue();
      return signalPassFailure();
    }
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isDeclaration() &&
          failed(Assigner(function, activations == "int16", activationMax,
                          (1 << indexBits) - 1)
                     .run(allowFloat)))
        return signalPassFailure();
  }
};

} // namespace
