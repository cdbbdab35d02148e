//===- TfliteOperators.cpp - TFLite's operators as ONNX's -----------------===//
//
// One row an operator. What an operator does to numbers is said in ONNX's ops,
// so that their importers give its meaning; what differs between the two (where
// axes stand, masks of a slice, the fused activation) is settled here.
//
//===----------------------------------------------------------------------===//

#include "TfliteGraph.h"

using namespace mlir::qnet::onnx;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;
using tflite::ActivationFunctionType;

namespace {
constexpr auto kNone = ActivationFunctionType::NONE;

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

/// Operators that are one op of ONNX on the same operands.
void importSame(TfliteOperator &op, StringRef onnx) {
  op.result(op.graph.node(onnx, op.all()));
}

template <typename Options>
void importFused(TfliteOperator &op, StringRef onnx) {
  StringRef value = op.graph.node(onnx, op.all());
  op.result(op.activated(
      value, op.option(&Options::fused_activation_function, kNone)));
}

void importRelu6(TfliteOperator &op, StringRef) {
  op.result(op.clipped(op.in(0), 0.0f, 6.0f));
}
void importReluN1To1(TfliteOperator &op, StringRef) {
  op.result(op.clipped(op.in(0), -1.0f, 1.0f));
}
void importRelu0To1(TfliteOperator &op, StringRef) {
  op.result(op.clipped(op.in(0), 0.0f, 1.0f));
}

void importLeakyRelu(TfliteOperator &op, StringRef onnx) {
  float alpha = op.option(&tflite::LeakyReluOptions::alpha, 0.0f);
  op.result(op.graph.node(onnx, {op.in(0)}, {floatAttribute("alpha", alpha)}));
}

void importGelu(TfliteOperator &op, StringRef onnx) {
  bool approximate = op.option(&tflite::GeluOptions::approximate, false);
  op.result(op.graph.node(
      onnx, {op.in(0)},
      {stringAttribute("approximate", approximate ? "tanh" : "none")}));
}

void importRsqrt(TfliteOperator &op, StringRef) {
  op.result(op.graph.node("Reciprocal", {op.graph.node("Sqrt", {op.in(0)})}));
}

void importSquare(TfliteOperator &op, StringRef) {
  StringRef x = op.in(0);
  op.result(op.graph.node("Mul", {x, x}));
}

void importSquaredDifference(TfliteOperator &op, StringRef) {
  StringRef difference = op.graph.node("Sub", {op.in(0), op.in(1)});
  op.result(op.graph.node("Mul", {difference, difference}));
}

void importNotEqual(TfliteOperator &op, StringRef) {
  op.result(op.graph.node("Not", {op.graph.node("Equal", op.all())}));
}

/// The older form takes a condition of one value a row, too.
void importSelect(TfliteOperator &op, StringRef onnx) {
  TfliteTensor *condition = op.tensor(0), *value = op.tensor(1);
  if (!condition || !value)
    return;
  if (condition->dims.size() != value->dims.size()) {
    op.graph.fail("has a condition of another rank than its values, which is "
                  "not supported; use where() with operands that broadcast");
    return;
  }
  importSame(op, onnx);
}

void importCast(TfliteOperator &op, StringRef onnx) {
  TfliteTensor *to = op.outputTensor(0);
  if (to)
    op.result(op.graph.node(onnx, {op.in(0)},
                            {intAttribute("to", int64_t(to->type))}));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// The numbers of a bias. Its integers count in the products of the scales of
/// input and weights, whether it says so or not.
StringRef biasOf(TfliteOperator &op) {
  TfliteTensor *bias = op.tensor(2), *input = op.tensor(0),
               *weights = op.tensor(1);
  if (!bias || !input || !weights)
    return "";
  if (bias->type != DataType::Int64 && bias->type != DataType::Int32)
    return op.in(2);
  if (!bias->constant || input->scales.size() != 1 || weights->scales.empty()) {
    op.graph.fail("adds a bias of integers that is no constant, or to a "
                  "product that is not quantized; convert the model again");
    return "";
  }
  const int64_t count = bias->constant->numElements;
  const auto scales = int64_t(weights->scales.size());
  if (scales != 1 && scales != count) {
    op.graph.fail("has a bias of " + Twine(count) + " values and weights of " +
                  Twine(scales) + " scales; the file is damaged");
    return "";
  }
  std::vector<float> reals;
  reals.reserve(count);
  for (int64_t i = 0; i < count; ++i)
    reals.push_back(float(double(integerAt(*bias->constant, i)) *
                          double(input->scales.front()) *
                          double(weights->scales[scales == 1 ? 0 : i])));
  return op.graph.constant<float>(DataType::Float, bias->dims, reals);
}

/// The product over the last dimension of `input`, however many it has.
StringRef productOfRows(TfliteOperator &op, StringRef input,
                        std::optional<StringRef> bias) {
  StringRef weights =
      op.graph.node("Transpose", {op.in(1)}, {intsAttribute("perm", {1, 0})});
  StringRef product = op.graph.node("MatMul", {input, weights});
  return bias ? op.graph.node("Add", {product, *bias}) : product;
}

/// The same where the rows are those of a matrix.
StringRef productOfMatrix(TfliteOperator &op, StringRef input,
                          std::optional<StringRef> bias) {
  std::vector<StringRef> operands = {input, op.in(1)};
  if (bias)
    operands.push_back(*bias);
  return op.graph.node("Gemm", operands, {intAttribute("transB", 1)});
}

/// How many rows of `values` each of the first dimension's has; 0 where that is
/// no whole number, or not known.
int64_t rowsOfEach(const TfliteTensor *tensor, int64_t values) {
  if (!tensor || tensor->dims.size() < 2 || values < 1)
    return 0;
  int64_t each =
      elementCount(ArrayRef<int64_t>(tensor->dims).drop_front()).value_or(0);
  return each % values == 0 ? each / values : 0;
}

void importFullyConnected(TfliteOperator &op, StringRef) {
  using Options = tflite::FullyConnectedOptions;
  TfliteGraph &graph = op.graph;
  if (op.option(&Options::weights_format, tflite::WeightsFormat::DEFAULT) !=
      tflite::WeightsFormat::DEFAULT) {
    graph.fail("has weights in a shuffled order, which is not supported; "
               "convert the model again");
    return;
  }
  TfliteTensor *input = op.tensor(0), *weights = op.tensor(1),
               *output = op.outputTensor(0);
  if (!input || !weights || !output)
    return;
  if (weights->dims.size() != 2) {
    graph.fail("its weights must have 2 dimensions, but have " +
               Twine(weights->dims.size()));
    return;
  }
  std::optional<StringRef> bias;
  if (op.has(2))
    bias = biasOf(op);
  auto function = op.option(&Options::fused_activation_function, kNone);
  const bool isMatrix = input->dims.size() == 2;
  if (op.option(&Options::keep_num_dims, false) && !isMatrix) {
    op.result(op.activated(productOfRows(op, op.in(0), bias), function));
    return;
  }
  // Several rows of the matrix come of one of the batch, which a product of
  // three dimensions keeps apart.
  const int64_t values = weights->dims[1];
  if (isMatrix && rowsOfEach(input->unflattened, values) > 1) {
    StringRef apart = graph.node(
        "Reshape", {graph.reals(*input->unflattened),
                    graph.constant(ArrayRef<int64_t>({0, -1, values}))});
    StringRef product = op.activated(productOfRows(op, apart, bias), function);
    if (output->isRounded())
      product = graph.rounded(*output, product);
    product = graph.node(
        "Reshape",
        {product, graph.constant(ArrayRef<int64_t>({-1, weights->dims[0]}))});
    graph.define(*output, product, /*isRounded=*/true);
    return;
  }
  // All dimensions but the last that the weights take are rows.
  StringRef x = op.in(0);
  if (!isMatrix)
    x = graph.node("Reshape",
                   {x, graph.constant(ArrayRef<int64_t>({-1, values}))});
  op.result(op.activated(productOfMatrix(op, x, bias), function));
}

/// An operand of a product, its last two dimensions exchanged where `flip`.
StringRef factor(TfliteOperator &op, size_t input, bool flip) {
  TfliteTensor *tensor = op.tensor(input);
  if (!tensor || !flip)
    return op.in(input);
  SmallVector<int64_t> order =
      llvm::to_vector(llvm::seq<int64_t>(0, tensor->dims.size()));
  if (order.size() < 2) {
    op.graph.fail("its operands must have 2 dimensions or more");
    return "";
  }
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return op.graph.node("Transpose", {op.in(input)},
                       {intsAttribute("perm", order)});
}

void importBatchMatMul(TfliteOperator &op, StringRef onnx) {
  using Options = tflite::BatchMatMulOptions;
  StringRef lhs = factor(op, 0, op.option(&Options::adj_x, false));
  StringRef rhs = factor(op, 1, op.option(&Options::adj_y, false));
  op.result(op.graph.node(onnx, {lhs, rhs}));
}

//===----------------------------------------------------------------------===//
// Along an axis
//===----------------------------------------------------------------------===//

void importSoftmax(TfliteOperator &op, StringRef onnx) {
  float beta = op.option(&tflite::SoftmaxOptions::beta, 1.0f);
  StringRef x = op.in(0);
  if (beta != 1.0f)
    x = op.graph.node("Mul", {x, op.graph.constant(beta)});
  op.result(op.graph.node(onnx, {x}, {intAttribute("axis", -1)}));
}

void importLogSoftmax(TfliteOperator &op, StringRef onnx) {
  op.result(op.graph.node(onnx, {op.in(0)}, {intAttribute("axis", -1)}));
}

void importL2Normalization(TfliteOperator &op, StringRef) {
  // As TFLite's kernels have it; a row of zeros stays one.
  constexpr float kSmallestNorm = 1e-6f;
  StringRef x = op.in(0);
  StringRef norm =
      op.graph.node("ReduceL2", {x, op.graph.constant(ArrayRef<int64_t>(-1))},
                    {intAttribute("keepdims", 1)});
  norm = op.graph.node("Max", {norm, op.graph.constant(kSmallestNorm)});
  op.result(op.activated(
      op.graph.node("Div", {x, norm}),
      op.option(&tflite::L2NormOptions::fused_activation_function, kNone)));
}

void importReduce(TfliteOperator &op, StringRef onnx) {
  SmallVector<int64_t> axes = op.integers(1, "its axes");
  bool keeps = op.option(&tflite::ReducerOptions::keep_dims, false);
  op.result(op.graph.node(onnx, {op.in(0), op.graph.constant(axes)},
                          {intAttribute("keepdims", keeps),
                           intAttribute("noop_with_empty_axes", 1)}));
}

void importArg(TfliteOperator &op, StringRef onnx) {
  int64_t axis = op.integer(1, "its axis");
  StringRef index =
      op.graph.node(onnx, {op.in(0)},
                    {intAttribute("axis", axis), intAttribute("keepdims", 0)});
  TfliteTensor *to = op.outputTensor(0);
  if (to && to->type != DataType::Int64)
    index =
        op.graph.node("Cast", {index}, {intAttribute("to", int64_t(to->type))});
  op.result(index);
}

//===----------------------------------------------------------------------===//
// Between real numbers and integers
//===----------------------------------------------------------------------===//

/// The result's own scale says all.
void importQuantize(TfliteOperator &op, StringRef) {
  TfliteTensor *to = op.outputTensor(0);
  if (!to)
    return;
  if (to->scales.empty()) {
    op.graph.fail("its result has no scale; the file is damaged");
    return;
  }
  op.result(op.in(0));
}

/// Weights of 16-bit floats go through it as well.
void importDequantize(TfliteOperator &op, StringRef) {
  TfliteTensor *from = op.tensor(0), *to = op.outputTensor(0);
  if (!from || !to)
    return;
  StringRef value = op.in(0);
  if (from->scales.empty() && from->type != to->type)
    value =
        op.graph.node("Cast", {value}, {intAttribute("to", int64_t(to->type))});
  op.result(value);
}

using Op = tflite::BuiltinOperator;
constexpr size_t kAny = TfliteRow::kAny;

constexpr TfliteRow kRows[] = {
    {Op::FULLY_CONNECTED, 2, 3, 1, importFullyConnected},
    {Op::BATCH_MATMUL, 2, 2, 1, importBatchMatMul, "MatMul"},
    {Op::ADD, 2, 2, 1, importFused<tflite::AddOptions>, "Add"},
    {Op::SUB, 2, 2, 1, importFused<tflite::SubOptions>, "Sub"},
    {Op::MUL, 2, 2, 1, importFused<tflite::MulOptions>, "Mul"},
    {Op::DIV, 2, 2, 1, importFused<tflite::DivOptions>, "Div"},
    {Op::ADD_N, 1, kAny, 1, importSame, "Sum"},
    {Op::MAXIMUM, 2, 2, 1, importSame, "Max"},
    {Op::MINIMUM, 2, 2, 1, importSame, "Min"},
    {Op::POW, 2, 2, 1, importSame, "Pow"},
    {Op::SQUARED_DIFFERENCE, 2, 2, 1, importSquaredDifference},
    {Op::RELU, 1, 1, 1, importSame, "Relu"},
    {Op::RELU6, 1, 1, 1, importRelu6},
    {Op::RELU_N1_TO_1, 1, 1, 1, importReluN1To1},
    {Op::RELU_0_TO_1, 1, 1, 1, importRelu0To1},
    {Op::LEAKY_RELU, 1, 1, 1, importLeakyRelu, "LeakyRelu"},
    {Op::PRELU, 2, 2, 1, importSame, "PRelu"},
    {Op::ELU, 1, 1, 1, importSame, "Elu"},
    {Op::GELU, 1, 1, 1, importGelu, "Gelu"},
    {Op::HARD_SWISH, 1, 1, 1, importSame, "HardSwish"},
    {Op::LOGISTIC, 1, 1, 1, importSame, "Sigmoid"},
    {Op::TANH, 1, 1, 1, importSame, "Tanh"},
    {Op::SOFTMAX, 1, 1, 1, importSoftmax, "Softmax"},
    {Op::LOG_SOFTMAX, 1, 1, 1, importLogSoftmax, "LogSoftmax"},
    {Op::L2_NORMALIZATION, 1, 1, 1, importL2Normalization},
    {Op::EXP, 1, 1, 1, importSame, "Exp"},
    {Op::LOG, 1, 1, 1, importSame, "Log"},
    {Op::SQRT, 1, 1, 1, importSame, "Sqrt"},
    {Op::RSQRT, 1, 1, 1, importRsqrt},
    {Op::SQUARE, 1, 1, 1, importSquare},
    {Op::ABS, 1, 1, 1, importSame, "Abs"},
    {Op::NEG, 1, 1, 1, importSame, "Neg"},
    {Op::SIGN, 1, 1, 1, importSame, "Sign"},
    {Op::FLOOR, 1, 1, 1, importSame, "Floor"},
    {Op::CEIL, 1, 1, 1, importSame, "Ceil"},
    {Op::ROUND, 1, 1, 1, importSame, "Round"},
    {Op::SIN, 1, 1, 1, importSame, "Sin"},
    {Op::COS, 1, 1, 1, importSame, "Cos"},
    {Op::EQUAL, 2, 2, 1, importSame, "Equal"},
    {Op::NOT_EQUAL, 2, 2, 1, importNotEqual},
    {Op::LESS, 2, 2, 1, importSame, "Less"},
    {Op::LESS_EQUAL, 2, 2, 1, importSame, "LessOrEqual"},
    {Op::GREATER, 2, 2, 1, importSame, "Greater"},
    {Op::GREATER_EQUAL, 2, 2, 1, importSame, "GreaterOrEqual"},
    {Op::LOGICAL_AND, 2, 2, 1, importSame, "And"},
    {Op::LOGICAL_OR, 2, 2, 1, importSame, "Or"},
    {Op::LOGICAL_NOT, 1, 1, 1, importSame, "Not"},
    {Op::SELECT, 3, 3, 1, importSelect, "Where"},
    {Op::SELECT_V2, 3, 3, 1, importSame, "Where"},
    {Op::CAST, 1, 1, 1, importCast, "Cast"},
    {Op::MEAN, 2, 2, 1, importReduce, "ReduceMean"},
    {Op::SUM, 2, 2, 1, importReduce, "ReduceSum"},
    {Op::REDUCE_MAX, 2, 2, 1, importReduce, "ReduceMax"},
    {Op::REDUCE_MIN, 2, 2, 1, importReduce, "ReduceMin"},
    {Op::REDUCE_PROD, 2, 2, 1, importReduce, "ReduceProd"},
    {Op::ARG_MAX, 2, 2, 1, importArg, "ArgMax"},
    {Op::ARG_MIN, 2, 2, 1, importArg, "ArgMin"},
    {Op::QUANTIZE, 1, 1, 1, importQuantize},
    {Op::DEQUANTIZE, 1, 1, 1, importDequantize},
};
} // namespace

StringRef TfliteOperator::clipped(StringRef value, float low, float high) {
  return graph.node("Clip", {value, graph.constant(low), graph.constant(high)});
}

StringRef TfliteOperator::activated(StringRef value,
                                    ActivationFunctionType function) {
  switch (function) {
  case ActivationFunctionType::NONE:
    return value;
  case ActivationFunctionType::RELU:
    return graph.node("Relu", {value});
  case ActivationFunctionType::RELU_N1_TO_1:
    return clipped(value, -1.0f, 1.0f);
  case ActivationFunctionType::RELU6:
    return clipped(value, 0.0f, 6.0f);
  case ActivationFunctionType::TANH:
    return graph.node("Tanh", {value});
  case ActivationFunctionType::SIGN_BIT:
    break;
  }
  graph.fail("is fused with activation " + Twine(int(function)) +
             ", which is not supported; apply it on its own");
  return value;
}

const TfliteRow *mlir::qnet::onnx::tfliteRow(tflite::BuiltinOperator code) {
  for (ArrayRef<TfliteRow> rows : {ArrayRef(kRows), tfliteMoveRows()})
    for (const TfliteRow &row : rows)
      if (row.code == code)
        return &row;
  return nullptr;
}
