//===- Interval.h - Real numbers between two MPFR bounds --------*- C++ -*-===//
//
// Part of the quantc project. Private to Numerics.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_NUMERICS_INTERVAL_H
#define QUANTC_LIB_NUMERICS_INTERVAL_H

#include "quantc/Numerics/Functions.h"

#include <mpfr.h>

namespace quantc::numerics {

/// An MPFR number that owns its memory.
class Real {
public:
  explicit Real(mpfr_prec_t precision) { mpfr_init2(value, precision); }
  Real(const Real &other) {
    mpfr_init2(value, mpfr_get_prec(other.value));
    mpfr_set(value, other.value, MPFR_RNDN);
  }
  Real &operator=(const Real &other) {
    if (this != &other) {
      mpfr_set_prec(value, mpfr_get_prec(other.value));
      mpfr_set(value, other.value, MPFR_RNDN);
    }
    return *this;
  }
  ~Real() { mpfr_clear(value); }

  operator mpfr_ptr() { return value; }
  operator mpfr_srcptr() const { return value; }
  mpfr_srcptr operator->() const { return value; } // MPFR's macros use it

private:
  mpfr_t value;
};

/// The real number (or +-inf) is in [lo, hi]; lo == hi is that very number, and
/// lo is NaN where the function has no value.
struct Interval {
  Real lo;
  Real hi;

  explicit Interval(mpfr_prec_t precision) : lo(precision), hi(precision) {}

  bool isNaN() const { return mpfr_nan_p(lo) != 0; }
  bool isPoint() const { return mpfr_equal_p(lo, hi) != 0; }
};

/// Interval arithmetic at one precision. Where a function branches and the
/// interval lies on both sides, `undecided` is set and the result means
/// nothing: evaluate again with more bits. In the last round the interval is
/// taken to be the branching point instead, which is right unless the number is
/// closer to that point than 2^-precision without being it.
class IntervalArithmetic {
public:
  IntervalArithmetic(mpfr_prec_t precision, bool lastRound)
      : precision(precision), lastRound(lastRound) {}

  bool undecided = false;

  Interval point(double x) const;
  Interval add(const Interval &x, const Interval &y) const;
  Interval negate(const Interval &x) const;
  /// 0 times an infinity is 0: the limit, where x dies faster than y grows.
  Interval multiply(const Interval &x, const Interval &y) const;
  /// Precondition: y does not hold 0, and not both are infinite.
  Interval divide(const Interval &x, const Interval &y) const;
  Interval minimum(const Interval &x, const Interval &y) const;
  Interval maximum(const Interval &x, const Interval &y) const;
  /// numerator / x, with +inf for 1 / 0.
  Interval divideInto(double numerator, Interval x);

  /// Precondition: validParameters(function, alpha, beta).
  Interval apply(Function function, Interval x, double alpha, double beta);

private:
  using Operation = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
  using Binary = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);

  Interval increasing(Operation operation, const Interval &x) const;
  Interval corners(Binary operation, const Interval &x,
                   const Interval &y) const;
  /// -1, 0 or 1: where x lies against the branching point c; 0 means that it
  /// is c (and is set to it).
  int side(Interval &x, double c);
  Interval clamp(const Interval &x, double lo, double hi) const;
  Interval scaledExpm1(const Interval &x, double scale) const;
  Interval sigmoid(const Interval &x) const;
  Interval softplus(const Interval &x) const;
  Interval softsign(Interval x);
  Interval geluTanh(const Interval &x) const;
  Interval wave(Operation operation, const Interval &x) const;
  Interval toIntegers(Operation operation, const Interval &x, bool takeHigh);
  Interval nearestInteger(const Interval &x);
  Interval notANumber() const;

  mpfr_prec_t precision;
  bool lastRound;
};

} // namespace quantc::numerics

#endif // QUANTC_LIB_NUMERICS_INTERVAL_H
