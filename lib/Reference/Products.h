//===- Products.h - The inner loops of matrix products ----------*- C++ -*-===//
//
// Private to lib/Reference, and free of MLIR so that it is compiled optimized
// in every build. All products are x [rows, depth] times transpose(w [columns,
// depth]) to y [rows, columns], row-major.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_REFERENCE_PRODUCTS_H
#define QUANTC_LIB_REFERENCE_PRODUCTS_H

#include <cstdint>

namespace mlir::qnet {

struct ProductShape {
  int64_t rows;
  int64_t columns;
  int64_t depth;
};

/// Each sum in double, in index order.
void multiplyReals(const double *x, const double *w, double *y,
                   ProductShape shape);

/// Modulo 2^64.
void multiplyWrapping(const int64_t *x, const int64_t *w, int64_t *y,
                      ProductShape shape);

/// Exact.
void multiplyBytes(const uint8_t *x, const int8_t *w, int64_t *y,
                   ProductShape shape);
void multiplyWords(const int16_t *x, const int8_t *w, int64_t *y,
                   ProductShape shape);

/// The same, with the products of each group of `channels` inputs times the
/// group's multiplier of the column: `[columns, depth / channels rounded up]`.
void multiplyGrouped(const uint8_t *x, const int8_t *w, const uint8_t *m,
                     int64_t *y, ProductShape shape, int64_t channels);

} // namespace mlir::qnet

#endif // QUANTC_LIB_REFERENCE_PRODUCTS_H
