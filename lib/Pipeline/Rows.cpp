//===- Rows.cpp - Rows of values, and graphs that are run on them ---------===//
#include "quantc/Pipeline/Rows.h"

#include "quantc/Pipeline/Native.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

Rows qnet::takeRows(const Rows &rows, ArrayRef<int64_t> which) {
  Rows taken;
  taken.count = which.size();
  for (auto [i, tensor] : llvm::enumerate(rows.tensors)) {
    std::vector<float> &values = taken.tensors.emplace_back();
    values.reserve(which.size() * rows.width(i));
    for (int64_t row : which)
      llvm::append_range(values, rowOf(rows, i, row));
  }
  return taken;
}

std::vector<int64_t> qnet::spacedRows(int64_t count, int64_t most) {
  std::vector<int64_t> which(std::min(count, most));
  for (auto [i, row] : llvm::enumerate(which))
    row = static_cast<int64_t>(i) * count / static_cast<int64_t>(which.size());
  return which;
}

FailureOr<GraphRunner> GraphRunner::compile(ModuleOp module, bool quick) {
  ProgramInterface interface;
  if (failed(describeInterface(module, "graph", interface)))
    return failure();
  auto native = quick ? makeQuickRunner(module) : makeNativeRunner(module);
  if (failed(native))
    return failure();
  GraphRunner result;
  result.runner = std::move(*native);
  result.resultWidths = realWidths(interface);
  return result;
}

FailureOr<Rows> GraphRunner::run(const Rows &rows,
                                 ArrayRef<const float *> constant) const {
  Rows results;
  results.count = rows.count;
  for (int64_t width : resultWidths)
    results.tensors.emplace_back(rows.count * width);
  for (int64_t first = 0; first < rows.count; first += kBlockRows) {
    SmallVector<const float *> inputs;
    SmallVector<float *> outputs;
    for (size_t i = 0; i != rows.tensors.size(); ++i)
      inputs.push_back(rows.tensors[i].data() + first * rows.width(i));
    llvm::append_range(inputs, constant);
    for (auto [tensor, width] : llvm::zip_equal(results.tensors, resultWidths))
      outputs.push_back(tensor.data() + first * width);
    if (failed(runner->run(inputs, std::min(kBlockRows, rows.count - first),
                           outputs)))
      return failure();
  }
  return results;
}

double OutputError::sqnr() const {
  return power == 0 ? std::numeric_limits<double>::infinity()
                    : -10 * std::log10(power);
}

double OutputError::agreement() const {
  return rows == 0 ? 1.0
                   : static_cast<double>(agreeing) / static_cast<double>(rows);
}

int64_t qnet::decisionOf(ArrayRef<float> row) {
  // A single value is the class itself, or the score of class 1.
  if (row.size() == 1)
    return row[0] > 0.5f;
  int64_t best = 0;
  for (int64_t i = 1, n = row.size(); i < n; ++i)
    if (row[i] > row[best] || (std::isnan(row[best]) && !std::isnan(row[i])))
      best = i;
  return best;
}

OutputError qnet::outputError(const Rows &expected, const Rows &actual,
                              size_t scores) {
  OutputError error;
  for (auto [wanted, got] : llvm::zip_equal(expected.tensors, actual.tensors)) {
    double signal = 0, noise = 0;
    for (auto [x, y] : llvm::zip_equal(wanted, got)) {
      if (!std::isfinite(x) || !std::isfinite(y))
        continue;
      signal += double(x) * x;
      noise += (double(x) - y) * (double(x) - y);
    }
    if (noise != 0)
      error.power +=
          noise / std::max(signal, std::numeric_limits<double>::min());
  }
  error.rows = expected.count;
  for (int64_t row = 0; row != expected.count; ++row)
    error.agreeing += decisionOf(rowOf(expected, scores, row)) ==
                      decisionOf(rowOf(actual, scores, row));
  return error;
}

bool qnet::isFiniteRow(const Rows &rows, int64_t row) {
  for (size_t i = 0; i != rows.tensors.size(); ++i)
    if (!llvm::all_of(rowOf(rows, i, row),
                      [](float x) { return std::isfinite(x); }))
      return false;
  return true;
}

int64_t qnet::productsOfRow(ModuleOp module) {
  int64_t products = 1;
  module.walk([&](Operation *op) {
    if (isa<DenseOp, QDenseOp>(op))
      products +=
          cast<ShapedType>(op->getOperand(1).getType()).getNumElements();
  });
  return products;
}
