//===- ThreadedLibrary.h - What a library with threads needs ----*- C++ -*-===//
//
// `--threads=T`: N.so holds the object's functions, with N_run and
// N_workspace_size hidden behind those of one more object (Codegen's
// emitThreadedEntry), and the parallel-for that these call. N.o and N.h know
// nothing of it.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_EMIT_THREADEDLIBRARY_H
#define QUANTC_EMIT_THREADEDLIBRARY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace mlir::qnet {

/// More threads than any machine gives one program.
inline constexpr int kMaxThreads = 1024;

/// A thread that comes late, or is slower, leaves parts to the others.
inline constexpr int kPartsOfThread = 2;

/// The function in `threadPoolObject` that N_run of a library calls.
inline constexpr llvm::StringLiteral kLibraryParallelFor =
    "quantc_library_parallel_for";

/// Whether libraries for `triple` can have threads: those of this machine, for
/// the pool is linked in as it is here.
bool canHaveThreads(llvm::StringRef triple);

/// An object of this machine: LibraryThreads.c, compiled.
llvm::StringRef threadPoolObject();

/// Paths of the shared libraries that `threadPoolObject` calls, as they are
/// loaded in this process: pthreadpool and the C library.
std::vector<std::string> threadPoolLibraries();

/// The object with these functions visible to itself alone.
llvm::Expected<std::string>
withLocalFunctions(llvm::StringRef object,
                   llvm::ArrayRef<std::string> functions);

} // namespace mlir::qnet

#endif // QUANTC_EMIT_THREADEDLIBRARY_H
