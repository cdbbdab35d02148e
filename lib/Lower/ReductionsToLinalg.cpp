//===- ReductionsToLinalg.cpp - softmax, normalization and reductions
//------===//
//
// In f32, summed in the order of the indices: the order is part of the meaning
// (docs/reference.md), and a reduction loop is never reordered.
//
//===----------------------------------------------------------------------===//

#include "QnetToLinalg.h"
#include "quantc/Dialect/SequenceEmitter.h"
#include "quantc/Numerics/Sequences.h"

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

namespace {

RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// What the lowerings below are written in: one op on tensors a call.
struct TensorMath {
  OpBuilder &builder;
  Location loc;

  Value scalar(float x) {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(x));
  }
  Value map(RankedTensorType type, ValueRange inputs,
            llvm::function_ref<Value(SequenceEmitter &, ValueRange)> emit) {
    return elementwise(builder, loc, type, inputs,
                       [&](OpBuilder &b, Location l, ValueRange x) {
                         SequenceEmitter a(b, l);
                         return emit(a, x);
                       });
  }
  Value reduce(Value input, ArrayRef<int64_t> axes, float start,
               llvm::function_ref<Value(SequenceEmitter &, ValueRange)> emit) {
    return reduceAxes(builder, loc, input, axes, scalar(start),
                      [&](OpBuilder &b, Location l, ValueRange x) {
                        SequenceEmitter a(b, l);
                        return emit(a, x);
                      });
  }
  Value sum(Value input, ArrayRef<int64_t> axes) {
    return reduce(input, axes, 0.0f, [](SequenceEmitter &a, ValueRange x) {
      return a.add(x[0], x[1]);
    });
  }
  Value sumOfSquares(Value input, ArrayRef<int64_t> axes) {
    return reduce(input, axes, 0.0f, [](SequenceEmitter &a, ValueRange x) {
      return a.add(x[0], a.mul(x[1], x[1]));
    });
  }
};

template <typename Op, bool Logarithm>
struct LowerSoftmax : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value x = adaptor.getInput();
    RankedTensorType type = tensorType(x);
    auto axis = static_cast<int64_t>(op.getAxis());
    if (!type.getElementType().isF32() || type.isDynamicDim(axis))
      return rewriter.notifyMatchFailure(op, "only f32, along a static axis");
    TensorMath math{rewriter, op.getLoc()};
    Value m = math.reduce(
        x, axis, numerics::softmaxStart, [](SequenceEmitter &a, ValueRange v) {
          return numerics::softmaxMaximum(a, Value(v[0]), Value(v[1]));
        });
    Value terms = math.map(type, {x, m}, [](SequenceEmitter &a, ValueRange v) {
      return numerics::softmaxTerm(a, Value(v[0]), Value(v[1]));
    });
    Value sum = math.sum(terms, axis);
    if constexpr (Logarithm) {
      Value logSum =
          math.map(tensorType(sum), sum, [](SequenceEmitter &a, ValueRange v) {
            return numerics::log(a, Value(v[0]));
          });
      rewriter.replaceOp(
          op,
          math.map(type, {x, m, logSum}, [](SequenceEmitter &a, ValueRange v) {
            return numerics::logSoftmaxFinish(a, Value(v[0]), Value(v[1]),
                                              Value(v[2]));
          }));
    } else {
      rewriter.replaceOp(
          op,
          math.map(type, {terms, sum}, [](SequenceEmitter &a, ValueRange v) {
            return numerics::softmaxFinish(a, Value(v[0]), Value(v[1]));
          }));
    }
    return success();
  }
};

struct LowerLayerNorm : OpConversionPattern<LayerNormOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LayerNormOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value x = adaptor.getInput();
    RankedTensorType type = tensorType(x);
    SmallVector<int64_t> axes;
    float count = 1;
    for (int64_t d = op.getAxis(); d < type.getRank(); ++d) {
      axes.push_back(d);
      if (type.isDynamicDim(d))
        return rewriter.notifyMatchFailure(op, "normalizes over the batch");
      count *= type.getDimSize(d);
    }
    if (!type.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "only f32 is compiled");
    TensorMath math{rewriter, op.getLoc()};
    auto mean = [&](Value sum) {
      return math.map(tensorType(sum), sum,
                      [&](SequenceEmitter &a, ValueRange v) {
                        return a.div(v[0], a.constant(count));
                      });
    };
    if (!op.getRms())
      x = math.map(
          type, {x, mean(math.sum(x, axes))},
          [](SequenceEmitter &a, ValueRange v) { return a.sub(v[0], v[1]); });
    float epsilon = op.getEpsilon().convertToFloat();
    Value variance = mean(math.sumOfSquares(x, axes));
    Value deviation = math.map(
        tensorType(variance), variance, [&](SequenceEmitter &a, ValueRange v) {
          return a.sqrt(a.add(v[0], a.constant(epsilon)));
        });
    SmallVector<Value> inputs{x, deviation, adaptor.getScale()};
    if (op.getBias())
      inputs.push_back(adaptor.getBias());
    rewriter.replaceOp(
        op, math.map(type, inputs, [](SequenceEmitter &a, ValueRange v) {
          Value scaled = a.mul(a.div(v[0], v[1]), v[2]);
          return v.size() > 3 ? a.add(scaled, v[3]) : scaled;
        }));
    return success();
  }
};

struct LowerReduce : OpConversionPattern<ReduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ReduceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value x = adaptor.getInput();
    RankedTensorType type = tensorType(x);
    ArrayRef<int64_t> axes = op.getAxes();
    float count = 1;
    for (int64_t axis : axes) {
      if (type.isDynamicDim(axis))
        return rewriter.notifyMatchFailure(op, "reduces over the batch");
      count *= type.getDimSize(axis);
    }
    if (!type.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "only f32 is compiled");
    TensorMath math{rewriter, op.getLoc()};
    FailureOr<Value> reduced = reduce(math, op.getKind(), x, axes, count);
    if (failed(reduced))
      return rewriter.notifyMatchFailure(op, "this reduction is not compiled");
    Value result = *reduced;
    if (!op.getKeepDims())
      result = ReshapeOp::create(rewriter, op.getLoc(),
                                 cast<RankedTensorType>(op.getType()), result);
    rewriter.replaceOp(op, result);
    return success();
  }

  static FailureOr<Value> reduce(TensorMath &math, ReduceKind kind, Value x,
                                 ArrayRef<int64_t> axes, float count) {
    auto finish = [&](Value value, auto emit) {
      return math.map(tensorType(value), value, emit);
    };
    switch (kind) {
    case ReduceKind::sum:
      return math.sum(x, axes);
    case ReduceKind::mean:
      return finish(math.sum(x, axes), [&](SequenceEmitter &a, ValueRange v) {
        return a.div(v[0], a.constant(count));
      });
    case ReduceKind::sum_square:
      return math.sumOfSquares(x, axes);
    case ReduceKind::l2:
      return finish(
          math.sumOfSquares(x, axes),
          [](SequenceEmitter &a, ValueRange v) { return a.sqrt(v[0]); });
    case ReduceKind::l1:
      return math.reduce(x, axes, 0.0f, [](SequenceEmitter &a, ValueRange v) {
        return a.add(v[0], numerics::absolute(a, Value(v[1])));
      });
    case ReduceKind::prod:
      return math.reduce(x, axes, 1.0f, [](SequenceEmitter &a, ValueRange v) {
        return a.mul(v[0], v[1]);
      });
    case ReduceKind::max:
    case ReduceKind::min: {
      bool largest = kind == ReduceKind::max;
      float start = largest ? -INFINITY : INFINITY;
      return math.reduce(x, axes, start, [&](SequenceEmitter &a, ValueRange v) {
        // NaN wins; of equal values the first.
        Value better = largest ? a.less(v[0], v[1]) : a.greater(v[0], v[1]);
        Value best = a.select(better, v[1], v[0]);
        return a.select(a.unordered(v[1]), v[1], best);
      });
    }
    }
    return failure();
  }
};

/// First the extreme of each line, then the place of the first (or last) value
/// that equals it. NaN equals nothing; a line of NaN gives 0.
template <typename Op, bool Largest> struct LowerArg : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value x = adaptor.getInput();
    RankedTensorType type = tensorType(x);
    auto axis = static_cast<int64_t>(op.getAxis());
    if (!type.getElementType().isF32() || type.isDynamicDim(axis))
      return rewriter.notifyMatchFailure(op, "only f32, along a static axis");
    Location loc = op.getLoc();
    TensorMath math{rewriter, loc};
    Value best = math.reduce(x, axis, Largest ? -INFINITY : INFINITY,
                             [](SequenceEmitter &a, ValueRange v) {
                               Value better = Largest ? a.greater(v[1], v[0])
                                                      : a.less(v[1], v[0]);
                               return a.select(better, v[1], v[0]);
                             });
    Value place = placeOf(rewriter, loc, x, best, axis, op.getSelectLast());
    if (!op.getKeepDims())
      place = ReshapeOp::create(rewriter, loc,
                                cast<RankedTensorType>(op.getType()), place);
    rewriter.replaceOp(op, place);
    return success();
  }

  static Value placeOf(OpBuilder &builder, Location loc, Value x, Value best,
                       int64_t axis, bool isLast) {
    int64_t rank = tensorType(x).getRank();
    Type i64 = builder.getI64Type();
    Value none =
        arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(-1));
    RankedTensorType type = tensorType(best).clone(i64);
    Value start = filledTensor(builder, loc, type, x, none);
    SmallVector<AffineExpr> exprs;
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    iterators[axis] = utils::IteratorType::reduction;
    for (int64_t d = 0; d < rank; ++d)
      exprs.push_back(d == axis ? builder.getAffineConstantExpr(0)
                                : builder.getAffineDimExpr(d));
    AffineMap whole = builder.getMultiDimIdentityMap(rank);
    AffineMap line = AffineMap::get(rank, 0, exprs, builder.getContext());
    AffineMap maps[] = {whole, line, line};
    Value found =
        linalg::GenericOp::create(
            builder, loc, TypeRange{type}, ValueRange{x, best},
            ValueRange{start}, maps, iterators,
            [&](OpBuilder &b, Location l, ValueRange v) {
              Value hit = arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ,
                                                v[0], v[1]);
              if (!isLast)
                hit = arith::AndIOp::create(
                    b, l, hit,
                    arith::CmpIOp::create(b, l, arith::CmpIPredicate::eq, v[2],
                                          none));
              Value here = arith::IndexCastOp::create(
                  b, l, i64, linalg::IndexOp::create(b, l, axis));
              Value next = arith::SelectOp::create(b, l, hit, here, v[2]);
              linalg::YieldOp::create(b, l, next);
            })
            .getResult(0);
    Value zero =
        arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(0));
    return elementwise(builder, loc, type, found,
                       [&](OpBuilder &b, Location l, ValueRange v) -> Value {
                         return arith::MaxSIOp::create(b, l, v[0], zero);
                       });
  }
};

} // namespace

void mlir::qnet::populateReductionsToLinalg(TypeConverter &types,
                                            RewritePatternSet &patterns) {
  patterns.add<LowerSoftmax<SoftmaxOp, false>, LowerSoftmax<LogSoftmaxOp, true>,
               LowerLayerNorm, LowerReduce, LowerArg<ArgmaxOp, true>,
               LowerArg<ArgminOp, false>>(types, patterns.getContext());
}
