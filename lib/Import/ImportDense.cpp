//===- ImportDense.cpp - Gemm, MatMul -------------------------------------===//

#include "NodeImporter.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {
/// Multiplies by a number unless it is 1.
Value scaledBy(NodeImporter &n, Value value, float factor) {
  if (!value || factor == 1.0f)
    return value;
  return n.emit<MulOp>({value, n.splat(factor, n.elementOf(value))});
}

/// `bias` as `[N]` when it is one number per column, null when it is not.
Value asRowBias(NodeImporter &n, Value bias, int64_t columns) {
  ArrayRef<int64_t> shape = n.shapeOf(bias);
  if (shape.empty() || shape.back() != columns ||
      llvm::any_of(shape.drop_back(), [](int64_t dim) { return dim != 1; }))
    return {};
  return n.reshape(bias, columns);
}

/// alpha * op(A) * op(B) + beta * C. A float product becomes `dense`, whose
/// weights are transposed; the finish stays in it where C is one number per
/// column.
LogicalResult importGemm(NodeImporter &n) {
  if (failed(n.checkFinite(1)) || failed(n.checkFinite(2)))
    return failure();
  Value a = n.operand(0), b = n.operand(1);
  if (!a || !b)
    return failure();
  for (Value value : {a, b})
    if (n.rankOf(value) != 2)
      return n.error(
          "its first two inputs must have 2 dimensions, but one has " +
          Twine(n.rankOf(value)));
  bool transA = n.intAttribute("transA", 0) != 0;
  bool transB = n.intAttribute("transB", 0) != 0;
  float alpha = n.floatAttribute("alpha", 1.0f);
  float beta = n.floatAttribute("beta", 1.0f);
  int64_t inner = n.shapeOf(a)[transA ? 0 : 1];
  int64_t weightInner = n.shapeOf(b)[transB ? 1 : 0];
  int64_t columns = n.shapeOf(b)[transB ? 0 : 1];
  if (inner != weightInner && !ShapedType::isDynamic(inner) &&
      !ShapedType::isDynamic(weightInner))
    return n.error("rows of " + Twine(inner) + " values meet weights for " +
                   Twine(weightInner));
  if (transA)
    a = n.transpose(a, {1, 0});
  Value c;
  if (n.has(2)) {
    c = n.operand(2);
    if (!c)
      return failure();
    // C is repeated over the product, never the product over C.
    int64_t rows = a ? n.shapeOf(a)[0] : 1;
    FailureOr<SmallVector<int64_t>> shape =
        broadcastShapes(n.shapeOf(c), {rows, columns});
    if (failed(shape) || n.rankOf(c) > 2 || shape->back() != columns ||
        (!ShapedType::isDynamic(rows) && shape->front() != rows))
      return n.error("its third input does not broadcast to the product");
  }

  if (!isa<FloatType>(n.elementOf(a))) {
    if (alpha != float(int64_t(alpha)) || beta != float(int64_t(beta)))
      return n.error("'alpha' and 'beta' must be whole numbers on integers");
    Value product = n.emit<MatmulOp>({a, transB ? n.transpose(b, {1, 0}) : b});
    product = scaledBy(n, product, alpha);
    if (c)
      product = n.emit<AddOp>({product, scaledBy(n, c, beta)});
    return n.result(0, product);
  }

  Value weights = transB ? b : n.transpose(b, {1, 0});
  Value bias;
  if (c && beta != 0.0f && alpha == 1.0f)
    bias = asRowBias(n, scaledBy(n, c, beta), columns);
  SmallVector<Value> operands = {a, weights};
  if (bias)
    operands.push_back(bias);
  Value product = scaledBy(n, n.emit<DenseOp>(operands), alpha);
  if (c && !bias && beta != 0.0f)
    product = n.emit<AddOp>({product, scaledBy(n, c, beta)});
  return n.result(0, product);
}

LogicalResult importMatMul(NodeImporter &n) {
  if (failed(n.checkFinite(0)) || failed(n.checkFinite(1)))
    return failure();
  return n.result(0, n.emit<MatmulOp>({n.operand(0), n.operand(1)}));
}

constexpr OpRow kRows[] = {
    {"Gemm", 6, 2, 3, 1, "alpha:f beta:f transA:i transB:i broadcast:i",
     importGemm},
    {"MatMul", 1, 2, 2, 1, "", importMatMul},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::denseRows() { return kRows; }
