//===- StorageTypes.h - quantized types and Numerics parameters --*- C++
//-*-===//
#ifndef QUANTC_LIB_QUANTIZE_STORAGETYPES_H
#define QUANTC_LIB_QUANTIZE_STORAGETYPES_H

#include "quantc/Dialect/Qnet.h"
#include "quantc/Numerics/Parameters.h"

namespace mlir::qnet {

/// The parameters that a per-tensor type stands for.
quantc::numerics::QuantParams paramsOf(quant::UniformQuantizedType type);

/// The per-tensor type of a tensor, or null.
quant::UniformQuantizedType uniformTypeOf(Value value);

/// Unsigned storage over f32, in 8 bits where the range allows it, else 16.
quant::UniformQuantizedType
uniformTypeFor(MLIRContext *context,
               const quantc::numerics::QuantParams &params);

/// Parameters whose stored integers reach both ends of [lo, hi] (extended to
/// hold 0). Placing the zero point on an integer moves the range by up to half
/// a step; here the step grows by that much instead. It matters for functions
/// that saturate: a tanh network has most of its values at the very ends.
quantc::numerics::QuantParams chooseCovering(double lo, double hi, int32_t qmin,
                                             int32_t qmax);

/// `value`'s tensor type with another element type.
RankedTensorType withElementType(Value value, Type elementType);

/// Whether the value is a tensor of f32 (or of something that stands for it).
bool isRealTensor(Value value);

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_STORAGETYPES_H
