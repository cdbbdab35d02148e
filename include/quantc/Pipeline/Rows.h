//===- Rows.h - Rows of values, and graphs that are run on them -*- C++ -*-===//
#ifndef QUANTC_PIPELINE_ROWS_H
#define QUANTC_PIPELINE_ROWS_H

#include "mlir/IR/BuiltinOps.h"
#include "quantc/Calibrate/Calibrate.h"
#include <memory>
#include <vector>

namespace mlir::qnet {

/// f32 rows of several tensors.
struct Rows {
  int64_t count = 0;
  std::vector<std::vector<float>> tensors; ///< row by row
  /// Values a row of tensor `i`.
  int64_t width(size_t i) const {
    return count == 0 ? 0 : static_cast<int64_t>(tensors[i].size()) / count;
  }
};

/// The rows of these numbers.
Rows takeRows(const Rows &rows, ArrayRef<int64_t> which);

/// At most `most` numbers below `count`, evenly spaced.
std::vector<int64_t> spacedRows(int64_t count, int64_t most);

/// A graph as native code in this process.
class GraphRunner {
public:
  /// Fails with a diagnostic where @main can't be compiled. `quick`: see
  /// makeQuickRunner.
  static FailureOr<GraphRunner> compile(ModuleOp module, bool quick = false);

  /// Values a row of each result.
  ArrayRef<int64_t> widths() const { return resultWidths; }

  /// Rows run at a time.
  static constexpr int64_t kBlockRows = 256;

  /// The results for `rows`, whose tensors are the first arguments. `constant`
  /// are the others, each of kBlockRows rows, the same for every block.
  FailureOr<Rows> run(const Rows &rows,
                      ArrayRef<const float *> constant = {}) const;

private:
  std::shared_ptr<FloatRunner> runner;
  SmallVector<int64_t> resultWidths;
};

/// How far results are from those of the float network.
struct OutputError {
  /// Of all tensors, each against its own signal: the sum of squared errors
  /// over the sum of squared float values. Finite values only.
  double power = 0;
  int64_t rows = 0, agreeing = 0; ///< of the scores, as compare counts

  double sqnr() const; ///< dB; infinite without an error
  double agreement() const;
};
/// `scores` is the tensor whose rows decide between classes.
OutputError outputError(const Rows &expected, const Rows &actual,
                        size_t scores = 0);

/// The decision that a row of the first output stands for: the index of its
/// first largest value, NaN never being larger; of a single value whether it is
/// above one half.
int64_t decisionOf(ArrayRef<float> row);
inline ArrayRef<float> rowOf(const Rows &rows, size_t tensor, int64_t row) {
  return ArrayRef<float>(rows.tensors[tensor])
      .slice(row * rows.width(tensor), rows.width(tensor));
}

/// Whether all values of a row are neither NaN nor infinite.
bool isFiniteRow(const Rows &rows, int64_t row);

/// Multiply-adds of a row in @main.
int64_t productsOfRow(ModuleOp module);

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_ROWS_H
