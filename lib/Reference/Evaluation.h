//===- Evaluation.h - What an op's evaluator is given -----------*- C++ -*-===//
//
// Private to lib/Reference. One `evaluate` overload per op, found by
// Interpreter.cpp. The verifier has accepted the op; what depends on run-time
// dimensions and values is checked here, so that nothing is read out of bounds.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_REFERENCE_EVALUATION_H
#define QUANTC_LIB_REFERENCE_EVALUATION_H

#include "quantc/Dialect/AppliedFunction.h"
#include "quantc/Reference/Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <array>

namespace mlir::qnet {

using Results = FailureOr<SmallVector<Tensor>>;

struct Evaluation {
  Operation *op;
  ArrayRef<const Tensor *> operands;
  const Limits &limits;

  const Tensor &operand(unsigned i) const { return *operands[i]; }
  InFlightDiagnostic error() const { return op->emitOpError(); }

  /// The element type as declared.
  Type declaredElement(unsigned result = 0) const {
    return cast<ShapedType>(op->getResult(result).getType()).getElementType();
  }
  /// The element type of the numbers computed: f32 for calibrated f32.
  Type realElement(unsigned result = 0) const {
    return realType(declaredElement(result));
  }

  /// Zeros, if the shape is within the limits and the type can be evaluated.
  FailureOr<Tensor> allocate(Type elementType, ArrayRef<int64_t> shape) const;

  /// Fails if a product of these dimensions is over the limit.
  LogicalResult checkProducts(ArrayRef<int64_t> dimensions) const;

  /// numpy's broadcast of run-time shapes.
  FailureOr<SmallVector<int64_t>> broadcast(ArrayRef<unsigned> which) const;
};

inline Results single(FailureOr<Tensor> tensor) {
  if (failed(tensor))
    return failure();
  SmallVector<Tensor> results;
  results.push_back(std::move(*tensor));
  return results;
}

/// The strides with which a tensor of `shape` is read as one of `to`: 0 where
/// it repeats.
SmallVector<int64_t> broadcastStrides(ArrayRef<int64_t> shape,
                                      ArrayRef<int64_t> to);

/// Visits `shape` in row-major order: body(index, offsets), the offsets being
/// the dot products of the position with each of the stride lists.
template <size_t N, typename Body>
void walk(ArrayRef<int64_t> shape,
          const std::array<SmallVector<int64_t>, N> &strides, Body body) {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  SmallVector<int64_t> position(shape.size(), 0);
  std::array<int64_t, N> offsets = {};
  for (int64_t index = 0; index != count; ++index) {
    body(index, offsets);
    for (int64_t d = static_cast<int64_t>(shape.size()) - 1; d >= 0; --d) {
      for (size_t i = 0; i != N; ++i)
        offsets[i] += strides[i][d];
      if (++position[d] != shape[d])
        break;
      position[d] = 0;
      for (size_t i = 0; i != N; ++i)
        offsets[i] -= strides[i][d] * shape[d];
    }
  }
}

/// Calls body(to vector, from vector) with the vectors that hold the values.
/// Both tensors are of one kind.
template <typename Body>
void onValues(Tensor &to, const Tensor &from, Body body) {
  if (to.isReal())
    body(to.reals, from.reals);
  else
    body(to.integers, from.integers);
}

/// In the arithmetic of a float format: f32 is Numerics' sequence, f16 and bf16
/// round that, f64 is the host's libm.
double apply(const AppliedFunction &applied, double x, ElementFormat format);

// Products
Results evaluate(DenseOp op, const Evaluation &e);
Results evaluate(MatmulOp op, const Evaluation &e);
Results evaluate(KernelOp op, const Evaluation &e);
// Elementwise
Results evaluate(ActivationOp op, const Evaluation &e);
Results evaluate(PreluOp op, const Evaluation &e);
Results evaluate(CastOp op, const Evaluation &e);
Results evaluate(NotOp op, const Evaluation &e);
Results evaluate(IsNanOp op, const Evaluation &e);
Results evaluate(IsInfOp op, const Evaluation &e);
Results evaluate(AddOp op, const Evaluation &e);
Results evaluate(SubOp op, const Evaluation &e);
Results evaluate(MulOp op, const Evaluation &e);
Results evaluate(DivOp op, const Evaluation &e);
Results evaluate(PowOp op, const Evaluation &e);
Results evaluate(MinOp op, const Evaluation &e);
Results evaluate(MaxOp op, const Evaluation &e);
Results evaluate(AndOp op, const Evaluation &e);
Results evaluate(OrOp op, const Evaluation &e);
Results evaluate(XorOp op, const Evaluation &e);
Results evaluate(CompareOp op, const Evaluation &e);
Results evaluate(WhereOp op, const Evaluation &e);
// Normalization
Results evaluate(SoftmaxOp op, const Evaluation &e);
Results evaluate(LogSoftmaxOp op, const Evaluation &e);
Results evaluate(BatchNormOp op, const Evaluation &e);
Results evaluate(LayerNormOp op, const Evaluation &e);
// Moving values
Results evaluate(ConstantOp op, const Evaluation &e);
Results evaluate(arith::ConstantOp op, const Evaluation &e);
Results evaluate(ConcatOp op, const Evaluation &e);
Results evaluate(SliceOp op, const Evaluation &e);
Results evaluate(ReshapeOp op, const Evaluation &e);
Results evaluate(TransposeOp op, const Evaluation &e);
Results evaluate(BroadcastOp op, const Evaluation &e);
Results evaluate(GatherOp op, const Evaluation &e);
// Along an axis
Results evaluate(ReduceOp op, const Evaluation &e);
Results evaluate(ArgmaxOp op, const Evaluation &e);
Results evaluate(ArgminOp op, const Evaluation &e);
Results evaluate(TopKOp op, const Evaluation &e);
// Integer level
Results evaluate(ObserveOp op, const Evaluation &e);
Results evaluate(QuantizeOp op, const Evaluation &e);
Results evaluate(DequantizeOp op, const Evaluation &e);
Results evaluate(RequantizeOp op, const Evaluation &e);
Results evaluate(QDenseOp op, const Evaluation &e);
Results evaluate(LookupOp op, const Evaluation &e);
Results evaluate(QAddOp op, const Evaluation &e);
Results evaluate(QSubOp op, const Evaluation &e);
Results evaluate(QMulOp op, const Evaluation &e);

} // namespace mlir::qnet

#endif // QUANTC_LIB_REFERENCE_EVALUATION_H
