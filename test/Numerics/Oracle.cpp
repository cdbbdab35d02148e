//===- Oracle.cpp - An independent model of the numbers -------------------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include <algorithm>
#include <cmath>

using namespace quantc::numerics;

namespace oracle {

static int bitLength(Wide n) {
  int length = 0;
  for (n = n < 0 ? -n : n; n != 0; n >>= 1)
    ++length;
  return length;
}

Wide shiftHalfEven(Wide n, int shift) {
  if (shift <= 0)
    return n << -shift;
  if (shift > 120)
    return 0;
  Wide unit = Wide(1) << shift;
  Wide floor = n >= 0 ? n / unit : -((-n + unit - 1) / unit);
  Wide rest = n - floor * unit;
  bool up = 2 * rest > unit || (2 * rest == unit && floor % 2 != 0);
  return floor + (up ? 1 : 0);
}

Dyadic exactly(float x) {
  int exponent = 0;
  float fraction = std::frexp(x, &exponent);
  return {Wide(std::ldexp(fraction, 24)), exponent - 24};
}

Dyadic product(Dyadic x, Dyadic y) {
  return {x.significand * y.significand, x.exponent + y.exponent};
}

Dyadic quotient(Dyadic x, Dyadic y) {
  Wide numerator = x.significand << 64;
  return {numerator / y.significand, x.exponent - 64 - y.exponent,
          numerator % y.significand != 0};
}

/// One more bit below the last one stands for all that is not there.
static Dyadic withSticky(Dyadic x) {
  if (!x.inexact)
    return x;
  return {2 * x.significand + (x.significand < 0 ? -1 : 1), x.exponent - 1};
}

Dyadic roundToFloat(Dyadic x) {
  x = withSticky(x);
  int excess = bitLength(x.significand) - 24;
  if (excess <= 0)
    return x;
  return {shiftHalfEven(x.significand, excess), x.exponent + excess};
}

int64_t roundToInteger(Dyadic x, int64_t lo, int64_t hi) {
  x = withSticky(x);
  if (x.significand == 0)
    return std::clamp<int64_t>(0, lo, hi);
  if (bitLength(x.significand) + x.exponent > 40)
    return x.significand < 0 ? lo : hi;
  Wide rounded = shiftHalfEven(x.significand, -x.exponent);
  return static_cast<int64_t>(std::clamp<Wide>(rounded, lo, hi));
}

static int32_t place(Dyadic t, const QuantParams &p) {
  return static_cast<int32_t>(
      roundToInteger(t, p.qmin - p.zeroPoint, p.qmax - p.zeroPoint) +
      p.zeroPoint);
}

int32_t quantize(float x, const QuantParams &p) {
  if (std::isnan(x))
    return p.zeroPoint;
  if (std::isinf(x))
    return x > 0 ? p.qmax : p.qmin;
  return place(roundToFloat(quotient(exactly(x), exactly(p.scale))), p);
}

int32_t requantize(int32_t acc, float multiplier, const QuantParams &p) {
  Dyadic converted = roundToFloat({acc, 0});
  return place(roundToFloat(product(converted, exactly(multiplier))), p);
}

int32_t requantizeFixed(int32_t acc, FixedMultiplier m, const QuantParams &p) {
  return place({Wide(acc) * m.mantissa, -m.shift}, p);
}

long double function(Function function, long double x, long double alpha,
                     long double beta) {
  using std::fabs, std::exp, std::expm1, std::log1p;
  const long double root2 = sqrtl(2.0L);
  switch (function) {
  case Function::Identity:
    return x;
  case Function::Relu:
    return x > 0 ? x : 0;
  case Function::Relu6:
    return x <= 0 ? 0 : x >= 6 ? 6 : x;
  case Function::LeakyRelu:
    return x >= 0 ? x : x * alpha;
  case Function::Elu:
    return x > 0 ? x : alpha * expm1(x);
  case Function::Selu:
    return x > 0 ? beta * x : beta * (alpha * expm1(x));
  case Function::Celu:
    return x > 0 ? x : alpha * expm1(x / alpha);
  case Function::Silu:
    return x / (1 + exp(-alpha * x));
  case Function::Gelu:
    return x * erfcl(-x / root2) / 2;
  case Function::GeluTanh: {
    long double u = sqrtl(2 / acosl(-1.0L)) * (x + 0.044715L * x * x * x);
    return x / (1 + exp(-2 * u)); // (1 + tanh u) / 2 without its cancellation
  }
  case Function::Mish:
    return x * tanhl(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)));
  case Function::Sigmoid:
    return 1 / (1 + exp(-x));
  case Function::Tanh:
    return tanhl(x);
  case Function::Softplus:
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
  case Function::Softsign:
    return x / (1 + fabs(x));
  case Function::HardSigmoid: {
    long double line = alpha * x + beta;
    return line <= 0 ? 0 : line >= 1 ? 1 : line;
  }
  case Function::HardSwish:
    return x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6;
  case Function::Clip:
    return x < alpha ? alpha : x > beta ? beta : x;
  case Function::ThresholdedRelu:
    return x > alpha ? x : 0;
  case Function::Exp:
    return exp(x);
  case Function::Log:
    return logl(x);
  case Function::Sqrt:
    return sqrtl(x);
  case Function::Rsqrt:
    return 1 / sqrtl(x);
  case Function::Reciprocal:
    return 1 / x;
  case Function::Abs:
    return fabs(x);
  case Function::Neg:
    return -x;
  case Function::Sign:
    return (x > 0) - (x < 0);
  case Function::Floor:
    return floorl(x);
  case Function::Ceil:
    return ceill(x);
  case Function::Round:
    return rintl(x);
  case Function::Erf:
    return erfl(x);
  case Function::Sin:
    return sinl(x);
  case Function::Cos:
    return cosl(x);
  case Function::Square:
    return x * x;
  }
  return NAN;
}

float flushed(long double x) {
  auto rounded = static_cast<float>(x);
  return std::fabs(rounded) < 0x1p-126f ? std::copysign(0.0f, rounded)
                                        : rounded;
}

double ulps(float y, long double real) {
  int exponent = 0;
  std::frexp(std::max(std::fabs(real), 0x1p-126L), &exponent);
  return static_cast<double>(std::ldexp(std::fabs(y - real), 24 - exponent));
}

uint64_t Numbers::next() {
  state += 0x9E3779B97F4A7C15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

} // namespace oracle
