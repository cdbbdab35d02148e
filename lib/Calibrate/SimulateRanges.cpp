//===- SimulateRanges.cpp - values pass a quantization to try ranges ------===//
//
// Takes          a prepared float graph.
// Gives          @main with four further arguments for each stored value, whose
//                quantization they describe.
// Why            one compiled graph shows what any range does to the results.
// Not done here  choosing ranges (OutputError.cpp); weights stay in float.
//
//===----------------------------------------------------------------------===//
#include "quantc/Calibrate/Passes.h"

#include "ObservedValues.h"

#include "mlir/IR/BuiltinOps.h"

#define DEBUG_TYPE "simulate-ranges"

namespace mlir::qnet {
#define GEN_PASS_DEF_SIMULATERANGES
#include "quantc/Calibrate/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

FailureOr<SmallVector<int64_t>>
mlir::qnet::simulateRanges(func::FuncOp function,
                           ArrayRef<ObservedValue> values) {
  Block &body = function.getBody().front();
  OpBuilder builder(function.getContext());
  SmallVector<int64_t> numbers;
  for (auto [number, observed] : llvm::enumerate(values)) {
    if (!isStored(observed))
      continue;
    numbers.push_back(static_cast<int64_t>(number));
    Value value = observed.value;
    Location loc = value.getLoc();
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getRank(), 1);
    shape[0] = ShapedType::kDynamic;
    auto rowType = RankedTensorType::get(shape, builder.getF32Type());
    auto argument = [&](StringRef what) -> Value {
      unsigned position = function.getNumArguments();
      NamedAttribute attributes[] = {
          builder.getNamedAttr(
              kNameAttr,
              builder.getStringAttr(what + "_" + std::to_string(number))),
          builder.getNamedAttr(
              kSimulatedAttr,
              builder.getI64IntegerAttr(static_cast<int64_t>(number)))};
      if (failed(function.insertArgument(
              position, rowType, builder.getDictionaryAttr(attributes), loc)))
        return {};
      return body.getArgument(position);
    };
    Value inverse = argument("inverse_scale"), lowest = argument("lowest"),
          highest = argument("highest"), scale = argument("scale");
    if (!inverse || !lowest || !highest || !scale)
      return failure();
    builder.setInsertionPointAfterValue(value);
    Value steps = MulOp::create(builder, loc, type, value, inverse);
    Operation *firstReader = steps.getDefiningOp();
    steps = MaxOp::create(builder, loc, type, steps, lowest);
    steps = MinOp::create(builder, loc, type, steps, highest);
    steps = ActivationOp::create(builder, loc, type, Function::round, steps,
                                 FloatAttr(), FloatAttr());
    Value stored = MulOp::create(builder, loc, type, steps, scale);
    // Results are read before they are stored.
    value.replaceUsesWithIf(stored, [&](OpOperand &use) {
      return use.getOwner() != firstReader &&
             !use.getOwner()->hasTrait<OpTrait::IsTerminator>();
    });
  }
  return numbers;
}

namespace {

struct SimulateRanges : qnet::impl::SimulateRangesBase<SimulateRanges> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = mainFunction(getOperation());
    if (failed(function))
      return signalPassFailure();
    FailureOr<SmallVector<ObservedValue>> values = observedValues(*function);
    if (failed(values) || failed(simulateRanges(*function, *values)))
      signalPassFailure();
  }
};

} // namespace
