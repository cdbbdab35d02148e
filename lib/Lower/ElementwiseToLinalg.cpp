//===- ElementwiseToLinalg.cpp - float functions of one and two values
//-----===//
//
// What is left in float in a compiled program, and the float graph that
// Calibrate runs. f32 only: other floats are not compiled.
//
//===----------------------------------------------------------------------===//

#include "QnetToLinalg.h"
#include "quantc/Dialect/AppliedFunction.h"
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
  if (isa<IntegerType>(x.getType())) // stored without a sign
    return largest ? Value(arith::MaxUIOp::create(a.b, x, y))
                   : Value(arith::MinUIOp::create(a.b, x, y));
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
    // Comparing and choosing are the same whatever the bits mean.
    constexpr bool onIntegers =
        std::is_same_v<Op, CompareOp> || std::is_same_v<Op, WhereOp>;
    // Stored integers of one type are in the order of what they stand for.
    constexpr bool onStored =
        std::is_same_v<Op, MinOp> || std::is_same_v<Op, MaxOp>;
    for (Value operand : op->getOperands()) {
      Type own = cast<RankedTensorType>(operand.getType()).getElementType();
      if (onStored && isStoredInteger(own))
        continue;
      Type element = realType(own);
      if (!element.isF32() && !element.isInteger(1) &&
          !(onIntegers && isa<IntegerType>(element)))
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
    const AppliedFunction applied = AppliedFunction::of(op);
    auto type = cast<RankedTensorType>(adaptor.getInput().getType());
    rewriter.replaceOp(
        op,
        elementwise(rewriter, op.getLoc(), type, adaptor.getInput(),
                    [&](OpBuilder &b, Location loc, ValueRange x) {
                      SequenceEmitter a(b, loc);
                      return numerics::unary(a, applied.function, Value(x[0]),
                                             static_cast<float>(applied.alpha),
                                             static_cast<float>(applied.beta));
                    }));
    return success();
  }
};

/// `x` cut to an integer: what is out of range saturates, NaN is 0. Machines
/// differ in what they convert out of range, so nothing of it is converted.
Value truncated(SequenceEmitter &a, Value x, Type type, bool isUnsigned) {
  const unsigned bits = type.getIntOrFloatBitWidth();
  Value end = a.constant(std::ldexp(1.0f, isUnsigned ? bits : bits - 1));
  Value start = a.constant(isUnsigned ? 0.0f : -std::ldexp(1.0f, bits - 1));
  auto integer = [&](const APInt &value) -> Value {
    return arith::ConstantOp::create(a.b, a.b.getIntegerAttr(type, value));
  };
  Value isInside = a.andI(a.less(x, end), a.greater(x, start)); // not for NaN
  Value inside = a.select(isInside, x, a.constant(0.0f));
  Value result = isUnsigned ? Value(arith::FPToUIOp::create(a.b, type, inside))
                            : Value(arith::FPToSIOp::create(a.b, type, inside));
  result = a.select(a.less(x, end), result,
                    integer(isUnsigned ? APInt::getMaxValue(bits)
                                       : APInt::getSignedMaxValue(bits)));
  result = a.select(a.greater(x, start), result,
                    integer(isUnsigned ? APInt::getZero(bits)
                                       : APInt::getSignedMinValue(bits)));
  return a.select(a.unordered(x), integer(APInt::getZero(bits)), result);
}

/// `x`, whose element type is `from` in the dialect, as `to` there, which is
/// `type` here.
Value converted(SequenceEmitter &a, Value x, Type from, Type to, Type type) {
  if (from == to)
    return x;
  const bool isNatural = from.isInteger(1) || from.isUnsignedInteger();
  if (from.isF32()) {
    if (to.isInteger(1))
      return arith::CmpFOp::create(a.b, arith::CmpFPredicate::UNE, x,
                                   a.constant(0.0f));
    return truncated(a, x, type, to.isUnsignedInteger());
  }
  if (to.isF32())
    return isNatural ? Value(arith::UIToFPOp::create(a.b, type, x))
                     : Value(arith::SIToFPOp::create(a.b, type, x));
  if (to.isInteger(1)) {
    Value zero =
        arith::ConstantOp::create(a.b, a.b.getIntegerAttr(x.getType(), 0));
    return arith::CmpIOp::create(a.b, arith::CmpIPredicate::ne, x, zero);
  }
  return convertScalarToDtype(a.b, a.b.getLoc(), x, type,
                              /*isUnsignedCast=*/isNatural);
}

struct LowerCast : OpConversionPattern<CastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from =
        cast<RankedTensorType>(op.getInput().getType()).getElementType();
    auto type = cast<RankedTensorType>(
        getTypeConverter()->convertType(op.getResult().getType()));
    auto to = cast<RankedTensorType>(op.getResult().getType()).getElementType();
    constexpr unsigned widest = 64;
    auto isNumber = [](Type t) {
      return t.isF32() ||
             (t.isInteger() && t.getIntOrFloatBitWidth() <= widest);
    };
    if (!isNumber(from) || !isNumber(to))
      return rewriter.notifyMatchFailure(
          op, "only f32, booleans and integers of up to 64 bits");
    rewriter.replaceOp(
        op, elementwise(rewriter, op.getLoc(), type, adaptor.getInput(),
                        [&](OpBuilder &b, Location loc, ValueRange x) {
                          SequenceEmitter a(b, loc);
                          return converted(a, x[0], from, to,
                                           type.getElementType());
                        }));
    return success();
  }
};

Value compare(CompareOp op, SequenceEmitter &a, ValueRange x) {
  static constexpr arith::CmpFPredicate floats[] = {
      arith::CmpFPredicate::OEQ, arith::CmpFPredicate::OLT,
      arith::CmpFPredicate::OLE, arith::CmpFPredicate::OGT,
      arith::CmpFPredicate::OGE};
  static constexpr arith::CmpIPredicate integers[] = {
      arith::CmpIPredicate::eq, arith::CmpIPredicate::slt,
      arith::CmpIPredicate::sle, arith::CmpIPredicate::sgt,
      arith::CmpIPredicate::sge};
  static constexpr arith::CmpIPredicate naturals[] = {
      arith::CmpIPredicate::eq, arith::CmpIPredicate::ult,
      arith::CmpIPredicate::ule, arith::CmpIPredicate::ugt,
      arith::CmpIPredicate::uge};
  const auto predicate = static_cast<size_t>(op.getPredicate());
  if (isa<FloatType>(x[0].getType()))
    return arith::CmpFOp::create(a.b, floats[predicate], x[0], x[1]);
  Type element =
      cast<RankedTensorType>(op->getOperand(0).getType()).getElementType();
  const bool isNatural = element.isUnsignedInteger() || element.isInteger(1);
  return arith::CmpIOp::create(
      a.b, (isNatural ? naturals : integers)[predicate], x[0], x[1]);
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
  add.operator()<CompareOp>(compare);
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
