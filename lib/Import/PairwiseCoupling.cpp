//===- PairwiseCoupling.cpp - Probabilities from those of pairs -----------===//
//
// Wu, Lin and Weng, "Probability estimates for multi-class classification by
// pairwise coupling", JMLR 5 (2004), the second method (section 4), which is
// libsvm's. With r_ij the probability of class i against j, p minimizes
// sum_ij (r_ji p_i - r_ij p_j)^2 / 2 = p'Qp among all p of sum 1, where
//
//   Q_ii = sum of r_ji^2 over j != i,    Q_ij = -r_ji r_ij.
//
// libsvm iterates until no class is off by more than 0.005 / classes; here the
// minimum itself is computed. Q is positive semidefinite and no p > 0 that it
// sends to 0 has the sum 0, so M = Q + 11' is positive definite, has the same
// minimum among those p, and p is the solution of Mp = 1, scaled. It is solved
// by Gauss-Jordan elimination, which needs no pivoting for such an M, in ops
// over whole rows: the same steps for each row.
//
//===----------------------------------------------------------------------===//
#include "PairwiseCoupling.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {

class Coupling {
public:
  Coupling(NodeImporter &n, int64_t classes) : n(n), classes(classes) {}

  Value run(Value pairs) {
    Value system = systemOf(pairs);
    for (int64_t step = 0; system && step < classes; ++step)
      system = eliminate(system, step);
    return normalized(system);
  }

private:
  /// [M 1], f32 [rows, classes, classes + 1].
  Value systemOf(Value pairs);
  /// Makes the first column that of the identity with its 1 at `step`, and
  /// drops it.
  Value eliminate(Value system, int64_t step);
  Value normalized(Value solution);

  /// Entry (i, j) of classes x (classes + 1) is the probability of i against j,
  /// or of j against i; 0 on the diagonal and in the last column. `both` holds
  /// the pairs' probabilities of the first class, then of the second.
  Value matrixOf(Value both, bool isTransposed);
  Value constant(ArrayRef<float> values, ArrayRef<int64_t> shape) {
    return n.constantValue(DenseElementsAttr::get(
        RankedTensorType::get(shape, n.builder.getF32Type()), values));
  }
  /// Of each row's matrix, `lines` from line `first` on, of all columns but the
  /// first `skipped`, at most `columns` of them.
  Value box(Value matrix, int64_t first, int64_t lines, int64_t skipped,
            int64_t columns) {
    return n.emit<SliceOp>(matrix, {n.named("starts", {0, first, skipped}),
                                    n.named("sizes", {-1, lines, columns}),
                                    n.named("steps", {1, 1, 1})});
  }
  Value one() { return n.splat(1, n.builder.getF32Type()); }

  NodeImporter &n;
  const int64_t classes;
};

Value Coupling::matrixOf(Value both, bool isTransposed) {
  const int64_t pairs = classes * (classes - 1) / 2;
  SmallVector<int64_t> indices;
  SmallVector<float> mask;
  for (int64_t i = 0; i < classes; ++i)
    for (int64_t j = 0; j <= classes; ++j) {
      const bool isPair = j < classes && i != j;
      mask.push_back(isPair ? 1.0f : 0.0f);
      auto [low, high] = std::minmax(i, j);
      int64_t pair =
          isPair ? low * classes - low * (low + 1) / 2 + high - low - 1 : 0;
      const bool isFirst = (i < j) != isTransposed;
      indices.push_back(isFirst ? pair : pairs + pair);
    }
  Value which = n.constantValue(DenseElementsAttr::get(
      RankedTensorType::get(static_cast<int64_t>(indices.size()),
                            n.builder.getI64Type()),
      ArrayRef<int64_t>(indices)));
  Value entries = n.emit<GatherOp>({both, which}, n.named("axis", int64_t(1)));
  Value matrix =
      n.reshape(entries, {ShapedType::kDynamic, classes, classes + 1});
  return n.emit<MulOp>({matrix, constant(mask, {classes, classes + 1})});
}

Value Coupling::systemOf(Value pairs) {
  Value both = n.emit<ConcatOp>({pairs, n.emit<SubOp>({one(), pairs})},
                                n.named("axis", int64_t(1)));
  Value forward = matrixOf(both, /*isTransposed=*/false);
  Value backward = matrixOf(both, /*isTransposed=*/true);
  if (!backward)
    return {};
  // Row i of `backward` holds r_ji for all j.
  Value sums = n.reduce(ReduceKind::sum_square, backward, 2, /*keepDims=*/true);
  SmallVector<float> identity(classes * (classes + 1), 0.0f);
  for (int64_t i = 0; i < classes; ++i)
    identity[i * (classes + 1) + i] = 1.0f;
  Value diagonal =
      n.emit<MulOp>({sums, constant(identity, {classes, classes + 1})});
  Value quadratic =
      n.emit<SubOp>({diagonal, n.emit<MulOp>({forward, backward})});
  // 11', and the right-hand side in the column where all else is 0.
  return n.emit<AddOp>({quadratic, one()});
}

Value Coupling::eliminate(Value system, int64_t step) {
  const int64_t width = NodeImporter::shapeOf(system)[2];
  Value column = box(system, 0, classes, 0, 1);
  Value pivot = box(system, step, 1, 0, 1);
  Value rest = box(system, 0, classes, 1, width - 1);
  Value scaled = n.emit<DivOp>({box(system, step, 1, 1, width - 1), pivot});
  // The pivot's own line loses all but `scaled`.
  SmallVector<float> unit(classes, 0.0f);
  unit[step] = 1.0f;
  Value factors = n.emit<SubOp>({column, constant(unit, {classes, 1})});
  return n.emit<SubOp>({rest, n.emit<MulOp>({factors, scaled})});
}

Value Coupling::normalized(Value solution) {
  Value flat = n.reshape(solution, {ShapedType::kDynamic, classes});
  // No probability is below 0 but by rounding.
  Value positive = n.emit<MaxOp>({flat, n.splat(0, n.builder.getF32Type())});
  if (!positive)
    return {};
  return n.emit<DivOp>(
      {positive, n.reduce(ReduceKind::sum, positive, 1, /*keepDims=*/true)});
}

} // namespace

Value mlir::qnet::onnx::coupledProbabilities(NodeImporter &n, Value pairs,
                                             int64_t classes) {
  if (!pairs)
    return {};
  Operation *before = pairs.getDefiningOp();
  Value result = Coupling(n, classes).run(pairs);
  if (!result)
    return {};
  // Known as a finish: f32 is what it is defined in.
  StringAttr reason = n.builder.getStringAttr(
      "pairwise coupling: f32, a system of equations a row");
  for (Operation *op = before->getNextNode(); op; op = op->getNextNode())
    if (!isa<ConstantOp>(op))
      op->setAttr(kFinishAttr, reason);
  return result;
}
