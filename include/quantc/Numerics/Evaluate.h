//===- Evaluate.h - The sequences of Sequences.h on host floats -*- C++ -*-===//
//
// Part of the quantc project.
//
// Sequences.h instantiated with FloatPolicy, compiled once with the flags the
// definition needs (no contraction), for Reference, Quantize and tests.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_EVALUATE_H
#define QUANTC_NUMERICS_EVALUATE_H

#include "quantc/Numerics/Functions.h"
#include "quantc/Numerics/Parameters.h"

#include <cstdint>
#include <span>

namespace quantc::numerics {

int32_t quantize(float x, const QuantParams &params);
float dequantize(int32_t q, const QuantParams &params);

/// `params.scale` is not read: it is in the multiplier.
int32_t requantize(int32_t accumulator, float multiplier,
                   const QuantParams &params);
int32_t requantizeFixed(int32_t accumulator, FixedMultiplier multiplier,
                        const QuantParams &params);

/// An accumulator read as float: f32(accumulator) * multiplier + bias.
float scaleAccumulator(int32_t accumulator, float multiplier, float bias);

int32_t addQuantized(int32_t x, const QuantParams &xParams, int32_t y,
                     const QuantParams &yParams, const QuantParams &out);
int32_t subtractQuantized(int32_t x, const QuantParams &xParams, int32_t y,
                          const QuantParams &yParams, const QuantParams &out);
int32_t multiplyQuantized(int32_t x, const QuantParams &xParams, int32_t y,
                          const QuantParams &yParams, const QuantParams &out);

/// The float sequence of the function.
float apply(Function function, float x, float alpha, float beta);

/// The same on many values, in place. For the functions that
/// isQuickOnMany names, by vectors of the CPU at hand.
void applyToMany(Function function, std::span<float> values, float alpha,
                 float beta);
bool isQuickOnMany(Function function);

/// In place on one row. Any NaN or +inf, or nothing but -inf: all NaN.
void softmaxRow(std::span<float> row);
void logSoftmaxRow(std::span<float> row);

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_EVALUATE_H
