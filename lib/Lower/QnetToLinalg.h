//===- QnetToLinalg.h - what the lowerings to linalg share -------*- C++
//-*-===//
//
// Private to lib/Lower. Each populate function adds the patterns of one family
// of ops.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_LOWER_QNETTOLINALG_H
#define QUANTC_LIB_LOWER_QNETTOLINALG_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Numerics/Parameters.h"

namespace mlir::qnet {

void populateIntegerToLinalg(TypeConverter &, RewritePatternSet &);
void populateElementwiseToLinalg(TypeConverter &, RewritePatternSet &);
void populateMovesToLinalg(TypeConverter &, RewritePatternSet &);
void populateReductionsToLinalg(TypeConverter &, RewritePatternSet &);

/// One element of the result from one element of each input.
using ElementBody =
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange)>;

/// Sizes of `type`, dynamic ones taken from the like-placed dimension (counted
/// from the last) of one of `like`.
SmallVector<OpFoldResult> sizesOf(OpBuilder &builder, Location loc,
                                  RankedTensorType type, ValueRange like);

/// An uninitialized tensor of `type`.
Value emptyTensor(OpBuilder &builder, Location loc, RankedTensorType type,
                  ValueRange like);

/// A tensor of `type` full of `value`.
Value filledTensor(OpBuilder &builder, Location loc, RankedTensorType type,
                   ValueRange like, Value value);

/// Element by element with numpy broadcasting of the inputs to `type`.
Value elementwise(OpBuilder &builder, Location loc, RankedTensorType type,
                  ValueRange inputs, ElementBody body);

/// Folds `body(accumulator, element)` over `axes`, in index order, from `init`;
/// the result keeps the reduced dimensions with size 1.
Value reduceAxes(OpBuilder &builder, Location loc, Value input,
                 ArrayRef<int64_t> axes, Value init, ElementBody body);

/// Storage bytes (read as unsigned) of a quantized element as i32.
inline Value storedToI32(OpBuilder &builder, Location loc, Value stored) {
  return arith::ExtUIOp::create(builder, loc, builder.getI32Type(), stored);
}

/// Parameters of a per-tensor quantized type.
inline quantc::numerics::QuantParams
paramsOf(quant::UniformQuantizedType type) {
  return {static_cast<float>(type.getScale()),
          static_cast<int32_t>(type.getZeroPoint()),
          static_cast<int32_t>(type.getStorageTypeMin()),
          static_cast<int32_t>(type.getStorageTypeMax())};
}

inline quant::UniformQuantizedType uniformOf(Value value) {
  return dyn_cast<quant::UniformQuantizedType>(
      cast<RankedTensorType>(value.getType()).getElementType());
}

} // namespace mlir::qnet

#endif // QUANTC_LIB_LOWER_QNETTOLINALG_H
