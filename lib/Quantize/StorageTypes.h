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

using quantc::numerics::chooseCovering;

/// `value`'s tensor type with another element type.
RankedTensorType withElementType(Value value, Type elementType);

/// Whether the value is a tensor of f32 (or of something that stands for it).
bool isRealTensor(Value value);

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_STORAGETYPES_H
