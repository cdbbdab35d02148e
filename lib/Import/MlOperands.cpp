//===- MlOperands.cpp - what the ops of ONNX-ML read ----------------------===//
#include "MlOperands.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

Value onnx::featuresOf(NodeImporter &n, size_t input) {
  Value value = n.operand(input);
  if (!value)
    return {};
  if (n.rankOf(value) == 0 || n.rankOf(value) > 2) {
    (void)n.error("takes rows of features, but its input has " +
                  Twine(n.rankOf(value)) + " dimensions");
    return {};
  }
  value = n.castTo(value, n.builder.getF32Type());
  if (value && n.rankOf(value) == 1)
    value = n.reshape(value, {1, n.shapeOf(value)[0]});
  if (value && ShapedType::isDynamic(n.shapeOf(value)[1])) {
    (void)n.error("its number of features is not known when compiling; export "
                  "the model with a fixed one");
    return {};
  }
  return value;
}

Value onnx::constantOf(NodeImporter &n, ArrayRef<float> values,
                       ArrayRef<int64_t> shape, llvm::StringRef attribute) {
  if (!llvm::all_of(values, [](float v) { return std::isfinite(v); })) {
    (void)n.error("attribute '" + attribute + "' holds NaN or infinity");
    return {};
  }
  auto type = RankedTensorType::get(shape, n.builder.getF32Type());
  return n.constantValue(DenseElementsAttr::get(type, values));
}
