//===- PlainRunner.h - dense layers in float without compiling --*- C++ -*-===//
//
// Takes          a float graph of dense layers with constant weights, and
//                functions of one value of which Numerics has quick loops.
// Gives          a runner of the same results as the compiled graph's, to the
//                bit, at the same speed.
// Why            most networks that are calibrated are of this kind, and
//                compiling one takes longer than running thousands of rows.
// Not done here  any other graph: those are compiled (Native).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_PIPELINE_PLAINRUNNER_H
#define QUANTC_PIPELINE_PLAINRUNNER_H

#include "mlir/IR/BuiltinOps.h"
#include "quantc/Calibrate/Calibrate.h"

#include <memory>

namespace mlir::qnet {

/// Null, without a diagnostic, where @main has something else in it. Values
/// are f32 tensors of [rows, n].
std::unique_ptr<FloatRunner> makePlainRunner(ModuleOp module);

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_PLAINRUNNER_H
