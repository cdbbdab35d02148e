//===- BenchLayers.h - Where a program's time goes --------------*- C++ -*-===//
#ifndef QUANTC_TOOLS_BENCHLAYERS_H
#define QUANTC_TOOLS_BENCHLAYERS_H

#include "Program.h"
#include "llvm/ADT/ArrayRef.h"

namespace quantc {

/// Compiles each dense layer of the program's integer network alone for the
/// program's CPU, times it, and prints a table for each batch: its time, its
/// speed, and the share of what its kernel reaches on data in the first cache.
llvm::Error benchLayers(const ProgramPaths &paths,
                        const mlir::qnet::Manifest &manifest,
                        llvm::ArrayRef<unsigned> batches);

} // namespace quantc

#endif // QUANTC_TOOLS_BENCHLAYERS_H
