//===- RecognizeActivation.cpp - spelled-out functions get their name -----===//
//
// Takes          elementwise arithmetic as PyTorch's, Keras's and hand-made
//                exporters write activation functions.
// Gives          one activation op for each.
// Why            one function of one value is one table (or a clamp); its parts
//                would each be quantized.
// Not done here  fusing into dense layers (fuse-activation).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "ExpandPower.h"

#include "quantc/Dialect/Constants.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>
#include <numbers>

#define DEBUG_TYPE "recognize-activation"

namespace mlir::qnet {
#define GEN_PASS_DEF_RECOGNIZEACTIVATION
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

//===----------------------------------------------------------------------===//
// Matching values
//===----------------------------------------------------------------------===//

bool isF32(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType().isF32();
}

/// The number that all elements of an f32 constant are.
std::optional<double> scalar(Value value) {
  Attribute attribute;
  if (!isF32(value) || !matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  std::optional<RawElements> raw = rawElements(attribute);
  if (!raw || raw->count == 0)
    return std::nullopt;
  ArrayRef<char> data = raw->data;
  for (size_t i = sizeof(float); i < data.size(); i += sizeof(float))
    if (std::memcmp(data.data(), data.data() + i, sizeof(float)) != 0)
      return std::nullopt;
  float number;
  std::memcpy(&number, data.data(), sizeof(float));
  if (std::isnan(number))
    return std::nullopt;
  return number;
}

/// Exporters write constants in f16, f32 or with few digits.
bool near(double value, double expected) {
  constexpr double tolerance = 1e-3;
  return std::fabs(value - expected) <= tolerance * std::fabs(expected);
}

/// The other operand of `constant op x`, where a constant is near `expected`.
template <typename Op> Value otherThan(Value value, double expected) {
  auto op = value.getDefiningOp<Op>();
  if (!op)
    return {};
  for (auto [constant, other] : {std::pair(op.getLhs(), op.getRhs()),
                                 std::pair(op.getRhs(), op.getLhs())})
    if (std::optional<double> number = scalar(constant))
      if (near(*number, expected))
        return other;
  return {};
}

/// The x of f(x).
Value argumentOf(Value value, Function function) {
  auto op = value.getDefiningOp<ActivationOp>();
  return op && op.getFunction() == function ? op.getInput() : Value();
}

/// A product taken apart: constant * factors[0] * factors[1] * ...
struct Product {
  double constant = 1;
  SmallVector<Value> factors;

  /// Opens `value` if it is a product; below the root only where nobody else
  /// reads it.
  static Product of(Value value) {
    Product product;
    product.open(value, /*depth=*/0);
    return product;
  }

private:
  void open(Value value, int depth) {
    constexpr int deepest = 8; // no activation nests its factors deeper
    const bool mayOpen = depth == 0 || (value.hasOneUse() && depth < deepest);
    if (std::optional<double> number = scalar(value)) {
      constant *= *number;
    } else if (auto mul = mayOpen ? value.getDefiningOp<MulOp>() : MulOp()) {
      open(mul.getLhs(), depth + 1);
      open(mul.getRhs(), depth + 1);
    } else if (auto div = mayOpen ? value.getDefiningOp<DivOp>() : DivOp();
               div && scalar(div.getRhs())) {
      constant /= *scalar(div.getRhs());
      open(div.getLhs(), depth + 1);
    } else if (Value negated =
                   mayOpen ? argumentOf(value, Function::neg) : Value()) {
      constant = -constant;
      open(negated, depth + 1);
    } else {
      factors.push_back(value);
    }
  }
};

/// The a of a * x.
std::optional<double> coefficientOf(Value value, Value x) {
  if (value == x)
    return 1;
  Product product = Product::of(value);
  if (product.factors.size() != 1 || product.factors[0] != x)
    return std::nullopt;
  return product.constant;
}

/// The a of a * x^exponent.
std::optional<double> powerCoefficient(Value value, Value x, double exponent) {
  Product product = Product::of(value);
  double total = 0;
  for (Value factor : product.factors) {
    if (factor == x)
      total += 1;
    else if (argumentOf(factor, Function::square) == x)
      total += 2;
    else if (auto pow = factor.getDefiningOp<PowOp>();
             pow && pow.getLhs() == x && scalar(pow.getRhs()))
      total += *scalar(pow.getRhs());
    else
      return std::nullopt;
  }
  if (total != exponent)
    return std::nullopt;
  return product.constant;
}

//===----------------------------------------------------------------------===//
// Clamps
//===----------------------------------------------------------------------===//

struct Bounds {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  double clamp(double value) const {
    return std::min(std::max(value, low), high);
  }
};

std::optional<Bounds> boundsOf(ActivationOp op) {
  Bounds bounds;
  switch (op.getFunction()) {
  case Function::relu:
    bounds.low = 0;
    return bounds;
  case Function::relu6:
    return Bounds{0, 6};
  case Function::clip:
    if (op.getAlpha())
      bounds.low = op.getAlpha()->convertToDouble();
    if (op.getBeta())
      bounds.high = op.getBeta()->convertToDouble();
    return bounds;
  default:
    return std::nullopt;
  }
}

/// The value and bounds of any spelling of a clamp.
std::optional<std::pair<Value, Bounds>> matchClamp(Operation *op) {
  if (auto activation = dyn_cast<ActivationOp>(op)) {
    std::optional<Bounds> bounds = boundsOf(activation);
    if (!bounds)
      return std::nullopt;
    return std::pair(activation.getInput(), *bounds);
  }
  if (!isa<MinOp, MaxOp>(op))
    return std::nullopt;
  for (auto [constant, other] :
       {std::pair(op->getOperand(0), op->getOperand(1)),
        std::pair(op->getOperand(1), op->getOperand(0))}) {
    std::optional<double> number = scalar(constant);
    if (!number || other.getType() != op->getResult(0).getType())
      continue;
    Bounds bounds;
    (isa<MaxOp>(op) ? bounds.low : bounds.high) = *number;
    return std::pair(other, bounds);
  }
  return std::nullopt;
}

ActivationOp replaceWith(PatternRewriter &rewriter, Operation *op,
                         Function function, Value x, FloatAttr alpha = {},
                         FloatAttr beta = {}) {
  return rewriter.replaceOpWithNewOp<ActivationOp>(
      op, op->getResult(0).getType(), function, x, alpha, beta);
}

void replaceWithClamp(PatternRewriter &rewriter, Operation *op, Value x,
                      Bounds bounds) {
  if (bounds.low == 0 && std::isinf(bounds.high)) {
    replaceWith(rewriter, op, Function::relu, x);
    return;
  }
  if (bounds.low == 0 && bounds.high == 6) {
    replaceWith(rewriter, op, Function::relu6, x);
    return;
  }
  auto attribute = [&](double bound) {
    return std::isinf(bound) ? FloatAttr() : rewriter.getF32FloatAttr(bound);
  };
  replaceWith(rewriter, op, Function::clip, x, attribute(bounds.low),
              attribute(bounds.high));
}

/// min, max and clip by constants, and nests of them.
struct RecognizeClamp : RewritePattern {
  RecognizeClamp(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MinOp, MaxOp, ActivationOp>(op) || !isF32(op->getResult(0)))
      return failure();
    auto outer = matchClamp(op);
    if (!outer)
      return rewriter.notifyMatchFailure(op, "no clamp by constants");
    auto [value, bounds] = *outer;
    if (bounds.low > bounds.high)
      return rewriter.notifyMatchFailure(op, "bounds are crossed");
    Operation *below = value.getDefiningOp();
    auto inner = below && below->hasOneUse() ? matchClamp(below) : std::nullopt;
    if (inner && inner->second.low <= inner->second.high) {
      replaceWithClamp(
          rewriter, op, inner->first,
          {bounds.clamp(inner->second.low), bounds.clamp(inner->second.high)});
      return success();
    }
    if (auto clip = dyn_cast<ActivationOp>(op)) {
      // Named already, unless a plain relu is spelled as a clip.
      if (clip.getFunction() != Function::clip || bounds.low != 0 ||
          (bounds.high != 6 && !std::isinf(bounds.high)))
        return rewriter.notifyMatchFailure(op, "has its name already");
    }
    replaceWithClamp(rewriter, op, value, bounds);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Products x * g(x)
//===----------------------------------------------------------------------===//

struct Recognized {
  Function function;
  std::optional<double> alpha;
};

/// The function that constant * x * gate is.
std::optional<Recognized> gatedFunction(double constant, Value x, Value gate) {
  if (Value inner = argumentOf(gate, Function::sigmoid);
      inner && near(constant, 1))
    if (std::optional<double> slope = coefficientOf(inner, x))
      return Recognized{Function::silu, near(*slope, 1) ? std::nullopt : slope};
  if (Value inner = argumentOf(gate, Function::tanh);
      inner && near(constant, 1))
    if (argumentOf(inner, Function::softplus) == x)
      return Recognized{Function::mish, std::nullopt};
  if (auto hard = gate.getDefiningOp<ActivationOp>();
      hard && hard.getFunction() == Function::hard_sigmoid &&
      near(constant, 1) && hard.getInput() == x && hard.getAlpha() &&
      near(hard.getAlpha()->convertToDouble(), 1.0 / 6) &&
      (!hard.getBeta() || near(hard.getBeta()->convertToDouble(), 0.5)))
    return Recognized{Function::hard_swish, std::nullopt};
  if (auto clamp = gate.getDefiningOp<ActivationOp>())
    if (std::optional<Bounds> bounds = boundsOf(clamp);
        bounds && bounds->low == 0 && near(bounds->high, 6) &&
        near(constant, 1.0 / 6) && otherThan<AddOp>(clamp.getInput(), 3) == x)
      return Recognized{Function::hard_swish, std::nullopt};

  Value gelu = near(constant, 0.5) ? otherThan<AddOp>(gate, 1) : Value();
  if (!gelu)
    return std::nullopt;
  if (Value inner = argumentOf(gelu, Function::erf))
    if (std::optional<double> slope = coefficientOf(inner, x);
        slope && near(*slope, std::numbers::sqrt2 / 2))
      return Recognized{Function::gelu, std::nullopt};
  if (Value inner = argumentOf(gelu, Function::tanh)) {
    // sqrt(2 / pi) * (x + 0.044715 x^3), Hendrycks and Gimpel 2016.
    constexpr double cubic = 0.044715;
    const double factor = std::sqrt(2 / std::numbers::pi);
    Product product = Product::of(inner);
    if (!near(product.constant, factor))
      return std::nullopt;
    if (product.factors.size() == 1)
      if (auto sum = product.factors[0].getDefiningOp<AddOp>())
        for (auto [linear, rest] : {std::pair(sum.getLhs(), sum.getRhs()),
                                    std::pair(sum.getRhs(), sum.getLhs())})
          if (linear == x)
            if (auto a = powerCoefficient(rest, x, 3); a && near(*a, cubic))
              return Recognized{Function::gelu_tanh, std::nullopt};
    if (product.factors.size() == 2)
      for (int i : {0, 1})
        if (product.factors[i] == x)
          if (Value square = otherThan<AddOp>(product.factors[1 - i], 1))
            if (auto a = powerCoefficient(square, x, 2); a && near(*a, cubic))
              return Recognized{Function::gelu_tanh, std::nullopt};
  }
  return std::nullopt;
}

struct RecognizeGated : RewritePattern {
  RecognizeGated(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isa<MulOp, DivOp>(op) || !isF32(op->getResult(0)))
      return failure();
    Product product = Product::of(op->getResult(0));
    if (product.factors.size() != 2)
      return rewriter.notifyMatchFailure(op, "is no product of two factors");
    for (int i : {0, 1}) {
      Value x = product.factors[i], gate = product.factors[1 - i];
      if (x.getType() != op->getResult(0).getType())
        continue;
      if (auto known = gatedFunction(product.constant, x, gate)) {
        replaceWith(rewriter, op, known->function, x,
                    known->alpha ? rewriter.getF32FloatAttr(*known->alpha)
                                 : FloatAttr());
        return success();
      }
    }
    return rewriter.notifyMatchFailure(op, "is no x * g(x) that has a name");
  }
};

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

struct RecognizeSoftplus : OpRewritePattern<ActivationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ActivationOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getFunction() != Function::log || !isF32(op.getInput()))
      return rewriter.notifyMatchFailure(op, "is no log of f32");
    Value exponential = otherThan<AddOp>(op.getInput(), 1);
    Value x = exponential ? argumentOf(exponential, Function::exp) : Value();
    if (!x || x.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "is not log(1 + exp(x))");
    replaceWith(rewriter, op, Function::softplus, x);
    return success();
  }
};

/// 1 / (1 + exp(-x)), x / (1 + |x|), 1 / sqrt(x) and 1 / x.
struct RecognizeQuotient : RewritePattern {
  RecognizeQuotient(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    Value numerator, denominator;
    auto reciprocal = dyn_cast<ActivationOp>(op);
    if (reciprocal && reciprocal.getFunction() == Function::reciprocal) {
      denominator = reciprocal.getInput();
    } else if (auto div = dyn_cast<DivOp>(op)) {
      numerator = div.getLhs();
      denominator = div.getRhs();
    }
    if (!denominator || !isF32(denominator) ||
        denominator.getType() != op->getResult(0).getType())
      return failure();
    std::optional<double> number =
        numerator ? scalar(numerator) : std::optional<double>(1);
    Value summand = otherThan<AddOp>(denominator, 1);
    if (number && near(*number, 1)) {
      if (Value exponential =
              summand ? argumentOf(summand, Function::exp) : Value()) {
        Product product = Product::of(exponential);
        if (product.factors.size() == 1 && near(product.constant, -1) &&
            product.factors[0].getType() == op->getResult(0).getType()) {
          replaceWith(rewriter, op, Function::sigmoid, product.factors[0]);
          return success();
        }
      }
      if (Value x = argumentOf(denominator, Function::sqrt)) {
        replaceWith(rewriter, op, Function::rsqrt, x);
        return success();
      }
      if (numerator && *number == 1) {
        replaceWith(rewriter, op, Function::reciprocal, denominator);
        return success();
      }
    }
    if (numerator && summand &&
        argumentOf(summand, Function::abs) == numerator) {
      replaceWith(rewriter, op, Function::softsign, numerator);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "is no quotient that has a name");
  }
};

struct RecognizePower : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PowOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<double> exponent = scalar(op.getRhs());
    if (!exponent || op.getLhs().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "requires one f32 exponent");
    std::optional<Function> function =
        *exponent == 2     ? std::optional(Function::square)
        : *exponent == 1   ? std::optional(Function::identity)
        : *exponent == 0.5 ? std::optional(Function::sqrt)
        : *exponent == -1  ? std::optional(Function::reciprocal)
                           : std::nullopt;
    if (!function)
      return rewriter.notifyMatchFailure(op, "its exponent has no name");
    replaceWith(rewriter, op, *function, op.getLhs());
    return success();
  }
};

struct RecognizeSquare : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getLhs() != op.getRhs() || !isF32(op.getLhs()))
      return rewriter.notifyMatchFailure(op, "is no square");
    replaceWith(rewriter, op, Function::square, op.getLhs());
    return success();
  }
};

struct RecognizeLeakyRelu : OpRewritePattern<PreluOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PreluOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<double> slope = scalar(op.getSlope());
    if (!slope || op.getInput().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "its slopes differ");
    replaceWith(rewriter, op, Function::leaky_relu, op.getInput(),
                rewriter.getF32FloatAttr(*slope));
    return success();
  }
};

struct RecognizeActivation
    : qnet::impl::RecognizeActivationBase<RecognizeActivation> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecognizeClamp, RecognizeGated, RecognizeSoftplus,
                 RecognizeQuotient, RecognizePower, RecognizeSquare,
                 RecognizeLeakyRelu>(&getContext());
    populateExpandPower(patterns); // where it has no name
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
