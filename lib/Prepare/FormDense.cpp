//===- FormDense.cpp - products by a constant matrix become dense layers --===//
//
// Takes          matmul with one constant f32 operand.
// Gives          dense with the constant as [channels, inputs].
// Why            dense is what Calibrate, Quantize and the kernels know.
// Not done here  biases and scales (fold-affine), functions (fuse-activation).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Reference/PartLocation.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#define DEBUG_TYPE "form-dense"

namespace mlir::qnet {
#define GEN_PASS_DEF_FORMDENSE
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// A constant as a matrix: its last two dimensions, the others being 1.
struct Matrix {
  std::vector<float> values;
  int64_t rows = 0, columns = 0;

  std::vector<float> transposed() const {
    // Blocks keep both sides in the cache: weights may have millions of values.
    constexpr int64_t block = 32;
    std::vector<float> result(values.size());
    for (int64_t r0 = 0; r0 < rows; r0 += block)
      for (int64_t c0 = 0; c0 < columns; c0 += block)
        for (int64_t r = r0; r < std::min(rows, r0 + block); ++r)
          for (int64_t c = c0; c < std::min(columns, c0 + block); ++c)
            result[c * rows + r] = values[r * columns + c];
    return result;
  }
};

std::optional<Matrix> constantMatrix(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() < 2 ||
      !llvm::all_of(type.getShape().drop_back(2),
                    [](int64_t dimension) { return dimension == 1; }))
    return std::nullopt;
  FailureOr<std::vector<float>> values = readConstant<float>(value);
  if (failed(values) || values->empty())
    return std::nullopt;
  ArrayRef<int64_t> shape = type.getShape().take_back(2);
  return Matrix{std::move(*values), shape[0], shape[1]};
}

bool isF32(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType().isF32();
}

/// x W, W constant: the rows of the layer are the columns of W.
struct ProductByConstant : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!isF32(op.getRhs()))
      return rewriter.notifyMatchFailure(op, "requires f32");
    auto lhs = cast<RankedTensorType>(op.getLhs().getType());
    auto rhs = cast<RankedTensorType>(op.getRhs().getType());
    if (matchPattern(op.getLhs(), m_Constant()))
      return rewriter.notifyMatchFailure(op, "both operands are constants");
    if (rhs.getRank() == 1)
      return rewriteVector(op, rewriter);
    if (rhs.getRank() > 2 && rhs.getRank() > lhs.getRank())
      return rewriter.notifyMatchFailure(
          op, "the constant adds dimensions to the result");
    std::optional<Matrix> matrix = constantMatrix(op.getRhs());
    if (!matrix)
      return rewriter.notifyMatchFailure(
          op, "requires a constant right operand that is one matrix");
    std::vector<float> weights = matrix->transposed();
    Value constant = makeConstant<float>(rewriter, op.getLoc(),
                                         {matrix->columns, matrix->rows},
                                         rhs.getElementType(), weights);
    rewriter.replaceOpWithNewOp<DenseOp>(
        op, op.getType(), op.getLhs(), constant, /*bias=*/Value(),
        Function::identity, FloatAttr(), FloatAttr());
    return success();
  }

private:
  LogicalResult rewriteVector(MatmulOp op, PatternRewriter &rewriter) const {
    auto lhs = cast<RankedTensorType>(op.getLhs().getType());
    FailureOr<std::vector<float>> values = readConstant<float>(op.getRhs());
    if (failed(values) || values->empty())
      return rewriter.notifyMatchFailure(op,
                                         "requires a constant right operand");
    if (lhs.getRank() < 2)
      return rewriter.notifyMatchFailure(op, "a product of two vectors");
    const int64_t inputs = values->size();
    Value weights = makeConstant<float>(rewriter, op.getLoc(), {1, inputs},
                                        lhs.getElementType(), *values);
    SmallVector<int64_t> shape(lhs.getShape().drop_back());
    shape.push_back(1);
    Value dense = DenseOp::create(rewriter, partLocation(op.getLoc(), "column"),
                                  lhs.clone(shape), op.getLhs(), weights,
                                  /*bias=*/Value(), Function::identity,
                                  FloatAttr(), FloatAttr());
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), dense);
    return success();
  }
};

/// W x, W constant [M, K] and x [K, B]: transpose(dense(transpose(x), W)).
struct ConstantByProduct : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    auto lhs = cast<RankedTensorType>(op.getLhs().getType());
    auto rhs = cast<RankedTensorType>(op.getRhs().getType());
    if (!isF32(op.getRhs()))
      return rewriter.notifyMatchFailure(op, "requires f32");
    if (!matchPattern(op.getLhs(), m_Constant()) ||
        matchPattern(op.getRhs(), m_Constant()))
      return rewriter.notifyMatchFailure(op, "requires one constant, the left");
    if (lhs.getRank() != 2 || rhs.getRank() != 2)
      return rewriter.notifyMatchFailure(op, "requires two matrices");
    SmallVector<int64_t> swapped{rhs.getDimSize(1), rhs.getDimSize(0)};
    auto permutation = rewriter.getDenseI64ArrayAttr({1, 0});
    Value input =
        TransposeOp::create(rewriter, partLocation(op.getLoc(), "input"),
                            rhs.clone(swapped), op.getRhs(), permutation);
    SmallVector<int64_t> shape{rhs.getDimSize(1), lhs.getDimSize(0)};
    Value dense = DenseOp::create(
        rewriter, partLocation(op.getLoc(), "transposed"), rhs.clone(shape),
        input, op.getLhs(),
        /*bias=*/Value(), Function::identity, FloatAttr(), FloatAttr());
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), dense,
                                             permutation);
    return success();
  }
};

struct FormDense : qnet::impl::FormDenseBase<FormDense> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ProductByConstant, ConstantByProduct>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
