//===- AppliedFunction.h - a function of one value ---------------*- C++
//-*-===//
#ifndef QUANTC_DIALECT_APPLIEDFUNCTION_H
#define QUANTC_DIALECT_APPLIEDFUNCTION_H

#include "quantc/Dialect/Qnet.h"
#include "quantc/Numerics/Functions.h"

namespace mlir::qnet {

/// A unary function with its parameters, the ones not given at ONNX's defaults.
struct AppliedFunction {
  quantc::numerics::Function function = quantc::numerics::Function::Identity;
  double alpha = 0, beta = 0;

  /// Of an activation, or of a dense layer that has one.
  template <typename Op> static AppliedFunction of(Op op) {
    namespace num = quantc::numerics;
    const auto function = static_cast<num::Function>(op.getFunction());
    auto parameter = [](std::optional<APFloat> given, double otherwise) {
      return given ? given->convertToDouble() : otherwise;
    };
    return {function, parameter(op.getAlpha(), num::defaultAlpha(function)),
            parameter(op.getBeta(), num::defaultBeta(function))};
  }

  /// In double precision, by the host's libm.
  double evaluate(double x) const {
    return quantc::numerics::evaluate(function, x, alpha, beta);
  }
};

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_APPLIEDFUNCTION_H
