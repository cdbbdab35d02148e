//===- ObserversToResults.cpp - observed values become results ------------===//
//
// Takes          a graph with qnet.observe ops.
// Gives          @main that returns the observed tensors, numbered by an
//                attribute.
// Why            a runner need know nothing of observers: it runs a function.
// Not done here  running it (Calibrate's FloatRunner).
//
//===----------------------------------------------------------------------===//
#include "quantc/Calibrate/Passes.h"

#include "ObservedValues.h"

#include "mlir/IR/BuiltinOps.h"

#define DEBUG_TYPE "observers-to-results"

namespace mlir::qnet {
#define GEN_PASS_DEF_OBSERVERSTORESULTS
#include "quantc/Calibrate/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct ObserversToResults
    : qnet::impl::ObserversToResultsBase<ObserversToResults> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = mainFunction(getOperation());
    if (failed(function))
      return signalPassFailure();
    observersToResults(*function);
  }
};

} // namespace
