//===- ChannelScaling.cpp - hidden channels by powers of two --------------===//
#include "ChannelScaling.h"

#include "DenseLayer.h"
#include "quantc/Dialect/ChannelExponents.h"
#include "quantc/Dialect/Constants.h"

#include "llvm/ADT/MapVector.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

/// What calibration leaves on a value's producer (fold-features reads it too).
static constexpr llvm::StringLiteral kMeanAttr = "qnet.mean";
/// Largest exponent of a channel, up or down: far more than any range of 8 bits
/// can tell apart.
static constexpr int32_t kLargestExponent = 24;

/// Whether f(s x) = s f(x) for all s > 0.
static bool isHomogeneous(Function function) {
  switch (function) {
  case Function::identity:
  case Function::relu:
  case Function::leaky_relu:
  case Function::abs:
  case Function::neg:
    return true;
  default:
    return false;
  }
}

static bool isConstant(Value value) {
  return matchPattern(value, m_Constant());
}

/// Whether a channel of what the op gives grows as its operands do, given that
/// constants that add to it (ChannelGroup::constants) grow too.
static bool isHomogeneous(Operation *op) {
  if (auto dense = dyn_cast<DenseOp>(op))
    return isHomogeneous(dense.getFunction());
  if (auto activation = dyn_cast<ActivationOp>(op))
    return isHomogeneous(activation.getFunction());
  if (isa<MulOp>(op))
    return isConstant(op->getOperand(0)) != isConstant(op->getOperand(1));
  if (isa<DivOp, PreluOp>(op))
    return isConstant(op->getOperand(1));
  if (isa<ConcatOp>(op))
    return true;
  // One number for all channels can't grow with each of them.
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    auto own = cast<RankedTensorType>(operand.getType());
    if (!isConstant(operand) ||
        (own.getRank() > 0 && own.getShape().back() == type.getShape().back()))
      return true;
    FailureOr<std::vector<float>> numbers = readConstant<float>(operand);
    return succeeded(numbers) &&
           llvm::all_of(*numbers, [](float number) { return number == 0; });
  });
}

FailureOr<ChannelScaling> ChannelScaling::around(DenseOp layer,
                                                 std::string &why) {
  FailureOr<ChannelGroup> group =
      ChannelGroup::around(layer.getResult(), /*withArguments=*/false, why);
  if (failed(group))
    return failure();
  for (const ChannelGroup::Place<Value> &place : group->values) {
    Operation *op = place.at.getDefiningOp();
    if (!isHomogeneous(op)) {
      why = "'" + nameOfValue(place.at) + "' does not grow as its input does";
      return failure();
    }
    if (isa<quant::CalibratedQuantizedType>(
            getElementTypeOrSelf(place.at.getType()))) {
      why = "the range of '" + nameOfValue(place.at) + "' was measured already";
      return failure();
    }
  }
  ChannelScaling scaling;
  scaling.group = std::move(*group);
  // What multiplies a channel stays.
  llvm::erase_if(scaling.group.constants,
                 [](const ChannelGroup::Place<OpOperand *> &place) {
                   return isa<MulOp, DivOp, PreluOp>(place.at->getOwner());
                 });
  return scaling;
}

std::vector<ChannelScaling> ChannelScaling::allIn(ModuleOp module,
                                                  ArrayRef<std::string> kept) {
  std::vector<ChannelScaling> found;
  llvm::DenseSet<Operation *> done;
  module.walk([&](DenseOp layer) {
    std::string why;
    if (done.contains(layer))
      return;
    FailureOr<ChannelScaling> scaling = around(layer, why);
    if (failed(scaling))
      return;
    for (const ChannelGroup::Place<DenseOp> &maker : scaling->group.makers)
      done.insert(maker.at);
    if (llvm::none_of(scaling->group.values,
                      [&](const ChannelGroup::Place<Value> &place) {
                        return llvm::is_contained(kept, nameOfValue(place.at));
                      }))
      found.push_back(std::move(*scaling));
  });
  return found;
}

std::vector<double> ChannelScaling::rowMaxima() const {
  std::vector<double> largest(group.channels);
  for (const ChannelGroup::Place<DenseOp> &maker : group.makers) {
    const DenseLayer layer = *DenseLayer::read(maker.at);
    for (int64_t c = 0; c < group.channels; ++c)
      for (int64_t k = 0; k < layer.inputs; ++k)
        largest[c] = std::max(
            largest[c],
            std::abs(
                double(layer.weights[(maker.offset + c) * layer.inputs + k])));
  }
  return largest;
}

std::vector<double> ChannelScaling::columnMaxima() const {
  std::vector<double> largest(group.channels);
  for (const ChannelGroup::Place<DenseOp> &reader : group.readers) {
    const DenseLayer layer = *DenseLayer::read(reader.at);
    for (int64_t c = 0; c < group.channels; ++c)
      for (int64_t n = 0; n < layer.channels; ++n)
        largest[c] =
            std::max(largest[c],
                     std::abs(double(
                         layer.weights[n * layer.inputs + reader.offset + c])));
  }
  return largest;
}

std::vector<double> ChannelScaling::sizes() const {
  std::vector<double> sizes(group.channels);
  for (auto [reader, offset] : group.readers) {
    auto moment =
        DenseOp(reader)->getAttrOfType<ElementsAttr>(kSecondMomentAttr);
    auto weights =
        cast<RankedTensorType>(DenseOp(reader).getWeights().getType());
    const int64_t inputs = weights.getDimSize(1);
    if (!moment)
      continue;
    auto values = readElements<float>(moment);
    if (failed(values) || int64_t(values->size()) != inputs * inputs)
      continue;
    for (int64_t c = 0; c < group.channels; ++c)
      sizes[c] = std::max(
          sizes[c], std::sqrt(double((*values)[(offset + c) * (inputs + 1)])));
  }
  return sizes;
}

/// False where the number would lose bits or become infinite.
static bool scale(float &number, int32_t exponent) {
  const float scaled = std::ldexp(number, exponent);
  const bool isExact =
      std::isfinite(scaled) && std::ldexp(scaled, -exponent) == number;
  number = scaled;
  return isExact;
}

/// What was measured of a reader's input, channels [offset, ...) of it.
static void scaleStatistics(DenseOp reader, int64_t offset, int64_t size,
                            ArrayRef<int32_t> exponents) {
  auto exponentOf = [&](int64_t i) {
    const int64_t c = i - offset;
    return c >= 0 && c < int64_t(exponents.size()) ? -exponents[c] : 0;
  };
  Builder builder(reader.getContext());
  if (auto mean = reader->getAttrOfType<DenseF32ArrayAttr>(kSampleMeanAttr);
      mean && mean.size() == size) {
    SmallVector<float> values(mean.asArrayRef());
    for (auto [i, value] : llvm::enumerate(values))
      value = std::ldexp(value, exponentOf(i));
    reader->setAttr(kSampleMeanAttr, builder.getDenseF32ArrayAttr(values));
  }
  auto moment = reader->getAttrOfType<ElementsAttr>(kSecondMomentAttr);
  if (!moment)
    return;
  auto values = readElements<float>(moment);
  if (failed(values) || int64_t(values->size()) != size * size)
    return;
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < size; ++j)
      (*values)[i * size + j] =
          std::ldexp((*values)[i * size + j], exponentOf(i) + exponentOf(j));
  reader->setAttr(
      kSecondMomentAttr,
      makeElements<float>(cast<RankedTensorType>(moment.getType()), *values));
}

namespace {

/// The numbers that a group's ops get.
struct Rescaled {
  struct Constant {
    OpOperand *at;
    std::vector<float> numbers;
  };
  /// By op: a layer may both make and read channels of the group.
  llvm::MapVector<Operation *, DenseLayer> layers;
  std::vector<Constant> constants;

  DenseLayer &layerOf(DenseOp op) {
    auto *found = layers.find(op);
    if (found == layers.end())
      found = layers.insert({op, *DenseLayer::read(op)}).first;
    return found->second;
  }
  /// False where a number would lose bits.
  bool scaleRows(DenseOp maker, int64_t offset, ArrayRef<int32_t> exponents);
  bool scaleColumns(DenseOp reader, int64_t offset,
                    ArrayRef<int32_t> exponents);
  bool scaleConstant(OpOperand *operand, int64_t offset,
                     ArrayRef<int32_t> exponents);
  void write();
};

bool Rescaled::scaleRows(DenseOp maker, int64_t offset,
                         ArrayRef<int32_t> exponents) {
  DenseLayer &layer = layerOf(maker);
  for (auto [c, exponent] : llvm::enumerate(exponents)) {
    const int64_t n = offset + int64_t(c);
    for (int64_t k = 0; k < layer.inputs; ++k)
      if (!scale(layer.weights[n * layer.inputs + k], -exponent))
        return false;
    if (!scale(layer.bias[n], -exponent))
      return false;
  }
  return true;
}

bool Rescaled::scaleColumns(DenseOp reader, int64_t offset,
                            ArrayRef<int32_t> exponents) {
  DenseLayer &layer = layerOf(reader);
  for (int64_t n = 0; n < layer.channels; ++n)
    for (auto [c, exponent] : llvm::enumerate(exponents))
      if (!scale(layer.weights[n * layer.inputs + offset + int64_t(c)],
                 exponent))
        return false;
  return true;
}

bool Rescaled::scaleConstant(OpOperand *operand, int64_t offset,
                             ArrayRef<int32_t> exponents) {
  std::vector<float> numbers = *readConstant<float>(operand->get());
  const auto width = static_cast<size_t>(
      cast<RankedTensorType>(operand->get().getType()).getShape().back());
  for (size_t start = offset; start < numbers.size(); start += width)
    for (auto [c, exponent] : llvm::enumerate(exponents))
      if (!scale(numbers[start + c], -exponent))
        return false;
  constants.push_back({operand, std::move(numbers)});
  return true;
}

void Rescaled::write() {
  for (auto &[op, layer] : layers)
    layer.write(cast<DenseOp>(op));
  for (const Constant &constant : constants) {
    Value old = constant.at->get();
    auto type = cast<RankedTensorType>(old.getType());
    OpBuilder builder(constant.at->getOwner());
    constant.at->set(makeConstant<float>(builder, old.getLoc(), type.getShape(),
                                         type.getElementType(),
                                         constant.numbers));
  }
}

} // namespace

/// Adds the exponents of the group's channels to those that the layer notes.
static void noteExponents(DenseOp maker, int64_t offset, int64_t width,
                          ArrayRef<int32_t> exponents) {
  SmallVector<int32_t> all(width, 0);
  if (auto before =
          maker->getAttrOfType<DenseI32ArrayAttr>(kChannelExponentsAttr);
      before && before.size() == width)
    all.assign(before.asArrayRef().begin(), before.asArrayRef().end());
  for (auto [c, exponent] : llvm::enumerate(exponents))
    all[offset + int64_t(c)] += exponent;
  maker->setAttr(kChannelExponentsAttr,
                 DenseI32ArrayAttr::get(maker.getContext(), all));
}

/// The means of a value, where they were measured.
static void scaleMeans(Value value, int64_t offset,
                       ArrayRef<int32_t> exponents) {
  Operation *producer = value.getDefiningOp();
  auto mean = producer->getAttrOfType<DenseF32ArrayAttr>(kMeanAttr);
  if (!mean || offset + int64_t(exponents.size()) > mean.size())
    return;
  SmallVector<float> numbers(mean.asArrayRef());
  for (auto [c, exponent] : llvm::enumerate(exponents))
    numbers[offset + int64_t(c)] =
        std::ldexp(numbers[offset + int64_t(c)], -exponent);
  producer->setAttr(kMeanAttr,
                    DenseF32ArrayAttr::get(value.getContext(), numbers));
}

bool ChannelScaling::apply(ArrayRef<int32_t> exponents) const {
  if (llvm::all_of(exponents, [](int32_t e) { return e == 0; }))
    return false;
  // All numbers first: nothing changes where one would lose bits.
  Rescaled rescaled;
  for (auto [maker, offset] : group.makers)
    if (!rescaled.scaleRows(maker, offset, exponents))
      return false;
  for (auto [reader, offset] : group.readers)
    if (!rescaled.scaleColumns(reader, offset, exponents))
      return false;
  for (auto [operand, offset] : group.constants)
    if (!rescaled.scaleConstant(operand, offset, exponents))
      return false;
  rescaled.write();
  for (auto [maker, offset] : group.makers)
    noteExponents(maker, offset, rescaled.layerOf(maker).channels, exponents);
  for (auto [reader, offset] : group.readers)
    scaleStatistics(reader, offset, rescaled.layerOf(reader).inputs, exponents);
  for (auto [value, offset] : group.values)
    scaleMeans(value, offset, exponents);
  return true;
}

std::vector<int32_t> qnet::nearestExponents(ArrayRef<double> logarithms) {
  double sum = 0;
  int64_t count = 0;
  for (double logarithm : logarithms)
    if (std::isfinite(logarithm)) {
      sum += logarithm;
      ++count;
    }
  std::vector<int32_t> exponents;
  for (double logarithm : logarithms)
    exponents.push_back(
        std::isfinite(logarithm)
            ? int32_t(std::clamp<double>(
                  std::nearbyint(logarithm - sum / double(count)),
                  -kLargestExponent, kLargestExponent))
            : 0);
  return exponents;
}
