//===- ThreadedEntry.cpp - N_run on the threads of a library --------------===//
//
// A library with threads keeps the interface of one without: its N_run is this
// one, which calls N_run_parallel with the library's own parallel-for. The
// object's N_run is hidden by then.
//
//===----------------------------------------------------------------------===//

#include "MachineTarget.h"
#include "quantc/Codegen/Codegen.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace mlir::qnet;

namespace {

class EntryWriter {
public:
  EntryWriter(const ThreadedEntry &entry, llvm::Module &module,
              unsigned pointerBits)
      : entry(entry), module(module), context(module.getContext()),
        pointer(llvm::PointerType::get(context, 0)),
        size(llvm::IntegerType::get(context, pointerBits)) {}

  void writeRun();
  void writeSize();

private:
  llvm::Function *declare(const llvm::Twine &name, llvm::Type *result,
                          llvm::ArrayRef<llvm::Type *> types) {
    auto *type = llvm::FunctionType::get(result, types, /*isVarArg=*/false);
    return llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage,
                                  name, module);
  }
  llvm::Constant *number(uint64_t value) const {
    return llvm::ConstantInt::get(size, value);
  }

  const ThreadedEntry &entry;
  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::PointerType *pointer;
  llvm::IntegerType *size;
};

void EntryWriter::writeRun() {
  llvm::Type *none = llvm::Type::getVoidTy(context);
  SmallVector<llvm::Type *> types(entry.tensors, pointer);
  types.append({size, pointer});
  llvm::Function *run = declare(entry.name + "_run", none, types);
  types.append({size, pointer, pointer});
  llvm::Function *parallel = declare(entry.name + "_run_parallel", none, types);
  llvm::Function *parallelFor =
      declare(entry.parallelFor, none, {pointer, size, pointer, pointer});
  parallelFor->setVisibility(llvm::GlobalValue::HiddenVisibility);
  auto *threads = new llvm::GlobalVariable(
      module, size, /*isConstant=*/true, llvm::GlobalValue::InternalLinkage,
      number(entry.threads), entry.name + "_threads");

  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", run));
  // What is too little for two parts runs in the calling thread.
  llvm::Value *parts =
      b.CreateUDiv(run->getArg(entry.tensors), number(entry.rowsOfPart));
  // Between one part a thread and all of them, some threads would have more to
  // do than others.
  llvm::Constant *most = number(entry.mostParts);
  llvm::Value *fewer = b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, parts,
                                               number(entry.threads));
  parts = b.CreateSelect(b.CreateICmpULT(parts, most), fewer, most);
  SmallVector<llvm::Value *> arguments;
  for (llvm::Argument &argument : run->args())
    arguments.push_back(&argument);
  arguments.append({parts, parallelFor, threads});
  b.CreateCall(parallel, arguments);
  b.CreateRetVoid();
}

void EntryWriter::writeSize() {
  llvm::Function *function =
      declare(entry.name + "_workspace_size", size, {size});
  llvm::Function *parallel =
      declare(entry.name + "_parallel_workspace_size", size, {size, size});
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", function));
  b.CreateRet(
      b.CreateCall(parallel, {function->getArg(0), number(entry.mostParts)}));
}

} // namespace

LogicalResult mlir::qnet::emitThreadedEntry(const ThreadedEntry &entry,
                                            const Target &target,
                                            EmitErrorFn emitError,
                                            llvm::raw_pwrite_stream &object) {
  std::unique_ptr<llvm::TargetMachine> machine =
      makeMachine(target, target.variants.front());
  if (!machine)
    return emitError() << "LLVM has no machine for " << target.triple;
  llvm::LLVMContext context;
  llvm::Module module(entry.name, context);
  module.setDataLayout(machine->createDataLayout());
  module.setTargetTriple(llvm::Triple(target.triple));
  EntryWriter writer(entry, module, target.pointerBits);
  writer.writeRun();
  writer.writeSize();
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, object, nullptr,
                                   llvm::CodeGenFileType::ObjectFile))
    return emitError() << "LLVM cannot write objects for " << target.triple;
  passes.run(module);
  return success();
}
