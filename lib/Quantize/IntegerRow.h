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

/// The points that the weights of a channel may have: scale * q, q in
/// [-127, 127]; or, in 4 bits, scale * multiplier of the input's group of 64 *
/// q, q in [-7, 7].
struct WeightGrid {
  float scale = 1.0f;
  /// One for each group; empty in 8 bits.
  std::vector<uint8_t> multipliers;
  /// In 8 bits: whether -128 is a point too, for a model that comes quantized.
  bool hasLowest = false;

  int32_t most() const;
  /// The distance of two points for input `column`.
  float step(int64_t column) const;
  /// The point for a weight, as q.
  int32_t nearest(float weight, int64_t column) const;
};

/// The grid of a channel in 8 bits: the largest weight is its end; or, for a
/// channel whose weights already are small integers times some scale (a model
/// that comes quantized), one that keeps them exact.
WeightGrid chooseGrid(llvm::ArrayRef<float> row);

/// The grid in 4 bits: for each group the multiplier of least squared error
/// that was found.
WeightGrid chooseGroupedGrid(llvm::ArrayRef<float> row);

/// Weights of a channel under a scale, as the integers that multiply the input.
using WeightsAtScale = llvm::function_ref<llvm::ArrayRef<int16_t>(float scale)>;

/// The channel under `scale`, or the least of its doubles under which the bias
/// fits in an accumulator and no input overflows it. With a float result the
/// real bias stays outside the accumulator. Nothing if no scale makes the bias
/// fit.
std::optional<IntegerRow> fitRow(llvm::ArrayRef<float> row, double bias,
                                 const LayerInput &input, bool isFloatResult,
                                 float scale, WeightsAtScale weightsAt);

/// Quantizes one output channel to the nearest points of a grid; `quantized`
/// receives them. Where the bias does not fit in an accumulator under the
/// grid's scale, or an input could overflow it, the scale grows; the
/// multipliers of a grid in 4 bits become those of least squared error under
/// it, in `grid`. With a float result the real bias stays outside the
/// accumulator. Nothing if no scale makes the bias fit.
std::optional<IntegerRow> quantizeRow(llvm::ArrayRef<float> row, double bias,
                                      const LayerInput &input,
                                      bool isFloatResult, WeightGrid &grid,
                                      llvm::MutableArrayRef<int8_t> quantized);
/// Of grids in 4 bits.
std::optional<IntegerRow>
quantizeGroupedRow(llvm::ArrayRef<float> row, double bias,
                   const LayerInput &input, bool isFloatResult,
                   WeightGrid &grid, llvm::MutableArrayRef<int8_t> quantized);

/// The sums of one output channel's int8 weights that are positive and of those
/// that are negative, under the scale that holds the weights.
struct RowSums {
  float scale = 1.0f;
  int64_t positive = 0, negative = 0;
};
RowSums rowSums(llvm::ArrayRef<float> row);

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_INTEGERROW_H
