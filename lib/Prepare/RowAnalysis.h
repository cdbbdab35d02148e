//===- RowAnalysis.h - which dimension of a value counts rows ---*- C++ -*-===//
#ifndef QUANTC_LIB_PREPARE_ROWANALYSIS_H
#define QUANTC_LIB_PREPARE_ROWANALYSIS_H

#include "quantc/Dialect/Qnet.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

#include <string>

namespace mlir::qnet {

/// Follows the batch from dimension 0 of the arguments through the function.
/// Row i of every value may depend on row i of the others alone.
class RowAnalysis {
public:
  /// `rows`: the size of the batch, ShapedType::kDynamic for a dynamic one.
  RowAnalysis(func::FuncOp function, int64_t rows);

  /// Whether every op treats rows apart and every result has them in front.
  bool succeeded() const { return culprit == nullptr; }
  /// Otherwise: the op that does not, and why.
  Operation *failedOp() const { return culprit; }
  const std::string &reason() const { return why; }

  /// The dimension of each value that counts rows; constants and what is
  /// computed from them are not in it.
  const llvm::MapVector<Value, int64_t> &rowDimensions() const {
    return dimensions;
  }

private:
  std::optional<int64_t> rowDimension(Value value) const;
  /// The same for a value that depends on the rows for certain.
  int64_t knownRowDimension(Value value) const;
  bool visit(Operation *op);
  bool visitProduct(Operation *op);
  bool visitBroadcasting(Operation *op);
  bool visitReshape(Operation *op);
  bool visitMove(Operation *op);
  bool visitReduction(Operation *op);
  /// The results of `op` count rows along `dimension`.
  bool give(Operation *op, int64_t dimension);
  bool fail(Operation *op, const Twine &reason);

  int64_t rows;
  llvm::MapVector<Value, int64_t> dimensions;
  Operation *culprit = nullptr;
  std::string why;
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_PREPARE_ROWANALYSIS_H
