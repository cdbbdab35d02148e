//===- PackageWriter.h - The last stage's files -----------------*- C++ -*-===//
#ifndef QUANTC_LIB_PIPELINE_PACKAGEWRITER_H
#define QUANTC_LIB_PIPELINE_PACKAGEWRITER_H

#include "Describe.h"

#include "quantc/Emit/AtomicFolder.h"
#include "quantc/Pipeline/Compile.h"

namespace mlir::qnet {

/// What earlier stages know and the manifest tells.
struct PackageFacts {
  std::string name;
  uint64_t floatWeightBytes = 0;
  int64_t calibrationRows = 0;
  int64_t calibrationRowsSkipped = 0;
  std::string statisticsDigest; ///< "" where there were rows or ranges alone
  std::map<std::string, std::string> methods;
  std::vector<ManifestRange> ranges;
  /// Contents of N.ranges.json, where asked for.
  std::string rangesFile;
};

/// Compiles the integer graph and writes everything that `options` asks for.
/// Errors have been reported as diagnostics; the folder is then unchanged.
LogicalResult writePackage(ModuleOp integerModule, const Target &target,
                           const CompileOptions &options,
                           const PackageFacts &facts, AtomicFolder &folder);

/// Writes a graph as text, with the names of its nodes, to N.mlir.
llvm::Error writeGraph(ModuleOp module, StringRef name, AtomicFolder &folder);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PIPELINE_PACKAGEWRITER_H
