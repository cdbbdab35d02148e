//===- MachineTarget.h - LLVM's code generators ------------------*- C++
//-*-===//
#ifndef QUANTC_LIB_CODEGEN_MACHINETARGET_H
#define QUANTC_LIB_CODEGEN_MACHINETARGET_H

#include "quantc/Codegen/Codegen.h"
#include "llvm/TargetParser/Triple.h"

namespace llvm {
class Target;
class TargetMachine;
} // namespace llvm

namespace mlir::qnet {

/// LLVM's code generator for a triple, or null where it has none.
const llvm::Target *lookupTarget(const llvm::Triple &triple);

/// The machine that code of a variant is made with, or null where LLVM has
/// none.
std::unique_ptr<llvm::TargetMachine> makeMachine(const Target &target,
                                                 const CpuVariant &variant);

} // namespace mlir::qnet

#endif // QUANTC_LIB_CODEGEN_MACHINETARGET_H
