//===- FloatDenseTest.cpp - f32 on many values, in the program's order ----===//
#include "quantc/Numerics/FloatDense.h"

#include "quantc/Numerics/Evaluate.h"

#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

using namespace quantc::numerics;

namespace {

std::vector<float> makeValues(int64_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float &value : values)
    value = static_cast<float>(static_cast<int32_t>(generator())) * 0x1p-31f;
  return values;
}

/// Values at which functions bend, end or forget, and any others.
std::vector<float> makeHardValues() {
  using Limits = std::numeric_limits<float>;
  std::vector<float> values = {0.0f,
                               -0.0f,
                               1.0f,
                               -1.0f,
                               6.0f,
                               Limits::min(),
                               -Limits::min(),
                               Limits::denorm_min(),
                               -Limits::denorm_min(),
                               Limits::max(),
                               -Limits::max(),
                               Limits::infinity(),
                               -Limits::infinity(),
                               Limits::quiet_NaN(),
                               -Limits::quiet_NaN()};
  std::mt19937 generator(3);
  for (int i = 0; i < 20000; ++i)
    values.push_back(std::bit_cast<float>(uint32_t(generator())));
  for (int i = 0; i < 20000; ++i)
    values.push_back(static_cast<float>(int32_t(generator())) * 0x1p-27f);
  return values;
}

} // namespace

// Breaks if a sum has another order or its start: ranges would not be those of
// the network that a program computes, nor the same on every CPU.
TEST(FloatDense, AddsInTheOrderOfTheInputs) {
  for (int64_t inputs : {1, 2, 17, 64})
    for (int64_t outputs : {1, 15, 16, 17, 40})
      for (int64_t rows : {1, 2, 5, 6, 7, 13})
        for (bool hasBias : {false, true}) {
          const std::vector<float> weights = makeValues(inputs * outputs, 1);
          const std::vector<float> x = makeValues(rows * inputs, 2);
          const std::vector<float> bias = makeValues(hasBias ? outputs : 0, 3);
          constexpr float untouched = 12345.0f;
          std::vector<float> y(rows * outputs + 1, untouched);
          FloatDense(weights, bias, inputs, outputs)
              .run(x.data(), rows, y.data());
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t n = 0; n < outputs; ++n) {
              float sum = hasBias ? bias[n] : 0.0f;
              for (int64_t k = 0; k < inputs; ++k)
                sum += x[r * inputs + k] * weights[n * inputs + k];
              ASSERT_EQ(y[r * outputs + n], sum)
                  << inputs << " inputs, " << outputs << " outputs, row " << r
                  << ", column " << n;
            }
          EXPECT_EQ(y.back(), untouched) << "written past the last row";
        }
}

// Breaks if the loops of vectors give other bits than one value at a time.
TEST(Evaluate, ManyValuesAreEachTheFunctions) {
  const std::vector<float> values = makeHardValues();
  int quick = 0;
  for (int32_t i = 0; i < functionCount; ++i) {
    const auto function = static_cast<Function>(i);
    quick += isQuickOnMany(function);
    const std::pair<float, float> parameters[] = {
        {static_cast<float>(defaultAlpha(function)),
         static_cast<float>(defaultBeta(function))},
        {-0.5f, 2.0f}}; // of a network that says so: a clip between them
    for (auto [alpha, beta] : parameters) {
      std::vector<float> many = values;
      applyToMany(function, many, alpha, beta);
      for (size_t j = 0; j < values.size(); ++j)
        ASSERT_EQ(
            std::bit_cast<uint32_t>(many[j]),
            std::bit_cast<uint32_t>(apply(function, values[j], alpha, beta)))
            << name(function) << " of " << values[j] << ", " << alpha << ", "
            << beta;
    }
  }
  EXPECT_TRUE(isQuickOnMany(Function::Relu));
  EXPECT_TRUE(isQuickOnMany(Function::Tanh));
  EXPECT_GT(functionCount, quick) << "then the slow road is not tested";
}
