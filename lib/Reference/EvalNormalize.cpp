//===- EvalNormalize.cpp - softmax, batch_norm and layer_norm
//--------------===//

#include "Evaluation.h"

#include "quantc/Numerics/Evaluate.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// The same steps as Numerics' sequence for f32, with the host's functions.
static void softmaxInDouble(std::vector<double> &row, bool logarithm) {
  double largest = -std::numeric_limits<double>::infinity();
  for (double x : row)
    largest = x > largest ? x : largest;
  double sum = 0;
  for (double x : row)
    sum += std::exp(x - largest);
  for (double &x : row)
    x = logarithm ? x - largest - std::log(sum) : std::exp(x - largest) / sum;
}

static Results softmax(const Evaluation &e, uint64_t axis, bool logarithm) {
  const Tensor &input = e.operand(0);
  if (axis >= input.shape.size() || !input.isReal()) {
    e.error() << "has axis " << axis << ", but its input is " << input.type();
    return failure();
  }
  FailureOr<Tensor> result = e.allocate(input.elementType, input.shape);
  if (failed(result))
    return failure();
  ElementFormat format = input.format();
  int64_t extent = input.shape[axis];
  int64_t stride = rowMajorStrides(input.shape)[axis];
  std::vector<double> row(extent);
  std::vector<float> singles(extent);
  for (int64_t start = 0; start < input.size(); ++start) {
    if (start / stride % extent != 0)
      continue; // not the first element of its row
    for (int64_t i = 0; i != extent; ++i)
      row[i] = input.reals[start + i * stride];
    if (format.kind == ElementFormat::Kind::Float64) {
      softmaxInDouble(row, logarithm);
    } else {
      llvm::copy(row, singles.begin());
      logarithm ? numerics::logSoftmaxRow(singles)
                : numerics::softmaxRow(singles);
      llvm::copy(singles, row.begin());
    }
    for (int64_t i = 0; i != extent; ++i)
      result->reals[start + i * stride] = format.round(row[i]);
  }
  return single(std::move(result));
}

Results qnet::evaluate(SoftmaxOp op, const Evaluation &e) {
  return softmax(e, op.getAxis(), /*logarithm=*/false);
}

Results qnet::evaluate(LogSoftmaxOp op, const Evaluation &e) {
  return softmax(e, op.getAxis(), /*logarithm=*/true);
}

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

/// In double, rounded once.
Results qnet::evaluate(BatchNormOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0), &scale = e.operand(1),
               &bias = e.operand(2), &mean = e.operand(3),
               &variance = e.operand(4);
  int64_t axis = input.rank() > 1 ? 1 : 0;
  bool fits = input.rank() >= 1 && input.isReal();
  for (const Tensor *parameter : e.operands.drop_front())
    fits &= parameter->isReal() && parameter->rank() == 1 && fits &&
            parameter->shape[0] == input.shape[axis];
  if (!fits) {
    e.error() << "cannot normalize " << input.type() << " with parameters of "
              << scale.type();
    return failure();
  }
  FailureOr<Tensor> result = e.allocate(input.elementType, input.shape);
  if (failed(result))
    return failure();
  ElementFormat format = input.format();
  double epsilon = op.getEpsilon().convertToFloat();
  int64_t stride = rowMajorStrides(input.shape)[axis];
  for (auto [i, x] : llvm::enumerate(input.reals)) {
    int64_t c = static_cast<int64_t>(i) / stride % input.shape[axis];
    double normal =
        (x - mean.reals[c]) / std::sqrt(variance.reals[c] + epsilon);
    result->reals[i] = format.round(normal * scale.reals[c] + bias.reals[c]);
  }
  return single(std::move(result));
}

/// One row, every operation rounded to `step`, sums in index order.
static void normalizeRow(MutableArrayRef<double> row, double epsilon, bool rms,
                         ElementFormat step) {
  double count = step.round(static_cast<double>(row.size()));
  if (!rms) {
    double sum = 0;
    for (double x : row)
      sum = step.round(sum + x);
    double mean = step.round(sum / count);
    for (double &x : row)
      x = step.round(x - mean);
  }
  double squares = 0;
  for (double x : row)
    squares = step.round(squares + step.round(x * x));
  double variance = step.round(squares / count);
  double deviation = step.round(std::sqrt(step.round(variance + epsilon)));
  for (double &x : row)
    x = step.round(x / deviation);
}

Results qnet::evaluate(LayerNormOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  uint64_t axis = op.getAxis();
  SmallVector<unsigned> all = {0, 1};
  if (op.getBias())
    all.push_back(2);
  FailureOr<SmallVector<int64_t>> shape = e.broadcast(all);
  if (failed(shape))
    return failure();
  if (*shape != input.shape || axis >= input.shape.size() || !input.isReal()) {
    e.error() << "cannot normalize " << input.type() << " from dimension "
              << axis << " on: its scale or bias does not broadcast to it";
    return failure();
  }
  FailureOr<Tensor> result = e.allocate(input.elementType, input.shape);
  if (failed(result))
    return failure();
  // f16 and bf16 compute in f32 and round at the end.
  ElementFormat format = input.format(), step = format;
  if (format.kind != ElementFormat::Kind::Float64)
    step.kind = ElementFormat::Kind::Float32;
  int64_t extent = 1;
  for (int64_t dim : ArrayRef(input.shape).drop_front(axis))
    extent *= dim;
  result->reals = input.reals;
  for (int64_t start = 0; start < input.size(); start += extent)
    normalizeRow(MutableArrayRef(result->reals).slice(start, extent),
                 op.getEpsilon().convertToFloat(), op.getRms(), step);
  auto finish = [&](const Tensor &parameter, auto operation) {
    walk<1>(input.shape, {broadcastStrides(parameter.shape, input.shape)},
            [&](int64_t i, auto at) {
              double &x = result->reals[i];
              x = step.round(operation(x, parameter.reals[at[0]]));
            });
  };
  finish(e.operand(1), [](double x, double scale) { return x * scale; });
  if (op.getBias())
    finish(e.operand(2), [](double x, double bias) { return x + bias; });
  for (double &x : result->reals)
    x = format.round(x);
  return single(std::move(result));
}
