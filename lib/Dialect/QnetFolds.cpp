//===- QnetFolds.cpp - Folds and canonicalization -------------------------===//
//
// Part of the quantc project.
//
// Only rewrites that keep every value and need no arithmetic on elements; whole
// graphs of constants are folded by Prepare with the Reference interpreter.
//
//===----------------------------------------------------------------------===//

#include "QnetRules.h"
#include "quantc/Dialect/Constants.h"

using namespace mlir;
using namespace mlir::qnet;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

Operation *QnetDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                            Type type, Location location) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getShapedType() != type ||
      !isa<RankedTensorType>(type))
    return nullptr;
  return ConstantOp::create(builder, location, elements);
}

//===----------------------------------------------------------------------===//
// Identities
//===----------------------------------------------------------------------===//

OpFoldResult ActivationOp::fold(FoldAdaptor) {
  if (getFunction() == Function::identity && getInput().getType() == getType())
    return getInput();
  return {};
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  return {};
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  if (getInputs().size() == 1 && getInputs().front().getType() == getType())
    return getInputs().front();
  return {};
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  // Starts are within the input, so equal shapes taken forwards are the whole.
  if (getInput().getType() == getType() &&
      llvm::all_of(getStarts(), [](int64_t start) { return start == 0; }) &&
      llvm::all_of(getSteps(), [](int64_t step) { return step == 1; }))
    return getInput();
  return {};
}

OpFoldResult QuantizeOp::fold(FoldAdaptor) {
  // f32(q - zp) * scale / scale is within 2^-22 of the integer q - zp, so
  // rounding gives q back.
  auto dequantize = getInput().getDefiningOp<DequantizeOp>();
  if (dequantize && dequantize.getInput().getType() == getType())
    return dequantize.getInput();
  return {};
}

OpFoldResult RequantizeOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  return {};
}

//===----------------------------------------------------------------------===//
// reshape, transpose
//===----------------------------------------------------------------------===//

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (auto inner = getInput().getDefiningOp<ReshapeOp>()) {
    auto from = cast<RankedTensorType>(inner.getInput().getType());
    if (from == getType())
      return inner.getInput();
    // 6 to 2 to 4 with a dynamic dimension each: the two steps are legal, the
    // one from 6 to 4 is not.
    if (succeeded(checkReshape(from.getShape(), getType().getShape(),
                               [] { return RuleError(); }))) {
      getInputMutable().assign(inner.getInput());
      return getResult();
    }
  }
  auto constant = dyn_cast_or_null<ElementsAttr>(adaptor.getInput());
  if (!constant || constant.getElementType() != getType().getElementType() ||
      !getType().hasStaticShape())
    return {};
  if (auto dense = dyn_cast<DenseElementsAttr>(constant))
    return dense.reshape(getType());
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant))
    return DenseResourceElementsAttr::get(getType(), resource.getRawHandle());
  return {};
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  ArrayRef<int64_t> outer = getPermutation();
  auto isIdentity = [](ArrayRef<int64_t> permutation) {
    return llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size()));
  };
  if (isIdentity(outer) && getInput().getType() == getType())
    return getInput();
  auto inner = getInput().getDefiningOp<TransposeOp>();
  if (!inner)
    return {};
  SmallVector<int64_t> both;
  for (int64_t dimension : outer)
    both.push_back(inner.getPermutation()[dimension]);
  setPermutation(both);
  getInputMutable().assign(inner.getInput());
  return getResult();
}

//===----------------------------------------------------------------------===//
// dense
//===----------------------------------------------------------------------===//

namespace {

/// dense with a bias of zeros -> dense without one.
struct DropZeroBias : OpRewritePattern<DenseOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DenseOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getBias())
      return rewriter.notifyMatchFailure(op, "it has no bias");
    Attribute bias;
    if (!matchPattern(op.getBias(), m_Constant(&bias)))
      return rewriter.notifyMatchFailure(op, "the bias is not constant");
    std::optional<RawElements> raw = rawElements(bias);
    // All bits 0 is +0 in every float type; -0 is left, for it is another bit
    // pattern and rare.
    if (!raw || !llvm::all_of(raw->data, [](char byte) { return byte == 0; }))
      return rewriter.notifyMatchFailure(op, "the bias is not all +0");
    rewriter.modifyOpInPlace(op, [&] { op.getBiasMutable().clear(); });
    return success();
  }
};

} // namespace

void DenseOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *context) {
  patterns.add<DropZeroBias>(context);
}
