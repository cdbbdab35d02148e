//===- Header.h - The C header of a compiled program ------------*- C++ -*-===//
#ifndef QUANTC_EMIT_HEADER_H
#define QUANTC_EMIT_HEADER_H

#include "quantc/Emit/Manifest.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::qnet {

/// Whether `name` may stand before `_run` in C: a letter, then letters, digits
/// and underscores, 100 at most. The error says what to choose instead.
llvm::Error checkProgramName(llvm::StringRef name);

/// The nearest valid program name to `text` (a model's file name, say), so that
/// a default can be offered: "mnist-12" gives "mnist_12".
std::string programNameFrom(llvm::StringRef text);

/// Writes the header that declares what the object defines: the row sizes as
/// macros, `NAME_workspace_size` and `NAME_run`. Needs a checked name.
void writeHeader(const Manifest &manifest, llvm::raw_ostream &os);

} // namespace mlir::qnet

#endif // QUANTC_EMIT_HEADER_H
