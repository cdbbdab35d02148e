//===- Accumulator.cpp - the range of a qdense's accumulators -------------===//
#include "quantc/Quantize/Accumulator.h"
#include "quantc/Dialect/Constants.h"

using namespace mlir;
using namespace mlir::qnet;

AccumulatorRange qnet::accumulatorRange(ArrayRef<int8_t> weights, int64_t bias,
                                        int64_t inputMax) {
  int64_t positive = 0, negative = 0;
  for (int8_t w : weights) {
    positive += std::max<int64_t>(w, 0);
    negative += std::min<int64_t>(w, 0);
  }
  return {std::min<int64_t>(bias, 0) + negative * inputMax,
          std::max<int64_t>(bias, 0) + positive * inputMax};
}

FailureOr<int64_t> qnet::firstOverflowingChannel(QDenseOp op) {
  auto weights = readConstant<int8_t>(op.getWeights());
  auto bias = readConstant<int32_t>(op.getBias());
  if (failed(weights) || failed(bias))
    return failure();
  auto type = cast<quant::QuantizedType>(
      cast<RankedTensorType>(op.getInput().getType()).getElementType());
  int64_t columns =
      cast<RankedTensorType>(op.getWeights().getType()).getDimSize(1);
  for (auto [n, b] : llvm::enumerate(*bias))
    if (!accumulatorRange(
             ArrayRef<int8_t>(*weights).slice(n * columns, columns), b,
             type.getStorageTypeMax())
             .fits())
      return n;
  return -1;
}
