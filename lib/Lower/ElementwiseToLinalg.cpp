//===- ElementwiseToLinalg.cpp - float functions of one and two values
//-----===//
//
// What is left in float in a compiled program, and the float graph that
// Calibrate runs. f32 only: other floats are not compiled.
//
//===----------------------------------------------------------------------===//

#include "QnetToLinalg.h"
#include "quantc/Dialect/SequenceEmitter.h"
#include "quantc/Numerics/Functions.h"
#include "quantc/Numerics/Sequences.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

namespace {

bool isF32(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType().isF32();
}

/// max and min of Reference: NaN if either is; of equal values the first.
Value extreme(SequenceEmitter &a, Value x, Value y, bool largest) {
  Value better = largest ? a.greater(x, y) : a.less(x, y);
  Value best = a.select(better, x, a.select(a.equal(x, y), x, y));
  return a.select(a.unordered(x), x, best);
}

/// An op on f32 tensors whose result element is `emit` of its operands'.
template <typename Op>
using Emit = Value (*)(Op op, SequenceEmitter &a, ValueRange x);

template <typename Op> struct ElementwisePattern : OpConversionPattern<Op> {
  ElementwisePattern(TypeConverter &types, MLIRContext *context, Emit<Op> emit)
      : OpConversionPattern<Op>(types, context), emit(emit) {}

  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    for (Value operand : adaptor.getOperands()) {
      Type element = cast<RankedTensorType>(operand.getType()).getElementType();
      if (!element.isF32() && !element.isInteger(1))
        return rewriter.notifyMatchFailure(op, "only f32 and i1 are compiled");
    }
    auto type = cast<RankedTensorType>(
        this->getTypeConverter()->convertType(op->getResult(0).getType()));
    rewriter.replaceOp(
        op, elementwise(rewriter, op.getLoc(), type, adaptor.getOperands(),
                        [&](OpBuilder &b, Location loc, ValueRange x) {
                          SequenceEmitter a(b, loc);
                          return emit(op, a, x);
                        }));
    return success();
  }

  Emit<Op> emit;
};

struct LowerActivation : OpConversionPattern<ActivationOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ActivationOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isF32(adaptor.getInput()))
      return rewriter.notifyMatchFailure(op, "only f32 is compiled");
    auto function = static_cast<numerics::Function>(op.getFunction());
    float alpha = op.getAlpha() ? op.getAlpha()->convertToFloat()
                                : numerics::defaultAlpha(function);
    float beta = op.getBeta() ? op.getBeta()->convertToFloat()
                              : numerics::defaultBeta(function);
    auto type = cast<RankedTensorType>(adaptor.getInput().getType());
    rewriter.replaceOp(
        op, elementwise(rewriter, op.getLoc(), type, adaptor.getInput(),
                        [&](OpBuilder &b, Location loc, ValueRange x) {
                          SequenceEmitter a(b, loc);
                          return numerics::unary(a, function, Value(x[0]),
                                                 alpha, beta);
                        }));
    return success();
  }
};

struct LowerCast : OpConversionPattern<CastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from =
        cast<RankedTensorType>(op.getInput().getType()).getElementType();
    auto type = cast<RankedTensorType>(
        getTypeConverter()->convertType(op.getResult().getType()));
    Type to = type.getElementType();
    auto isSmall = [](Type t) {
      return t.isSignlessInteger() && t.getIntOrFloatBitWidth() <= 64;
    };
    bool isBetweenIntegers =
        isSmall(from) && isSmall(to) && !from.isInteger(1) && !to.isInteger(1);
    if (!(to.isF32() && isSmall(from)) && !(from.isF32() && to.isInteger(1)) &&
        !isBetweenIntegers)
      return rewriter.notifyMatchFailure(
          op, "only integers and booleans to f32, f32 to boolean, and integers "
              "to integers");
    rewriter.replaceOp(
        op,
        elementwise(rewriter, op.getLoc(), type, adaptor.getInput(),
                    [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
                      SequenceEmitter a(b, loc);
                      if (isBetweenIntegers)
                        return convertScalarToDtype(b, loc, x[0], to,
                                                    /*isUnsignedCast=*/false);
                      if (to.isInteger(1))
                        return arith::CmpFOp::create(b, loc,
                                                     arith::CmpFPredicate::UNE,
                                                     x[0], a.constant(0.0f));
                      if (from.isInteger(1))
                        return arith::UIToFPOp::create(b, loc, to, x[0]);
                      return arith::SIToFPOp::create(b, loc, to, x[0]);
                    }));
    return success();
  }
};

Value compareF32(CompareOp op, SequenceEmitter &a, ValueRange x) {
  static constexpr arith::CmpFPredicate predicates[] = {
      arith::CmpFPredicate::OEQ, arith::CmpFPredicate::OLT,
      arith::CmpFPredicate::OLE, arith::CmpFPredicate::OGT,
      arith::CmpFPredicate::OGE};
  return arith::CmpFOp::create(
      a.b, predicates[static_cast<size_t>(op.getPredicate())], x[0], x[1]);
}

} // namespace

void mlir::qnet::populateElementwiseToLinalg(TypeConverter &types,
                                             RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerActivation, LowerCast>(types, context);
  auto add = [&]<typename Op>(Emit<Op> emit) {
    patterns.add<ElementwisePattern<Op>>(types, context, emit);
  };
  add.operator()<AddOp>([](AddOp, SequenceEmitter &a, ValueRange x) {
    return a.add(x[0], x[1]);
  });
  add.operator()<SubOp>([](SubOp, SequenceEmitter &a, ValueRange x) {
    return a.sub(x[0], x[1]);
  });
  add.operator()<MulOp>([](MulOp, SequenceEmitter &a, ValueRange x) {
    return a.mul(x[0], x[1]);
  });
  add.operator()<DivOp>([](DivOp, SequenceEmitter &a, ValueRange x) {
    return a.div(x[0], x[1]);
  });
  add.operator()<MinOp>([](MinOp, SequenceEmitter &a, ValueRange x) {
    return extreme(a, x[0], x[1], /*largest=*/false);
  });
  add.operator()<MaxOp>([](MaxOp, SequenceEmitter &a, ValueRange x) {
    return extreme(a, x[0], x[1], /*largest=*/true);
  });
  add.operator()<PreluOp>([](PreluOp, SequenceEmitter &a, ValueRange x) {
    return a.select(a.less(x[0], a.constant(0.0f)), a.mul(x[0], x[1]), x[0]);
  });
  add.operator()<CompareOp>(compareF32);
  add.operator()<WhereOp>([](WhereOp, SequenceEmitter &a, ValueRange x) {
    return a.select(x[0], x[1], x[2]);
  });
  add.operator()<AndOp>([](AndOp, SequenceEmitter &a, ValueRange x) {
    return a.andI(x[0], x[1]);
  });
  add.operator()<OrOp>(
      [](OrOp, SequenceEmitter &a, ValueRange x) { return a.orI(x[0], x[1]); });
  add.operator()<XorOp>([](XorOp, SequenceEmitter &a, ValueRange x) {
    return a.xorI(x[0], x[1]);
  });
  add.operator()<NotOp>([](NotOp, SequenceEmitter &a, ValueRange x) -> Value {
    Value one = arith::ConstantOp::create(a.b, a.b.getBoolAttr(true));
    return a.xorI(x[0], one);
  });
  add.operator()<IsNanOp>([](IsNanOp, SequenceEmitter &a, ValueRange x) {
    return a.unordered(x[0]);
  });
}
