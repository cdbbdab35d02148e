//===- Moments.h - Second moments and their factors -------------*- C++ -*-===//
//
// Part of the quantc project.
//
// Sums in a fixed order for each element of a result, so that neither the width
// of vectors nor how the work is split changes a bit.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_NUMERICS_MOMENTS_H
#define QUANTC_NUMERICS_MOMENTS_H

#include <cstdint>
#include <span>
#include <vector>

namespace quantc::numerics {

/// E[x x^T] over rows of `width` values, each counted counts[row] times (at
/// least one row): symmetric, width x width, products and sums in f64 in the
/// rows' order. Not finite where a value is not or a moment leaves f32.
std::vector<float> secondMoment(std::span<const float> rows, int64_t width,
                                std::span<const uint64_t> counts);

/// The upper triangular R with R^T R = `matrix` (n x n, symmetric; only its
/// upper triangle is read). Below the diagonal R is 0. False, with `matrix`
/// spoilt, if it is not positive definite, or only within `least` times its
/// diagonal.
bool factorUpper(std::span<double> matrix, int64_t n, double least = 1e-10);

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_MOMENTS_H
