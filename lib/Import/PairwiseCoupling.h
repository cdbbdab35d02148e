//===- PairwiseCoupling.h - Probabilities from those of pairs ---*- C++ -*-===//
#ifndef QUANTC_LIB_IMPORT_PAIRWISECOUPLING_H
#define QUANTC_LIB_IMPORT_PAIRWISECOUPLING_H

#include "NodeImporter.h"

namespace mlir::qnet::onnx {

/// Each step of the solution is a handful of ops of classes^2 numbers a row.
inline constexpr int64_t kMostCoupledClasses = 64;

/// The probabilities of `classes` classes, f32 [rows, classes], from those of
/// the first class of each pair (0, 1), (0, 2), ..., (1, 2), ..., f32
/// [rows, classes (classes - 1) / 2], all within (0, 1). At most
/// kMostCoupledClasses classes.
Value coupledProbabilities(NodeImporter &n, Value pairs, int64_t classes);

} // namespace mlir::qnet::onnx

#endif // QUANTC_LIB_IMPORT_PAIRWISECOUPLING_H
