//===- CountClipped.cpp - how many values leave their range ---------------===//
//
// Takes          an optimized integer graph.
// Gives          the same results, and behind them one more: for each op that
//                stores values an f32 a row, how many of the row it clipped.
//                The op stores 16 bits first, which hold what leaves the range,
//                and a requantize of scale 1 clips that: the bits of before.
// Why            a range that is too narrow for what a device meets in the
//                field shows there, and only there.
// Not done here  sums over rows (emit-entry).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Dialect/Batch.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Lower/Passes.h"

#define DEBUG_TYPE "count-clipped"

namespace mlir::qnet {
#define GEN_PASS_DEF_COUNTCLIPPED
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

constexpr int64_t kWideMax = 65535;

/// The ops that round to stored integers; a look-up's entries are in range by
/// construction, and what it reads was counted where it was made.
bool isStoring(Operation *op) {
  return isa<QuantizeOp, RequantizeOp, QDenseOp, QAddOp, QSubOp, QMulOp>(op);
}

struct CountClipped : qnet::impl::CountClippedBase<CountClipped> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal() || !main.getBody().hasOneBlock()) {
      getOperation().emitError("count-clipped: the module has no function "
                               "@main with one block");
      return signalPassFailure();
    }
    if (ReshapeOp op = firstRegrouping(main)) {
      op.emitOpError("makes rows of parts of rows, whose clipped values can't "
                     "be counted by row; compile without --count-clipped");
      return signalPassFailure();
    }
    SmallVector<Value> counts;
    SmallVector<Attribute> names;
    for (Operation &op : llvm::make_early_inc_range(
             main.getBody().front().without_terminator())) {
      auto type = isStoring(&op)
                      ? dyn_cast<quant::UniformQuantizedType>(
                            getElementTypeOrSelf(op.getResult(0).getType()))
                      : quant::UniformQuantizedType();
      if (!type || type.isSigned())
        continue;
      Value count = countOf(&op, type);
      if (!count)
        return signalPassFailure();
      counts.push_back(count);
      names.push_back(nameOf(&op, main));
    }
    if (!counts.empty())
      addResult(main, counts, names);
  }

  /// All counts side by side, as the last result of @main.
  void addResult(func::FuncOp main, ArrayRef<Value> counts,
                 ArrayRef<Attribute> names) {
    Operation *end = main.getBody().front().getTerminator();
    ImplicitLocOpBuilder b(main.getLoc(), end);
    auto type = cast<RankedTensorType>(counts.front().getType());
    int64_t shape[] = {type.getDimSize(0), static_cast<int64_t>(counts.size())};
    SmallVector<Value> results(end->getOperands());
    results.push_back(
        ConcatOp::create(b, type.clone(shape), counts, /*axis=*/1));
    SmallVector<DictionaryAttr> attributes;
    for (unsigned i = 0; i + 1 != results.size(); ++i)
      attributes.push_back(main.getResultAttrDict(i));
    attributes.push_back(b.getDictionaryAttr(
        b.getNamedAttr(kClippedAttr, b.getArrayAttr(names))));
    end->setOperands(results);
    main.removeResAttrsAttr();
    main.setFunctionType(b.getFunctionType(main.getArgumentTypes(),
                                           TypeRange(ValueRange(results))));
    main.setAllResultAttrs(attributes);
    getOperation()->setAttr(kClippedAttr, b.getArrayAttr(names));
  }

  /// The name of the node, or of the argument that is quantized.
  static Attribute nameOf(Operation *op, func::FuncOp main) {
    if (auto argument = dyn_cast<BlockArgument>(op->getOperand(0));
        argument && isa<QuantizeOp>(op))
      if (Attribute name = main.getArgAttr(argument.getArgNumber(), kNameAttr))
        return name;
    Location loc = op->getLoc();
    while (auto fused = dyn_cast<FusedLoc>(loc))
      loc = fused.getLocations().back();
    if (auto named = dyn_cast<NameLoc>(loc))
      return named.getName();
    return StringAttr::get(op->getContext(), op->getName().getStringRef());
  }

  /// Makes `op` store 16 bits and clip them after it; how many it clips, a row.
  Value countOf(Operation *op, quant::UniformQuantizedType type) {
    int64_t lowest = type.getStorageTypeMin(),
            highest = type.getStorageTypeMax();
    int64_t shift = (kWideMax - (highest - lowest)) / 2;
    if (shift < 1) {
      op->emitOpError("stores values of 16 bits, and what leaves their range "
                      "can't be counted; compile without --count-clipped");
      return {};
    }
    int64_t zeroPoint = type.getZeroPoint() - lowest + shift;
    auto wide = quant::UniformQuantizedType::get(
        /*flags=*/0, IntegerType::get(op->getContext(), 16),
        type.getExpressedType(), type.getScale(), zeroPoint, 0, kWideMax);
    Value stored = op->getResult(0);
    auto narrowType = cast<RankedTensorType>(stored.getType());
    stored.setType(narrowType.clone(wide));
    ImplicitLocOpBuilder b(op->getLoc(), op->getContext());
    b.setInsertionPointAfter(op);
    auto narrow = RequantizeOp::create(b, narrowType, stored);
    stored.replaceAllUsesExcept(narrow, narrow);

    auto reals = narrowType.clone(type.getExpressedType());
    Value real = DequantizeOp::create(b, reals, stored);
    auto number = [&](float value) {
      return makeConstant<float>(b, b.getLoc(), {1}, b.getF32Type(), {value});
    };
    // As dequantize computes it: another integer is another f32.
    auto end = [&](int64_t q) {
      return number(static_cast<float>(q - type.getZeroPoint()) *
                    static_cast<float>(type.getScale()));
    };
    auto where = [&](ComparePredicate is, int64_t q, Value otherwise) -> Value {
      Value outside = CompareOp::create(b, is, real, end(q));
      return WhereOp::create(b, outside, number(1.0f), otherwise);
    };
    Value clipped = where(ComparePredicate::gt, highest, number(0.0f));
    // A range that begins at 0 is a ReLU's, but for an input's.
    if (isa<QuantizeOp>(op) || type.getZeroPoint() != lowest)
      clipped = where(ComparePredicate::lt, lowest, clipped);
    SmallVector<int64_t> shape(reals.getRank(), 1);
    shape[0] = reals.getDimSize(0);
    if (auto axes = llvm::to_vector(llvm::seq<int64_t>(1, shape.size()));
        !axes.empty())
      clipped =
          ReduceOp::create(b, RankedTensorType::get(shape, b.getF32Type()),
                           ReduceKind::sum, clipped, axes, /*keep_dims=*/true);
    if (shape.size() == 2)
      return clipped;
    return ReshapeOp::create(
        b, RankedTensorType::get({shape[0], 1}, b.getF32Type()), clipped);
  }
};

} // namespace
