//===- ImportActivation.cpp - Functions of one value ----------------------===//

#include "NodeImporter.h"
#include <limits>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {
/// A function without parameters.
template <Function Fn> LogicalResult importUnary(NodeImporter &n) {
  return n.result(0, n.activation(Fn, n.operand(0)));
}

/// A function with ONNX's `alpha`; the op's default is its row's own.
LogicalResult importAlpha(NodeImporter &n, Function function, float otherwise) {
  return n.result(0, n.activation(function, n.operand(0),
                                  n.floatAttribute("alpha", otherwise)));
}

LogicalResult importLeakyRelu(NodeImporter &n) {
  return importAlpha(n, Function::leaky_relu, 0.01f);
}
LogicalResult importElu(NodeImporter &n) {
  return importAlpha(n, Function::elu, 1.0f);
}
LogicalResult importCelu(NodeImporter &n) {
  // e^(x / alpha) has no value there.
  if (n.floatAttribute("alpha", 1.0f) == 0.0f)
    return n.error("attribute 'alpha' must not be 0");
  return importAlpha(n, Function::celu, 1.0f);
}
LogicalResult importThresholdedRelu(NodeImporter &n) {
  return importAlpha(n, Function::thresholded_relu, 1.0f);
}
LogicalResult importSwish(NodeImporter &n) {
  return importAlpha(n, Function::silu, 1.0f);
}

LogicalResult importSelu(NodeImporter &n) {
  return n.result(
      0, n.activation(Function::selu, n.operand(0),
                      n.floatAttribute("alpha", 1.67326319217681884765625f),
                      n.floatAttribute("gamma", 1.05070102214813232421875f)));
}

LogicalResult importHardSigmoid(NodeImporter &n) {
  return n.result(0, n.activation(Function::hard_sigmoid, n.operand(0),
                                  n.floatAttribute("alpha", 0.2f),
                                  n.floatAttribute("beta", 0.5f)));
}

LogicalResult importGelu(NodeImporter &n) {
  StringRef approximate = n.stringAttribute("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return n.error("attribute 'approximate' is " + quoted(approximate) +
                   ", but must be 'none' or 'tanh'");
  return n.result(0, n.activation(approximate == "tanh" ? Function::gelu_tanh
                                                        : Function::gelu,
                                  n.operand(0)));
}

/// Before opset 7 the slope stood for the channels (dimension 1).
LogicalResult importPRelu(NodeImporter &n) {
  Value input = n.operand(0), slope = n.operand(1);
  if (!input || !slope)
    return failure();
  if (n.opset < 7 && n.rankOf(slope) == 1 && n.shapeOf(slope)[0] != 1 &&
      n.rankOf(input) > 2) {
    SmallVector<int64_t> shape(n.rankOf(input) - 1, 1);
    shape[0] = n.shapeOf(slope)[0];
    slope = n.reshape(slope, shape);
  }
  return n.result(0, n.emit<PreluOp>({input, slope}));
}

/// Bounds are attributes before opset 11 and optional inputs from there on.
LogicalResult importClip(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  if (n.opset < 11) {
    if (n.has(1))
      return n.error("has bounds as inputs, which came with opset 11");
    std::optional<float> low, high;
    if (n.node.attribute("min"))
      low = n.floatAttribute("min", 0.0f);
    if (n.node.attribute("max"))
      high = n.floatAttribute("max", 0.0f);
    return n.result(0, n.activation(Function::clip, input, low, high));
  }
  if (n.node.attribute("min") || n.node.attribute("max"))
    return n.error("has bounds as attributes, which were inputs from opset 11 "
                   "on; convert the model with onnx.version_converter");
  for (size_t bound : {1, 2})
    if (n.has(bound)) {
      Value value = n.operand(bound);
      if (!value)
        return failure();
      if (n.typeOf(value).getNumElements() != 1)
        return n.error("bound " + quoted(n.node.inputs[bound]) +
                       " must be a scalar");
    }
  std::optional<double> low = n.constantScalar(1), high = n.constantScalar(2);
  bool constant = (!n.has(1) || low) && (!n.has(2) || high);
  // f32 attributes hold every bound of these types exactly.
  Type element = n.elementOf(input);
  if (constant && (element.isF32() || element.isF16() || element.isBF16())) {
    auto asFloat = [](std::optional<double> value) {
      return value ? std::optional<float>(float(*value)) : std::nullopt;
    };
    return n.result(
        0, n.activation(Function::clip, input, asFloat(low), asFloat(high)));
  }
  // Where the bounds cross, the upper one wins, as ONNX says.
  Value result = input;
  if (n.has(1))
    result = n.emit<MaxOp>({result, n.reshape(n.operand(1), {})});
  if (n.has(2))
    result = n.emit<MinOp>({result, n.reshape(n.operand(2), {})});
  return n.result(0, result);
}

constexpr OpRow kRows[] = {
    {"Relu", 6, 1, 1, 1, "", importUnary<Function::relu>},
    {"LeakyRelu", 6, 1, 1, 1, "alpha:f", importLeakyRelu},
    {"PRelu", 6, 2, 2, 1, "", importPRelu},
    {"Elu", 6, 1, 1, 1, "alpha:f", importElu},
    {"Celu", 12, 1, 1, 1, "alpha:f", importCelu},
    {"Selu", 6, 1, 1, 1, "alpha:f gamma:f", importSelu},
    {"Gelu", 20, 1, 1, 1, "approximate:s", importGelu},
    // ONNX Runtime's own spelling of the exact form, older than the standard's.
    {"Gelu", 1, 1, 1, 1, "", importUnary<Function::gelu>, "com.microsoft"},
    {"Mish", 18, 1, 1, 1, "", importUnary<Function::mish>},
    {"Sigmoid", 6, 1, 1, 1, "", importUnary<Function::sigmoid>},
    {"HardSigmoid", 6, 1, 1, 1, "alpha:f beta:f", importHardSigmoid},
    {"HardSwish", 14, 1, 1, 1, "", importUnary<Function::hard_swish>},
    {"Swish", 24, 1, 1, 1, "alpha:f", importSwish},
    {"Tanh", 6, 1, 1, 1, "", importUnary<Function::tanh>},
    {"Softplus", 1, 1, 1, 1, "", importUnary<Function::softplus>},
    {"Softsign", 1, 1, 1, 1, "", importUnary<Function::softsign>},
    {"ThresholdedRelu", 10, 1, 1, 1, "alpha:f", importThresholdedRelu},
    {"Clip", 6, 1, 3, 1, "min:f max:f", importClip},
    {"Neg", 6, 1, 1, 1, "", importUnary<Function::neg>},
    {"Abs", 6, 1, 1, 1, "", importUnary<Function::abs>},
    {"Sign", 9, 1, 1, 1, "", importUnary<Function::sign>},
    {"Floor", 6, 1, 1, 1, "", importUnary<Function::floor>},
    {"Ceil", 6, 1, 1, 1, "", importUnary<Function::ceil>},
    {"Round", 11, 1, 1, 1, "", importUnary<Function::round>},
    {"Exp", 6, 1, 1, 1, "", importUnary<Function::exp>},
    {"Log", 6, 1, 1, 1, "", importUnary<Function::log>},
    {"Sqrt", 6, 1, 1, 1, "", importUnary<Function::sqrt>},
    {"Reciprocal", 6, 1, 1, 1, "", importUnary<Function::reciprocal>},
    {"Erf", 9, 1, 1, 1, "", importUnary<Function::erf>},
    {"Sin", 7, 1, 1, 1, "", importUnary<Function::sin>},
    {"Cos", 7, 1, 1, 1, "", importUnary<Function::cos>},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::activationRows() { return kRows; }
