//===- Describe.h - From the integer graph to manifest rows -----*- C++ -*-===//
#ifndef QUANTC_LIB_PIPELINE_DESCRIBE_H
#define QUANTC_LIB_PIPELINE_DESCRIBE_H

#include "quantc/Emit/Manifest.h"
#include "quantc/Pipeline/Native.h"

namespace mlir::qnet {

/// Fills inputs, outputs, layers, ledger and the sizes of weights from the
/// optimized graph and the interface that it was compiled to.
void describeProgram(ModuleOp integerModule, const Target &target,
                     const ProgramInterface &interface, Manifest &manifest);

/// Bytes of all float constants of a module: what the model weighs in float.
uint64_t floatConstantBytes(ModuleOp module);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PIPELINE_DESCRIBE_H
