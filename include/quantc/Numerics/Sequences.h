//===- Sequences.h - Every f32/i32 operation sequence -----------*- C++ -*-===//
//
// Part of the quantc project.
//
// Normative: this file is the one definition of what quantc's arithmetic does.
// Each function is a sequence of the elementary operations of Policy.h, in the
// order written, one rounding per float operation, no fused multiply-add.
//
// NaN is 0x7FC00000 wherever a float function returns one. Subnormals do not
// exist: an argument or a result below 2^-126 counts as a zero of its sign, so
// hosts that flush subnormals (or may not) give the same bits.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_SEQUENCES_H
#define QUANTC_NUMERICS_SEQUENCES_H

#include "quantc/Numerics/Functions.h"
#include "quantc/Numerics/Parameters.h"
#include "quantc/Numerics/Policy.h"

#include <initializer_list>
#include <limits>

namespace quantc::numerics {

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

/// 1.5 * 2^23: adding it leaves no bits below 1 in a sum, for |x| <= 2^22.
constexpr float roundingBias = 12582912.0f;
constexpr int32_t roundingBiasBits = 0x4B400000;
constexpr int32_t signBit = INT32_MIN;
constexpr int32_t magnitudeBits = 0x7FFFFFFF;
constexpr int32_t infinityBits = 0x7F800000;
constexpr int32_t canonicalNaNBits = 0x7FC00000;
constexpr int32_t smallestNormalBits = 0x00800000;
constexpr float floatInfinity = std::numeric_limits<float>::infinity();

/// x held to [lo, hi]; NaN stays NaN; hi wins where lo > hi.
template <ArithmeticPolicy A>
typename A::F clamp(A &a, typename A::F x, float lo, float hi) {
  auto low = a.constant(lo), high = a.constant(hi);
  x = a.select(a.less(x, low), low, x);
  return a.select(a.greater(x, high), high, x);
}

template <ArithmeticPolicy A> typename A::F absolute(A &a, typename A::F x) {
  return a.fromBits(a.andI(a.bitsOf(x), a.integer(magnitudeBits)));
}

/// By the sign bit, so that -(+0) is -0.
template <ArithmeticPolicy A> typename A::F negate(A &a, typename A::F x) {
  return a.fromBits(a.xorI(a.bitsOf(x), a.integer(signBit)));
}

/// The magnitude of x (whose sign bit is clear) with the sign of y.
template <ArithmeticPolicy A>
typename A::F withSignOf(A &a, typename A::F x, typename A::F y) {
  auto sign = a.andI(a.bitsOf(y), a.integer(signBit));
  return a.fromBits(a.orI(a.bitsOf(x), sign));
}

/// Subnormals become zeros of their sign and any NaN the one NaN. On integers,
/// because a float comparison may itself flush.
template <ArithmeticPolicy A> typename A::F settle(A &a, typename A::F x) {
  auto bits = a.bitsOf(x);
  auto magnitude = a.andI(bits, a.integer(magnitudeBits));
  auto tiny = a.lessI(magnitude, a.integer(smallestNormalBits));
  auto settled = a.selectI(tiny, a.andI(bits, a.integer(signBit)), bits);
  auto nan = a.lessI(a.integer(infinityBits), magnitude);
  return a.fromBits(a.selectI(nan, a.integer(canonicalNaNBits), settled));
}

/// x * weight where a weight of 0 gives +0 even for an infinite x: the limit of
/// the functions that are x times something that dies faster.
template <ArithmeticPolicy A>
typename A::F productOrZero(A &a, typename A::F x, typename A::F weight) {
  auto zero = a.constant(0.0f);
  return a.select(a.equal(weight, zero), zero, a.mul(x, weight));
}

/// factor * x, where a factor of 0 gives +0 even for an infinite x.
template <ArithmeticPolicy A>
typename A::F scaled(A &a, float factor, typename A::F x) {
  if (factor != 0.0f)
    return a.mul(a.constant(factor), x);
  return a.select(a.unordered(x), x, a.constant(0.0f));
}

/// Horner's rule; coefficients from the highest power down.
template <ArithmeticPolicy A>
typename A::F polynomial(A &a, typename A::F x,
                         std::initializer_list<float> coefficients) {
  const auto *it = coefficients.begin();
  auto sum = a.constant(*it);
  for (++it; it != coefficients.end(); ++it)
    sum = a.add(a.mul(sum, x), a.constant(*it));
  return sum;
}

//===----------------------------------------------------------------------===//
// Quantize, requantize, dequantize
//
// Preconditions: valid() parameters. As qmin <= zp <= qmax and the range has at
// most 2^22 steps, its bounds less zp are at most 2^22.
//===----------------------------------------------------------------------===//

/// t rounded, half to even, held to the steps of the range, moved by the zero
/// point: adding roundingBias rounds, and what is left is the integer beside
/// the bias in the bits of the sum. Held in f32, since out-of-range conversions
/// differ between CPUs; after the sum and not before, which gives the same,
/// since sums are monotonic and the bounds whole, and LLVM's min and max.
/// Preconditions: t is not NaN, the bounds less zp are at most 2^22.
template <ArithmeticPolicy A>
typename A::I clampAndRound(A &a, typename A::F t, int32_t zp, int32_t qmin,
                            int32_t qmax) {
  auto biased = a.add(t, a.constant(roundingBias));
  biased = clamp(a, biased, roundingBias + static_cast<float>(qmin - zp),
                 roundingBias + static_cast<float>(qmax - zp));
  return a.addI(a.bitsOf(biased), a.integer(zp - roundingBiasBits));
}

/// clamp(rne(x / scale) + zp); NaN gives zp.
template <ArithmeticPolicy A>
typename A::I quantize(A &a, typename A::F x, typename A::F scale, int32_t zp,
                       int32_t qmin, int32_t qmax) {
  auto t = a.div(x, scale);
  t = a.select(a.unordered(t), a.constant(0.0f), t);
  return clampAndRound(a, t, zp, qmin, qmax);
}

/// scale * (q - zp). Precondition: |q - zp| <= 2^24, so the conversion is
/// exact.
template <ArithmeticPolicy A>
typename A::F dequantize(A &a, typename A::I q, typename A::F scale,
                         int32_t zp) {
  return a.mul(a.toFloat(a.subI(q, a.integer(zp))), scale);
}

/// clamp(rne(f32(acc) * multiplier) + zp). Precondition: multiplier is in
/// [minMultiplier, maxMultiplier], so the product is neither NaN nor infinite.
template <ArithmeticPolicy A>
typename A::I requantize(A &a, typename A::I acc, typename A::F multiplier,
                         int32_t zp, int32_t qmin, int32_t qmax) {
  auto t = a.mul(a.toFloat(acc), multiplier);
  return clampAndRound(a, t, zp, qmin, qmax);
}

/// clamp(rne(acc * mantissa * 2^-shift) + zp), exact to the last bit.
/// Preconditions: 0 <= mantissa, 1 <= shift <= 62 (see encodeMultiplier).
/// |acc * mantissa| <= 2^62, and half a unit on top still fits in 64 bits.
template <ArithmeticPolicy A>
typename A::I requantizeFixed(A &a, typename A::I acc, typename A::I mantissa,
                              typename A::I shift, int32_t zp, int32_t qmin,
                              int32_t qmax) {
  auto one = a.integerL(1);
  auto product = a.mulL(a.widen(acc), a.widen(mantissa));
  // Half to even: add half less one, plus one more where the quotient is odd.
  auto odd = a.andL(a.shiftRightArithmeticL(product, shift), one);
  auto half = a.shiftLeftL(one, a.subI(shift, a.integer(1)));
  auto nudged = a.addL(product, a.addL(a.subL(half, one), odd));
  auto rounded = a.shiftRightArithmeticL(nudged, shift);
  auto low = a.integerL(int64_t(qmin) - zp),
       high = a.integerL(int64_t(qmax) - zp);
  rounded = a.selectL(a.lessL(rounded, low), low, rounded);
  rounded = a.selectL(a.lessL(high, rounded), high, rounded);
  return a.addI(a.narrow(rounded), a.integer(zp));
}

/// An accumulator read as float: f32(acc) * multiplier + bias, with multiplier
/// from chooseOutputMultiplier and bias from settleBias.
template <ArithmeticPolicy A>
typename A::F scaleAccumulator(A &a, typename A::I acc,
                               typename A::F multiplier, typename A::F bias) {
  return a.add(a.mul(a.toFloat(acc), multiplier), bias);
}

/// One float operation on two quantized numbers: each dequantized, `operation`,
/// quantized.
template <ArithmeticPolicy A, typename Operation>
typename A::I combineQuantized(A &a, typename A::I x,
                               const QuantParams &xParams, typename A::I y,
                               const QuantParams &yParams,
                               const QuantParams &out, Operation operation) {
  auto left = dequantize(a, x, a.constant(xParams.scale), xParams.zeroPoint);
  auto right = dequantize(a, y, a.constant(yParams.scale), yParams.zeroPoint);
  return quantize(a, operation(left, right), a.constant(out.scale),
                  out.zeroPoint, out.qmin, out.qmax);
}

template <ArithmeticPolicy A>
typename A::I addQuantized(A &a, typename A::I x, const QuantParams &xParams,
                           typename A::I y, const QuantParams &yParams,
                           const QuantParams &out) {
  return combineQuantized(a, x, xParams, y, yParams, out,
                          [&](auto l, auto r) { return a.add(l, r); });
}

template <ArithmeticPolicy A>
typename A::I subtractQuantized(A &a, typename A::I x,
                                const QuantParams &xParams, typename A::I y,
                                const QuantParams &yParams,
                                const QuantParams &out) {
  return combineQuantized(a, x, xParams, y, yParams, out,
                          [&](auto l, auto r) { return a.sub(l, r); });
}

template <ArithmeticPolicy A>
typename A::I multiplyQuantized(A &a, typename A::I x,
                                const QuantParams &xParams, typename A::I y,
                                const QuantParams &yParams,
                                const QuantParams &out) {
  return combineQuantized(a, x, xParams, y, yParams, out,
                          [&](auto l, auto r) { return a.mul(l, r); });
}

//===----------------------------------------------------------------------===//
// exp and log
//===----------------------------------------------------------------------===//

/// x = n ln 2 + r with |r| <= ln 2 / 2, and e^r - 1.
template <ArithmeticPolicy A> struct ReducedExp {
  typename A::I n;
  typename A::F expm1;
};

/// Only meaningful for |x| <= 89; any x is harmless.
template <ArithmeticPolicy A> ReducedExp<A> reduceExp(A &a, typename A::F x) {
  auto bias = a.constant(roundingBias);
  auto biased = a.add(a.mul(x, a.constant(0x1.715476p+0f)), bias); // log2(e)
  auto n = a.sub(biased, bias);
  // ln 2 in two parts; n times the high part (13 bits) is exact.
  auto r = a.sub(x, a.mul(n, a.constant(0x1.62ep-1f)));
  r = a.sub(r, a.mul(n, a.constant(0x1.0bfbe8p-15f)));
  // (e^r - 1 - r) / r^2, minimax, error below 2^-29 of e^r.
  auto p = polynomial(a, r,
                      {0x1.a1b5fep-13f, 0x1.6d9778p-10f, 0x1.11107ep-7f,
                       0x1.55548p-5f, 0x1.555556p-3f, 0.5f});
  auto expm1 = a.add(a.mul(a.mul(r, r), p), r);
  return {a.subI(a.bitsOf(biased), a.integer(roundingBiasBits)), expm1};
}

/// e^x within 2 ulp; 0 where that is below 2^-126.
template <ArithmeticPolicy A> typename A::F exp(A &a, typename A::F x) {
  // The last arguments with a finite and with a normal result.
  auto largest = a.constant(0x1.62e42ep+6f);
  auto smallest = a.constant(-0x1.5d589ep+6f);
  ReducedExp<A> reduced = reduceExp(a, x);
  auto mantissa = a.add(a.constant(1.0f), reduced.expm1);
  // 2^n goes straight into the exponent field: no step is ever subnormal.
  auto result =
      a.fromBits(a.addI(a.bitsOf(mantissa), a.shiftLeft(reduced.n, 23)));
  result = a.select(a.greater(x, largest), a.constant(floatInfinity), result);
  result = a.select(a.less(x, smallest), a.constant(0.0f), result);
  auto nan = a.fromBits(a.integer(canonicalNaNBits));
  return a.select(a.unordered(x), nan, result);
}

/// e^x - 1 for x <= 0, where it is within 2 ulp; unspecified above 0.
template <ArithmeticPolicy A>
typename A::F expm1Negative(A &a, typename A::F x) {
  auto floor = a.constant(-20.0f); // e^-20 is lost in 1
  x = a.select(a.less(x, floor), floor, x);
  ReducedExp<A> reduced = reduceExp(a, x);
  auto one = a.constant(1.0f);
  auto power = a.fromBits(a.addI(a.bitsOf(one), a.shiftLeft(reduced.n, 23)));
  return a.add(a.mul(power, reduced.expm1), a.sub(power, one));
}

/// log(1 + f) = f - half + rest, for f in [-0.3, 1].
template <ArithmeticPolicy A> struct LogParts {
  typename A::F half; ///< f^2 / 2
  typename A::F rest;
};

template <ArithmeticPolicy A> LogParts<A> logParts(A &a, typename A::F f) {
  // log(1 + f) = 2 atanh(s), s = f / (2 + f), and 2 s = f - s f.
  auto s = a.div(f, a.add(a.constant(2.0f), f));
  auto z = a.mul(s, s);
  // (2 atanh(s) / s - 2) / z on z <= 1/9, minimax, error below 2^-29.
  auto tail =
      a.mul(z, polynomial(a, z,
                          {0x1.f1d1c2p-3f, 0x1.b6ce1cp-3f, 0x1.2509cep-2f,
                           0x1.9996a6p-2f, 0x1.555558p-1f}));
  auto half = a.mul(a.mul(f, f), a.constant(0.5f));
  return {half, a.mul(s, a.add(half, tail))};
}

/// log(x) within 2 ulp; -inf at +-0, NaN below.
template <ArithmeticPolicy A> typename A::F log(A &a, typename A::F x) {
  x = settle(a, x);
  // x = 2^k m with m in [sqrt(1/2), sqrt(2)).
  constexpr int32_t sqrtHalfBits = 0x3F3504F3;
  auto bits = a.bitsOf(x);
  auto shifted = a.addI(bits, a.integer(0x3F800000 - sqrtHalfBits));
  auto k =
      a.toFloat(a.subI(a.shiftRightArithmetic(shifted, 23), a.integer(127)));
  auto m = a.fromBits(
      a.addI(a.andI(shifted, a.integer(0x007FFFFF)), a.integer(sqrtHalfBits)));
  auto f = a.sub(m, a.constant(1.0f));
  LogParts<A> parts = logParts(a, f);
  // Small terms first; k times the high part of ln 2 is exact.
  auto low = a.add(parts.rest, a.mul(k, a.constant(0x1.0bfbe8p-15f)));
  auto result = a.add(a.sub(low, parts.half), f);
  result = a.add(result, a.mul(k, a.constant(0x1.62ep-1f)));

  auto nan = a.fromBits(a.integer(canonicalNaNBits));
  result = a.select(a.lessI(bits, a.integer(0)), nan, result);
  auto magnitude = a.andI(bits, a.integer(magnitudeBits));
  result = a.select(a.lessI(magnitude, a.integer(1)),
                    a.constant(-floatInfinity), result);
  // +inf, and NaN, which settle has made positive.
  return a.select(a.lessI(a.integer(infinityBits - 1), bits), x, result);
}

//===----------------------------------------------------------------------===//
// Sigmoid and its family
//===----------------------------------------------------------------------===//

/// 1 / (1 + e^-x) within 4 ulp.
template <ArithmeticPolicy A> typename A::F sigmoid(A &a, typename A::F x) {
  auto one = a.constant(1.0f);
  return settle(a, a.div(one, a.add(one, exp(a, negate(a, x)))));
}

/// Within 4 ulp.
template <ArithmeticPolicy A> typename A::F tanh(A &a, typename A::F x) {
  x = settle(a, x);
  auto t = absolute(a, x);
  auto one = a.constant(1.0f), two = a.constant(2.0f);
  // (tanh(t) / t - 1) / t^2 on t <= 0.625, minimax, error below 2^-28.
  auto z = a.mul(t, t);
  auto tail =
      a.mul(z, polynomial(a, z,
                          {0x1.1959ep-9f, -0x1.0c186ep-7f, 0x1.639322p-6f,
                           -0x1.b9ef56p-5f, 0x1.11106ap-3f, -0x1.555554p-2f}));
  auto inner = a.add(t, a.mul(t, tail));
  auto e = exp(a, a.add(t, t));
  auto outer = a.sub(one, a.div(two, a.add(e, one)));
  auto result = a.select(a.less(t, a.constant(0.625f)), inner, outer);
  return settle(a, withSignOf(a, result, x));
}

/// Within 4 ulp.
template <ArithmeticPolicy A> typename A::F erf(A &a, typename A::F x) {
  x = settle(a, x);
  auto t = absolute(a, x);
  // erf(t) / t - 1 on t <= 1, minimax, error below 2^-27. As one product: the
  // sum of t and a smaller product would depend on the flushing of the latter.
  auto z = a.mul(t, t);
  auto ratio = polynomial(a, z,
                          {-0x1.44cfbep-17f, 0x1.d8b88ep-14f, -0x1.bcd7dep-11f,
                           0x1.562b1ap-8f, -0x1.b829d8p-6f, 0x1.ce2f0ap-4f,
                           -0x1.812746p-2f, 0x1.06eba8p-3f});
  auto inner = a.mul(t, a.add(a.constant(1.0f), ratio));
  // -log(erfc(t)) on [1, 4], minimax, error below 2^-27 / erfc(t). Beyond 4
  // erf rounds to 1.
  auto u = clamp(a, t, 0.0f, 4.0f);
  auto exponent =
      polynomial(a, u,
                 {-0x1.0ddcd4p-22f, 0x1.a8b66cp-16f, -0x1.e65134p-12f,
                  0x1.18a678p-8f, -0x1.9fb86ap-6f, 0x1.bcfc4p-4f,
                  0x1.441dc4p-1f, 0x1.21317ap+0f, -0x1.ac92f2p-13f});
  auto outer = a.sub(a.constant(1.0f), exp(a, negate(a, exponent)));
  auto result = a.select(a.less(t, a.constant(1.0f)), inner, outer);
  return settle(a, withSignOf(a, result, x));
}

/// log(1 + e^x) = max(x, 0) + log1p(e^-|x|) within 4 ulp.
template <ArithmeticPolicy A> typename A::F softplus(A &a, typename A::F x) {
  auto zero = a.constant(0.0f);
  auto u = exp(a, negate(a, absolute(a, x)));
  LogParts<A> parts = logParts(a, u);
  auto log1p = a.add(a.sub(parts.rest, parts.half), u);
  auto positive = a.select(a.greater(x, zero), x, zero);
  return settle(a, a.add(positive, log1p));
}

//===----------------------------------------------------------------------===//
// Rounding to integers in float, for any magnitude
//===----------------------------------------------------------------------===//

/// Half to even; 2^23 and above are integers already.
template <ArithmeticPolicy A> typename A::F roundAny(A &a, typename A::F x) {
  auto limit = a.constant(8388608.0f); // 2^23
  auto t = absolute(a, x);
  auto rounded = withSignOf(a, a.sub(a.add(t, limit), limit), x);
  return a.select(a.less(t, limit), rounded, x);
}

template <ArithmeticPolicy A> typename A::F floor(A &a, typename A::F x) {
  auto rounded = roundAny(a, x);
  auto below = a.sub(rounded, a.constant(1.0f));
  return a.select(a.greater(rounded, x), below, rounded);
}

template <ArithmeticPolicy A> typename A::F ceil(A &a, typename A::F x) {
  auto rounded = roundAny(a, x);
  auto above = a.add(rounded, a.constant(1.0f));
  auto result = a.select(a.less(rounded, x), above, rounded);
  // -0.3 rises to -0, as in IEEE 754.
  return withSignOf(a, absolute(a, result), x);
}

//===----------------------------------------------------------------------===//
// sin and cos
//===----------------------------------------------------------------------===//

/// sin(x + quarters * pi / 2), within 2^-22, for every finite x; NaN for +-inf.
/// Large arguments are reduced exactly: x = m 2^e with m of 24 bits, and the
/// fraction of a turn x / (2 pi) is m times 64 bits of 2^e / (2 pi) modulo 1.
template <ArithmeticPolicy A>
typename A::F sineOfQuarters(A &a, typename A::F x, int32_t quarters) {
  x = settle(a, x);
  auto bits = a.bitsOf(x);
  auto magnitude = a.andI(bits, a.integer(magnitudeBits));
  auto negative = a.lessI(bits, a.integer(0));

  // The binary digits of 1 / (2 pi), 32 to a word, after 32 zeros.
  constexpr uint64_t digits[] = {0x00000000, 0x28BE60DB, 0x9391054A, 0x7F09D5F4,
                                 0x7D4D3770, 0x36D8A566, 0x4F10E410};
  constexpr int32_t lastWord = 4;
  auto exponent = a.shiftRightLogical(magnitude, 23);
  auto position = a.subI(exponent, a.integer(118)); // e + 32
  auto first = a.integer(0), last = a.integer(32 * lastWord + 31);
  position = a.selectI(a.lessI(position, first), first, position);
  position = a.selectI(a.lessI(last, position), last, position);
  auto word = a.shiftRightLogical(position, 5);
  auto offset = a.andI(position, a.integer(31));
  auto window = a.integerL(static_cast<int64_t>(digits[0] << 32 | digits[1]));
  auto next = a.integerL(static_cast<int64_t>(digits[2]));
  for (int32_t w = 1; w <= lastWord; ++w) {
    auto reached = a.lessI(a.integer(w - 1), word);
    auto pair = static_cast<int64_t>(digits[w] << 32 | digits[w + 1]);
    window = a.selectL(reached, a.integerL(pair), window);
    next = a.selectL(reached, a.integerL(static_cast<int64_t>(digits[w + 2])),
                     next);
  }
  window = a.orL(a.shiftLeftL(window, offset),
                 a.shiftRightLogicalL(next, a.subI(a.integer(32), offset)));
  auto mantissa = a.orI(a.andI(magnitude, a.integer(0x007FFFFF)),
                        a.integer(smallestNormalBits));
  auto turn = a.mulL(window, a.widen(mantissa));

  // The nearest quarter turn, and what is left: at most an eighth.
  auto eighth = a.integerL(int64_t(1) << 61);
  auto quarter = a.shiftRightArithmeticL(a.addL(turn, eighth), a.integer(62));
  auto left = a.subL(turn, a.shiftLeftL(quarter, a.integer(62)));
  auto left34 = a.narrow(a.shiftRightArithmeticL(left, a.integer(30)));
  auto angle =
      a.mul(a.toFloat(left34), a.constant(0x1.921fb6p-32f)); // 2pi/2^34
  auto count = a.narrow(quarter);
  angle = a.select(negative, negate(a, angle), angle);
  count = a.selectI(negative, a.subI(a.integer(0), count), count);

  // Below an eighth of a turn x is its own remainder, to the last bit.
  auto small = a.less(absolute(a, x), a.constant(0x1.921fb6p-1f)); // pi / 4
  angle = a.select(small, x, angle);
  count = a.selectI(small, a.integer(0), count);
  count = a.addI(count, a.integer(quarters));

  // Minimax on |angle| <= pi / 4, errors below 2^-27.
  auto z = a.mul(angle, angle);
  auto sine = a.mul(z, polynomial(a, z,
                                  {0x1.6cd668p-19f, -0x1.a00f96p-13f,
                                   0x1.111108p-7f, -0x1.555556p-3f}));
  auto width = absolute(a, angle);
  sine = withSignOf(a, a.add(width, a.mul(width, sine)), angle);
  auto cosine = a.mul(
      a.mul(z, z),
      polynomial(a, z, {0x1.99ffd4p-16f, -0x1.6c0c84p-10f, 0x1.55554ap-5f}));
  cosine = a.add(cosine, a.sub(a.constant(1.0f), a.mul(z, a.constant(0.5f))));

  auto odd = a.lessI(a.integer(0), a.andI(count, a.integer(1)));
  auto result = a.select(odd, cosine, sine);
  auto flip = a.shiftLeft(a.andI(count, a.integer(2)), 30);
  result = a.fromBits(a.xorI(a.bitsOf(result), flip));
  auto infinite = a.lessI(a.integer(infinityBits - 1), magnitude);
  auto nan = a.fromBits(a.integer(canonicalNaNBits));
  return settle(a, a.select(infinite, nan, result));
}

template <ArithmeticPolicy A> typename A::F sin(A &a, typename A::F x) {
  return sineOfQuarters(a, x, 0);
}

template <ArithmeticPolicy A> typename A::F cos(A &a, typename A::F x) {
  return sineOfQuarters(a, x, 1);
}

//===----------------------------------------------------------------------===//
// Every function of Functions.def
//===----------------------------------------------------------------------===//

/// The function without the settling of its argument and result.
/// Precondition: validParameters(function, alpha, beta).
template <ArithmeticPolicy A>
typename A::F unsettledUnary(A &a, Function function, typename A::F x,
                             float alpha, float beta) {
  auto zero = a.constant(0.0f), one = a.constant(1.0f);
  switch (function) {
  case Function::Identity:
    return x;
  case Function::Relu:
    return a.select(a.less(x, zero), zero, x);
  case Function::Relu6:
    return clamp(a, x, 0.0f, 6.0f);
  case Function::LeakyRelu:
    return a.select(a.less(x, zero), scaled(a, alpha, x), x);
  case Function::Elu: {
    auto below = a.mul(a.constant(alpha), expm1Negative(a, x));
    return a.select(a.greater(x, zero), x, below);
  }
  case Function::Selu: {
    // The parameters first: alpha (e^x - 1) alone might be subnormal.
    auto both = a.mul(a.constant(beta), a.constant(alpha));
    auto below = a.mul(both, expm1Negative(a, x));
    auto above = a.mul(a.constant(beta), x);
    return a.select(a.greater(x, zero), above, below);
  }
  case Function::Celu: {
    auto ratio = settle(a, a.div(x, a.constant(alpha)));
    auto below = a.mul(a.constant(alpha), expm1Negative(a, ratio));
    return a.select(a.greater(x, zero), x, below);
  }
  case Function::Silu:
    return productOrZero(a, x, sigmoid(a, scaled(a, alpha, x)));
  case Function::Gelu: {
    auto e = erf(a, a.mul(x, a.constant(0x1.6a09e6p-1f))); // sqrt(1/2)
    return productOrZero(a, a.mul(x, a.constant(0.5f)), a.add(one, e));
  }
  case Function::GeluTanh: {
    auto cube = a.mul(a.mul(x, x), x);
    auto sum = a.add(x, a.mul(a.constant(0.044715f), cube));
    auto t = tanh(a, a.mul(sum, a.constant(0x1.988454p-1f))); // sqrt(2/pi)
    return productOrZero(a, a.mul(x, a.constant(0.5f)), a.add(one, t));
  }
  case Function::Mish: {
    // tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2); 1 beyond 20.
    auto two = a.constant(2.0f);
    auto e = exp(a, x);
    auto n = a.mul(e, a.add(e, two));
    auto product = productOrZero(a, x, a.div(n, a.add(n, two)));
    return a.select(a.greater(x, a.constant(20.0f)), x, product);
  }
  case Function::Sigmoid:
    return sigmoid(a, x);
  case Function::Tanh:
    return tanh(a, x);
  case Function::Softplus:
    return softplus(a, x);
  case Function::Softsign: {
    auto t = absolute(a, x);
    auto ratio = a.div(x, a.add(one, t));
    auto infinite = a.equal(t, a.constant(floatInfinity));
    return a.select(infinite, withSignOf(a, one, x), ratio);
  }
  case Function::HardSigmoid: {
    auto product = settle(a, scaled(a, alpha, x));
    return clamp(a, a.add(product, a.constant(beta)), 0.0f, 1.0f);
  }
  case Function::HardSwish: {
    auto line = clamp(a, a.add(x, a.constant(3.0f)), 0.0f, 6.0f);
    return productOrZero(a, x, a.div(line, a.constant(6.0f)));
  }
  case Function::Clip:
    return clamp(a, x, alpha, beta);
  case Function::ThresholdedRelu: {
    auto kept = a.select(a.greater(x, a.constant(alpha)), x, zero);
    return a.select(a.unordered(x), x, kept);
  }
  case Function::Exp:
    return exp(a, x);
  case Function::Log:
    return log(a, x);
  case Function::Sqrt:
    return a.sqrt(x);
  case Function::Rsqrt:
    return a.div(one, a.sqrt(x));
  case Function::Reciprocal:
    return a.div(one, x);
  case Function::Abs:
    return absolute(a, x);
  case Function::Neg:
    return negate(a, x);
  case Function::Sign: {
    auto minus = a.select(a.less(x, zero), a.constant(-1.0f), x);
    return a.select(a.greater(x, zero), one, minus);
  }
  case Function::Floor:
    return floor(a, x);
  case Function::Ceil:
    return ceil(a, x);
  case Function::Round:
    return roundAny(a, x);
  case Function::Erf:
    return erf(a, x);
  case Function::Sin:
    return sin(a, x);
  case Function::Cos:
    return cos(a, x);
  case Function::Square:
    return a.mul(x, x);
  }
  return a.fromBits(a.integer(canonicalNaNBits)); // not a Function
}

/// The float sequence of any function: subnormal arguments and results are
/// zeros, NaN gives the one NaN, +-inf the limit.
template <ArithmeticPolicy A>
typename A::F unary(A &a, Function function, typename A::F x, float alpha,
                    float beta) {
  FloatPolicy host;
  alpha = settle(host, alpha);
  beta = settle(host, beta);
  auto settled = settle(a, x);
  return settle(a, unsettledUnary(a, function, settled, alpha, beta));
}

//===----------------------------------------------------------------------===//
// Softmax of a row: m = max; s = sum, in the order of the indices; finish each
//===----------------------------------------------------------------------===//

/// One step of the maximum, which starts at softmaxStart.
constexpr float softmaxStart = -floatInfinity;
template <ArithmeticPolicy A>
typename A::F softmaxMaximum(A &a, typename A::F m, typename A::F x) {
  return a.select(a.greater(x, m), x, m);
}

/// What is summed, from 0.0f. NaN or +inf anywhere makes the sum NaN.
template <ArithmeticPolicy A>
typename A::F softmaxTerm(A &a, typename A::F x, typename A::F m) {
  return exp(a, a.sub(x, m));
}

template <ArithmeticPolicy A>
typename A::F softmaxFinish(A &a, typename A::F term, typename A::F sum) {
  return settle(a, a.div(term, sum));
}

/// `logSum` is log(a, sum).
template <ArithmeticPolicy A>
typename A::F logSoftmaxFinish(A &a, typename A::F x, typename A::F m,
                               typename A::F logSum) {
  return settle(a, a.sub(a.sub(x, m), logSum));
}

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_SEQUENCES_H
