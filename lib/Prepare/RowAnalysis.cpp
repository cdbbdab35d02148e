//===- RowAnalysis.cpp - which dimension of a value counts rows -----------===//
#include "RowAnalysis.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qnet;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

RowAnalysis::RowAnalysis(func::FuncOp function, int64_t rows) : rows(rows) {
  Block &body = function.getBody().front();
  for (BlockArgument argument : body.getArguments())
    dimensions[argument] = 0;
  for (Operation &op : body)
    if (!visit(&op))
      return;
}

std::optional<int64_t> RowAnalysis::rowDimension(Value value) const {
  const auto *found = dimensions.find(value);
  if (found == dimensions.end())
    return std::nullopt;
  return found->second;
}

int64_t RowAnalysis::knownRowDimension(Value value) const {
  assert(dimensions.contains(value) && "a value without rows");
  return dimensions.lookup(value);
}

bool RowAnalysis::give(Operation *op, int64_t dimension) {
  for (Value result : op->getResults())
    dimensions[result] = dimension;
  return true;
}

bool RowAnalysis::fail(Operation *op, const Twine &reason) {
  culprit = op;
  why = reason.str();
  return false;
}

bool RowAnalysis::visit(Operation *op) {
  if (isa<func::ReturnOp>(op)) {
    for (auto [index, value] : llvm::enumerate(op->getOperands())) {
      std::optional<int64_t> dimension = rowDimension(value);
      if (!dimension)
        return fail(op, "result " + Twine(index) +
                            " does not depend on the inputs' rows");
      if (*dimension != 0)
        return fail(op, "result " + Twine(index) +
                            " has the rows in dimension " + Twine(*dimension) +
                            ", not in front");
    }
    return true;
  }
  // What does not depend on the arguments has no rows.
  if (llvm::none_of(op->getOperands(), [&](Value value) {
        return rowDimension(value).has_value();
      }))
    return true;
  for (Value value : op->getOperands())
    if (!isa<RankedTensorType>(value.getType()))
      return fail(op, "works on something other than tensors");

  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<DenseOp, MatmulOp, QDenseOp>([&](auto) { return visitProduct(op); })
      .Case<ActivationOp, CastOp, NotOp, IsNanOp, IsInfOp, PreluOp, AddOp,
            SubOp, MulOp, DivOp, PowOp, MinOp, MaxOp, AndOp, OrOp, XorOp,
            CompareOp, WhereOp, BroadcastOp, QuantizeOp, DequantizeOp,
            RequantizeOp, QAddOp, QSubOp, QMulOp>(
          [&](auto) { return visitBroadcasting(op); })
      .Case<LookupOp>([&](LookupOp lookup) {
        if (rowDimension(lookup.getTable()))
          return fail(op, "its table depends on the input");
        return give(op, knownRowDimension(lookup.getInput()));
      })
      .Case<ReshapeOp>([&](auto) { return visitReshape(op); })
      .Case<TransposeOp, ConcatOp, SliceOp, GatherOp>(
          [&](auto) { return visitMove(op); })
      .Case<SoftmaxOp, LogSoftmaxOp, BatchNormOp, LayerNormOp, ReduceOp,
            ArgmaxOp, ArgminOp, TopKOp>(
          [&](auto) { return visitReduction(op); })
      .Case<ObserveOp>([&](auto) { return true; })
      .Default([&](auto) {
        return fail(op, "is an op whose rows are not known to be apart");
      });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

bool RowAnalysis::visitProduct(Operation *op) {
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  std::optional<int64_t> left = rowDimension(lhs), right = rowDimension(rhs);
  if (!isa<MatmulOp>(op)) {
    for (Value value : op->getOperands().drop_front())
      if (rowDimension(value))
        return fail(op, "its weights or bias depend on the input");
    if (*left == typeOf(lhs).getRank() - 1)
      return fail(op, "sums over the rows");
    return give(op, *left);
  }
  // Dimensions counted from the end: numpy's rule for leading ones.
  const int64_t rank = typeOf(op->getResult(0)).getRank();
  const int64_t leftRank = typeOf(lhs).getRank(),
                rightRank = typeOf(rhs).getRank();
  const int64_t leftEnd = left ? leftRank - *left : 0;
  const int64_t rightEnd = right ? rightRank - *right : 0;
  if (left && leftEnd == 1)
    return fail(op, "sums over the rows of its left operand");
  if (right && (rightRank == 1 || rightEnd == 2))
    return fail(op, "sums over the rows of its right operand");
  if (left && right && (leftEnd != rightEnd || leftEnd < 3))
    return fail(op, "multiplies rows by rows");
  if (!left && rightEnd == 1)
    return give(op, rank - 1);
  // A vector operand's own dimension is missing from the result.
  if (left)
    return give(op, rank - (rightRank == 1 ? leftEnd - 1 : leftEnd));
  return give(op, rank - (leftRank == 1 ? rightEnd - 1 : rightEnd));
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

bool RowAnalysis::visitBroadcasting(Operation *op) {
  const int64_t rank = typeOf(op->getResult(0)).getRank();
  std::optional<int64_t> dimension;
  for (Value value : op->getOperands())
    if (std::optional<int64_t> own = rowDimension(value)) {
      const int64_t aligned = *own + rank - typeOf(value).getRank();
      if (dimension && *dimension != aligned)
        return fail(op,
                    "combines rows of one operand with features of another");
      dimension = aligned;
    }
  for (Value value : op->getOperands()) {
    const int64_t own = *dimension - (rank - typeOf(value).getRank());
    if (!rowDimension(value) && own >= 0 && typeOf(value).getDimSize(own) != 1)
      return fail(op, "has a constant with values of its own for each row");
  }
  const int64_t size = typeOf(op->getResult(0)).getDimSize(*dimension);
  if (size != rows)
    return fail(op, "repeats rows");
  return give(op, *dimension);
}

//===----------------------------------------------------------------------===//
// Moves
//===----------------------------------------------------------------------===//

bool RowAnalysis::visitReshape(Operation *op) {
  auto reshape = cast<ReshapeOp>(op);
  ArrayRef<int64_t> from = typeOf(reshape.getInput()).getShape(),
                    to = typeOf(reshape.getResult()).getShape();
  const int64_t dimension = knownRowDimension(reshape.getInput());
  // Rows stay apart where as many elements lie before their dimension as did.
  FailureOr<int64_t> before = staticElementCount(from.take_front(dimension));
  std::optional<int64_t> found;
  for (int64_t d = 0, e = to.size(); d < e && !failed(before); ++d) {
    FailureOr<int64_t> prefix = staticElementCount(to.take_front(d));
    if (failed(prefix) || *prefix != *before || to[d] != rows)
      continue;
    // Of a dynamic number it takes what lies behind to tell rows from parts of
    // rows.
    FailureOr<int64_t> own = staticElementCount(from.drop_front(dimension + 1)),
                       behind = staticElementCount(to.drop_front(d + 1));
    if (failed(own) || failed(behind) || *own != *behind)
      continue;
    // With rows == 1 several may fit: the one at the same place, else the
    // first.
    if (!found || d == dimension)
      found = d;
  }
  if (!found)
    return fail(op, "mixes the rows into other dimensions");
  return give(op, *found);
}

bool RowAnalysis::visitMove(Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<TransposeOp>([&](TransposeOp transpose) {
        const int64_t dimension = knownRowDimension(transpose.getInput());
        auto *found = llvm::find(transpose.getPermutation(), dimension);
        return give(op, found - transpose.getPermutation().begin());
      })
      .Case<ConcatOp>([&](ConcatOp concat) {
        std::optional<int64_t> dimension;
        for (Value input : concat.getInputs()) {
          std::optional<int64_t> own = rowDimension(input);
          if (!own)
            return fail(op, "joins a constant to the rows");
          if (dimension && dimension != own)
            return fail(op, "joins rows to features");
          dimension = own;
        }
        if (static_cast<int64_t>(concat.getAxis()) == *dimension)
          return fail(op, "joins along the rows");
        return give(op, *dimension);
      })
      .Case<SliceOp>([&](SliceOp slice) {
        const int64_t dimension = knownRowDimension(slice.getInput());
        const int64_t size = slice.getSizes()[dimension];
        if (slice.getStarts()[dimension] != 0 ||
            slice.getSteps()[dimension] != 1 || (size != -1 && size != rows))
          return fail(op, "takes some of the rows");
        return give(op, dimension);
      })
      .Case<GatherOp>([&](GatherOp gather) {
        std::optional<int64_t> input = rowDimension(gather.getInput()),
                               indices = rowDimension(gather.getIndices());
        const int64_t axis = gather.getAxis();
        const int64_t indexRank = typeOf(gather.getIndices()).getRank();
        if (input && indices)
          return fail(op, "gathers by indices that depend on the rows");
        if (indices)
          return give(op, axis + *indices);
        if (*input == axis)
          return fail(op, "picks rows");
        return give(op, *input < axis ? *input : *input + indexRank - 1);
      })
      .Default([&](auto) { return fail(op, "is an unknown move"); });
}

//===----------------------------------------------------------------------===//
// Reductions and normalizations
//===----------------------------------------------------------------------===//

bool RowAnalysis::visitReduction(Operation *op) {
  for (Value parameter : op->getOperands().drop_front())
    if (rowDimension(parameter))
      return fail(op, "its parameters depend on the input");
  std::optional<int64_t> own = rowDimension(op->getOperand(0));
  const int64_t dimension = *own, rank = typeOf(op->getOperand(0)).getRank();
  auto alongAxis = [&](int64_t axis, bool keepsRank) {
    if (axis == dimension)
      return fail(op, "works along the rows");
    return give(op, dimension - (!keepsRank && axis < dimension));
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<SoftmaxOp, LogSoftmaxOp, TopKOp>(
          [&](auto softmax) { return alongAxis(softmax.getAxis(), true); })
      .Case<ArgmaxOp, ArgminOp>(
          [&](auto arg) { return alongAxis(arg.getAxis(), arg.getKeepDims()); })
      .Case<BatchNormOp>(
          [&](auto) { return alongAxis(rank == 1 ? 0 : 1, true); })
      .Case<LayerNormOp>([&](LayerNormOp norm) {
        if (dimension >= static_cast<int64_t>(norm.getAxis()))
          return fail(op, "normalizes over the rows");
        for (Value parameter : op->getOperands().drop_front()) {
          const int64_t place =
              dimension - (rank - typeOf(parameter).getRank());
          if (place >= 0 && typeOf(parameter).getDimSize(place) != 1)
            return fail(op, "has parameters of its own for each row");
        }
        return give(op, dimension);
      })
      .Case<ReduceOp>([&](ReduceOp reduce) {
        if (llvm::is_contained(reduce.getAxes(), dimension))
          return fail(op, "reduces over the rows");
        const int64_t dropped =
            reduce.getKeepDims()
                ? 0
                : llvm::count_if(reduce.getAxes(), [&](int64_t axis) {
                    return axis < dimension;
                  });
        return give(op, dimension - dropped);
      })
      .Default([&](auto) { return fail(op, "is an unknown reduction"); });
}
