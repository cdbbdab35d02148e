//===- UseFloat32.cpp - one type of real numbers --------------------------===//
//
// Takes          inputs of integers, booleans or other floats; values in f64,
//                f16 and bf16.
// Gives          f32 inputs with a cast behind; f32 values.
// Why            a program takes rows of f32, and Numerics defines f32 alone;
//                exporters write f64 and i64 where the framework had them.
// Not done here  other types inside: integers stay what they are. Results of
//                integers: they are labels.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "quantc/Dialect/Constants.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <algorithm>
#include <cmath>
#include <limits>

#define DEBUG_TYPE "use-float32"

namespace mlir::qnet {
#define GEN_PASS_DEF_USEFLOAT32
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

bool isOtherFloat(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType()) &&
         !tensor.getElementType().isF32();
}

Type asFloat32(Type type) {
  return cast<RankedTensorType>(type).clone(
      Float32Type::get(type.getContext()));
}

/// What is finite in f64 stays finite: an exporter's "no bound" is its largest
/// number.
float nearestFloat(double value) {
  constexpr double most = std::numeric_limits<float>::max();
  return std::isinf(value)
             ? static_cast<float>(value)
             : static_cast<float>(
                   std::isnan(value) ? value : std::clamp(value, -most, most));
}

/// The numbers of a constant in another float type.
FailureOr<std::vector<float>> readNumbers(ElementsAttr attribute,
                                          FloatType element) {
  std::vector<float> numbers;
  if (element.isF64()) {
    FailureOr<std::vector<double>> doubles = readElements<double>(attribute);
    if (failed(doubles))
      return failure();
    llvm::transform(*doubles, std::back_inserter(numbers), nearestFloat);
    return numbers;
  }
  FailureOr<std::vector<uint16_t>> halves = readElements<uint16_t>(attribute);
  if (failed(halves))
    return failure();
  constexpr unsigned width = 16;
  for (uint16_t bits : *halves) {
    llvm::APFloat value(element.getFloatSemantics(), llvm::APInt(width, bits));
    numbers.push_back(static_cast<float>(value.convertToDouble()));
  }
  return numbers;
}

struct UseFloat32 : qnet::impl::UseFloat32Base<UseFloat32> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !llvm::hasSingleElement(main.getBody()))
      return; // verify-prepared says so
    for (Operation &op : llvm::make_early_inc_range(main.getBody().front()))
      if (failed(convert(&op)))
        return signalPassFailure();
    for (BlockArgument argument : main.getArguments())
      convert(argument);
    main.setType(FunctionType::get(
        main.getContext(), main.getBody().getArgumentTypes(),
        main.getBody().front().getTerminator()->getOperandTypes()));
  }

private:
  static void convert(BlockArgument argument) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || !type.getElementType().isIntOrFloat() ||
        type.getElementType().isF32())
      return;
    argument.setType(asFloat32(type));
    if (isOtherFloat(type))
      return;
    // Rows hold what the model's own type could: a cast back changes nothing.
    SmallVector<CastOp> back;
    SmallVector<OpOperand *> others;
    for (OpOperand &use : argument.getUses()) {
      auto cast = dyn_cast<CastOp>(use.getOwner());
      if (cast && cast.getType() == argument.getType())
        back.push_back(cast);
      else
        others.push_back(&use);
    }
    if (!others.empty()) {
      OpBuilder builder = OpBuilder::atBlockBegin(argument.getOwner());
      Value own = CastOp::create(builder, argument.getLoc(), type, argument);
      for (OpOperand *use : others)
        use->set(own);
    }
    for (CastOp cast : back) {
      cast.replaceAllUsesWith(static_cast<Value>(argument));
      cast.erase();
    }
  }

  static LogicalResult convert(Operation *op) {
    if (auto constant = dyn_cast<ConstantOp>(op))
      return convert(constant);
    for (OpResult result : op->getResults())
      if (isOtherFloat(result.getType()))
        result.setType(asFloat32(result.getType()));
    if (auto cast = dyn_cast<CastOp>(op);
        cast && cast.getType() == cast.getInput().getType()) {
      cast.replaceAllUsesWith(cast.getInput());
      cast.erase();
    }
    return success();
  }

  static LogicalResult convert(ConstantOp op) {
    if (!isOtherFloat(op.getType()))
      return success();
    auto type = cast<RankedTensorType>(op.getType());
    auto element = cast<FloatType>(type.getElementType());
    constexpr unsigned widestHalf = 16;
    if (!element.isF64() && element.getWidth() != widestHalf)
      return op.emitError("has numbers of ")
             << element << ", which are not supported; export them in f32";
    FailureOr<std::vector<float>> numbers =
        readNumbers(cast<ElementsAttr>(op.getValueAttr()), element);
    if (failed(numbers))
      return op.emitError("holds no readable numbers; export the model again");
    OpBuilder builder(op);
    Value value = makeConstant<float>(builder, op.getLoc(), type.getShape(),
                                      builder.getF32Type(), *numbers);
    op.replaceAllUsesWith(value);
    op.erase();
    return success();
  }
};

} // namespace
