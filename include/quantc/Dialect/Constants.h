//===- Constants.h - numbers in and out of constant ops ----------*- C++
//-*-===//
#ifndef QUANTC_DIALECT_CONSTANTS_H
#define QUANTC_DIALECT_CONSTANTS_H

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

/// Constants of more bytes than this are `dense_resource` blobs: not uniqued,
/// not hashed, written to bytecode as they lie.
inline constexpr int64_t kResourceBytes = 1024;

/// Bytes that one element takes in the buffers of `dense` and `dense_resource`:
/// its bits rounded up to whole bytes (i1 and i4 take one each).
int64_t storageBytes(Type elementType);

/// The elements of a constant as they lie in memory, row-major, with no copy:
/// `dense` and `dense_resource` look alike.
struct RawElements {
  RankedTensorType type;
  ArrayRef<char> data; ///< one element if `isSplat`, else all of them
  bool isSplat = false;
  int64_t count = 0; ///< elements of the tensor, splat or not
};

/// The buffer behind `attribute`, or nothing where it is another kind of
/// attribute, a resource whose blob is missing or of the wrong size, or of a
/// type with too many elements to count. i1 is not given: `dense` packs it.
std::optional<RawElements> rawElements(Attribute attribute);

/// All elements of a constant integer tensor (signless ones as signed), or
/// nothing where `value` is no constant of integers of 64 bits or fewer. A
/// splat gives one element, unless its tensor is empty.
std::optional<SmallVector<int64_t>> constantIntegers(Value value);

/// The raw elements of a constant tensor of T (f32 as float, i8/ui8 as int8_t,
/// ...), in row-major order. Failure if `attr` is of another width or its blob
/// is missing.
template <typename T>
FailureOr<std::vector<T>> readElements(ElementsAttr attr) {
  Type element = attr.getShapedType().getElementType();
  if (!element.isIntOrFloat() ||
      element.getIntOrFloatBitWidth() != 8 * sizeof(T))
    return failure();
  int64_t count = attr.getNumElements();
  std::vector<T> values(count);
  ArrayRef<char> raw;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    raw = dense.getRawData();
    if (dense.isSplat()) {
      T value;
      std::memcpy(&value, raw.data(), sizeof(T));
      std::fill(values.begin(), values.end(), value);
      return values;
    }
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      raw = blob->getData();
  }
  if (raw.size() != count * sizeof(T))
    return failure();
  if (count)
    std::memcpy(values.data(), raw.data(), raw.size());
  return values;
}

/// The elements of the constant that defines `value`; failure if none does.
template <typename T> FailureOr<std::vector<T>> readConstant(Value value) {
  ElementsAttr attr;
  if (!value || !matchPattern(value, m_Constant(&attr)))
    return failure();
  return readElements<T>(attr);
}

/// The elements of a constant tensor of i4, sign-extended; failure if `value`
/// is none.
FailureOr<std::vector<int8_t>> readNibbles(Value value);

/// The weights of a layer as the integers that multiply its input, `[N, K]`:
/// those of 4 bits times their group's multiplier. Failure if they are no
/// constants.
FailureOr<std::vector<int16_t>> readWeights(QDenseOp op);

/// The constant tensor of i4 with these values, each in [-8, 7].
Value makeNibbles(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape,
                  ArrayRef<int8_t> values);

/// The attribute for `values` as a tensor of `type`.
template <typename T>
ElementsAttr makeElements(RankedTensorType type, ArrayRef<T> values) {
  ArrayRef<char> raw(reinterpret_cast<const char *>(values.data()),
                     values.size() * sizeof(T));
  if (static_cast<int64_t>(raw.size()) > kResourceBytes)
    return DenseResourceElementsAttr::get(
        type, "qnet", HeapAsmResourceBlob::allocateAndCopyWithAlign(raw, 64));
  return DenseElementsAttr::getFromRawBuffer(type, raw);
}

template <typename T>
Value makeConstant(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape,
                   Type element, ArrayRef<T> values) {
  return ConstantOp::create(
      builder, loc,
      makeElements<T>(RankedTensorType::get(shape, element), values));
}

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_CONSTANTS_H
