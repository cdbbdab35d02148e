//===- Policy.h - What a sequence of operations is written in ---*- C++ -*-===//
//
// Part of the quantc project.
//
// A sequence in Sequences.h is a template over an arithmetic policy: a set of
// elementary operations on values of its own types. FloatPolicy evaluates them;
// the compiler has a policy that emits one MLIR operation for each. As the
// sequence is the same text, so is the result, bit for bit.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_POLICY_H
#define QUANTC_NUMERICS_POLICY_H

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>

#if defined(__FAST_MATH__)
#error "quantc's numbers are IEEE 754's: compile without -ffast-math"
#endif

namespace quantc::numerics {

/// The operations. F is f32, I is i32, L is i64, B is a truth value (in the
/// compiler all of them may be vectors of the same shape). Float operations
/// round to nearest even, one rounding each; integer ones wrap modulo 2^32 or
/// 2^64. Comparisons of F are ordered: false when either side is NaN. A shift
/// amount of I is an I below 32 (constant); of L an I below 64 (a value).
/// truncate is only given values whose integer part is an int32_t; narrow keeps
/// the low 32 bits; widen extends the sign; sqrt is IEEE's, correctly rounded.
template <typename A>
concept ArithmeticPolicy =
    requires(A a, typename A::F f, typename A::I i, typename A::L l,
             typename A::B b, float cf, int32_t ci, int64_t cl, int n) {
      { a.constant(cf) } -> std::same_as<typename A::F>;
      { a.add(f, f) } -> std::same_as<typename A::F>;
      { a.sub(f, f) } -> std::same_as<typename A::F>;
      { a.mul(f, f) } -> std::same_as<typename A::F>;
      { a.div(f, f) } -> std::same_as<typename A::F>;
      { a.sqrt(f) } -> std::same_as<typename A::F>;
      { a.less(f, f) } -> std::same_as<typename A::B>;
      { a.greater(f, f) } -> std::same_as<typename A::B>;
      { a.equal(f, f) } -> std::same_as<typename A::B>;
      { a.unordered(f) } -> std::same_as<typename A::B>;
      { a.select(b, f, f) } -> std::same_as<typename A::F>;
      { a.bitsOf(f) } -> std::same_as<typename A::I>;
      { a.fromBits(i) } -> std::same_as<typename A::F>;
      { a.toFloat(i) } -> std::same_as<typename A::F>;
      { a.truncate(f) } -> std::same_as<typename A::I>;

      { a.integer(ci) } -> std::same_as<typename A::I>;
      { a.addI(i, i) } -> std::same_as<typename A::I>;
      { a.subI(i, i) } -> std::same_as<typename A::I>;
      { a.mulI(i, i) } -> std::same_as<typename A::I>;
      { a.andI(i, i) } -> std::same_as<typename A::I>;
      { a.orI(i, i) } -> std::same_as<typename A::I>;
      { a.xorI(i, i) } -> std::same_as<typename A::I>;
      { a.shiftLeft(i, n) } -> std::same_as<typename A::I>;
      { a.shiftRightArithmetic(i, n) } -> std::same_as<typename A::I>;
      { a.shiftRightLogical(i, n) } -> std::same_as<typename A::I>;
      { a.lessI(i, i) } -> std::same_as<typename A::B>;
      { a.selectI(b, i, i) } -> std::same_as<typename A::I>;

      { a.integerL(cl) } -> std::same_as<typename A::L>;
      { a.widen(i) } -> std::same_as<typename A::L>;
      { a.narrow(l) } -> std::same_as<typename A::I>;
      { a.addL(l, l) } -> std::same_as<typename A::L>;
      { a.subL(l, l) } -> std::same_as<typename A::L>;
      { a.mulL(l, l) } -> std::same_as<typename A::L>;
      { a.andL(l, l) } -> std::same_as<typename A::L>;
      { a.orL(l, l) } -> std::same_as<typename A::L>;
      { a.shiftLeftL(l, i) } -> std::same_as<typename A::L>;
      { a.shiftRightArithmeticL(l, i) } -> std::same_as<typename A::L>;
      { a.shiftRightLogicalL(l, i) } -> std::same_as<typename A::L>;
      { a.lessL(l, l) } -> std::same_as<typename A::B>;
      { a.selectL(b, l, l) } -> std::same_as<typename A::L>;
    };

/// The evaluator. Compile every file that instantiates a sequence with it with
/// -ffp-contract=off: a fused multiply-add is another result. (Evaluate.h has
/// the usual sequences already compiled so.)
struct FloatPolicy {
  using F = float;
  using I = int32_t;
  using L = int64_t;
  using B = bool;

  F constant(float x) const { return x; }
  F add(F x, F y) const { return x + y; }
  F sub(F x, F y) const { return x - y; }
  F mul(F x, F y) const { return x * y; }
  F div(F x, F y) const { return x / y; }
  F sqrt(F x) const { return std::sqrt(x); }
  B less(F x, F y) const { return x < y; }
  B greater(F x, F y) const { return x > y; }
  B equal(F x, F y) const { return x == y; }
  B unordered(F x) const { return x != x; }
  F select(B c, F x, F y) const { return c ? x : y; }
  I bitsOf(F x) const { return std::bit_cast<int32_t>(x); }
  F fromBits(I x) const { return std::bit_cast<float>(x); }
  F toFloat(I x) const { return static_cast<float>(x); }
  I truncate(F x) const { return static_cast<int32_t>(x); }

  // Through unsigned, where overflow wraps instead of being undefined.
  I integer(int32_t x) const { return x; }
  I addI(I x, I y) const { return signed32(bits(x) + bits(y)); }
  I subI(I x, I y) const { return signed32(bits(x) - bits(y)); }
  I mulI(I x, I y) const { return signed32(bits(x) * bits(y)); }
  I andI(I x, I y) const { return x & y; }
  I orI(I x, I y) const { return x | y; }
  I xorI(I x, I y) const { return x ^ y; }
  I shiftLeft(I x, int n) const { return signed32(bits(x) << n); }
  I shiftRightArithmetic(I x, int n) const { return x >> n; }
  I shiftRightLogical(I x, int n) const { return signed32(bits(x) >> n); }
  B lessI(I x, I y) const { return x < y; }
  I selectI(B c, I x, I y) const { return c ? x : y; }

  L integerL(int64_t x) const { return x; }
  L widen(I x) const { return x; }
  I narrow(L x) const { return signed32(static_cast<uint32_t>(bits(x))); }
  L addL(L x, L y) const { return signed64(bits(x) + bits(y)); }
  L subL(L x, L y) const { return signed64(bits(x) - bits(y)); }
  L mulL(L x, L y) const { return signed64(bits(x) * bits(y)); }
  L andL(L x, L y) const { return x & y; }
  L orL(L x, L y) const { return x | y; }
  L shiftLeftL(L x, I n) const { return signed64(bits(x) << n); }
  L shiftRightArithmeticL(L x, I n) const { return x >> n; }
  L shiftRightLogicalL(L x, I n) const { return signed64(bits(x) >> n); }
  B lessL(L x, L y) const { return x < y; }
  L selectL(B c, L x, L y) const { return c ? x : y; }

private:
  static uint32_t bits(int32_t x) { return static_cast<uint32_t>(x); }
  static uint64_t bits(int64_t x) { return static_cast<uint64_t>(x); }
  static int32_t signed32(uint32_t x) { return static_cast<int32_t>(x); }
  static int64_t signed64(uint64_t x) { return static_cast<int64_t>(x); }
};

static_assert(ArithmeticPolicy<FloatPolicy>);

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_POLICY_H
