//===- UnarySteps.cpp - ops that are a function of one value --------------===//
#include "UnarySteps.h"
#include "StorageTypes.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Numerics/Evaluate.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;
using numerics::UnaryStep;

bool qnet::isConstant(Value value) { return matchPattern(value, m_Constant()); }

std::optional<double> qnet::scalarConstant(Value value) {
  ElementsAttr attribute;
  if (!matchPattern(value, m_Constant(&attribute)) ||
      !attribute.getElementType().isF32())
    return std::nullopt;
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute);
      dense && dense.isSplat())
    return dense.getSplatValue<APFloat>().convertToDouble();
  if (attribute.getShapedType().getNumElements() != 1)
    return std::nullopt;
  FailureOr<std::vector<float>> elements = readElements<float>(attribute);
  if (failed(elements))
    return std::nullopt;
  return elements->front();
}

bool qnet::hasOneUser(Value value) {
  auto users = value.getUsers();
  return !users.empty() && llvm::all_of(users, [&](Operation *op) {
    return op == *users.begin();
  });
}

/// A binary op whose other operand is one number; `constantIsLhs` says where
/// the number stands.
template <typename MakeStep>
static std::optional<UnaryLink> withScalar(Operation *op, MakeStep makeStep) {
  for (bool constantIsLhs : {false, true}) {
    Value constant = op->getOperand(constantIsLhs ? 0 : 1);
    Value input = op->getOperand(constantIsLhs ? 1 : 0);
    std::optional<double> number = scalarConstant(constant);
    // A constant of more dimensions would broadcast the input.
    if (!number || !std::isfinite(*number) || isConstant(input) ||
        cast<ShapedType>(op->getResult(0).getType()).getShape() !=
            cast<ShapedType>(input.getType()).getShape())
      continue;
    std::optional<UnaryStep> step = makeStep(*number, constantIsLhs);
    if (step)
      return UnaryLink{input, *step};
  }
  return std::nullopt;
}

static std::optional<UnaryStep> powerStep(double exponent) {
  using numerics::Function;
  if (exponent == 1.0)
    return UnaryStep::apply(Function::Identity);
  if (exponent == 2.0)
    return UnaryStep::apply(Function::Square);
  if (exponent == 0.5)
    return UnaryStep::apply(Function::Sqrt);
  if (exponent == -0.5)
    return UnaryStep::apply(Function::Rsqrt);
  if (exponent == -1.0)
    return UnaryStep::apply(Function::Reciprocal);
  return std::nullopt;
}

std::optional<UnaryLink> qnet::unaryLink(Operation *op) {
  if (op->getNumResults() != 1 || !isRealTensor(op->getResult(0)))
    return std::nullopt;
  std::optional<UnaryLink> link =
      llvm::TypeSwitch<Operation *, std::optional<UnaryLink>>(op)
          .Case([](ActivationOp activation) -> std::optional<UnaryLink> {
            auto function = static_cast<numerics::Function>(
                static_cast<int32_t>(activation.getFunction()));
            UnaryStep step = UnaryStep::apply(function);
            if (auto alpha = activation.getAlpha())
              step.alpha = alpha->convertToFloat();
            if (auto beta = activation.getBeta())
              step.beta = beta->convertToFloat();
            return UnaryLink{activation.getInput(), step};
          })
          .Case([](PreluOp prelu) -> std::optional<UnaryLink> {
            std::optional<double> slope = scalarConstant(prelu.getSlope());
            if (!slope)
              return std::nullopt;
            return UnaryLink{
                prelu.getInput(),
                UnaryStep::apply(numerics::Function::LeakyRelu, *slope, 0.0)};
          })
          .Case([](AddOp add) -> std::optional<UnaryLink> {
            if (add.getLhs() == add.getRhs())
              return UnaryLink{add.getLhs(), UnaryStep::multiply(2.0)};
            return withScalar(add,
                              [](double c, bool) -> std::optional<UnaryStep> {
                                return UnaryStep::add(c);
                              });
          })
          .Case([](SubOp sub) {
            return withScalar(
                sub, [](double c, bool isLhs) -> std::optional<UnaryStep> {
                  return isLhs ? UnaryStep::subtractFrom(c)
                               : UnaryStep::add(-c);
                });
          })
          .Case([](MulOp mul) -> std::optional<UnaryLink> {
            if (mul.getLhs() == mul.getRhs())
              return UnaryLink{mul.getLhs(),
                               UnaryStep::apply(numerics::Function::Square)};
            return withScalar(mul,
                              [](double c, bool) -> std::optional<UnaryStep> {
                                return UnaryStep::multiply(c);
                              });
          })
          .Case([](DivOp div) {
            return withScalar(
                div, [](double c, bool isLhs) -> std::optional<UnaryStep> {
                  return isLhs ? UnaryStep::divideInto(c)
                               : UnaryStep::divide(c);
                });
          })
          .Case([](MinOp min) {
            return withScalar(min,
                              [](double c, bool) -> std::optional<UnaryStep> {
                                return UnaryStep::minimum(c);
                              });
          })
          .Case([](MaxOp max) {
            return withScalar(max,
                              [](double c, bool) -> std::optional<UnaryStep> {
                                return UnaryStep::maximum(c);
                              });
          })
          .Case([](PowOp pow) {
            return withScalar(
                pow, [](double c, bool isLhs) -> std::optional<UnaryStep> {
                  return isLhs ? std::nullopt : powerStep(c);
                });
          })
          .Default([](Operation *) { return std::nullopt; });
  if (!link || !isRealTensor(link->input) ||
      !numerics::valid(ArrayRef<UnaryStep>(link->step), nullptr))
    return std::nullopt;
  return link;
}

/// One step as min(max(x, lo), hi), where it is one.
static std::optional<std::pair<double, double>> clampOf(const UnaryStep &step) {
  using numerics::Function;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  switch (step.kind) {
  case UnaryStep::Kind::Maximum:
    return std::pair(step.alpha, kInfinity);
  case UnaryStep::Kind::Minimum:
    return std::pair(-kInfinity, step.alpha);
  case UnaryStep::Kind::Apply:
    switch (step.function) {
    case Function::Identity:
      return std::pair(-kInfinity, kInfinity);
    case Function::Relu:
      return std::pair(0.0, kInfinity);
    case Function::Relu6:
      return std::pair(0.0, 6.0);
    case Function::Clip:
      return std::pair(step.alpha, step.beta);
    default:
      return std::nullopt;
    }
  default:
    return std::nullopt;
  }
}

bool qnet::isClampOf(ArrayRef<UnaryStep> steps,
                     const numerics::QuantParams &out) {
  double lo = -std::numeric_limits<double>::infinity();
  double hi = std::numeric_limits<double>::infinity();
  for (const UnaryStep &step : steps) {
    auto clamp = clampOf(step);
    if (!clamp)
      return false;
    lo = std::min(std::max(lo, clamp->first), clamp->second);
    hi = std::min(std::max(hi, clamp->first), clamp->second);
  }
  // Infinities saturate, so an end that does not clamp passes by itself.
  return numerics::quantize(static_cast<float>(lo), out) == out.qmin &&
         numerics::quantize(static_cast<float>(hi), out) == out.qmax;
}
