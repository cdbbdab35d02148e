//===- TablesTest.cpp - Every entry of every 8-bit table ------------------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Tables.h"
#include "Oracle.h"
#include "quantc/Numerics/Evaluate.h"
#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <limits>

using namespace quantc::numerics;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// What the entry must be by the model: one value, or where the model's libm
/// cannot tell on which side of a tie the number lies, one of two.
struct Expected {
  int32_t low, high;
};

static Expected expected(long double y, const QuantParams &out) {
  if (std::isnan(y))
    return {out.zeroPoint, out.zeroPoint};
  constexpr long double margin = 1e-11L;
  long double lo = out.qmin - out.zeroPoint, hi = out.qmax - out.zeroPoint;
  long double t = std::clamp(y / out.scale, lo, hi);
  auto round = [&](long double v) {
    return static_cast<int32_t>(rintl(std::clamp(v, lo, hi))) + out.zeroPoint;
  };
  return {round(t - margin), round(t + margin)};
}

class Table : public testing::TestWithParam<int32_t> {};

// Breaks if any of the 256 answers of any function is not the correctly rounded
// one, for wide, narrow, signed and one-sided ranges.
TEST_P(Table, EveryEntryIsCorrectlyRounded) {
  auto f = static_cast<Function>(GetParam());
  const QuantParams inputs[] = {chooseAffine(-6.0, 7.0, 0, 255),
                                chooseAffine(-0.9, 0.4, 0, 255),
                                chooseAffine(0.0, 30.0, 0, 127),
                                chooseAffine(-90.0, 100.0, -128, 127),
                                chooseAffine(-1e-20, 3e-20, 0, 255),
                                chooseAffine(-1e20, 3e20, 0, 255)};
  const QuantParams outputs[] = {chooseAffine(-1.1, 3.3, 0, 255),
                                 chooseAffine(0.0, 1.0, 0, 255),
                                 chooseAffine(-40.0, 70.0, -128, 127),
                                 chooseAffine(-1e-20, 2e-20, 0, 255)};
  double alpha = defaultAlpha(f), beta = defaultBeta(f);
  int entries = 0, unsure = 0;
  for (const QuantParams &in : inputs)
    for (const QuantParams &out : outputs) {
      std::vector<int32_t> table = makeTable(f, alpha, beta, in, out);
      ASSERT_EQ(table.size(), size_t(in.qmax - in.qmin) + 1);
      for (size_t i = 0; i < table.size(); ++i) {
        float x = dequantize(in.qmin + static_cast<int32_t>(i), in);
        Expected want = expected(oracle::function(f, x, alpha, beta), out);
        ASSERT_TRUE(table[i] == want.low || table[i] == want.high)
            << name(f) << " at " << x << ": " << table[i] << " is not "
            << want.low << " or " << want.high;
        ++entries;
        unsure += want.low != want.high;
      }
    }
  // The model must be able to tell nearly always, or the test proves nothing.
  EXPECT_LE(unsure, entries / 50);
}

INSTANTIATE_TEST_SUITE_P(All, Table, testing::Range(0, functionCount),
                         [](const auto &info) {
                           return std::string(
                               name(static_cast<Function>(info.param)));
                         });

// Breaks if a look-up no longer is the identity where nothing changes.
TEST(Tables, IdentityOnEqualParametersIsTheIdentity) {
  for (QuantParams p :
       {chooseAffine(-3.7, 9.1, 0, 255), chooseAffine(-1.0, 1.0, -128, 127),
        chooseAffine(0.0, 1.0, 0, 65535)}) {
    auto table = makeTable(Function::Identity, 0.0, 0.0, p, p);
    for (size_t i = 0; i < table.size(); ++i)
      ASSERT_EQ(table[i], p.qmin + static_cast<int32_t>(i));
  }
}

TEST(Tables, ExactTiesGoToTheEvenStep) {
  // Steps of half an output step: every odd code is a tie.
  QuantParams in = {0.5f, 128, 0, 255}, out = {1.0f, 64, 0, 127};
  auto table = makeTable(Function::Identity, 0.0, 0.0, in, out);
  for (int32_t q = 0; q <= 255; ++q) {
    auto half = static_cast<int32_t>(oracle::shiftHalfEven(q - 128, 1));
    EXPECT_EQ(table[q], std::clamp(half + 64, 0, 127)) << q;
  }
  // 1 / x at 2 is half a step; x / (1 + |x|) at 1 is, too; sigmoid(0) as well.
  QuantParams whole = {1.0f, 0, 0, 255};
  EXPECT_EQ(makeTable(Function::Reciprocal, 0.0, 0.0, whole, whole)[2], 0);
  EXPECT_EQ(makeTable(Function::Softsign, 0.0, 0.0, whole, whole)[1], 0);
  EXPECT_EQ(makeTable(Function::Sigmoid, 0.0, 0.0, whole, whole)[0], 0);
}

// Breaks if a pole, NaN or infinity gives an undefined entry.
TEST(Tables, PolesAndMissingValues) {
  QuantParams in = {1.0f, 2, 0, 255}, out = {0.1f, 50, 0, 255};
  auto logs = makeTable(Function::Log, 0.0, 0.0, in, out);
  EXPECT_EQ(logs[0], 50); // log(-2) is NaN
  EXPECT_EQ(logs[1], 50);
  EXPECT_EQ(logs[2], 0); // log(0) is -inf
  EXPECT_EQ(logs[3], 50);
  EXPECT_EQ(makeTable(Function::Reciprocal, 0.0, 0.0, in, out)[2], 255);
  EXPECT_EQ(makeTable(Function::Rsqrt, 0.0, 0.0, in, out)[2], 255);
  EXPECT_EQ(makeTable(Function::Rsqrt, 0.0, 0.0, in, out)[1], 50);
  UnaryStep identity = UnaryStep::apply(Function::Identity);
  std::span<const UnaryStep> steps(&identity, 1);
  EXPECT_EQ(quantizeExactly(steps, std::nan(""), out), 50);
  EXPECT_EQ(quantizeExactly(steps, infinity, out), 255);
  EXPECT_EQ(quantizeExactly(steps, -infinity, out), 0);
}

// Breaks if the limit at an infinity differs between tables and sequences.
TEST(Tables, InfinityGivesTheSameLimitAsTheSequence) {
  for (int32_t i = 0; i < functionCount; ++i)
    for (float x : {-std::numeric_limits<float>::infinity(),
                    std::numeric_limits<float>::infinity()}) {
      auto f = static_cast<Function>(i);
      UnaryStep step = UnaryStep::apply(f);
      float exact = roundExactly(std::span(&step, 1), x);
      float sequence = apply(f, x, static_cast<float>(step.alpha),
                             static_cast<float>(step.beta));
      if (std::isnan(sequence))
        EXPECT_TRUE(std::isnan(exact)) << name(f) << " at " << x;
      else
        EXPECT_FLOAT_EQ(exact, sequence) << name(f) << " at " << x;
    }
}

TEST(Tables, BadArgumentsGiveDefinedResults) {
  QuantParams good = {1.0f, 3, 0, 255}, bad = {0.0f, 0, 0, 255};
  EXPECT_TRUE(makeTable(Function::Relu, 0.0, 0.0, bad, good).empty());
  EXPECT_TRUE(makeTable(Function::Relu, 0.0, 0.0, good, bad).empty());
  auto wrong = makeTable(Function::Celu, -1.0, 0.0, good, good);
  EXPECT_EQ(wrong, std::vector<int32_t>(256, 3));
  auto unknown = static_cast<Function>(999);
  EXPECT_EQ(makeTable(unknown, 0.0, 0.0, good, good),
            std::vector<int32_t>(256, 3));

  std::string why;
  const UnaryStep steps[] = {UnaryStep::add(1.0), UnaryStep::divide(0.0)};
  EXPECT_FALSE(valid(steps, &why));
  EXPECT_EQ(why, "step 1: it divides by 0");
  const UnaryStep infinite[] = {UnaryStep::multiply(infinity)};
  EXPECT_FALSE(valid(infinite, &why));
  EXPECT_EQ(why, "step 0: its constant is not finite");
  const UnaryStep elu[] = {UnaryStep::apply(Function::Elu, std::nan(""), 0.0)};
  EXPECT_FALSE(valid(elu, &why));
  EXPECT_EQ(why, "step 0: elu: alpha is NaN; give a number");
}

//===----------------------------------------------------------------------===//
// Chains
//===----------------------------------------------------------------------===//

TEST(Chains, StepsAreAppliedInOrderWithoutRoundingBetween) {
  QuantParams in = chooseAffine(-3.0, 3.0, 0, 255);
  QuantParams out = chooseAffine(-2.0, 9.0, 0, 255);
  const UnaryStep steps[] = {
      UnaryStep::multiply(0.7),         UnaryStep::add(0.3),
      UnaryStep::apply(Function::Tanh), UnaryStep::subtractFrom(1.0),
      UnaryStep::divide(0.3),           UnaryStep::apply(Function::Square),
      UnaryStep::minimum(8.5),          UnaryStep::maximum(0.25)};
  auto table = makeTable(steps, in, out);
  for (int32_t q = 0; q <= 255; ++q) {
    long double y = tanhl(dequantize(q, in) * 0.7L + 0.3L);
    y = powl((1 - y) / 0.3L, 2);
    Expected want = expected(std::clamp(y, 0.25L, 8.5L), out);
    EXPECT_TRUE(table[q] == want.low || table[q] == want.high) << q;
  }
}

// Breaks if a value that is a tie only after a detour through numbers that no
// precision holds (x / 3 * 3, log(exp(x))) hangs or is rounded off the tie.
TEST(Chains, DetoursEndOnTheTie) {
  QuantParams in = {0.5f, 0, 0, 63}, out = {1.0f, 0, 0, 63};
  auto direct = makeTable(Function::Identity, 0.0, 0.0, in, out);
  const UnaryStep thirds[] = {UnaryStep::divide(3.0), UnaryStep::multiply(3.0)};
  EXPECT_EQ(makeTable(thirds, in, out), direct);
  QuantParams few = {0.5f, 0, 0, 7};
  direct.resize(8);
  const UnaryStep logs[] = {UnaryStep::apply(Function::Exp),
                            UnaryStep::apply(Function::Log)};
  EXPECT_EQ(makeTable(logs, few, out), direct);
  const UnaryStep floors[] = {UnaryStep::divide(3.0), UnaryStep::multiply(3.0),
                              UnaryStep::apply(Function::Floor)};
  auto floored = makeTable(floors, few, out);
  for (int32_t q = 0; q <= 7; ++q)
    EXPECT_EQ(floored[q], q / 2);
  const UnaryStep rounds[] = {UnaryStep::divide(3.0), UnaryStep::multiply(3.0),
                              UnaryStep::apply(Function::Round)};
  EXPECT_EQ(makeTable(rounds, few, out), direct);
}

TEST(Chains, InfinitiesInTheMiddle) {
  QuantParams in = {1.0f, 2, 0, 4}, out = {0.1f, 100, 0, 255};
  const UnaryStep steps[] = {UnaryStep::divideInto(-2.0),
                             UnaryStep::apply(Function::Tanh)};
  auto table = makeTable(steps, in, out);
  EXPECT_EQ(table[2], 90); // -2 / 0 is -inf, its tanh -1
  EXPECT_EQ(table[0], 108);
  const UnaryStep zeroOverZero[] = {UnaryStep::divideInto(0.0)};
  EXPECT_EQ(makeTable(zeroOverZero, in, out)[2], 100);
}

TEST(FloatTables, EntriesAreCorrectlyRoundedFloats) {
  QuantParams in = chooseAffine(-9.0, 9.0, 0, 255);
  for (Function f : {Function::Sigmoid, Function::Tanh, Function::Exp,
                     Function::Softplus, Function::Gelu, Function::Square}) {
    UnaryStep step = UnaryStep::apply(f);
    auto table = makeFloatTable(std::span(&step, 1), in);
    ASSERT_EQ(table.size(), 256u);
    for (int32_t q = 0; q <= 255; ++q) {
      float x = dequantize(q, in);
      long double exact = oracle::function(f, x, 0.0L, 0.0L);
      EXPECT_LE(oracle::ulps(table[q], exact), 0.500001) << name(f) << x;
    }
  }
  // Ties to even, NaN, subnormals and zero.
  UnaryStep half = UnaryStep::add(0x1p-24);
  std::span<const UnaryStep> steps(&half, 1);
  EXPECT_EQ(roundExactly(steps, 1.0), 1.0f);
  EXPECT_EQ(roundExactly(steps, 1.0 + 0x1p-23), 1.0f + 0x1p-22f);
  UnaryStep negative = UnaryStep::apply(Function::Neg);
  std::span<const UnaryStep> negate(&negative, 1);
  EXPECT_EQ(std::bit_cast<uint32_t>(roundExactly(negate, std::nan(""))),
            0x7FC00000u);
  EXPECT_EQ(std::bit_cast<uint32_t>(roundExactly(negate, 1e-40)), 0x80000000u);
  EXPECT_EQ(std::bit_cast<uint32_t>(roundExactly(negate, 0.0)), 0u);
}

//===----------------------------------------------------------------------===//
// The range worth an index
//===----------------------------------------------------------------------===//

// Breaks if an output changes outside the range, or if the range is too wide
// to be of use: the code next to each end must be another one.
TEST(TrimIndexRange, OutputIsConstantOutsideAndChangesInside) {
  for (Function f :
       {Function::Tanh, Function::Sigmoid, Function::Gelu, Function::Silu,
        Function::Relu6, Function::HardSwish, Function::Erf, Function::Exp}) {
    QuantParams out = chooseAffine(-1.0, 2.0, 0, 255);
    UnaryStep step = UnaryStep::apply(f);
    std::span<const UnaryStep> steps(&step, 1);
    const double lo = -50.0, hi = 60.0;
    IndexRange range = trimIndexRange(steps, lo, hi, out);
    ASSERT_LE(lo, range.lo);
    ASSERT_LT(range.lo, range.hi);
    ASSERT_LE(range.hi, hi);
    int32_t below = quantizeExactly(steps, lo, out);
    int32_t above = quantizeExactly(steps, hi, out);
    for (int i = 0; i <= 200; ++i) {
      double part = i / 200.0;
      EXPECT_EQ(quantizeExactly(steps, lo + (range.lo - lo) * part, out), below)
          << name(f);
      EXPECT_EQ(quantizeExactly(steps, hi + (range.hi - hi) * part, out), above)
          << name(f);
    }
    auto inside = [&](double x, float towards) {
      return std::nextafter(static_cast<float>(x), towards);
    };
    EXPECT_NE(quantizeExactly(steps, inside(range.lo, 100.0f), out), below);
    EXPECT_NE(quantizeExactly(steps, inside(range.hi, -100.0f), out), above);
  }
}

TEST(TrimIndexRange, TanhAtEightBitsEndsNearThree) {
  QuantParams out = chooseAffine(-1.0, 1.0, 0, 255);
  IndexRange range = trimIndexRange(Function::Tanh, 0.0, 0.0, -1e6, 1e6, out);
  EXPECT_GT(range.lo, -3.5);
  EXPECT_LT(range.lo, -2.5);
  EXPECT_LT(range.hi, 3.5);
  EXPECT_GT(range.hi, 2.5);
}

TEST(TrimIndexRange, BadRangesAreDefined) {
  QuantParams out = chooseAffine(-1.0, 1.0, 0, 255);
  auto trim = [&](double lo, double hi) {
    return trimIndexRange(Function::Tanh, 0.0, 0.0, lo, hi, out);
  };
  for (auto [lo, hi] :
       {std::pair{std::nan(""), 1.0}, {1.0, std::nan("")}, {2.0, 1.0}}) {
    EXPECT_EQ(trim(lo, hi).lo, 0.0);
    EXPECT_EQ(trim(lo, hi).hi, 0.0);
  }
  IndexRange all = trim(-infinity, infinity);
  EXPECT_GT(all.lo, -4.0);
  EXPECT_LT(all.hi, 4.0);
  IndexRange constant = trim(5.0, 9.0); // tanh is 1 there
  EXPECT_EQ(constant.lo, 5.0);
  EXPECT_EQ(constant.hi, 5.0);
}
