//===- Tensor.h - The values the reference interpreter works on -*- C++ -*-===//
//
// A tensor of any element type as plain vectors: floats of every width as
// doubles that are exact values of that width, integers and stored quantized
// values as 64-bit integers. Slow, exact and easy to inspect.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_REFERENCE_TENSOR_H
#define QUANTC_REFERENCE_TENSOR_H

#include "quantc/Dialect/Qnet.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace mlir::qnet {

/// How the numbers of an element type are held and rounded.
struct ElementFormat {
  enum class Kind { Float16, BFloat16, Float32, Float64, Integer };
  Kind kind = Kind::Float32;
  /// Bits of an integer, 1 to 64.
  unsigned width = 32;
  /// Of an integer. i1 is unsigned: its values are 0 and 1.
  bool isUnsigned = false;

  bool isReal() const { return kind != Kind::Integer; }
  /// Bytes an element takes in a raw buffer. i1 and i4 take one.
  unsigned bytes() const;
  /// The nearest value of a float format, ties to even; overflow is infinite.
  double round(double value) const;
  /// The value of an integer format that is equal modulo 2^width.
  int64_t wrap(int64_t value) const;
  /// Range of an integer format; for 64 unsigned bits, `largest` is -1, all
  /// bits set.
  int64_t smallest() const;
  int64_t largest() const;
  /// Less-than of two integers of this format.
  bool less(int64_t lhs, int64_t rhs) const {
    return isUnsigned ? static_cast<uint64_t>(lhs) < static_cast<uint64_t>(rhs)
                      : lhs < rhs;
  }
  /// The integer as a value of the float format `target`, rounded once.
  double toReal(int64_t value, ElementFormat target) const;
  /// A real number as an integer of this format: towards zero, out of range
  /// saturates, NaN is 0.
  int64_t fromReal(double value) const;
};

/// The format of f16, bf16, f32, f64, integers up to 64 bits (signless ones are
/// signed), the storage of per-tensor and per-axis !quant.uniform and the
/// expressed type of !quant.calibrated. Nothing for other types.
std::optional<ElementFormat> elementFormat(Type elementType);

/// Numbers in row-major order. Exactly one of the vectors holds `size()`
/// values: `reals` for float element types, `integers` for the others
/// (unsigned ones as their value, 64-bit unsigned ones as their bits).
struct Tensor {
  Type elementType;
  SmallVector<int64_t> shape;
  std::vector<double> reals;
  std::vector<int64_t> integers;

  Tensor() = default;
  /// Zeros. The element type must have a format and the shape's product must be
  /// sane: check hostile ones with `staticElementCount` first.
  Tensor(Type elementType, ArrayRef<int64_t> shape);

  ElementFormat format() const { return *elementFormat(elementType); }
  bool isReal() const { return isa<FloatType>(elementType); }
  int64_t size() const { return isReal() ? reals.size() : integers.size(); }
  int64_t rank() const { return shape.size(); }
  RankedTensorType type() const;

  /// Same shape, element type and values; NaN equals NaN, -0 is not 0.
  bool identical(const Tensor &other) const;
};

/// Row-major strides of a shape, in elements.
SmallVector<int64_t> rowMajorStrides(ArrayRef<int64_t> shape);

/// The value of a constant: dense, splat or dense_resource. `emitError` says
/// what is wrong with any other, or with one of over `maxElements` elements.
FailureOr<Tensor> tensorFrom(ElementsAttr attribute, int64_t maxElements,
                             function_ref<InFlightDiagnostic()> emitError);

/// The tensor as a constant: a splat where all elements have the same bits,
/// dense up to kResourceBytes, else a dense_resource. Quantized tensors give
/// their storage integers (u8 as ui8).
ElementsAttr attributeFrom(const Tensor &tensor);

/// Elements in the host's byte order, row-major, as in .npy files; i1 and i4
/// take a byte each. Values of integer types are wrapped to their width.
FailureOr<Tensor>
tensorFromBuffer(Type elementType, ArrayRef<int64_t> shape,
                 ArrayRef<char> bytes,
                 function_ref<InFlightDiagnostic()> emitError);

/// The inverse. Every NaN is written as the positive quiet one, so that the
/// bytes do not depend on the host.
std::vector<char> bufferFrom(const Tensor &tensor);

} // namespace mlir::qnet

#endif // QUANTC_REFERENCE_TENSOR_H
