//===- RoundingError.cpp - what rounded weights do to the output ----------===//
#include "RoundingError.h"

#include "quantc/Dialect/Constants.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

/// Channels that are worked on together.
static constexpr int64_t kLanes = 16;
/// Multiplications by moments, about a second of them.
static constexpr int64_t kMostProducts = int64_t(1) << 30;

namespace {

/// x^T H x of the first and the second of two blocks of kLanes vectors, by
/// column and lane.
struct Powers {
  double first[kLanes] = {}, second[kLanes] = {};

  Powers(ArrayRef<float> moment, ArrayRef<double> a, ArrayRef<double> b,
         int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const float *row = moment.data() + i * n;
      double sumA[kLanes] = {}, sumB[kLanes] = {};
      for (int64_t j = 0; j < i; ++j)
        for (int64_t lane = 0; lane < kLanes; ++lane) {
          sumA[lane] += row[j] * a[j * kLanes + lane];
          sumB[lane] += row[j] * b[j * kLanes + lane];
        }
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        const double x = a[i * kLanes + lane], y = b[i * kLanes + lane];
        first[lane] += x * (2 * sumA[lane] + row[i] * x);
        second[lane] += y * (2 * sumB[lane] + row[i] * y);
      }
    }
  }
};

} // namespace

std::optional<double> qnet::roundingNoise(DenseOp dense,
                                          const RoundedLayer &layer) {
  auto shape = cast<RankedTensorType>(dense.getWeights().getType()).getShape();
  const int64_t rows = shape[0], n = shape[1];
  auto elements = dyn_cast_if_present<ElementsAttr>(
      dense->getDiscardableAttr(kSecondMomentAttr));
  auto means = dyn_cast_if_present<DenseF32ArrayAttr>(
      dense->getDiscardableAttr(kSampleMeanAttr));
  if (!elements || !means || means.size() != n ||
      elements.getShapedType().getShape() != ArrayRef<int64_t>({n, n}) ||
      rows > kMostProducts / (n * n))
    return std::nullopt;
  auto moment = readElements<float>(elements);
  if (failed(moment))
    return std::nullopt;
  double error = 0, power = 0;
  std::vector<double> missed(n * kLanes), target(n * kLanes);
  for (int64_t first = 0; first < rows; first += kLanes) {
    const int64_t count = std::min(kLanes, rows - first);
    for (int64_t lane = 0; lane < count; ++lane)
      for (int64_t k = 0; k < n; ++k) {
        const int64_t from = (first + lane) * n + k;
        target[k * kLanes + lane] = layer.target[from];
        missed[k * kLanes + lane] =
            static_cast<double>(layer.rounded[from]) - layer.target[from];
      }
    const Powers powers(*moment, missed, target, n);
    for (int64_t lane = 0; lane < count; ++lane) {
      double mean = 0, corrected = 0, output = 0;
      for (int64_t k = 0; k < n; ++k) {
        mean += missed[k * kLanes + lane] * means[k];
        output += target[k * kLanes + lane] * means[k];
        if (!layer.mean.empty())
          corrected += missed[k * kLanes + lane] * layer.mean[k];
      }
      const double bias = layer.bias[first + lane];
      error += powers.first[lane] - corrected * (2 * mean - corrected);
      power += powers.second[lane] + bias * (2 * output + bias);
    }
  }
  // False for NaN too.
  const bool isKnown =
      power > 0 && std::isfinite(error) && std::isfinite(power);
  if (!isKnown)
    return std::nullopt;
  return std::max(error, 0.0) / power;
}
