//===- QuantizeWeights.cpp - dense layers become qdense -------------------===//
//
// Takes          dense layers with constant weights whose input is dequantized
//                (the form assign-parameters leaves).
// Gives          acc[n] = bias'[n] + sum_k q[k] * w'[n, k], with
//                w' = rne(w / s[n]), s[n] = max|w[n]| / 127,
//                bias' = rne((b - e) / (s_in * s[n])) - zp * sum_k w',
//                e[n] = sum_k (s[n] * w' - w) * mean[k], the mean rounding
//                error. In 4 bits: w' = multiplier[n, k / 64] * w4. Of fine
//                weights, a second layer of w - s[n] * w', and the sum of both.
// Why            zero points, biases and the error's mean cost nothing at run
//                time; a scale a channel keeps small rows as precise as large.
// Not done here  functions between layers (convert-to-integer); which weights
//                and scales a channel gets (IntegerRow, GroupedRow; of
//                the passes before, compensate-rounding).
//
//===----------------------------------------------------------------------===//
#include "RoundableLayer.h"
#include "RoundingError.h"
#include "StorageTypes.h"
#include "UnarySteps.h"

#include "quantc/Dialect/ChannelExponents.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Numerics/Parameters.h"
#include "quantc/Quantize/Passes.h"
#include "quantc/Quantize/Precision.h"
#include "quantc/Quantize/Quantize.h"
#include "quantc/Reference/PartLocation.h"

#define DEBUG_TYPE "quantize-weights"

namespace mlir::qnet {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;
using numerics::QuantParams;
using numerics::UnaryStep;

namespace {

/// What becomes of a layer's result.
struct Finish {
  /// The quantize op whose place the integer result takes; null: a float
  /// result.
  QuantizeOp target;
  /// The clamps between, which the result's range makes superfluous.
  SmallVector<Operation *> clamps;
};

Finish findFinish(DenseOp dense) {
  Finish finish;
  SmallVector<UnaryStep> steps;
  for (Value value = dense.getResult(); hasOneUser(value);) {
    Operation *user = *value.getUsers().begin();
    if (auto quantize = dyn_cast<QuantizeOp>(user)) {
      auto type = uniformTypeOf(quantize.getResult());
      if (type && !type.isSigned() && isClampOf(steps, paramsOf(type)))
        finish.target = quantize;
      break;
    }
    std::optional<UnaryLink> link = unaryLink(user);
    if (!link || user->hasAttr(kLedgerAttr))
      break;
    steps.push_back(link->step);
    finish.clamps.push_back(user);
    value = user->getResult(0);
  }
  return finish;
}

struct QuantizeWeights : qnet::impl::QuantizeWeightsBase<QuantizeWeights> {
  using QuantizeWeightsBase::QuantizeWeightsBase;

  void runOnOperation() override {
    if (requant != "float" && requant != "fixed") {
      getOperation().emitError("quantize-weights: requant must be float or "
                               "fixed, not '")
          << requant << "'";
      return signalPassFailure();
    }
    if (weights != "int8" && weights != "int4") {
      getOperation().emitError("quantize-weights: weights must be int8 or "
                               "int4, not '")
          << weights << "'";
      return signalPassFailure();
    }
    SmallVector<DenseOp> layers;
    getOperation().walk([&](DenseOp dense) {
      if (dense.getInput().getDefiningOp<DequantizeOp>())
        layers.push_back(dense);
    });
    for (size_t i = 0; i < layers.size(); ++i) // convert adds to them
      if (failed(convert(layers[i], layers)))
        return signalPassFailure();
  }

  /// Adds the layer that is to be converted next to `layers`, if there is one.
  LogicalResult convert(DenseOp dense, SmallVectorImpl<DenseOp> &layers);
};

/// Adds a layer of what is left of the weights to the result of `dense`, which
/// is `coarse` by now.
DenseOp addRest(DenseOp dense, ArrayRef<float> weights, ArrayRef<float> rounded,
                QDenseOp coarse) {
  OpBuilder builder(dense);
  std::vector<float> left(weights.size());
  for (size_t i = 0; i < left.size(); ++i)
    left[i] = weights[i] - rounded[i];
  auto shape = cast<RankedTensorType>(dense.getWeights().getType()).getShape();
  Location location = partLocation(dense.getLoc(), "fine");
  Value constant =
      makeConstant<float>(builder, location, shape, builder.getF32Type(), left);
  auto rest =
      DenseOp::create(builder, location, dense.getType(), dense.getInput(),
                      constant, Value(), Function::identity, {}, {});
  rest->setAttr(kFrozenAttr, builder.getUnitAttr());
  auto sum = AddOp::create(builder, dense.getLoc(), dense.getType(), coarse,
                           rest.getResult());
  StringAttr reason =
      builder.getStringAttr("sum of both halves of fine weights");
  sum->setAttr(kLedgerAttr, reason);
  sum->setAttr(kFinishAttr, reason);
  dense.replaceAllUsesWith(sum.getResult());
  return rest;
}

/// `weights` and `bias` are the layer's own: what compensate-rounding made of
/// those that it was trained with, where it did.
std::optional<double> noiseOfRounding(DenseOp dense, ArrayRef<float> weights,
                                      ArrayRef<float> bias,
                                      ArrayRef<float> rounded,
                                      ArrayRef<double> mean) {
  std::vector<float> target(weights.begin(), weights.end());
  if (auto unrounded = dyn_cast_if_present<ElementsAttr>(
          dense->getDiscardableAttr(kUnroundedAttr)))
    if (auto before = readElements<float>(unrounded);
        succeeded(before) && before->size() == target.size())
      target = std::move(*before);
  std::vector<double> ownBias(bias.begin(), bias.end());
  const size_t columns = weights.size() / bias.size();
  for (size_t n = 0; n < bias.size(); ++n)
    for (size_t k = 0; k < mean.size(); ++k)
      ownBias[n] += (static_cast<double>(weights[n * columns + k]) -
                     target[n * columns + k]) *
                    mean[k];
  return roundingNoise(dense, {target, rounded, ownBias, mean});
}

/// The bias of an rbf kernel's layer for its rounded weights.
double rbfBias(ArrayRef<int8_t> quantized, const WeightGrid &grid,
               double gamma) {
  double squares = 0;
  for (auto [k, weight] : llvm::enumerate(quantized)) {
    const double w =
        weight * static_cast<double>(grid.step(static_cast<int64_t>(k)));
    squares += w * w;
  }
  return -squares / (4 * gamma);
}

LogicalResult QuantizeWeights::convert(DenseOp dense,
                                       SmallVectorImpl<DenseOp> &layers) {
  if (dense->hasAttr(kLedgerAttr))
    return success();
  auto dequantize = dense.getInput().getDefiningOp<DequantizeOp>();
  quant::UniformQuantizedType inputType = uniformTypeOf(dequantize.getInput());
  if (!inputType || inputType.isSigned() ||
      inputType.getStorageTypeMax() > QDenseOp::kMaxInput)
    return dense.emitOpError("reads ")
           << dequantize.getInput().getType()
           << ", but integer layers read per-tensor unsigned values of at most "
           << QDenseOp::kMaxInput
           << "; quantize the input with one u8 scale, or u16<0:"
           << QDenseOp::kMaxInput << ">";
  auto weights = readConstant<float>(dense.getWeights());
  if (failed(weights))
    return dense.emitOpError(
        "has weights that are not a readable f32 constant; "
        "fold constants first");
  auto shape = cast<RankedTensorType>(dense.getWeights().getType()).getShape();
  int64_t rows = shape[0], columns = shape[1];
  std::vector<float> bias(rows, 0.0f);
  if (dense.getBias()) {
    auto elements = readConstant<float>(dense.getBias());
    if (failed(elements))
      return dense.emitOpError(
          "has a bias that is not a readable f32 constant; "
          "fold constants first");
    bias = std::move(*elements);
  }

  LayerInput input{paramsOf(inputType), {}};
  if (biasCorrection && !dense->hasAttr(kFrozenAttr))
    input.mean = meanOf(dequantize.getInput(), columns);
  Finish finish = findFinish(dense);
  const bool isFloat = !finish.target;
  const bool isSplit = splitFine && isFloat && dense->hasAttr(kFineWeightsAttr);
  if (isFloat && dense.getFunction() != Function::identity)
    return dense.emitOpError("still has a function; run "
                             "decompose-for-integers first");
  QuantParams out;
  if (!isFloat)
    out = paramsOf(uniformTypeOf(finish.target.getResult()));
  bool isFixed = !isFloat && requant == "fixed";

  bool isWide = inputType.getStorageTypeIntegralWidth() > 8;
  std::optional<Precision> precision = precisionOf(dense);
  if (precision == Precision::Int4 && isWide)
    return dense.emitOpError(
        "can't have the precision int4: its input has 16 bits, as another "
        "reader or the model wants, and weights of 4 bits multiply inputs of "
        "8; give it int8");
  std::string whyBytes;
  if (!precision && this->weights == "int4")
    whyBytes = reasonForBytes(rows, columns, isWide, leastInt4);
  bool isGrouped = precision ? precision == Precision::Int4
                             : this->weights == "int4" && whyBytes.empty();
  int64_t groups = isGrouped ? QDenseOp::groupsOf(columns) : 0;
  std::vector<uint8_t> groupMultipliers(rows * groups);
  std::vector<int8_t> integerWeights(weights->size());
  std::vector<float> rounded(weights->size());
  std::vector<int32_t> integerBias(rows), mantissas(rows), shifts(rows);
  std::vector<float> multipliers(rows), outBias(rows);
  for (int64_t n = 0; n < rows; ++n) {
    ArrayRef<float> row = ArrayRef<float>(*weights).slice(n * columns, columns);
    const auto *bad =
        llvm::find_if(row, [](float w) { return !std::isfinite(w); });
    if (bad != row.end() || !std::isfinite(bias[n]))
      return dense.emitOpError(
                 "has a weight or bias that is NaN or infinite in "
                 "output channel ")
             << n << "; train or repair the network before quantizing it";
    auto quantized =
        MutableArrayRef<int8_t>(integerWeights).slice(n * columns, columns);
    WeightGrid grid = gridOf(dense, n, row, isGrouped);
    std::optional<IntegerRow> fitting =
        quantizeRow(row, bias[n], input, isFloat, grid, quantized);
    if (auto gamma = dense->getAttrOfType<FloatAttr>(kRbfGammaAttr);
        gamma && fitting && !isSplit)
      fitting =
          quantizeRow(row, rbfBias(quantized, grid, gamma.getValueAsDouble()),
                      input, isFloat, grid, quantized);
    llvm::copy(grid.multipliers, groupMultipliers.begin() + n * groups);
    if (!fitting)
      return dense.emitOpError("has in output channel ")
             << n << " a bias of " << bias[n]
             << ", which fits no 32-bit accumulator; scale the network's "
                "values";
    for (int64_t k = 0; k < columns; ++k)
      rounded[n * columns + k] =
          static_cast<float>(quantized[k]) * grid.step(k);
    IntegerRow integer = *fitting;
    integerBias[n] = integer.bias;
    if (isFloat) {
      multipliers[n] =
          numerics::chooseOutputMultiplier(input.params.scale, integer.scale);
      outBias[n] = numerics::settleBias(integer.realBias);
    } else if (isFixed) {
      numerics::FixedMultiplier fixed = numerics::encodeMultiplier(
          double(input.params.scale) * integer.scale / out.scale);
      mantissas[n] = fixed.mantissa;
      shifts[n] = fixed.shift;
    } else {
      multipliers[n] = numerics::chooseMultiplier(input.params.scale,
                                                  integer.scale, out.scale);
    }
  }

  OpBuilder builder(dense);
  Location location = isSplit   ? partLocation(dense.getLoc(), "coarse")
                      : isFloat ? dense.getLoc()
                                : finish.target.getLoc();
  auto vector = [&](auto &elements, Type type) {
    using T = typename std::remove_reference_t<decltype(elements)>::value_type;
    return makeConstant<T>(builder, location, {rows}, type, elements);
  };
  Type i32 = builder.getI32Type(), f32 = builder.getF32Type();
  Value weightValue =
      isGrouped
          ? makeNibbles(builder, location, {rows, columns}, integerWeights)
          : makeConstant<int8_t>(builder, location, {rows, columns},
                                 builder.getI8Type(), integerWeights);
  Value groupValue;
  if (isGrouped)
    groupValue = makeConstant<uint8_t>(
        builder, location, {rows, groups},
        builder.getIntegerType(8, /*isSigned=*/false), groupMultipliers);
  Value biasValue = vector(integerBias, i32);
  Value multiplier =
      isFixed ? vector(mantissas, i32) : vector(multipliers, f32);
  Value shift = isFixed ? vector(shifts, i32) : Value();
  Value outBiasValue = isFloat ? vector(outBias, f32) : Value();
  Type resultType =
      isFloat ? dense.getType() : finish.target.getResult().getType();
  auto integer = QDenseOp::create(builder, location, resultType,
                                  dequantize.getInput(), weightValue, biasValue,
                                  multiplier, shift, outBiasValue, groupValue);
  for (StringRef name :
       {StringRef(kPrunedAttr), StringRef(kFrozenAttr), StringRef(kWidenedAttr),
        StringRef(kChannelExponentsAttr), StringRef(kChannelCopiesAttr)})
    if (Attribute attribute = dense->getDiscardableAttr(name))
      integer->setDiscardableAttr(name, attribute);
  if (!whyBytes.empty())
    integer->setDiscardableAttr(kWeightsAttr, builder.getStringAttr(whyBytes));
  if (noteRounding)
    if (std::optional<double> noise =
            noiseOfRounding(dense, *weights, bias, rounded, input.mean))
      integer->setDiscardableAttr(kRoundingNoiseAttr,
                                  builder.getF64FloatAttr(*noise));
  if (isSplit) {
    layers.push_back(addRest(dense, *weights, rounded, integer));
  } else if (isFloat) {
    dense.replaceAllUsesWith(integer.getResult());
  } else {
    for (StringRef name : {StringRef(kMeanAttr), StringRef(kOutputNoiseAttr)})
      if (Attribute attribute = finish.target->getDiscardableAttr(name))
        integer->setDiscardableAttr(name, attribute);
    finish.target.replaceAllUsesWith(integer.getResult());
    finish.target.erase();
    for (Operation *clamp : llvm::reverse(finish.clamps))
      clamp->erase();
  }
  dense.erase();
  if (dequantize->use_empty())
    dequantize.erase();
  return success();
}

} // namespace
