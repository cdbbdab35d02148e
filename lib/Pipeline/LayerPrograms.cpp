//===- LayerPrograms.cpp - dense layers as programs of their own ----------===//

#include "quantc/Pipeline/LayerPrograms.h"

#include "NativePipeline.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Kernels/KernelTable.h"
#include "quantc/Lower/Passes.h"
#include "quantc/Pipeline/Native.h"
#include "quantc/Reference/Compare.h"
#include "llvm/Support/Alignment.h"

#include <cstdlib>

using namespace mlir;
using namespace mlir::qnet;

LayerProgram::~LayerProgram() = default;

namespace {

constexpr llvm::StringLiteral programName = "layer";
/// Weights of a kernel alone: one panel, half of a first cache.
constexpr int64_t fewWeights = 16 << 10;
constexpr size_t workspaceAlignment = 64;

int64_t bytesOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (auto uniform = dyn_cast<quant::UniformQuantizedType>(element))
    element = uniform.getStorageType();
  return cast<RankedTensorType>(type).getShape().back() *
         llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

class CompiledLayer : public LayerProgram {
public:
  CompiledLayer(std::unique_ptr<JitProgram> program, void *function,
                uint64_t workspaceBytes)
      : program(std::move(program)), function(function),
        workspace(std::aligned_alloc(
            workspaceAlignment,
            llvm::alignTo(workspaceBytes + 1, workspaceAlignment))) {}
  ~CompiledLayer() override { std::free(workspace); }

  void run(const void *input, void *output, int64_t rows) override {
    const void *tensors[] = {input, output};
    reinterpret_cast<void (*)(const void *const *, size_t, void *)>(function)(
        tensors, static_cast<size_t>(rows), workspace);
  }

private:
  std::unique_ptr<JitProgram> program;
  void *function;
  void *workspace;
};

/// A module whose @main is one layer, from stored integers to its result.
OwningOpRef<ModuleOp> isolate(QDenseOp layer) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(layer.getLoc());
  OpBuilder b(module->getBodyRegion());
  auto rowsOf = [](Type type) {
    auto tensor = cast<RankedTensorType>(type);
    return RankedTensorType::get(
        {ShapedType::kDynamic, tensor.getShape().back()},
        tensor.getElementType());
  };
  Type input = rowsOf(layer.getInput().getType());
  Type result = rowsOf(layer.getResult().getType());
  auto main = func::FuncOp::create(b, layer.getLoc(), "main",
                                   b.getFunctionType({input}, {result}));
  Block *body = main.addEntryBlock();
  b.setInsertionPointToStart(body);
  IRMapping mapping;
  mapping.map(layer.getInput(), body->getArgument(0));
  for (Value operand : layer->getOperands().drop_front())
    if (Operation *constant = operand.getDefiningOp())
      b.clone(*constant, mapping);
  Operation *copy = b.clone(*layer, mapping);
  copy->getResult(0).setType(result);
  func::ReturnOp::create(b, layer.getLoc(), copy->getResult(0));
  return module;
}

/// The layer's kernel with one panel of a few input channels, all weights 1.
OwningOpRef<ModuleOp> isolateKernel(QDenseOp layer, const KernelRow &row) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(layer.getLoc());
  OpBuilder b(module->getBodyRegion());
  Location loc = layer.getLoc();
  int64_t fewInputs = fewWeights / row.nr;
  auto tensor = [](int64_t width, Type like) {
    return RankedTensorType::get({ShapedType::kDynamic, width},
                                 getElementTypeOrSelf(like));
  };
  Type input = tensor(fewInputs, layer.getInput().getType());
  Type result = tensor(row.nr, layer.getResult().getType());
  auto main = func::FuncOp::create(b, loc, "main",
                                   b.getFunctionType({input}, {result}));
  Block *body = main.addEntryBlock();
  b.setInsertionPointToStart(body);
  std::vector<int8_t> ones(row.nr * fewInputs, 1);
  Value weights, groups;
  if (row.isGrouped()) {
    int64_t count = QDenseOp::groupsOf(fewInputs);
    weights = makeNibbles(b, loc, {row.nr, fewInputs}, ones);
    groups = makeConstant<uint8_t>(b, loc, {row.nr, count},
                                   b.getIntegerType(8, /*isSigned=*/false),
                                   std::vector<uint8_t>(row.nr * count, 1));
  } else {
    weights =
        makeConstant<int8_t>(b, loc, {row.nr, fewInputs}, b.getI8Type(), ones);
  }
  auto vectorOf = [&](Value like) -> Value {
    if (!like)
      return {};
    return makeConstant<int32_t>(b, loc, {row.nr},
                                 getElementTypeOrSelf(like.getType()),
                                 std::vector<int32_t>(row.nr, 1));
  };
  auto alone = QDenseOp::create(
      b, loc, result, body->getArgument(0), weights, vectorOf(layer.getBias()),
      vectorOf(layer.getMultiplier()), vectorOf(layer.getShift()),
      vectorOf(layer.getOutBias()), groups);
  func::ReturnOp::create(b, loc, alone.getResult());
  return module;
}

FailureOr<std::unique_ptr<LayerProgram>>
compileLayer(QDenseOp layer, const Target &target, bool kernelAlone) {
  KernelUse use = kernelUse(layer, target.best());
  const KernelRow *row = kernelByName(use.kernel);
  if (!row)
    return layer.emitOpError("has weights that are no constant");
  OwningOpRef<ModuleOp> module =
      kernelAlone ? isolateKernel(layer, *row) : isolate(layer);
  auto main = module->lookupSymbol<func::FuncOp>("main");
  Type input = main.getArgumentTypes()[0], result = main.getResultTypes()[0];
  NativePipelineOptions options;
  options.name = programName.str();
  options.isa = isaName(target.best().isa).str();
  options.pointerBits = target.pointerBits;
  options.packedEntry = true;
  if (kernelAlone)
    options.kernel = row->name.str();
  PassManager passes(module->getContext());
  buildLowerPipeline(passes, options);
  if (failed(passes.run(*module)))
    return failure();
  auto workspace = (*module)->getAttrOfType<IntegerAttr>(kWorkspaceAttr);
  auto program = jitCompile(*module, programName, target);
  if (failed(program) || !workspace)
    return failure();
  void *function = (*program)->lookup((programName + "_run_packed").str());
  if (!function)
    return layer.emitOpError("compiles to a program without an entry");
  auto made = std::make_unique<CompiledLayer>(
      std::move(*program), function, workspace.getValue().getZExtValue());
  made->name = nameOf(layer.getLoc()).str();
  made->kernel = use.kernel;
  made->inputs = cast<RankedTensorType>(input).getShape().back();
  made->outputs = cast<RankedTensorType>(result).getShape().back();
  made->inputBytes = bytesOf(input);
  made->outputBytes = bytesOf(result);
  if (!kernelAlone)
    made->multipliedShare = use.listedShare + use.visitedShare;
  auto allBytes =
      static_cast<double>(row->paddedChannels(made->outputs) *
                          row->groups(made->inputs) * row->stepBytes());
  made->weightBytes = static_cast<uint64_t>(made->multipliedShare * allBytes);
  return std::unique_ptr<LayerProgram>(std::move(made));
}

} // namespace

FailureOr<std::vector<std::unique_ptr<LayerProgram>>>
mlir::qnet::compileLayers(ModuleOp module, const Target &target,
                          bool kernelAlone) {
  std::vector<std::unique_ptr<LayerProgram>> layers;
  OwningOpRef<ModuleOp> ordered = module.clone();
  if (failed(orderChannels(*ordered, target)))
    return failure();
  WalkResult walked = ordered->walk([&](QDenseOp layer) {
    auto compiled = compileLayer(layer, target, kernelAlone);
    if (failed(compiled))
      return WalkResult::interrupt();
    layers.push_back(std::move(*compiled));
    return WalkResult::advance();
  });
  if (walked.wasInterrupted())
    return failure();
  return std::move(layers);
}
