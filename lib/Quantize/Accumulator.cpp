//===- Accumulator.cpp - the range of a qdense's accumulators -------------===//
#include "quantc/Quantize/Accumulator.h"
#include "quantc/Dialect/Constants.h"

using namespace mlir;
using namespace mlir::qnet;

FailureOr<int64_t> qnet::firstOverflowingChannel(QDenseOp op) {
  FailureOr<std::vector<int16_t>> weights = readWeights(op);
  auto bias = readConstant<int32_t>(op.getBias());
  if (failed(weights) || failed(bias))
    return failure();
  auto type = cast<quant::QuantizedType>(
      cast<RankedTensorType>(op.getInput().getType()).getElementType());
  int64_t columns =
      cast<RankedTensorType>(op.getWeights().getType()).getDimSize(1);
  for (auto [n, b] : llvm::enumerate(*bias))
    if (!accumulatorRange(
             ArrayRef<int16_t>(*weights).slice(n * columns, columns), b,
             type.getStorageTypeMax())
             .fits())
      return n;
  return -1;
}
