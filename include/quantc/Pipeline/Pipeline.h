//===- Pipeline.h - All of quantc, for a tool or another compiler -*- C++ -*-=//
//
// The door of the installed package: dialects, passes and named pipelines. The
// order of the stages is in Stages.def, and whole compilations are in
// Compile.h.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_PIPELINE_PIPELINE_H
#define QUANTC_PIPELINE_PIPELINE_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::qnet {

/// qnet and every upstream dialect that a stage of quantc reads or makes, with
/// the interfaces that its passes ask of them (bufferization, inlining,
/// translation to LLVM IR).
void registerAllDialects(DialectRegistry &registry);

/// All passes of quantc, under their flags.
void registerAllPasses();

/// The named pipelines: one a stage (`--qnet-prepare`, ...), `--qnet-to-native`
/// and `--qnet-to-linalg`.
void registerAllPipelines();

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_PIPELINE_H
