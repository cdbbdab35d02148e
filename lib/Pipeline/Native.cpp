//===- Native.cpp - integer (or float) graph to native code
//----------------===//

#include "quantc/Pipeline/Native.h"
#include "NativePipeline.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Kernels/Passes.h"
#include "quantc/Kernels/Schedule.h"
#include "quantc/Lower/Passes.h"
#include "quantc/Pipeline/Pipeline.h"
#include "quantc/Pipeline/PlainRunner.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/Support/Alignment.h"

#include <cstdlib>

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// The caller's workspace starts at a cache line.
constexpr size_t workspaceAlignment = 64;

std::vector<std::string> namesIn(Attribute attribute) {
  std::vector<std::string> names;
  if (auto list = dyn_cast_or_null<ArrayAttr>(attribute))
    for (Attribute name : list)
      if (auto text = dyn_cast<StringAttr>(name))
        names.push_back(text.str());
  return names;
}

/// What is said of a tensor beside its type.
void readNames(DictionaryAttr attributes, TensorInterface &tensor) {
  if (!attributes)
    return;
  tensor.classes = namesIn(attributes.get(kClassesAttr));
  tensor.columns = namesIn(attributes.get(kColumnsAttr));
  if (auto columns = attributes.getAs<ArrayAttr>(kCategoriesAttr))
    for (Attribute column : columns)
      tensor.categories.push_back(namesIn(column));
}

FailureOr<TensorInterface> describeTensor(func::FuncOp main, Type type,
                                          DictionaryAttr attributes,
                                          const Twine &position,
                                          bool isOutput) {
  TensorInterface tensor;
  auto name =
      attributes ? attributes.getAs<StringAttr>(kNameAttr) : StringAttr();
  tensor.name = name ? name.str() : position.str();
  readNames(attributes, tensor);
  auto ranked = dyn_cast<RankedTensorType>(type);
  Type element = ranked ? ranked.getElementType() : Type();
  bool isLabel =
      isOutput && element &&
      (element.isSignlessInteger(32) || element.isSignlessInteger(64));
  if (!ranked || ranked.getRank() == 0 || !ranked.isDynamicDim(0) ||
      (!element.isF32() && !isLabel))
    return main.emitError("tensor '")
           << tensor.name << "' is " << type
           << "; a compiled program takes f32 tensors whose first dimension is "
              "the batch, and returns such tensors of f32, i32 or i64";
  if (isLabel)
    tensor.type = "i" + std::to_string(element.getIntOrFloatBitWidth());
  llvm::append_range(tensor.shape, ranked.getShape().drop_front());
  FailureOr<int64_t> values = staticElementCount(tensor.shape);
  if (failed(values) || *values == 0)
    return main.emitError("tensor '")
           << tensor.name << "' is " << type
           << "; every dimension but the batch must be known and not 0";
  tensor.valuesPerRow = *values;
  return tensor;
}

/// NAME_run of any number of tensors, called through an array of pointers.
class NativeRunner : public FloatRunner {
public:
  NativeRunner(std::unique_ptr<JitProgram> program, void *function,
               const ProgramInterface &interface)
      : program(std::move(program)), function(function), interface(interface),
        workspace(std::aligned_alloc(
            workspaceAlignment,
            llvm::alignTo(interface.workspaceBytes, workspaceAlignment))) {}
  ~NativeRunner() override { std::free(workspace); }

  LogicalResult run(ArrayRef<const float *> inputs, int64_t rows,
                    ArrayRef<float *> outputs) override {
    if (!workspace || inputs.size() != interface.inputs.size() ||
        outputs.size() != interface.outputs.size())
      return failure();
    // One struct of pointers, as the packed entry takes it.
    SmallVector<const void *> arguments;
    llvm::append_range(arguments, inputs);
    llvm::append_range(arguments, outputs);
    reinterpret_cast<void (*)(const void *const *, size_t, void *)>(function)(
        arguments.data(), static_cast<size_t>(rows), workspace);
    return success();
  }

private:
  std::unique_ptr<JitProgram> program;
  void *function;
  ProgramInterface interface;
  void *workspace;
};

} // namespace

LogicalResult mlir::qnet::describeInterface(ModuleOp module, StringRef name,
                                            ProgramInterface &interface) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("the module has no function @main");
  interface.name = name.str();
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
    auto tensor =
        describeTensor(main, type, main.getArgAttrDict(i), "input" + Twine(i),
                       /*isOutput=*/false);
    if (failed(tensor))
      return failure();
    interface.inputs.push_back(*tensor);
  }
  for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
    if (auto counted = main.getResultAttrOfType<ArrayAttr>(i, kClippedAttr)) {
      for (auto name : counted.getAsRange<StringAttr>())
        interface.clipped.push_back(name.str());
      continue;
    }
    auto tensor = describeTensor(main, type, main.getResultAttrDict(i),
                                 "output" + Twine(i), /*isOutput=*/true);
    if (failed(tensor))
      return failure();
    interface.outputs.push_back(*tensor);
  }
  if (std::optional<EightBitInterface> stored = eightBitInterface(main)) {
    interface.hasEightBitEntry = true;
    for (auto [tensor, type] : llvm::zip(interface.inputs, stored->inputs))
      tensor.stored = type;
    for (auto [tensor, type] : llvm::zip(interface.outputs, stored->outputs))
      tensor.stored = type;
  }
  return success();
}

LogicalResult mlir::qnet::lowerToNative(ModuleOp module, StringRef name,
                                        const Target &target,
                                        const CpuVariant &variant,
                                        ProgramInterface &interface,
                                        bool packedEntry, StringRef kernel,
                                        bool lists, bool oneRow) {
  ProgramInterface described;
  if (failed(describeInterface(module, name, described)))
    return failure();
  NativePipelineOptions options;
  options.name = name.str();
  options.isa = isaName(variant.isa).str();
  options.pointerBits = target.pointerBits;
  options.packedEntry = packedEntry;
  options.kernel = kernel.str();
  options.lists = lists;
  options.oneRow = oneRow;
  PassManager passes(module.getContext());
  buildLowerPipeline(passes, options);
  if (failed(passes.run(module)))
    return failure();
  auto integer = [&](StringRef attribute) {
    auto value = module->getAttrOfType<IntegerAttr>(attribute);
    return value ? value.getInt() : 0;
  };
  // Of several variants the header states the largest workspace.
  uint64_t bytes = integer(kWorkspaceAttr);
  described.workspaceBytes = std::max(bytes, interface.workspaceBytes);
  described.blockRows = integer(kBlockRowsAttr);
  interface = described;
  return success();
}

LogicalResult mlir::qnet::compileNative(ModuleOp module, StringRef name,
                                        const Target &target,
                                        ArrayRef<NativeOutput> outputs,
                                        ProgramInterface &interface) {
  SmallVector<OwningOpRef<ModuleOp>> owned;
  SmallVector<ModuleOp> lowered;
  for (const CpuVariant &variant : target.variants) {
    owned.push_back(module.clone());
    lowered.push_back(*owned.back());
    if (failed(lowerToNative(lowered.back(), name, target, variant, interface)))
      return failure();
  }
  return emitNative(lowered, name, target, outputs);
}

/// Leaves only the f32 results of @main.
static void dropLabels(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return;
  Operation *end = main.getBody().front().getTerminator();
  llvm::BitVector labels(end->getNumOperands());
  for (auto [i, result] : llvm::enumerate(end->getOperands()))
    labels[i] = getElementTypeOrSelf(result).isSignlessInteger();
  if (labels.none())
    return;
  end->eraseOperands(labels);
  (void)main.eraseResults(labels);
}

SmallVector<int64_t> mlir::qnet::realWidths(const ProgramInterface &interface) {
  SmallVector<int64_t> widths;
  for (const TensorInterface &output : interface.outputs)
    if (output.type == "f32")
      widths.push_back(output.valuesPerRow);
  return widths;
}

static FailureOr<std::unique_ptr<FloatRunner>> makeRunner(ModuleOp module,
                                                          bool quick) {
  if (std::unique_ptr<FloatRunner> plain = makePlainRunner(module))
    return plain;
  constexpr llvm::StringLiteral name = "graph";
  auto machine =
      resolveTarget("", "native", [&] { return module.emitError(); });
  if (failed(machine))
    return failure();
  const Target target = machine->bestAlone();
  OwningOpRef<ModuleOp> lowered = module.clone();
  dropLabels(*lowered);
  ProgramInterface interface;
  if (failed(lowerToNative(*lowered, name, target, target.best(), interface,
                           /*packedEntry=*/true, /*kernel=*/{},
                           /*lists=*/false, /*oneRow=*/!quick)))
    return failure();
  auto program = jitCompile(*lowered, name, target, quick);
  if (failed(program))
    return failure();
  void *function = (*program)->lookup((name + "_run_packed").str());
  if (!function)
    return module.emitError("the compiled graph has no entry point");
  return std::unique_ptr<FloatRunner>(
      new NativeRunner(std::move(*program), function, interface));
}

FailureOr<std::unique_ptr<FloatRunner>>
mlir::qnet::makeNativeRunner(ModuleOp module) {
  return makeRunner(module, /*quick=*/false);
}

FailureOr<std::unique_ptr<FloatRunner>>
mlir::qnet::makeQuickRunner(ModuleOp module) {
  return makeRunner(module, /*quick=*/true);
}

LogicalResult mlir::qnet::orderChannels(ModuleOp module, const Target &target) {
  // What suits one instruction set suits the others: their sums have as many
  // products.
  auto narrow = llvm::find_if(target.variants, [](const CpuVariant &variant) {
    return hasNarrowRows(variant.isa);
  });
  if (narrow == target.variants.end())
    return success();
  PassManager passes(module.getContext());
  passes.addPass(createPairChannels({isaName(narrow->isa).str()}));
  return passes.run(module);
}

KernelUse mlir::qnet::kernelUse(QDenseOp op, const CpuVariant &variant) {
  auto type = cast<RankedTensorType>(op.getWeights().getType());
  KernelUse use;
  double inFloat =
      floatCycles(type.getDimSize(0), type.getDimSize(1), variant.isa);
  if (op.getGroupMultiplier()) {
    const KernelRow &row = chooseGroupedRow(type.getDimSize(0), variant.isa);
    use.kernel = row.name.str();
    use.hasNarrowSums = row.hasNarrowSums();
    use.timeOverFloat =
        timeOverFloat(type.getDimSize(0), type.getDimSize(1), row);
    use.cycles = use.timeOverFloat * inFloat;
    return use;
  }
  auto weights = readConstant<int8_t>(op.getWeights());
  auto input = cast<quant::UniformQuantizedType>(
      cast<RankedTensorType>(op.getInput().getType()).getElementType());
  if (failed(weights))
    return use;
  LayerWeights layer{*weights, type.getDimSize(0), type.getDimSize(1),
                     static_cast<int32_t>(input.getStorageTypeMax())};
  Choice choice = chooseRow(layer, variant.isa);
  use.kernel = choice.row->name.str();
  auto groups = double(groupCount(layer, *choice.row));
  auto vectors = double(choice.row->nr) / double(choice.row->lanes);
  if (choice.lists) {
    use.listedShare = double(choice.lists->listed) / groups;
    use.visitedShare = double(choice.lists->repeated) / groups;
  } else {
    use.visitedShare =
        double(choice.split.visits.offsets.size()) / (groups * vectors);
  }
  use.hasNarrowSums = choice.row->hasNarrowSums();
  use.timeOverFloat = timeOverFloat(layer, choice);
  use.cycles = use.timeOverFloat * inFloat;
  if (!weights->empty())
    use.zeroShare = double(llvm::count(*weights, 0)) / double(weights->size());
  return use;
}
