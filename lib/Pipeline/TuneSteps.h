//===- TuneSteps.h - parts of the search over bits --------------*- C++ -*-===//
#ifndef QUANTC_LIB_PIPELINE_TUNESTEPS_H
#define QUANTC_LIB_PIPELINE_TUNESTEPS_H

#include "quantc/Pipeline/Tune.h"

namespace mlir::qnet {

/// The dense layers of one name in a calibrated graph, which have one
/// precision.
struct TunedLayer {
  std::string name;
  int64_t input = 0; ///< As SearchLayer has it.
  SmallVector<DenseOp> ops;
};

/// Those that can have 8 bits, in the graph's order.
SmallVector<TunedLayer> tunedLayers(ModuleOp calibrated);

void setPrecision(Operation *op, Precision precision);

/// Of a dense or qdense op.
double weightBytes(Operation *op, const CpuVariant &cpu);
double modelledCycles(Operation *op, const CpuVariant &cpu);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PIPELINE_TUNESTEPS_H
