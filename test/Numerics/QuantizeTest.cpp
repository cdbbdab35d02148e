//===- QuantizeTest.cpp - Rounding against exact integers -----------------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"
#include "quantc/Numerics/Evaluate.h"
#include "quantc/Numerics/Sequences.h"
#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <limits>

using namespace quantc::numerics;

static constexpr float infinity = std::numeric_limits<float>::infinity();
static const QuantParams params[] = {{0.1f, 128, 0, 255},
                                     {1.0f / 3.0f, 0, 0, 255},
                                     {2.0f, 255, 0, 255},
                                     {0.0078125f, 0, -127, 127},
                                     {minScale, 7, 0, 255},
                                     {maxScale, 100, 0, 255},
                                     {0.37f, -128, -128, 127},
                                     {1e-4f, 40000, 0, 65535},
                                     {1.0f, 5, 0, 15},
                                     {0.013f, 0, 0, 127},
                                     {0.7f, 2000000, 0, maxSteps}};
static const int32_t accumulators[] = {0,          1,
                                       -1,         2,
                                       -2,         127,
                                       -128,       255,
                                       256,        16777215,
                                       16777216,   16777217,
                                       16777219,   -16777217,
                                       33554431,   33554433,
                                       INT32_MAX,  INT32_MAX - 1,
                                       INT32_MIN,  INT32_MIN + 1,
                                       2147483583, 2147483584,
                                       2147483585, -2147483585};

// Breaks if the trick with 1.5 * 2^23 is not half-to-even on its whole domain.
TEST(ClampAndRound, EveryQuarterUpToItsLimit) {
  FloatPolicy a;
  constexpr int32_t limit = 1 << 22;
  auto check = [&](float x) {
    for (int32_t bound : {limit, 8000}) {
      int64_t want = oracle::roundToInteger(oracle::exactly(x), -bound, bound);
      ASSERT_EQ(clampAndRound(a, x, 0, -bound, bound), want) << x;
    }
  };
  for (int32_t quarters = -40000; quarters <= 40000; ++quarters)
    check(0.25f * static_cast<float>(quarters));
  for (int32_t halves = 2 * limit - 2000; halves <= 2 * limit; ++halves) {
    check(0.5f * static_cast<float>(halves));
    check(-0.5f * static_cast<float>(halves));
  }
  for (float beyond : {4194304.5f, 1e8f, 1e30f}) {
    check(beyond);
    check(-beyond);
  }
}

TEST(Quantize, SpecialValues) {
  for (const QuantParams &p : params) {
    for (uint32_t nan : {0x7FC00000u, 0xFFC00000u, 0x7F800001u, 0xFFFFFFFFu})
      EXPECT_EQ(quantize(std::bit_cast<float>(nan), p), p.zeroPoint);
    EXPECT_EQ(quantize(infinity, p), p.qmax);
    EXPECT_EQ(quantize(-infinity, p), p.qmin);
    EXPECT_EQ(quantize(0.0f, p), p.zeroPoint);
    EXPECT_EQ(quantize(-0.0f, p), p.zeroPoint);
    for (float tiny : {1e-45f, -1e-45f, 1.1e-38f, -1.1e-38f})
      EXPECT_EQ(quantize(tiny, p), p.zeroPoint);
  }
  constexpr float largest = std::numeric_limits<float>::max();
  EXPECT_EQ(quantize(largest, params[0]), 255);
  EXPECT_EQ(quantize(-largest, params[4]), 0);
}

// Breaks if a tie goes up, down or away instead of to the even neighbour.
TEST(Quantize, TiesGoToTheEvenStep) {
  QuantParams p = {2.0f, 128, 0, 255};
  for (int32_t q = -127; q < 127; ++q) {
    auto tie = static_cast<float>(2 * q + 1); // q + 1/2 steps
    EXPECT_EQ(quantize(tie, p), 128 + (q % 2 == 0 ? q : q + 1)) << tie;
  }
  // The zero point does not take part in the rounding.
  p.zeroPoint = 127;
  EXPECT_EQ(quantize(1.0f, p), 127);
  EXPECT_EQ(quantize(3.0f, p), 129);
}

TEST(Quantize, MatchesExactDivisionOverAllExponents) {
  oracle::Numbers numbers(1);
  for (const QuantParams &p : params) {
    for (int i = 0; i < 20000; ++i) {
      float x = std::bit_cast<float>(numbers.next32());
      ASSERT_EQ(quantize(x, p), oracle::quantize(x, p)) << x;
      // And where most values are: within the range and next to its steps.
      auto step = static_cast<float>(numbers.next() % 2048) / 4.0f - 256.0f;
      x = step * p.scale;
      for (float y :
           {x, std::nextafter(x, infinity), std::nextafter(x, -infinity)})
        ASSERT_EQ(quantize(y, p), oracle::quantize(y, p)) << y;
    }
  }
}

TEST(Dequantize, IsTheInverseOnEveryCode) {
  for (const QuantParams &p : params)
    for (int32_t q = p.qmin; q <= std::min(p.qmax, p.qmin + 70000); ++q)
      ASSERT_EQ(quantize(dequantize(q, p), p), q) << p.scale;
}

// Breaks if any accumulator, INT32_MIN included, is converted, multiplied or
// rounded differently from two correctly rounded f32 operations.
TEST(Requantize, MatchesExactIntegers) {
  oracle::Numbers numbers(2);
  for (const QuantParams &p : params)
    for (int i = 0; i < 4000; ++i) {
      int exponent = static_cast<int>(numbers.next() % 131) - 100;
      float multiplier = std::bit_cast<float>(static_cast<int32_t>(
          (exponent + 127) << 23 | (numbers.next() & 0x7FFFFF)));
      multiplier = std::clamp(multiplier, minMultiplier, maxMultiplier);
      auto check = [&](int32_t acc, float m) {
        ASSERT_EQ(requantize(acc, m, p), oracle::requantize(acc, m, p))
            << acc << " * " << m;
      };
      for (int32_t acc : accumulators)
        check(acc, multiplier);
      // A product near the middle of the range, at every size of accumulator.
      int32_t acc = numbers.next32() >> (numbers.next() % 31);
      check(acc, multiplier);
      auto steps = static_cast<float>(numbers.next() % 1024) / 4.0f;
      float m = acc == 0 ? 1.0f : steps / std::fabs(static_cast<float>(acc));
      check(acc, std::clamp(m, minMultiplier, maxMultiplier));
    }
}

TEST(Requantize, TiesGoToTheEvenStep) {
  QuantParams p = {1.0f, 128, 0, 255};
  for (int32_t acc = -255; acc <= 255; ++acc) {
    int32_t half = static_cast<int32_t>(oracle::shiftHalfEven(acc, 1));
    int32_t want = std::clamp(half + 128, 0, 255);
    EXPECT_EQ(requantize(acc, 0.5f, p), want) << acc;
    EXPECT_EQ(requantizeFixed(acc, encodeMultiplier(0.5), p), want) << acc;
  }
}

// Breaks if holding a multiplier to its bounds could change any result.
TEST(Requantize, BoundsOfTheMultiplierSaturateOrVanish) {
  for (const QuantParams &p : params)
    for (int32_t acc : accumulators) {
      EXPECT_EQ(requantize(acc, minMultiplier, p), p.zeroPoint);
      int32_t end = acc == 0 ? p.zeroPoint : acc > 0 ? p.qmax : p.qmin;
      EXPECT_EQ(requantize(acc, maxMultiplier, p), end);
      EXPECT_EQ(requantizeFixed(acc, encodeMultiplier(0.0), p), p.zeroPoint);
      EXPECT_EQ(requantizeFixed(acc, encodeMultiplier(1e30), p), end);
    }
}

TEST(RequantizeFixed, MatchesExactIntegersAtEveryShift) {
  oracle::Numbers numbers(3);
  for (const QuantParams &p : params)
    for (int32_t shift = 1; shift <= 62; ++shift)
      for (int i = 0; i < 40; ++i) {
        int32_t mantissa = (1 << 30) | (numbers.next32() & 0x3FFFFFFF);
        if (i == 0)
          mantissa = INT32_MAX;
        if (i == 1)
          mantissa = 1 << 30;
        FixedMultiplier m = {mantissa, shift};
        auto check = [&](int32_t acc) {
          ASSERT_EQ(requantizeFixed(acc, m, p),
                    oracle::requantizeFixed(acc, m, p))
              << acc << " * " << mantissa << " >> " << shift;
        };
        for (int32_t acc : accumulators)
          check(acc);
        check(numbers.next32() >> (numbers.next() % 31));
        // Accumulators whose quotient is a tie or next to one.
        if (shift > 31)
          for (int32_t half : {-3, -1, 1, 3, 5})
            for (int32_t nudge : {-1, 0, 1}) {
              int64_t acc = (int64_t(half) << (shift - 31)) + nudge;
              if (acc >= INT32_MIN && acc <= INT32_MAX)
                check(static_cast<int32_t>(acc));
            }
      }
}

// Breaks if the two forms drift apart by more than the f32 rounding explains.
TEST(RequantizeFixed, AgreesWithTheFloatFormWithinOneStep) {
  oracle::Numbers numbers(4);
  QuantParams p = {1.0f, 128, 0, 255};
  int different = 0;
  for (int i = 0; i < 100000; ++i) {
    int32_t acc = numbers.next32() >> 12;
    float multiplier = 1.0f / static_cast<float>(2000 + numbers.next() % 6000);
    int32_t one = requantize(acc, multiplier, p);
    int32_t other = requantizeFixed(acc, encodeMultiplier(multiplier), p);
    ASSERT_LE(std::abs(one - other), 1) << acc << " * " << multiplier;
    different += one != other;
  }
  EXPECT_LE(different, 10);
}

TEST(ScaleAccumulator, IsTwoRoundedOperations) {
  // 2^24 + 1 rounds to 2^24; a fused form would keep the product's low bits.
  EXPECT_EQ(scaleAccumulator(16777217, 1.0f, 0.0f), 16777216.0f);
  float m = 1.0f + 0x1p-23f;
  int32_t acc = (1 << 23) + 1;
  float rounded = static_cast<float>(double(acc) * double(m));
  EXPECT_EQ(scaleAccumulator(acc, m, -rounded), 0.0f);
  EXPECT_NE(std::fma(static_cast<float>(acc), m, -rounded), 0.0f);
  EXPECT_EQ(scaleAccumulator(-3, 0.5f, 2.0f), 0.5f);
}

// Breaks if a model's zero points or scales get mixed up between operands.
TEST(AddAndMultiplyQuantized, EveryPairOfCodesAgainstRealNumbers) {
  QuantParams x = {0.05f, 17, 0, 255}, y = {0.031f, 200, 0, 255};
  QuantParams sum = {0.06f, 120, 0, 255}, product = {0.9f, 99, 0, 255};
  for (int32_t i = 0; i <= 255; ++i)
    for (int32_t j = 0; j <= 255; ++j) {
      float left = dequantize(i, x), right = dequantize(j, y);
      ASSERT_EQ(addQuantized(i, x, j, y, sum), quantize(left + right, sum));
      ASSERT_EQ(multiplyQuantized(i, x, j, y, product),
                quantize(left * right, product));
      double real = (i - 17) * double(0.05f) + (j - 200) * double(0.031f);
      double steps = std::clamp(real / double(0.06f) + 120.0, 0.0, 255.0);
      ASSERT_LE(std::fabs(addQuantized(i, x, j, y, sum) - steps), 0.5001);
    }
  QuantParams huge = {maxScale, 0, 0, maxSteps};
  EXPECT_EQ(multiplyQuantized(maxSteps, huge, maxSteps, huge, sum), 255);
}
