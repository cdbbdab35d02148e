//===- SharedLibrary.h - From an object to a loadable library ---*- C++ -*-===//
#ifndef QUANTC_EMIT_SHAREDLIBRARY_H
#define QUANTC_EMIT_SHAREDLIBRARY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mlir::qnet {

/// Links ELF objects, which need nothing but `libraries`, into a shared
/// library. lld runs as a child process: the one named by the environment
/// variable QUANTC_LLD, else the one found when quantc was built, else `ld.lld`
/// of PATH. The bytes depend on what is linked and `soname` alone.
llvm::Error linkSharedLibrary(llvm::ArrayRef<std::string> objectPaths,
                              llvm::StringRef outputPath,
                              llvm::StringRef soname,
                              llvm::ArrayRef<std::string> libraries = {});

/// Whether objects for `triple` can be made into a shared library here (ELF).
bool canLinkSharedLibrary(llvm::StringRef triple);

} // namespace mlir::qnet

#endif // QUANTC_EMIT_SHAREDLIBRARY_H
