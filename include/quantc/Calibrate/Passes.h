//===- Passes.h - the passes of Calibrate -----------------------*- C++ -*-===//
#ifndef QUANTC_CALIBRATE_PASSES_H
#define QUANTC_CALIBRATE_PASSES_H

#include "mlir/Pass/Pass.h"
#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

#define GEN_PASS_DECL
#include "quantc/Calibrate/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "quantc/Calibrate/Passes.h.inc"

} // namespace mlir::qnet

#endif // QUANTC_CALIBRATE_PASSES_H
