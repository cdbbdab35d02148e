//===- Moments.cpp - Second moments and their factors ---------------------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//
#include "quantc/Numerics/Moments.h"

#include "quantc/Numerics/CpuClones.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

namespace {

/// Columns that are worked on together, each lane an element's own sum. Of a
/// CPU with shorter vectors it takes several.
constexpr int64_t kLanes = 8;
using Lanes = double __attribute__((vector_size(kLanes * sizeof(double))));
/// Terms that are added to an element while it is in a register.
constexpr int64_t kBlock = 32;

int64_t padded(int64_t width) { return (width + kLanes - 1) / kLanes * kLanes; }

/// Rows of sums that share the terms.
constexpr int64_t kRows = 4;

/// sums[row * stride + j] += sum over t of factors[row][t] *
/// terms[t * stride + j], in the order of t, for the columns from `first` to
/// `end`, multiples of kLanes.
QUANTC_CPU_CLONES
void addProducts(double *sums, const double (*factors)[kBlock],
                 const double *terms, int64_t count, int64_t stride,
                 int64_t first, int64_t end) {
  for (int64_t j = first; j < end; j += kLanes) {
    Lanes total[kRows];
    for (int64_t row = 0; row < kRows; ++row)
      std::memcpy(&total[row], sums + row * stride + j, sizeof(Lanes));
    for (int64_t t = 0; t < count; ++t) {
      Lanes x;
      std::memcpy(&x, terms + t * stride + j, sizeof(Lanes));
      for (int64_t row = 0; row < kRows; ++row)
        total[row] += factors[row][t] * x;
    }
    for (int64_t row = 0; row < kRows; ++row)
      std::memcpy(sums + row * stride + j, &total[row], sizeof(Lanes));
  }
}

} // namespace

std::vector<float>
quantc::numerics::secondMoment(std::span<const float> rows, int64_t width,
                               std::span<const uint64_t> counts) {
  assert(rows.size() == counts.size() * width && "one count a row");
  const int64_t stride = padded(width);
  const auto total = static_cast<int64_t>(counts.size());
  std::vector<double> sums(stride * stride), terms(kBlock * stride);
  double weight = 0;
  for (int64_t start = 0; start < total; start += kBlock) {
    const int64_t block = std::min(kBlock, total - start);
    for (int64_t t = 0; t < block; ++t) {
      std::copy_n(rows.data() + (start + t) * width, width,
                  terms.data() + t * stride);
      weight += static_cast<double>(counts[start + t]);
    }
    for (int64_t i = 0; i < stride; i += kRows) {
      double factors[kRows][kBlock];
      for (int64_t t = 0; t < block; ++t)
        for (int64_t row = 0; row < kRows; ++row)
          factors[row][t] = terms[t * stride + i + row] *
                            static_cast<double>(counts[start + t]);
      addProducts(&sums[i * stride], factors, terms.data(), block, stride,
                  i / kLanes * kLanes, stride);
    }
  }
  std::vector<float> moment(width * width);
  for (int64_t i = 0; i < width; ++i)
    for (int64_t j = i; j < width; ++j)
      moment[i * width + j] = moment[j * width + i] =
          static_cast<float>(sums[i * stride + j] / weight);
  return moment;
}

bool quantc::numerics::factorUpper(std::span<double> matrix, int64_t n,
                                   double least) {
  assert(static_cast<int64_t>(matrix.size()) == n * n && "a square matrix");
  const int64_t stride = padded(n);
  std::vector<double> factor(stride * stride), diagonal(n);
  for (int64_t i = 0; i < n; ++i) {
    std::copy(matrix.begin() + i * n + i, matrix.begin() + (i + 1) * n,
              factor.begin() + i * stride + i);
    diagonal[i] = matrix[i * n + i];
  }
  // Row by row within a block, and a block's rows off all rows behind it.
  for (int64_t start = 0; start < n; start += kBlock) {
    const int64_t end = std::min(start + kBlock, n);
    for (int64_t k = start; k < end; ++k) {
      double *row = &factor[k * stride];
      for (int64_t t = start; t < k; ++t) {
        const double *above = &factor[t * stride];
        const double f = above[k];
        for (int64_t j = k; j < stride; ++j)
          row[j] -= f * above[j];
      }
      const double pivot = row[k];
      // False for NaN too.
      const bool isPositive =
          pivot > least * diagonal[k] && pivot < HUGE_VAL && diagonal[k] > 0;
      if (!isPositive)
        return false;
      const double root = std::sqrt(pivot);
      for (int64_t j = k; j < stride; ++j)
        row[j] /= root;
      row[k] = root;
    }
    for (int64_t i = end; i < n; i += kRows) {
      // Padding makes the number of rows a multiple of kRows.
      double factors[kRows][kBlock];
      for (int64_t t = start; t < end; ++t)
        for (int64_t row = 0; row < kRows; ++row)
          factors[row][t - start] = -factor[t * stride + i + row];
      addProducts(&factor[i * stride], factors, &factor[start * stride],
                  end - start, stride, i / kLanes * kLanes, stride);
    }
  }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      matrix[i * n + j] = j < i ? 0.0 : factor[i * stride + j];
  return true;
}
