//===- ValueParameters.h - the quantization parameters of values -*- C++
//-*-===//
#ifndef QUANTC_LIB_QUANTIZE_VALUEPARAMETERS_H
#define QUANTC_LIB_QUANTIZE_VALUEPARAMETERS_H

#include "Placement.h"

#include "quantc/Numerics/Tables.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::qnet {

struct RealRange {
  double lo = 0.0, hi = 0.0;

  void include(RealRange other) {
    lo = std::min(lo, other.lo);
    hi = std::max(hi, other.hi);
  }
};

/// A chain of functions of one value, from `source` to its key.
struct Chain {
  Value source;
  SmallVector<quantc::numerics::UnaryStep> steps;
};

/// What is known of the values of a function, and the types chosen from it.
struct ValueParameters {
  /// Measured ranges, and parameters that the source model fixes.
  llvm::DenseMap<Value, RealRange> ranges;
  /// What was seen of values whose ranges the user did not fix.
  llvm::DenseMap<Value, RealRange> seen;
  llvm::DenseMap<Value, quant::UniformQuantizedType> fixed;
  /// Values inside a chain, which are stored only where they need an index.
  llvm::DenseSet<Value> internal;
  /// By the value at the end of the chain.
  llvm::MapVector<Value, Chain> chains;
  /// Values that must be stored.
  llvm::SetVector<Value> needed;
  /// Values that are stored in up to 15 bits, the others in up to 8.
  llvm::DenseSet<Value> wide;
  /// The result: the type of every value that is stored.
  llvm::MapVector<Value, quant::UniformQuantizedType> types;
  /// Of wide values: the type of 8 bits whose integers are among theirs.
  llvm::DenseMap<Value, quant::UniformQuantizedType> coarse;

  /// Which values are wide: what a dense layer's `qnet.precision` wants of its
  /// input, or `byDefault`; ops between pass on what their result has.
  void chooseWidths(func::FuncOp function, const Placement &placement,
                    bool byDefault);

  /// Types of the needed values: one for all that a move or an extreme of
  /// integer ops ties together. Those of 8 bits end at `activationMax`; of wide
  /// ones, dense layers that read them allow more or less (InputRange.h). With
  /// 15 bits a value reaches further than what was seen of it, for rows that
  /// are unlike those: steps are left for that.
  LogicalResult chooseTypes(func::FuncOp function, const Placement &placement,
                            int32_t activationMax);

  /// Types of the values in front of chains that are no clamps: indices wide
  /// enough that their rounding does not show behind the function.
  LogicalResult chooseIndices(int32_t indexMax);

private:
  FailureOr<RealRange> sourceRange(Value source);
  std::optional<RealRange> analyticRange(DenseOp dense);
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_VALUEPARAMETERS_H
