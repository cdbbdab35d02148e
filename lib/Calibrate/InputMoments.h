//===- InputMoments.h - second moments of layers' inputs --------*- C++ -*-===//
#ifndef QUANTC_LIB_CALIBRATE_INPUTMOMENTS_H
#define QUANTC_LIB_CALIBRATE_INPUTMOMENTS_H

#include "ObservedValues.h"
#include "quantc/Calibrate/Calibrate.h"

#include <memory>

namespace mlir::qnet {

/// E[x x^T] (K x K) and E[x] of one dense layer's input, from `rows` different
/// rows.
struct InputMoment {
  DenseOp layer;
  std::vector<float> mean;
  std::shared_ptr<const std::vector<float>> moment;
  int64_t rows = 0;
};

/// Runs the sample through the observed graph and gives the moments of the
/// dense layers with constant weights whose input is an observed value, or rows
/// of one. Layers of more than kWidestSecondMoment inputs are left out, with a
/// remark, and those whose moments leave f32.
FailureOr<std::vector<InputMoment>>
measureInputMoments(func::FuncOp function, ArrayRef<ObservedValue> values,
                    ArrayRef<int64_t> argumentNumbers,
                    ArrayRef<int64_t> resultNumbers, const RowSample &sample,
                    FloatRunner *runner);

/// Writes them on the layers.
void noteInputMoments(ArrayRef<InputMoment> moments);

} // namespace mlir::qnet

#endif // QUANTC_LIB_CALIBRATE_INPUTMOMENTS_H
