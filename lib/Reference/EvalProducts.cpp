//===- EvalProducts.cpp - dense and matmul in float and integers
//-----------===//

#include "Evaluation.h"
#include "Products.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

/// The product of the dimensions before the last `inner`.
static int64_t leadingCount(ArrayRef<int64_t> shape, size_t inner) {
  int64_t count = 1;
  for (int64_t dim : shape.drop_back(inner))
    count *= dim;
  return count;
}

Results qnet::evaluate(DenseOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0), &weights = e.operand(1);
  const Tensor *bias = op.getBias() ? &e.operand(2) : nullptr;
  bool fits = input.rank() >= 1 && weights.rank() == 2 && input.isReal() &&
              weights.isReal() && weights.shape[1] == input.shape.back() &&
              (!bias || (bias->isReal() && bias->rank() == 1 &&
                         bias->shape[0] == weights.shape[0]));
  if (!fits) {
    e.error() << "cannot multiply " << input.type() << " by weights of "
              << weights.type();
    return failure();
  }
  ProductShape product{leadingCount(input.shape, 1), weights.shape[0],
                       weights.shape[1]};
  if (failed(e.checkProducts({product.rows, product.columns, product.depth})))
    return failure();
  SmallVector<int64_t> shape = input.shape;
  shape.back() = product.columns;
  FailureOr<Tensor> result = e.allocate(input.elementType, shape);
  if (failed(result))
    return failure();
  multiplyReals(input.reals.data(), weights.reals.data(), result->reals.data(),
                product);

  ElementFormat format = result->format();
  AppliedFunction function = AppliedFunction::of(op);
  for (auto [i, value] : llvm::enumerate(result->reals)) {
    if (bias)
      value += bias->reals[i % product.columns];
    value = format.round(value);
    if (function.function != numerics::Function::Identity)
      value = apply(function, value, format);
  }
  return single(std::move(result));
}

/// [rows, columns] to [columns, rows].
template <typename T>
static std::vector<T> transposed(const T *from, int64_t rows, int64_t columns) {
  std::vector<T> to(rows * columns);
  for (int64_t row = 0; row != rows; ++row)
    for (int64_t column = 0; column != columns; ++column)
      to[column * rows + row] = from[row * columns + column];
  return to;
}

Results qnet::evaluate(MatmulOp op, const Evaluation &e) {
  const Tensor &lhs = e.operand(0), &rhs = e.operand(1);
  auto refuse = [&]() -> Results {
    e.error() << "cannot multiply " << lhs.type() << " by " << rhs.type();
    return failure();
  };
  if (lhs.rank() == 0 || rhs.rank() == 0 || lhs.elementType != rhs.elementType)
    return refuse();
  // A vector is a row on the left and a column on the right.
  SmallVector<int64_t> left = lhs.shape, right = rhs.shape;
  if (lhs.rank() == 1)
    left.insert(left.begin(), 1);
  if (rhs.rank() == 1)
    right.push_back(1);
  ProductShape product{left[left.size() - 2], right.back(), left.back()};
  ArrayRef<int64_t> leftBatch = ArrayRef(left).drop_back(2);
  ArrayRef<int64_t> rightBatch = ArrayRef(right).drop_back(2);
  FailureOr<SmallVector<int64_t>> batch =
      broadcastShapes(leftBatch, rightBatch);
  if (product.depth != right[right.size() - 2] || failed(batch))
    return refuse();

  SmallVector<int64_t> dimensions = *batch;
  dimensions.append({product.rows, product.columns, product.depth});
  if (failed(e.checkProducts(dimensions)))
    return failure();
  SmallVector<int64_t> shape = *batch;
  if (lhs.rank() != 1)
    shape.push_back(product.rows);
  if (rhs.rank() != 1)
    shape.push_back(product.columns);
  FailureOr<Tensor> result = e.allocate(lhs.elementType, shape);
  if (failed(result))
    return failure();

  // Offsets count matrices.
  std::array<SmallVector<int64_t>, 2> strides = {
      broadcastStrides(leftBatch, *batch),
      broadcastStrides(rightBatch, *batch)};
  int64_t leftSize = product.rows * product.depth;
  int64_t rightSize = product.depth * product.columns;
  int64_t resultSize = product.rows * product.columns;
  ElementFormat format = result->format();
  walk(*batch, strides, [&](int64_t i, auto at) {
    if (result->isReal())
      multiplyReals(lhs.reals.data() + at[0] * leftSize,
                    transposed(rhs.reals.data() + at[1] * rightSize,
                               product.depth, product.columns)
                        .data(),
                    result->reals.data() + i * resultSize, product);
    else
      multiplyWrapping(lhs.integers.data() + at[0] * leftSize,
                       transposed(rhs.integers.data() + at[1] * rightSize,
                                  product.depth, product.columns)
                           .data(),
                       result->integers.data() + i * resultSize, product);
  });
  for (double &value : result->reals)
    value = format.round(value);
  for (int64_t &value : result->integers)
    value = format.wrap(value);
  return single(std::move(result));
}

/// One pair of a row and a support vector, in double precision: what the
/// formula says, whichever way a compiled program takes.
static double kernelOf(KernelOp op, const double *x, const double *v,
                       int64_t features) {
  const double gamma = op.getGamma().convertToFloat();
  const double coef0 = op.getCoef0().convertToFloat();
  double sum = 0;
  if (op.getKind() == KernelKind::rbf) {
    for (int64_t k = 0; k < features; ++k)
      sum += (x[k] - v[k]) * (x[k] - v[k]);
    return std::exp(-gamma * sum);
  }
  for (int64_t k = 0; k < features; ++k)
    sum += x[k] * v[k];
  const double product = gamma * sum + coef0;
  return op.getKind() == KernelKind::sigmoid
             ? std::tanh(product)
             : std::pow(product, static_cast<double>(op.getDegree()));
}

Results qnet::evaluate(KernelOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0), &vectors = e.operand(1);
  bool fits = input.rank() >= 1 && vectors.rank() == 2 && input.isReal() &&
              vectors.isReal() && vectors.shape[1] == input.shape.back();
  if (!fits) {
    e.error() << "cannot compare " << input.type() << " with vectors of "
              << vectors.type();
    return failure();
  }
  const int64_t rows = leadingCount(input.shape, 1);
  const int64_t count = vectors.shape[0], features = vectors.shape[1];
  if (failed(e.checkProducts({rows, count, features})))
    return failure();
  SmallVector<int64_t> shape = input.shape;
  shape.back() = count;
  FailureOr<Tensor> result = e.allocate(input.elementType, shape);
  if (failed(result))
    return failure();
  ElementFormat format = result->format();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < count; ++i)
      result->reals[row * count + i] =
          format.round(kernelOf(op, input.reals.data() + row * features,
                                vectors.reals.data() + i * features, features));
  return single(std::move(result));
}
