//===- InsertObservers.cpp - mark every value whose range is measured -----===//
//
// Takes          a prepared float graph.
// Gives          a qnet.observe behind every value whose range is measured.
// Why            the graph itself says what is measured, so any runner can do
//                it.
// Not done here  measuring (calibrate), choosing ranges (apply-ranges).
//
//===----------------------------------------------------------------------===//
#include "quantc/Calibrate/Passes.h"

#include "ObservedValues.h"

#include "mlir/IR/BuiltinOps.h"

#define DEBUG_TYPE "insert-observers"

namespace mlir::qnet {
#define GEN_PASS_DEF_INSERTOBSERVERS
#include "quantc/Calibrate/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct InsertObservers : qnet::impl::InsertObserversBase<InsertObservers> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = mainFunction(getOperation());
    if (failed(function) || failed(insertObservers(*function)))
      signalPassFailure();
  }
};

} // namespace
