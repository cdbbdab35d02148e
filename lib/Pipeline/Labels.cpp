//===- Labels.cpp - the classes of rows -----------------------------------===//
#include "quantc/Calibrate/NumpyFile.h"
#include "quantc/Pipeline/Evaluation.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace llvm;

namespace mlir::qnet {

/// Whole numbers of f32 are exact up to here.
static constexpr float kLargestLabel = 0x1p24f;

Expected<std::vector<int64_t>> readLabels(StringRef path) {
  auto problem = [&](const Twine &what) {
    return createStringError(inconvertibleErrorCode(),
                             "'" + path + "' " + what);
  };
  Expected<NumpyArray> array = NumpyArray::open(path);
  if (!array)
    return array.takeError();
  if (array->shape().empty() || array->rowElements() != 1)
    return problem("does not hold one label a row; give an array of shape "
                   "[rows] with the number of each row's class");
  std::vector<float> values(array->rows());
  if (Error error = array->readFloats(0, array->rows(), values))
    return std::move(error);
  std::vector<int64_t> labels;
  for (auto [row, value] : enumerate(values)) {
    if (std::isnan(value))
      return problem("has no label in row " + Twine(row) +
                     " (NaN); leave out the rows without one");
    if (std::rint(value) != value || std::fabs(value) > kLargestLabel)
      return problem("has the label " +
                     formatv("{0}", format("%g", value)).str() + " in row " +
                     Twine(row) +
                     ", which is no whole number; labels are numbers of "
                     "classes (for a target that is measured, give a budget in "
                     "dB, such as 40dB, and no labels)");
    labels.push_back(static_cast<int64_t>(value));
  }
  return labels;
}

} // namespace mlir::qnet
