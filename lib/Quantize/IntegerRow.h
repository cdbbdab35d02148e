//===- IntegerRow.h - one output channel in integers -------------*- C++
//-*-===//
#ifndef QUANTC_LIB_QUANTIZE_INTEGERROW_H
#define QUANTC_LIB_QUANTIZE_INTEGERROW_H

#include "quantc/Numerics/Parameters.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <optional>
#include <vector>

namespace mlir::qnet {

/// One output channel, but for its weights.
struct IntegerRow {
  float scale = 1.0f;
  int32_t bias = 0;
  /// The real bias, after correction.
  double realBias = 0.0;
};

/// What a layer reads.
struct LayerInput {
  quantc::numerics::QuantParams params;
  /// Mean of each feature on the calibration rows, or empty.
  std::vector<double> mean;
};

/// Weights of a channel under a scale, as the integers that multiply the input.
using WeightsAtScale = llvm::function_ref<llvm::ArrayRef<int16_t>(float scale)>;

/// The channel under `scale`, or the least of its doubles under which the bias
/// fits in an accumulator and no input overflows it. With a float result the
/// real bias stays outside the accumulator. Nothing if no scale makes the bias
/// fit.
std::optional<IntegerRow> fitRow(llvm::ArrayRef<float> row, double bias,
                                 const LayerInput &input, bool isFloatResult,
                                 float scale, WeightsAtScale weightsAt);

/// Quantizes one output channel to 4 bits: `quantized` receives the weights, in
/// [-7, 7], and `multipliers` one for each group of 64 input channels. Each
/// group has the multiplier and weights of least squared error that were found.
std::optional<IntegerRow>
quantizeGroupedRow(llvm::ArrayRef<float> row, double bias,
                   const LayerInput &input, bool isFloatResult,
                   llvm::MutableArrayRef<int8_t> quantized,
                   llvm::MutableArrayRef<uint8_t> multipliers);

/// The sums of one output channel's int8 weights that are positive and of those
/// that are negative, under the scale that holds the weights.
struct RowSums {
  float scale = 1.0f;
  int64_t positive = 0, negative = 0;
};
RowSums rowSums(llvm::ArrayRef<float> row);

/// Quantizes one output channel to symmetric int8; `quantized` receives the
/// weights. The scale is the smallest that holds the weights, fits the bias in
/// an accumulator and lets no input overflow it. With a float result the real
/// bias stays outside the accumulator. Nothing if no scale makes the bias fit.
std::optional<IntegerRow> quantizeRow(llvm::ArrayRef<float> row, double bias,
                                      const LayerInput &input,
                                      bool isFloatResult,
                                      llvm::MutableArrayRef<int8_t> quantized);

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_INTEGERROW_H
