//===- Repairs.h - What would make a program more accurate ------*- C++ -*-===//
//
// Each repair is compiled, up to the integer graph, and measured.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_PIPELINE_REPAIRS_H
#define QUANTC_PIPELINE_REPAIRS_H

#include "quantc/Pipeline/Compile.h"
#include "quantc/Pipeline/Culprits.h"

namespace mlir::qnet {

/// One repair, measured.
struct RepairResult {
  std::string what; ///< "activations of 15 bits"
  std::string flag; ///< of `quantc compile`
  /// Why it could not be compiled; the rest is 0 then.
  std::string problem = {};
  double sqnr = 0, gain = 0; ///< dB; the gain over the program as it is
  double agreement = 0;
  uint64_t weightBytes = 0; ///< of the integer layers
};

/// The program of `options` first, as compiled now, then the repairs for the
/// worst of `culprits`, largest gain first. `options` are those that the
/// program was compiled with; its rows or ranges are used again.
FailureOr<std::vector<RepairResult>> tryRepairs(const CompileOptions &options,
                                                const Culprits &culprits,
                                                ModuleOp expected,
                                                const Rows &rows);

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_REPAIRS_H
