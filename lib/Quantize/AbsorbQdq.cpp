//===- AbsorbQdq.cpp - parameters of graphs that come quantized -----------===//
//
// Takes          float ops between dequantize(quantize(x)) pairs, as they come
//                from QuantizeLinear and DequantizeLinear.
// Gives          the float graph with `qnet.parameters` on the values'
// producers;
//                signed 8 bits as unsigned (q + 128, zero point + 128).
// Why            such a graph then takes the road of any calibrated one, and
//                keeps the scales its author chose.
// Not done here  weights: they are constants, and quantize-weights finds the
//                grid on which they lie.
//
//===----------------------------------------------------------------------===//
#include "StorageTypes.h"
#include "UnarySteps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "quantc/Quantize/Passes.h"
#include "quantc/Quantize/Quantize.h"
#include "quantc/Reference/Interpreter.h"

#define DEBUG_TYPE "absorb-qdq"

namespace mlir::qnet {
#define GEN_PASS_DEF_ABSORBQDQ
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// The distance between the storage ranges of i8 and u8.
constexpr int64_t kSignedOffset = 128;

/// The same real numbers on unsigned storage of 8 bits; null where the type has
/// more bits, or stands for something else than f32.
quant::UniformQuantizedType asUnsigned(quant::UniformQuantizedType type) {
  if (!type || type.getStorageTypeIntegralWidth() != 8 ||
      !type.getExpressedType().isF32())
    return {};
  if (!type.isSigned())
    return type;
  return quant::UniformQuantizedType::get(
      /*flags=*/0, type.getStorageType(), type.getExpressedType(),
      type.getScale(), type.getZeroPoint() + kSignedOffset,
      type.getStorageTypeMin() + kSignedOffset,
      type.getStorageTypeMax() + kSignedOffset);
}

struct AbsorbQdq : qnet::impl::AbsorbQdqBase<AbsorbQdq> {
  void runOnOperation() override {
    SmallVector<DequantizeOp> pairs;
    getOperation().walk([&](DequantizeOp dequantize) {
      if (dequantize.getInput().getDefiningOp<QuantizeOp>())
        pairs.push_back(dequantize);
    });
    for (DequantizeOp dequantize : pairs)
      if (failed(absorb(dequantize)))
        return signalPassFailure();
  }

  LogicalResult absorb(DequantizeOp dequantize);
  LogicalResult evaluateConstant(DequantizeOp dequantize, QuantizeOp quantize);
};

/// The attribute that holds the parameters of a value, to read and to write.
Attribute parametersOf(Value value) {
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    auto function = dyn_cast<func::FuncOp>(arg.getOwner()->getParentOp());
    return function ? function.getArgAttr(arg.getArgNumber(), kParametersAttr)
                    : Attribute();
  }
  return value.getDefiningOp()->getDiscardableAttr(kParametersAttr);
}

void setParameters(Value value, Attribute attribute) {
  if (auto arg = dyn_cast<BlockArgument>(value))
    cast<func::FuncOp>(arg.getOwner()->getParentOp())
        .setArgAttr(arg.getArgNumber(), kParametersAttr, attribute);
  else
    value.getDefiningOp()->setDiscardableAttr(kParametersAttr, attribute);
}

LogicalResult AbsorbQdq::evaluateConstant(DequantizeOp dequantize,
                                          QuantizeOp quantize) {
  ElementsAttr attribute;
  matchPattern(quantize.getInput(), m_Constant(&attribute));
  FailureOr<Tensor> input = tensorFrom(
      attribute, Limits().elements, [&]() { return quantize.emitOpError(); });
  if (failed(input))
    return failure();
  auto stored = evaluateOp(quantize, *input);
  if (failed(stored))
    return failure();
  auto real = evaluateOp(dequantize, *stored);
  if (failed(real))
    return failure();
  OpBuilder builder(dequantize);
  auto constant = ConstantOp::create(builder, dequantize.getLoc(),
                                     attributeFrom(real->front()));
  dequantize.replaceAllUsesWith(constant.getResult());
  dequantize.erase();
  if (quantize->use_empty())
    quantize.erase();
  return success();
}

LogicalResult AbsorbQdq::absorb(DequantizeOp dequantize) {
  auto quantize = dequantize.getInput().getDefiningOp<QuantizeOp>();
  Value value = quantize.getInput();
  if (isConstant(value))
    return evaluateConstant(dequantize, quantize);
  quant::UniformQuantizedType type =
      asUnsigned(uniformTypeOf(quantize.getResult()));
  if (!type)
    return quantize.emitOpError("makes ")
           << quantize.getType()
           << ", but activations are per-tensor 8-bit integers over f32; "
              "export "
              "the model with those, or in float";
  if (value.getDefiningOp() && value.getDefiningOp()->getNumResults() != 1)
    return quantize.emitOpError("quantizes one of several results of ")
           << value.getDefiningOp()->getName() << ", which has no integer form";
  auto attribute = TypeAttr::get(type);
  Attribute already = parametersOf(value);
  if (already && already != attribute) {
    // The value is wanted under other parameters too: a second value.
    OpBuilder builder(dequantize);
    value = ActivationOp::create(builder, dequantize.getLoc(), value.getType(),
                                 Function::identity, value, FloatAttr(),
                                 FloatAttr());
  }
  setParameters(value, attribute);
  dequantize.replaceAllUsesWith(value);
  dequantize.erase();
  if (quantize->use_empty())
    quantize.erase();
  return success();
}

} // namespace
