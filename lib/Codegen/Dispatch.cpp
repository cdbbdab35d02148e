//===- Dispatch.cpp - one entry point over several CPUs
//--------------------===//
//
// NAME_run jumps through a pointer that first leads to a chooser. The chooser
// reads the CPU's own feature registers (no library, no file), stores the best
// variant in the pointer and goes on there. Two threads may both choose: they
// choose the same.
//
//===----------------------------------------------------------------------===//

#include "Dispatch.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace mlir::qnet;

namespace {

std::string variantName(StringRef function, unsigned index) {
  return (function + "_variant" + llvm::Twine(index)).str();
}

llvm::Value *allBits(llvm::IRBuilder<> &b, llvm::Value *word, uint64_t mask) {
  llvm::Value *bits = llvm::ConstantInt::get(word->getType(), mask);
  return b.CreateICmpEQ(b.CreateAnd(word, bits), bits);
}

/// Registers that CPUID writes, in the order of its result here.
enum CpuidRegister : unsigned { Eax, Ebx, Ecx, Edx };

/// eax, ebx, ecx, edx of CPUID (Intel SDM volume 2, CPUID).
llvm::Value *cpuid(llvm::IRBuilder<> &b, uint32_t leaf, uint32_t subLeaf = 0) {
  llvm::Type *i32 = b.getInt32Ty();
  auto *four = llvm::StructType::get(i32, i32, i32, i32);
  auto *type = llvm::FunctionType::get(four, {i32, i32}, false);
  auto *code = llvm::InlineAsm::get(
      type, "cpuid",
      "={ax},={bx},={cx},={dx},{ax},{cx},~{dirflag},~{fpsr},~{flags}",
      /*hasSideEffects=*/true);
  return b.CreateCall(type, code, {b.getInt32(leaf), b.getInt32(subLeaf)});
}

/// Words of CPUID and XCR0 as the chooser of an x86 program reads them, once:
/// zeros where the CPU or the operating system has nothing to say.
class X86Features {
public:
  /// Reads them; `b` goes on in another block.
  explicit X86Features(llvm::IRBuilder<> &b);

  /// Everything that code for x86-64-v3 may use, and an operating system that
  /// saves the wide registers.
  llvm::Value *hasV3(llvm::IRBuilder<> &b) const {
    return b.CreateAnd(
        {allBits(b, leaf1Ecx, FMA | MOVBE | OSXSAVE | AVX | F16C),
         allBits(b, leaf7Ebx, BMI1 | AVX2 | BMI2),
         allBits(b, extendedEcx, LZCNT),
         allBits(b, xcr0, SseState | AvxState)});
  }
  llvm::Value *hasAvxVnni(llvm::IRBuilder<> &b) const {
    return b.CreateAnd(hasV3(b), allBits(b, leaf7Sub1Eax, AVXVNNI));
  }
  /// Everything that code for x86-64-v4 may use, and AVX512_VNNI.
  llvm::Value *hasAvx512Vnni(llvm::IRBuilder<> &b) const {
    constexpr uint32_t v4 = AVX512F | AVX512DQ | AVX512CD | AVX512BW | AVX512VL;
    return b.CreateAnd(
        {hasV3(b), allBits(b, leaf7Ebx, v4), allBits(b, leaf7Ecx, AVX512VNNI),
         allBits(b, xcr0, OpmaskState | ZmmHigh256State | High16ZmmState)});
  }

  /// The above, AMX, and the kernel's leave to use the tile registers. `b` goes
  /// on in another block.
  llvm::Value *hasAmx(llvm::IRBuilder<> &b) const;

private:
  // Bits of the Intel SDM volume 2, CPUID, tables 3-8 and following.
  enum Leaf1Ecx : uint32_t {
    FMA = 1u << 12,
    MOVBE = 1u << 22,
    OSXSAVE = 1u << 27,
    AVX = 1u << 28,
    F16C = 1u << 29
  };
  enum Leaf7Ebx : uint32_t {
    BMI1 = 1u << 3,
    AVX2 = 1u << 5,
    BMI2 = 1u << 8,
    AVX512F = 1u << 16,
    AVX512DQ = 1u << 17,
    AVX512CD = 1u << 28,
    AVX512BW = 1u << 30,
    AVX512VL = 1u << 31
  };
  enum Leaf7Ecx : uint32_t { AVX512VNNI = 1u << 11 };
  enum Leaf7Edx : uint32_t { AMXTILE = 1u << 24, AMXINT8 = 1u << 25 };
  enum Leaf7Sub1Eax : uint32_t { AVXVNNI = 1u << 4 };
  enum ExtendedEcx : uint32_t { LZCNT = 1u << 5 };
  // Intel SDM volume 1, 13.1: state components that XCR0 enables.
  enum Xcr0 : uint32_t {
    SseState = 1u << 1,
    AvxState = 1u << 2,
    OpmaskState = 1u << 5,
    ZmmHigh256State = 1u << 6,
    High16ZmmState = 1u << 7,
    TileConfigState = 1u << 17,
    TileDataState = 1u << 18
  };

  llvm::Value *leaf1Ecx, *leaf7Ebx, *leaf7Ecx, *leaf7Edx, *leaf7Sub1Eax,
      *extendedEcx, *xcr0;
};

llvm::Value *X86Features::hasAmx(llvm::IRBuilder<> &b) const {
  // arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILE_DATA): once for the process,
  // whose other threads then have it too (Linux,
  // Documentation/arch/x86/xstate).
  constexpr uint64_t archPrctl = 158, requestPermission = 0x1023, tileData = 18;
  llvm::Function *function = b.GetInsertBlock()->getParent();
  auto block = [&](const char *name) {
    return llvm::BasicBlock::Create(b.getContext(), name, function);
  };
  llvm::Value *can =
      b.CreateAnd({hasAvx512Vnni(b), allBits(b, leaf7Edx, AMXTILE | AMXINT8),
                   allBits(b, xcr0, TileConfigState | TileDataState)});
  llvm::BasicBlock *before = b.GetInsertBlock(), *ask = block("ask"),
                   *asked = block("asked");
  b.CreateCondBr(can, ask, asked);
  b.SetInsertPoint(ask);
  llvm::Type *i64 = b.getInt64Ty();
  auto *type = llvm::FunctionType::get(i64, {i64, i64, i64}, false);
  auto *systemCall =
      llvm::InlineAsm::get(type, "syscall",
                           "={ax},{ax},{di},{si},~{rcx},~{r11},~{memory},~{"
                           "dirflag},~{fpsr},~{flags}",
                           /*hasSideEffects=*/true);
  llvm::Value *answer =
      b.CreateCall(type, systemCall,
                   {b.getInt64(archPrctl), b.getInt64(requestPermission),
                    b.getInt64(tileData)});
  llvm::Value *granted = b.CreateICmpEQ(answer, b.getInt64(0));
  b.CreateBr(asked);
  b.SetInsertPoint(asked);
  llvm::PHINode *either = b.CreatePHI(b.getInt1Ty(), 2);
  either->addIncoming(b.getFalse(), before);
  either->addIncoming(granted, ask);
  return either;
}

X86Features::X86Features(llvm::IRBuilder<> &b) {
  constexpr uint32_t featureLeaf = 7, extendedLeaf = 0x80000001;
  llvm::Function *function = b.GetInsertBlock()->getParent();
  auto block = [&](const char *name) {
    return llvm::BasicBlock::Create(b.getContext(), name, function);
  };
  llvm::BasicBlock *entry = b.GetInsertBlock(), *deep = block("leaves"),
                   *done = block("read");
  llvm::Value *highest = b.CreateExtractValue(cpuid(b, 0), Eax);
  llvm::Value *enough = b.CreateICmpUGE(highest, b.getInt32(featureLeaf));
  leaf1Ecx = b.CreateExtractValue(cpuid(b, 1), Ecx);
  b.CreateCondBr(b.CreateAnd(enough, allBits(b, leaf1Ecx, OSXSAVE)), deep,
                 done);

  // XGETBV exists only where OSXSAVE says so. EAX of leaf 7 is its highest
  // sub-leaf.
  b.SetInsertPoint(deep);
  llvm::Value *leaf7 = cpuid(b, featureLeaf);
  llvm::Value *sub1 = b.CreateExtractValue(cpuid(b, featureLeaf, 1), Eax);
  llvm::Value *hasSub1 =
      b.CreateICmpNE(b.CreateExtractValue(leaf7, Eax), b.getInt32(0));
  auto *pair = llvm::StructType::get(b.getInt32Ty(), b.getInt32Ty());
  auto *type = llvm::FunctionType::get(pair, {b.getInt32Ty()}, false);
  auto *xgetbv = llvm::InlineAsm::get(
      type, "xgetbv", "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}",
      /*hasSideEffects=*/true);
  std::pair<llvm::Value **, llvm::Value *> words[] = {
      {&leaf7Ebx, b.CreateExtractValue(leaf7, Ebx)},
      {&leaf7Ecx, b.CreateExtractValue(leaf7, Ecx)},
      {&leaf7Edx, b.CreateExtractValue(leaf7, Edx)},
      {&leaf7Sub1Eax, b.CreateSelect(hasSub1, sub1, b.getInt32(0))},
      {&extendedEcx, b.CreateExtractValue(cpuid(b, extendedLeaf), Ecx)},
      {&xcr0,
       b.CreateExtractValue(b.CreateCall(type, xgetbv, {b.getInt32(0)}), 0)}};
  b.CreateBr(done);

  b.SetInsertPoint(done);
  for (auto [member, word] : words) {
    llvm::PHINode *either = b.CreatePHI(b.getInt32Ty(), 2);
    either->addIncoming(b.getInt32(0), entry);
    either->addIncoming(word, deep);
    *member = either;
  }
}

/// A field of four bits of an AArch64 feature register is at least 1 (Arm ARM
/// D19; Linux lets programs read these registers since 4.11).
llvm::Value *armFeature(llvm::IRBuilder<> &b, const char *reg, unsigned shift) {
  auto *type = llvm::FunctionType::get(b.getInt64Ty(), false);
  auto *read = llvm::InlineAsm::get(type, std::string("mrs $0, ") + reg, "=r",
                                    /*hasSideEffects=*/true);
  llvm::Value *word = b.CreateCall(type, read);
  llvm::Value *field = b.CreateAnd(b.CreateLShr(word, shift), 15);
  return b.CreateICmpNE(field, b.getInt64(0));
}

/// What the chooser asks of the CPU, read once for all variants.
class CpuFeatures {
public:
  CpuFeatures(llvm::IRBuilder<> &b, const Target &target) {
    if (llvm::Triple(target.triple).isX86())
      x86.emplace(b);
  }

  llvm::Value *has(llvm::IRBuilder<> &b, Isa isa) const {
    constexpr unsigned dotProductField = 44, int8MatrixField = 52,
                       sveField = 32;
    switch (isa) {
    case Isa::avx2:
      return x86->hasV3(b);
    case Isa::avxvnni:
      return x86->hasAvxVnni(b);
    case Isa::avx512vnni:
      return x86->hasAvx512Vnni(b);
    case Isa::amx:
      return x86->hasAmx(b);
    case Isa::dotprod:
      return armFeature(b, "ID_AA64ISAR0_EL1", dotProductField);
    case Isa::i8mm:
      return b.CreateAnd(armFeature(b, "ID_AA64ISAR0_EL1", dotProductField),
                         armFeature(b, "ID_AA64ISAR1_EL1", int8MatrixField));
    case Isa::sve:
      return armFeature(b, "ID_AA64PFR0_EL1", sveField);
    case Isa::portable:
    case Isa::sse41:
    case Isa::avx512bw:
    case Isa::neon:
    case Isa::svei8mm:
      break;
    }
    llvm_unreachable("a baseline, or in no portable object");
  }

private:
  std::optional<X86Features> x86;
};

} // namespace

void mlir::qnet::nameVariant(llvm::Module &module, unsigned index) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    // Entry points stay visible to the linker, which would drop hidden ones
    // that nothing calls yet; addDispatch hides them.
    if (!function.hasLocalLinkage())
      function.setName(variantName(function.getName(), index));
  }
}

namespace {

/// Adds what calls through a pointer, and what is chosen from.
class Dispatcher {
public:
  Dispatcher(llvm::Module &module, const Target &target)
      : module(module), target(target), context(module.getContext()) {}

  bool has(StringRef function) const { return variant(function, 0); }
  /// `choosesByRows`: the function's only integer argument says how many rows
  /// it is called with.
  void addRun(StringRef run, bool choosesByRows = false);
  void addSize(StringRef size);

private:
  llvm::Function *variant(StringRef function, unsigned index) const {
    return module.getFunction(variantName(function, index));
  }
  llvm::Function *create(llvm::FunctionType *type, const llvm::Twine &name,
                         llvm::GlobalValue::LinkageTypes linkage) {
    auto *function = llvm::Function::Create(type, linkage, name, module);
    function->addFnAttr("no-builtins");
    function->addFnAttr(llvm::Attribute::NoUnwind);
    if (!target.variants.front().cpu.empty())
      function->addFnAttr("target-cpu", target.variants.front().cpu);
    return function;
  }
  void hideVariants(StringRef function) {
    for (unsigned i = 0; i < target.variants.size(); ++i)
      variant(function, i)->setLinkage(llvm::GlobalValue::InternalLinkage);
  }
  std::optional<unsigned> variantFor(Isa isa) const {
    for (auto [i, variant] : llvm::enumerate(target.variants))
      if (variant.isa == isa)
        return i;
    return std::nullopt;
  }
  llvm::Value *withoutTiles(llvm::IRBuilder<> &b, StringRef run,
                            llvm::Value *chosen) const;
  static SmallVector<llvm::Value *> argumentsOf(llvm::Function *function) {
    SmallVector<llvm::Value *> values;
    for (llvm::Argument &argument : function->args())
      values.push_back(&argument);
    return values;
  }

  llvm::Module &module;
  const Target &target;
  llvm::LLVMContext &context;
};

/// For a few rows, a CPU with tiles is quicker by its vectors.
llvm::Value *Dispatcher::withoutTiles(llvm::IRBuilder<> &b, StringRef run,
                                      llvm::Value *chosen) const {
  constexpr uint64_t rowsOfTile = 16;
  std::optional<unsigned> tiles = variantFor(Isa::amx),
                          vectors = variantFor(Isa::avx512vnni);
  if (!tiles || !vectors)
    return chosen;
  llvm::Function *function = b.GetInsertBlock()->getParent();
  auto rows = llvm::find_if(function->args(), [](const llvm::Argument &value) {
    return value.getType()->isIntegerTy();
  });
  llvm::Value *isFew = b.CreateICmpULT(
      rows, llvm::ConstantInt::get(rows->getType(), rowsOfTile));
  return b.CreateSelect(
      b.CreateAnd(isFew, b.CreateICmpEQ(chosen, variant(run, *tiles))),
      variant(run, *vectors), chosen);
}

void Dispatcher::addRun(StringRef run, bool choosesByRows) {
  auto *type = variant(run, 0)->getFunctionType();
  auto *pointer = llvm::PointerType::get(context, 0);
  llvm::MaybeAlign align = module.getDataLayout().getPointerABIAlignment(0);
  llvm::Function *chooser =
      create(type, run + "_choose", llvm::GlobalValue::InternalLinkage);
  auto *choice = new llvm::GlobalVariable(module, pointer, /*isConstant=*/false,
                                          llvm::GlobalValue::InternalLinkage,
                                          chooser, run + "_choice");
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", chooser));
  CpuFeatures cpu(b, target);
  llvm::Value *best = variant(run, 0);
  for (unsigned i = 1; i < target.variants.size(); ++i)
    best = b.CreateSelect(cpu.has(b, target.variants[i].isa), variant(run, i),
                          best);
  b.CreateAlignedStore(best, choice, align)
      ->setAtomic(llvm::AtomicOrdering::Monotonic);
  b.CreateCall(type, best, argumentsOf(chooser))->setTailCall();
  b.CreateRetVoid();

  llvm::Function *entry = create(type, run, llvm::GlobalValue::ExternalLinkage);
  b.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", entry));
  auto *chosen = b.CreateAlignedLoad(pointer, choice, align);
  chosen->setAtomic(llvm::AtomicOrdering::Monotonic);
  b.CreateCall(type, choosesByRows ? withoutTiles(b, run, chosen) : chosen,
               argumentsOf(entry))
      ->setTailCall();
  b.CreateRetVoid();
  hideVariants(run);
}

/// The least workspace that serves whichever variant is chosen.
void Dispatcher::addSize(StringRef size) {
  llvm::Function *largest = create(variant(size, 0)->getFunctionType(), size,
                                   llvm::GlobalValue::ExternalLinkage);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", largest));
  llvm::Value *bytes = b.CreateCall(variant(size, 0), argumentsOf(largest));
  for (unsigned i = 1; i < target.variants.size(); ++i) {
    llvm::Value *other = b.CreateCall(variant(size, i), argumentsOf(largest));
    bytes = b.CreateSelect(b.CreateICmpUGT(other, bytes), other, bytes);
  }
  b.CreateRet(bytes);
  hideVariants(size);
}

} // namespace

void mlir::qnet::addDispatch(llvm::Module &module, StringRef name,
                             const Target &target) {
  Dispatcher dispatcher(module, target);
  dispatcher.addRun((name + "_run").str(), /*choosesByRows=*/true);
  if (dispatcher.has((name + "_run_i8").str()))
    dispatcher.addRun((name + "_run_i8").str(), /*choosesByRows=*/true);
  if (dispatcher.has((name + "_clipped").str()))
    dispatcher.addRun((name + "_clipped").str());
  dispatcher.addSize((name + "_workspace_size").str());
  dispatcher.addRun((name + "_run_parallel").str());
  dispatcher.addSize((name + "_parallel_workspace_size").str());
}
