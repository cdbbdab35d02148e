//===- FoldConstants.cpp - evaluate what does not depend on the input -----===//
//
// Takes          a graph of qnet ops.
// Gives          the same graph; ops of constants only are constants.
// Why            exporters leave chains of transposes, casts and arithmetic on
//                weights; later passes want plain constants.
// Not done here  folding into dense layers (fold-affine).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "quantc/Reference/Interpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define DEBUG_TYPE "fold-constants"

namespace mlir::qnet {
#define GEN_PASS_DEF_FOLDCONSTANTS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct FoldConstants : qnet::impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;

  void runOnOperation() override {
    // One sweep is enough: operands come before their users.
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) { ops.push_back(op); });
    bool folded = false;
    for (Operation *op : ops)
      if (std::optional<SmallVector<Tensor>> results = evaluate(op))
        folded |= replace(op, *results);
    if (!folded)
      return markAllAnalysesPreserved();
    // The constants that only folded ops read.
    SmallVector<ConstantOp> constants;
    getOperation().walk([&](ConstantOp op) { constants.push_back(op); });
    for (ConstantOp op : constants)
      if (op->use_empty())
        op->erase();
  }

private:
  /// The results of an op of constants, if it may be folded.
  std::optional<SmallVector<Tensor>> evaluate(Operation *op) {
    if (!isa<QnetDialect>(op->getDialect()) || op->getNumOperands() == 0 ||
        op->getNumResults() == 0 || !isMemoryEffectFree(op) || !isEvaluable(op))
      return std::nullopt;
    SmallVector<ElementsAttr> attributes(op->getNumOperands());
    int64_t largest = limit;
    for (auto [attribute, operand] :
         llvm::zip_equal(attributes, op->getOperands())) {
      if (!matchPattern(operand, m_Constant(&attribute)))
        return std::nullopt;
      largest = std::max(largest, attribute.getNumElements());
    }
    for (Type type : op->getResultTypes()) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || !tensor.getElementType().isIntOrFloat())
        return std::nullopt;
      FailureOr<int64_t> count = staticElementCount(tensor.getShape());
      if (failed(count) || *count > largest)
        return std::nullopt;
    }
    // What cannot be evaluated stays, and is an error where it matters: at run
    // time in Reference, or when a stage finds no form for it.
    ScopedDiagnosticHandler silence(&getContext(),
                                    [](Diagnostic &) { return success(); });
    SmallVector<Tensor> operands;
    for (ElementsAttr attribute : attributes) {
      FailureOr<Tensor> tensor =
          tensorFrom(attribute, attribute.getNumElements(),
                     [&] { return op->emitError(); });
      if (failed(tensor))
        return std::nullopt;
      operands.push_back(std::move(*tensor));
    }
    FailureOr<SmallVector<Tensor>> results = evaluateOp(op, operands);
    if (failed(results))
      return std::nullopt;
    return results;
  }

  bool replace(Operation *op, ArrayRef<Tensor> results) {
    OpBuilder builder(op);
    SmallVector<Value> constants;
    for (auto [tensor, type] : llvm::zip_equal(results, op->getResultTypes())) {
      Value constant =
          ConstantOp::create(builder, op->getLoc(), attributeFrom(tensor));
      if (constant.getType() != type)
        return false; // the op's own type says less or more: leave it
      constants.push_back(constant);
    }
    op->replaceAllUsesWith(constants);
    op->erase();
    return true;
  }
};

} // namespace
