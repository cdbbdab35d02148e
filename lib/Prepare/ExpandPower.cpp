//===- ExpandPower.cpp - powers of constant exponents ---------------------===//
//
// x^n for a whole n is products; x^y for others is exp(y log x), which is NaN
// below 0 as the power is, and agrees at 0 and infinity. Where exponents of one
// tensor are of both kinds, |x|^y takes the sign of x for those that are odd.
//
//===----------------------------------------------------------------------===//
#include "ExpandPower.h"

#include "quantc/Dialect/Constants.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// The largest whole exponent that is spelled out in products.
constexpr float kMostProducts = 64;

bool isWhole(float y) { return y == std::nearbyint(y); }
bool isOdd(float y) { return isWhole(y) && std::fmod(y, 2.0f) != 0; }

class Expansion {
public:
  Expansion(PowOp op, PatternRewriter &rewriter, ArrayRef<float> exponents)
      : op(op), rewriter(rewriter), exponents(exponents),
        type(cast<RankedTensorType>(op.getType())) {}

  Value run() {
    const float first = exponents.front();
    const bool isOne = llvm::all_equal(exponents);
    if (isOne && isWhole(first) && first != 0 &&
        std::fabs(first) <= kMostProducts)
      return products(static_cast<int64_t>(first));
    if (llvm::none_of(exponents, isWhole))
      return byLogarithm(op.getLhs());
    return mixed();
  }

private:
  Value apply(Function function, Value x) {
    return ActivationOp::create(rewriter, op.getLoc(), type, function, x,
                                FloatAttr(), FloatAttr());
  }

  Value times(Value x, Value y) {
    return MulOp::create(rewriter, op.getLoc(), type, x, y);
  }

  /// By squaring.
  Value products(int64_t n) {
    Value square = op.getLhs(), result;
    for (auto left = static_cast<uint64_t>(std::abs(n)); left != 0;
         left >>= 1) {
      if (left & 1)
        result = result ? times(result, square) : square;
      if (left > 1)
        square = times(square, square);
    }
    return n < 0 ? apply(Function::reciprocal, result) : result;
  }

  Value byLogarithm(Value x) {
    return apply(Function::exp, times(apply(Function::log, x), op.getRhs()));
  }

  /// 1 where `holds`, 0 elsewhere, in the shape of the exponents.
  Value flags(bool (*holds)(float)) {
    SmallVector<bool> values(llvm::map_range(exponents, holds));
    auto shape = cast<RankedTensorType>(op.getRhs().getType()).getShape();
    return ConstantOp::create(
        rewriter, op.getLoc(),
        DenseElementsAttr::get(
            RankedTensorType::get(shape, rewriter.getI1Type()),
            ArrayRef<bool>(values)));
  }

  Value number(float value) {
    return makeConstant<float>(rewriter, op.getLoc(), {}, rewriter.getF32Type(),
                               {value});
  }

  Value select(Value condition, Value yes, Value no) {
    return WhereOp::create(rewriter, op.getLoc(), type, condition, yes, no);
  }

  Value mixed() {
    Value x = op.getLhs();
    Value size = select(flags(isWhole), apply(Function::abs, x), x);
    Value result = byLogarithm(size);
    auto truth = type.clone(rewriter.getI1Type());
    Value isNegative = CompareOp::create(rewriter, op.getLoc(), truth,
                                         ComparePredicate::lt, x, number(0));
    Value turns =
        AndOp::create(rewriter, op.getLoc(), truth, isNegative, flags(isOdd));
    result = select(turns, apply(Function::neg, result), result);
    // By 0 everything is 1, where the logarithm of 0 times 0 is no number.
    if (llvm::is_contained(exponents, 0.0f))
      result = select(flags([](float y) { return y == 0; }), number(1), result);
    return result;
  }

  PowOp op;
  PatternRewriter &rewriter;
  ArrayRef<float> exponents;
  RankedTensorType type;
};

struct ExpandPower : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PowOp op,
                                PatternRewriter &rewriter) const override {
    FailureOr<std::vector<float>> exponents = readConstant<float>(op.getRhs());
    if (failed(exponents) || exponents->empty() ||
        op.getLhs().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "requires constant f32 exponents");
    if (!llvm::all_of(*exponents, [](float y) { return std::isfinite(y); }))
      return rewriter.notifyMatchFailure(op, "an exponent is not finite");
    rewriter.replaceOp(op, Expansion(op, rewriter, *exponents).run());
    return success();
  }
};

} // namespace

void mlir::qnet::populateExpandPower(RewritePatternSet &patterns) {
  patterns.add<ExpandPower>(patterns.getContext(), /*benefit=*/0);
}
