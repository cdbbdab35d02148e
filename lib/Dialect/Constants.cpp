//===- Constants.cpp - Reading constants without copies --------------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Constants.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace mlir;
using namespace mlir::qnet;

int64_t mlir::qnet::storageBytes(Type elementType) {
  return llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
}

std::optional<RawElements> mlir::qnet::rawElements(Attribute attribute) {
  auto elements = dyn_cast_or_null<ElementsAttr>(attribute);
  auto type = elements ? dyn_cast<RankedTensorType>(elements.getShapedType())
                       : RankedTensorType();
  if (!type || !type.getElementType().isIntOrFloat())
    return std::nullopt;
  FailureOr<int64_t> count = staticElementCount(type.getShape());
  if (failed(count))
    return std::nullopt;
  int64_t size = storageBytes(type.getElementType());
  if (auto dense = dyn_cast<DenseIntOrFPElementsAttr>(elements)) {
    if (type.getElementType().isInteger(1))
      return std::nullopt;
    return RawElements{type, dense.getRawData(), dense.isSplat(), *count};
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(elements);
  AsmResourceBlob *blob =
      resource ? resource.getRawHandle().getBlob() : nullptr;
  int64_t bytes = 0;
  if (!blob || llvm::MulOverflow(*count, size, bytes) ||
      static_cast<int64_t>(blob->getData().size()) != bytes)
    return std::nullopt;
  return RawElements{type, blob->getData(), /*isSplat=*/false, *count};
}

std::optional<SmallVector<int64_t>> mlir::qnet::constantIntegers(Value value) {
  Attribute attribute;
  if (!matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  std::optional<RawElements> raw = rawElements(attribute);
  auto type =
      raw ? dyn_cast<IntegerType>(raw->type.getElementType()) : IntegerType();
  if (!type || type.getWidth() > 64)
    return std::nullopt;
  int64_t size = storageBytes(type);
  SmallVector<int64_t> result;
  int64_t count = raw->isSplat ? std::min<int64_t>(raw->count, 1) : raw->count;
  result.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits = 0;
    std::memcpy(&bits, raw->data.data() + i * size, size);
    unsigned width = type.getWidth();
    bits &= llvm::maskTrailingOnes<uint64_t>(width);
    result.push_back(type.isUnsigned() ? static_cast<int64_t>(bits)
                                       : llvm::SignExtend64(bits, width));
  }
  return result;
}

FailureOr<std::vector<int8_t>> mlir::qnet::readNibbles(Value value) {
  Attribute attribute;
  if (!value || !matchPattern(value, m_Constant(&attribute)))
    return failure();
  std::optional<RawElements> raw = rawElements(attribute);
  if (!raw || !raw->type.getElementType().isInteger(4))
    return failure();
  std::vector<int8_t> result(raw->count);
  for (auto [i, to] : llvm::enumerate(result))
    to = static_cast<int8_t>(llvm::SignExtend32<4>(
        static_cast<uint8_t>(raw->data[raw->isSplat ? 0 : i])));
  return result;
}

Value mlir::qnet::makeNibbles(OpBuilder &builder, Location loc,
                              ArrayRef<int64_t> shape,
                              ArrayRef<int8_t> values) {
  constexpr int8_t low = 0xf;
  std::vector<int8_t> bits(values);
  for (int8_t &value : bits)
    value &= low;
  return makeConstant<int8_t>(builder, loc, shape, builder.getIntegerType(4),
                              bits);
}

FailureOr<std::vector<int16_t>> mlir::qnet::readWeights(QDenseOp op) {
  if (!op.getGroupMultiplier()) {
    auto bytes = readConstant<int8_t>(op.getWeights());
    if (failed(bytes))
      return failure();
    return std::vector<int16_t>(bytes->begin(), bytes->end());
  }
  auto nibbles = readNibbles(op.getWeights());
  auto multipliers = readConstant<uint8_t>(op.getGroupMultiplier());
  if (failed(nibbles) || failed(multipliers))
    return failure();
  int64_t k = cast<RankedTensorType>(op.getWeights().getType()).getDimSize(1);
  int64_t groups = QDenseOp::groupsOf(k);
  std::vector<int16_t> result(nibbles->size());
  for (auto [i, weight] : llvm::enumerate(*nibbles)) {
    int64_t channel = static_cast<int64_t>(i) / k;
    int64_t group = static_cast<int64_t>(i) % k / QDenseOp::kGroupChannels;
    result[i] = static_cast<int16_t>(int16_t(weight) *
                                     (*multipliers)[channel * groups + group]);
  }
  return result;
}
