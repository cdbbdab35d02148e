//===- VerifyInteger.cpp - what Quantize promises -------------------------===//
//
// Takes          an integer graph.
// Gives          the graph as it is, or an error for every broken row (I1..I6
//                in Passes.td), each at its op.
// Why            Optimize and Lower rely on it; and that an accumulator cannot
//                overflow is a proof, not a hope.
// Not done here  the ops' own rules (their verifiers).
//
//===----------------------------------------------------------------------===//
#include "Placement.h"
#include "StorageTypes.h"
#include "UnarySteps.h"

#include "quantc/Quantize/Accumulator.h"
#include "quantc/Quantize/Passes.h"
#include "quantc/Quantize/Quantize.h"

#define DEBUG_TYPE "verify-integer"

namespace mlir::qnet {
#define GEN_PASS_DEF_VERIFYINTEGER
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct VerifyInteger : qnet::impl::VerifyIntegerBase<VerifyInteger> {
  using VerifyIntegerBase::VerifyIntegerBase;

  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (isa<ModuleOp>(op))
        return;
      checkTypes(op);
      checkFloat(op);
      checkConstants(op);
      if (auto dense = dyn_cast<QDenseOp>(op))
        checkAccumulators(dense);
      if (auto reason = op->getAttrOfType<StringAttr>(kLedgerAttr);
          reason && requireInt && !op->hasAttr(kFinishAttr) &&
          !op->hasAttr(kInputParametersAttr))
        report(op, "I6") << "is left in float (" << reason.getValue()
                         << "), and require-int asks for integers only";
    });
    if (broken)
      signalPassFailure();
    markAllAnalysesPreserved();
  }

  /// An error that names the row; the pass goes on, to report all of them.
  InFlightDiagnostic report(Operation *op, StringRef row) {
    broken = true;
    return op->emitOpError() << "breaks " << row << " of verify-integer: ";
  }

  void checkType(Operation *op, Type type);
  void checkTypes(Operation *op);
  void checkFloat(Operation *op);
  void checkConstants(Operation *op);
  void checkAccumulators(QDenseOp op);

  bool broken = false;
};

void VerifyInteger::checkTypes(Operation *op) {
  for (Type type : op->getResultTypes())
    checkType(op, type);
  if (auto function = dyn_cast<func::FuncOp>(op))
    for (Type type : function.getArgumentTypes())
      checkType(op, type);
}

void VerifyInteger::checkType(Operation *op, Type type) {
  auto quantized = dyn_cast<quant::QuantizedType>(getElementTypeOrSelf(type));
  if (!quantized)
    return;
  if (isa<quant::CalibratedQuantizedType>(quantized)) {
    report(op, "I1") << "has the calibrated type " << type
                     << "; assign-parameters replaces those";
    return;
  }
  auto uniform = dyn_cast<quant::UniformQuantizedType>(quantized);
  std::string why;
  if (!uniform || uniform.isSigned() || !uniform.getExpressedType().isF32())
    report(op, "I5") << "has the type " << type
                     << ", but stored values are per-tensor, unsigned and "
                        "stand for f32";
  else if (!quantc::numerics::valid(paramsOf(uniform), &why))
    report(op, "I5") << "has the type " << type << ": " << why;
}

void VerifyInteger::checkFloat(Operation *op) {
  if (isa<ConstantOp, QuantizeOp, DequantizeOp, QDenseOp, LookupOp>(op) ||
      isMove(op) || op->hasAttr(kLedgerAttr) ||
      op->hasTrait<OpTrait::IsTerminator>() || isa<func::FuncOp>(op))
    return;
  auto isFloat = [](Type type) {
    return isa<FloatType>(getElementTypeOrSelf(type));
  };
  if (llvm::any_of(op->getOperandTypes(), isFloat) ||
      llvm::any_of(op->getResultTypes(), isFloat))
    report(op, "I2") << "computes with floats and carries no " << kLedgerAttr
                     << " reason";
}

void VerifyInteger::checkConstants(Operation *op) {
  if (!isa<QDenseOp, LookupOp>(op))
    return;
  for (OpOperand &operand : llvm::drop_begin(op->getOpOperands()))
    if (!isConstant(operand.get()))
      report(op, "I3") << "operand " << operand.getOperandNumber()
                       << " is not a constant";
}

void VerifyInteger::checkAccumulators(QDenseOp op) {
  FailureOr<int64_t> channel = firstOverflowingChannel(op);
  if (failed(channel)) // I3 has said so, or the blob is missing.
    report(op, "I4")
        << "weights or bias can't be read, so that no proof of its "
           "accumulators is possible";
  else if (*channel >= 0)
    report(op, "I4") << "the accumulator of output channel " << *channel
                     << " can leave 32 bits; quantize-weights would have "
                        "coarsened its scale";
}

} // namespace
