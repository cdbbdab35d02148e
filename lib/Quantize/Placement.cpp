//===- Placement.cpp - which ops become integer ops -----------------------===//
#include "Placement.h"
#include "StorageTypes.h"
#include "UnarySteps.h"

#include "quantc/Quantize/Precision.h"
#include "quantc/Quantize/Quantize.h"

using namespace mlir;
using namespace mlir::qnet;

bool qnet::staysFloat(Operation *op) {
  return isa<DenseOp>(op) && precisionOf(op) == Precision::Float;
}

bool qnet::isQuantizableDense(Operation *op) {
  auto dense = dyn_cast<DenseOp>(op);
  return dense && !staysFloat(dense) && isRealTensor(dense.getInput()) &&
         isConstant(dense.getWeights()) &&
         (!dense.getBias() || isConstant(dense.getBias()));
}

bool qnet::isMove(Operation *op) {
  if (auto gather = dyn_cast<GatherOp>(op))
    return isRealTensor(gather.getInput());
  return isa<ReshapeOp, TransposeOp, SliceOp, ConcatOp>(op);
}

/// Ops on f32 tensors that Quantize has to place. Conversions to and from
/// stored integers are where they should be already.
static bool isFloatOp(Operation *op) {
  if (isa<ConstantOp, QuantizeOp, DequantizeOp, LookupOp, QDenseOp>(op) ||
      op->hasTrait<OpTrait::IsTerminator>())
    return false;
  auto isReal = [](Value value) { return isRealTensor(value); };
  return llvm::any_of(op->getOperands(), isReal) ||
         llvm::any_of(op->getResults(), isReal);
}

/// Whether the op has an integer form for f32 operands of any origin.
static bool hasIntegerForm(Operation *op) {
  if (isQuantizableDense(op) || isMove(op) || unaryLink(op))
    return true;
  if (isa<AddOp, SubOp, MulOp>(op))
    return true;
  // On stored integers min and max take no constant: they would need the
  // constant in storage form, and a scalar one is a step of a chain anyway.
  if (isa<MinOp, MaxOp>(op))
    return llvm::none_of(op->getOperands(), isConstant);
  return false;
}

/// Whether the op takes some features of a graph input: then the others are
/// neither read nor part of its range.
static bool selectsInputs(Operation *op) {
  auto gather = dyn_cast<GatherOp>(op);
  if (!gather || !isa<BlockArgument>(gather.getInput()))
    return false;
  auto input = cast<RankedTensorType>(gather.getInput().getType());
  auto result = cast<RankedTensorType>(gather.getType());
  return result.getRank() == input.getRank() &&
         int64_t(gather.getAxis()) == input.getRank() - 1 &&
         !input.isDynamicDim(input.getRank() - 1) &&
         result.getShape().back() < input.getShape().back();
}

/// Whether the op has an integer form that is as good on a graph input as the
/// op itself before the input is quantized.
static bool isBestAfterQuantization(Operation *op) {
  return isMove(op) || unaryLink(op);
}

/// What the op shifts or scales by constants; null where it does neither.
static Value scaledValue(Operation *op) {
  if (!isa<AddOp, SubOp, MulOp, DivOp>(op))
    return {};
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  if (isConstant(rhs))
    return lhs;
  return isa<AddOp, MulOp>(op) && isConstant(lhs) ? rhs : Value();
}

/// Whether the value is a graph input, or some features of it, shifted and
/// scaled by constants.
static bool isScaledInput(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    value = selectsInputs(op) ? op->getOperand(0) : scaledValue(op);
    if (!value)
      return false;
  }
  return true;
}

bool Placement::isInputParameter(Operation *op) const {
  return scaledValue(op) && isScaledInput(op->getResult(0)) &&
         llvm::all_of(op->getUsers(), [&](Operation *user) {
           return !preprocessing.contains(user) || parameters.contains(user);
         });
}

Placement::Placement(func::FuncOp function) : function(function) {
  Block &body = function.getBody().front();
  for (Operation &op : body)
    if (isQuantizableDense(&op) || llvm::any_of(op.getOperands(), [&](Value v) {
          return v.getDefiningOp() && after.contains(v.getDefiningOp());
        }))
      after.insert(&op);
  for (Operation &op : body) {
    auto isPrologue = [&](Value v) {
      return v.getDefiningOp() && prologue.contains(v.getDefiningOp());
    };
    if (!after.contains(&op) && isFloatOp(&op) &&
        (!isBestAfterQuantization(&op) ||
         llvm::any_of(op.getOperands(), isPrologue)))
      prologue.insert(&op);
  }
  for (Operation &op : llvm::reverse(body))
    if (isQuantizableDense(&op) ||
        llvm::any_of(op.getUsers(),
                     [&](Operation *user) { return before.contains(user); }))
      before.insert(&op);
}

LogicalResult Placement::decide(bool allowFloat) {
  LogicalResult result = success();
  for (Operation &op : llvm::reverse(function.getBody().front()))
    if (isFloatOp(&op) && failed(decideOne(&op, allowFloat)))
      result = failure();
  return result;
}

LogicalResult Placement::decideOne(Operation *op, bool allowFloat) {
  auto stayFloat = [&](StringRef reason) {
    if (!isMove(op))
      op->setAttr(kLedgerAttr, StringAttr::get(op->getContext(), reason));
    return success();
  };
  if (isQuantizableDense(op)) {
    integer.insert(op);
    return success();
  }
  if (auto reason = op->getAttrOfType<StringAttr>(kFinishAttr))
    return stayFloat(reason.getValue());
  if (staysFloat(op)) {
    if (!isAfterDense(op))
      preprocessing.insert(op);
    return stayFloat("left in float, as its precision asks");
  }
  if (!isBeforeDense(op))
    return stayFloat("no dense layer follows: it computes what is read as "
                     "float");
  if (!isAfterDense(op)) {
    bool feedsPreprocessing =
        llvm::any_of(op->getUsers(), [&](Operation *user) {
          return preprocessing.contains(user);
        });
    // A function behind a float op would only round once more than the op has
    // to; a move rounds nothing.
    const bool staysExact = isMove(op) || !isInPrologue(op);
    if (isBestAfterQuantization(op) && staysExact && !feedsPreprocessing &&
        !selectsInputs(op)) {
      integer.insert(op);
      return success();
    }
    preprocessing.insert(op);
    if (isInputParameter(op)) {
      parameters.insert(op);
      op->setAttr(kInputParametersAttr, UnitAttr::get(op->getContext()));
      return stayFloat("part of the input's quantization: an offset or a "
                       "factor for each feature");
    }
    return stayFloat("prepares a graph input before it is quantized");
  }
  if (hasIntegerForm(op)) {
    integer.insert(op);
    return success();
  }
  if (allowFloat)
    return stayFloat("has no integer form; left in float as allow-float asks");
  return op->emitOpError("has no integer form and stands between dense layers; "
                         "quantize with allow-float to compute it in f32, or "
                         "take it out of the network");
}
