//===- StoredFunction.h - ops that are a function of one stored integer ---===//
#ifndef QUANTC_LIB_OPTIMIZE_STOREDFUNCTION_H
#define QUANTC_LIB_OPTIMIZE_STOREDFUNCTION_H

#include "quantc/Dialect/Qnet.h"
#include <optional>

namespace mlir::qnet {

/// The most entries a table may get by composing: 12 bits, which is what
/// Quantize gives the index of a function.
inline constexpr int64_t kMostEntries = 4096;

/// The per-tensor, unsigned type of a tensor over f32; null for any other.
quant::UniformQuantizedType storedType(Value value);

/// All values of an op's result by its input's stored integer, from the
/// smallest on: of a `requantize`, or of a `lookup` with a constant table and a
/// quantized result. Nothing for other ops and for longer tables.
std::optional<std::vector<int32_t>> valuesOf(Operation *op);

/// The same for `requantize` from one type to another.
std::vector<int32_t> requantizedValues(quant::UniformQuantizedType from,
                                       quant::UniformQuantizedType to);

/// The same for `quantize(dequantize(q))`.
std::vector<int32_t> roundTripValues(quant::UniformQuantizedType from,
                                     quant::UniformQuantizedType to);

/// outer(inner(q)); `outerMin` is the smallest stored integer outer takes.
std::vector<int32_t> composed(ArrayRef<int32_t> inner, ArrayRef<int32_t> outer,
                              int32_t outerMin);

/// The op that gives these values: a `requantize` if its values are the same,
/// else a `lookup`. `resultType` is the tensor's.
Value createFunction(OpBuilder &builder, Location location, Value input,
                     Type resultType, ArrayRef<int32_t> values);

Value createLookup(OpBuilder &builder, Location location, Value input,
                   Type resultType, ArrayRef<int32_t> values);

/// Replaces `op` by the op that stores its value from now on, which gets what
/// was measured of that storage.
void replaceStoring(RewriterBase &rewriter, Operation *op, Value by);

} // namespace mlir::qnet

#endif // QUANTC_LIB_OPTIMIZE_STOREDFUNCTION_H
