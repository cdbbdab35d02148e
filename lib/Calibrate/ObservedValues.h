//===- ObservedValues.h - which values of a graph are measured --*- C++ -*-===//
#ifndef QUANTC_LIB_CALIBRATE_OBSERVEDVALUES_H
#define QUANTC_LIB_CALIBRATE_OBSERVEDVALUES_H

#include "quantc/Dialect/Qnet.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>

namespace mlir::qnet {

/// On arguments and results of an observed @main: the observer's number.
inline constexpr llvm::StringLiteral kObservedAttr = "qnet.observed";

/// On arguments of a simulated @main: the number of the value whose storage
/// they describe.
inline constexpr llvm::StringLiteral kSimulatedAttr = "qnet.simulated";

/// A value whose range is measured. Its number is its place in the list below.
struct ObservedValue {
  Value value;
  /// The value before the function of the dense layer that gives `value`.
  bool preactivation = false;
  std::string name;
  /// The dimension that counts rows (the dynamic one).
  int64_t rowDimension = 0;
  /// Values a row, and of them along the last axis (1 if that counts rows).
  int64_t valuesPerRow = 1, channels = 1;
};

/// @main of a prepared module, or failure with an error.
FailureOr<func::FuncOp> mainFunction(ModuleOp module);

/// The observed values of a prepared function in program order: arguments
/// first. The list depends on the graph alone, so a clone has the same one.
/// Fails, with an error, on a value that has no fixed number of values a row.
FailureOr<SmallVector<ObservedValue>> observedValues(func::FuncOp function);

/// The real value whose range `value` shares, because its op only moves values:
/// the input of reshape, transpose and broadcast; otherwise null.
Value sameRangeSource(Value value);

/// Whether the integer program stores the value in its range, as far as the
/// float graph shows: something but a function of one value reads it.
bool isStored(const ObservedValue &observed);

/// The observed values (by number) that the function's results show: what a
/// result moves, casts or takes the largest of.
SmallVector<int64_t> shownValues(func::FuncOp function,
                                 ArrayRef<ObservedValue> values);

/// Lets each stored value pass a quantization whose parameters are four further
/// arguments of the function (SimulateRanges.cpp); returns their numbers.
FailureOr<SmallVector<int64_t>> simulateRanges(func::FuncOp function,
                                               ArrayRef<ObservedValue> values);

/// Erases what no result needs.
void eraseDeadOps(Block &body);

/// Places a qnet.observe for each observed value.
LogicalResult insertObservers(func::FuncOp function);

/// Makes the observed values the function's results.
void observersToResults(func::FuncOp function);

} // namespace mlir::qnet

#endif // QUANTC_LIB_CALIBRATE_OBSERVEDVALUES_H
