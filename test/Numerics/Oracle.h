//===- Oracle.h - An independent model of the numbers -----------*- C++ -*-===//
//
// Part of the quantc project.
//
// Shares no code with Numerics: integers of 128 bits where the answer is exact,
// long double and the host's libm where it is a real function.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_NUMERICS_ORACLE_H
#define QUANTC_TEST_NUMERICS_ORACLE_H

#include "quantc/Numerics/Functions.h"
#include "quantc/Numerics/Parameters.h"

#include <cstdint>

namespace oracle {

using Wide = __int128;

/// significand * 2^exponent, plus less than one unit if inexact (away from 0).
struct Dyadic {
  Wide significand = 0;
  int exponent = 0;
  bool inexact = false;
};

Dyadic exactly(float x);
Dyadic product(Dyadic x, Dyadic y);
/// To 64 bits of quotient and the knowledge whether more would follow.
Dyadic quotient(Dyadic x, Dyadic y);
/// To 24 bits, half to even (no exponent limits).
Dyadic roundToFloat(Dyadic x);
/// To an integer, half to even, held to [lo, hi].
int64_t roundToInteger(Dyadic x, int64_t lo, int64_t hi);

/// floor(n / 2^shift), half to even at the last bit.
Wide shiftHalfEven(Wide n, int shift);

int32_t quantize(float x, const quantc::numerics::QuantParams &p);
int32_t requantize(int32_t acc, float multiplier,
                   const quantc::numerics::QuantParams &p);
int32_t requantizeFixed(int32_t acc, quantc::numerics::FixedMultiplier m,
                        const quantc::numerics::QuantParams &p);

/// The function from its textbook formula.
long double function(quantc::numerics::Function function, long double x,
                     long double alpha, long double beta);

/// x as every float sequence sees it: subnormals are zeros of their sign.
float flushed(long double x);

/// |y - real| in units of the last place of the f32 at real.
double ulps(float y, long double real);

/// Deterministic numbers for sweeps (splitmix64), the same on every host.
class Numbers {
public:
  explicit Numbers(uint64_t seed) : state(seed) {}
  uint64_t next();
  int32_t next32() { return static_cast<int32_t>(next() >> 32); }

private:
  uint64_t state;
};

} // namespace oracle

#endif // QUANTC_TEST_NUMERICS_ORACLE_H
