//===- Passes.h - the passes of Quantize -------------------------*- C++
//-*-===//
#ifndef QUANTC_QUANTIZE_PASSES_H
#define QUANTC_QUANTIZE_PASSES_H

#include "mlir/Pass/Pass.h"
#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

#define GEN_PASS_DECL
#include "quantc/Quantize/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "quantc/Quantize/Passes.h.inc"

} // namespace mlir::qnet

#endif // QUANTC_QUANTIZE_PASSES_H
