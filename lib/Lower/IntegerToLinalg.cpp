//===- IntegerToLinalg.cpp - the integer level
//-----------------------------===//
//
// Every body is a sequence of quantc/Numerics/Sequences.h, emitted op by op.
//
//===----------------------------------------------------------------------===//

#include "QnetToLinalg.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Dialect/SequenceEmitter.h"
#include "quantc/Numerics/Sequences.h"

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

namespace {

/// i32 to the integer type that stores it.
Value store(OpBuilder &b, Location loc, Value q, Type storage) {
  if (storage.isInteger(32))
    return q;
  return arith::TruncIOp::create(b, loc, storage, q);
}

template <typename Op> struct IntegerPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  RankedTensorType resultType(Op op) const {
    return cast<RankedTensorType>(
        this->getTypeConverter()->convertType(op.getResult().getType()));
  }
};

struct LowerQuantize : IntegerPattern<QuantizeOp> {
  using IntegerPattern::IntegerPattern;
  LogicalResult
  matchAndRewrite(QuantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = resultType(op);
    if (!cast<RankedTensorType>(op.getInput().getType())
             .getElementType()
             .isF32())
      return rewriter.notifyMatchFailure(op, "only f32 is quantized natively");
    auto uniform = uniformOf(op.getResult());
    if (!uniform)
      return rewriter.notifyMatchFailure(op, "per-axis types are not lowered");
    numerics::QuantParams p = paramsOf(uniform);
    rewriter.replaceOp(
        op, elementwise(rewriter, op.getLoc(), type, adaptor.getInput(),
                        [&](OpBuilder &b, Location loc, ValueRange x) {
                          SequenceEmitter a(b, loc);
                          Value q =
                              numerics::quantize(a, x[0], a.constant(p.scale),
                                                 p.zeroPoint, p.qmin, p.qmax);
                          return store(b, loc, q, type.getElementType());
                        }));
    return success();
  }
};

struct LowerDequantize : IntegerPattern<DequantizeOp> {
  using IntegerPattern::IntegerPattern;
  LogicalResult
  matchAndRewrite(DequantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = resultType(op);
    auto uniform = uniformOf(op.getInput());
    if (!uniform || !type.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "only per-tensor types over f32");
    numerics::QuantParams p = paramsOf(uniform);
    rewriter.replaceOp(
        op, elementwise(rewriter, op.getLoc(), type, adaptor.getInput(),
                        [&](OpBuilder &b, Location loc, ValueRange x) {
                          SequenceEmitter a(b, loc);
                          return numerics::dequantize(
                              a, storedToI32(b, loc, x[0]), a.constant(p.scale),
                              p.zeroPoint);
                        }));
    return success();
  }
};

struct LowerRequantize : IntegerPattern<RequantizeOp> {
  using IntegerPattern::IntegerPattern;
  LogicalResult
  matchAndRewrite(RequantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from = uniformOf(op.getInput()), to = uniformOf(op.getResult());
    if (!from || !to)
      return rewriter.notifyMatchFailure(op, "only per-tensor types");
    RankedTensorType type = resultType(op);
    numerics::QuantParams in = paramsOf(from), out = paramsOf(to);
    float multiplier = numerics::chooseMultiplier(in.scale, 1.0f, out.scale);
    rewriter.replaceOp(
        op, elementwise(rewriter, op.getLoc(), type, adaptor.getInput(),
                        [&](OpBuilder &b, Location loc, ValueRange x) {
                          SequenceEmitter a(b, loc);
                          Value centred = a.subI(storedToI32(b, loc, x[0]),
                                                 a.integer(in.zeroPoint));
                          Value q = numerics::requantize(
                              a, centred, a.constant(multiplier), out.zeroPoint,
                              out.qmin, out.qmax);
                          return store(b, loc, q, type.getElementType());
                        }));
    return success();
  }
};

struct LowerStorageCast : IntegerPattern<StorageCastOp> {
  using IntegerPattern::IntegerPattern;
  LogicalResult
  matchAndRewrite(StorageCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = resultType(op);
    bool fromQuantized = bool(uniformOf(op.getInput()));
    auto offset = static_cast<int32_t>(op.getOffset());
    Type inElement =
        cast<RankedTensorType>(adaptor.getInput().getType()).getElementType();
    if (offset == 0 && inElement == type.getElementType()) {
      rewriter.replaceOp(op, adaptor.getInput());
      return success();
    }
    rewriter.replaceOp(
        op, elementwise(rewriter, op.getLoc(), type, adaptor.getInput(),
                        [&](OpBuilder &b, Location loc, ValueRange x) {
                          SequenceEmitter a(b, loc);
                          Value q = storedToI32(b, loc, x[0]);
                          q = a.addI(
                              q, a.integer(fromQuantized ? offset : -offset));
                          return store(b, loc, q, type.getElementType());
                        }));
    return success();
  }
};

/// A dense layer that no kernel took: a plain product, for other compilers.
struct LowerQDense : IntegerPattern<QDenseOp> {
  using IntegerPattern::IntegerPattern;
  LogicalResult
  matchAndRewrite(QDenseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType type = resultType(op);
    int64_t rank = type.getRank();
    Type i32 = rewriter.getI32Type();
    Value weights = adaptor.getWeights();
    if (op.getGroupMultiplier()) {
      // Other compilers know no groups: their weights are w * m, in 16 bits.
      FailureOr<std::vector<int16_t>> products = readWeights(op);
      if (failed(products))
        return rewriter.notifyMatchFailure(
            op, "weights of 4 bits must be constants to be lowered");
      weights = arith::ConstantOp::create(
          rewriter, loc,
          cast<TypedAttr>(makeElements<int16_t>(
              cast<RankedTensorType>(op.getWeights().getType())
                  .clone(rewriter.getI16Type()),
              *products)));
    }
    // Accumulate: start from the bias, add products over k.
    RankedTensorType accType = type.clone(i32);
    Value start =
        elementwise(rewriter, loc, accType,
                    {adaptor.getBias(),
                     sameRows(rewriter, loc, adaptor.getInput(), accType)},
                    [](OpBuilder &, Location, ValueRange x) { return x[0]; });
    SmallVector<AffineExpr> lhs, out;
    for (int64_t d = 0; d + 1 < rank; ++d) {
      lhs.push_back(rewriter.getAffineDimExpr(d));
      out.push_back(rewriter.getAffineDimExpr(d));
    }
    AffineExpr n = rewriter.getAffineDimExpr(rank - 1),
               k = rewriter.getAffineDimExpr(rank);
    lhs.push_back(k);
    out.push_back(n);
    MLIRContext *context = rewriter.getContext();
    AffineMap maps[] = {AffineMap::get(rank + 1, 0, lhs, context),
                        AffineMap::get(rank + 1, 0, {n, k}, context),
                        AffineMap::get(rank + 1, 0, out, context)};
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    iterators.push_back(utils::IteratorType::reduction);
    Value acc =
        linalg::GenericOp::create(
            rewriter, loc, TypeRange{accType},
            ValueRange{adaptor.getInput(), weights}, ValueRange{start}, maps,
            iterators,
            [&](OpBuilder &b, Location l, ValueRange args) {
              SequenceEmitter a(b, l);
              Value x = storedToI32(b, l, args[0]);
              Value w = arith::ExtSIOp::create(b, l, i32, args[1]);
              linalg::YieldOp::create(b, l, a.addI(args[2], a.mulI(x, w)));
            })
            .getResult(0);
    // Finish.
    SmallVector<Value> inputs{acc, adaptor.getMultiplier()};
    if (op.getShift())
      inputs.push_back(adaptor.getShift());
    if (op.getOutBias())
      inputs.push_back(adaptor.getOutBias());
    auto uniform = uniformOf(op.getResult());
    rewriter.replaceOp(
        op, elementwise(rewriter, loc, type, inputs,
                        [&](OpBuilder &b, Location l, ValueRange x) -> Value {
                          SequenceEmitter a(b, l);
                          if (!uniform)
                            return op.getOutBias()
                                       ? numerics::scaleAccumulator(a, x[0],
                                                                    x[1], x[2])
                                       : a.mul(a.toFloat(x[0]), x[1]);
                          numerics::QuantParams p = paramsOf(uniform);
                          Value q = op.getShift()
                                        ? numerics::requantizeFixed(
                                              a, x[0], x[1], x[2], p.zeroPoint,
                                              p.qmin, p.qmax)
                                        : numerics::requantize(a, x[0], x[1],
                                                               p.zeroPoint,
                                                               p.qmin, p.qmax);
                          return store(b, l, q, type.getElementType());
                        }));
    return success();
  }

  /// An empty tensor of `type` whose rows are those of `input` (they differ in
  /// the last dimension only): shapes the accumulator.
  static Value sameRows(OpBuilder &b, Location loc, Value input,
                        RankedTensorType type) {
    return emptyTensor(b, loc, type, input);
  }
};

struct LowerLookup : IntegerPattern<LookupOp> {
  using IntegerPattern::IntegerPattern;
  LogicalResult
  matchAndRewrite(LookupOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from = uniformOf(op.getInput());
    if (!from)
      return rewriter.notifyMatchFailure(op, "only per-tensor inputs");
    auto lowest = static_cast<int32_t>(from.getStorageTypeMin());
    Value table = adaptor.getTable();
    rewriter.replaceOp(
        op, elementwise(
                rewriter, op.getLoc(), resultType(op), adaptor.getInput(),
                [&](OpBuilder &b, Location loc, ValueRange x) {
                  SequenceEmitter a(b, loc);
                  Value q =
                      a.subI(storedToI32(b, loc, x[0]), a.integer(lowest));
                  Value index =
                      arith::IndexCastUIOp::create(b, loc, b.getIndexType(), q);
                  return Value(tensor::ExtractOp::create(b, loc, table,
                                                         ValueRange{index}));
                }));
    return success();
  }
};

template <typename Op> struct LowerQBinary : IntegerPattern<Op> {
  using IntegerPattern<Op>::IntegerPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto lhs = uniformOf(op.getLhs()), rhs = uniformOf(op.getRhs()),
         out = uniformOf(op.getResult());
    if (!lhs || !rhs || !out)
      return rewriter.notifyMatchFailure(op, "only per-tensor types");
    RankedTensorType type = this->resultType(op);
    rewriter.replaceOp(
        op,
        elementwise(rewriter, op.getLoc(), type,
                    {adaptor.getLhs(), adaptor.getRhs()},
                    [&](OpBuilder &b, Location loc, ValueRange x) {
                      SequenceEmitter a(b, loc);
                      Value l = storedToI32(b, loc, x[0]),
                            r = storedToI32(b, loc, x[1]);
                      numerics::QuantParams pl = paramsOf(lhs),
                                            pr = paramsOf(rhs),
                                            po = paramsOf(out);
                      Value q;
                      if constexpr (std::is_same_v<Op, QAddOp>)
                        q = numerics::addQuantized(a, l, pl, r, pr, po);
                      else if constexpr (std::is_same_v<Op, QSubOp>)
                        q = numerics::subtractQuantized(a, l, pl, r, pr, po);
                      else
                        q = numerics::multiplyQuantized(a, l, pl, r, pr, po);
                      return store(b, loc, q, type.getElementType());
                    }));
    return success();
  }
};

} // namespace

void mlir::qnet::populateIntegerToLinalg(TypeConverter &types,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerQuantize, LowerDequantize, LowerRequantize,
               LowerStorageCast, LowerQDense, LowerLookup, LowerQBinary<QAddOp>,
               LowerQBinary<QSubOp>, LowerQBinary<QMulOp>>(
      types, patterns.getContext());
}
