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

QuantParams qnet::chooseCovering(double lo, double hi, int32_t qmin,
                                 int32_t qmax) {
  QuantParams nearest = quantc::numerics::chooseAffine(lo, hi, qmin, qmax);
  QuantParams best = nearest;
  bool isFound = false;
  for (int32_t zero = nearest.zeroPoint - 1; zero <= nearest.zeroPoint + 1;
       ++zero) {
    if ((zero <= nearest.qmin && lo < 0.0) ||
        (zero >= nearest.qmax && hi > 0.0))
      continue;
    double above = hi > 0.0 ? hi / (nearest.qmax - zero) : 0.0;
    double below = lo < 0.0 ? -lo / (zero - nearest.qmin) : 0.0;
    QuantParams covering = nearest;
    covering.scale = static_cast<float>(std::max(above, below));
    covering.zeroPoint = zero;
    if (quantc::numerics::valid(covering) &&
        (!isFound || covering.scale < best.scale)) {
      best = covering;
      isFound = true;
    }
  }
  return best;
}

RankedTensorType qnet::withElementType(Value value, Type elementType) {
  return cast<RankedTensorType>(value.getType()).clone(elementType);
}

bool qnet::isRealTensor(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor && realType(tensor.getElementType()).isF32();
}
