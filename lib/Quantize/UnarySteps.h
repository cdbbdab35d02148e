//===- UnarySteps.h - ops that are a function of one value -------*- C++
//-*-===//
#ifndef QUANTC_LIB_QUANTIZE_UNARYSTEPS_H
#define QUANTC_LIB_QUANTIZE_UNARYSTEPS_H

#include "quantc/Dialect/Qnet.h"
#include "quantc/Numerics/Tables.h"
#include <optional>

namespace mlir::qnet {

/// An op read as one step of a chain: result = step(input), every element by
/// itself and in the same way.
struct UnaryLink {
  Value input;
  quantc::numerics::UnaryStep step;
};

/// Activations, arithmetic and extremes with one number, powers that are a
/// function of Functions.def, x * x and x + x. Nothing for any other op and for
/// parameters that the function is not defined for.
std::optional<UnaryLink> unaryLink(Operation *op);

bool isConstant(Value value);

/// The one number an f32 constant consists of (one element, or a splat).
std::optional<double> scalarConstant(Value value);

/// Whether all uses of the value are operands of one op.
bool hasOneUser(Value value);

/// Whether quantizing to `out` after the steps equals quantizing before them,
/// for every real number: the steps only clamp, and not inside `out`'s range.
bool isClampOf(ArrayRef<quantc::numerics::UnaryStep> steps,
               const quantc::numerics::QuantParams &out);

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_UNARYSTEPS_H
