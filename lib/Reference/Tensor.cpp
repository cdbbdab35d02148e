//===- Tensor.cpp - Formats of numbers, and tensors of them ---------------===//

#include "quantc/Reference/Tensor.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace mlir::qnet;

//===----------------------------------------------------------------------===//
// ElementFormat
//===----------------------------------------------------------------------===//

unsigned ElementFormat::bytes() const {
  switch (kind) {
  case Kind::Float16:
  case Kind::BFloat16:
    return 2;
  case Kind::Float32:
    return 4;
  case Kind::Float64:
    return 8;
  case Kind::Integer:
    return width <= 8 ? 1 : width <= 16 ? 2 : width <= 32 ? 4 : 8;
  }
  llvm_unreachable("all kinds are covered");
}

/// Nearest multiple of the unit in the last place, ties to even. Exact: only
/// powers of two scale the value, and std::nearbyint rounds half to even.
static double roundToPrecision(double value, int precision, int leastExponent,
                               double largest) {
  if (value == 0 || !std::isfinite(value))
    return value;
  int exponent = std::max(std::ilogb(value), leastExponent);
  int unit = exponent - (precision - 1);
  double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
  if (std::abs(rounded) > largest)
    return std::copysign(std::numeric_limits<double>::infinity(), value);
  return rounded;
}

double ElementFormat::round(double value) const {
  switch (kind) {
  case Kind::Float16:
    return roundToPrecision(value, 11, -14, 65504.0);
  case Kind::BFloat16:
    return roundToPrecision(value, 8, -126, 0x1.FEp127);
  case Kind::Float32:
    return static_cast<float>(value);
  case Kind::Float64:
  case Kind::Integer:
    return value;
  }
  llvm_unreachable("all kinds are covered");
}

int64_t ElementFormat::wrap(int64_t value) const {
  unsigned unused = 64 - width;
  uint64_t shifted = static_cast<uint64_t>(value) << unused;
  return isUnsigned ? static_cast<int64_t>(shifted >> unused)
                    : static_cast<int64_t>(shifted) >> unused;
}

int64_t ElementFormat::smallest() const {
  return isUnsigned ? 0 : wrap(int64_t(1) << (width - 1));
}

int64_t ElementFormat::largest() const {
  return isUnsigned ? wrap(-1) : wrap(~(uint64_t(1) << (width - 1)));
}

double ElementFormat::toReal(int64_t value, ElementFormat target) const {
  bool isNegative = !isUnsigned && value < 0;
  uint64_t magnitude = isNegative ? -static_cast<uint64_t>(value) : value;
  if (target.kind == Kind::Float64) {
    double result = static_cast<double>(magnitude);
    return isNegative ? -result : result;
  }
  // Above 53 bits a double would round first and the target again. Keeping
  // whether any dropped bit was set ("sticky") makes the second rounding right.
  double exact = static_cast<double>(magnitude);
  if (magnitude >> 53)
    exact = static_cast<double>((magnitude >> 11) | ((magnitude & 2047) != 0)) *
            2048.0;
  return target.round(isNegative ? -exact : exact);
}

int64_t ElementFormat::fromReal(double value) const {
  if (std::isnan(value))
    return 0;
  // The first power of two above the range; exact in double, unlike largest().
  double bound = std::ldexp(1.0, isUnsigned ? width : width - 1);
  if (value >= bound)
    return largest();
  if (value < (isUnsigned ? 0.0 : -bound))
    return smallest();
  if (isUnsigned)
    return static_cast<int64_t>(static_cast<uint64_t>(value));
  return static_cast<int64_t>(value);
}

std::optional<ElementFormat> qnet::elementFormat(Type elementType) {
  using Kind = ElementFormat::Kind;
  if (!elementType)
    return std::nullopt;
  if (elementType.isF16())
    return ElementFormat{Kind::Float16, 16, false};
  if (elementType.isBF16())
    return ElementFormat{Kind::BFloat16, 16, false};
  if (elementType.isF32())
    return ElementFormat{Kind::Float32, 32, false};
  if (elementType.isF64())
    return ElementFormat{Kind::Float64, 64, false};
  if (auto integer = dyn_cast<IntegerType>(elementType)) {
    unsigned width = integer.getWidth();
    if (width == 0 || width > 64)
      return std::nullopt;
    return ElementFormat{Kind::Integer, width,
                         integer.isUnsigned() || width == 1};
  }
  if (auto calibrated = dyn_cast<quant::CalibratedQuantizedType>(elementType))
    return elementFormat(calibrated.getExpressedType());
  if (isa<quant::UniformQuantizedType, quant::UniformQuantizedPerAxisType>(
          elementType)) {
    auto quantized = cast<quant::QuantizedType>(elementType);
    return ElementFormat{Kind::Integer, quantized.getStorageTypeIntegralWidth(),
                         !quantized.isSigned()};
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Tensor
//===----------------------------------------------------------------------===//

Tensor::Tensor(Type elementType, ArrayRef<int64_t> shape)
    : elementType(elementType), shape(shape) {
  int64_t size = 1;
  for (int64_t dim : shape)
    size *= dim;
  if (isReal())
    reals.resize(size);
  else
    integers.resize(size);
}

RankedTensorType Tensor::type() const {
  return RankedTensorType::get(shape, elementType);
}

bool Tensor::identical(const Tensor &other) const {
  if (elementType != other.elementType || shape != other.shape ||
      integers != other.integers || reals.size() != other.reals.size())
    return false;
  for (auto [lhs, rhs] : llvm::zip_equal(reals, other.reals)) {
    bool bothNan = std::isnan(lhs) && std::isnan(rhs);
    if (!bothNan &&
        std::bit_cast<uint64_t>(lhs) != std::bit_cast<uint64_t>(rhs))
      return false;
  }
  return true;
}

SmallVector<int64_t> qnet::rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t i = static_cast<int64_t>(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}
