//===- FloatDense.cpp - A dense layer in f32, in the order of its program -===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//
#include "quantc/Numerics/FloatDense.h"

#include "quantc/Numerics/CpuClones.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace {

/// Columns of a panel, each lane an element's own sum. Of a CPU with shorter
/// vectors it takes several.
constexpr int64_t kLanes = 16;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
/// Rows whose sums are in registers together: with AVX2, 12 of 16.
constexpr int64_t kRows = 6;

/// A panel of columns, times all rows.
struct Panel {
  const float *weights; ///< [depth][kLanes]
  const float *bias;    ///< [kLanes]
  int64_t depth;
  int64_t columns; ///< that are stored
};

/// Rows of results from `y`, `pitch` apart.
struct Results {
  float *y;
  int64_t pitch;
};

template <int64_t Rows>
[[gnu::always_inline]] inline void
multiplyTile(const Panel &panel, const float *x, const Results &results) {
  Lanes sums[Rows];
  for (int64_t row = 0; row < Rows; ++row)
    std::memcpy(&sums[row], panel.bias, sizeof(Lanes));
  for (int64_t k = 0; k < panel.depth; ++k) {
    Lanes weights;
    std::memcpy(&weights, panel.weights + k * kLanes, sizeof(Lanes));
    for (int64_t row = 0; row < Rows; ++row)
      sums[row] += x[row * panel.depth + k] * weights;
  }
  for (int64_t row = 0; row < Rows; ++row)
    std::memcpy(results.y + row * results.pitch, &sums[row],
                panel.columns * sizeof(float));
}

QUANTC_CPU_CLONES
void multiplyPanel(const Panel &panel, const float *x, int64_t rows,
                   const Results &results) {
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows)
    multiplyTile<kRows>(panel, x + row * panel.depth,
                        {results.y + row * results.pitch, results.pitch});
  for (; row < rows; ++row)
    multiplyTile<1>(panel, x + row * panel.depth,
                    {results.y + row * results.pitch, results.pitch});
}

} // namespace

quantc::numerics::FloatDense::FloatDense(std::span<const float> weights,
                                         std::span<const float> bias,
                                         int64_t inputs, int64_t outputs)
    : depth(inputs), width(outputs) {
  assert(static_cast<int64_t>(weights.size()) == inputs * outputs &&
         "weights are [outputs, inputs]");
  const int64_t padded = (outputs + kLanes - 1) / kLanes * kLanes;
  panels.resize(padded * inputs);
  biases.resize(padded);
  std::ranges::copy(bias, biases.begin());
  for (int64_t n = 0; n < outputs; ++n) {
    float *panel = &panels[n / kLanes * kLanes * inputs + n % kLanes];
    for (int64_t k = 0; k < inputs; ++k)
      panel[k * kLanes] = weights[n * inputs + k];
  }
}

void quantc::numerics::FloatDense::run(const float *x, int64_t rows,
                                       float *y) const {
  for (int64_t n = 0; n < width; n += kLanes)
    multiplyPanel(
        {&panels[n * depth], &biases[n], depth, std::min(kLanes, width - n)}, x,
        rows, {y + n, width});
}
