//===- ConvertQnetToLinalg.cpp - qnet on tensors to linalg
//-----------------===//
//
// Takes          an integer or float graph of qnet ops on tensors.
// Gives          linalg, arith, math and tensor ops (and packed_dense, if
//                select-kernels made any).
// Why            one road for native code and for other compilers.
// Not done here  bufferization, loops, kernels.
//
//===----------------------------------------------------------------------===//

#include "QnetToLinalg.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Lower/Passes.h"

#define DEBUG_TYPE "convert-qnet-to-linalg"

namespace mlir::qnet {
#define GEN_PASS_DEF_CONVERTQNETTOLINALG
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

SmallVector<OpFoldResult> mlir::qnet::sizesOf(OpBuilder &builder, Location loc,
                                              RankedTensorType type,
                                              ValueRange like) {
  SmallVector<OpFoldResult> sizes;
  for (auto [i, dim] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(dim)) {
      sizes.push_back(builder.getIndexAttr(dim));
      continue;
    }
    int64_t fromLast = type.getRank() - i;
    for (Value source : like) {
      auto sourceType = cast<RankedTensorType>(source.getType());
      int64_t d = sourceType.getRank() - fromLast;
      if (d < 0 || !sourceType.isDynamicDim(d))
        continue;
      sizes.push_back(Value(tensor::DimOp::create(builder, loc, source, d)));
      break;
    }
    assert(sizes.size() == i + 1 && "a dynamic dimension comes from an input");
  }
  return sizes;
}

Value mlir::qnet::emptyTensor(OpBuilder &builder, Location loc,
                              RankedTensorType type, ValueRange like) {
  return tensor::EmptyOp::create(
      builder, loc, sizesOf(builder, loc, type, like), type.getElementType());
}

Value mlir::qnet::filledTensor(OpBuilder &builder, Location loc,
                               RankedTensorType type, ValueRange like,
                               Value value) {
  Value empty = emptyTensor(builder, loc, type, like);
  return linalg::FillOp::create(builder, loc, value, empty).getResult(0);
}

Value mlir::qnet::elementwise(OpBuilder &builder, Location loc,
                              RankedTensorType type, ValueRange inputs,
                              ElementBody body) {
  int64_t rank = type.getRank();
  SmallVector<AffineMap> maps;
  for (Value input : inputs) {
    auto inputType = cast<RankedTensorType>(input.getType());
    SmallVector<AffineExpr> exprs;
    for (int64_t d = 0; d < inputType.getRank(); ++d) {
      int64_t resultDim = rank - inputType.getRank() + d;
      bool repeats =
          inputType.getDimSize(d) == 1 && type.getDimSize(resultDim) != 1;
      exprs.push_back(repeats ? builder.getAffineConstantExpr(0)
                              : builder.getAffineDimExpr(resultDim));
    }
    maps.push_back(AffineMap::get(rank, 0, exprs, builder.getContext()));
  }
  maps.push_back(builder.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  Value init = emptyTensor(builder, loc, type, inputs);
  return linalg::GenericOp::create(
             builder, loc, TypeRange{type}, inputs, ValueRange{init}, maps,
             iterators,
             [&](OpBuilder &b, Location l, ValueRange args) {
               linalg::YieldOp::create(b, l, body(b, l, args.drop_back()));
             })
      .getResult(0);
}

Value mlir::qnet::reduceAxes(OpBuilder &builder, Location loc, Value input,
                             ArrayRef<int64_t> axes, Value init,
                             ElementBody body) {
  auto inputType = cast<RankedTensorType>(input.getType());
  int64_t rank = inputType.getRank();
  SmallVector<int64_t> shape(inputType.getShape());
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> iterators;
  for (int64_t d = 0; d < rank; ++d) {
    bool reduced = llvm::is_contained(axes, d);
    if (reduced)
      shape[d] = 1;
    exprs.push_back(reduced ? builder.getAffineConstantExpr(0)
                            : builder.getAffineDimExpr(d));
    iterators.push_back(reduced ? utils::IteratorType::reduction
                                : utils::IteratorType::parallel);
  }
  auto type = RankedTensorType::get(shape, init.getType());
  Value start = filledTensor(builder, loc, type, input, init);
  AffineMap maps[] = {builder.getMultiDimIdentityMap(rank),
                      AffineMap::get(rank, 0, exprs, builder.getContext())};
  return linalg::GenericOp::create(
             builder, loc, TypeRange{type}, ValueRange{input},
             ValueRange{start}, maps, iterators,
             [&](OpBuilder &b, Location l, ValueRange args) {
               Value folded = body(b, l, {args[1], args[0]});
               linalg::YieldOp::create(b, l, folded);
             })
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

Type plainElement(Type element) {
  if (auto calibrated = dyn_cast<quant::CalibratedQuantizedType>(element))
    return calibrated.getExpressedType();
  if (auto quantized = dyn_cast<quant::QuantizedType>(element))
    return IntegerType::get(element.getContext(),
                            quantized.getStorageTypeIntegralWidth() <= 8 ? 8
                                                                         : 16);
  if (auto integer = dyn_cast<IntegerType>(element))
    return IntegerType::get(element.getContext(), integer.getWidth());
  return element;
}

struct LowerConstant : OpConversionPattern<ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    ElementsAttr value = op.getValue();
    if (type != op.getType()) {
      if (auto dense = dyn_cast<DenseElementsAttr>(value))
        value = dense.bitcast(type.getElementType());
      else if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
        value = DenseResourceElementsAttr::get(type, resource.getRawHandle());
      else
        return rewriter.notifyMatchFailure(op, "unknown kind of constant");
    }
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, type,
                                                   cast<TypedAttr>(value));
    return success();
  }
};

/// tensor ops that select-kernels made carry over with converted types.
struct ConvertQnetToLinalg
    : qnet::impl::ConvertQnetToLinalgBase<ConvertQnetToLinalg> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    TypeConverter types;
    types.addConversion([](Type type) { return type; });
    types.addConversion([](RankedTensorType type) {
      return type.clone(plainElement(type.getElementType()));
    });
    auto cast = [](OpBuilder &b, Type type, ValueRange in,
                   Location loc) -> Value {
      return UnrealizedConversionCastOp::create(b, loc, type, in).getResult(0);
    };
    types.addSourceMaterialization(cast);
    types.addTargetMaterialization(cast);

    ConversionTarget target(*context);
    target.addLegalDialect<linalg::LinalgDialect, tensor::TensorDialect,
                           arith::ArithDialect, math::MathDialect>();
    target.addLegalOp<ModuleOp, PackedDenseOp, PairRowsOp>();
    target.addIllegalDialect<QnetDialect>();
    target.addLegalOp<PackedDenseOp, PairRowsOp, GroupSumsOp>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return types.isSignatureLegal(op.getFunctionType());
    });
    target.addDynamicallyLegalOp<func::ReturnOp>(
        [&](func::ReturnOp op) { return types.isLegal(op); });

    RewritePatternSet patterns(context);
    patterns.add<LowerConstant>(types, context);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   types);
    populateReturnOpTypeConversionPattern(patterns, types);
    populateIntegerToLinalg(types, patterns);
    populateElementwiseToLinalg(types, patterns);
    populateMovesToLinalg(types, patterns);
    populateReductionsToLinalg(types, patterns);
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      return signalPassFailure();
    dropNotes();
  }

  /// What quantc notes on functions and ops means nothing to another compiler,
  /// which would refuse attributes of a dialect it does not know.
  void dropNotes() {
    auto isNote = [](NamedAttribute attribute) {
      return attribute.getName().strref().starts_with("qnet.");
    };
    auto attributesOf = [](DictionaryAttr dictionary) {
      return dictionary ? dictionary.getValue() : ArrayRef<NamedAttribute>();
    };
    getOperation().walk([&](Operation *op) {
      if (isa_and_nonnull<QnetDialect>(op->getDialect()))
        return;
      for (NamedAttribute attribute :
           llvm::to_vector(op->getDiscardableAttrs()))
        // emit-entry still reads that one.
        if (isNote(attribute) && attribute.getName() != kClippedAttr)
          op->removeDiscardableAttr(attribute.getName());
      auto function = dyn_cast<func::FuncOp>(op);
      if (!function)
        return;
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        for (NamedAttribute attribute :
             attributesOf(function.getArgAttrDict(i)))
          if (isNote(attribute))
            function.removeArgAttr(i, attribute.getName());
      for (unsigned i = 0; i < function.getNumResults(); ++i)
        for (NamedAttribute attribute :
             attributesOf(function.getResultAttrDict(i)))
          if (isNote(attribute))
            function.removeResultAttr(i, attribute.getName());
    });
  }
};

} // namespace
