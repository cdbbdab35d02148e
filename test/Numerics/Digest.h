//===- Digest.h - One number for the bits of all sequences ------*- C++ -*-===//
//
// Part of the quantc project.
//
// A fixed sweep through every sequence, hashed. Two hosts (or one host with and
// without flushing of subnormals) that print the same number agree on all of
// it. Needs no MPFR and no test framework, so any cross compiler can build it.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_NUMERICS_DIGEST_H
#define QUANTC_TEST_NUMERICS_DIGEST_H

#include "quantc/Numerics/Sequences.h"

#include <bit>
#include <cstdint>

namespace digest {

/// FNV-1a, 64 bits, over the four bytes of each word from the lowest.
class Hash {
public:
  void word(uint32_t value) {
    for (int byte = 0; byte < 4; ++byte) {
      state ^= value >> (8 * byte) & 0xFF;
      state *= 0x100000001B3u;
    }
  }
  void word(int32_t value) { word(static_cast<uint32_t>(value)); }
  uint64_t value() const { return state; }

private:
  uint64_t state = 0xCBF29CE484222325u;
};

/// One function over floats of all exponents and of both signs, and more of
/// those around the smallest normal number.
inline void addFunction(Hash &hash, quantc::numerics::Function function,
                        float alpha, float beta) {
  quantc::numerics::FloatPolicy a;
  auto add = [&](uint32_t bits) {
    float x = a.fromBits(static_cast<int32_t>(bits));
    hash.word(a.bitsOf(quantc::numerics::unary(a, function, x, alpha, beta)));
  };
  constexpr uint32_t stride = 600011, steps = 7158; // all 2^32 bit patterns
  for (uint32_t i = 0; i < steps; ++i)
    add(i * stride);
  constexpr uint32_t first = 0x00600000, last = 0x01C00000; // 2^-127 to 2^-71
  for (uint32_t bits = first; bits < last; bits += 17011) {
    add(bits);
    add(bits | 0x80000000u);
  }
}

/// With the parameters that ONNX takes when none are given, and with others
/// that make products of small and of large numbers.
inline uint64_t ofFunction(quantc::numerics::Function function,
                           double defaultAlpha, double defaultBeta) {
  Hash hash;
  addFunction(hash, function, static_cast<float>(defaultAlpha),
              static_cast<float>(defaultBeta));
  addFunction(hash, function, 0.1f, 10.0f);
  addFunction(hash, function, 10.0f, 0.1f);
  return hash.value();
}

/// The quantizing sequences over bit patterns of a linear congruence.
inline uint64_t ofQuantizing() {
  using namespace quantc::numerics;
  FloatPolicy a;
  Hash hash;
  uint64_t state = 1;
  auto next = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int32_t>(static_cast<uint32_t>(state >> 32));
  };
  const float scales[] = {minScale, 0x1.99999ap-4f, 0x1.555556p-2f, 3.0f,
                          maxScale};
  for (int i = 0; i < 4000; ++i)
    for (float scale : scales) {
      int32_t bits = next(), acc = next(), zp = next() & 255;
      hash.word(quantize(a, a.fromBits(bits), scale, zp, 0, 255));
      float multiplier = scale < maxMultiplier ? scale : maxMultiplier;
      hash.word(requantize(a, acc >> (bits & 15), multiplier, zp, 0, 255));
      hash.word(requantizeFixed(a, acc, bits & INT32_MAX,
                                1 + (zp & 31) * 61 / 31, zp, 0, 255));
      QuantParams in = {scale, zp, 0, 255}, out = {3.0f, 128, 0, 255};
      hash.word(addQuantized(a, acc & 255, in, bits & 255, in, out));
      hash.word(multiplyQuantized(a, acc & 255, in, bits & 255, in, out));
      float y = scaleAccumulator(a, acc >> 8, minScale, minScale * 0x1p+7f);
      hash.word(a.bitsOf(y));
      hash.word(a.bitsOf(dequantize(a, bits & 255, a.constant(scale), zp)));
    }
  return hash.value();
}

} // namespace digest

#endif // QUANTC_TEST_NUMERICS_DIGEST_H
