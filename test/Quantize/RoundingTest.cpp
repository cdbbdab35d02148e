//===- RoundingTest.cpp - rounding lowers the error it is chosen for ------===//
//
// If these fail, the passes that round weights give valid integers still, but
// no better ones (or worse ones) than the nearest: layers of correlated inputs
// would lose the 5 to 10 dB that 4 bits gain by them.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Quantize/Passes.h"
#include "quantc/Quantize/Quantize.h"

#include "gtest/gtest.h"
#include <numeric>
#include <random>

using namespace mlir;
using namespace mlir::qnet;

namespace {

constexpr int64_t kRows = 5, kColumns = 128;
/// Many, so that nothing of the moments is taken for chance.
constexpr int64_t kSampleRows = int64_t(1) << 40;

struct Layer {
  std::vector<float> weights, moment;
};

class Rounding : public testing::Test {
protected:
  static void SetUpTestSuite() {
    registerSearchWeightScales();
    registerCompensateRounding();
    registerAdaptiveRounding();
    registerQuantizeWeights();
  }

  Rounding() {
    context.loadDialect<func::FuncDialect, quant::QuantDialect, QnetDialect>();
  }

  float next() {
    return static_cast<float>(static_cast<int32_t>(engine())) * 0x1p-31f;
  }

  /// Inputs that are mixtures of `sources` ones: the fewer, the more
  /// correlated.
  Layer makeLayer(int64_t sources) {
    Layer layer;
    for (int64_t i = 0; i < kRows * kColumns; ++i)
      layer.weights.push_back(next());
    std::vector<float> mix;
    for (int64_t i = 0; i < kColumns * sources; ++i)
      mix.push_back(next());
    for (int64_t i = 0; i < kColumns; ++i)
      for (int64_t j = 0; j < kColumns; ++j) {
        double sum = i == j ? 1e-3 : 0;
        for (int64_t s = 0; s < sources; ++s)
          sum += double(mix[i * sources + s]) * mix[j * sources + s];
        layer.moment.push_back(static_cast<float>(sum));
      }
    return layer;
  }

  /// The error's power, channel by channel, of the integers that the passes
  /// give.
  std::vector<double> errors(const Layer &layer, StringRef bits,
                             ArrayRef<StringRef> passes) {
    OpBuilder builder(&context);
    Location unknown = builder.getUnknownLoc();
    OwningOpRef<ModuleOp> module = ModuleOp::create(unknown);
    builder.setInsertionPointToStart(module->getBody());
    Type f32 = builder.getF32Type();
    auto tensor = [&](int64_t width, Type element) {
      return RankedTensorType::get({ShapedType::kDynamic, width}, element);
    };
    // A step so fine that its noise is none.
    auto stored = quant::UniformQuantizedType::get(0, builder.getIntegerType(8),
                                                   f32, 1e-6, 0, 0, 255);
    auto function =
        func::FuncOp::create(builder, unknown, "main",
                             builder.getFunctionType({tensor(kColumns, stored)},
                                                     {tensor(kRows, f32)}));
    builder.setInsertionPointToStart(function.addEntryBlock());
    Value input = DequantizeOp::create(builder, unknown, tensor(kColumns, f32),
                                       function.getArgument(0));
    Value weights = makeConstant<float>(builder, unknown, {kRows, kColumns},
                                        f32, layer.weights);
    auto dense =
        DenseOp::create(builder, unknown, tensor(kRows, f32), input, weights,
                        Value(), Function::identity, FloatAttr(), FloatAttr());
    dense->setDiscardableAttr(
        kSecondMomentAttr,
        makeElements<float>(RankedTensorType::get({kColumns, kColumns}, f32),
                            layer.moment));
    dense->setDiscardableAttr(kSampleRowsAttr,
                              builder.getI64IntegerAttr(kSampleRows));
    func::ReturnOp::create(builder, unknown, dense.getResult());
    PassManager manager(&context);
    std::string pipeline;
    for (StringRef pass : passes)
      pipeline += (pass + "{weights=" + bits + " least-int4=0},").str();
    pipeline += ("quantize-weights{weights=" + bits + " least-int4=0}").str();
    EXPECT_TRUE(succeeded(parsePassPipeline(pipeline, manager)));
    EXPECT_TRUE(succeeded(manager.run(*module)));
    auto integer = cast<QDenseOp>(*function.getOps<QDenseOp>().begin());
    auto integers = readWeights(integer);
    auto multipliers = readConstant<float>(integer.getMultiplier());
    EXPECT_TRUE(succeeded(integers) && succeeded(multipliers));
    std::vector<double> result;
    for (int64_t n = 0; n < kRows; ++n) {
      std::vector<double> miss;
      for (int64_t k = 0; k < kColumns; ++k)
        miss.push_back((*integers)[n * kColumns + k] *
                           double((*multipliers)[n]) / stored.getScale() -
                       layer.weights[n * kColumns + k]);
      double power = 0;
      for (int64_t i = 0; i < kColumns; ++i)
        for (int64_t j = 0; j < kColumns; ++j)
          power += miss[i] * layer.moment[i * kColumns + j] * miss[j];
      result.push_back(power);
    }
    return result;
  }

  static double sum(ArrayRef<double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
  }

  MLIRContext context;
  std::mt19937 engine{1};
};

// Breaks if a pass makes any channel worse than the one before it left it.
TEST_F(Rounding, NeverGrowsTheErrorOfAChannel) {
  for (StringRef bits : {"int8", "int4"})
    for (int64_t sources : {1, 4, 32, 256}) {
      Layer layer = makeLayer(sources);
      std::vector<double> nearest = errors(layer, bits, {});
      std::vector<double> compensated =
          errors(layer, bits, {"compensate-rounding"});
      std::vector<double> moved =
          errors(layer, bits, {"compensate-rounding", "adaptive-rounding"});
      std::vector<double> scaled =
          errors(layer, bits, {"search-weight-scales", "compensate-rounding"});
      for (int64_t n = 0; n < kRows; ++n) {
        constexpr double rounding = 1 + 1e-4;
        EXPECT_LE(compensated[n], nearest[n] * rounding) << sources;
        EXPECT_LE(moved[n], compensated[n] * rounding) << sources;
        EXPECT_LE(scaled[n], compensated[n] * rounding) << sources;
      }
    }
}

// Breaks if errors of correlated inputs do not cancel.
TEST_F(Rounding, LowersTheErrorOfCorrelatedInputs) {
  for (StringRef bits : {"int8", "int4"}) {
    Layer layer = makeLayer(8);
    double nearest = sum(errors(layer, bits, {}));
    double compensated = sum(errors(layer, bits, {"compensate-rounding"}));
    EXPECT_LT(compensated, nearest / 30) << bits.str();
    // Each by itself, and on top of the other.
    EXPECT_LT(sum(errors(layer, bits, {"adaptive-rounding"})), nearest / 5);
    EXPECT_LT(sum(errors(layer, bits,
                         {"search-weight-scales", "compensate-rounding"})),
              compensated * 0.98);
    EXPECT_LT(
        sum(errors(layer, bits, {"compensate-rounding", "adaptive-rounding"})),
        compensated * 0.999);
  }
}

} // namespace
