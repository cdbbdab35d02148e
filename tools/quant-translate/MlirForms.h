//===- MlirForms.h - MLIR's text and bytecode, both ways --------*- C++ -*-===//
#ifndef QUANTC_TOOLS_MLIRFORMS_H
#define QUANTC_TOOLS_MLIRFORMS_H

namespace quantc {

/// Registers `--mlir-to-text` and `--mlir-to-bytecode`. (Upstream's way to
/// register a translation hands over a module, but from a buffer that bytecode
/// with large constants can't be read from.)
void registerMlirForms();

} // namespace quantc

#endif // QUANTC_TOOLS_MLIRFORMS_H
