//===- Functions.cpp - The unary functions of the network -----------------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "quantc/Numerics/Functions.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace quantc::numerics {

namespace {
struct Row {
  std::string_view name;
  std::string_view onnx;
  double alpha;
  double beta;
};

constexpr Row rows[] = {
#define QUANTC_FUNCTION(Enumerator, Name, Onnx, Alpha, Beta)                   \
  {Name, Onnx, Alpha, Beta},
#include "quantc/Numerics/Functions.def"
};
} // namespace

/// The row of the function, or nothing for a number that is no function.
static const Row *rowOf(Function function) {
  auto index = static_cast<int32_t>(function);
  return index >= 0 && index < functionCount ? &rows[index] : nullptr;
}

std::string_view name(Function function) {
  const Row *row = rowOf(function);
  return row ? row->name : std::string_view("unknown function");
}

std::string_view onnxSource(Function function) {
  const Row *row = rowOf(function);
  return row ? row->onnx : std::string_view();
}

std::optional<Function> functionByName(std::string_view name) {
  for (int32_t i = 0; i < functionCount; ++i)
    if (rows[i].name == name)
      return static_cast<Function>(i);
  return std::nullopt;
}

double defaultAlpha(Function function) {
  const Row *row = rowOf(function);
  return row ? row->alpha : 0.0;
}

double defaultBeta(Function function) {
  const Row *row = rowOf(function);
  return row ? row->beta : 0.0;
}

bool validParameters(Function function, double alpha, double beta,
                     std::string *why) {
  auto fail = [&](const char *reason) {
    if (why)
      *why = std::string(name(function)) + ": " + reason;
    return false;
  };
  if (!rowOf(function))
    return fail("its number is outside the list of functions");
  if (std::isnan(alpha))
    return fail("alpha is NaN; give a number");
  if (std::isnan(beta))
    return fail("beta is NaN; give a number");
  if (function == Function::Clip)
    return true;
  // Sequences take f32 parameters; a double above that range is infinite there.
  constexpr double largest = std::numeric_limits<float>::max();
  if (std::fabs(alpha) > largest)
    return fail("alpha is not a finite f32 number");
  if (std::fabs(beta) > largest)
    return fail("beta is not a finite f32 number");
  if (function == Function::Selu && std::fabs(alpha * beta) > largest)
    return fail("alpha * beta is not a finite f32 number");
  constexpr double smallest = std::numeric_limits<float>::min();
  if (function == Function::Celu && alpha < smallest)
    return fail("alpha must be a positive normal f32 number (x is divided by "
                "it)");
  return true;
}

static double clampedTo(double x, double lo, double hi) {
  x = x < lo ? lo : x;
  return x > hi ? hi : x;
}

/// x * weight where a weight that has died out wins over an infinite x.
static double productOrZero(double x, double weight) {
  return weight == 0.0 ? 0.0 : x * weight;
}

double evaluate(Function function, double x, double alpha, double beta) {
  if (std::isnan(x))
    return x;
  auto expm1Scaled = [&](double scale, double divisor) {
    return x > 0.0 ? x : scale * std::expm1(x / divisor);
  };
  double line = alpha == 0.0 ? 0.0 : alpha * x;
  auto sigmoid = [](double t) { return 1.0 / (1.0 + std::exp(-t)); };
  switch (function) {
  case Function::Identity:
    return x;
  case Function::Relu:
    return x < 0.0 ? 0.0 : x;
  case Function::Relu6:
    return clampedTo(x, 0.0, 6.0);
  case Function::LeakyRelu:
    return x < 0.0 ? line : x;
  case Function::Elu:
    return expm1Scaled(alpha, 1.0);
  case Function::Selu:
    return beta * expm1Scaled(alpha, 1.0);
  case Function::Celu:
    return expm1Scaled(alpha, alpha);
  case Function::Silu:
    return productOrZero(x, sigmoid(line));
  case Function::Gelu:
    return productOrZero(x, 0.5 * std::erfc(-x / std::numbers::sqrt2));
  case Function::GeluTanh: {
    double root = std::sqrt(2.0 / std::numbers::pi);
    return productOrZero(x, sigmoid(2.0 * root * (x + 0.044715 * x * x * x)));
  }
  case Function::Mish:
    return productOrZero(x,
                         std::tanh(evaluate(Function::Softplus, x, 0.0, 0.0)));
  case Function::Sigmoid:
    return sigmoid(x);
  case Function::Tanh:
    return std::tanh(x);
  case Function::Softplus:
    return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
  case Function::Softsign:
    return std::isinf(x) ? std::copysign(1.0, x) : x / (1.0 + std::fabs(x));
  case Function::HardSigmoid:
    return clampedTo(line + beta, 0.0, 1.0);
  case Function::HardSwish:
    return productOrZero(x, clampedTo(x + 3.0, 0.0, 6.0) / 6.0);
  case Function::Clip:
    return clampedTo(x, alpha, beta);
  case Function::ThresholdedRelu:
    return x > alpha ? x : 0.0;
  case Function::Exp:
    return std::exp(x);
  case Function::Log:
    return std::log(x);
  case Function::Sqrt:
    return std::sqrt(x);
  case Function::Rsqrt:
    return 1.0 / std::sqrt(x);
  case Function::Reciprocal:
    return 1.0 / x;
  case Function::Abs:
    return std::fabs(x);
  case Function::Neg:
    return -x;
  case Function::Sign:
    return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0;
  case Function::Floor:
    return std::floor(x);
  case Function::Ceil:
    return std::ceil(x);
  case Function::Round: {
    // Half to even, whatever rounding mode rint() would follow.
    double floor = std::floor(x), rest = x - floor;
    bool up = rest > 0.5 || (rest == 0.5 && std::fmod(floor, 2.0) != 0.0);
    return up ? floor + 1.0 : floor;
  }
  case Function::Erf:
    return std::erf(x);
  case Function::Sin:
    return std::sin(x);
  case Function::Cos:
    return std::cos(x);
  case Function::Square:
    return x * x;
  }
  return std::numeric_limits<double>::quiet_NaN(); // not a Function
}

bool isMonotone(Function function) {
  switch (function) {
  case Function::Silu:
  case Function::Gelu:
  case Function::GeluTanh:
  case Function::Mish:
  case Function::HardSwish:
  case Function::Rsqrt:
  case Function::Reciprocal:
  case Function::Abs:
  case Function::Neg:
  case Function::Sin:
  case Function::Cos:
  case Function::Square:
    return false;
  default:
    return static_cast<uint32_t>(function) < functionCount;
  }
}

} // namespace quantc::numerics
