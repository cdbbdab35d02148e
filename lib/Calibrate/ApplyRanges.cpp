//===- ApplyRanges.cpp - measured ranges become the types of values -------===//
//
// Takes          a prepared graph (observers in it or not), ranges in a file.
// Gives          !quant.calibrated element types, means and pre-activation
//                ranges as attributes; no observers.
// Why            ranges that are types cannot get lost between passes, and a
//                user can read, edit and give them back.
// Not done here  measuring (calibrate); parameters (Quantize).
//
//===----------------------------------------------------------------------===//
#include "quantc/Calibrate/Passes.h"

#include "FixedRanges.h"
#include "ObservedValues.h"
#include "quantc/Calibrate/Calibrate.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>

#define DEBUG_TYPE "apply-ranges"

namespace mlir::qnet {
#define GEN_PASS_DEF_APPLYRANGES
#include "quantc/Calibrate/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

static Type calibrated(Type elementType, const ObservedRange &range) {
  double lo = range.lo, hi = range.hi;
  if (!(lo < hi)) {
    // A value that never changed: the range to zero represents it.
    lo = std::min(lo, 0.0);
    hi = std::max(hi, 0.0);
    constexpr double rangeOfZero = 1.0;
    if (lo == hi)
      hi = rangeOfZero;
  }
  return quant::CalibratedQuantizedType::get(realType(elementType), lo, hi);
}

/// Ops that read real numbers but no calibrated types.
static bool readsPlainFloats(Operation *op) {
  return isa<IsNanOp, IsInfOp, QuantizeOp, ObserveOp>(op);
}

static void setElementType(Value value, Type element) {
  auto type = cast<RankedTensorType>(value.getType());
  value.setType(type.clone(element));
}

/// Leaves a note on the value's producer, or on the argument.
static void note(Value value, StringRef name, Attribute attribute) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    cast<func::FuncOp>(argument.getOwner()->getParentOp())
        .setArgAttr(argument.getArgNumber(), name, attribute);
  else if (value.getDefiningOp()->getNumResults() == 1)
    value.getDefiningOp()->setAttr(name, attribute);
}

static void keepMeasurements(const ObservedValue &observed,
                             const ObservedRange &range) {
  Builder builder(observed.value.getContext());
  if (!range.means.empty()) {
    SmallVector<float> means(range.means.begin(), range.means.end());
    note(observed.value, kChannelMeanAttr, builder.getDenseF32ArrayAttr(means));
  }
  if (!isStored(observed))
    return;
  if (!range.fixed && range.values > 0)
    note(observed.value, kSeenRangeAttr,
         builder.getDenseF64ArrayAttr({range.min, range.max}));
  if (range.outputNoise)
    note(observed.value, kOutputNoiseAttr,
         builder.getF64FloatAttr(*range.outputNoise));
}

LogicalResult mlir::qnet::applyRanges(ModuleOp module,
                                      const CalibrationSummary &ranges) {
  FailureOr<func::FuncOp> function = mainFunction(module);
  if (failed(function))
    return failure();
  FailureOr<SmallVector<ObservedValue>> values = observedValues(*function);
  if (failed(values) || failed(checkRanges(module, *values, ranges)))
    return failure();

  Block &body = function->getBody().front();
  for (auto observer : llvm::make_early_inc_range(body.getOps<ObserveOp>())) {
    Operation *moved = observer.getInput().getDefiningOp();
    observer.erase();
    if (moved && isOpTriviallyDead(moved))
      moved->erase(); // brought the rows to the front for the observer
  }
  for (auto [observed, range] : llvm::zip_equal(*values, ranges.tensors)) {
    if (observed.preactivation) {
      observed.value.getDefiningOp()->setAttr(
          kPreactivationAttr,
          DenseF64ArrayAttr::get(module.getContext(), {range.lo, range.hi}));
      continue;
    }
    keepMeasurements(observed, range);
    if (llvm::none_of(observed.value.getUsers(), readsPlainFloats))
      setElementType(
          observed.value,
          calibrated(
              cast<RankedTensorType>(observed.value.getType()).getElementType(),
              range));
  }
  for (Operation &op : body)
    for (Value value : op.getResults())
      if (Value source = sameRangeSource(value))
        if (llvm::none_of(value.getUsers(), readsPlainFloats))
          setElementType(
              value, cast<RankedTensorType>(source.getType()).getElementType());
  function->setFunctionType(
      FunctionType::get(module.getContext(), body.getArgumentTypes(),
                        body.getTerminator()->getOperandTypes()));
  return success();
}

namespace {

struct ApplyRanges : qnet::impl::ApplyRangesBase<ApplyRanges> {
  using ApplyRangesBase::ApplyRangesBase;

  void runOnOperation() override {
    auto file = llvm::MemoryBuffer::getFile(ranges, /*IsText=*/true);
    if (!file) {
      getOperation().emitError()
          << "the file of ranges '" << ranges
          << "' cannot be read: " << file.getError().message();
      return signalPassFailure();
    }
    llvm::Expected<CalibrationSummary> summary =
        rangesFromJson((*file)->getBuffer(), ranges);
    if (!summary) {
      getOperation().emitError() << llvm::toString(summary.takeError());
      return signalPassFailure();
    }
    if (failed(applyRanges(getOperation(), *summary)))
      signalPassFailure();
  }
};

} // namespace
