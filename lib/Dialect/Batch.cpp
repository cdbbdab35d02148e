//===- Batch.cpp - What the batch dimension of a graph is -----------------===//
#include "quantc/Dialect/Batch.h"

using namespace mlir;
using namespace mlir::qnet;

ReshapeOp qnet::firstRegrouping(func::FuncOp function) {
  ReshapeOp found;
  function.walk([&](ReshapeOp op) {
    auto valuesOfRow = [](Value value) {
      int64_t count = 1;
      for (int64_t size : cast<ShapedType>(value.getType()).getShape())
        count *= ShapedType::isDynamic(size) ? 1 : size;
      return count;
    };
    if (valuesOfRow(op.getInput()) == valuesOfRow(op.getResult()))
      return WalkResult::advance();
    found = op;
    return WalkResult::interrupt();
  });
  return found;
}
