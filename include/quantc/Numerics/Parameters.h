//===- Parameters.h - Scales, zero points, multipliers ---------*- C++ -*-===//
//
// Part of the quantc project.
//
// real = scale * (q - zeroPoint). Every chooser below is a total function:
// whatever it is given, it returns parameters for which valid() holds.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_PARAMETERS_H
#define QUANTC_NUMERICS_PARAMETERS_H

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quantc::numerics {

/// Bounds of a scale. Above 2^-100 no defined sequence meets a subnormal that
/// could change its result, so a host that flushes subnormals changes no bit;
/// below 2^100 no dequantized value overflows.
constexpr float minScale = 0x1p-100f;
constexpr float maxScale = 0x1p+100f;

/// The most steps a storage range may have: rounding adds 1.5 * 2^23, which is
/// right for magnitudes up to 2^22.
constexpr int32_t maxSteps = 1 << 22;

/// Bounds of a requantization multiplier. No accumulator of 32 bits and no
/// range of maxSteps can tell a multiplier outside from the bound it is held
/// to: below, every accumulator rounds to 0; above, every one but 0 saturates.
constexpr float minMultiplier = 0x1p-100f;
constexpr float maxMultiplier = 0x1p+30f;

/// The parameters of one quantized tensor (or of one channel).
struct QuantParams {
  float scale = 1.0f;
  int32_t zeroPoint = 0;
  int32_t qmin = 0;
  int32_t qmax = 255;

  bool operator==(const QuantParams &) const = default;
};

/// Whether minScale <= scale <= maxScale, qmin < qmax, qmax - qmin <= maxSteps
/// and qmin <= zeroPoint <= qmax. On failure `why` names the field, its value
/// and the rule it breaks.
bool valid(const QuantParams &params, std::string *why = nullptr);

/// Affine parameters for values in [lo, hi]. The range is first extended to
/// hold 0, and 0 is then exact: it is the zero point. NaN bounds count as 0,
/// infinite ones as the largest float, swapped ones are swapped back; an empty
/// range gives scale 1. Needs qmin < qmax with at most maxSteps between;
/// otherwise qmax is moved to the nearest value that satisfies it.
QuantParams chooseAffine(double lo, double hi, int32_t qmin, int32_t qmax);

/// Parameters whose stored integers reach both ends of [lo, hi] (extended to
/// hold 0). Placing the zero point on an integer moves the range by up to half
/// a step; here the step grows by that much instead. It matters for functions
/// that saturate: a tanh network has most of its values at the very ends.
QuantParams chooseCovering(double lo, double hi, int32_t qmin, int32_t qmax);

/// The scale that maps magnitudes up to maxAbs to integers up to qmax, with
/// zero point 0. NaN and 0 give scale 1; qmax below 1 counts as 1.
float chooseSymmetric(double maxAbs, int32_t qmax);

/// The f32 requantization multiplier input * weight / output, held to
/// [minMultiplier, maxMultiplier].
float chooseMultiplier(float inputScale, float weightScale, float outputScale);

/// The f32 multiplier input * weight of an accumulator that is read as float,
/// held to [minScale, 2^96] (with 2^31 steps it stays finite).
float chooseOutputMultiplier(float inputScale, float weightScale);

/// The float bias added to such an accumulator: a magnitude below minScale and
/// NaN become +0, and an infinity the largest float, so that the sum is never
/// subnormal nor NaN.
float settleBias(double bias);

/// A multiplier for cores without floats: mantissa * 2^-shift with mantissa 0
/// or in [2^30, 2^31) and 1 <= shift <= 62 (see requantizeFixed).
struct FixedMultiplier {
  int32_t mantissa = 0;
  int32_t shift = 1;

  bool operator==(const FixedMultiplier &) const = default;
};

/// The nearest FixedMultiplier (31 bits, half to even). Too small to move any
/// 32-bit accumulator off 0, negative or NaN: mantissa 0. Too large: the
/// largest, which saturates every accumulator but 0.
FixedMultiplier encodeMultiplier(double multiplier);

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_PARAMETERS_H
