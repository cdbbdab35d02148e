//===- Optimize.h - the stage from an integer graph to a better one -*- C++
//-*-//
#ifndef QUANTC_OPTIMIZE_OPTIMIZE_H
#define QUANTC_OPTIMIZE_OPTIMIZE_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::qnet {

/// Nothing to choose: every pass of the stage keeps every bit and never makes a
/// graph larger.
struct OptimizeOptions : public PassPipelineOptions<OptimizeOptions> {};

/// The passes of the stage in order, its contract check last. Takes an integer
/// graph (verify-integer holds).
void buildOptimizePipeline(OpPassManager &pm, const OptimizeOptions &options);

} // namespace mlir::qnet

#endif // QUANTC_OPTIMIZE_OPTIMIZE_H
