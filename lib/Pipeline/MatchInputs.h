//===- MatchInputs.h - weights for the inputs layers will have --*- C++ -*-===//
#ifndef QUANTC_LIB_PIPELINE_MATCHINPUTS_H
#define QUANTC_LIB_PIPELINE_MATCHINPUTS_H

#include "quantc/Calibrate/RowSample.h"
#include "quantc/Quantize/Quantize.h"

#include "mlir/IR/BuiltinOps.h"

namespace mlir::qnet {

/// A layer is rounded for the inputs of the float network, but reads those of
/// the integer one, which carry the errors of the layers before. Layer by
/// layer, in program order: the float weights become those whose output on the
/// integer network's inputs is nearest to the float network's (least squares
/// with damping), and the layer's second moments those of these inputs. Only
/// where that lowers the error on the half of the sample that it was not
/// fitted to, and never for layers that are frozen or sparse.
///
/// Source: Li et al. 2025, GPTAQ (arXiv:2504.02692), whose asymmetric target
/// this is, solved before rounding in place of within.
LogicalResult matchInputs(ModuleOp calibrated, const RowSample &sample,
                          const QuantizeOptions &options);

} // namespace mlir::qnet

#endif // QUANTC_LIB_PIPELINE_MATCHINPUTS_H
