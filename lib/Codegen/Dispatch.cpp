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

/// eax, ebx, ecx, edx of CPUID (Intel SDM volume 2).
llvm::Value *cpuid(llvm::IRBuilder<> &b, uint32_t leaf) {
  llvm::Type *i32 = b.getInt32Ty();
  auto *four = llvm::StructType::get(i32, i32, i32, i32);
  auto *type = llvm::FunctionType::get(four, {i32, i32}, false);
  auto *code = llvm::InlineAsm::get(
      type, "cpuid",
      "={ax},={bx},={cx},={dx},{ax},{cx},~{dirflag},~{fpsr},~{flags}",
      /*hasSideEffects=*/true);
  return b.CreateCall(type, code, {b.getInt32(leaf), b.getInt32(0)});
}

/// Everything that code for x86-64-v3 may use, and an operating system that
/// saves the wide registers.
llvm::Value *hasX86V3(llvm::IRBuilder<> &b) {
  enum Leaf1Ecx : uint32_t {
    FMA = 1u << 12,
    MOVBE = 1u << 22,
    OSXSAVE = 1u << 27,
    AVX = 1u << 28,
    F16C = 1u << 29
  };
  enum Leaf7Ebx : uint32_t { BMI1 = 1u << 3, AVX2 = 1u << 5, BMI2 = 1u << 8 };
  constexpr uint32_t lzcnt = 1u << 5;    // CPUID 0x80000001 ecx
  constexpr uint32_t sseAndAvxState = 6; // XCR0
  constexpr uint32_t featureLeaf = 7, extendedLeaf = 0x80000001;

  llvm::Function *function = b.GetInsertBlock()->getParent();
  auto block = [&](const char *name) {
    return llvm::BasicBlock::Create(b.getContext(), name, function);
  };
  llvm::BasicBlock *entry = b.GetInsertBlock(), *deep = block("leaves"),
                   *done = block("decided");
  llvm::Value *highest = b.CreateExtractValue(cpuid(b, 0), 0);
  llvm::Value *enough = b.CreateICmpUGE(highest, b.getInt32(featureLeaf));
  llvm::Value *leaf1 = b.CreateExtractValue(cpuid(b, 1), 2);
  llvm::Value *first = allBits(b, leaf1, FMA | MOVBE | OSXSAVE | AVX | F16C);
  b.CreateCondBr(b.CreateAnd(enough, first), deep, done);

  // XGETBV exists only where OSXSAVE says so.
  b.SetInsertPoint(deep);
  llvm::Value *leaf7 = b.CreateExtractValue(cpuid(b, featureLeaf), 1);
  llvm::Value *extended = b.CreateExtractValue(cpuid(b, extendedLeaf), 2);
  auto *pair = llvm::StructType::get(b.getInt32Ty(), b.getInt32Ty());
  auto *type = llvm::FunctionType::get(pair, {b.getInt32Ty()}, false);
  auto *xgetbv = llvm::InlineAsm::get(
      type, "xgetbv", "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}",
      /*hasSideEffects=*/true);
  llvm::Value *state =
      b.CreateExtractValue(b.CreateCall(type, xgetbv, {b.getInt32(0)}), 0);
  llvm::Value *all =
      b.CreateAnd(b.CreateAnd(allBits(b, leaf7, BMI1 | AVX2 | BMI2),
                              allBits(b, extended, lzcnt)),
                  allBits(b, state, sseAndAvxState));
  b.CreateBr(done);

  b.SetInsertPoint(done);
  llvm::PHINode *result = b.CreatePHI(b.getInt1Ty(), 2);
  result->addIncoming(b.getFalse(), entry);
  result->addIncoming(all, deep);
  return result;
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

llvm::Value *hasIsa(llvm::IRBuilder<> &b, Isa isa) {
  constexpr unsigned dotProductField = 44, int8MatrixField = 52;
  switch (isa) {
  case Isa::avx2:
    return hasX86V3(b);
  case Isa::dotprod:
    return armFeature(b, "ID_AA64ISAR0_EL1", dotProductField);
  case Isa::i8mm:
    return b.CreateAnd(armFeature(b, "ID_AA64ISAR0_EL1", dotProductField),
                       armFeature(b, "ID_AA64ISAR1_EL1", int8MatrixField));
  default:
    return b.getTrue();
  }
}

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
  void addRun(StringRef run);
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

void Dispatcher::addRun(StringRef run) {
  auto *type = variant(run, 0)->getFunctionType();
  auto *pointer = llvm::PointerType::get(context, 0);
  llvm::MaybeAlign align = module.getDataLayout().getPointerABIAlignment(0);
  llvm::Function *chooser =
      create(type, run + "_choose", llvm::GlobalValue::InternalLinkage);
  auto *choice = new llvm::GlobalVariable(module, pointer, /*isConstant=*/false,
                                          llvm::GlobalValue::InternalLinkage,
                                          chooser, run + "_choice");
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", chooser));
  llvm::Value *best = variant(run, 0);
  for (unsigned i = 1; i < target.variants.size(); ++i)
    best = b.CreateSelect(hasIsa(b, target.variants[i].isa), variant(run, i),
                          best);
  b.CreateAlignedStore(best, choice, align)
      ->setAtomic(llvm::AtomicOrdering::Monotonic);
  b.CreateCall(type, best, argumentsOf(chooser))->setTailCall();
  b.CreateRetVoid();

  llvm::Function *entry = create(type, run, llvm::GlobalValue::ExternalLinkage);
  b.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", entry));
  auto *chosen = b.CreateAlignedLoad(pointer, choice, align);
  chosen->setAtomic(llvm::AtomicOrdering::Monotonic);
  b.CreateCall(type, chosen, argumentsOf(entry))->setTailCall();
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
  dispatcher.addRun((name + "_run").str());
  if (dispatcher.has((name + "_run_i8").str()))
    dispatcher.addRun((name + "_run_i8").str());
  dispatcher.addSize((name + "_workspace_size").str());
}
