//===- FloatDense.h - A dense layer in f32, in the order of its program ---===//
//
// Part of the quantc project.
//
// Takes          constant weights and a bias of f32.
// Gives          x W^T + b on rows of f32: of each element, the bias and then
//                each product in the order of the inputs, every operation
//                rounded. A compiled program does the same, so the bits are its
//                bits, on every CPU and however rows are split.
// Why            measuring a network's ranges takes less time than compiling
//                it would.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_NUMERICS_FLOATDENSE_H
#define QUANTC_NUMERICS_FLOATDENSE_H

#include <cstdint>
#include <span>
#include <vector>

namespace quantc::numerics {

class FloatDense {
public:
  /// `weights` is [outputs, inputs], row-major; `bias` [outputs], or empty for
  /// zeros.
  FloatDense(std::span<const float> weights, std::span<const float> bias,
             int64_t inputs, int64_t outputs);

  /// `x` is [rows, inputs], `y` [rows, outputs], row-major and apart.
  void run(const float *x, int64_t rows, float *y) const;

private:
  int64_t depth, width;
  /// Panels of columns side by side: of each, [inputs][columns of a panel],
  /// zeros beyond the last.
  std::vector<float> panels;
  std::vector<float> biases; ///< zeros beyond the last
};

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_FLOATDENSE_H
