//===- VerifyOptimized.cpp - what Optimize promises -----------------------===//
//
// Takes          an optimized integer graph.
// Gives          the graph as it is, or an error for every broken row (O1..O4
// in
//                Passes.td), each at its op.
// Why            Lower handles each op by itself and fuses nothing.
// Not done here  accumulators and types (verify-integer, before).
//
//===----------------------------------------------------------------------===//
#include "StoredFunction.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "quantc/Optimize/Passes.h"

#define DEBUG_TYPE "verify-optimized"

namespace mlir::qnet {
#define GEN_PASS_DEF_VERIFYOPTIMIZED
#include "quantc/Optimize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct VerifyOptimized : qnet::impl::VerifyOptimizedBase<VerifyOptimized> {
  void runOnOperation() override {
    getOperation().walk([&](Operation *op) { check(op); });
    if (broken)
      signalPassFailure();
    markAllAnalysesPreserved();
  }

  InFlightDiagnostic report(Operation *op, StringRef row) {
    broken = true;
    return op->emitOpError() << "breaks " << row << " of verify-optimized: ";
  }

  void check(Operation *op) {
    if (isOpTriviallyDead(op))
      report(op, "O1") << "nothing reads its results";
    Operation *before =
        op->getNumOperands() ? op->getOperand(0).getDefiningOp() : nullptr;
    if (isa<LookupOp>(op) && before && before->hasOneUse() && valuesOf(before))
      report(op, "O2") << "reads a " << before->getName()
                       << " that could be in its own table; run fold-lookups";
    if (isa<QuantizeOp>(op) && isa_and_present<DequantizeOp>(before) &&
        storedType(before->getOperand(0)) && storedType(op->getResult(0)))
      report(op, "O3") << "quantizes what was dequantized; run "
                          "fuse-requantize";
    bool isCalibrated = llvm::any_of(op->getResultTypes(), [](Type type) {
      return isa<quant::CalibratedQuantizedType>(getElementTypeOrSelf(type));
    });
    if (isCalibrated || isa<ObserveOp>(op) ||
        (isa<DenseOp>(op) && !op->hasAttr("qnet.ledger")))
      report(op, "O4") << "belongs to a float graph; run the quantize stage "
                          "first";
  }

  bool broken = false;
};

} // namespace
