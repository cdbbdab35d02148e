//===- Version.h - Which quantc this is -------------------------*- C++ -*-===//
#ifndef QUANTC_PIPELINE_VERSION_H
#define QUANTC_PIPELINE_VERSION_H

#include "llvm/ADT/StringRef.h"

namespace mlir::qnet {

/// "0.1.0", as CMakeLists.txt has it.
llvm::StringRef versionString();

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_VERSION_H
