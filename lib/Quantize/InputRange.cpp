//===- InputRange.cpp - stored integers a dense layer can read ------------===//
#include "InputRange.h"
#include "IntegerRow.h"
#include "StorageTypes.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Quantize/Accumulator.h"

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

namespace {

/// A channel's weights, as far as its accumulator is concerned.
struct Channel {
  RowSums sums;
  double bias;
};

/// Whether an input under `params` overflows no accumulator. The bias may be in
/// the accumulator or behind it, and the correction for the mean error of
/// rounded weights moves it by up to half a step of each input.
bool fits(ArrayRef<Channel> channels, int64_t columns,
          const numerics::QuantParams &params) {
  double correction = 0.5 * double(columns) * params.qmax;
  return llvm::all_of(channels, [&](const Channel &channel) {
    const RowSums &sums = channel.sums;
    double own = channel.bias / (double(params.scale) * double(sums.scale));
    double folded =
        -double(params.zeroPoint) * double(sums.positive + sums.negative);
    double lowest = folded + std::min(own, 0.0) - correction;
    double highest = folded + std::max(own, 0.0) + correction;
    AccumulatorRange range{
        static_cast<int64_t>(std::max(std::min(lowest, 0.0), -0x1p61)) +
            sums.negative * params.qmax,
        static_cast<int64_t>(std::min(std::max(highest, 0.0), 0x1p61)) +
            sums.positive * params.qmax};
    return range.fits();
  });
}

} // namespace

int32_t qnet::largestInput(DenseOp dense, RealRange range, int32_t limit) {
  auto weights = readConstant<float>(dense.getWeights());
  if (failed(weights))
    return limit; // quantize-weights says why it cannot be quantized.
  auto shape = cast<ShapedType>(dense.getWeights().getType()).getShape();
  int64_t rows = shape[0], columns = shape[1];
  std::vector<float> bias(rows, 0.0f);
  if (dense.getBias())
    if (auto elements = readConstant<float>(dense.getBias());
        succeeded(elements))
      bias = std::move(*elements);
  SmallVector<Channel> channels;
  for (int64_t n = 0; n < rows; ++n) {
    ArrayRef<float> row = ArrayRef<float>(*weights).slice(n * columns, columns);
    if (std::isfinite(bias[n]) &&
        llvm::all_of(row, [](float w) { return std::isfinite(w); }))
      channels.push_back({rowSums(row), bias[n]});
  }
  auto fitsUpTo = [&](int32_t qmax) {
    return fits(channels, columns, chooseCovering(range.lo, range.hi, 0, qmax));
  };
  if (fitsUpTo(limit))
    return limit;
  int32_t good = kLeastInputMax, bad = limit;
  while (bad - good > 1) {
    int32_t middle = good + (bad - good) / 2;
    (fitsUpTo(middle) ? good : bad) = middle;
  }
  return good;
}
