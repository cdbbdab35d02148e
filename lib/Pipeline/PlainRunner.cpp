//===- PlainRunner.cpp - dense layers in float without compiling ----------===//
#include "quantc/Pipeline/PlainRunner.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "quantc/Dialect/AppliedFunction.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Numerics/Evaluate.h"
#include "quantc/Numerics/FloatDense.h"
#include "llvm/ADT/DenseMap.h"

#include <algorithm>
#include <optional>

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

namespace {

/// Values [rows, width]: an argument, or what a step gives.
struct PlainValue {
  int64_t width = 0;
  int64_t result = -1; ///< the first result that it is, or -1
};

/// One op: value `to` from value `from`.
struct Step {
  size_t from, to;
  std::optional<numerics::FloatDense> dense; ///< or a copy
  std::optional<AppliedFunction> applied;    ///< or nothing more
};

class PlainRunner : public FloatRunner {
public:
  /// Whether the function is one that can be run so.
  bool read(func::FuncOp main) {
    if (main.isExternal() || !main.getBody().hasOneBlock())
      return false;
    for (BlockArgument argument : main.getArguments())
      if (!addValue(argument))
        return false;
    arguments = values.size();
    for (Operation &op : main.getBody().front())
      if (!op.hasTrait<OpTrait::ConstantLike>() && !isa<func::ReturnOp>(op) &&
          !addStep(op))
        return false;
    Operation *end = main.getBody().front().getTerminator();
    for (auto [i, operand] : llvm::enumerate(end->getOperands())) {
      auto found = indices.find(operand);
      if (found == indices.end())
        return false;
      results.push_back(found->second);
      if (int64_t &result = values[found->second].result; result < 0)
        result = static_cast<int64_t>(i);
    }
    buffers.resize(values.size());
    return true;
  }

  LogicalResult run(ArrayRef<const float *> inputs, int64_t rows,
                    ArrayRef<float *> outputs) override {
    if (inputs.size() != arguments || outputs.size() != results.size())
      return failure();
    SmallVector<const float *> at(inputs);
    for (const Step &step : steps) {
      const PlainValue &value = values[step.to];
      float *to = value.result >= 0 ? outputs[value.result]
                                    : scratch(step.to, rows * value.width);
      if (step.dense)
        step.dense->run(at[step.from], rows, to);
      else
        std::copy_n(at[step.from], rows * value.width, to);
      if (step.applied)
        numerics::applyToMany(step.applied->function,
                              {to, static_cast<size_t>(rows * value.width)},
                              static_cast<float>(step.applied->alpha),
                              static_cast<float>(step.applied->beta));
      at.push_back(to);
    }
    for (auto [index, output] : llvm::zip_equal(results, outputs))
      if (at[index] != output)
        std::copy_n(at[index], rows * values[index].width, output);
    return success();
  }

private:
  bool addValue(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || type.getRank() != 2 || !type.isDynamicDim(0) ||
        type.isDynamicDim(1) || !type.getElementType().isF32())
      return false;
    indices[value] = values.size();
    values.push_back({type.getDimSize(1)});
    return true;
  }

  bool addStep(Operation &op) {
    auto from =
        op.getNumOperands() ? indices.find(op.getOperand(0)) : indices.end();
    if (from == indices.end())
      return false;
    Step step{from->second, values.size(), std::nullopt, std::nullopt};
    if (auto activation = dyn_cast<ActivationOp>(op)) {
      step.applied = AppliedFunction::of(activation);
    } else if (auto dense = dyn_cast<DenseOp>(op)) {
      auto weights = readConstant<float>(dense.getWeights());
      FailureOr<std::vector<float>> bias = std::vector<float>();
      if (dense.getBias())
        bias = readConstant<float>(dense.getBias());
      auto shape = dyn_cast<RankedTensorType>(dense.getWeights().getType());
      if (failed(weights) || failed(bias) || !shape)
        return false;
      step.dense.emplace(*weights, *bias, shape.getDimSize(1),
                         shape.getDimSize(0));
      step.applied = AppliedFunction::of(dense);
    } else {
      return false;
    }
    // What is the identity folds away in a compiled graph, where the function
    // would make zeros of subnormals.
    if (step.applied->function == numerics::Function::Identity)
      step.applied.reset();
    else if (!numerics::isQuickOnMany(step.applied->function))
      return false;
    if (!addValue(op.getResult(0)))
      return false;
    steps.push_back(std::move(step));
    return true;
  }

  float *scratch(size_t value, int64_t size) {
    if (static_cast<int64_t>(buffers[value].size()) < size)
      buffers[value].resize(size);
    return buffers[value].data();
  }

  std::vector<PlainValue> values; ///< arguments first, then of each step
  llvm::DenseMap<Value, size_t> indices;
  std::vector<Step> steps;
  std::vector<size_t> results; ///< which values
  std::vector<std::vector<float>> buffers;
  size_t arguments = 0;
};

} // namespace

std::unique_ptr<FloatRunner> mlir::qnet::makePlainRunner(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  auto runner = std::make_unique<PlainRunner>();
  if (!main || !runner->read(main))
    return nullptr;
  return runner;
}
