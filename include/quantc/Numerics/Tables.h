//===- Tables.h - Correctly rounded look-up tables --------------*- C++ -*-===//
//
// Part of the quantc project.
//
// Entry i of a table answers q = in.qmin + i. With x = dequantize(q) (an f32)
// and y the exact real value of the chain at x, the entry is
//
//   clamp(rne(y / out.scale) + out.zeroPoint, out.qmin, out.qmax)
//
// where y / out.scale is the exact quotient, rounded once, half to even. NaN
// gives out.zeroPoint, an infinity saturates. Evaluated with MPFR at rising
// precision until the rounding is certain, so every host gets the same table.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_NUMERICS_TABLES_H
#define QUANTC_NUMERICS_TABLES_H

#include "quantc/Numerics/Functions.h"
#include "quantc/Numerics/Parameters.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quantc::numerics {

/// One step of a chain of elementwise operations on exact real numbers.
struct UnaryStep {
  enum class Kind : int32_t {
    Apply,        ///< function(x, alpha, beta)
    Add,          ///< x + alpha
    SubtractFrom, ///< alpha - x
    Multiply,     ///< x * alpha
    Divide,       ///< x / alpha
    DivideInto,   ///< alpha / x
    Minimum,      ///< min(x, alpha)
    Maximum,      ///< max(x, alpha)
  };
  Kind kind = Kind::Apply;
  Function function = Function::Identity;
  double alpha = 0.0;
  double beta = 0.0;

  static UnaryStep apply(Function function);
  static UnaryStep apply(Function function, double alpha, double beta);
  static UnaryStep add(double c) { return {Kind::Add, Function::Identity, c}; }
  static UnaryStep subtractFrom(double c) {
    return {Kind::SubtractFrom, Function::Identity, c};
  }
  static UnaryStep multiply(double c) {
    return {Kind::Multiply, Function::Identity, c};
  }
  static UnaryStep divide(double c) {
    return {Kind::Divide, Function::Identity, c};
  }
  static UnaryStep divideInto(double c) {
    return {Kind::DivideInto, Function::Identity, c};
  }
  static UnaryStep minimum(double c) {
    return {Kind::Minimum, Function::Identity, c};
  }
  static UnaryStep maximum(double c) {
    return {Kind::Maximum, Function::Identity, c};
  }
};

/// Whether every step has parameters it is defined for (see validParameters;
/// the constants of the other kinds are finite). On failure `why` names the
/// step. A table of an invalid chain is a table of NaN: all out.zeroPoint.
bool valid(std::span<const UnaryStep> steps, std::string *why = nullptr);

/// The table, of in.qmax - in.qmin + 1 entries. Empty if `in` or `out` is not
/// valid.
std::vector<int32_t> makeTable(std::span<const UnaryStep> steps,
                               const QuantParams &in, const QuantParams &out);
std::vector<int32_t> makeTable(Function function, double alpha, double beta,
                               const QuantParams &in, const QuantParams &out);

/// The same with the exact value rounded to f32 (half to even) instead: what a
/// float output behind an 8-bit index reads. NaN is 0x7FC00000; a subnormal is
/// a zero of its sign, as in every float sequence.
std::vector<float> makeFloatTable(std::span<const UnaryStep> steps,
                                  const QuantParams &in);

/// One entry of such tables, at a value that need not lie on a grid.
int32_t quantizeExactly(std::span<const UnaryStep> steps, double x,
                        const QuantParams &out);
float roundExactly(std::span<const UnaryStep> steps, double x);

struct IndexRange {
  double lo = 0.0;
  double hi = 0.0;
};

/// The part of [lo, hi] outside which the quantized output does not change, so
/// that a look-up needs no index there: tanh at 8 bits beyond about +-2.9. Both
/// ends are walked inwards over values an eighth of an octave apart at most,
/// then bisected to f32; a function that moves and comes back between two such
/// values is not seen. NaN bounds or lo > hi give [0, 0]; a constant function
/// gives the one point of the range nearest 0.
IndexRange trimIndexRange(std::span<const UnaryStep> steps, double lo,
                          double hi, const QuantParams &out);
IndexRange trimIndexRange(Function function, double alpha, double beta,
                          double lo, double hi, const QuantParams &out);

} // namespace quantc::numerics

#endif // QUANTC_NUMERICS_TABLES_H
