//===- WidenInputs.cpp - more bits where they cost little -----------------===//
//
// Takes          a calibrated graph whose values carry `qnet.output_noise`;
//                `qnet.precision` may be on layers already.
// Gives          `qnet.precision` int8x16 on the layers whose inputs cause most
//                of the outputs' error and which are a small part of the work,
//                and `qnet.widened`, the reason.
// Why            in a small layer, or a small network, 15 bits cost nothing
// that
//                can be measured, and inputs with a few large values need them.
// Not done here  measuring the noise (calibrate); the parameters
//                (assign-parameters); a search over all bits (Pipeline).
//
//===----------------------------------------------------------------------===//
#include "Placement.h"
#include "RoundableLayer.h"

#include "quantc/Quantize/Passes.h"
#include "quantc/Quantize/Precision.h"
#include "quantc/Quantize/Quantize.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

#define DEBUG_TYPE "widen-inputs"

namespace mlir::qnet {
#define GEN_PASS_DEF_WIDENINPUTS
#include "quantc/Quantize/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// A value, and the dense layers that read it, perhaps behind moves.
struct Input {
  Value value;
  SmallVector<DenseOp> readers;
  double noise = 0;
  int64_t weights = 0;
  /// Whether all of the readers may have 15 bits, and none has what it was
  /// given by others.
  bool isFree = true;
};

int64_t weightsOf(DenseOp dense) {
  return cast<ShapedType>(dense.getWeights().getType()).getNumElements();
}

double noiseOf(Value value) {
  Attribute noise;
  if (Operation *producer = value.getDefiningOp())
    noise = producer->getDiscardableAttr(kOutputNoiseAttr);
  else if (auto argument = dyn_cast<BlockArgument>(value))
    noise = cast<func::FuncOp>(argument.getOwner()->getParentOp())
                .getArgAttr(argument.getArgNumber(), kOutputNoiseAttr);
  auto number = dyn_cast_if_present<FloatAttr>(noise);
  // False for NaN too.
  return number && number.getValueAsDouble() > 0 ? number.getValueAsDouble()
                                                 : 0;
}

bool isClamp(Function function) {
  return function == Function::identity || function == Function::relu ||
         function == Function::relu6;
}

/// Whether storing the value in 15 bits takes a table of 64 KiB: for a function
/// other than a clamp, its own or one of what it is computed from.
bool needsTable(Value value, const Placement &placement,
                llvm::DenseSet<Value> &seen) {
  Operation *producer = value.getDefiningOp();
  // A finish and what follows float preprocessing are computed in f32.
  if (!producer || producer->hasAttr(kFinishAttr) ||
      !seen.insert(value).second || placement.isInPrologue(producer))
    return false;
  if (auto dense = dyn_cast<DenseOp>(producer))
    return !isClamp(dense.getFunction());
  if (auto activation = dyn_cast<ActivationOp>(producer);
      activation && !isClamp(activation.getFunction()))
    return true;
  // Integer ops between layers have operands as wide as their result.
  if (!isa<ActivationOp, AddOp, SubOp, MulOp, MinOp, MaxOp>(producer) &&
      !isMove(producer))
    return false;
  return llvm::any_of(producer->getOperands(), [&](Value operand) {
    return needsTable(operand, placement, seen);
  });
}

/// The share of the outputs' power that an error of so many dB has.
double powerAt(double sqnr) { return std::pow(10.0, -sqnr / 10); }

struct WidenInputs : qnet::impl::WidenInputsBase<WidenInputs> {
  using WidenInputsBase::WidenInputsBase;

  void runOnOperation() override {
    // False for NaN too.
    const bool isShare =
        share >= 0 && share <= 1 && badShare >= 0 && badShare <= 1;
    if (!isShare) {
      getOperation().emitError(DEBUG_TYPE ": shares must lie between 0 and 1, "
                                          "they are ")
          << share << " and " << badShare;
      return signalPassFailure();
    }
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isDeclaration())
        widen(function);
  }

private:
  void widen(func::FuncOp function);
  void widen(DenseOp dense, StringRef reason);
  bool mayWiden(DenseOp dense) const;
};

bool WidenInputs::mayWiden(DenseOp dense) const {
  if (dense->hasAttr(kPrecisionAttr) || !isQuantizableDense(dense) ||
      !whyImpossible(dense, Precision::Int8x16).empty())
    return false;
  auto shape = cast<ShapedType>(dense.getWeights().getType()).getShape();
  // Weights of 4 bits multiply inputs of 8.
  return weights != "int4" ||
         !reasonForBytes(shape[0], shape[1], /*isWide=*/false, leastInt4)
              .empty();
}

void WidenInputs::widen(func::FuncOp function) {
  llvm::MapVector<Value, Input> inputs;
  Placement placement(function);
  int64_t all = 0;
  for (Operation &op : function.getBody().front()) {
    auto dense = dyn_cast<DenseOp>(op);
    if (!dense)
      continue;
    // A distance is a difference of large numbers: with 8 bits some machines
    // keep 11 dB.
    if (dense->hasAttr(kRbfGammaAttr) && mayWiden(dense)) {
      widen(dense, "15 bits: it measures distances");
      continue;
    }
    if (dense->hasAttr(kFineWeightsAttr) && mayWiden(dense)) {
      widen(dense, "15 bits: its weights are as fine");
      continue;
    }
    Value source = dense.getInput();
    // What is joined is stored in one type, whose noise is noted where it is
    // joined.
    while (source.getDefiningOp() && isMove(source.getDefiningOp()) &&
           !isa<ConcatOp>(source.getDefiningOp()))
      source = source.getDefiningOp()->getOperand(0);
    Input &input = inputs[source];
    input.value = source;
    input.readers.push_back(dense);
    input.noise = noiseOf(source);
    input.weights += weightsOf(dense);
    input.isFree &= mayWiden(dense);
    all += weightsOf(dense);
  }
  SmallVector<Input *> order;
  double noise = 0;
  for (auto &[value, input] : inputs) {
    noise += input.noise;
    llvm::DenseSet<Value> seen;
    if (input.isFree && input.noise > 0 &&
        (tables || !needsTable(value, placement, seen)))
      order.push_back(&input);
  }
  llvm::stable_sort(order, [](const Input *a, const Input *b) {
    return a->noise > b->noise;
  });
  const double allowedNoise = powerAt(sqnr), badNoise = powerAt(badSqnr);
  int64_t widened = 0;
  for (const Input *input : order) {
    if (noise <= allowedNoise)
      break;
    // Of a bad result, what causes most is worth more than a small layer, but
    // not the half of a large layer's speed.
    const bool isMost = noise > badNoise && input->noise >= noise / 2 &&
                        input->weights <= badMost;
    const double most = all <= small ? 1.0
                        : isMost     ? std::max<double>(share, badShare)
                                     : share;
    if (double(widened + input->weights) > most * double(all))
      continue;
    widened += input->weights;
    noise -= input->noise;
    for (DenseOp dense : input->readers)
      widen(dense,
            llvm::formatv("15 bits: in 8 its input alone would leave {0:f1} dB",
                          -10 * std::log10(input->noise))
                .str());
  }
}

void WidenInputs::widen(DenseOp dense, StringRef reason) {
  dense->setDiscardableAttr(
      kPrecisionAttr,
      StringAttr::get(&getContext(), nameOf(Precision::Int8x16)));
  dense->setDiscardableAttr(kWidenedAttr,
                            StringAttr::get(&getContext(), reason));
}

} // namespace
