//===- VerifyCalibrated.cpp - what Quantize may assume --------------------===//
//
// Takes          any module.
// Gives          the same module, or an error for every broken row R1 to R3.
// Why            a value without a range would be quantized blindly.
// Not done here  changing anything.
//
//===----------------------------------------------------------------------===//
#include "quantc/Calibrate/Passes.h"

#include "ObservedValues.h"
#include "quantc/Reference/Compare.h"

#include "mlir/IR/BuiltinOps.h"

#include <cmath>

#define DEBUG_TYPE "verify-calibrated"

namespace mlir::qnet {
#define GEN_PASS_DEF_VERIFYCALIBRATED
#include "quantc/Calibrate/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct VerifyCalibrated : qnet::impl::VerifyCalibratedBase<VerifyCalibrated> {
  void runOnOperation() override {
    sound = true;
    FailureOr<func::FuncOp> function = mainFunction(getOperation());
    if (failed(function))
      return signalPassFailure();
    function->walk([&](ObserveOp observer) {
      violation("R3", observer.getLoc(),
                "an observer is left; run apply-ranges");
    });
    FailureOr<SmallVector<ObservedValue>> values = observedValues(*function);
    if (failed(values))
      return signalPassFailure();
    for (const ObservedValue &observed : *values)
      if (!observed.preactivation)
        check(observed);
    if (!sound)
      signalPassFailure();
  }

private:
  void violation(StringRef row, Location location, const Twine &text) {
    sound = false;
    emitError(location) << text << " [" DEBUG_TYPE " " << row << "]";
  }

  void check(const ObservedValue &observed) {
    Value value = observed.value;
    Type element = cast<RankedTensorType>(value.getType()).getElementType();
    auto range = dyn_cast<quant::CalibratedQuantizedType>(element);
    if (!range) {
      bool plain = llvm::any_of(value.getUsers(), [](Operation *user) {
        return isa<IsNanOp, IsInfOp, QuantizeOp>(user);
      });
      if (!plain && !isa<quant::QuantizedType>(element))
        violation("R1", value.getLoc(),
                  "'" + observed.name +
                      "' has no range; calibrate the model, or "
                      "add the tensor to the file of ranges");
      return;
    }
    if (!std::isfinite(range.getMin()) || !std::isfinite(range.getMax()) ||
        !(range.getMin() < range.getMax()))
      violation("R2", value.getLoc(),
                "'" + observed.name +
                    "' has a range that is empty or not finite");
  }

  bool sound = true;
};

} // namespace
