//===- Precision.cpp - the bits of each layer -----------------------------===//
#include "quantc/Quantize/Precision.h"

#include "Placement.h"
#include "StorageTypes.h"
#include "UnarySteps.h"

#include "quantc/Quantize/Quantize.h"
#include "quantc/Reference/Compare.h"

using namespace mlir;
using namespace mlir::qnet;

namespace {
struct PrecisionName {
  llvm::StringLiteral word, brief;
  Precision precision;
};
constexpr PrecisionName kNames[] = {
    {"int4", "4", Precision::Int4},
    {"int8", "8", Precision::Int8},
    {"int8x16", "8x16", Precision::Int8x16},
    {"float", "f", Precision::Float},
    {"int8/block:0.5", "8/b50", Precision::Int8Block50},
    {"int8/block:0.75", "8/b75", Precision::Int8Block75}};
/// As prune-weights-by-error has them: zeros of fewer gain no time.
constexpr int64_t kLeastPruned = 4096, kLeastPrunedChannels = 32;

/// What decompose-for-integers adds to the name of a layer whose function it
/// takes off.
constexpr llvm::StringLiteral kPartSuffix = "/pre-activation";
} // namespace

static const PrecisionName &namesOf(Precision precision) {
  return *llvm::find_if(kNames, [&](const PrecisionName &name) {
    return name.precision == precision;
  });
}

StringRef qnet::nameOf(Precision precision) { return namesOf(precision).word; }

StringRef qnet::briefNameOf(Precision precision) {
  return namesOf(precision).brief;
}

std::optional<Precision> qnet::precisionNamed(StringRef name) {
  const auto *found = llvm::find_if(
      kNames, [&](const PrecisionName &known) { return known.word == name; });
  if (found == std::end(kNames))
    return std::nullopt;
  return found->precision;
}

std::optional<Precision> qnet::precisionOf(Operation *op) {
  auto word = op->getAttrOfType<StringAttr>(kPrecisionAttr);
  return word ? precisionNamed(word.getValue()) : std::nullopt;
}

StringRef qnet::layerName(Operation *op) {
  StringRef name = nameOf(op->getLoc());
  name.consume_back(kPartSuffix);
  return name;
}

/// The parameters that the source model fixes for a value, or null.
static quant::UniformQuantizedType fixedParameters(Value value) {
  Attribute attribute;
  if (Operation *producer = value.getDefiningOp()) {
    if (auto dequantize = dyn_cast<DequantizeOp>(producer))
      return uniformTypeOf(dequantize.getInput());
    attribute = producer->getDiscardableAttr(kParametersAttr);
  } else if (auto arg = dyn_cast<BlockArgument>(value)) {
    if (auto function = dyn_cast<func::FuncOp>(arg.getOwner()->getParentOp()))
      attribute = function.getArgAttr(arg.getArgNumber(), kParametersAttr);
  }
  auto type = dyn_cast_if_present<TypeAttr>(attribute);
  return type ? dyn_cast<quant::UniformQuantizedType>(type.getValue())
              : quant::UniformQuantizedType();
}

/// Why no blocks of the layer's weights can go.
static std::string whyNotPruned(DenseOp dense) {
  if (dense->hasAttr(kPrunedAttr))
    return "";
  auto type = cast<RankedTensorType>(dense.getWeights().getType());
  if (type.getNumElements() < kLeastPruned ||
      type.getDimSize(0) < kLeastPrunedChannels)
    return "it has fewer than " + std::to_string(kLeastPruned) +
           " weights or than " + std::to_string(kLeastPrunedChannels) +
           " output channels";
  if (dense->hasAttr(kFrozenAttr))
    return "it is frozen";
  if (!dense->hasAttr(kSecondMomentAttr))
    return "what its inputs do together was not measured (calibrate with "
           "rows, and not with effort low; of more than 2048 inputs it never "
           "is)";
  return "";
}

std::string qnet::whyImpossible(DenseOp dense, Precision precision) {
  if (precision == Precision::Float)
    return "";
  if (!isRealTensor(dense.getInput()) || !isConstant(dense.getWeights()) ||
      (dense.getBias() && !isConstant(dense.getBias())))
    return "its weights are no constants of 32-bit floats, so it stays as it "
           "is";
  quant::UniformQuantizedType fixed = fixedParameters(dense.getInput());
  bool isFixedWide = fixed && fixed.getStorageTypeMax() > 255;
  if (precision == Precision::Int8x16 && fixed && !isFixedWide)
    return "the model fixes the parameters of its input, of 8 bits";
  if (isPruned(precision))
    return whyNotPruned(dense);
  if (precision != Precision::Int4)
    return "";
  if (isFixedWide)
    return "the model fixes the parameters of its input, of 16 bits, and "
           "weights of 4 bits multiply inputs of 8";
  int64_t columns =
      cast<RankedTensorType>(dense.getWeights().getType()).getDimSize(1);
  if (columns < QDenseOp::kGroupChannels)
    return "its " + std::to_string(columns) +
           " input channels are fewer than the " +
           std::to_string(QDenseOp::kGroupChannels) +
           " of one group of 4-bit weights";
  return "";
}
