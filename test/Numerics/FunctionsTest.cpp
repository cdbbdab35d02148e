//===- FunctionsTest.cpp - Float sequences against long double ------------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Functions.h"
#include "Oracle.h"
#include "quantc/Numerics/Evaluate.h"
#include "quantc/Numerics/Sequences.h"
#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

using namespace quantc::numerics;

static constexpr float infinity = std::numeric_limits<float>::infinity();

static std::vector<Function> allFunctions() {
  std::vector<Function> functions;
  for (int32_t i = 0; i < functionCount; ++i)
    functions.push_back(static_cast<Function>(i));
  return functions;
}

static float applyDefault(Function f, float x) {
  return apply(f, x, static_cast<float>(defaultAlpha(f)),
               static_cast<float>(defaultBeta(f)));
}

//===----------------------------------------------------------------------===//
// The list
//===----------------------------------------------------------------------===//

// Breaks if two functions share a name or a name does not find its function.
TEST(FunctionList, NamesAreUniqueAndFindTheirFunction) {
  std::set<std::string_view> names;
  for (Function f : allFunctions()) {
    EXPECT_TRUE(names.insert(name(f)).second) << name(f);
    EXPECT_EQ(functionByName(name(f)), f);
    EXPECT_FALSE(onnxSource(f).empty());
    EXPECT_TRUE(validParameters(f, defaultAlpha(f), defaultBeta(f)));
  }
  EXPECT_FALSE(functionByName("no_such_function").has_value());
  EXPECT_EQ(static_cast<int32_t>(Function::Identity), 0);
  EXPECT_EQ(static_cast<int32_t>(Function::Square), functionCount - 1);
}

TEST(FunctionList, NumbersOutsideTheListAreHarmless) {
  for (int32_t number : {-1, functionCount, INT32_MAX, INT32_MIN}) {
    auto f = static_cast<Function>(number);
    EXPECT_EQ(name(f), "unknown function");
    EXPECT_FALSE(validParameters(f, 0.0, 0.0));
    EXPECT_FALSE(isMonotone(f));
    EXPECT_TRUE(std::isnan(evaluate(f, 1.0, 0.0, 0.0)));
    EXPECT_TRUE(std::isnan(apply(f, 1.0f, 0.0f, 0.0f)));
  }
}

TEST(FunctionList, BadParametersAreNamed) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  std::string why;
  EXPECT_FALSE(validParameters(Function::Elu, nan, 0.0, &why));
  EXPECT_EQ(why, "elu: alpha is NaN; give a number");
  EXPECT_FALSE(validParameters(Function::Clip, 0.0, nan, &why));
  EXPECT_EQ(why, "clip: beta is NaN; give a number");
  EXPECT_FALSE(validParameters(Function::LeakyRelu, 1e39, 0.0, &why));
  EXPECT_EQ(why, "leaky_relu: alpha is not a finite f32 number");
  EXPECT_FALSE(validParameters(Function::Celu, 0.0, 0.0));
  EXPECT_FALSE(validParameters(Function::Celu, -1.0, 0.0));
  EXPECT_TRUE(validParameters(Function::Clip, -infinity, infinity));
}

TEST(FunctionList, MonotoneFunctionsNeverDecrease) {
  for (Function f : allFunctions()) {
    if (!isMonotone(f))
      continue;
    double previous = -std::numeric_limits<double>::infinity();
    for (int step = -1280; step <= 1280; ++step) {
      double x = step / 64.0;
      double y = evaluate(f, x, defaultAlpha(f), defaultBeta(f));
      if (std::isnan(y))
        continue;
      EXPECT_GE(y, previous) << name(f) << " at " << x;
      previous = y;
    }
  }
}

TEST(FunctionList, DoubleReferenceMatchesTheTextbook) {
  for (Function f : allFunctions())
    for (int step = -960; step <= 960; ++step) {
      double x = step / 32.0;
      double y = evaluate(f, x, defaultAlpha(f), defaultBeta(f));
      auto want = static_cast<double>(
          oracle::function(f, x, defaultAlpha(f), defaultBeta(f)));
      if (std::isnan(want))
        EXPECT_TRUE(std::isnan(y)) << name(f) << " at " << x;
      else if (std::isinf(want))
        EXPECT_EQ(y, want) << name(f) << " at " << x;
      else
        EXPECT_NEAR(y, want, 1e-13 * std::fmax(1.0, std::fabs(want)))
            << name(f) << " at " << x;
    }
}

//===----------------------------------------------------------------------===//
// Accuracy, over all exponents and densely where the formula branches
//===----------------------------------------------------------------------===//

namespace {
struct Accuracy {
  Function function;
  double ulps;     ///< in units of the last place of the exact result
  double absolute; ///< or in units of 2^-24 max(1, |result|), where those of
                   ///< the last place are lost to a cancellation
};
} // namespace

static const Accuracy accuracies[] = {{Function::Identity, 0.0, 0.0},
                                      {Function::Relu, 0.0, 0.0},
                                      {Function::Relu6, 0.0, 0.0},
                                      {Function::LeakyRelu, 0.51, 0.0},
                                      {Function::Elu, 2.0, 0.0},
                                      {Function::Selu, 3.0, 0.0},
                                      {Function::Celu, 2.0, 0.0},
                                      {Function::Silu, 0.0, 4.0},
                                      {Function::Gelu, 0.0, 4.0},
                                      {Function::GeluTanh, 0.0, 4.0},
                                      {Function::Mish, 0.0, 4.0},
                                      {Function::Sigmoid, 4.0, 0.0},
                                      {Function::Tanh, 4.0, 0.0},
                                      {Function::Softplus, 4.0, 0.0},
                                      {Function::Softsign, 2.0, 0.0},
                                      {Function::HardSigmoid, 0.0, 2.0},
                                      {Function::HardSwish, 2.5, 0.0},
                                      {Function::Clip, 0.0, 0.0},
                                      {Function::ThresholdedRelu, 0.0, 0.0},
                                      {Function::Exp, 2.0, 0.0},
                                      {Function::Log, 2.0, 0.0},
                                      {Function::Sqrt, 0.51, 0.0},
                                      {Function::Rsqrt, 1.51, 0.0},
                                      {Function::Reciprocal, 0.51, 0.0},
                                      {Function::Abs, 0.0, 0.0},
                                      {Function::Neg, 0.0, 0.0},
                                      {Function::Sign, 0.0, 0.0},
                                      {Function::Floor, 0.0, 0.0},
                                      {Function::Ceil, 0.0, 0.0},
                                      {Function::Round, 0.0, 0.0},
                                      {Function::Erf, 4.0, 0.0},
                                      {Function::Sin, 0.0, 3.0},
                                      {Function::Cos, 0.0, 3.0},
                                      {Function::Square, 0.51, 0.0}};

static void checkAt(const Accuracy &row, float x) {
  Function f = row.function;
  float y = applyDefault(f, x);
  long double exact =
      oracle::function(f, oracle::flushed(x), defaultAlpha(f), defaultBeta(f));
  if (std::isnan(exact)) {
    ASSERT_EQ(std::bit_cast<uint32_t>(y), 0x7FC00000u)
        << name(f) << " at " << x;
    return;
  }
  float rounded = oracle::flushed(exact);
  if (std::isinf(rounded) || std::isinf(y)) {
    ASSERT_EQ(y, rounded) << name(f) << " at " << x;
    return;
  }
  ASSERT_TRUE(y == 0.0f || std::fabs(y) >= 0x1p-126f)
      << name(f) << " is subnormal at " << x;
  double error = static_cast<double>(std::fabs(y - exact));
  if (rounded == 0.0f && y == 0.0f)
    return;
  if (row.absolute > 0.0)
    ASSERT_LE(error, row.absolute * 0x1p-24 *
                         static_cast<double>(std::fmax(1.0L, fabsl(exact))))
        << name(f) << " at " << x;
  else
    ASSERT_LE(oracle::ulps(y, exact), row.ulps) << name(f) << " at " << x;
}

class SequenceAccuracy : public testing::TestWithParam<Accuracy> {};

// Breaks if a polynomial, a reduction or a threshold loses the stated accuracy
// anywhere from the smallest to the largest float.
TEST_P(SequenceAccuracy, OverAllExponents) {
  constexpr uint64_t stride = 30011; // prime; 143,000 floats
  for (uint64_t bits = 0; bits < (uint64_t(1) << 32); bits += stride) {
    float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
    if (!std::isfinite(x))
      continue;
    checkAt(GetParam(), x);
    if (HasFatalFailure())
      return;
  }
}

TEST_P(SequenceAccuracy, AroundBranches) {
  static const float centres[] = {
      0.0f,        0x1p-126f,     0.346574f,  0.5f,
      0.625f,      0.693147f,     0.707107f,  0.785398f,
      1.0f,        1.414214f,     1.5f,       1.570796f,
      2.356194f,   2.5f,          3.0f,       3.141593f,
      4.0f,        5.65685f,      6.0f,       8.9f,
      17.3f,       20.0f,         87.33654f,  88.37f,
      88.72283f,   1000.0f,       4194304.0f, 8388608.0f,
      16777216.0f, 2147483648.0f, 1e20f,      0x1.fffffep+127f};
  constexpr int32_t reach = 300;
  for (float centre : centres)
    for (int32_t step = -reach; step <= reach; ++step) {
      int32_t bits = std::bit_cast<int32_t>(centre) + step;
      if (bits < 0 || bits >= infinityBits)
        continue;
      checkAt(GetParam(), std::bit_cast<float>(bits));
      checkAt(GetParam(), -std::bit_cast<float>(bits));
      if (HasFatalFailure())
        return;
    }
}

INSTANTIATE_TEST_SUITE_P(All, SequenceAccuracy, testing::ValuesIn(accuracies),
                         [](const auto &info) {
                           return std::string(name(info.param.function));
                         });

TEST(SequenceAccuracyTable, HasEveryFunctionInOrder) {
  ASSERT_EQ(std::size(accuracies), size_t(functionCount));
  for (int32_t i = 0; i < functionCount; ++i)
    EXPECT_EQ(static_cast<int32_t>(accuracies[i].function), i);
}

//===----------------------------------------------------------------------===//
// Special values
//===----------------------------------------------------------------------===//

// Breaks if a NaN is lost, or keeps a payload that differs between CPUs.
TEST(SpecialValues, NaNGivesTheOneNaN) {
  for (Function f : allFunctions())
    for (uint32_t bits : {0x7FC00000u, 0xFFC00000u, 0x7F800001u, 0xFFFFFFFFu})
      EXPECT_EQ(
          std::bit_cast<uint32_t>(applyDefault(f, std::bit_cast<float>(bits))),
          0x7FC00000u)
          << name(f);
}

TEST(SpecialValues, InfinityGivesTheLimit) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  struct Row {
    Function function;
    float below, above; // at -inf, at +inf
  };
  const Row rows[] = {{Function::Identity, -infinity, infinity},
                      {Function::Relu, 0.0f, infinity},
                      {Function::Relu6, 0.0f, 6.0f},
                      {Function::LeakyRelu, -infinity, infinity},
                      {Function::Elu, -1.0f, infinity},
                      {Function::Selu, -1.7580993f, infinity},
                      {Function::Celu, -1.0f, infinity},
                      {Function::Silu, 0.0f, infinity},
                      {Function::Gelu, 0.0f, infinity},
                      {Function::GeluTanh, 0.0f, infinity},
                      {Function::Mish, 0.0f, infinity},
                      {Function::Sigmoid, 0.0f, 1.0f},
                      {Function::Tanh, -1.0f, 1.0f},
                      {Function::Softplus, 0.0f, infinity},
                      {Function::Softsign, -1.0f, 1.0f},
                      {Function::HardSigmoid, 0.0f, 1.0f},
                      {Function::HardSwish, 0.0f, infinity},
                      {Function::Clip, -infinity, infinity},
                      {Function::ThresholdedRelu, 0.0f, infinity},
                      {Function::Exp, 0.0f, infinity},
                      {Function::Log, nan, infinity},
                      {Function::Sqrt, nan, infinity},
                      {Function::Rsqrt, nan, 0.0f},
                      {Function::Reciprocal, 0.0f, 0.0f},
                      {Function::Abs, infinity, infinity},
                      {Function::Neg, infinity, -infinity},
                      {Function::Sign, -1.0f, 1.0f},
                      {Function::Floor, -infinity, infinity},
                      {Function::Ceil, -infinity, infinity},
                      {Function::Round, -infinity, infinity},
                      {Function::Erf, -1.0f, 1.0f},
                      {Function::Sin, nan, nan},
                      {Function::Cos, nan, nan},
                      {Function::Square, infinity, infinity}};
  ASSERT_EQ(std::size(rows), size_t(functionCount));
  for (const Row &row : rows)
    for (bool above : {false, true}) {
      float x = above ? infinity : -infinity;
      float want = above ? row.above : row.below;
      float y = applyDefault(row.function, x);
      double reference = evaluate(row.function, x, defaultAlpha(row.function),
                                  defaultBeta(row.function));
      if (std::isnan(want)) {
        EXPECT_TRUE(std::isnan(y)) << name(row.function) << " at " << x;
        EXPECT_TRUE(std::isnan(reference)) << name(row.function) << " at " << x;
        continue;
      }
      EXPECT_FLOAT_EQ(y, want) << name(row.function) << " at " << x;
      EXPECT_FLOAT_EQ(float(reference), want) << name(row.function) << " " << x;
    }
}

TEST(SpecialValues, PolesAndSignedZeros) {
  EXPECT_EQ(applyDefault(Function::Log, 0.0f), -infinity);
  EXPECT_EQ(applyDefault(Function::Log, -0.0f), -infinity);
  EXPECT_EQ(applyDefault(Function::Log, 1e-40f), -infinity); // a zero
  EXPECT_EQ(applyDefault(Function::Reciprocal, 0.0f), infinity);
  EXPECT_EQ(applyDefault(Function::Reciprocal, -0.0f), -infinity);
  EXPECT_EQ(applyDefault(Function::Rsqrt, 0.0f), infinity);
  EXPECT_TRUE(std::isnan(applyDefault(Function::Log, -1.0f)));
  EXPECT_TRUE(std::isnan(applyDefault(Function::Sqrt, -1.0f)));
  for (Function f : {Function::Identity, Function::Tanh, Function::Erf,
                     Function::Sin, Function::Round, Function::Ceil,
                     Function::Floor, Function::Sqrt, Function::Softsign})
    EXPECT_TRUE(std::signbit(applyDefault(f, -0.0f))) << name(f);
  EXPECT_TRUE(std::signbit(applyDefault(Function::Ceil, -0.3f)));
  EXPECT_TRUE(std::signbit(applyDefault(Function::Neg, 0.0f)));
}

// Breaks if 0 * inf makes a NaN where the parameter has switched x off.
TEST(SpecialValues, AZeroParameterSwitchesXOff) {
  for (float x : {-infinity, -1.0f, 0.0f, 1.0f, infinity}) {
    EXPECT_EQ(apply(Function::LeakyRelu, x, 0.0f, 0.0f), x < 0.0f ? 0.0f : x);
    EXPECT_EQ(apply(Function::HardSigmoid, x, 0.0f, 0.25f), 0.25f);
    EXPECT_EQ(apply(Function::Silu, x, 0.0f, 0.0f), 0.5f * x);
    EXPECT_EQ(evaluate(Function::HardSigmoid, x, 0.0, 0.25), 0.25);
    EXPECT_EQ(evaluate(Function::Silu, x, 0.0, 0.0), 0.5 * x);
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(apply(Function::HardSigmoid, nan, 0.0f, 0.25f)));
  EXPECT_FALSE(validParameters(Function::Selu, 1e30, 1e30));
}

TEST(SpecialValues, ParametersAreUsed) {
  EXPECT_EQ(apply(Function::LeakyRelu, -2.0f, 0.25f, 0.0f), -0.5f);
  EXPECT_EQ(apply(Function::Clip, 5.0f, -1.0f, 1.0f), 1.0f);
  EXPECT_EQ(apply(Function::Clip, -5.0f, -1.0f, 1.0f), -1.0f);
  EXPECT_EQ(apply(Function::Clip, 0.0f, 2.0f, -2.0f), -2.0f); // high bound wins
  EXPECT_EQ(apply(Function::ThresholdedRelu, 1.5f, 1.5f, 0.0f), 0.0f);
  EXPECT_EQ(apply(Function::HardSigmoid, 1.0f, 0.25f, 0.25f), 0.5f);
  EXPECT_NEAR(apply(Function::Elu, -1.0f, 2.0f, 0.0f), 2.0 * std::expm1(-1.0),
              1e-6);
  EXPECT_NEAR(apply(Function::Celu, -1.0f, 2.0f, 0.0f), 2.0 * std::expm1(-0.5),
              1e-6);
  EXPECT_NEAR(apply(Function::Silu, 2.0f, 1.702f, 0.0f),
              2.0 / (1.0 + std::exp(-3.404)), 1e-6);
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

TEST(Softmax, MatchesLongDoubleAndSumsToOne) {
  oracle::Numbers numbers(5);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<float> row(1 + numbers.next() % 40);
    for (float &x : row)
      x = static_cast<float>(numbers.next32()) * 0x1p-27f;
    std::vector<float> soft = row, logSoft = row;
    softmaxRow(soft);
    logSoftmaxRow(logSoft);
    long double sum = 0.0L, total = 0.0L;
    for (float x : row)
      sum += expl(x);
    for (size_t i = 0; i < row.size(); ++i) {
      long double exact = expl(row[i]) / sum;
      EXPECT_NEAR(soft[i], static_cast<double>(exact), 1e-6);
      EXPECT_NEAR(logSoft[i], static_cast<double>(logl(exact)), 4e-6);
      total += soft[i];
    }
    EXPECT_NEAR(static_cast<double>(total), 1.0, 1e-6);
  }
}

TEST(Softmax, SpecialRows) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  auto soft = [](std::vector<float> row) {
    softmaxRow(row);
    return row;
  };
  EXPECT_EQ(soft({3.0e38f}), (std::vector{1.0f}));
  EXPECT_EQ(soft({1.0f, -infinity}), (std::vector{1.0f, 0.0f}));
  EXPECT_EQ(soft({-3e38f, 3e38f}), (std::vector{0.0f, 1.0f}));
  EXPECT_TRUE(soft({}).empty());
  for (const std::vector<float> &row : {std::vector{nan, 1.0f},
                                        {1.0f, nan},
                                        {infinity, 1.0f},
                                        {-infinity, -infinity}})
    for (float y : soft(row))
      EXPECT_EQ(std::bit_cast<uint32_t>(y), 0x7FC00000u);
}
