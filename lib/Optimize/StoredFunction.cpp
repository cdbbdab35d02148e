//===- StoredFunction.cpp - functions of one stored integer ---------------===//
#include "StoredFunction.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Numerics/Evaluate.h"

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;
using numerics::QuantParams;

quant::UniformQuantizedType qnet::storedType(Value value) {
  auto type =
      dyn_cast<quant::UniformQuantizedType>(getElementTypeOrSelf(value));
  if (!type || type.isSigned() || !type.getExpressedType().isF32())
    return {};
  return type;
}

static QuantParams paramsOf(quant::UniformQuantizedType type) {
  return {static_cast<float>(type.getScale()),
          static_cast<int32_t>(type.getZeroPoint()),
          static_cast<int32_t>(type.getStorageTypeMin()),
          static_cast<int32_t>(type.getStorageTypeMax())};
}

/// The values of `function` for all stored integers of a type.
template <typename Callable>
static std::vector<int32_t> tabulate(const QuantParams &from,
                                     Callable function) {
  std::vector<int32_t> values;
  values.reserve(from.qmax - from.qmin + 1);
  for (int32_t q = from.qmin; q <= from.qmax; ++q)
    values.push_back(function(q));
  return values;
}

std::vector<int32_t> qnet::requantizedValues(quant::UniformQuantizedType from,
                                             quant::UniformQuantizedType to) {
  QuantParams in = paramsOf(from), out = paramsOf(to);
  float multiplier = numerics::chooseMultiplier(in.scale, 1.0f, out.scale);
  return tabulate(in, [&](int32_t q) {
    return numerics::requantize(q - in.zeroPoint, multiplier, out);
  });
}

std::vector<int32_t> qnet::roundTripValues(quant::UniformQuantizedType from,
                                           quant::UniformQuantizedType to) {
  QuantParams in = paramsOf(from), out = paramsOf(to);
  return tabulate(in, [&](int32_t q) {
    return numerics::quantize(numerics::dequantize(q, in), out);
  });
}

/// A constant table of unsigned integers.
static std::optional<std::vector<int32_t>> readTable(Value table) {
  if (auto bytes = readConstant<uint8_t>(table); succeeded(bytes))
    return std::vector<int32_t>(bytes->begin(), bytes->end());
  if (auto words = readConstant<uint16_t>(table); succeeded(words))
    return std::vector<int32_t>(words->begin(), words->end());
  return std::nullopt;
}

std::optional<std::vector<int32_t>> qnet::valuesOf(Operation *op) {
  if (!isa<RequantizeOp, LookupOp>(op))
    return std::nullopt;
  auto from = storedType(op->getOperand(0)), to = storedType(op->getResult(0));
  if (!from || !to ||
      from.getStorageTypeMax() - from.getStorageTypeMin() >= kMostEntries)
    return std::nullopt;
  if (isa<RequantizeOp>(op))
    return requantizedValues(from, to);
  return readTable(cast<LookupOp>(op).getTable());
}

std::vector<int32_t> qnet::composed(ArrayRef<int32_t> inner,
                                    ArrayRef<int32_t> outer, int32_t outerMin) {
  std::vector<int32_t> values;
  values.reserve(inner.size());
  for (int32_t q : inner)
    values.push_back(outer[q - outerMin]);
  return values;
}

Value qnet::createLookup(OpBuilder &builder, Location location, Value input,
                         Type resultType, ArrayRef<int32_t> values) {
  auto to = cast<quant::UniformQuantizedType>(getElementTypeOrSelf(resultType));
  unsigned bits = to.getStorageTypeIntegralWidth();
  Type entry = builder.getIntegerType(bits, /*isSigned=*/false);
  int64_t count = values.size();
  Value table = bits == 8
                    ? makeConstant<uint8_t>(
                          builder, location, {count}, entry,
                          std::vector<uint8_t>(values.begin(), values.end()))
                    : makeConstant<uint16_t>(
                          builder, location, {count}, entry,
                          std::vector<uint16_t>(values.begin(), values.end()));
  return LookupOp::create(builder, location, resultType, input, table);
}

Value qnet::createFunction(OpBuilder &builder, Location location, Value input,
                           Type resultType, ArrayRef<int32_t> values) {
  auto to = cast<quant::UniformQuantizedType>(getElementTypeOrSelf(resultType));
  if (ArrayRef<int32_t>(requantizedValues(storedType(input), to)) == values)
    return RequantizeOp::create(builder, location, resultType, input);
  return createLookup(builder, location, input, resultType, values);
}

void qnet::replaceStoring(RewriterBase &rewriter, Operation *op, Value by) {
  Attribute noise = op->getDiscardableAttr(kOutputNoiseAttr);
  if (Operation *producer = by.getDefiningOp(); producer && noise)
    rewriter.modifyOpInPlace(producer, [&]() {
      producer->setDiscardableAttr(kOutputNoiseAttr, noise);
    });
  rewriter.replaceOp(op, by);
}
