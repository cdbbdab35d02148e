//===- EvalShape.cpp - Constants and ops that move values
//------------------===//

#include "Evaluation.h"

using namespace mlir;
using namespace mlir::qnet;

static Results constant(ElementsAttr value, const Evaluation &e) {
  return single(
      tensorFrom(value, e.limits.elements, [&] { return e.error(); }));
}

Results qnet::evaluate(ConstantOp op, const Evaluation &e) {
  return constant(op.getValue(), e);
}

Results qnet::evaluate(arith::ConstantOp op, const Evaluation &e) {
  auto value = dyn_cast<ElementsAttr>(op.getValue());
  if (!value) {
    e.error() << "is no tensor";
    return failure();
  }
  return constant(value, e);
}

/// result[i] = input[base + i . strides] for every position i of `shape`.
static Results gatherStrided(const Evaluation &e, ArrayRef<int64_t> shape,
                             SmallVector<int64_t> strides, int64_t base) {
  const Tensor &input = e.operand(0);
  FailureOr<Tensor> result = e.allocate(input.elementType, shape);
  if (failed(result))
    return failure();
  onValues(*result, input, [&](auto &to, const auto &from) {
    walk<1>(shape, {std::move(strides)},
            [&](int64_t i, auto at) { to[i] = from[base + at[0]]; });
  });
  return single(std::move(result));
}

Results qnet::evaluate(TransposeOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  SmallVector<int64_t> own = rowMajorStrides(input.shape), shape, strides;
  for (int64_t dim : op.getPermutation()) {
    shape.push_back(input.shape[dim]);
    strides.push_back(own[dim]);
  }
  return gatherStrided(e, shape, std::move(strides), 0);
}

Results qnet::evaluate(SliceOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  SmallVector<int64_t> own = rowMajorStrides(input.shape), shape, strides;
  int64_t base = 0;
  for (auto [dim, start, size, step] :
       llvm::enumerate(op.getStarts(), op.getSizes(), op.getSteps())) {
    int64_t extent = input.shape[dim];
    if (size == -1) {
      shape.push_back(extent);
      strides.push_back(own[dim]);
      continue;
    }
    int64_t span, last;
    bool isInside =
        size >= 0 && (size == 0 || (start >= 0 && start < extent &&
                                    !llvm::MulOverflow(size - 1, step, span) &&
                                    !llvm::AddOverflow(start, span, last) &&
                                    last >= 0 && last < extent));
    if (!isInside) {
      e.error() << "reads outside dimension " << dim << " of " << input.type()
                << ": start " << start << ", size " << size << ", step "
                << step;
      return failure();
    }
    shape.push_back(size);
    // A dimension of one element or none is never stepped over; its step may be
    // as large as it likes.
    strides.push_back(size > 1 ? step * own[dim] : 0);
    if (size > 0)
      base += start * own[dim];
  }
  return gatherStrided(e, shape, std::move(strides), base);
}

Results qnet::evaluate(BroadcastOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  SmallVector<int64_t> shape(op.getType().getShape());
  bool fits = shape.size() >= input.shape.size();
  for (size_t i = 0, lead = shape.size() - input.shape.size();
       fits && i != shape.size(); ++i) {
    int64_t own = i < lead ? 1 : input.shape[i - lead];
    // A dynamic dimension is the input's: nothing else says how long it is.
    if (ShapedType::isDynamic(shape[i]))
      shape[i] = own;
    fits = own == 1 || own == shape[i];
  }
  if (!fits) {
    e.error() << "cannot repeat " << input.type() << " to " << op.getType();
    return failure();
  }
  return gatherStrided(e, shape, broadcastStrides(input.shape, shape), 0);
}

Results qnet::evaluate(ReshapeOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  SmallVector<int64_t> shape(op.getType().getShape());
  int64_t known = 1;
  for (int64_t dim : shape)
    if (!ShapedType::isDynamic(dim) && llvm::MulOverflow(known, dim, known))
      known = -1;
  for (int64_t &dim : shape)
    if (ShapedType::isDynamic(dim))
      dim = known > 0 ? input.size() / known : 0;
  FailureOr<int64_t> count = staticElementCount(shape);
  if (failed(count) || *count != input.size()) {
    e.error() << "cannot view " << input.type() << " as " << op.getType();
    return failure();
  }
  Tensor result = input;
  result.shape = std::move(shape);
  return single(std::move(result));
}

Results qnet::evaluate(ConcatOp op, const Evaluation &e) {
  uint64_t axis = op.getAxis();
  SmallVector<int64_t> shape = e.operand(0).shape;
  int64_t joined = 0;
  for (const Tensor *operand : e.operands) {
    bool fits = axis < operand->shape.size() &&
                operand->rank() == e.operand(0).rank() &&
                operand->elementType == e.operand(0).elementType;
    for (int64_t d = 0; fits && d != operand->rank(); ++d)
      fits = static_cast<uint64_t>(d) == axis || operand->shape[d] == shape[d];
    if (!fits || llvm::AddOverflow(joined, operand->shape[axis], joined)) {
      e.error() << "cannot join " << operand->type() << " to "
                << e.operand(0).type() << " along dimension " << axis;
      return failure();
    }
  }
  shape[axis] = joined;
  FailureOr<Tensor> result = e.allocate(e.operand(0).elementType, shape);
  if (failed(result))
    return failure();
  SmallVector<int64_t> strides = rowMajorStrides(shape);
  int64_t base = 0;
  for (const Tensor *operand : e.operands) {
    onValues(*result, *operand, [&](auto &to, const auto &from) {
      walk<1>(operand->shape, {strides},
              [&](int64_t i, auto at) { to[base + at[0]] = from[i]; });
    });
    base += operand->shape[axis] * strides[axis];
  }
  return single(std::move(result));
}

Results qnet::evaluate(GatherOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0), &indices = e.operand(1);
  uint64_t axis = op.getAxis();
  if (axis >= input.shape.size() || indices.isReal()) {
    e.error() << "cannot take " << indices.type() << " along dimension " << axis
              << " of " << input.type();
    return failure();
  }
  int64_t extent = input.shape[axis];
  bool isUnsigned = indices.format().isUnsigned;
  std::vector<int64_t> rows;
  rows.reserve(indices.size());
  for (int64_t index : indices.integers) {
    int64_t row = index < 0 && !isUnsigned ? index + extent : index;
    if (row < 0 || row >= extent) {
      e.error() << "takes index " << index << " along dimension " << axis
                << " of " << input.type() << ", which has [" << -extent << ", "
                << extent << ")";
      return failure();
    }
    rows.push_back(row);
  }
  SmallVector<int64_t> shape(ArrayRef(input.shape).take_front(axis));
  llvm::append_range(shape, indices.shape);
  llvm::append_range(shape, ArrayRef(input.shape).drop_front(axis + 1));
  FailureOr<Tensor> result = e.allocate(input.elementType, shape);
  if (failed(result))
    return failure();
  int64_t inner = 1, outer = 1;
  for (int64_t dim : ArrayRef(input.shape).drop_front(axis + 1))
    inner *= dim;
  for (int64_t dim : ArrayRef(input.shape).take_front(axis))
    outer *= dim;
  onValues(*result, input, [&](auto &to, const auto &from) {
    auto out = to.begin();
    for (int64_t o = 0; o != outer; ++o)
      for (int64_t row : rows)
        out =
            std::copy_n(from.begin() + (o * extent + row) * inner, inner, out);
  });
  return single(std::move(result));
}
