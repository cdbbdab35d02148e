//===- SpecializeOneRow.cpp - small networks a second time, for one row ---===//
//
// Takes          @main and what split-entry put beside it, with a dynamic
// batch. Gives          of a small network, each function again for a batch of
// one row,
//                under its name with kOneRowSuffix.
// Why            with every size known, LLVM unrolls a small network's layers
//                and joins them; a loop over one row costs more than the row.
// Not done here  the test for a batch of one (emit-entry).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "quantc/Dialect/Batch.h"
#include "quantc/Lower/Passes.h"

#define DEBUG_TYPE "specialize-one-row"

namespace mlir::qnet {
#define GEN_PASS_DEF_SPECIALIZEONEROW
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// `type` with a batch of one.
Type ofOneRow(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.hasStaticShape())
    return type;
  SmallVector<int64_t> shape(tensor.getShape());
  for (int64_t &size : shape)
    if (ShapedType::isDynamic(size))
      size = 1;
  return RankedTensorType::get(shape, tensor.getElementType());
}

int64_t weightsOf(func::FuncOp function) {
  int64_t weights = 0;
  function.walk([&](QDenseOp op) {
    weights += cast<ShapedType>(op.getWeights().getType()).getNumElements();
  });
  return weights;
}

struct SpecializeOneRow : qnet::impl::SpecializeOneRowBase<SpecializeOneRow> {
  using SpecializeOneRowBase::SpecializeOneRowBase;

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    int64_t weights = weightsOf(main);
    if (weights == 0 || weights > maxWeights || firstRegrouping(main))
      return;
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (!function.isExternal())
        specialize(function);
  }

  void specialize(func::FuncOp function) {
    OpBuilder builder(function);
    builder.setInsertionPointAfter(function);
    auto clone = cast<func::FuncOp>(builder.clone(*function));
    clone.setName((function.getName() + kOneRowSuffix).str());
    clone.setPrivate();
    auto fix = [](Value value) { value.setType(ofOneRow(value.getType())); };
    clone.walk([&](Operation *op) {
      llvm::for_each(op->getResults(), fix);
      // The one op that writes a dynamic size as an attribute.
      if (auto slice = dyn_cast<SliceOp>(op)) {
        SmallVector<int64_t> sizes(slice.getSizes());
        llvm::replace(sizes, -1, 1);
        slice.setSizes(sizes);
      }
    });
    Block &body = clone.getBody().front();
    llvm::for_each(body.getArguments(), fix);
    clone.setFunctionType(
        FunctionType::get(&getContext(), body.getArgumentTypes(),
                          body.getTerminator()->getOperandTypes()));
  }
};

} // namespace
