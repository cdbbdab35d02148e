//===- CompileRow.cpp - one row of the kernel table for any CPU -----------===//
//
// Compiles a graph as the compiler does, but with a given row of the table for
// every dense layer, whatever the cost model says and the CPU's best
// instruction set is: test/python/test_kernel_rows.py looks at the code and
// runs it under emulation.
//
//===----------------------------------------------------------------------===//

#include "quantc/Kernels/KernelTable.h"
#include "quantc/Kernels/Passes.h"
#include "quantc/Pipeline/Native.h"
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace mlir::qnet;

namespace {

constexpr llvm::StringLiteral usage =
    "usage: quantc-compile-row GRAPH.mlir ROW TRIPLE CPU OUT [FORM]\n"
    "writes OUT.o, OUT.s; functions are named by OUT's last part. FORM is\n"
    "lists: panels list their groups that are not zero\n"
    "emulated: AMX by calls of functions (emulate-tiles)\n";

enum Argument {
  Program,
  Graph,
  Row,
  Triple,
  Cpu,
  Out,
  ArgumentCount,
  Form = ArgumentCount
};

LogicalResult compileRow(char **argv, bool lists, bool isEmulated) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  auto emitError = [&] { return mlir::emitError(UnknownLoc::get(&context)); };
  const KernelRow *row = kernelByName(argv[Row]);
  if (!row)
    return emitError() << "no row of the kernel table is named '" << argv[Row]
                       << "'";
  FailureOr<Target> target = resolveTarget(argv[Triple], argv[Cpu], emitError);
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(argv[Graph], &context);
  if (failed(target) || !module)
    return failure();
  if (target->isFat())
    return emitError() << "'" << argv[Cpu] << "' is several CPUs: name one";
  CpuVariant &variant = target->variants.front();
  variant.isa = row->isa;
  StringRef out = argv[Out], name = out.substr(out.find_last_of('/') + 1);
  ProgramInterface interface;
  if (failed(lowerToNative(*module, name, *target, variant, interface,
                           /*packedEntry=*/false,
                           row->isFloat() ? "" : row->name, lists)))
    return failure();
  PassManager emulation(&context);
  emulation.addPass(createEmulateTiles());
  if (isEmulated && failed(emulation.run(*module)))
    return failure();
  std::error_code objectError, assemblyError;
  llvm::raw_fd_ostream object((out + ".o").str(), objectError);
  llvm::raw_fd_ostream assembly((out + ".s").str(), assemblyError);
  if (objectError || assemblyError)
    return emitError() << "cannot write " << out << ".o and .s";
  return emitNative(
      *module, name, *target,
      {{OutputKind::Object, &object}, {OutputKind::Assembly, &assembly}});
}

} // namespace

int main(int argc, char **argv) {
  StringRef form = argc == ArgumentCount + 1 ? argv[Form] : "";
  bool lists = form == "lists", isEmulated = form == "emulated";
  if (argc != ArgumentCount + (lists || isEmulated)) {
    llvm::errs() << usage;
    return 2;
  }
  return failed(compileRow(argv, lists, isEmulated));
}
