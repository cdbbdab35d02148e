//===- Products.cpp - The inner loops of matrix products
//-------------------===//

#include "Products.h"

#include <algorithm>

using namespace mlir::qnet;

void mlir::qnet::multiplyReals(const double *x, const double *w, double *y,
                               ProductShape shape) {
  // Several columns at once: their sums do not wait for each other, and each
  // still adds in index order.
  constexpr int64_t group = 8;
  auto [rows, columns, depth] = shape;
  for (int64_t row = 0; row != rows; ++row) {
    const double *values = x + row * depth;
    int64_t column = 0;
    for (; column + group <= columns; column += group) {
      const double *weights = w + column * depth;
      double sums[group] = {};
      for (int64_t k = 0; k != depth; ++k)
        for (int64_t i = 0; i != group; ++i)
          sums[i] += values[k] * weights[i * depth + k];
      std::copy(sums, sums + group, y + row * columns + column);
    }
    for (; column != columns; ++column) {
      double sum = 0;
      for (int64_t k = 0; k != depth; ++k)
        sum += values[k] * w[column * depth + k];
      y[row * columns + column] = sum;
    }
  }
}

void mlir::qnet::multiplyWrapping(const int64_t *x, const int64_t *w,
                                  int64_t *y, ProductShape shape) {
  auto [rows, columns, depth] = shape;
  for (int64_t row = 0; row != rows; ++row)
    for (int64_t column = 0; column != columns; ++column) {
      uint64_t sum = 0;
      for (int64_t k = 0; k != depth; ++k)
        sum += static_cast<uint64_t>(x[row * depth + k]) *
               static_cast<uint64_t>(w[column * depth + k]);
      y[row * columns + column] = static_cast<int64_t>(sum);
    }
}

/// `block` products fit in an int32.
template <int64_t block, typename Input>
static void multiplyIntegers(const Input *x, const int8_t *w, int64_t *y,
                             ProductShape shape) {
  auto [rows, columns, depth] = shape;
  for (int64_t row = 0; row != rows; ++row)
    for (int64_t column = 0; column != columns; ++column) {
      const Input *values = x + row * depth;
      const int8_t *weights = w + column * depth;
      int64_t sum = 0;
      for (int64_t begin = 0; begin < depth; begin += block) {
        int64_t end = std::min(begin + block, depth);
        int32_t partial = 0;
        for (int64_t k = begin; k != end; ++k)
          partial += int32_t(values[k]) * int32_t(weights[k]);
        sum += partial;
      }
      y[row * columns + column] = sum;
    }
}

void mlir::qnet::multiplyBytes(const uint8_t *x, const int8_t *w, int64_t *y,
                               ProductShape shape) {
  // 255 * 128 * 65536 < 2^31
  multiplyIntegers<65536>(x, w, y, shape);
}

void mlir::qnet::multiplyWords(const int16_t *x, const int8_t *w, int64_t *y,
                               ProductShape shape) {
  // 32768 * 128 * 256 < 2^31
  multiplyIntegers<256>(x, w, y, shape);
}

void mlir::qnet::multiplyGrouped(const uint8_t *x, const int8_t *w,
                                 const uint8_t *m, int64_t *y,
                                 ProductShape shape, int64_t channels) {
  auto [rows, columns, depth] = shape;
  for (int64_t row = 0; row != rows; ++row)
    for (int64_t column = 0; column != columns; ++column) {
      const uint8_t *values = x + row * depth;
      const int8_t *weights = w + column * depth;
      const uint8_t *multiplier =
          m + column * ((depth + channels - 1) / channels);
      int64_t sum = 0;
      for (int64_t begin = 0; begin < depth; begin += channels) {
        int64_t end = std::min(begin + channels, depth), partial = 0;
        for (int64_t k = begin; k != end; ++k)
          partial += int64_t(values[k]) * int64_t(weights[k]);
        sum += partial * *multiplier++;
      }
      y[row * columns + column] = sum;
    }
}
