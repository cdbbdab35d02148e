//===- DecomposeForIntegers.cpp - composite ops as ops with an integer form
//===//
//
// Takes          a prepared graph, calibrated or not.
// Gives          dense without functions; reductions between dense layers as
//                dense layers; prelu between them as max, min, mul and add.
// Why            then every op has one integer form, and a function is a link
//                of a chain wherever it came from.
// Not done here  choosing parameters (assign-parameters).
//
//===----------------------------------------------------------------------===//
#include "Placement.h"
#include "StorageTypes.h"
#include "UnarySteps.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Quantize/Passes.h"
#include "quantc/Quantize/Quantize.h"

#define DEBUG_TYPE "decompose-for-integers"

namespace mlir::qnet {
#define GEN_PASS_DEF_DECOMPOSEFORINTEGERS
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// The name of a part of the op called NAME: NAME/part.
Location partOf(Location location, StringRef part) {
  if (auto name = dyn_cast<NameLoc>(location))
    return NameLoc::get(StringAttr::get(name.getContext(),
                                        name.getName().strref() + "/" + part),
                        name.getChildLoc());
  return location;
}

/// What Calibrate wrote about a value goes to the value that stands for it.
void moveAnnotations(Operation *from, Operation *to) {
  for (StringRef name :
       {StringRef(kMeanAttr), StringRef(kParametersAttr),
        StringRef(kSeenRangeAttr), StringRef(kOutputNoiseAttr)})
    if (Attribute attribute = from->getDiscardableAttr(name)) {
      to->setDiscardableAttr(name, attribute);
      from->removeDiscardableAttr(name);
    }
}

RankedTensorType realTypeOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.clone(realType(type.getElementType()));
}

/// What the layer gives before its function: f32, with the measured range where
/// Calibrate left one.
RankedTensorType preactivationType(DenseOp dense, Attribute range) {
  RankedTensorType real = realTypeOf(dense.getResult());
  auto ends = dyn_cast_if_present<DenseF64ArrayAttr>(range);
  if (!ends || ends.size() != 2 || !std::isfinite(ends[0]) ||
      !std::isfinite(ends[1]) || ends[0] >= ends[1])
    return real;
  return real.clone(quant::CalibratedQuantizedType::get(real.getElementType(),
                                                        ends[0], ends[1]));
}

/// dense {function = f} -> dense, activation f.
void splitFunction(DenseOp dense) {
  Attribute range = dense->removeDiscardableAttr(kPreactivationRangeAttr);
  if (dense.getFunction() == Function::identity)
    return;
  OpBuilder builder(dense);
  builder.setInsertionPointAfter(dense);
  auto activation = ActivationOp::create(
      builder, dense.getLoc(), dense.getType(), dense.getFunctionAttr(),
      dense.getResult(), dense.getAlphaAttr(), dense.getBetaAttr());
  dense.getResult().replaceAllUsesExcept(activation.getResult(), activation);
  moveAnnotations(dense, activation);
  dense.setFunction(Function::identity);
  dense.removeAlphaAttr();
  dense.removeBetaAttr();
  dense.getResult().setType(preactivationType(dense, range));
  dense->setLoc(partOf(dense.getLoc(), "pre-activation"));
}

/// reduce sum|mean over static dimensions: the reduced ones go last, become one
/// of size K, and a dense layer of one row adds them up.
LogicalResult reduceByDense(ReduceOp reduce) {
  auto input = cast<RankedTensorType>(reduce.getInput().getType());
  SmallVector<int64_t> permutation, kept;
  int64_t terms = 1;
  for (int64_t i = 0; i < input.getRank(); ++i)
    if (!llvm::is_contained(reduce.getAxes(), i)) {
      permutation.push_back(i);
      kept.push_back(input.getDimSize(i));
    }
  for (int64_t axis : reduce.getAxes()) {
    if (input.isDynamicDim(axis))
      return failure();
    permutation.push_back(axis);
    terms *= input.getDimSize(axis);
  }
  if (terms == 0 || llvm::count(kept, ShapedType::kDynamic) > 1)
    return failure();

  OpBuilder builder(reduce);
  Location part = partOf(reduce.getLoc(), "terms");
  Value value = reduce.getInput();
  if (!llvm::is_sorted(permutation)) {
    SmallVector<int64_t> shape;
    for (int64_t i : permutation)
      shape.push_back(input.getDimSize(i));
    value = TransposeOp::create(builder, part, input.clone(shape), value,
                                builder.getDenseI64ArrayAttr(permutation));
  }
  SmallVector<int64_t> flat(kept);
  flat.push_back(terms);
  if (ArrayRef<int64_t>(flat) != cast<ShapedType>(value.getType()).getShape())
    value = ReshapeOp::create(builder, part, input.clone(flat), value);
  float weight = reduce.getKind() == ReduceKind::mean ? 1.0f / terms : 1.0f;
  std::vector<float> row(terms, weight);
  Value weights =
      makeConstant<float>(builder, part, {1, terms}, builder.getF32Type(), row);
  flat.back() = 1;
  auto result = cast<RankedTensorType>(reduce.getType());
  bool reshapes = ArrayRef<int64_t>(flat) != result.getShape();
  auto dense = DenseOp::create(builder, reshapes ? part : reduce.getLoc(),
                               result.clone(flat), value, weights, Value(),
                               Function::identity, FloatAttr(), FloatAttr());
  Operation *last = dense;
  if (reshapes)
    last = ReshapeOp::create(builder, reduce.getLoc(), result, dense);
  moveAnnotations(reduce, last);
  reduce.replaceAllUsesWith(last);
  reduce.erase();
  return success();
}

/// The range Calibrate measured, where it did.
std::optional<std::pair<double, double>> rangeOf(Value value) {
  auto type = dyn_cast<quant::CalibratedQuantizedType>(
      cast<RankedTensorType>(value.getType()).getElementType());
  if (!type)
    return std::nullopt;
  return std::pair(type.getMin(), type.getMax());
}

/// prelu with a slope a channel: max(x, 0) + slope * min(x, 0). The parts have
/// 12 bits, so that the sum's rounding is the one that counts.
LogicalResult splitPrelu(PreluOp prelu) {
  auto range = rangeOf(prelu.getInput());
  auto slopes = readConstant<float>(prelu.getSlope());
  if (!range || failed(slopes) || slopes->empty())
    return failure();
  double lo = std::min(range->first, 0.0), hi = std::max(range->second, 0.0);
  OpBuilder builder(prelu);
  MLIRContext *context = prelu.getContext();
  auto real = realTypeOf(prelu.getResult());
  auto part = [&](StringRef name, double from, double to, auto create) {
    Operation *op = create(partOf(prelu.getLoc(), name));
    op->setDiscardableAttr(
        kParametersAttr,
        TypeAttr::get(uniformTypeFor(
            context, quantc::numerics::chooseAffine(from, to, 0, 4095))));
    return op->getResult(0);
  };
  Value zero = makeConstant<float>(builder, prelu.getLoc(), {1},
                                   builder.getF32Type(), {0.0f});
  Value input = prelu.getInput();
  if (Operation *producer = input.getDefiningOp();
      producer && !isMove(producer) && hasOneUser(input) &&
      !producer->hasAttr(kParametersAttr))
    producer->setDiscardableAttr(
        kParametersAttr,
        TypeAttr::get(uniformTypeFor(
            context, quantc::numerics::chooseAffine(lo, hi, 0, 4095))));
  Value positive = part("positive", 0.0, hi, [&](Location location) {
    return MaxOp::create(builder, location, real, input, zero);
  });
  Value negative = part("negative", lo, 0.0, [&](Location location) {
    return MinOp::create(builder, location, real, input, zero);
  });
  auto [least, most] = std::minmax_element(slopes->begin(), slopes->end());
  double ends[] = {0.0, lo * *least, lo * *most};
  Value scaled =
      part("scaled", *std::min_element(std::begin(ends), std::end(ends)),
           *std::max_element(std::begin(ends), std::end(ends)),
           [&](Location location) {
             return MulOp::create(builder, location, real, negative,
                                  prelu.getSlope());
           });
  auto sum =
      AddOp::create(builder, prelu.getLoc(), prelu.getType(), positive, scaled);
  moveAnnotations(prelu, sum);
  prelu.replaceAllUsesWith(sum.getResult());
  prelu.erase();
  return success();
}

struct DecomposeForIntegers
    : qnet::impl::DecomposeForIntegersBase<DecomposeForIntegers> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isDeclaration())
        decompose(function);
  }

  /// What cannot be decomposed is left: assign-parameters says whether it may.
  void decompose(func::FuncOp function) {
    Placement placement(function);
    for (Operation &op :
         llvm::make_early_inc_range(function.getBody().front())) {
      if (isQuantizableDense(&op)) {
        splitFunction(cast<DenseOp>(op));
        continue;
      }
      if (!placement.isInside(&op))
        continue;
      if (auto reduce = dyn_cast<ReduceOp>(op);
          reduce && isRealTensor(reduce.getInput()) &&
          (reduce.getKind() == ReduceKind::sum ||
           reduce.getKind() == ReduceKind::mean))
        (void)reduceByDense(reduce);
      else if (auto prelu = dyn_cast<PreluOp>(op);
               prelu && isRealTensor(prelu.getInput()) && !unaryLink(prelu))
        (void)splitPrelu(prelu);
    }
  }
};

} // namespace
