//===- AffineChain.cpp - ops that scale and shift every feature -----------===//
#include "AffineChain.h"

#include "quantc/Dialect/Constants.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

Affine Affine::identity(Value input, int64_t size) {
  return {input, std::vector<double>(size, 1), std::vector<double>(size, 0)};
}

void Affine::then(const Affine &next) {
  for (int64_t i = 0, e = size(); i < e; ++i) {
    scale[i] = next.scale[i] * scale[i];
    shift[i] = next.scale[i] * shift[i] + next.shift[i];
  }
}

bool Affine::isFinite() const {
  auto finite = [](double value) { return std::isfinite(value); };
  return llvm::all_of(scale, finite) && llvm::all_of(shift, finite);
}

std::optional<int64_t> mlir::qnet::rowElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.getElementType().isF32() || type.getRank() < 2)
    return std::nullopt;
  FailureOr<int64_t> count = staticElementCount(type.getShape().drop_front());
  constexpr int64_t mostElements = int64_t(1) << 24;
  if (failed(count) || *count > mostElements)
    return std::nullopt;
  return count;
}

/// A constant as one value for each element of a row of `type`, or nothing if
/// it differs between rows or is no f32 constant that broadcasts to it.
static std::optional<std::vector<double>>
rowConstant(Value value, RankedTensorType type, int64_t elements) {
  auto constantType = cast<RankedTensorType>(value.getType());
  const int64_t rank = type.getRank(), constantRank = constantType.getRank();
  if (constantRank > rank ||
      (constantRank == rank && constantType.getDimSize(0) != 1))
    return std::nullopt;
  FailureOr<std::vector<float>> values = readConstant<float>(value);
  if (failed(values))
    return std::nullopt;
  if (values->size() == 1)
    return std::vector<double>(elements, values->front());

  // Strides of the constant along the dimensions of a row; 0 where it repeats.
  SmallVector<int64_t> strides(rank - 1, 0);
  int64_t stride = 1;
  for (int64_t d = constantRank; d-- > 0;) {
    const int64_t rowDimension = d + rank - constantRank - 1;
    const int64_t size = constantType.getDimSize(d);
    if (size != 1 && size != type.getDimSize(rowDimension + 1))
      return std::nullopt;
    if (size != 1)
      strides[rowDimension] = stride;
    stride *= size;
  }
  std::vector<double> result(elements);
  SmallVector<int64_t> index(rank - 1, 0);
  int64_t position = 0;
  for (double &element : result) {
    element = (*values)[position];
    for (int64_t d = rank - 1; d-- > 0;) {
      position += strides[d];
      if (++index[d] < type.getDimSize(d + 1))
        break;
      position -= strides[d] * index[d];
      index[d] = 0;
    }
  }
  return result;
}

std::optional<ChannelAffine> mlir::qnet::channelAffine(BatchNormOp op) {
  FailureOr<std::vector<float>> scale = readConstant<float>(op.getScale());
  FailureOr<std::vector<float>> bias = readConstant<float>(op.getBias());
  FailureOr<std::vector<float>> mean = readConstant<float>(op.getMean());
  FailureOr<std::vector<float>> variance =
      readConstant<float>(op.getVariance());
  if (failed(scale) || failed(bias) || failed(mean) || failed(variance))
    return std::nullopt;
  const double epsilon = op.getEpsilon().convertToDouble();
  ChannelAffine result;
  for (auto [s, b, m, v] : llvm::zip_equal(*scale, *bias, *mean, *variance)) {
    double factor = s / std::sqrt(double(v) + epsilon);
    result.scale.push_back(factor);
    result.shift.push_back(b - m * factor);
  }
  return result;
}

std::optional<Affine> mlir::qnet::matchAffine(Operation *op,
                                              std::string &reason) {
  if (!op || op->getNumResults() != 1)
    return std::nullopt;
  std::optional<int64_t> elements = rowElements(op->getResult(0));
  if (!elements) {
    reason = "not rows of f32 values of static shape";
    return std::nullopt;
  }
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Affine affine;

  if (auto norm = dyn_cast<BatchNormOp>(op)) {
    std::optional<ChannelAffine> channels = channelAffine(norm);
    if (!channels) {
      reason = "batch_norm with parameters that are not constant";
      return std::nullopt;
    }
    affine = Affine::identity(norm.getInput(), *elements);
    // Channels are dimension 1, the first of a row.
    const int64_t perChannel =
        channels->scale.empty() ? 1 : *elements / channels->scale.size();
    for (int64_t i = 0; i < *elements; ++i) {
      affine.scale[i] = channels->scale[i / perChannel];
      affine.shift[i] = channels->shift[i / perChannel];
    }
  } else if (auto activation = dyn_cast<ActivationOp>(op)) {
    if (activation.getFunction() != Function::neg)
      return std::nullopt;
    affine = Affine::identity(activation.getInput(), *elements);
    llvm::fill(affine.scale, -1);
  } else if (isa<AddOp, SubOp, MulOp, DivOp>(op)) {
    Value lhs = op->getOperand(0), rhs = op->getOperand(1);
    const bool constantRhs = matchPattern(rhs, m_Constant());
    if (constantRhs == matchPattern(lhs, m_Constant())) {
      reason = "requires one constant operand";
      return std::nullopt;
    }
    Value input = constantRhs ? lhs : rhs;
    if (input.getType() != type) {
      reason = "broadcasts its input";
      return std::nullopt;
    }
    std::optional<std::vector<double>> constant =
        rowConstant(constantRhs ? rhs : lhs, type, *elements);
    if (!constant) {
      reason = "requires an f32 constant that is the same for all rows";
      return std::nullopt;
    }
    affine = Affine::identity(input, *elements);
    if (isa<AddOp>(op)) {
      affine.shift = *constant;
    } else if (isa<MulOp>(op)) {
      affine.scale = *constant;
    } else if (isa<SubOp>(op)) {
      affine.shift = *constant;
      llvm::MutableArrayRef<double> negated =
          constantRhs ? affine.shift : affine.scale;
      for (double &value : negated)
        value = -value;
    } else {
      if (!constantRhs) {
        reason = "divides by its input";
        return std::nullopt;
      }
      for (auto [scale, divisor] : llvm::zip_equal(affine.scale, *constant))
        scale = 1 / divisor;
    }
  } else {
    return std::nullopt;
  }
  if (!affine.isFinite()) {
    reason = "its constants are not finite";
    return std::nullopt;
  }
  return affine;
}
