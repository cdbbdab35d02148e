//===- Compare.h - How far one result is from another -----------*- C++ -*-===//
//
// Statistics of a quantized graph against its float original, layer by layer.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_REFERENCE_COMPARE_H
#define QUANTC_REFERENCE_COMPARE_H

#include "quantc/Reference/Interpreter.h"

#include "llvm/ADT/StringMap.h"

#include <string>
#include <vector>

namespace mlir::qnet {

/// Sums over pairs of values (expected, actual); mergeable, so rows can be
/// compared in blocks. Pairs with a NaN or an infinity take part only in
/// `unequalSpecials`.
struct Difference {
  int64_t count = 0;
  double signal = 0;       ///< sum of expected^2
  double noise = 0;        ///< sum of (expected - actual)^2
  double largestError = 0; ///< largest |expected - actual|
  int64_t rows = 0;        ///< slices along the last axis
  int64_t agreeing = 0;    ///< those whose largest value has the same index
  int64_t clipped = 0;     ///< expected values outside the actual type's range
  int64_t unequalSpecials = 0; ///< NaN or infinity in one, not the same in both

  void merge(const Difference &other);
  /// Signal to quantization noise in dB: infinite where all are equal, minus
  /// infinite where zeros became something else, NaN without values.
  double sqnr() const;
  /// Share of rows with the same argmax, 0 to 1; NaN without rows.
  double agreement() const;
  /// Share of clipped values, 0 to 1; 0 without values.
  double clippedShare() const;
};

/// Compares as real numbers: a quantized side is dequantized first. `clipped`
/// counts expected values more than half a step outside a quantized `actual`'s
/// range. Fails if the shapes differ.
FailureOr<Difference> compareTensors(const Tensor &expected,
                                     const Tensor &actual);

/// The name that stands for a value: the last name in its location (a fused op
/// computes what the last of its parts computed). Empty if it has none.
StringRef nameOf(Location location);

/// The names whose values `function`, of one block, has, and for each the op
/// that computes it last: an expanded layer keeps one name on several ops.
llvm::StringMap<Operation *> namedOps(func::FuncOp function);

struct LayerDifference {
  std::string name;
  std::string op; ///< the op in the second graph, such as "qnet.qdense"
  Type type;      ///< its type there
  Difference difference;
};

/// What the graphs gave for the same inputs.
struct ComparedResults {
  SmallVector<Tensor> expected, actual;
};

/// Runs both graphs on the same inputs and compares every value of the second
/// whose name also stands in the first, in the second's order; then the
/// results, as "result 0", ... Blocks of rows: pass the same `layers` again and
/// the figures add up. `results` is filled where it is given.
LogicalResult compareLayers(func::FuncOp expected, func::FuncOp actual,
                            ArrayRef<Tensor> inputs,
                            std::vector<LayerDifference> &layers,
                            const Limits &limits = {},
                            ComparedResults *results = nullptr);

} // namespace mlir::qnet

#endif // QUANTC_REFERENCE_COMPARE_H
