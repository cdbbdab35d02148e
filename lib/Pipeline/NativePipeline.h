//===- NativePipeline.h - the passes of Lower and Kernels --------*- C++
//-*-===//
//
// Lower and Kernels take turns, so their order is written here, where both are
// seen.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_PIPELINE_NATIVEPIPELINE_H
#define QUANTC_LIB_PIPELINE_NATIVEPIPELINE_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::qnet {

struct NativePipelineOptions
    : public PassPipelineOptions<NativePipelineOptions> {
  Option<std::string> name{*this, "name",
                           llvm::cl::desc("prefix of the C functions"),
                           llvm::cl::init("model")};
  Option<std::string> isa{*this, "isa",
                          llvm::cl::desc("instruction set of the kernels"),
                          llvm::cl::init("portable")};
  Option<std::string> kernel{
      *this, "kernel",
      llvm::cl::desc("row for every integer layer, in place of the fastest"),
      llvm::cl::init("")};
  Option<bool> lists{
      *this, "lists",
      llvm::cl::desc("with kernel: panels list their groups that are not zero"),
      llvm::cl::init(false)};
  Option<unsigned> pointerBits{*this, "pointer-bits",
                               llvm::cl::desc("width of size_t"),
                               llvm::cl::init(64)};
  Option<bool> oneRow{*this, "one-row",
                      llvm::cl::desc("small networks a second time, for one "
                                     "row"),
                      llvm::cl::init(true)};
  Option<bool> packedEntry{*this, "packed-entry",
                           llvm::cl::desc("also NAME_run_packed"),
                           llvm::cl::init(false)};
};

/// Integer (or float) graph to the LLVM dialect.
void buildLowerPipeline(OpPassManager &passes,
                        const NativePipelineOptions &options);

/// Integer graph to linalg, arith and tensor, for other compilers.
void buildLinalgPipeline(OpPassManager &passes);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PIPELINE_NATIVEPIPELINE_H
