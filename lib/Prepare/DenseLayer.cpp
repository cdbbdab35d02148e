//===- DenseLayer.cpp - a dense layer's constants as matrices -------------===//
#include "DenseLayer.h"

#include "quantc/Dialect/Constants.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

std::optional<DenseLayer> DenseLayer::read(DenseOp op) {
  auto type = cast<RankedTensorType>(op.getWeights().getType());
  FailureOr<std::vector<float>> weights = readConstant<float>(op.getWeights());
  if (!type.getElementType().isF32() || failed(weights))
    return std::nullopt;
  DenseLayer layer{std::move(*weights),
                   {},
                   type.getDimSize(0),
                   type.getDimSize(1),
                   bool(op.getBias())};
  layer.bias.assign(layer.channels, 0);
  if (layer.hasBias) {
    FailureOr<std::vector<float>> bias = readConstant<float>(op.getBias());
    if (failed(bias))
      return std::nullopt;
    layer.bias = std::move(*bias);
  }
  auto finite = [](float value) { return std::isfinite(value); };
  if (!llvm::all_of(layer.weights, finite) || !llvm::all_of(layer.bias, finite))
    return std::nullopt;
  return layer;
}

void DenseLayer::write(DenseOp op) const {
  OpBuilder builder(op);
  Location weightsLocation = op.getWeights().getLoc();
  Location biasLocation =
      op.getBias() ? op.getBias().getLoc() : weightsLocation;
  SmallVector<Operation *> old;
  for (Value constant : op->getOperands().drop_front())
    old.push_back(constant.getDefiningOp());
  op.getWeightsMutable().assign(
      makeConstant<float>(builder, weightsLocation, {channels, inputs},
                          builder.getF32Type(), weights));
  if (hasBias)
    op.getBiasMutable().assign(makeConstant<float>(
        builder, biasLocation, {channels}, builder.getF32Type(), bias));
  for (Operation *constant : old)
    if (constant && constant->use_empty())
      constant->erase();
}
