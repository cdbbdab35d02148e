//===- SharedLibrary.h - From an object to a loadable library ---*- C++ -*-===//
#ifndef QUANTC_EMIT_SHAREDLIBRARY_H
#define QUANTC_EMIT_SHAREDLIBRARY_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace mlir::qnet {

/// Links an ELF object, which needs nothing else, into a shared library. lld
/// runs as a child process: the one named by the environment variable
/// QUANTC_LLD, else the one found when quantc was built, else `ld.lld` of PATH.
/// The bytes depend on the object and `soname` alone.
llvm::Error linkSharedLibrary(llvm::StringRef objectPath,
                              llvm::StringRef outputPath,
                              llvm::StringRef soname);

/// Whether objects for `triple` can be made into a shared library here (ELF).
bool canLinkSharedLibrary(llvm::StringRef triple);

} // namespace mlir::qnet

#endif // QUANTC_EMIT_SHAREDLIBRARY_H
