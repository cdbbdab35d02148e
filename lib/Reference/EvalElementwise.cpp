//===- EvalElementwise.cpp - Functions of one, two and three values
//--------===//

#include "Evaluation.h"

#include "quantc/Numerics/Evaluate.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

//===----------------------------------------------------------------------===//
// One value
//===----------------------------------------------------------------------===//

double qnet::apply(const AppliedFunction &applied, double x,
                   ElementFormat format) {
  if (format.kind == ElementFormat::Kind::Float64)
    return applied.evaluate(x);
  return format.round(numerics::apply(applied.function, static_cast<float>(x),
                                      static_cast<float>(applied.alpha),
                                      static_cast<float>(applied.beta)));
}

/// Integers wrap. Clip's bounds are real numbers, so compare as such.
static std::optional<int64_t> applyToInteger(const AppliedFunction &applied,
                                             int64_t x, ElementFormat format) {
  bool isNegative = !format.isUnsigned && x < 0;
  uint64_t bits = static_cast<uint64_t>(x);
  switch (applied.function) {
  case numerics::Function::Identity:
    return x;
  case numerics::Function::Relu:
    return isNegative ? 0 : x;
  case numerics::Function::Abs:
    return isNegative ? format.wrap(-bits) : x;
  case numerics::Function::Neg:
    return format.wrap(-bits);
  case numerics::Function::Sign:
    return isNegative ? format.wrap(-1) : x != 0;
  case numerics::Function::Square:
    return format.wrap(bits * bits);
  case numerics::Function::Clip: {
    int64_t low = format.fromReal(std::ceil(applied.alpha));
    int64_t high = format.fromReal(std::floor(applied.beta));
    if (format.less(x, low))
      x = low;
    return format.less(high, x) ? high : x;
  }
  default:
    return std::nullopt;
  }
}

Results qnet::evaluate(ActivationOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  ElementFormat format = input.format();
  AppliedFunction function = AppliedFunction::of(op);
  FailureOr<Tensor> result = e.allocate(input.elementType, input.shape);
  if (failed(result))
    return failure();
  for (auto [to, from] : llvm::zip_equal(result->reals, input.reals))
    to = apply(function, from, format);
  for (auto [to, from] : llvm::zip_equal(result->integers, input.integers)) {
    std::optional<int64_t> value = applyToInteger(function, from, format);
    if (!value) {
      e.error() << "'" << stringifyFunction(op.getFunction())
                << "' is not defined on " << input.elementType
                << "; cast to a float type first";
      return failure();
    }
    to = *value;
  }
  return single(std::move(result));
}

Results qnet::evaluate(CastOp op, const Evaluation &e) {
  const Tensor &input = e.operand(0);
  FailureOr<Tensor> result = e.allocate(e.realElement(), input.shape);
  if (failed(result))
    return failure();
  ElementFormat from = input.format(), to = result->format();
  for (int64_t i = 0, n = input.size(); i != n; ++i) {
    if (to.width == 1 && !to.isReal())
      result->integers[i] =
          input.isReal() ? input.reals[i] != 0 : input.integers[i] != 0;
    else if (input.isReal() && to.isReal())
      result->reals[i] = to.round(input.reals[i]);
    else if (input.isReal())
      result->integers[i] = to.fromReal(input.reals[i]);
    else if (to.isReal())
      result->reals[i] = from.toReal(input.integers[i], to);
    else
      result->integers[i] = to.wrap(input.integers[i]);
  }
  return single(std::move(result));
}

/// A truth value for each element.
template <typename Test>
static Results classify(const Evaluation &e, Test test) {
  const Tensor &input = e.operand(0);
  FailureOr<Tensor> result = e.allocate(e.realElement(), input.shape);
  if (failed(result))
    return failure();
  for (int64_t i = 0, n = input.size(); i != n; ++i)
    result->integers[i] = test(i);
  return single(std::move(result));
}

Results qnet::evaluate(NotOp op, const Evaluation &e) {
  return classify(e, [&](int64_t i) { return !e.operand(0).integers[i]; });
}

Results qnet::evaluate(IsNanOp op, const Evaluation &e) {
  return classify(e,
                  [&](int64_t i) { return std::isnan(e.operand(0).reals[i]); });
}

Results qnet::evaluate(IsInfOp op, const Evaluation &e) {
  return classify(e, [&](int64_t i) {
    double x = e.operand(0).reals[i];
    return std::isinf(x) &&
           (x < 0 ? op.getDetectNegative() : op.getDetectPositive());
  });
}

//===----------------------------------------------------------------------===//
// Two values
//===----------------------------------------------------------------------===//

/// onReals(x, y) is rounded to the format, onIntegers(x, y) wrapped to it.
template <typename OnReals, typename OnIntegers>
static Results binary(const Evaluation &e, OnReals onReals,
                      OnIntegers onIntegers) {
  const Tensor &lhs = e.operand(0), &rhs = e.operand(1);
  if (lhs.elementType != rhs.elementType) {
    e.error() << "has operands of types " << lhs.elementType << " and "
              << rhs.elementType << "; cast one";
    return failure();
  }
  FailureOr<SmallVector<int64_t>> shape = e.broadcast({0, 1});
  if (failed(shape))
    return failure();
  FailureOr<Tensor> result = e.allocate(lhs.elementType, *shape);
  if (failed(result))
    return failure();
  ElementFormat format = result->format();
  std::array<SmallVector<int64_t>, 2> strides = {
      broadcastStrides(lhs.shape, *shape), broadcastStrides(rhs.shape, *shape)};
  if (result->isReal())
    walk(*shape, strides, [&](int64_t i, auto at) {
      result->reals[i] =
          format.round(onReals(lhs.reals[at[0]], rhs.reals[at[1]]));
    });
  else
    walk(*shape, strides, [&](int64_t i, auto at) {
      result->integers[i] =
          format.wrap(onIntegers(lhs.integers[at[0]], rhs.integers[at[1]]));
    });
  return single(std::move(result));
}

/// Modulo 2^64; `binary` reduces to the width.
static int64_t wrappingSum(int64_t x, int64_t y) {
  return static_cast<uint64_t>(x) + static_cast<uint64_t>(y);
}
static int64_t wrappingDifference(int64_t x, int64_t y) {
  return static_cast<uint64_t>(x) - static_cast<uint64_t>(y);
}
static int64_t wrappingProduct(int64_t x, int64_t y) {
  return static_cast<uint64_t>(x) * static_cast<uint64_t>(y);
}

// A sum, difference, product or quotient of two f32 values in double, rounded
// to f32, is the correctly rounded f32 result: 53 >= 2 * 24 + 2.
Results qnet::evaluate(AddOp op, const Evaluation &e) {
  return binary(e, [](double x, double y) { return x + y; }, wrappingSum);
}

Results qnet::evaluate(SubOp op, const Evaluation &e) {
  return binary(
      e, [](double x, double y) { return x - y; }, wrappingDifference);
}

Results qnet::evaluate(MulOp op, const Evaluation &e) {
  return binary(e, [](double x, double y) { return x * y; }, wrappingProduct);
}

static int64_t quotient(int64_t x, int64_t y, ElementFormat format) {
  if (y == 0)
    return 0;
  if (format.isUnsigned)
    return static_cast<uint64_t>(x) / static_cast<uint64_t>(y);
  if (y == -1) // the least integer over -1 wraps to itself
    return wrappingDifference(0, x);
  return x / y;
}

Results qnet::evaluate(DivOp op, const Evaluation &e) {
  ElementFormat format = e.operand(0).format();
  return binary(
      e, [](double x, double y) { return x / y; },
      [=](int64_t x, int64_t y) { return quotient(x, y, format); });
}

/// By squaring, modulo 2^64. x^-y is 1 / x^y under `div`'s rules.
static int64_t power(int64_t x, int64_t y, ElementFormat format) {
  if (!format.isUnsigned && y < 0) {
    if (x == -1)
      return y % 2 ? -1 : 1;
    return x == 1;
  }
  uint64_t result = 1, square = x;
  for (uint64_t exponent = y; exponent != 0; exponent >>= 1) {
    if (exponent & 1)
      result *= square;
    square *= square;
  }
  return result;
}

Results qnet::evaluate(PowOp op, const Evaluation &e) {
  ElementFormat format = e.operand(0).format();
  return binary(
      e, [](double x, double y) { return std::pow(x, y); },
      [=](int64_t x, int64_t y) { return power(x, y, format); });
}

// Of two equal values (-0 and +0 among them) the left one. A NaN wins.
Results qnet::evaluate(MinOp op, const Evaluation &e) {
  ElementFormat format = e.operand(0).format();
  return binary(
      e, [](double x, double y) { return std::isnan(x) || x <= y ? x : y; },
      [=](int64_t x, int64_t y) { return format.less(y, x) ? y : x; });
}

Results qnet::evaluate(MaxOp op, const Evaluation &e) {
  ElementFormat format = e.operand(0).format();
  return binary(
      e, [](double x, double y) { return std::isnan(x) || x >= y ? x : y; },
      [=](int64_t x, int64_t y) { return format.less(x, y) ? y : x; });
}

template <typename Body>
static Results logical(const Evaluation &e, Body body) {
  if (!e.operand(0).elementType.isInteger(1)) {
    e.error() << "is defined on i1 only, not on " << e.operand(0).elementType
              << "; cast to i1 first";
    return failure();
  }
  return binary(e, [](double x, double) { return x; }, body);
}

Results qnet::evaluate(AndOp op, const Evaluation &e) {
  return logical(e, [](int64_t x, int64_t y) { return x & y; });
}

Results qnet::evaluate(OrOp op, const Evaluation &e) {
  return logical(e, [](int64_t x, int64_t y) { return x | y; });
}

Results qnet::evaluate(XorOp op, const Evaluation &e) {
  return logical(e, [](int64_t x, int64_t y) { return x ^ y; });
}

/// x `slope` where x is not at least 0, so a NaN stays one.
Results qnet::evaluate(PreluOp op, const Evaluation &e) {
  FailureOr<SmallVector<int64_t>> shape = e.broadcast({0, 1});
  if (succeeded(shape) && *shape != e.operand(0).shape) {
    e.error() << "has a slope of type " << e.operand(1).type()
              << " that does not broadcast to " << e.operand(0).type();
    return failure();
  }
  bool isUnsigned = e.operand(0).format().isUnsigned;
  return binary(
      e, [](double x, double slope) { return x >= 0 ? x : slope * x; },
      [=](int64_t x, int64_t slope) {
        return isUnsigned || x >= 0 ? x : wrappingProduct(slope, x);
      });
}

static bool holds(ComparePredicate predicate, bool less, bool equal,
                  bool greater) {
  switch (predicate) {
  case ComparePredicate::eq:
    return equal;
  case ComparePredicate::lt:
    return less;
  case ComparePredicate::le:
    return less || equal;
  case ComparePredicate::gt:
    return greater;
  case ComparePredicate::ge:
    return greater || equal;
  }
  llvm_unreachable("all predicates are covered");
}

Results qnet::evaluate(CompareOp op, const Evaluation &e) {
  const Tensor &lhs = e.operand(0), &rhs = e.operand(1);
  if (lhs.elementType != rhs.elementType) {
    e.error() << "has operands of types " << lhs.elementType << " and "
              << rhs.elementType << "; cast one";
    return failure();
  }
  FailureOr<SmallVector<int64_t>> shape = e.broadcast({0, 1});
  if (failed(shape))
    return failure();
  FailureOr<Tensor> result = e.allocate(e.realElement(), *shape);
  if (failed(result))
    return failure();
  ElementFormat format = lhs.format();
  std::array<SmallVector<int64_t>, 2> strides = {
      broadcastStrides(lhs.shape, *shape), broadcastStrides(rhs.shape, *shape)};
  walk(*shape, strides, [&](int64_t i, auto at) {
    if (lhs.isReal()) {
      double x = lhs.reals[at[0]], y = rhs.reals[at[1]];
      result->integers[i] = holds(op.getPredicate(), x<y, x == y, x> y);
    } else {
      int64_t x = lhs.integers[at[0]], y = rhs.integers[at[1]];
      result->integers[i] = holds(op.getPredicate(), format.less(x, y), x == y,
                                  format.less(y, x));
    }
  });
  return single(std::move(result));
}

//===----------------------------------------------------------------------===//
// Three values
//===----------------------------------------------------------------------===//

Results qnet::evaluate(WhereOp op, const Evaluation &e) {
  const Tensor &condition = e.operand(0), &ifTrue = e.operand(1),
               &ifFalse = e.operand(2);
  if (ifTrue.elementType != ifFalse.elementType) {
    e.error() << "chooses between " << ifTrue.elementType << " and "
              << ifFalse.elementType << "; cast one";
    return failure();
  }
  FailureOr<SmallVector<int64_t>> shape = e.broadcast({0, 1, 2});
  if (failed(shape))
    return failure();
  FailureOr<Tensor> result = e.allocate(ifTrue.elementType, *shape);
  if (failed(result))
    return failure();
  std::array<SmallVector<int64_t>, 3> strides = {
      broadcastStrides(condition.shape, *shape),
      broadcastStrides(ifTrue.shape, *shape),
      broadcastStrides(ifFalse.shape, *shape)};
  walk(*shape, strides, [&](int64_t i, auto at) {
    bool choose = condition.integers[at[0]];
    const Tensor &source = choose ? ifTrue : ifFalse;
    int64_t offset = choose ? at[1] : at[2];
    if (result->isReal())
      result->reals[i] = source.reals[offset];
    else
      result->integers[i] = source.integers[offset];
  });
  return single(std::move(result));
}
