//===- ImportNormalization.cpp - Batch, layer and RMS norm, softmax -------===//

#include "NodeImporter.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {
NamedAttribute epsilonOf(NodeImporter &n) {
  return n.named("epsilon",
                 n.builder.getF32FloatAttr(n.floatAttribute("epsilon", 1e-5f)));
}

SmallVector<int64_t> dimensionsFrom(int64_t first, int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(first, rank));
}

/// Statistics of the batch at hand in place of the stored ones; the stored ones
/// move towards them by `momentum`.
LogicalResult importTrainingBatchNorm(NodeImporter &n, Value input,
                                      ArrayRef<Value> parameters,
                                      Type resultElement) {
  int64_t rank = n.rankOf(input);
  SmallVector<int64_t> axes = dimensionsFrom(0, rank);
  llvm::erase(axes, rank > 1 ? 1 : 0);
  Value mean = n.reduce(ReduceKind::mean, input, axes, /*keepDims=*/true);
  Value centered = n.emit<SubOp>({input, mean});
  Value variance =
      n.reduce(ReduceKind::mean, n.activation(Function::square, centered), axes,
               /*keepDims=*/false);
  if (!mean || !variance)
    return failure();
  mean = n.reshape(mean, n.shapeOf(variance));
  Value result = n.emit<BatchNormOp>(
      {input, parameters[0], parameters[1], mean, variance}, epsilonOf(n));
  if (failed(n.result(0, n.castTo(result, resultElement))))
    return failure();
  float momentum = n.floatAttribute("momentum", 0.9f);
  Type element = n.elementOf(input);
  auto running = [&](Value stored, Value current) {
    return n.emit<AddOp>(
        {n.emit<MulOp>({stored, n.splat(momentum, element)}),
         n.emit<MulOp>({current, n.splat(1.0 - double(momentum), element)})});
  };
  for (auto [output, stored, current] :
       {std::tuple(1, parameters[2], mean), {2, parameters[3], variance}})
    if (n.wants(output) && failed(n.result(output, running(stored, current))))
      return failure();
  return success();
}

LogicalResult importBatchNormalization(NodeImporter &n) {
  Value input = n.operand(0);
  SmallVector<Value> parameters;
  for (size_t i = 1; i <= 4; ++i)
    parameters.push_back(n.operand(i));
  if (!input || llvm::is_contained(parameters, Value()))
    return failure();
  for (size_t i = 1; i <= 4; ++i)
    if (failed(n.checkFinite(i)))
      return failure();
  if (n.opset < 7 && n.intAttribute("is_test", 0) == 0)
    return n.error("is in training mode (is_test is 0); export the model for "
                   "inference");
  if (n.opset < 9 && n.intAttribute("spatial", 1) == 0 && n.rankOf(input) > 2)
    return n.error("spatial = 0 (one statistic for each value) is not "
                   "supported; export the model at opset 9 or later");
  bool training = n.opset >= 14 && n.intAttribute("training_mode", 0) != 0;
  if (!training)
    for (size_t output = 1; output < n.node.outputs.size(); ++output)
      if (n.wants(output))
        return n.error("output " + Twine(output) +
                       " exists in training mode only; export the model for "
                       "inference");
  // Since opset 15 the parameters may be wider than the data.
  Type element = n.elementOf(input), wide = element;
  for (Value parameter : parameters)
    if (n.elementOf(parameter).isIntOrFloat() &&
        n.elementOf(parameter).getIntOrFloatBitWidth() >
            wide.getIntOrFloatBitWidth())
      wide = n.elementOf(parameter);
  input = n.castTo(input, wide);
  for (Value &parameter : parameters)
    parameter = n.castTo(parameter, wide);
  if (!input)
    return failure();
  if (training)
    return importTrainingBatchNorm(n, input, parameters, element);
  Value result = n.emit<BatchNormOp>(
      {input, parameters[0], parameters[1], parameters[2], parameters[3]},
      epsilonOf(n));
  return n.result(0, n.castTo(result, element));
}

/// LayerNormalization and RMSNormalization. The statistics of 16-bit floats
/// are taken in f32 (stash_type 1).
LogicalResult importLayerNorm(NodeImporter &n, bool rms) {
  Value input = n.operand(0), scale = n.operand(1);
  Value bias = n.has(2) ? n.operand(2) : Value();
  if (!input || !scale || (n.has(2) && !bias))
    return failure();
  FailureOr<int64_t> axis = n.axis(n.intAttribute("axis", -1), n.rankOf(input));
  if (failed(axis))
    return failure();
  Type element = n.elementOf(input);
  if (!isa<FloatType>(element))
    return n.error("its input must be a float tensor");
  Type inner =
      element.getIntOrFloatBitWidth() < 32 ? n.builder.getF32Type() : element;
  Value wide = n.castTo(input, inner);
  SmallVector<Value> operands = {wide, n.castTo(scale, inner)};
  if (bias)
    operands.push_back(n.castTo(bias, inner));
  SmallVector<NamedAttribute> attributes = {n.named("axis", *axis),
                                            epsilonOf(n)};
  if (rms)
    attributes.push_back(n.named("rms", n.builder.getUnitAttr()));
  Value result = n.emit<LayerNormOp>(operands, attributes);
  if (failed(n.result(0, n.castTo(result, element))))
    return failure();
  if (!n.wants(1) && !n.wants(2))
    return success();

  SmallVector<int64_t> axes = dimensionsFrom(*axis, n.rankOf(input));
  Value mean = n.reduce(ReduceKind::mean, wide, axes, /*keepDims=*/true);
  if (n.wants(1) && failed(n.result(1, mean)))
    return failure();
  if (!n.wants(2))
    return success();
  Value variance = n.reduce(
      ReduceKind::mean,
      n.activation(Function::square, n.emit<SubOp>({wide, mean})), axes,
      /*keepDims=*/true);
  Value epsilon = n.splat(n.floatAttribute("epsilon", 1e-5f), inner);
  return n.result(
      2, n.activation(Function::rsqrt, n.emit<AddOp>({variance, epsilon})));
}

LogicalResult importLayerNormalization(NodeImporter &n) {
  return importLayerNorm(n, /*rms=*/false);
}
LogicalResult importRMSNormalization(NodeImporter &n) {
  return importLayerNorm(n, /*rms=*/true);
}

/// Until opset 12 the input is taken as a matrix whose columns start at `axis`
/// (1 by default); from opset 13 on, softmax runs along `axis` (the last one).
template <typename OpTy> LogicalResult importSoftmax(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  int64_t rank = n.rankOf(input);
  if (n.opset >= 13) {
    FailureOr<int64_t> axis = n.axis(n.intAttribute("axis", -1), rank);
    if (failed(axis))
      return failure();
    return n.result(0, n.emit<OpTy>(input, n.named("axis", *axis)));
  }
  int64_t first = n.intAttribute("axis", 1);
  // axis = rank means columns of one value.
  if (first != rank) {
    FailureOr<int64_t> axis = n.axis(first, rank);
    if (failed(axis))
      return failure();
    first = *axis;
  }
  if (first == rank - 1)
    return n.result(0, n.emit<OpTy>(input, n.named("axis", first)));
  Value columns =
      n.emit<OpTy>(n.flatten(input, first), n.named("axis", int64_t(1)));
  return n.result(0, n.reshape(columns, n.shapeOf(input)));
}

constexpr OpRow kRows[] = {
    {"BatchNormalization", 6, 5, 5, 5,
     "epsilon:f momentum:f is_test:i spatial:i training_mode:i",
     importBatchNormalization},
    {"LayerNormalization", 17, 2, 3, 3, "axis:i epsilon:f stash_type:i",
     importLayerNormalization},
    {"RMSNormalization", 23, 2, 2, 1, "axis:i epsilon:f stash_type:i",
     importRMSNormalization},
    {"Softmax", 1, 1, 1, 1, "axis:i", importSoftmax<SoftmaxOp>},
    {"LogSoftmax", 1, 1, 1, 1, "axis:i", importSoftmax<LogSoftmaxOp>},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::normalizationRows() { return kRows; }
