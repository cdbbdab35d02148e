//===- ShapeArithmetic.h - Integers known when importing --------*- C++ -*-===//
//
// Exporters compute shapes in the graph: Shape, Gather, Concat, Unsqueeze and
// arithmetic end in a Reshape's second input. Such chains are evaluated while
// importing. The one size that is not known, the batch, is carried along as a
// symbol.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_SHAPEARITHMETIC_H
#define QUANTC_LIB_IMPORT_SHAPEARITHMETIC_H

#include "mlir/IR/BuiltinTypes.h"
#include "quantc/Import/OnnxModel.h"

namespace mlir::qnet::onnx {

/// Tensors with more elements than this are not shapes.
inline constexpr int64_t kMaxShapeElements = 1024;

/// A small integer or bool tensor. ShapedType::kDynamic stands for the batch.
struct ShapeValue {
  DataType type = DataType::Int64;
  llvm::SmallVector<int64_t, 2> dims;
  llvm::SmallVector<int64_t, 8> elements;

  bool isKnown() const {
    return !llvm::is_contained(elements, ShapedType::kDynamic);
  }
};

/// The elements of a small integer or bool constant.
std::optional<ShapeValue> shapeValueOf(const OnnxTensor &tensor);

/// Evaluates a node whose inputs are all shape values, or nothing if it is not
/// one of the ops of such chains or its result depends on the batch otherwise
/// than by passing it on.
std::optional<ShapeValue>
evaluateShapeNode(const OnnxNode &node,
                  llvm::ArrayRef<const ShapeValue *> inputs);

/// The range that an integer element type holds, nothing for other types.
std::optional<std::pair<int64_t, int64_t>> integerRange(DataType type);

} // namespace mlir::qnet::onnx

#endif // QUANTC_LIB_IMPORT_SHAPEARITHMETIC_H
