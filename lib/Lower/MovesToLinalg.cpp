//===- MovesToLinalg.cpp - ops that move values
//----------------------------===//

#include "QnetToLinalg.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "quantc/Dialect/Constants.h"

using namespace mlir;
using namespace mlir::qnet;

namespace {

RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

struct LowerConcat : OpConversionPattern<ConcatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ConcatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto axis = static_cast<int64_t>(op.getAxis());
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    if (type.isDynamicDim(axis))
      return rewriter.notifyMatchFailure(op,
                                         "rows of the batch are not joined");
    Value result = emptyTensor(rewriter, loc, type, adaptor.getInputs());
    OpFoldResult zero = rewriter.getIndexAttr(0),
                 one = rewriter.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets(type.getRank(), zero),
        strides(type.getRank(), one);
    int64_t at = 0;
    for (Value input : adaptor.getInputs()) {
      offsets[axis] = rewriter.getIndexAttr(at);
      result = tensor::InsertSliceOp::create(
          rewriter, loc, input, result, offsets,
          sizesOf(rewriter, loc, tensorType(input), input), strides);
      at += tensorType(input).getDimSize(axis);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// Reads `source` at computed positions: `position(d, i)` gives the index in
/// dimension d of the source for the result's indices i.
Value gatherElements(
    OpBuilder &builder, Location loc, RankedTensorType type, Value source,
    ValueRange like,
    llvm::function_ref<Value(OpBuilder &, Location, int64_t, ValueRange)>
        position) {
  Value init = emptyTensor(builder, loc, type, like);
  int64_t rank = type.getRank();
  AffineMap map = builder.getMultiDimIdentityMap(rank);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, TypeRange{type}, ValueRange{}, ValueRange{init},
             ArrayRef<AffineMap>{map}, iterators,
             [&](OpBuilder &b, Location l, ValueRange) {
               SmallVector<Value> at, indices;
               for (int64_t d = 0; d < rank; ++d)
                 at.push_back(linalg::IndexOp::create(b, l, d));
               for (int64_t d = 0; d < tensorType(source).getRank(); ++d)
                 indices.push_back(position(b, l, d, at));
               Value element = tensor::ExtractOp::create(b, l, source, indices);
               linalg::YieldOp::create(b, l, element);
             })
      .getResult(0);
}

struct LowerSlice : OpConversionPattern<SliceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SliceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    ArrayRef<int64_t> starts = op.getStarts(), steps = op.getSteps();
    if (llvm::all_of(steps, [](int64_t step) { return step > 0; })) {
      SmallVector<OpFoldResult> offsets, strides;
      for (auto [start, step] : llvm::zip_equal(starts, steps)) {
        offsets.push_back(rewriter.getIndexAttr(start));
        strides.push_back(rewriter.getIndexAttr(step));
      }
      rewriter.replaceOp(op, tensor::ExtractSliceOp::create(
                                 rewriter, loc, input, offsets,
                                 sizesOf(rewriter, loc, type, input), strides)
                                 .getResult());
      return success();
    }
    rewriter.replaceOp(
        op, gatherElements(
                rewriter, loc, type, input, input,
                [&](OpBuilder &b, Location l, int64_t d, ValueRange at) {
                  Value step = arith::ConstantIndexOp::create(b, l, steps[d]);
                  Value start = arith::ConstantIndexOp::create(b, l, starts[d]);
                  Value moved = arith::MulIOp::create(b, l, at[d], step);
                  return Value(arith::AddIOp::create(b, l, start, moved));
                }));
    return success();
  }
};

struct LowerReshape : OpConversionPattern<ReshapeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ReshapeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    RankedTensorType from = tensorType(input);
    auto to =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    if (from == to) {
      rewriter.replaceOp(op, input);
      return success();
    }
    if (auto groups = getReassociationIndicesForReshape(from, to)) {
      if (from.getRank() > to.getRank()) {
        rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, to, input,
                                                             *groups);
        return success();
      }
      if (from.getRank() < to.getRank()) {
        expand(op, rewriter, input, to, *groups);
        return success();
      }
    }
    // Through one dimension: the flat order of both.
    SmallVector<ReassociationIndices> all(1), back(1);
    for (int64_t d = 0; d < from.getRank(); ++d)
      all[0].push_back(d);
    for (int64_t d = 0; d < to.getRank(); ++d)
      back[0].push_back(d);
    int64_t flat =
        from.hasStaticShape() ? from.getNumElements() : ShapedType::kDynamic;
    auto flatType = RankedTensorType::get({flat}, from.getElementType());
    Value line = from.getRank() == 1
                     ? input
                     : Value(tensor::CollapseShapeOp::create(
                           rewriter, loc, flatType, input, all));
    if (to.getRank() == 1)
      rewriter.replaceOp(op, line);
    else
      expand(op, rewriter, line, to, back);
    return success();
  }

  /// The dynamic dimension of `to` is what the static ones leave of its group.
  static void expand(ReshapeOp op, ConversionPatternRewriter &rewriter,
                     Value input, RankedTensorType to,
                     ArrayRef<ReassociationIndices> groups) {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes;
    for (auto [d, group] : llvm::enumerate(groups))
      for (int64_t i : group) {
        if (!to.isDynamicDim(i)) {
          sizes.push_back(rewriter.getIndexAttr(to.getDimSize(i)));
          continue;
        }
        int64_t others = 1;
        for (int64_t j : group)
          if (!to.isDynamicDim(j))
            others *= to.getDimSize(j);
        Value whole = tensor::DimOp::create(rewriter, loc, input, d);
        if (others == 1) {
          sizes.push_back(whole);
          continue;
        }
        Value divisor = arith::ConstantIndexOp::create(rewriter, loc, others);
        sizes.push_back(
            Value(arith::DivUIOp::create(rewriter, loc, whole, divisor)));
      }
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(op, to, input, groups,
                                                       sizes);
  }
};

struct LowerTranspose : OpConversionPattern<TransposeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TransposeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    SmallVector<OpFoldResult> sizes;
    for (auto [d, source] : llvm::enumerate(op.getPermutation())) {
      if (type.isDynamicDim(d))
        sizes.push_back(
            Value(tensor::DimOp::create(rewriter, loc, input, source)));
      else
        sizes.push_back(rewriter.getIndexAttr(type.getDimSize(d)));
    }
    Value init =
        tensor::EmptyOp::create(rewriter, loc, sizes, type.getElementType());
    rewriter.replaceOp(op, linalg::TransposeOp::create(
                               rewriter, loc, input, init, op.getPermutation())
                               .getResult());
    return success();
  }
};

struct LowerBroadcast : OpConversionPattern<BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(BroadcastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    if (!type.hasStaticShape() &&
        tensorType(adaptor.getInput()).hasStaticShape())
      return rewriter.notifyMatchFailure(op, "the batch has no source");
    rewriter.replaceOp(
        op,
        elementwise(rewriter, op.getLoc(), type, adaptor.getInput(),
                    [](OpBuilder &, Location, ValueRange x) { return x[0]; }));
    return success();
  }
};

/// The largest value of an index that is the place of a value among others, or
/// a choice of such places; nothing where it may be anything.
std::optional<int64_t> largestPlace(Value index) {
  Operation *op = index.getDefiningOp();
  while (isa_and_nonnull<ReshapeOp, CastOp>(op))
    op = op->getOperand(0).getDefiningOp();
  if (isa_and_nonnull<ArgmaxOp, ArgminOp>(op)) {
    auto axis = op->getAttrOfType<IntegerAttr>("axis").getInt();
    int64_t count = tensorType(op->getOperand(0)).getDimSize(axis);
    if (ShapedType::isDynamic(count))
      return std::nullopt;
    return count - 1;
  }
  if (auto constant = dyn_cast_or_null<ConstantOp>(op)) {
    auto places = readConstant<int64_t>(constant);
    if (failed(places) || places->empty() || *llvm::min_element(*places) < 0)
      return std::nullopt;
    return *llvm::max_element(*places);
  }
  // One level: a chain of choices has no bound.
  auto where = dyn_cast_or_null<WhereOp>(op);
  if (!where)
    return std::nullopt;
  std::optional<int64_t> largest = 0;
  for (Value choice : where->getOperands().drop_front()) {
    if (choice.getDefiningOp<WhereOp>())
      return std::nullopt;
    std::optional<int64_t> place = largestPlace(choice);
    if (!place)
      return std::nullopt;
    largest = std::max(*largest, *place);
  }
  return largest;
}

/// Whether an index is never out of range in a table of that size.
bool isPlaceAmong(Value index, int64_t size) {
  std::optional<int64_t> largest = largestPlace(index);
  return largest && *largest < size;
}

/// Constant indices along a static axis (feature selection), or such a place in
/// a table.
struct LowerGather : OpConversionPattern<GatherOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(GatherOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto axis = static_cast<int64_t>(op.getAxis());
    Value input = adaptor.getInput();
    int64_t size = tensorType(input).getDimSize(axis);
    auto indices = readConstant<int64_t>(op.getIndices());
    if (failed(indices) && tensorType(input).getRank() == 1 &&
        isPlaceAmong(op.getIndices(), size)) {
      lookUp(op, rewriter, input, adaptor.getIndices());
      return success();
    }
    if (failed(indices) || ShapedType::isDynamic(size))
      return rewriter.notifyMatchFailure(
          op, "only constant i64 indices along a feature axis, and the place "
              "of an extreme in a table");
    for (int64_t &i : *indices)
      i = i < 0 ? i + size : i;
    auto indexType = tensorType(op.getIndices());
    Location loc = op.getLoc();
    Value table = arith::ConstantOp::create(
        rewriter, loc,
        cast<TypedAttr>(makeElements<int64_t>(
            RankedTensorType::get(indexType.getShape(), rewriter.getI64Type()),
            *indices)));
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    int64_t indexRank = indexType.getRank();
    rewriter.replaceOp(
        op,
        gatherElements(
            rewriter, loc, type, input, input,
            [&](OpBuilder &b, Location l, int64_t d, ValueRange at) -> Value {
              if (d < axis)
                return at[d];
              if (d > axis)
                return at[d + indexRank - 1];
              Value i = tensor::ExtractOp::create(b, l, table,
                                                  at.slice(axis, indexRank));
              return arith::IndexCastOp::create(b, l, b.getIndexType(), i);
            }));
    return success();
  }

  /// An element of a table for each index.
  void lookUp(GatherOp op, ConversionPatternRewriter &rewriter, Value table,
              Value indices) const {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    rewriter.replaceOp(
        op, elementwise(rewriter, op.getLoc(), type, indices,
                        [&](OpBuilder &b, Location l, ValueRange at) -> Value {
                          Value i = arith::IndexCastOp::create(
                              b, l, b.getIndexType(), at[0]);
                          return tensor::ExtractOp::create(b, l, table, i);
                        }));
  }
};

} // namespace

void mlir::qnet::populateMovesToLinalg(TypeConverter &types,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerConcat, LowerSlice, LowerReshape, LowerTranspose,
               LowerBroadcast, LowerGather>(types, patterns.getContext());
}
