//===- ParametersTest.cpp - Chosen parameters are always usable -----------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Parameters.h"
#include "quantc/Numerics/Evaluate.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace quantc::numerics;

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();
static constexpr double values[] = {
    notANumber, -infinity, -1e300, -3.4e38, -1e30, -255.0, -1.0,  -1e-30,
    -1e-40,     -0.0,      0.0,    5e-324,  1e-45, 1e-38,  1e-30, 0.1,
    1.0,        127.5,     1000.0, 1e10,    1e35,  3.4e38, 1e39,  infinity};
static constexpr int32_t ranges[][2] = {
    {0, 255},   {-128, 127}, {-127, 127},     {0, 127}, {0, 1},       {0, 4095},
    {0, 65535}, {-8, 7},     {-32768, 32767}, {3, 200}, {0, maxSteps}};

// Breaks if a hostile range gives parameters that later code may not use, or
// if 0 is no longer exact, which every padding and ReLU relies on.
TEST(ChooseAffine, AnyRangeGivesValidParametersWithExactZero) {
  for (auto [qmin, qmax] : ranges)
    for (double lo : values)
      for (double hi : values) {
        SCOPED_TRACE(testing::Message() << "[" << lo << ", " << hi << "] in "
                                        << qmin << ".." << qmax);
        QuantParams p = chooseAffine(lo, hi, qmin, qmax);
        std::string why;
        ASSERT_TRUE(valid(p, &why)) << why;
        EXPECT_EQ(p.qmin, qmin);
        EXPECT_EQ(p.qmax, qmax);
        EXPECT_EQ(quantize(0.0f, p), p.zeroPoint);
        EXPECT_EQ(dequantize(p.zeroPoint, p), 0.0f);
      }
}

// Breaks if the chosen range does not reach its own ends: a value of the range
// comes back wrong by more than one step.
TEST(ChooseAffine, EndsOfTheRangeComeBackWithinAStep) {
  for (auto [lo, hi] : {std::pair{-1.0, 1.0},
                        {0.0, 6.0},
                        {-3.5, 0.0},
                        {-0.001, 1000.0},
                        {2.0, 5.0},
                        {-7.0, -2.0}}) {
    QuantParams p = chooseAffine(lo, hi, 0, 255);
    for (double x : {lo, hi}) {
      auto value = static_cast<float>(x);
      float back = dequantize(quantize(value, p), p);
      EXPECT_LE(std::fabs(back - value), p.scale) << x;
    }
  }
}

// Breaks if one-sided ranges waste codes on the other side.
TEST(ChooseAffine, OneSidedRangesPutZeroAtTheEnd) {
  EXPECT_EQ(chooseAffine(0.0, 6.0, 0, 255).zeroPoint, 0);
  EXPECT_EQ(chooseAffine(2.0, 6.0, 0, 255).zeroPoint, 0);
  EXPECT_EQ(chooseAffine(-6.0, 0.0, 0, 255).zeroPoint, 255);
  EXPECT_EQ(chooseAffine(-6.0, -2.0, -128, 127).zeroPoint, 127);
  EXPECT_EQ(chooseAffine(-1.0, 1.0, -127, 127).zeroPoint, 0);
  EXPECT_EQ(chooseAffine(2.0, 6.0, 0, 255).scale, 6.0f / 255.0f);
}

TEST(ChooseAffine, SwappedBoundsAndUnusableStorageAreRepaired) {
  EXPECT_EQ(chooseAffine(3.0, -1.0, 0, 255), chooseAffine(-1.0, 3.0, 0, 255));
  constexpr int32_t least = std::numeric_limits<int32_t>::min();
  constexpr int32_t most = std::numeric_limits<int32_t>::max();
  for (auto [qmin, qmax] : {std::pair{5, 5},
                            {7, -7},
                            {least, most},
                            {most, most},
                            {most, least},
                            {least, least}})
    EXPECT_TRUE(valid(chooseAffine(-1.0, 1.0, qmin, qmax)))
        << qmin << ".." << qmax;
}

TEST(ChooseAffine, EmptyRangesHaveScaleOne) {
  for (double x : {0.0, -0.0, notANumber}) {
    EXPECT_EQ(chooseAffine(x, x, 0, 255), (QuantParams{1.0f, 0, 0, 255}));
    EXPECT_EQ(chooseAffine(x, x, 3, 9), (QuantParams{1.0f, 3, 3, 9}));
  }
}

TEST(ChooseSymmetric, IsBoundedAndReachesTheLargestWeight) {
  for (double x : values)
    for (int32_t qmax : {-1, 0, 1, 7, 127, 32767}) {
      float scale = chooseSymmetric(x, qmax);
      EXPECT_GE(scale, minScale);
      EXPECT_LE(scale, maxScale);
    }
  EXPECT_EQ(chooseSymmetric(0.0, 127), 1.0f);
  EXPECT_EQ(chooseSymmetric(notANumber, 127), 1.0f);
  EXPECT_EQ(chooseSymmetric(-254.0, 127), 2.0f);
  float scale = chooseSymmetric(0.7, 127);
  EXPECT_EQ(quantize(0.7f, {scale, 0, -127, 127}), 127);
}

// Breaks if an error names the wrong field: a user could not repair the file.
TEST(Valid, NamesTheRuleThatIsBroken) {
  auto why = [](QuantParams p) {
    std::string text;
    EXPECT_FALSE(valid(p, &text));
    EXPECT_FALSE(valid(p));
    return text;
  };
  auto has = [](const std::string &text, const char *part) {
    return text.find(part) != std::string::npos;
  };
  for (float scale : {0.0f, -1.0f, float(notANumber), float(infinity), 1e-38f,
                      1e-45f, std::nextafter(minScale, 0.0f), 2e30f})
    EXPECT_PRED2(has, why({scale, 0, 0, 255}), "scale");
  EXPECT_PRED2(has, why({1.0f, 5, 5, 5}), "qmin 5 is not below qmax 5");
  EXPECT_PRED2(has, why({1.0f, 0, INT32_MIN, INT32_MAX}), "2^22 steps");
  EXPECT_PRED2(has, why({1.0f, 256, 0, 255}), "zero point 256");
  EXPECT_PRED2(has, why({1.0f, -1, 0, 255}), "zero point -1");
  EXPECT_TRUE(valid({minScale, 0, 0, 255}));
  EXPECT_TRUE(valid({maxScale, 255, 0, 255}));
}

TEST(ChooseMultiplier, IsTheRatioHeldToItsBounds) {
  EXPECT_EQ(chooseMultiplier(0.5f, 0.25f, 2.0f), 0.0625f);
  EXPECT_EQ(chooseMultiplier(maxScale, maxScale, minScale), maxMultiplier);
  EXPECT_EQ(chooseMultiplier(minScale, minScale, maxScale), minMultiplier);
  EXPECT_EQ(chooseMultiplier(float(notANumber), 1.0f, 1.0f), minMultiplier);
  EXPECT_EQ(chooseOutputMultiplier(0.5f, 0.25f), 0.125f);
  EXPECT_EQ(chooseOutputMultiplier(minScale, minScale), minScale);
  float largest = chooseOutputMultiplier(maxScale, maxScale);
  EXPECT_TRUE(std::isfinite(scaleAccumulator(INT32_MIN, largest, -3.4e38f)) ||
              largest == 0x1p+96f);
}

TEST(SettleBias, LeavesNothingThatCouldBecomeSubnormalOrNaN) {
  EXPECT_EQ(settleBias(1.5), 1.5f);
  EXPECT_EQ(settleBias(notANumber), 0.0f);
  EXPECT_EQ(settleBias(-1e-31), 0.0f);
  EXPECT_FALSE(std::signbit(settleBias(-1e-31)));
  EXPECT_EQ(settleBias(infinity), std::numeric_limits<float>::max());
  EXPECT_EQ(settleBias(-1e300), -std::numeric_limits<float>::max());
}

// Breaks if a multiplier loses bits: 31 of them are what the form promises.
TEST(EncodeMultiplier, IsWithinHalfAUnitOfTheLastOf31Bits) {
  for (int exponent = -31; exponent <= 29; ++exponent)
    for (double fraction : {1.0, 1.1, 1.25, 1.37, 1.999999, 1.9999999999}) {
      double multiplier = std::ldexp(fraction, exponent);
      FixedMultiplier m = encodeMultiplier(multiplier);
      ASSERT_GE(m.shift, 1) << multiplier;
      ASSERT_LE(m.shift, 62) << multiplier;
      if (m.mantissa != INT32_MAX) {
        ASSERT_GE(m.mantissa, 1 << 30) << multiplier;
      }
      double back = std::ldexp(double(m.mantissa), -m.shift);
      EXPECT_LE(std::fabs(back / multiplier - 1.0), 0x1p-31) << multiplier;
    }
}

TEST(EncodeMultiplier, IsDefinedForEveryDouble) {
  const FixedMultiplier none = {0, 1}, largest = {INT32_MAX, 1};
  for (double x : {notANumber, -infinity, -1.0, -0.0, 0.0, 5e-324, 0x1p-33})
    EXPECT_EQ(encodeMultiplier(x), none) << x;
  for (double x : {infinity, 1e300, 0x1p+31, 0x1p+30})
    EXPECT_EQ(encodeMultiplier(x), largest) << x;
  EXPECT_EQ(encodeMultiplier(0x1p-32), (FixedMultiplier{1 << 30, 62}));
  EXPECT_EQ(encodeMultiplier(1.0), (FixedMultiplier{1 << 30, 30}));
  // Rounds up to the next power of two.
  EXPECT_EQ(encodeMultiplier(std::nextafter(1.0, 0.0)),
            (FixedMultiplier{1 << 30, 30}));
}
