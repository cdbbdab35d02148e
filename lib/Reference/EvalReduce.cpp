//===- EvalReduce.cpp - Reductions, argmax and top_k
//-----------------------===//

#include "Evaluation.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace mlir::qnet;

//===----------------------------------------------------------------------===//
// reduce
//===----------------------------------------------------------------------===//

/// Sums and products round at every step, in row-major order of the elements.
static double reduceReals(ReduceKind kind, ArrayRef<double> values,
                          ElementFormat step) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double result = kind == ReduceKind::prod  ? 1
                  : kind == ReduceKind::max ? -infinity
                  : kind == ReduceKind::min ? infinity
                                            : 0;
  for (double x : values) {
    switch (kind) {
    case ReduceKind::sum:
    case ReduceKind::mean:
      result = step.round(result + x);
      break;
    case ReduceKind::l1:
      result = step.round(result + std::abs(x));
      break;
    case ReduceKind::l2:
    case ReduceKind::sum_square:
      result = step.round(result + step.round(x * x));
      break;
    case ReduceKind::prod:
      result = step.round(result * x);
      break;
    case ReduceKind::max:
      result = std::isnan(x) || x > result ? x : result;
      break;
    case ReduceKind::min:
      result = std::isnan(x) || x < result ? x : result;
      break;
    }
    if (std::isnan(result))
      return result;
  }
  if (kind == ReduceKind::mean)
    return step.round(result / step.round(static_cast<double>(values.size())));
  if (kind == ReduceKind::l2)
    return step.round(std::sqrt(result));
  return result;
}

/// Modulo 2^64; a mean truncates, an l2 norm is the integer part of the root.
static int64_t reduceIntegers(ReduceKind kind, ArrayRef<int64_t> values,
                              ElementFormat format) {
  if (kind == ReduceKind::max || kind == ReduceKind::min) {
    bool isMax = kind == ReduceKind::max;
    int64_t best = isMax ? format.smallest() : format.largest();
    for (int64_t x : values)
      if (isMax ? format.less(best, x) : format.less(x, best))
        best = x;
    return best;
  }
  uint64_t result = kind == ReduceKind::prod;
  for (int64_t x : values) {
    uint64_t bits = x;
    bool isNegative = !format.isUnsigned && x < 0;
    if (kind == ReduceKind::prod)
      result *= bits;
    else if (kind == ReduceKind::l1)
      result += isNegative ? -bits : bits;
    else if (kind == ReduceKind::l2 || kind == ReduceKind::sum_square)
      result += bits * bits;
    else
      result += bits;
  }
  if (kind == ReduceKind::l2)
    return static_cast<int64_t>(std::sqrt(static_cast<double>(result)));
  if (kind != ReduceKind::mean)
    return result;
  int64_t count = values.size();
  if (count == 0)
    return 0;
  return format.isUnsigned ? result / static_cast<uint64_t>(count)
                           : static_cast<int64_t>(result) / count;
}

Results qnet::evaluate(ReduceOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  SmallVector<int64_t> own = rowMajorStrides(input.shape);
  SmallVector<int64_t> shape, kept, keptStrides, reduced, reducedStrides;
  for (int64_t d = 0; d != input.rank(); ++d) {
    if (llvm::is_contained(op.getAxes(), d)) {
      reduced.push_back(input.shape[d]);
      reducedStrides.push_back(own[d]);
      if (op.getKeepDims())
        shape.push_back(1);
    } else {
      kept.push_back(input.shape[d]);
      keptStrides.push_back(own[d]);
      shape.push_back(input.shape[d]);
    }
  }
  FailureOr<Tensor> result = e.allocate(input.elementType, shape);
  if (failed(result))
    return failure();
  // f16 and bf16 compute in f32 and round at the end.
  ElementFormat format = input.format(), step = format;
  if (format.isReal() && format.kind != ElementFormat::Kind::Float64)
    step.kind = ElementFormat::Kind::Float32;
  std::vector<double> reals;
  std::vector<int64_t> integers;
  walk<1>(kept, {keptStrides}, [&](int64_t i, auto base) {
    reals.clear();
    integers.clear();
    walk<1>(reduced, {reducedStrides}, [&](int64_t, auto at) {
      if (input.isReal())
        reals.push_back(input.reals[base[0] + at[0]]);
      else
        integers.push_back(input.integers[base[0] + at[0]]);
    });
    if (input.isReal())
      result->reals[i] = format.round(reduceReals(op.getKind(), reals, step));
    else
      result->integers[i] =
          format.wrap(reduceIntegers(op.getKind(), integers, format));
  });
  return single(std::move(result));
}

//===----------------------------------------------------------------------===//
// Order along one axis
//===----------------------------------------------------------------------===//

namespace {
/// One line of a tensor along an axis.
struct Line {
  const Tensor &tensor;
  int64_t start, stride, extent;

  int64_t at(int64_t i) const { return start + i * stride; }
  bool isNan(int64_t i) const {
    return tensor.isReal() && std::isnan(tensor.reals[at(i)]);
  }
  /// False where either is NaN.
  bool less(int64_t i, int64_t j) const {
    return tensor.isReal() ? tensor.reals[at(i)] < tensor.reals[at(j)]
                           : tensor.format().less(tensor.integers[at(i)],
                                                  tensor.integers[at(j)]);
  }
};
} // namespace

/// Calls body(index of the line, line) for every line along `axis`.
template <typename Body>
static void forEachLine(const Tensor &tensor, uint64_t axis, Body body) {
  int64_t extent = tensor.shape[axis];
  int64_t stride = rowMajorStrides(tensor.shape)[axis];
  int64_t index = 0;
  for (int64_t start = 0; start < tensor.size(); ++start)
    if (start / stride % extent == 0)
      body(index++, Line{tensor, start, stride, extent});
}

static Results argExtreme(const Evaluation &e, uint64_t axis, bool keepDims,
                          bool selectLast, bool largest) {
  const Tensor &input = e.operand(0);
  if (axis >= input.shape.size() || input.shape[axis] == 0) {
    e.error() << "has axis " << axis << ", along which " << input.type()
              << " has no values";
    return failure();
  }
  SmallVector<int64_t> shape = input.shape;
  if (keepDims)
    shape[axis] = 1;
  else
    shape.erase(shape.begin() + axis);
  FailureOr<Tensor> result = e.allocate(e.realElement(), shape);
  if (failed(result))
    return failure();
  forEachLine(input, axis, [&](int64_t index, const Line &line) {
    int64_t best = -1;
    for (int64_t i = 0; i != line.extent; ++i) {
      if (line.isNan(i))
        continue;
      bool isBetter =
          best < 0 || (largest ? line.less(best, i) : line.less(i, best));
      bool isEqual = best >= 0 && !line.less(best, i) && !line.less(i, best);
      if (isBetter || (selectLast && isEqual))
        best = i;
    }
    result->integers[index] = std::max<int64_t>(best, 0);
  });
  return single(std::move(result));
}

Results qnet::evaluate(ArgmaxOp op, const Evaluation &e) {
  return argExtreme(e, op.getAxis(), op.getKeepDims(), op.getSelectLast(),
                    /*largest=*/true);
}

Results qnet::evaluate(ArgminOp op, const Evaluation &e) {
  return argExtreme(e, op.getAxis(), op.getKeepDims(), op.getSelectLast(),
                    /*largest=*/false);
}

/// NaN comes after every number, whichever end is asked for.
Results qnet::evaluate(TopKOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  uint64_t axis = op.getAxis();
  int64_t k = op.getK();
  if (axis >= input.shape.size() || k > input.shape[axis]) {
    e.error() << "takes " << k << " values along dimension " << axis << " of "
              << input.type();
    return failure();
  }
  SmallVector<int64_t> shape = input.shape;
  shape[axis] = k;
  FailureOr<Tensor> values = e.allocate(input.elementType, shape);
  FailureOr<Tensor> indices = e.allocate(e.realElement(1), shape);
  if (failed(values) || failed(indices))
    return failure();
  int64_t stride = rowMajorStrides(shape)[axis];
  std::vector<int64_t> order(input.shape[axis]);
  forEachLine(input, axis, [&](int64_t index, const Line &line) {
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
      if (line.isNan(i) || line.isNan(j))
        return !line.isNan(i) && line.isNan(j);
      return op.getLargest() ? line.less(j, i) : line.less(i, j);
    });
    int64_t base = index / stride * (stride * k) + index % stride;
    for (int64_t i = 0; i != k; ++i) {
      int64_t to = base + i * stride, from = line.at(order[i]);
      indices->integers[to] = order[i];
      onValues(*values, input,
               [&](auto &out, const auto &in) { out[to] = in[from]; });
    }
  });
  SmallVector<Tensor> results;
  results.push_back(std::move(*values));
  results.push_back(std::move(*indices));
  return results;
}
