//===- Dispatch.h - one entry point over several CPUs ------------*- C++
//-*-===//
#ifndef QUANTC_LIB_CODEGEN_DISPATCH_H
#define QUANTC_LIB_CODEGEN_DISPATCH_H

#include "quantc/Codegen/Codegen.h"
#include "llvm/IR/Module.h"

namespace mlir::qnet {

/// Gives the exported functions of variant `index` names of their own.
void nameVariant(llvm::Module &module, unsigned index);

/// Adds NAME_run, which asks the CPU at its first call and then jumps to the
/// chosen variant, and NAME_workspace_size, the largest of all variants.
void addDispatch(llvm::Module &module, llvm::StringRef name,
                 const Target &target);

} // namespace mlir::qnet

#endif // QUANTC_LIB_CODEGEN_DISPATCH_H
