//===- TensorStorage.cpp - Tensors from and to attributes and buffers
//------===//

#include "quantc/Dialect/Constants.h"
#include "quantc/Reference/Tensor.h"

#include <bit>
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::qnet;

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// The f16 or bf16 bits of a value that is exactly representable there.
static uint16_t narrowFloatBits(double value, ElementFormat format) {
  if (format.kind == ElementFormat::Kind::BFloat16)
    return std::bit_cast<uint32_t>(static_cast<float>(value)) >> 16;
  APFloat exact(value);
  bool losesInfo;
  exact.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven, &losesInfo);
  return exact.bitcastToAPInt().getZExtValue();
}

static double narrowFloatValue(uint16_t bits, ElementFormat format) {
  if (format.kind == ElementFormat::Kind::BFloat16)
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  return APFloat(APFloat::IEEEhalf(), APInt(16, bits)).convertToDouble();
}

template <typename Stored, typename Value>
static void readAll(ArrayRef<char> bytes, std::vector<Value> &values) {
  for (size_t i = 0, e = values.size(); i != e; ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    // An int8_t here is a number, not a character.
    // NOLINTNEXTLINE(bugprone-signed-char-misuse)
    values[i] = static_cast<Value>(stored);
  }
}

/// Reads `size()` elements; `bytes` is known to hold them.
static void readBytes(Tensor &tensor, ArrayRef<char> bytes) {
  ElementFormat format = tensor.format();
  switch (format.kind) {
  case ElementFormat::Kind::Float64:
    return readAll<double>(bytes, tensor.reals);
  case ElementFormat::Kind::Float32:
    return readAll<float>(bytes, tensor.reals);
  case ElementFormat::Kind::Float16:
  case ElementFormat::Kind::BFloat16: {
    std::vector<uint16_t> bits(tensor.reals.size());
    readAll<uint16_t>(bytes, bits);
    for (auto [real, pattern] : llvm::zip_equal(tensor.reals, bits))
      real = narrowFloatValue(pattern, format);
    return;
  }
  case ElementFormat::Kind::Integer:
    break;
  }
  switch (format.bytes()) {
  case 1:
    format.isUnsigned ? readAll<uint8_t>(bytes, tensor.integers)
                      : readAll<int8_t>(bytes, tensor.integers);
    break;
  case 2:
    format.isUnsigned ? readAll<uint16_t>(bytes, tensor.integers)
                      : readAll<int16_t>(bytes, tensor.integers);
    break;
  case 4:
    format.isUnsigned ? readAll<uint32_t>(bytes, tensor.integers)
                      : readAll<int32_t>(bytes, tensor.integers);
    break;
  default:
    readAll<int64_t>(bytes, tensor.integers);
  }
  if (format.width == 1) // any bit set is true
    for (int64_t &value : tensor.integers)
      value = value != 0;
  else if (format.width != 8 * format.bytes())
    for (int64_t &value : tensor.integers)
      value = format.wrap(value);
}

template <typename Stored, typename Value>
static void writeAll(const std::vector<Value> &values, char *bytes) {
  for (size_t i = 0, e = values.size(); i != e; ++i) {
    Stored stored = static_cast<Stored>(values[i]);
    std::memcpy(bytes + i * sizeof(Stored), &stored, sizeof(Stored));
  }
}

std::vector<char> qnet::bufferFrom(const Tensor &tensor) {
  ElementFormat format = tensor.format();
  std::vector<char> bytes(tensor.size() * format.bytes());
  if (!format.isReal()) {
    switch (format.bytes()) {
    case 1:
      writeAll<uint8_t>(tensor.integers, bytes.data());
      break;
    case 2:
      writeAll<uint16_t>(tensor.integers, bytes.data());
      break;
    case 4:
      writeAll<uint32_t>(tensor.integers, bytes.data());
      break;
    default:
      writeAll<int64_t>(tensor.integers, bytes.data());
    }
    return bytes;
  }
  for (auto [i, value] : llvm::enumerate(tensor.reals)) {
    // Hosts differ in the sign of the NaN that an operation makes.
    double real =
        std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
    char *to = bytes.data() + i * format.bytes();
    if (format.kind == ElementFormat::Kind::Float64) {
      std::memcpy(to, &real, sizeof(real));
    } else if (format.kind == ElementFormat::Kind::Float32) {
      float single = static_cast<float>(real);
      std::memcpy(to, &single, sizeof(single));
    } else {
      uint16_t bits = narrowFloatBits(real, format);
      std::memcpy(to, &bits, sizeof(bits));
    }
  }
  return bytes;
}

FailureOr<Tensor>
qnet::tensorFromBuffer(Type elementType, ArrayRef<int64_t> shape,
                       ArrayRef<char> bytes,
                       function_ref<InFlightDiagnostic()> emitError) {
  std::optional<ElementFormat> format = elementFormat(elementType);
  if (!format) {
    emitError() << "elements of type " << elementType
                << " cannot be evaluated; use f16, bf16, f32, f64 or an "
                   "integer of at most 64 bits";
    return failure();
  }
  FailureOr<int64_t> count = staticElementCount(shape);
  int64_t needed;
  if (failed(count) ||
      llvm::MulOverflow<int64_t>(*count, format->bytes(), needed) ||
      needed != static_cast<int64_t>(bytes.size())) {
    emitError() << "a buffer of " << bytes.size() << " bytes does not hold a "
                << RankedTensorType::get(shape, elementType);
    return failure();
  }
  Tensor tensor(elementType, shape);
  readBytes(tensor, bytes);
  return tensor;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

static Tensor splatTensor(DenseElementsAttr splat, Tensor tensor) {
  Tensor element(tensor.elementType, {1});
  if (tensor.elementType.isInteger(1))
    element.integers[0] = splat.getSplatValue<bool>();
  else
    readBytes(element, splat.getRawData());
  if (tensor.isReal())
    llvm::fill(tensor.reals, element.reals[0]);
  else
    llvm::fill(tensor.integers, element.integers[0]);
  return tensor;
}

FailureOr<Tensor>
qnet::tensorFrom(ElementsAttr attribute, int64_t maxElements,
                 function_ref<InFlightDiagnostic()> emitError) {
  ShapedType type = attribute.getShapedType();
  Type elementType = type.getElementType();
  if (!elementFormat(elementType)) {
    emitError() << "constant elements of type " << elementType
                << " cannot be evaluated; use f16, bf16, f32, f64 or an "
                   "integer of at most 64 bits";
    return failure();
  }
  FailureOr<int64_t> count = staticElementCount(type.getShape());
  if (failed(count) || *count > maxElements) {
    emitError() << "a constant of type " << type << " is over the limit of "
                << maxElements << " elements";
    return failure();
  }
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
    if (!isa<FloatType, IntegerType>(elementType)) {
      emitError() << "constant elements of type " << elementType
                  << " cannot be evaluated; give the storage integers";
      return failure();
    }
    Tensor tensor(elementType, type.getShape());
    if (*count == 0)
      return tensor;
    if (dense.isSplat())
      return splatTensor(dense, std::move(tensor));
    // i1 alone is packed eight to a byte.
    if (elementType.isInteger(1)) {
      for (auto [to, from] :
           llvm::zip_equal(tensor.integers, dense.getValues<bool>()))
        to = from;
      return tensor;
    }
    readBytes(tensor, dense.getRawData());
    return tensor;
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob) {
      emitError() << "the constant's resource '"
                  << resource.getRawHandle().getKey()
                  << "' is not in the file; keep the dialect_resources section";
      return failure();
    }
    return tensorFromBuffer(elementType, type.getShape(), blob->getData(),
                            emitError);
  }
  emitError() << "this kind of constant cannot be evaluated; make it dense or "
                 "dense_resource";
  return failure();
}

ElementsAttr qnet::attributeFrom(const Tensor &tensor) {
  Type elementType = tensor.elementType;
  ElementFormat format = tensor.format();
  if (isa<quant::QuantizedType>(elementType))
    elementType = IntegerType::get(elementType.getContext(), format.width,
                                   format.isUnsigned ? IntegerType::Unsigned
                                                     : IntegerType::Signless);
  auto type = RankedTensorType::get(tensor.shape, elementType);
  if (elementType.isInteger(1)) {
    SmallVector<bool> bits(tensor.integers.begin(), tensor.integers.end());
    return DenseElementsAttr::get(type, bits);
  }
  std::vector<char> bytes = bufferFrom(tensor);
  if (!format.isReal() && format.width < 8) {
    char mask = static_cast<char>((1 << format.width) - 1);
    for (char &byte : bytes)
      byte &= mask;
  }
  size_t width = format.bytes();
  if (bytes.size() > width && std::memcmp(bytes.data(), bytes.data() + width,
                                          bytes.size() - width) == 0)
    bytes.resize(width); // every element equals its neighbour: a splat
  if (static_cast<int64_t>(bytes.size()) <= kResourceBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  // Aligned for whichever typed view a reader takes.
  AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
      bytes, /*align=*/64, /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, "qnet", std::move(blob));
}
