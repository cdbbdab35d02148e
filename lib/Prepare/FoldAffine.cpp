//===- FoldAffine.cpp - products and sums beside a dense layer go into it -===//
//
// Takes          dense layers of constants; add, sub, mul, div by constants,
//                negations and batch_norm beside them.
// Gives          s (W x + b) + t  =  (s W) x + (s b + t)      behind a layer
//                W (s x + t) + b  =  (W s) x + (b + W t)      before one
//                composed in f64, rounded once.
// Why            the float ops would each need a quantized form of their own.
// Not done here  affines between other ops; two dense layers in a row.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "AffineChain.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Reference/PartLocation.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

#define DEBUG_TYPE "fold-affine"

namespace mlir::qnet {
#define GEN_PASS_DEF_FOLDAFFINE
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

//===----------------------------------------------------------------------===//
// The layer's constants
//===----------------------------------------------------------------------===//

struct Layer {
  std::vector<float> weights, bias;
  int64_t channels = 0, inputs = 0;
};

FailureOr<Layer> readLayer(DenseOp op, PatternRewriter &rewriter) {
  auto type = cast<RankedTensorType>(op.getWeights().getType());
  if (!type.getElementType().isF32())
    return rewriter.notifyMatchFailure(op, "requires f32");
  FailureOr<std::vector<float>> weights = readConstant<float>(op.getWeights());
  if (failed(weights))
    return rewriter.notifyMatchFailure(op, "requires constant weights");
  Layer layer;
  layer.weights = std::move(*weights);
  layer.channels = type.getDimSize(0);
  layer.inputs = type.getDimSize(1);
  layer.bias.assign(layer.channels, 0);
  if (!op.getBias())
    return layer;
  FailureOr<std::vector<float>> bias = readConstant<float>(op.getBias());
  if (failed(bias))
    return rewriter.notifyMatchFailure(op, "requires a constant bias");
  layer.bias = std::move(*bias);
  return layer;
}

bool isFinite(ArrayRef<float> values) {
  return llvm::all_of(values, [](float value) { return std::isfinite(value); });
}

/// A dense like `op` on `input` with the constants of `layer`.
DenseOp buildLayer(DenseOp op, Location location, Value input,
                   const Layer &layer, PatternRewriter &rewriter) {
  Type f32 = rewriter.getF32Type();
  // The constants are still the layer's own, whatever its value is named now.
  Value weights =
      makeConstant<float>(rewriter, op.getWeights().getLoc(),
                          {layer.channels, layer.inputs}, f32, layer.weights);
  Location biasLocation =
      op.getBias() ? op.getBias().getLoc() : op.getWeights().getLoc();
  Value bias = makeConstant<float>(rewriter, biasLocation, {layer.channels},
                                   f32, layer.bias);
  auto dense = DenseOp::create(rewriter, location, op.getType(), input, weights,
                               bias, op.getFunctionAttr(), op.getAlphaAttr(),
                               op.getBetaAttr());
  dense->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  return dense;
}

/// The affine as one pair for each of `features` elements of the last axis, or
/// nothing where the pairs differ along the other axes of a row.
std::optional<Affine> alongLastAxis(const Affine &affine, int64_t features) {
  if (features == 0 || affine.size() % features != 0 || affine.size() == 0)
    return std::nullopt;
  for (int64_t i = features; i < affine.size(); ++i)
    if (affine.scale[i] != affine.scale[i - features] ||
        affine.shift[i] != affine.shift[i - features])
      return std::nullopt;
  Affine result = affine;
  result.scale.resize(features);
  result.shift.resize(features);
  return result;
}

//===----------------------------------------------------------------------===//
// s (W x + b) + t
//===----------------------------------------------------------------------===//

struct FoldBehindDense : OpRewritePattern<DenseOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DenseOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getFunction() != Function::identity)
      return rewriter.notifyMatchFailure(op, "has a function");
    std::optional<int64_t> elements = rowElements(op.getResult());
    if (!elements)
      return rewriter.notifyMatchFailure(op, "requires rows of static shape");
    Affine total = Affine::identity(op.getResult(), *elements);
    Operation *last = op;
    std::string reason = "no affine op behind it";
    while (last->hasOneUse()) {
      Operation *user = *last->user_begin();
      std::optional<Affine> next = matchAffine(user, reason);
      if (!next || next->input != last->getResult(0))
        break;
      total.then(*next);
      last = user;
    }
    if (last == op)
      return rewriter.notifyMatchFailure(op, reason);
    FailureOr<Layer> layer = readLayer(op, rewriter);
    if (failed(layer))
      return failure();
    std::optional<Affine> perChannel = alongLastAxis(total, layer->channels);
    if (!perChannel)
      return rewriter.notifyMatchFailure(
          op, "the affine behind it differs along other axes than the last");
    for (int64_t n = 0; n < layer->channels; ++n) {
      const double scale = perChannel->scale[n];
      for (float &weight : MutableArrayRef(layer->weights)
                               .slice(n * layer->inputs, layer->inputs))
        weight = static_cast<float>(scale * weight);
      layer->bias[n] =
          static_cast<float>(scale * layer->bias[n] + perChannel->shift[n]);
    }
    if (!isFinite(layer->weights) || !isFinite(layer->bias))
      return rewriter.notifyMatchFailure(op, "folded constants are not finite");
    rewriter.setInsertionPoint(last);
    DenseOp folded = buildLayer(
        op, fusedLocation(getContext(), {op.getLoc(), last->getLoc()}),
        op.getInput(), *layer, rewriter);
    rewriter.replaceOp(last, folded);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// W (s x + t) + b
//===----------------------------------------------------------------------===//

/// Whether raw features can share one 8-bit range. An affine that standardizes
/// puts most of a feature within 3 of 0, that is, the raw feature within
/// (-t +- 3) / s; each must keep a quarter of the steps of all together.
bool fitsOneRange(const Affine &affine) {
  constexpr double spread = 3, leastShare = 0.25;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  double narrowest = low;
  for (int64_t i = 0; i < affine.size(); ++i) {
    if (affine.scale[i] == 0)
      continue; // a feature that is not read
    const double center = -affine.shift[i] / affine.scale[i];
    const double reach = spread / std::fabs(affine.scale[i]);
    low = std::min(low, center - reach);
    high = std::max(high, center + reach);
    narrowest = std::min(narrowest, 2 * reach);
  }
  return !(narrowest < leastShare * (high - low));
}

/// Whether a value is made of a graph's inputs without a layer: raw features,
/// cleaned, transformed or encoded, each in a unit of its own.
bool isMadeOfInputs(Value value) {
  constexpr unsigned most = 256; // hostile graphs end the search
  llvm::SetVector<Value> values;
  values.insert(value);
  for (unsigned i = 0; i < values.size(); ++i) {
    Operation *op = values[i].getDefiningOp();
    if (!op)
      continue;
    if (isa<DenseOp, MatmulOp, KernelOp>(op) || values.size() > most)
      return false;
    values.insert(op->operand_begin(), op->operand_end());
  }
  return true;
}

/// The affine ops above a layer's input, found first and removed then.
class AffineSources {
public:
  /// What `value` is of the values that stay: an affine of each element. Only
  /// ops that nobody else reads are looked through.
  Affine plan(Value value, int depth = 0) {
    std::optional<int64_t> elements = rowElements(value);
    Affine unchanged = Affine::identity(value, elements.value_or(0));
    constexpr int deepest = 64; // hostile chains must not use up the stack
    if (!elements || !value.hasOneUse() || depth > deepest)
      return unchanged;
    Operation *op = value.getDefiningOp();
    std::string reason;
    if (std::optional<Affine> own = matchAffine(op, reason)) {
      const size_t before = removed.size();
      Affine whole = plan(own->input, depth + 1);
      whole.then(*own);
      if (!whole.isFinite() ||
          (isMadeOfInputs(whole.input) && !fitsOneRange(whole))) {
        removed.resize(before);
        return unchanged;
      }
      removed.emplace_back(value, own->input);
      return whole;
    }
    if (auto concat = dyn_cast_or_null<ConcatOp>(op)) {
      if (concat.getAxis() != 1 || concat.getType().getRank() != 2)
        return unchanged;
      const size_t before = removed.size();
      Affine whole{value, {}, {}};
      for (Value input : concat.getInputs()) {
        Affine part = plan(input, depth + 1);
        llvm::append_range(whole.scale, part.scale);
        llvm::append_range(whole.shift, part.shift);
      }
      // Parts that fit one range each may not fit one together.
      if (whole.size() != *elements ||
          (removed.size() > before && isMadeOfInputs(value) &&
           !fitsOneRange(whole))) {
        removed.resize(before);
        return unchanged;
      }
      return whole;
    }
    if (auto reshape = dyn_cast_or_null<ReshapeOp>(op)) {
      auto from = cast<RankedTensorType>(reshape.getInput().getType());
      auto to = cast<RankedTensorType>(reshape.getType());
      if (rowElements(reshape.getInput()) != elements ||
          from.getDimSize(0) != to.getDimSize(0))
        return unchanged;
      return plan(reshape.getInput(), depth + 1);
    }
    return unchanged;
  }

  bool empty() const { return removed.empty(); }

  /// `value` on top of what stays.
  Value rebuild(Value value, PatternRewriter &rewriter) const {
    for (auto [result, input] : removed)
      if (result == value)
        return rebuild(input, rewriter);
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<ConcatOp, ReshapeOp>(op) || !value.hasOneUse())
      return value;
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(rebuild(operand, rewriter));
    if (llvm::equal(operands, op->getOperands()))
      return value;
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointAfter(op);
    Operation *copy = rewriter.clone(*op);
    copy->setOperands(operands);
    copy->setLoc(partLocation(op->getLoc(), "raw"));
    return copy->getResult(0);
  }

private:
  /// Result and input of each op to go; few, and cut back when one may not go.
  SmallVector<std::pair<Value, Value>> removed;
};

struct FoldBeforeDense : OpRewritePattern<DenseOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DenseOp op,
                                PatternRewriter &rewriter) const override {
    if (!rowElements(op.getInput()))
      return rewriter.notifyMatchFailure(op, "requires rows of static shape");
    AffineSources sources;
    Affine affine = sources.plan(op.getInput());
    if (sources.empty())
      return rewriter.notifyMatchFailure(
          op, "no affine op before it that may be folded");
    FailureOr<Layer> layer = readLayer(op, rewriter);
    if (failed(layer))
      return failure();
    std::optional<Affine> perInput = alongLastAxis(affine, layer->inputs);
    if (!perInput)
      return rewriter.notifyMatchFailure(
          op, "the affine before it differs along other axes than the last");
    for (int64_t n = 0; n < layer->channels; ++n) {
      MutableArrayRef<float> row = MutableArrayRef(layer->weights)
                                       .slice(n * layer->inputs, layer->inputs);
      double bias = layer->bias[n];
      for (auto [weight, scale, shift] :
           llvm::zip_equal(row, perInput->scale, perInput->shift)) {
        bias += weight * shift;
        weight = static_cast<float>(weight * scale);
      }
      layer->bias[n] = static_cast<float>(bias);
    }
    if (!isFinite(layer->weights) || !isFinite(layer->bias))
      return rewriter.notifyMatchFailure(op, "folded constants are not finite");
    Value input = sources.rebuild(op.getInput(), rewriter);
    rewriter.replaceOp(op,
                       buildLayer(op, op.getLoc(), input, *layer, rewriter));
    return success();
  }
};

struct FoldAffine : qnet::impl::FoldAffineBase<FoldAffine> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldBehindDense, FoldBeforeDense>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
