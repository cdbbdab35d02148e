//===- Codegen.h - LLVM dialect to machine code ------------------*- C++
//-*-===//
//
// Takes  a module in the LLVM dialect (what Lower and Kernels leave).
// Gives  objects, assembly or LLVM IR for any LLVM target, or code in this
//        process.
// The road from the integer graph to here is quantc/Pipeline/Native.h.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_CODEGEN_CODEGEN_H
#define QUANTC_CODEGEN_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "quantc/Dialect/Isa.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <string>
#include <vector>

namespace mlir::qnet {

/// One CPU that code is made for.
struct CpuVariant {
  std::string cpu;      ///< LLVM's name, e.g. "haswell", "cortex-a76".
  std::string features; ///< LLVM's feature string on top of it.
  Isa isa;              ///< The kernel table's column for it.
};

/// Where the program is to run: a checked triple and one CPU, or several for a
/// fat object that chooses at load time.
struct Target {
  std::string triple;
  std::string cpu; ///< As the user named it.
  std::vector<CpuVariant>
      variants; ///< One, or several from least to most capable.
  unsigned pointerBits = 64;

  bool isFat() const { return variants.size() > 1; }
  const CpuVariant &best() const { return variants.back(); }
  /// The same for the most capable variant alone.
  Target bestAlone() const { return {triple, cpu, {best()}, pointerBits}; }
};

using EmitErrorFn = llvm::function_ref<InFlightDiagnostic()>;

/// Resolves `--target` and `--cpu` ("native", "portable" or an LLVM CPU name).
/// An empty triple means this machine's. Unknown names are one error that says
/// what is known. "native" is two variants where this process may use AMX's
/// tile registers (and from then on does have the kernel's leave): whether the
/// next one may is known when it runs only.
FailureOr<Target> resolveTarget(llvm::StringRef triple, llvm::StringRef cpu,
                                EmitErrorFn emitError);

/// What a CPU must have to run objects for the target, by LLVM's names of
/// features ("avx2"); of a fat object, its least variant.
std::vector<std::string> requiredFeatures(const Target &target);

/// Those of `required` that this machine has not. Names of other architectures
/// count as had: the loader refuses their objects by itself.
std::vector<std::string> missingOnHost(llvm::ArrayRef<std::string> required);

enum class OutputKind { Object, Assembly, LLVMText };

/// One file to write, and where to.
struct NativeOutput {
  OutputKind kind;
  llvm::raw_pwrite_stream *stream;
};

/// Translates, optimizes once and writes every output. `modules` holds one
/// LLVM-dialect module a variant of the target, in the target's order; with
/// several, entry points get a dispatcher that runs once. `quick` optimizes
/// less: the same results from slower code, sooner.
LogicalResult emitNative(llvm::ArrayRef<ModuleOp> modules, llvm::StringRef name,
                         const Target &target,
                         llvm::ArrayRef<NativeOutput> outputs,
                         bool quick = false);

/// N_run and N_workspace_size over N_run_parallel, for a library with threads.
struct ThreadedEntry {
  std::string name; ///< N
  unsigned tensors = 2;
  uint64_t threads = 1;
  /// As many parts a call if there are this many rows for each; else one a
  /// thread, or fewer.
  uint64_t mostParts = 1, rowsOfPart = 1;
  /// The parallel-for, which gets a pointer to `threads` for its pool.
  std::string parallelFor;
};

/// Writes an object of these two functions.
LogicalResult emitThreadedEntry(const ThreadedEntry &entry,
                                const Target &target, EmitErrorFn emitError,
                                llvm::raw_pwrite_stream &object);

/// Compiled code in this process.
class JitProgram {
public:
  virtual ~JitProgram();
  /// The address of an exported function, or null.
  virtual void *lookup(llvm::StringRef symbol) = 0;
};
FailureOr<std::unique_ptr<JitProgram>> jitCompile(ModuleOp module,
                                                  llvm::StringRef name,
                                                  const Target &target,
                                                  bool quick = false);

} // namespace mlir::qnet

#endif // QUANTC_CODEGEN_CODEGEN_H
