//===- Placement.h - which ops become integer ops ----------------*- C++
//-*-===//
#ifndef QUANTC_LIB_QUANTIZE_PLACEMENT_H
#define QUANTC_LIB_QUANTIZE_PLACEMENT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "quantc/Dialect/Qnet.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::qnet {

/// A dense layer whose `qnet.precision` is float.
bool staysFloat(Operation *op);

/// A dense layer that can have integer weights: weights and bias are constants,
/// and its precision is not float.
bool isQuantizableDense(Operation *op);

/// Ops that move values and compute nothing; on stored integers they are the
/// same ops.
bool isMove(Operation *op);

/// Where each float op of a function stands, seen from the dense layers. The
/// integer part of a network lies between its first and its last dense layers;
/// what only prepares graph inputs or only finishes graph outputs may stay in
/// float.
class Placement {
public:
  explicit Placement(func::FuncOp function);

  /// Whether a dense layer comes before the op and another one after it.
  bool isInside(Operation *op) const {
    return after.contains(op) && before.contains(op);
  }
  /// Whether some dense layer comes after the op (or it is one).
  bool isBeforeDense(Operation *op) const { return before.contains(op); }
  bool isAfterDense(Operation *op) const { return after.contains(op); }
  /// Whether the op is or follows, before any dense layer, one that is best
  /// computed before the graph's inputs are quantized.
  bool isInPrologue(Operation *op) const { return prologue.contains(op); }

  /// Decides for every op whether it becomes an integer op. Those that stay in
  /// float get their `qnet.ledger` line; one that may not is an error.
  LogicalResult decide(bool allowFloat);

  /// After `decide`.
  bool isInteger(Operation *op) const { return integer.contains(op); }

private:
  /// The decision for one op; users come first.
  LogicalResult decideOne(Operation *op, bool allowFloat);
  /// Whether the op shifts or scales a graph input, or some features of it, by
  /// constants before it is quantized, and before nothing else.
  bool isInputParameter(Operation *op) const;

  func::FuncOp function;
  llvm::DenseSet<Operation *> before, after, prologue, integer, preprocessing,
      parameters;
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_PLACEMENT_H
