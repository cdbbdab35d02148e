//===- Interval.cpp - Real numbers between two MPFR bounds ----------------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "Interval.h"

#include <limits>

namespace quantc::numerics {

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Interval IntervalArithmetic::point(double x) const {
  Interval r(precision);
  mpfr_set_d(r.lo, x, MPFR_RNDD);
  mpfr_set_d(r.hi, x, MPFR_RNDU);
  return r;
}

Interval IntervalArithmetic::notANumber() const {
  return point(std::numeric_limits<double>::quiet_NaN());
}

Interval IntervalArithmetic::increasing(Operation operation,
                                        const Interval &x) const {
  Interval r(precision);
  operation(r.lo, x.lo, MPFR_RNDD);
  operation(r.hi, x.hi, MPFR_RNDU);
  return r;
}

Interval IntervalArithmetic::add(const Interval &x, const Interval &y) const {
  Interval r(precision);
  mpfr_add(r.lo, x.lo, y.lo, MPFR_RNDD);
  mpfr_add(r.hi, x.hi, y.hi, MPFR_RNDU);
  return r;
}

Interval IntervalArithmetic::negate(const Interval &x) const {
  Interval r(precision);
  mpfr_neg(r.lo, x.hi, MPFR_RNDD);
  mpfr_neg(r.hi, x.lo, MPFR_RNDU);
  return r;
}

Interval IntervalArithmetic::corners(Binary operation, const Interval &x,
                                     const Interval &y) const {
  if (x.isNaN() || y.isNaN())
    return notANumber();
  Interval r(precision);
  Real t(precision);
  bool first = true;
  for (const Real *left : {&x.lo, &x.hi})
    for (const Real *right : {&y.lo, &y.hi}) {
      auto combine = [&](Real &bound, mpfr_rnd_t rounding, int sign) {
        operation(t, *left, *right, rounding);
        if (mpfr_nan_p(t))
          mpfr_set_zero(t, 1);
        if (first || mpfr_cmp(t, bound) * sign > 0)
          mpfr_set(bound, t, MPFR_RNDN);
      };
      combine(r.lo, MPFR_RNDD, -1);
      combine(r.hi, MPFR_RNDU, 1);
      first = false;
    }
  return r;
}

Interval IntervalArithmetic::multiply(const Interval &x,
                                      const Interval &y) const {
  return corners(mpfr_mul, x, y);
}

Interval IntervalArithmetic::divide(const Interval &x,
                                    const Interval &y) const {
  return corners(mpfr_div, x, y);
}

Interval IntervalArithmetic::minimum(const Interval &x,
                                     const Interval &y) const {
  Interval r(precision);
  if (x.isNaN() || y.isNaN()) // mpfr_min prefers the number
    return notANumber();
  mpfr_min(r.lo, x.lo, y.lo, MPFR_RNDD);
  mpfr_min(r.hi, x.hi, y.hi, MPFR_RNDU);
  return r;
}

Interval IntervalArithmetic::maximum(const Interval &x,
                                     const Interval &y) const {
  return negate(minimum(negate(x), negate(y)));
}

Interval IntervalArithmetic::clamp(const Interval &x, double lo,
                                   double hi) const {
  return minimum(maximum(x, point(lo)), point(hi));
}

int IntervalArithmetic::side(Interval &x, double c) {
  if (mpfr_cmp_d(x.hi, c) < 0)
    return -1;
  if (mpfr_cmp_d(x.lo, c) > 0)
    return 1;
  if (!x.isPoint()) {
    undecided = !lastRound;
    x = point(c);
  }
  return 0;
}

Interval IntervalArithmetic::divideInto(double numerator, Interval x) {
  if (x.isNaN())
    return x;
  if (side(x, 0.0) == 0) {
    double infinity = std::numeric_limits<double>::infinity();
    return point(numerator * infinity); // NaN for 0 / 0
  }
  return divide(point(numerator), x);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Interval IntervalArithmetic::scaledExpm1(const Interval &x,
                                         double scale) const {
  return multiply(point(scale), increasing(mpfr_expm1, x));
}

Interval IntervalArithmetic::sigmoid(const Interval &x) const {
  Interval one = point(1.0);
  return divide(one, add(one, increasing(mpfr_exp, negate(x))));
}

/// log(1 + e^x), increasing: each bound by the form that does not cancel.
Interval IntervalArithmetic::softplus(const Interval &x) const {
  return increasing(
      [](mpfr_ptr r, mpfr_srcptr t, mpfr_rnd_t rounding) {
        Real u(mpfr_get_prec(r));
        if (mpfr_sgn(t) <= 0) {
          mpfr_exp(u, t, rounding);
          return mpfr_log1p(r, u, rounding);
        }
        mpfr_neg(u, t, MPFR_RNDN); // exact: no more bits than r has
        mpfr_exp(u, u, rounding);
        mpfr_log1p(u, u, rounding);
        return mpfr_add(r, t, u, rounding);
      },
      x);
}

/// x / (1 + |x|) = sign(x) (1 - 1 / (1 + |x|)); the second form has the limit.
Interval IntervalArithmetic::softsign(Interval x) {
  if (side(x, 0.0) < 0)
    return negate(softsign(negate(x)));
  Interval one = point(1.0);
  if (mpfr_cmp_ui(x.lo, 1) < 0)
    return divide(x, add(one, x));
  return add(one, negate(divide(one, add(one, x))));
}

/// x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3).
Interval IntervalArithmetic::geluTanh(const Interval &x) const {
  Interval root(precision);
  mpfr_const_pi(root.lo, MPFR_RNDU);
  mpfr_const_pi(root.hi, MPFR_RNDD);
  mpfr_ui_div(root.lo, 8, root.lo, MPFR_RNDD); // 2 sqrt(2 / pi) = sqrt(8 / pi)
  mpfr_ui_div(root.hi, 8, root.hi, MPFR_RNDU);
  root = increasing(mpfr_sqrt, root);
  Interval cubic = divide(point(44715.0), point(1000000.0));
  Interval cube = multiply(cubic, multiply(x, multiply(x, x)));
  return multiply(x, sigmoid(multiply(root, add(x, cube))));
}

/// sin or cos: no steeper than 1, so the width of x bounds the change.
Interval IntervalArithmetic::wave(Operation operation,
                                  const Interval &x) const {
  if (mpfr_inf_p(x.lo) || mpfr_inf_p(x.hi))
    return notANumber();
  Interval r(precision);
  operation(r.lo, x.lo, MPFR_RNDD);
  operation(r.hi, x.lo, MPFR_RNDU);
  if (x.isPoint())
    return r;
  Real width(precision);
  mpfr_sub(width, x.hi, x.lo, MPFR_RNDU);
  mpfr_sub(r.lo, r.lo, width, MPFR_RNDD);
  mpfr_add(r.hi, r.hi, width, MPFR_RNDU);
  return r;
}

/// floor or ceil; `takeHigh` picks the side that the branching point is on.
Interval IntervalArithmetic::toIntegers(Operation operation, const Interval &x,
                                        bool takeHigh) {
  Interval r = increasing(operation, x);
  if (!r.isPoint()) {
    undecided = !lastRound;
    (takeHigh ? r.lo : r.hi) = takeHigh ? r.hi : r.lo;
  }
  return r;
}

Interval IntervalArithmetic::nearestInteger(const Interval &x) {
  auto round = [](mpfr_ptr r, mpfr_srcptr t, mpfr_rnd_t) {
    return mpfr_roundeven(r, t);
  };
  Interval r = increasing(round, x);
  if (!r.isPoint()) {
    undecided = !lastRound;
    // x is a half: the even one of its neighbours.
    Real half(precision);
    mpfr_div_2ui(half, r.lo, 1, MPFR_RNDN);
    (mpfr_integer_p(half) ? r.hi : r.lo) = mpfr_integer_p(half) ? r.lo : r.hi;
  }
  return r;
}

Interval IntervalArithmetic::apply(Function function, Interval x, double alpha,
                                   double beta) {
  if (x.isNaN())
    return x;
  auto floor = [](mpfr_ptr r, mpfr_srcptr t, mpfr_rnd_t) {
    return mpfr_floor(r, t);
  };
  auto ceil = [](mpfr_ptr r, mpfr_srcptr t, mpfr_rnd_t) {
    return mpfr_ceil(r, t);
  };
  switch (function) {
  case Function::Identity:
    return x;
  case Function::Relu:
    return maximum(x, point(0.0));
  case Function::Relu6:
    return clamp(x, 0.0, 6.0);
  case Function::LeakyRelu:
    return side(x, 0.0) < 0 ? multiply(point(alpha), x) : x;
  case Function::Elu:
    return side(x, 0.0) > 0 ? x : scaledExpm1(x, alpha);
  case Function::Selu: {
    bool positive = side(x, 0.0) > 0;
    return multiply(point(beta), positive ? x : scaledExpm1(x, alpha));
  }
  case Function::Celu:
    return side(x, 0.0) > 0 ? x : scaledExpm1(divide(x, point(alpha)), alpha);
  case Function::Silu:
    return multiply(x, sigmoid(multiply(point(alpha), x)));
  case Function::Gelu: {
    // x erfc(-x / sqrt 2) / 2, and erfc(-t) increases with t.
    auto complement = [](mpfr_ptr r, mpfr_srcptr t, mpfr_rnd_t rounding) {
      Real u(mpfr_get_prec(r));
      mpfr_neg(u, t, MPFR_RNDN);
      return mpfr_erfc(r, u, rounding);
    };
    Interval t = divide(x, increasing(mpfr_sqrt, point(2.0)));
    Interval weight = divide(increasing(complement, t), point(2.0));
    return multiply(x, weight);
  }
  case Function::GeluTanh:
    return geluTanh(x);
  case Function::Mish:
    return multiply(x, increasing(mpfr_tanh, softplus(x)));
  case Function::Sigmoid:
    return sigmoid(x);
  case Function::Tanh:
    return increasing(mpfr_tanh, x);
  case Function::Softplus:
    return softplus(x);
  case Function::Softsign:
    return softsign(x);
  case Function::HardSigmoid:
    return clamp(add(multiply(point(alpha), x), point(beta)), 0.0, 1.0);
  case Function::HardSwish: {
    // The division last, so that a tie is met exactly.
    Interval line = clamp(add(x, point(3.0)), 0.0, 6.0);
    return divide(multiply(x, line), point(6.0));
  }
  case Function::Clip:
    return clamp(x, alpha, beta);
  case Function::ThresholdedRelu:
    return side(x, alpha) > 0 ? x : point(0.0);
  case Function::Exp:
    return increasing(mpfr_exp, x);
  case Function::Log: // -inf at 0
    return side(x, 0.0) < 0 ? notANumber() : increasing(mpfr_log, x);
  case Function::Sqrt:
    return side(x, 0.0) < 0 ? notANumber() : increasing(mpfr_sqrt, x);
  case Function::Rsqrt: {
    if (side(x, 0.0) < 0)
      return notANumber();
    Interval r(precision);
    mpfr_rec_sqrt(r.lo, x.hi, MPFR_RNDD); // +inf at 0
    mpfr_rec_sqrt(r.hi, x.lo, MPFR_RNDU);
    return r;
  }
  case Function::Reciprocal:
    return divideInto(1.0, x);
  case Function::Abs:
    return side(x, 0.0) < 0 ? negate(x) : x;
  case Function::Neg:
    return negate(x);
  case Function::Sign:
    return point(side(x, 0.0));
  case Function::Floor:
    return toIntegers(floor, x, /*takeHigh=*/true);
  case Function::Ceil:
    return toIntegers(ceil, x, /*takeHigh=*/false);
  case Function::Round:
    return nearestInteger(x);
  case Function::Erf:
    return increasing(mpfr_erf, x);
  case Function::Sin:
    return wave(mpfr_sin, x);
  case Function::Cos:
    return wave(mpfr_cos, x);
  case Function::Square:
    return multiply(x, x);
  }
  return notANumber(); // not a Function
}

} // namespace quantc::numerics
