//===- IntegerRow.h - one output channel in integers -------------*- C++
//-*-===//
#ifndef QUANTC_LIB_QUANTIZE_INTEGERROW_H
#define QUANTC_LIB_QUANTIZE_INTEGERROW_H

#include "quantc/Numerics/Parameters.h"
#include "llvm/ADT/ArrayRef.h"
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
