//===- Parameters.cpp - Scales, zero points, multipliers ------------------===//
//
// Part of the quantc project.
//
// Everything here is IEEE double arithmetic without libm (frexp and ldexp are
// exact), so the parameters are the same on every host.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Parameters.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace quantc::numerics {

/// Half to even, whatever the host's rounding mode rint() would follow.
/// Precondition: |x| < 2^51.
static double roundHalfEven(double x) {
  constexpr double bias = 6755399441055744.0; // 1.5 * 2^52
  return (x + bias) - bias;
}

static bool fail(std::string *why, std::string reason) {
  if (why)
    *why = std::move(reason);
  return false;
}

bool valid(const QuantParams &params, std::string *why) {
  auto field = [](const char *name, auto value) {
    return std::string(name) + " " + std::to_string(value);
  };
  bool inBounds = params.scale >= minScale && params.scale <= maxScale;
  if (!inBounds) { // NaN is in no bounds
    char text[32];
    std::snprintf(text, sizeof text, "%g", double(params.scale));
    return fail(why,
                std::string("scale ") + text + " is outside [2^-100, 2^100]");
  }
  if (params.qmin >= params.qmax)
    return fail(why, field("qmin", params.qmin) + " is not below " +
                         field("qmax", params.qmax));
  if (int64_t(params.qmax) - params.qmin > maxSteps)
    return fail(why, field("qmin", params.qmin) + " to " +
                         field("qmax", params.qmax) +
                         " is more than 2^22 steps");
  if (params.zeroPoint < params.qmin || params.zeroPoint > params.qmax)
    return fail(why, field("zero point", params.zeroPoint) + " is outside [" +
                         std::to_string(params.qmin) + ", " +
                         std::to_string(params.qmax) + "]");
  return true;
}

static double finiteOrZero(double x) {
  constexpr double largest = std::numeric_limits<float>::max();
  return std::isnan(x) ? 0.0 : std::clamp(x, -largest, largest);
}

/// A scale held to its bounds; 1 where nothing is to be scaled.
static float scaleOf(double magnitude, double steps) {
  if (magnitude == 0.0)
    return 1.0f;
  double scale =
      std::clamp(magnitude / steps, double(minScale), double(maxScale));
  return static_cast<float>(scale);
}

QuantParams chooseAffine(double lo, double hi, int32_t qmin, int32_t qmax) {
  qmin = std::min(qmin, std::numeric_limits<int32_t>::max() - 1);
  qmax = static_cast<int32_t>(std::clamp<int64_t>(
      qmax, int64_t(qmin) + 1,
      std::min<int64_t>(int64_t(qmin) + maxSteps,
                        std::numeric_limits<int32_t>::max())));
  lo = finiteOrZero(lo);
  hi = finiteOrZero(hi);
  if (lo > hi)
    std::swap(lo, hi);
  lo = std::min(lo, 0.0);
  hi = std::max(hi, 0.0);

  QuantParams params;
  params.qmin = qmin;
  params.qmax = qmax;
  params.scale = scaleOf(hi - lo, double(qmax) - double(qmin));
  if (lo == hi) {
    params.zeroPoint = std::clamp(0, qmin, qmax);
    return params;
  }
  // Below 2^51: |lo| is at most 2^128 only where the scale is 2^100.
  double zeroPoint = double(qmin) - roundHalfEven(lo / double(params.scale));
  params.zeroPoint =
      static_cast<int32_t>(std::clamp(zeroPoint, double(qmin), double(qmax)));
  return params;
}

QuantParams chooseCovering(double lo, double hi, int32_t qmin, int32_t qmax) {
  QuantParams nearest = chooseAffine(lo, hi, qmin, qmax);
  QuantParams best = nearest;
  bool isFound = false;
  for (int32_t zero = nearest.zeroPoint - 1; zero <= nearest.zeroPoint + 1;
       ++zero) {
    if ((zero <= nearest.qmin && lo < 0.0) ||
        (zero >= nearest.qmax && hi > 0.0))
      continue;
    double above = hi > 0.0 ? hi / (nearest.qmax - zero) : 0.0;
    double below = lo < 0.0 ? -lo / (zero - nearest.qmin) : 0.0;
    QuantParams covering = nearest;
    covering.scale = static_cast<float>(std::max(above, below));
    covering.zeroPoint = zero;
    if (valid(covering) && (!isFound || covering.scale < best.scale)) {
      best = covering;
      isFound = true;
    }
  }
  return best;
}

float chooseSymmetric(double maxAbs, int32_t qmax) {
  return scaleOf(std::fabs(finiteOrZero(maxAbs)), std::max(qmax, 1));
}

static float boundedProduct(double x, double lo, double hi) {
  // The negation takes NaN to the lower bound.
  if (!(x >= lo))
    return static_cast<float>(lo);
  return static_cast<float>(std::min(x, hi));
}

float chooseMultiplier(float inputScale, float weightScale, float outputScale) {
  // The product of two floats is exact in double.
  double product = double(inputScale) * double(weightScale);
  return boundedProduct(product / double(outputScale), minMultiplier,
                        maxMultiplier);
}

float chooseOutputMultiplier(float inputScale, float weightScale) {
  return boundedProduct(double(inputScale) * double(weightScale), minScale,
                        0x1p+96);
}

float settleBias(double bias) {
  float settled = static_cast<float>(finiteOrZero(bias));
  return std::fabs(settled) < minScale ? 0.0f : settled;
}

FixedMultiplier encodeMultiplier(double multiplier) {
  if (!(multiplier > 0.0))
    return {0, 1};
  constexpr int mantissaBits = 31, largestShift = 62;
  constexpr FixedMultiplier largest = {std::numeric_limits<int32_t>::max(), 1};
  if (std::isinf(multiplier))
    return largest;
  int exponent = 0;
  double fraction = std::frexp(multiplier, &exponent); // in [1/2, 1)
  double mantissa = roundHalfEven(std::ldexp(fraction, mantissaBits));
  if (mantissa == std::ldexp(1.0, mantissaBits)) {
    mantissa = std::ldexp(1.0, mantissaBits - 1);
    ++exponent;
  }
  int shift = mantissaBits - exponent;
  if (shift < 1)
    return largest;
  // Below 2^-32 even the accumulator -2^31 rounds to 0.
  if (shift > largestShift)
    return {0, 1};
  return {static_cast<int32_t>(mantissa), shift};
}

} // namespace quantc::numerics
