//===- AssignPrecision.cpp - each layer's bits, from a plan ---------------===//
//
// Takes          a float graph (calibrated or not), and a plan or none;
//                `qnet.precision` may be on layers already.
// Gives          the layers that the plan names with their `qnet.precision`;
//                every one in the graph is known and possible.
// Why            layers differ in what their bits are worth: the search over
//                them, or a user, says so in one place.
// Not done here  carrying it out (assign-parameters: inputs; quantize-weights:
//                weights); finding the plan (Pipeline).
//
//===----------------------------------------------------------------------===//
#include "Placement.h"

#include "quantc/Quantize/Passes.h"
#include "quantc/Quantize/Precision.h"
#include "quantc/Reference/Compare.h"
#include "llvm/Support/MemoryBuffer.h"

#define DEBUG_TYPE "assign-precision"

namespace mlir::qnet {
#define GEN_PASS_DEF_ASSIGNPRECISION
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// "layer 'NAME'", for messages.
std::string textOf(Operation *op) {
  StringRef name = layerName(op);
  return name.empty() ? "this layer" : ("the layer '" + name + "'").str();
}

/// The first value behind moves that a layer's input is made of.
Value sourceOf(Value value) {
  while (Operation *producer = value.getDefiningOp()) {
    if (!isMove(producer))
      break;
    value = producer->getOperand(0);
  }
  return value;
}

struct AssignPrecision : qnet::impl::AssignPrecisionBase<AssignPrecision> {
  using AssignPrecisionBase::AssignPrecisionBase;

  void runOnOperation() override {
    if (!plan.empty() && failed(readPlan()))
      return signalPassFailure();
    LogicalResult result = success();
    SmallVector<DenseOp> layers;
    getOperation().walk([&](DenseOp dense) {
      if (dense->hasAttr(kPrecisionAttr))
        layers.push_back(dense);
    });
    for (DenseOp dense : layers)
      if (failed(check(dense)))
        result = failure();
    if (failed(result) || failed(checkShared(layers)))
      signalPassFailure();
  }

private:
  LogicalResult readPlan();
  LogicalResult check(DenseOp dense) const;
  LogicalResult checkShared(ArrayRef<DenseOp> layers) const;
};

LogicalResult AssignPrecision::readPlan() {
  ModuleOp module = getOperation();
  auto buffer = llvm::MemoryBuffer::getFile(plan);
  if (!buffer)
    return module.emitError() << "cannot read the plan '" << plan
                              << "': " << buffer.getError().message();
  auto read = planFromJson((*buffer)->getBuffer(), plan);
  if (!read)
    return module.emitError() << llvm::toString(read.takeError());
  return applyPlan(module, *read, plan);
}

LogicalResult AssignPrecision::check(DenseOp dense) const {
  std::optional<Precision> precision = precisionOf(dense);
  if (!precision)
    return dense.emitOpError("has the precision ")
           << dense->getAttr(kPrecisionAttr) << ", which is unknown; "
           << kPrecisionChoices;
  if (*precision == Precision::Float && !allowFloat)
    return dense.emitOpError("has the precision float, but ")
           << textOf(dense)
           << " may only stay in float with allow-float; allow it, or choose "
              "int8x16";
  std::string reason = whyImpossible(dense, *precision);
  if (reason.empty() && isPruned(*precision) && !dense->hasAttr(kPrunedAttr))
    return dense.emitOpError("has the precision ")
           << nameOf(*precision)
           << ", but no block of its weights is gone; run "
              "prune-weights-by-error=pattern=planned first";
  if (reason.empty())
    return success();
  return dense.emitOpError("can't have the precision ")
         << nameOf(*precision) << ": " << reason << "; choose another one for "
         << textOf(dense);
}

/// One value has one width: weights of 4 bits can't read what another layer
/// wants in 16.
LogicalResult AssignPrecision::checkShared(ArrayRef<DenseOp> layers) const {
  llvm::DenseMap<Value, DenseOp> wide;
  for (DenseOp dense : layers)
    if (precisionOf(dense) == Precision::Int8x16)
      wide.try_emplace(sourceOf(dense.getInput()), dense);
  LogicalResult result = success();
  for (DenseOp dense : layers) {
    DenseOp other = wide.lookup(sourceOf(dense.getInput()));
    if (precisionOf(dense) != Precision::Int4 || !other)
      continue;
    result = dense.emitOpError("can't have the precision int4: ")
             << textOf(other)
             << " reads the same value and wants it in 16 bits, and weights of "
                "4 bits multiply inputs of 8; give both int8x16, or the other "
                "one int8";
  }
  return result;
}

} // namespace
