//===- InputStatistics.cpp - what a layer's input is like -----------------===//
#include "InputStatistics.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Numerics/Moments.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

/// Of the mean variance, on the diagonal (Frantar and Alistarh, "SparseGPT",
/// 2023, take the same share).
static constexpr double kDamping = 0.01;

/// The means that belong to the second moments: their own, not those of all
/// rows, with which the difference need be no covariance.
static std::vector<double> sampleMean(DenseOp op, int64_t size) {
  auto mean = op->getAttrOfType<DenseF32ArrayAttr>(kSampleMeanAttr);
  if (!mean || mean.size() != size)
    return {};
  return {mean.asArrayRef().begin(), mean.asArrayRef().end()};
}

std::optional<InputStatistics> InputStatistics::of(DenseOp op) {
  auto attribute = op->getAttrOfType<ElementsAttr>(kSecondMomentAttr);
  auto weights = dyn_cast<RankedTensorType>(op.getWeights().getType());
  if (!attribute || !weights || weights.getRank() != 2)
    return std::nullopt;
  const int64_t size = weights.getDimSize(1);
  FailureOr<std::vector<float>> moment = readElements<float>(attribute);
  if (failed(moment) || static_cast<int64_t>(moment->size()) != size * size)
    return std::nullopt;
  InputStatistics result;
  result.size = size;
  result.mean = sampleMean(op, size);
  if (result.mean.empty())
    result.mean.assign(size, 0.0);
  result.covariance.resize(size * size);
  double trace = 0;
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < size; ++j) {
      double value = (*moment)[i * size + j] - result.mean[i] * result.mean[j];
      if (i == j) {
        value = std::max(value, 0.0);
        trace += value;
      }
      if (!std::isfinite(value))
        return std::nullopt;
      result.covariance[i * size + j] = value;
    }
  if (trace == 0)
    return std::nullopt;
  return result;
}

std::optional<std::vector<double>> InputStatistics::inverseFactor() const {
  double damping = 0;
  for (int64_t i = 0; i < size; ++i)
    damping += covariance[i * size + i];
  damping *= kDamping / double(size);
  // With both orders reversed, R^T R = C' gives C^-1 = V^T V with V the
  // reversed transpose of R^-1.
  std::vector<double> factor(size * size);
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < size; ++j)
      factor[i * size + j] = covariance[(size - 1 - i) * size + size - 1 - j] +
                             (i == j ? damping : 0.0);
  if (!quantc::numerics::factorUpper(factor, size))
    return std::nullopt;
  std::vector<double> inverse(size * size);
  for (int64_t i = size; i-- > 0;) {
    double *row = &inverse[i * size];
    row[i] = 1.0;
    for (int64_t t = i + 1; t < size; ++t) {
      const double f = factor[i * size + t];
      const double *below = &inverse[t * size];
      for (int64_t j = t; j < size; ++j)
        row[j] -= f * below[j];
    }
    const double pivot = factor[i * size + i];
    for (int64_t j = i; j < size; ++j) {
      row[j] /= pivot;
      if (!std::isfinite(row[j]))
        return std::nullopt;
    }
  }
  std::vector<double> result(size * size);
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = i; j < size; ++j)
      result[i * size + j] = inverse[(size - 1 - j) * size + size - 1 - i];
  return result;
}

std::vector<double> qnet::inverseFromFactor(ArrayRef<double> factor,
                                            int64_t size) {
  std::vector<double> inverse(size * size);
  for (int64_t t = 0; t < size; ++t) {
    const double *row = factor.data() + t * size;
    for (int64_t i = t; i < size; ++i)
      for (int64_t j = t; j < size; ++j)
        inverse[i * size + j] += row[i] * row[j];
  }
  return inverse;
}

/// sum over rows of d C d^T.
static double power(ArrayRef<double> rows, ArrayRef<double> covariance,
                    int64_t size) {
  double sum = 0;
  std::vector<double> product(size);
  for (int64_t start = 0; start < static_cast<int64_t>(rows.size());
       start += size) {
    ArrayRef<double> row = rows.slice(start, size);
    std::fill(product.begin(), product.end(), 0.0);
    for (int64_t i = 0; i < size; ++i) {
      if (row[i] == 0)
        continue;
      const double *line = covariance.data() + i * size;
      for (int64_t j = 0; j < size; ++j)
        product[j] += row[i] * line[j];
    }
    for (int64_t j = 0; j < size; ++j)
      sum += product[j] * row[j];
  }
  return std::max(sum, 0.0);
}

double InputStatistics::outputPower(const DenseLayer &layer) const {
  return power(std::vector<double>(layer.weights.begin(), layer.weights.end()),
               covariance, size);
}

double InputStatistics::relativeError(const DenseLayer &before,
                                      const DenseLayer &after) const {
  std::vector<double> whole(before.weights.begin(), before.weights.end());
  const double all = power(whole, covariance, size);
  for (auto [difference, now] : llvm::zip_equal(whole, after.weights))
    difference = now - difference;
  const double changed = power(whole, covariance, size);
  return all > 0 ? changed / all : 0.0;
}

bool InputStatistics::settleBias(const DenseLayer &before,
                                 DenseLayer &after) const {
  for (int64_t n = 0; n < after.channels; ++n) {
    double bias = before.bias[n];
    for (int64_t k = 0; k < size; ++k)
      bias += (double(before.weights[n * size + k]) -
               double(after.weights[n * size + k])) *
              mean[k];
    after.bias[n] = static_cast<float>(bias);
    after.hasBias |= after.bias[n] != 0;
    if (!std::isfinite(after.bias[n]))
      return false;
  }
  return llvm::all_of(after.weights, [](float w) { return std::isfinite(w); });
}

Elimination::Elimination(std::vector<double> weights,
                         std::vector<double> inverse, int64_t size)
    : rows(static_cast<int64_t>(weights.size()) / size), size(size),
      weights(std::move(weights)), inverse(std::move(inverse)), squares(size),
      removed(size, false) {
  sumSquares();
}

void Elimination::sumSquares() {
  std::fill(squares.begin(), squares.end(), 0.0);
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t k = 0; k < size; ++k)
      squares[k] += weights[n * size + k] * weights[n * size + k];
}

double Elimination::cost(int64_t k) const {
  const double least = inverse[k * size + k];
  return least > 0 ? squares[k] / least : HUGE_VAL;
}

double Elimination::cost(int64_t first, int64_t count) const {
  // w B^-1 w^T for each row, B the block of the inverse, by its Cholesky
  // factor L: |L^-1 w|^2.
  SmallVector<double, 16> lower(count * count);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j <= i; ++j) {
      double sum = inverse[(first + i) * size + first + j];
      for (int64_t t = 0; t < j; ++t)
        sum -= lower[i * count + t] * lower[j * count + t];
      if (i == j && !(sum > 0))
        return HUGE_VAL;
      lower[i * count + j] =
          i == j ? std::sqrt(sum) : sum / lower[j * count + j];
    }
  double total = 0;
  SmallVector<double, 4> solved(count);
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t i = 0; i < count; ++i) {
      double sum = weights[n * size + first + i];
      for (int64_t t = 0; t < i; ++t)
        sum -= lower[i * count + t] * solved[t];
      solved[i] = sum / lower[i * count + i];
      total += solved[i] * solved[i];
    }
  return total;
}

void Elimination::remove(int64_t k) {
  std::vector<double> line(inverse.begin() + k * size,
                           inverse.begin() + (k + 1) * size);
  const double pivot = line[k];
  removed[k] = true;
  for (int64_t n = 0; n < rows; ++n) {
    double *row = &weights[n * size];
    const double f = row[k] / pivot;
    if (f != 0)
      for (int64_t j = 0; j < size; ++j)
        row[j] -= f * line[j];
    row[k] = 0;
  }
  for (int64_t i = 0; i < size; ++i) {
    const double f = line[i] / pivot;
    if (f != 0)
      for (int64_t j = 0; j < size; ++j)
        inverse[i * size + j] -= f * line[j];
  }
  for (int64_t i = 0; i < size; ++i)
    inverse[i * size + k] = inverse[k * size + i] = 0;
  sumSquares();
}

std::string qnet::decibels(double share) {
  return llvm::formatv("{0:f1} dB",
                       share > 0 ? 10 * std::log10(share) : -HUGE_VAL);
}
