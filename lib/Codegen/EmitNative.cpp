//===- EmitNative.cpp - LLVM dialect to objects
//----------------------------===//
//
// The compiled program calls nothing: functions carry "no-builtins", so that no
// loop becomes a call of memset, and no library function is known to the
// optimizer. Floats are IEEE, operation by operation: nothing is fused.
//
//===----------------------------------------------------------------------===//

#include "Dispatch.h"
#include "MachineTarget.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "quantc/Codegen/Codegen.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace mlir::qnet;

std::unique_ptr<llvm::TargetMachine>
mlir::qnet::makeMachine(const Target &target, const CpuVariant &variant) {
  llvm::Triple triple(target.triple);
  const llvm::Target *known = lookupTarget(triple);
  if (!known)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  options.NoTrappingFPMath = true;
  // A linker that drops unused sections drops the entry that nobody calls.
  options.FunctionSections = true;
  if (triple.isARM() || triple.isThumb())
    options.FloatABIType = llvm::FloatABI::Hard;
  if (triple.isRISCV())
    options.MCOptions.ABIName = triple.isArch64Bit() ? "lp64d" : "ilp32d";
  return std::unique_ptr<llvm::TargetMachine>(known->createTargetMachine(
      triple, variant.cpu, variant.features, options, llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Default));
}

namespace {

/// What every function of the program carries.
void setAttributes(llvm::Module &module, const CpuVariant &variant) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("no-builtins");
    function.addFnAttr(llvm::Attribute::NoUnwind);
    if (!variant.cpu.empty())
      function.addFnAttr("target-cpu", variant.cpu);
    if (!variant.features.empty())
      function.addFnAttr("target-features", variant.features);
  }
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine, bool quick) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = !quick;
  tuning.SLPVectorization = !quick;
  tuning.LoopUnrolling = !quick;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::TargetLibraryInfoImpl library(machine.getTargetTriple());
  library.disableAllFunctions();
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder
      .buildPerModuleDefaultPipeline(quick ? llvm::OptimizationLevel::O1
                                           : llvm::OptimizationLevel::O3)
      .run(module, modules);
}

/// One LLVM module for all variants, optimized, with its target machine.
struct Program {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::Module> module;
};

FailureOr<Program> buildProgram(llvm::ArrayRef<ModuleOp> modules,
                                StringRef name, const Target &target,
                                bool quick) {
  Program program;
  program.context = std::make_unique<llvm::LLVMContext>();
  // The least capable variant is what code outside the variants may use.
  program.machine = makeMachine(target, target.variants.front());
  if (!program.machine) {
    modules.front()->emitError("LLVM has no machine for ") << target.triple;
    return failure();
  }
  for (auto [i, source] : llvm::enumerate(modules)) {
    ModuleOp op = source;
    registerBuiltinDialectTranslation(*op.getContext());
    registerLLVMDialectTranslation(*op.getContext());
    std::unique_ptr<llvm::Module> module =
        translateModuleToLLVMIR(op, *program.context, name);
    if (!module)
      return op.emitError("cannot translate to LLVM IR");
    module->setDataLayout(program.machine->createDataLayout());
    module->setTargetTriple(llvm::Triple(target.triple));
    setAttributes(*module, target.variants[i]);
    if (target.isFat())
      nameVariant(*module, i);
    if (!program.module)
      program.module = std::move(module);
    else if (llvm::Linker::linkModules(*program.module, std::move(module)))
      return op.emitError("cannot link the variants of a fat object");
  }
  if (target.isFat())
    addDispatch(*program.module, name, target);
  for (llvm::GlobalVariable &global : program.module->globals())
    if (global.hasLocalLinkage() && global.isConstant())
      global.setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  if (quick)
    program.machine->setOptLevel(llvm::CodeGenOptLevel::Less);
  optimize(*program.module, *program.machine, quick);
  return program;
}

LogicalResult writeProgram(Program &program, OutputKind kind, ModuleOp module,
                           llvm::raw_pwrite_stream &out) {
  if (kind == OutputKind::LLVMText) {
    program.module->print(out, nullptr);
    return success();
  }
  // Code generation changes the module: work on a copy when it is needed again.
  llvm::legacy::PassManager passes;
  auto type = kind == OutputKind::Assembly ? llvm::CodeGenFileType::AssemblyFile
                                           : llvm::CodeGenFileType::ObjectFile;
  if (program.machine->addPassesToEmitFile(passes, out, nullptr, type))
    return module.emitError("LLVM cannot write this kind of file for ")
           << program.machine->getTargetTriple().str();
  passes.run(*program.module);
  return success();
}

/// The values of a constant that code in this process reads.
struct HeldConstant {
  struct Free {
    void operator()(char *bytes) const { std::free(bytes); }
  };
  std::string symbol;
  std::unique_ptr<char, Free> bytes;
};

/// Appends the values of an array, as they lie in memory; false if they are not
/// plain numbers.
bool appendValues(const llvm::Constant &constant, uint64_t size,
                  llvm::SmallVectorImpl<char> &bytes,
                  const llvm::DataLayout &layout) {
  if (const auto *data =
          llvm::dyn_cast<llvm::ConstantDataSequential>(&constant)) {
    llvm::append_range(bytes, data->getRawDataValues());
    return true;
  }
  if (constant.isNullValue()) {
    bytes.append(size, 0);
    return true;
  }
  const auto *array = llvm::dyn_cast<llvm::ConstantArray>(&constant);
  return array && llvm::all_of(array->operands(), [&](const llvm::Use &part) {
           const auto &values = *llvm::cast<llvm::Constant>(part);
           return appendValues(values,
                               layout.getTypeAllocSize(values.getType()), bytes,
                               layout);
         });
}

/// Takes the weights out of an optimized module and leaves symbols: an object
/// would hold a copy of them, and be written number by number.
std::vector<HeldConstant> takeConstants(llvm::Module &module) {
  constexpr uint64_t leastBytes = 4096, leastAlignment = 64;
  const llvm::DataLayout &layout = module.getDataLayout();
  std::vector<HeldConstant> taken;
  llvm::SmallVector<char, 0> values;
  for (llvm::GlobalVariable &global : module.globals()) {
    if (!global.hasLocalLinkage() || !global.isConstant() ||
        !global.hasInitializer())
      continue;
    const uint64_t size = layout.getTypeAllocSize(global.getValueType());
    values.clear();
    if (size < leastBytes ||
        !appendValues(*global.getInitializer(), size, values, layout) ||
        values.size() != size)
      continue;
    const uint64_t alignment = std::max<uint64_t>(
        leastAlignment, global.getAlign().valueOrOne().value());
    HeldConstant &constant = taken.emplace_back();
    constant.symbol = "quantc_constant_" + std::to_string(taken.size());
    constant.bytes.reset(static_cast<char *>(
        std::aligned_alloc(alignment, llvm::alignTo(size, alignment))));
    std::memcpy(constant.bytes.get(), values.data(), size);
    global.setInitializer(nullptr);
    global.setLinkage(llvm::GlobalValue::ExternalLinkage);
    global.setDSOLocal(false);
    global.setName(constant.symbol);
  }
  return taken;
}

/// LLJIT around one object.
class ObjectJit : public JitProgram {
public:
  ObjectJit(std::unique_ptr<llvm::orc::LLJIT> jit,
            std::vector<HeldConstant> constants)
      : constants(std::move(constants)), jit(std::move(jit)) {}
  void *lookup(StringRef symbol) override {
    auto address = jit->lookup(symbol);
    if (!address) {
      llvm::consumeError(address.takeError());
      return nullptr;
    }
    return address->toPtr<void *>();
  }

private:
  std::vector<HeldConstant> constants;
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace

JitProgram::~JitProgram() = default;

LogicalResult mlir::qnet::emitNative(llvm::ArrayRef<ModuleOp> modules,
                                     StringRef name, const Target &target,
                                     llvm::ArrayRef<NativeOutput> outputs,
                                     bool quick) {
  FailureOr<Program> program = buildProgram(modules, name, target, quick);
  if (failed(program))
    return failure();
  // Text first: it reads the module that code generation then consumes.
  SmallVector<NativeOutput> ordered(outputs);
  llvm::stable_sort(ordered, [](const NativeOutput &a, const NativeOutput &b) {
    return a.kind > b.kind;
  });
  for (auto [i, output] : llvm::enumerate(ordered)) {
    bool last = i + 1 == ordered.size();
    Program copy;
    if (!last && output.kind != OutputKind::LLVMText) {
      copy.machine = makeMachine(target, target.variants.front());
      copy.module = llvm::CloneModule(*program->module);
    }
    if (failed(writeProgram(copy.module ? copy : *program, output.kind,
                            modules.front(), *output.stream)))
      return failure();
  }
  return success();
}

FailureOr<std::unique_ptr<JitProgram>>
mlir::qnet::jitCompile(ModuleOp module, StringRef name, const Target &target,
                       bool quick) {
  FailureOr<Program> program = buildProgram(module, name, target, quick);
  if (failed(program))
    return failure();
  std::vector<HeldConstant> constants = takeConstants(*program->module);
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  if (failed(writeProgram(*program, OutputKind::Object, module, stream)))
    return failure();
  auto report = [&](llvm::Error error) {
    module.emitError("cannot run the compiled program in this process: ")
        << llvm::toString(std::move(error));
    return failure();
  };
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return report(jit.takeError());
  llvm::orc::SymbolMap addresses;
  for (const HeldConstant &constant : constants)
    addresses[(*jit)->mangleAndIntern(constant.symbol)] = {
        llvm::orc::ExecutorAddr::fromPtr(constant.bytes.get()),
        llvm::JITSymbolFlags::Exported};
  if (llvm::Error error = (*jit)->getMainJITDylib().define(
          llvm::orc::absoluteSymbols(std::move(addresses))))
    return report(std::move(error));
  if (llvm::Error error =
          (*jit)->addObjectFile(std::make_unique<llvm::SmallVectorMemoryBuffer>(
              std::move(object), name)))
    return report(std::move(error));
  return std::unique_ptr<JitProgram>(
      new ObjectJit(std::move(*jit), std::move(constants)));
}
