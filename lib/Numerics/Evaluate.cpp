//===- Evaluate.cpp - The sequences of Sequences.h on host floats ---------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Evaluate.h"

#include "quantc/Numerics/CpuClones.h"
#include "quantc/Numerics/Sequences.h"

namespace quantc::numerics {

int32_t quantize(float x, const QuantParams &params) {
  FloatPolicy a;
  return quantize(a, x, params.scale, params.zeroPoint, params.qmin,
                  params.qmax);
}

float dequantize(int32_t q, const QuantParams &params) {
  FloatPolicy a;
  return dequantize(a, q, params.scale, params.zeroPoint);
}

int32_t requantize(int32_t accumulator, float multiplier,
                   const QuantParams &params) {
  FloatPolicy a;
  return requantize(a, accumulator, multiplier, params.zeroPoint, params.qmin,
                    params.qmax);
}

int32_t requantizeFixed(int32_t accumulator, FixedMultiplier multiplier,
                        const QuantParams &params) {
  FloatPolicy a;
  return requantizeFixed(a, accumulator, multiplier.mantissa, multiplier.shift,
                         params.zeroPoint, params.qmin, params.qmax);
}

float scaleAccumulator(int32_t accumulator, float multiplier, float bias) {
  FloatPolicy a;
  return scaleAccumulator(a, accumulator, multiplier, bias);
}

int32_t addQuantized(int32_t x, const QuantParams &xParams, int32_t y,
                     const QuantParams &yParams, const QuantParams &out) {
  FloatPolicy a;
  return addQuantized(a, x, xParams, y, yParams, out);
}

int32_t subtractQuantized(int32_t x, const QuantParams &xParams, int32_t y,
                          const QuantParams &yParams, const QuantParams &out) {
  FloatPolicy a;
  return subtractQuantized(a, x, xParams, y, yParams, out);
}

int32_t multiplyQuantized(int32_t x, const QuantParams &xParams, int32_t y,
                          const QuantParams &yParams, const QuantParams &out) {
  FloatPolicy a;
  return multiplyQuantized(a, x, xParams, y, yParams, out);
}

float apply(Function function, float x, float alpha, float beta) {
  FloatPolicy a;
  return unary(a, function, x, alpha, beta);
}

namespace {

using ManyFunction = void (*)(std::span<float> values, float alpha, float beta);

/// Functions of the hidden layers of most networks. Each is a loop of its own,
/// for several CPUs, so the others of Functions.def have none.
#define QUANTC_EACH_QUICK(X)                                                   \
  X(Relu)                                                                      \
  X(Relu6)                                                                     \
  X(LeakyRelu)                                                                 \
  X(Clip)                                                                      \
  X(Sigmoid)                                                                   \
  X(Tanh)

#define QUANTC_QUICK(F)                                                        \
  QUANTC_CPU_CLONES                                                            \
  void many##F(std::span<float> values, float alpha, float beta) {             \
    FloatPolicy a;                                                             \
    for (float &x : values)                                                    \
      x = unary(a, Function::F, x, alpha, beta);                               \
  }
QUANTC_EACH_QUICK(QUANTC_QUICK)
#undef QUANTC_QUICK

/// Null if there is none.
ManyFunction quickOnMany(Function function) {
  switch (function) {
#define QUANTC_QUICK(F)                                                        \
  case Function::F:                                                            \
    return many##F;
    QUANTC_EACH_QUICK(QUANTC_QUICK)
#undef QUANTC_QUICK
  default:
    return nullptr;
  }
}

} // namespace

bool isQuickOnMany(Function function) {
  return quickOnMany(function) != nullptr;
}

void applyToMany(Function function, std::span<float> values, float alpha,
                 float beta) {
  if (ManyFunction quick = quickOnMany(function))
    return quick(values, alpha, beta);
  for (float &x : values)
    x = apply(function, x, alpha, beta);
}

static float maximumOf(FloatPolicy &a, std::span<const float> row) {
  float m = softmaxStart;
  for (float x : row)
    m = softmaxMaximum(a, m, x);
  return m;
}

void softmaxRow(std::span<float> row) {
  FloatPolicy a;
  float m = maximumOf(a, row), sum = 0.0f;
  for (float &x : row) {
    x = softmaxTerm(a, x, m);
    sum = a.add(sum, x);
  }
  for (float &x : row)
    x = softmaxFinish(a, x, sum);
}

void logSoftmaxRow(std::span<float> row) {
  FloatPolicy a;
  float m = maximumOf(a, row), sum = 0.0f;
  for (float x : row)
    sum = a.add(sum, softmaxTerm(a, x, m));
  float logSum = log(a, sum);
  for (float &x : row)
    x = logSoftmaxFinish(a, x, m, logSum);
}

} // namespace quantc::numerics
