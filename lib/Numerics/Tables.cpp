//===- Tables.cpp - Correctly rounded look-up tables ----------------------===//
//
// Part of the quantc project.
//
// Takes: a chain of unary steps, a value x, the parameters of the result.
// Gives: the exact value of the chain at x, rounded once.
// How:   intervals around the exact value at rising precision, until both ends
//        round to the same result. A tie never gets there unless it is exact in
//        the interval too, so in the last round an interval that still holds
//        one breakpoint is taken to be that breakpoint.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Tables.h"
#include "Interval.h"
#include "quantc/Numerics/Evaluate.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace quantc::numerics {

/// Bits of each round. 64 settle most entries, 512 all but ties and near-ties;
/// 8192 hold the sum of any two doubles exactly.
static constexpr mpfr_prec_t rounds[] = {64, 128, 512, 2048, 8192};

namespace {
/// MPFR keeps pi and log 2 of the largest precision met, per thread.
struct CacheRelease {
  ~CacheRelease() { mpfr_free_cache(); }
};
} // namespace

UnaryStep UnaryStep::apply(Function function) {
  return apply(function, defaultAlpha(function), defaultBeta(function));
}

UnaryStep UnaryStep::apply(Function function, double alpha, double beta) {
  return {Kind::Apply, function, alpha, beta};
}

static bool validStep(const UnaryStep &step, std::string *why) {
  if (step.kind == UnaryStep::Kind::Apply)
    return validParameters(step.function, step.alpha, step.beta, why);
  const char *reason = nullptr;
  if (step.kind < UnaryStep::Kind::Apply ||
      step.kind > UnaryStep::Kind::Maximum)
    reason = "its kind is outside the list of kinds";
  else if (!std::isfinite(step.alpha))
    reason = "its constant is not finite";
  else if (step.kind == UnaryStep::Kind::Divide && step.alpha == 0.0)
    reason = "it divides by 0";
  if (reason && why)
    *why = reason;
  return !reason;
}

bool valid(std::span<const UnaryStep> steps, std::string *why) {
  for (size_t i = 0; i < steps.size(); ++i) {
    std::string reason;
    if (validStep(steps[i], &reason))
      continue;
    if (why)
      *why = "step " + std::to_string(i) + ": " + reason;
    return false;
  }
  return true;
}

static Interval applyStep(IntervalArithmetic &arithmetic, const UnaryStep &step,
                          const Interval &x) {
  Interval constant = arithmetic.point(step.alpha);
  switch (step.kind) {
  case UnaryStep::Kind::Apply:
    return arithmetic.apply(step.function, x, step.alpha, step.beta);
  case UnaryStep::Kind::Add:
    return arithmetic.add(x, constant);
  case UnaryStep::Kind::SubtractFrom:
    return arithmetic.add(constant, arithmetic.negate(x));
  case UnaryStep::Kind::Multiply:
    return arithmetic.multiply(x, constant);
  case UnaryStep::Kind::Divide:
    return arithmetic.divide(x, constant);
  case UnaryStep::Kind::DivideInto:
    return arithmetic.divideInto(step.alpha, x);
  case UnaryStep::Kind::Minimum:
    return arithmetic.minimum(x, constant);
  case UnaryStep::Kind::Maximum:
    return arithmetic.maximum(x, constant);
  }
  return x;
}

/// Hands the interval of the chain at x to `settle(arithmetic, y, last)`, with
/// more and more bits until that returns true (which it must in the last
/// round). Precondition: the steps are valid and x is not NaN.
template <typename Settle>
static void refine(std::span<const UnaryStep> steps, double x, Settle settle) {
  for (mpfr_prec_t precision : rounds) {
    bool last = precision == rounds[std::size(rounds) - 1];
    IntervalArithmetic arithmetic(precision, last);
    Interval y = arithmetic.point(x);
    for (const UnaryStep &step : steps)
      if (!y.isNaN())
        y = applyStep(arithmetic, step, y);
    if (!arithmetic.undecided && settle(arithmetic, y, last))
      return;
  }
}

/// rne(t) as an integer. Precondition: |t| <= maxSteps.
static int32_t nearest(mpfr_srcptr t) {
  return static_cast<int32_t>(mpfr_get_si(t, MPFR_RNDN));
}

/// quantizeExactly without its checks.
static int32_t quantizeChain(std::span<const UnaryStep> steps, double x,
                             const QuantParams &out) {
  int32_t low = out.qmin - out.zeroPoint, high = out.qmax - out.zeroPoint;
  int32_t q = 0;
  refine(steps, x,
         [&](IntervalArithmetic &arithmetic, const Interval &y, bool last) {
           if (y.isNaN())
             return true;
           Interval t = arithmetic.divide(y, arithmetic.point(out.scale));
           t = arithmetic.maximum(arithmetic.minimum(t, arithmetic.point(high)),
                                  arithmetic.point(low));
           q = nearest(t.lo);
           int32_t other = nearest(t.hi);
           // Half to even: the interval is the half between two neighbours.
           if (last && other == q + 1 && other % 2 == 0)
             q = other;
           return last || q == other;
         });
  return q + out.zeroPoint;
}

int32_t quantizeExactly(std::span<const UnaryStep> steps, double x,
                        const QuantParams &out) {
  CacheRelease release;
  if (std::isnan(x) || !valid(steps) || !valid(out))
    return out.zeroPoint;
  return quantizeChain(steps, x, out);
}

static float roundChain(std::span<const UnaryStep> steps, double x) {
  constexpr float nan = std::bit_cast<float>(0x7FC00000);
  float result = nan;
  refine(steps, x, [&](IntervalArithmetic &, const Interval &y, bool last) {
    if (y.isNaN())
      return true;
    result = mpfr_get_flt(y.lo, MPFR_RNDN);
    float other = mpfr_get_flt(y.hi, MPFR_RNDN);
    if (result == other) {
      if (mpfr_zero_p(y.lo) && mpfr_zero_p(y.hi))
        result = 0.0f; // a real zero has no sign
      return true;
    }
    // Half to even.
    if (last && std::bit_cast<uint32_t>(other) % 2 == 0)
      result = other;
    return last;
  });
  if (std::fabs(result) < std::numeric_limits<float>::min())
    result = std::copysign(0.0f, result);
  return result;
}

float roundExactly(std::span<const UnaryStep> steps, double x) {
  CacheRelease release;
  if (std::isnan(x) || !valid(steps))
    return std::bit_cast<float>(0x7FC00000);
  return roundChain(steps, x);
}

std::vector<int32_t> makeTable(std::span<const UnaryStep> steps,
                               const QuantParams &in, const QuantParams &out) {
  if (!valid(in) || !valid(out))
    return {};
  CacheRelease release;
  std::vector<int32_t> table(size_t(in.qmax - in.qmin) + 1, out.zeroPoint);
  if (!valid(steps))
    return table;
  for (size_t i = 0; i < table.size(); ++i) {
    float x = dequantize(in.qmin + static_cast<int32_t>(i), in);
    table[i] = quantizeChain(steps, x, out);
  }
  return table;
}

std::vector<int32_t> makeTable(Function function, double alpha, double beta,
                               const QuantParams &in, const QuantParams &out) {
  UnaryStep step = UnaryStep::apply(function, alpha, beta);
  return makeTable(std::span(&step, 1), in, out);
}

std::vector<float> makeFloatTable(std::span<const UnaryStep> steps,
                                  const QuantParams &in) {
  if (!valid(in))
    return {};
  CacheRelease release;
  std::vector<float> table(size_t(in.qmax - in.qmin) + 1,
                           std::bit_cast<float>(0x7FC00000));
  if (!valid(steps))
    return table;
  for (size_t i = 0; i < table.size(); ++i)
    table[i] =
        roundChain(steps, dequantize(in.qmin + static_cast<int32_t>(i), in));
  return table;
}

//===----------------------------------------------------------------------===//
// The range worth an index
//===----------------------------------------------------------------------===//

/// The place of a finite float in the order of all floats, 0 for both zeros.
static int64_t ordinalOf(float x) {
  int32_t bits = std::bit_cast<int32_t>(x);
  int32_t magnitude = bits & 0x7FFFFFFF;
  return bits < 0 ? -int64_t(magnitude) : magnitude;
}

static float floatAt(int64_t ordinal) {
  auto magnitude = static_cast<uint32_t>(std::abs(ordinal));
  return std::bit_cast<float>(ordinal < 0 ? magnitude | 0x80000000u
                                          : magnitude);
}

/// The last float from `from` towards `to` up to which the output stays what it
/// is at `from`; `to` if it never changes.
static int64_t lastUnchanged(std::span<const UnaryStep> steps, int64_t from,
                             int64_t to, const QuantParams &out) {
  constexpr int64_t stride = 1 << 20; // an eighth of an octave
  int32_t constant = quantizeChain(steps, floatAt(from), out);
  int64_t direction = to < from ? -1 : 1;
  int64_t same = from;
  while (same != to) {
    int64_t step = std::min(stride, std::abs(to - same));
    int64_t probe = same + direction * step;
    if (quantizeChain(steps, floatAt(probe), out) == constant) {
      same = probe;
      continue;
    }
    // The change lies after `same` and not after `probe`.
    while (std::abs(probe - same) > 1) {
      int64_t middle = same + (probe - same) / 2;
      bool unchanged = quantizeChain(steps, floatAt(middle), out) == constant;
      (unchanged ? same : probe) = middle;
    }
    return same;
  }
  return same;
}

IndexRange trimIndexRange(std::span<const UnaryStep> steps, double lo,
                          double hi, const QuantParams &out) {
  // The negation also refuses NaN.
  if (!(lo <= hi))
    return {};
  constexpr double largest = std::numeric_limits<float>::max();
  auto low = static_cast<float>(std::clamp(lo, -largest, largest));
  auto high = static_cast<float>(std::clamp(hi, -largest, largest));
  if (!valid(steps) || !valid(out))
    return {low, high};
  CacheRelease release;
  int64_t first = ordinalOf(low), last = ordinalOf(high);
  int64_t start = lastUnchanged(steps, first, last, out);
  if (start == last) {
    double only = std::clamp(0.0, double(low), double(high));
    return {only, only};
  }
  int64_t end = lastUnchanged(steps, last, start, out);
  return {floatAt(start), floatAt(end)};
}

IndexRange trimIndexRange(Function function, double alpha, double beta,
                          double lo, double hi, const QuantParams &out) {
  UnaryStep step = UnaryStep::apply(function, alpha, beta);
  return trimIndexRange(std::span(&step, 1), lo, hi, out);
}

} // namespace quantc::numerics
