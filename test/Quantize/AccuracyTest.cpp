//===- AccuracyTest.cpp - how close integer networks are to float ones ----===//
//
// If these fail, the stage still gives valid integer graphs, but worse ones:
// every row states the SQNR that a small random network must reach, about 1 dB
// under what it reaches today. All values come from a fixed generator.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Quantize/Quantize.h"
#include "quantc/Reference/Compare.h"
#include "quantc/Reference/Interpreter.h"

#include "gtest/gtest.h"
#include <algorithm>
#include <random>

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Widths from input to output, one function between all layers.
struct Network {
  std::vector<int64_t> widths;
  Function function;
};

constexpr int64_t kCalibrationRows = 256, kTestRows = 256;

/// Normally distributed by the sum of twelve uniform numbers: the same on every
/// host, which std::normal_distribution is not.
class Generator {
public:
  explicit Generator(uint32_t seed) : engine(seed) {}
  float next() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i)
      sum += engine() / 4294967296.0;
    return static_cast<float>(sum);
  }
  std::vector<float> take(int64_t count, float scale) {
    std::vector<float> values(count);
    for (float &value : values)
      value = scale * next();
    return values;
  }

private:
  std::mt19937 engine;
};

class Accuracy : public testing::Test {
protected:
  Accuracy() {
    context.loadDialect<func::FuncDialect, quant::QuantDialect, QnetDialect>();
  }

  func::FuncOp build(const Network &network) {
    Generator generator(7);
    OpBuilder builder(&context);
    Location unknown = builder.getUnknownLoc();
    module = ModuleOp::create(unknown);
    builder.setInsertionPointToStart(module->getBody());
    Type f32 = builder.getF32Type();
    auto tensor = [&](int64_t width) {
      return RankedTensorType::get({ShapedType::kDynamic, width}, f32);
    };
    auto type = builder.getFunctionType({tensor(network.widths.front())},
                                        {tensor(network.widths.back())});
    auto function = func::FuncOp::create(builder, unknown, "main", type);
    builder.setInsertionPointToStart(function.addEntryBlock());
    Value value = function.getArgument(0);
    for (size_t i = 1; i < network.widths.size(); ++i) {
      int64_t columns = network.widths[i - 1], rows = network.widths[i];
      bool isLast = i + 1 == network.widths.size();
      Value weights = makeConstant<float>(
          builder, unknown, {rows, columns}, f32,
          generator.take(rows * columns, 1.5f / std::sqrt(float(columns))));
      Value bias = makeConstant<float>(builder, unknown, {rows}, f32,
                                       generator.take(rows, 0.3f));
      value =
          DenseOp::create(builder, unknown, tensor(rows), value, weights, bias,
                          isLast ? Function::identity : network.function,
                          FloatAttr(), FloatAttr());
    }
    func::ReturnOp::create(builder, unknown, value);
    return function;
  }

  Tensor rows(int64_t count, int64_t width, uint32_t seed) {
    Generator generator(seed);
    Tensor tensor(Float32Type::get(&context), {count, width});
    for (double &value : tensor.reals) {
      value = generator.next();
      if (hasWideRange) {
        double x = std::clamp(value, -3.0, 3.0);
        value = x * x * x * x * x;
      }
    }
    return tensor;
  }

  Tensor run(func::FuncOp function, const Tensor &input) {
    auto results = Interpreter().run(function, input);
    EXPECT_TRUE(succeeded(results));
    return succeeded(results) ? results->front() : Tensor();
  }

  /// What Calibrate does, by the plainest means.
  void calibrate(func::FuncOp function, const Tensor &input) {
    std::vector<std::pair<Value, Tensor>> seen = {
        {function.getArgument(0), input}};
    Interpreter interpreter;
    interpreter.setObserver([&](Operation *op, ArrayRef<Tensor> results) {
      if (isa<DenseOp>(op))
        seen.push_back({op->getResult(0), results[0]});
    });
    ASSERT_TRUE(succeeded(interpreter.run(function, input)));
    for (auto &[value, tensor] : seen) {
      auto [lo, hi] =
          std::minmax_element(tensor.reals.begin(), tensor.reals.end());
      auto type = cast<RankedTensorType>(value.getType());
      value.setType(type.clone(quant::CalibratedQuantizedType::get(
          type.getElementType(), *lo, *hi)));
      int64_t width = tensor.shape.back();
      std::vector<double> mean(width);
      for (auto [i, x] : llvm::enumerate(tensor.reals))
        mean[i % width] += x / tensor.shape.front();
      auto attribute = DenseF64ArrayAttr::get(&context, mean);
      if (Operation *op = value.getDefiningOp())
        op->setDiscardableAttr(kMeanAttr, attribute);
      else
        function.setArgAttr(0, kMeanAttr, attribute);
    }
    function.setType(FunctionType::get(
        &context, function.getBody().getArgumentTypes(),
        function.getBody().front().getTerminator()->getOperandTypes()));
  }

  /// SQNR in dB of the quantized network on rows it has not seen.
  double quantizedSqnr(const Network &network,
                       function_ref<void(QuantizeOptions &)> set = {}) {
    func::FuncOp function = build(network);
    Tensor test = rows(kTestRows, network.widths.front(), testSeed);
    Tensor expected = run(function, test);
    calibrate(function, rows(kCalibrationRows, network.widths.front(), 1));
    QuantizeOptions options;
    if (set)
      set(options);
    PassManager manager(&context);
    buildQuantizePipeline(manager, options);
    EXPECT_TRUE(succeeded(manager.run(*module)));
    auto difference = compareTensors(expected, run(function, test));
    EXPECT_TRUE(succeeded(difference));
    return succeeded(difference) ? difference->sqnr() : 0.0;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  /// Whether most inputs are far smaller than the largest ones (3^5).
  bool hasWideRange = false;
  /// Of the rows that are tested; with 1 they are those of the calibration, and
  /// nothing is clipped.
  uint32_t testSeed = 2;
};

TEST_F(Accuracy, OfEveryFunctionBetweenLayers) {
  struct Row {
    int line;
    Function function;
    double least;
  };
  const Row kRows[] = {
      {__LINE__, Function::identity, 34.0},
      {__LINE__, Function::relu, 34.5},
      {__LINE__, Function::relu6, 35.0},
      {__LINE__, Function::leaky_relu, 33.5},
      {__LINE__, Function::elu, 32.5},
      {__LINE__, Function::selu, 33.0},
      {__LINE__, Function::celu, 32.5},
      {__LINE__, Function::silu, 32.5},
      {__LINE__, Function::gelu, 33.0},
      {__LINE__, Function::gelu_tanh, 33.0},
      {__LINE__, Function::mish, 33.0},
      {__LINE__, Function::sigmoid, 50.0},
      {__LINE__, Function::tanh, 35.0},
      {__LINE__, Function::softplus, 36.0},
      {__LINE__, Function::softsign, 36.0},
      {__LINE__, Function::hard_sigmoid, 50.5},
      {__LINE__, Function::hard_swish, 32.0},
      {__LINE__, Function::clip, 34.0},
      // A jump, which turns a step of the index into one of a whole unit.
      {__LINE__, Function::thresholded_relu, 19.5},
      {__LINE__, Function::abs, 34.5},
      {__LINE__, Function::neg, 34.0},
      {__LINE__, Function::erf, 34.5},
      {__LINE__, Function::sin, 32.0},
      // Squares of squares: few values fill the range.
      {__LINE__, Function::square, 17.0},
  };
  for (const Row &row : kRows) {
    double sqnr = quantizedSqnr({{16, 48, 24, 8}, row.function});
    EXPECT_GE(sqnr, row.least)
        << "line " << row.line << ", " << stringifyFunction(row.function).str();
  }
}

TEST_F(Accuracy, OfDeepNetworks) {
  EXPECT_GE(quantizedSqnr({{64, 64, 64, 64, 64, 64, 10}, Function::relu}),
            31.5);
  EXPECT_GE(quantizedSqnr({{64, 64, 64, 64, 64, 64, 10}, Function::tanh}),
            31.5);
}

/// The fixed form rounds ties another way and its multiplier has 31 bits: the
/// same network to a tenth of a dB.
TEST_F(Accuracy, OfFixedRequantizationEqualsThatOfFloat) {
  Network network{{32, 64, 32, 8}, Function::relu};
  double fixed = quantizedSqnr(
      network, [](QuantizeOptions &options) { options.requant = "fixed"; });
  EXPECT_NEAR(fixed, quantizedSqnr(network), 0.1);
}

/// What bias correction is for: inputs of a mean far from 0, as after a ReLU.
TEST_F(Accuracy, BiasCorrectionDoesNotCost) {
  Network network{{32, 64, 64, 64, 8}, Function::relu};
  double plain = quantizedSqnr(network, [](QuantizeOptions &options) {
    options.biasCorrection = false;
  });
  EXPECT_GE(quantizedSqnr(network), plain);
}

/// A smaller top of the range costs what theory says: about 6 dB a bit, less
/// the weights' share of the noise.
TEST_F(Accuracy, FallsGentlyWithTheActivationRange) {
  Network network{{32, 64, 32, 8}, Function::relu};
  double full = quantizedSqnr(network);
  double half = quantizedSqnr(
      network, [](QuantizeOptions &options) { options.activationMax = 127; });
  EXPECT_LT(half, full);
  EXPECT_GT(half, full - 6.5);
}

static void useWords(QuantizeOptions &options) {
  options.activations = "int16";
}

/// What stays is the noise of the weights' 8 bits.
TEST_F(Accuracy, GainsByActivationsOf16Bits) {
  testSeed = 1;
  for (Function function : {Function::relu, Function::tanh, Function::gelu}) {
    Network network{{16, 48, 24, 8}, function};
    EXPECT_GE(quantizedSqnr(network, useWords), quantizedSqnr(network) + 3.0)
        << stringifyFunction(function).str();
  }
}

/// What they are for: 255 steps over such a range leave most inputs none.
TEST_F(Accuracy, OfInputsOfAWideRange) {
  hasWideRange = true;
  testSeed = 1;
  Network network{{16, 48, 24, 8}, Function::relu};
  EXPECT_GE(quantizedSqnr(network, useWords), quantizedSqnr(network) + 8.5);
}

} // namespace
