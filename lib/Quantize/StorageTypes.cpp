//===- StorageTypes.cpp - quantized types and Numerics parameters ---------===//
#include "StorageTypes.h"

using namespace mlir;
using quantc::numerics::QuantParams;

QuantParams qnet::paramsOf(quant::UniformQuantizedType type) {
  return {static_cast<float>(type.getScale()),
          static_cast<int32_t>(type.getZeroPoint()),
          static_cast<int32_t>(type.getStorageTypeMin()),
          static_cast<int32_t>(type.getStorageTypeMax())};
}

quant::UniformQuantizedType qnet::uniformTypeOf(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor ? dyn_cast<quant::UniformQuantizedType>(tensor.getElementType())
                : quant::UniformQuantizedType();
}

quant::UniformQuantizedType qnet::uniformTypeFor(MLIRContext *context,
                                                 const QuantParams &params) {
  unsigned bits = params.qmax <= 255 ? 8 : 16;
  return quant::UniformQuantizedType::get(
      /*flags=*/0, IntegerType::get(context, bits), Float32Type::get(context),
      params.scale, params.zeroPoint, params.qmin, params.qmax);
}

RankedTensorType qnet::withElementType(Value value, Type elementType) {
  return cast<RankedTensorType>(value.getType()).clone(elementType);
}

bool qnet::isRealTensor(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor && realType(tensor.getElementType()).isF32();
}
