//===- ConvertToInteger.cpp - float ops between integers become integer ops
//===//
//
// Takes          quantize(op(... dequantize(q) ...)), in the form that
//                assign-parameters leaves; dense layers are qdense already.
// Gives          op' on the stored integers: one correctly rounded table for a
//                chain of functions, qadd/qsub/qmul, moves, requantize.
// Why            a value between two integer ops is never float at run time.
// Not done here  fusing what stands next to each other (Optimize).
//
//===----------------------------------------------------------------------===//
#include "Placement.h"
#include "StorageTypes.h"
#include "UnarySteps.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Numerics/Tables.h"
#include "quantc/Quantize/Passes.h"
#include "quantc/Quantize/Quantize.h"

#define DEBUG_TYPE "convert-to-integer"

namespace mlir::qnet {
#define GEN_PASS_DEF_CONVERTTOINTEGER
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;
using numerics::UnaryStep;

namespace {

/// What a quantize op quantizes: a chain of functions from `source`.
struct Quantized {
  Value source;
  SmallVector<UnaryStep> steps;
};

Quantized readUpwards(QuantizeOp quantize) {
  Quantized result{quantize.getInput(), {}};
  while (Operation *op = result.source.getDefiningOp()) {
    std::optional<UnaryLink> link = unaryLink(op);
    if (!link || op->hasAttr(kLedgerAttr) || !hasOneUser(result.source))
      break;
    result.steps.insert(result.steps.begin(), link->step);
    result.source = link->input;
  }
  return result;
}

/// The stored integers behind a dequantize, or null.
Value storedIntegers(Value value) {
  auto dequantize = value.getDefiningOp<DequantizeOp>();
  if (!dequantize || !uniformTypeOf(dequantize.getInput()))
    return {};
  return dequantize.getInput();
}

/// `stored` under the parameters of `type`.
Value asType(OpBuilder &builder, Location location, Value stored,
             quant::UniformQuantizedType type) {
  if (uniformTypeOf(stored) == type)
    return stored;
  return RequantizeOp::create(builder, location, withElementType(stored, type),
                              stored);
}

Value lookUp(OpBuilder &builder, Location location, Value stored,
             ArrayRef<UnaryStep> steps, quant::UniformQuantizedType type) {
  std::vector<int32_t> entries = numerics::makeTable(
      steps, paramsOf(uniformTypeOf(stored)), paramsOf(type));
  int64_t count = entries.size();
  Value table;
  if (type.getStorageTypeIntegralWidth() == 8)
    table = makeConstant<uint8_t>(
        builder, location, {count}, builder.getIntegerType(8, false),
        std::vector<uint8_t>(entries.begin(), entries.end()));
  else
    table = makeConstant<uint16_t>(
        builder, location, {count}, builder.getIntegerType(16, false),
        std::vector<uint16_t>(entries.begin(), entries.end()));
  return LookupOp::create(builder, location, withElementType(stored, type),
                          stored, table);
}

template <typename OpTy>
Value combine(OpBuilder &builder, QuantizeOp quantize, Value lhs, Value rhs) {
  return OpTy::create(builder, quantize.getLoc(),
                      quantize.getResult().getType(), lhs, rhs);
}

struct ConvertToInteger : qnet::impl::ConvertToIntegerBase<ConvertToInteger> {
  void runOnOperation() override {
    SmallVector<QuantizeOp> ends;
    getOperation().walk([&](QuantizeOp quantize) { ends.push_back(quantize); });
    for (QuantizeOp quantize : ends)
      if (Value stored = convert(quantize)) {
        Operation *producer = stored.getDefiningOp();
        for (StringRef name :
             {StringRef(kMeanAttr), StringRef(kOutputNoiseAttr)})
          if (Attribute note = quantize->getDiscardableAttr(name))
            if (producer)
              producer->setDiscardableAttr(name, note);
        quantize.replaceAllUsesWith(stored);
        quantize.erase();
      }
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isDeclaration())
        cleanUp(function);
  }

  /// The integers that take the place of `quantize`'s result, or null where
  /// there is nothing to convert (an input, a float op's result).
  Value convert(QuantizeOp quantize);
  Value convertOperands(QuantizeOp quantize, Operation *op);
  void cleanUp(func::FuncOp function);
};

Value ConvertToInteger::convert(QuantizeOp quantize) {
  quant::UniformQuantizedType type = uniformTypeOf(quantize.getResult());
  if (!type || type.isSigned())
    return {};
  OpBuilder builder(quantize);
  auto [source, steps] = readUpwards(quantize);
  if (Value stored = storedIntegers(source)) {
    if (steps.empty())
      return asType(builder, quantize.getLoc(), stored, type);
    return lookUp(builder, quantize.getLoc(), stored, steps, type);
  }
  if (!steps.empty()) {
    if (!isClampOf(steps, paramsOf(type)))
      return {};
    // The result's range clamps as the steps do, which nobody else reads.
    Operation *clamp = quantize.getInput().getDefiningOp();
    quantize.getInputMutable().assign(source);
    while (clamp && clamp->use_empty()) {
      Operation *before = unaryLink(clamp)->input.getDefiningOp();
      clamp->erase();
      if (before == source.getDefiningOp())
        break;
      clamp = before;
    }
  }
  Operation *op = source.getDefiningOp();
  if (!op || op->hasAttr(kLedgerAttr) || !hasOneUser(source))
    return {};
  return convertOperands(quantize, op);
}

/// An op of several stored operands whose only reader is `quantize`.
Value ConvertToInteger::convertOperands(QuantizeOp quantize, Operation *op) {
  quant::UniformQuantizedType type = uniformTypeOf(quantize.getResult());
  OpBuilder builder(quantize);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (!isRealTensor(operand)) {
      operands.push_back(operand);
      continue;
    }
    Value stored = storedIntegers(operand);
    if (!stored)
      return {};
    operands.push_back(stored);
  }
  if (isa<AddOp>(op))
    return combine<QAddOp>(builder, quantize, operands[0], operands[1]);
  if (isa<SubOp>(op))
    return combine<QSubOp>(builder, quantize, operands[0], operands[1]);
  if (isa<MulOp>(op))
    return combine<QMulOp>(builder, quantize, operands[0], operands[1]);
  if (!isMove(op) && !isa<MinOp, MaxOp>(op))
    return {};
  for (Value &operand : operands)
    if (uniformTypeOf(operand))
      operand = asType(builder, quantize.getLoc(), operand, type);
  // The same op on the same places; only the element type is another.
  OperationState state(quantize.getLoc(), op->getName(), operands,
                       quantize.getResult().getType());
  state.propertiesAttr = op->getPropertiesAsAttribute();
  return builder.create(state)->getResult(0);
}

/// What calibration notes on values.
static constexpr llvm::StringLiteral kNotes[] = {kMeanAttr, kSeenRangeAttr,
                                                 kOutputNoiseAttr};

/// Removes what nobody reads any more and the notes of the stages before; what
/// storing a value does stays on the op that stores it.
void ConvertToInteger::cleanUp(func::FuncOp function) {
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(function.getBody().front()))) {
    for (StringRef note : kNotes)
      if (note != kOutputNoiseAttr || op.getNumResults() != 1 ||
          !isStoredInteger(getElementTypeOrSelf(op.getResult(0))))
        op.removeDiscardableAttr(note);
    if (isOpTriviallyDead(&op))
      op.erase();
  }
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    for (StringRef note : kNotes)
      function.removeArgAttr(i, note);
}

} // namespace
