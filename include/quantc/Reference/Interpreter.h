//===- Interpreter.h - Runs qnet IR, slowly and exactly ---------*- C++ -*-===//
//
// The meaning of the network and integer levels. Compiled programs equal it bit
// for bit where the graph is integer (and in the float tails that end it);
// docs/reference.md states what is promised for float graphs.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_REFERENCE_INTERPRETER_H
#define QUANTC_REFERENCE_INTERPRETER_H

#include "quantc/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <functional>

namespace mlir::qnet {

/// Bounds that keep a hostile graph from taking all memory or time.
struct Limits {
  /// Most elements of one tensor (8 bytes each).
  int64_t elements = int64_t(1) << 28;
  /// Most multiplications of one matrix product: about a minute.
  int64_t products = int64_t(1) << 36;
};

/// The results of one qnet op (or arith.constant) on given operands, for
/// constant folding. Emits a diagnostic at the op on failure.
FailureOr<SmallVector<Tensor>>
evaluateOp(Operation *op, ArrayRef<Tensor> operands, const Limits &limits = {});

/// Whether `evaluateOp` knows the op at all.
bool isEvaluable(Operation *op);

/// Runs a function of one block.
class Interpreter {
public:
  /// Called after each op with its results; for qnet.observe, which has none,
  /// with the observed tensor.
  using Observer = std::function<void(Operation *, ArrayRef<Tensor>)>;

  explicit Interpreter(Limits limits = {}) : limits(limits) {}

  void setObserver(Observer callback) { observer = std::move(callback); }

  /// The function's results. Inputs must fit the argument types: the same
  /// element type (the expressed one for calibrated arguments), rank and static
  /// dimensions. Every error is a diagnostic that names the node.
  FailureOr<SmallVector<Tensor>> run(func::FuncOp function,
                                     ArrayRef<Tensor> inputs);

private:
  Limits limits;
  Observer observer;
};

/// A quantized tensor as the real numbers it stands for, of the expressed type;
/// any other tensor as it is.
Tensor dequantized(const Tensor &tensor);

} // namespace mlir::qnet

#endif // QUANTC_REFERENCE_INTERPRETER_H
