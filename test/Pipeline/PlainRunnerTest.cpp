//===- PlainRunnerTest.cpp - the same bits as the compiled graph ----------===//
#include "quantc/Pipeline/PlainRunner.h"

#include "quantc/Pipeline/Native.h"
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include "gtest/gtest.h"

#include <bit>
#include <limits>
#include <random>

using namespace mlir;
using namespace mlir::qnet;

namespace {

constexpr int64_t kInputs = 19, kHidden = 37, kOutputs = 5;
constexpr int64_t kWidths[] = {kHidden, kHidden, kHidden, kOutputs};

class PlainRunnerTest : public testing::Test {
protected:
  PlainRunnerTest() {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  OwningOpRef<ModuleOp> parse(StringRef text) {
    return parseSourceString<ModuleOp>(text, &context);
  }

  /// A constant of numbers in [-1, 1).
  std::string constant(int64_t rows, int64_t columns) {
    std::vector<float> values(std::max<int64_t>(rows, 1) * columns);
    for (float &value : values)
      value = static_cast<float>(int32_t(random())) * 0x1p-31f;
    const StringRef bytes(reinterpret_cast<const char *>(values.data()),
                          values.size() * sizeof(float));
    return llvm::formatv("qnet.constant dense<\"0x{0}\"> : tensor<{1}{2}xf32>",
                         llvm::toHex(bytes),
                         rows > 0 ? std::to_string(rows) + "x" : "", columns);
  }

  /// Two layers, their functions, and both sides of the first one's; where
  /// `extra`, one more result by an op that is compiled only.
  OwningOpRef<ModuleOp> network(StringRef function, bool extra) {
    random.seed(1);
    return parse(
        llvm::formatv(
            R"(func.func @main(%x: tensor<?x{0}xf32>) -> (tensor<?x{1}xf32>,
              tensor<?x{1}xf32>, tensor<?x{1}xf32>, tensor<?x{2}xf32>{3}) {{
          %w1 = {5}
          %b2 = {6}
          %w2 = {7}
          %a = qnet.dense %x, %w1 : (tensor<?x{0}xf32>,
              tensor<{1}x{0}xf32>) -> tensor<?x{1}xf32>
          %h = qnet.activation {9} %a : tensor<?x{1}xf32> -> tensor<?x{1}xf32>
          %y = qnet.dense %h, %w2, %b2 {{function = #qnet.fn<tanh>} :
              (tensor<?x{1}xf32>, tensor<{2}x{1}xf32>, tensor<{2}xf32>)
              -> tensor<?x{2}xf32>
          {8}
          return %a, %h, %a, %y{4} : tensor<?x{1}xf32>, tensor<?x{1}xf32>,
              tensor<?x{1}xf32>, tensor<?x{2}xf32>{3}
        })",
            kInputs, kHidden, kOutputs,
            extra ? llvm::formatv(", tensor<?x{0}xf32>", kInputs).str() : "",
            extra ? ", %e" : "", constant(kHidden, kInputs),
            constant(0, kOutputs), constant(kOutputs, kHidden),
            extra ? llvm::formatv("%e = qnet.activation softplus %x : "
                                  "tensor<?x{0}xf32> -> tensor<?x{0}xf32>",
                                  kInputs)
                        .str()
                  : "",
            function)
            .str());
  }

  std::vector<std::vector<float>> run(FloatRunner &runner, ArrayRef<float> rows,
                                      bool extra) {
    const auto count = static_cast<int64_t>(rows.size()) / kInputs;
    std::vector<std::vector<float>> results;
    for (int64_t width : kWidths)
      results.emplace_back(count * width);
    if (extra)
      results.emplace_back(count * kInputs);
    SmallVector<float *> pointers;
    for (std::vector<float> &result : results)
      pointers.push_back(result.data());
    EXPECT_TRUE(succeeded(runner.run(rows.data(), count, pointers)));
    return results;
  }

  MLIRContext context;
  std::mt19937 random;
};

} // namespace

// Breaks if a network has other ranges for being measured without compiling it.
TEST_F(PlainRunnerTest, GivesTheCompiledGraphsBits) {
  for (StringRef function :
       {"identity", "relu", "relu6", "leaky_relu", "sigmoid", "tanh"}) {
    OwningOpRef<ModuleOp> plainGraph = network(function, /*extra=*/false);
    OwningOpRef<ModuleOp> compiledGraph = network(function, /*extra=*/true);
    ASSERT_TRUE(plainGraph && compiledGraph);
    std::unique_ptr<FloatRunner> plain = makePlainRunner(*plainGraph);
    ASSERT_TRUE(plain) << function.str();
    ASSERT_FALSE(makePlainRunner(*compiledGraph)) << "then it is not compiled";
    auto compiled = makeNativeRunner(*compiledGraph);
    ASSERT_TRUE(succeeded(compiled));
    // Also fewer rows after more: what was there before must not matter.
    for (int64_t rows : {1, 13, 40, 7}) {
      std::vector<float> x(rows * kInputs);
      for (float &value : x)
        value = static_cast<float>(int32_t(random())) * 0x1p-28f;
      x[0] = std::numeric_limits<float>::infinity();
      // A row whose first results are subnormal.
      for (int64_t k = 0; rows > 1 && k < kInputs; ++k)
        x[kInputs + k] = 1e3f * std::numeric_limits<float>::denorm_min();
      x[x.size() - 1] = std::numeric_limits<float>::max();
      auto ours = run(*plain, x, /*extra=*/false);
      auto theirs = run(**compiled, x, /*extra=*/true);
      for (size_t i = 0; i < ours.size(); ++i)
        for (size_t j = 0; j < ours[i].size(); ++j)
          ASSERT_TRUE(std::bit_cast<uint32_t>(ours[i][j]) ==
                          std::bit_cast<uint32_t>(theirs[i][j]) ||
                      (std::isnan(ours[i][j]) && std::isnan(theirs[i][j])))
              << function.str() << ", result " << i << ", value " << j << ": "
              << ours[i][j] << " and " << theirs[i][j];
    }
  }
}

// Breaks if a graph that it cannot run is run in part.
TEST_F(PlainRunnerTest, LeavesOtherGraphsToTheCompiler) {
  for (StringRef text :
       {// An op that is no dense layer and no function.
        "func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {"
        "  %0 = qnet.add %x, %x : (tensor<?x3xf32>, tensor<?x3xf32>)"
        "      -> tensor<?x3xf32>"
        "  return %0 : tensor<?x3xf32> }",
        // Weights that are no constant.
        "func.func @main(%x: tensor<?x3xf32>, %w: tensor<?x3xf32>)"
        "    -> tensor<?x?xf32> {"
        "  %0 = qnet.dense %x, %w : (tensor<?x3xf32>, tensor<?x3xf32>)"
        "      -> tensor<?x?xf32>"
        "  return %0 : tensor<?x?xf32> }",
        // A constant as a result.
        "func.func @main(%x: tensor<?x3xf32>) -> tensor<1x3xf32> {"
        "  %0 = qnet.constant dense<1.0> : tensor<1x3xf32>"
        "  return %0 : tensor<1x3xf32> }"}) {
    OwningOpRef<ModuleOp> graph = parse(text);
    ASSERT_TRUE(graph) << text.str();
    EXPECT_FALSE(makePlainRunner(*graph)) << text.str();
  }
  OwningOpRef<ModuleOp> empty = parse("module {}");
  EXPECT_FALSE(makePlainRunner(*empty));
}

// Breaks if a caller with other tensors than the graph's is not told.
TEST_F(PlainRunnerTest, RefusesOtherNumbersOfTensors) {
  OwningOpRef<ModuleOp> graph = network("relu", /*extra=*/false);
  std::unique_ptr<FloatRunner> plain = makePlainRunner(*graph);
  ASSERT_TRUE(plain);
  std::vector<float> x(kInputs);
  float *none = nullptr;
  EXPECT_TRUE(failed(plain->run(x.data(), 1, none)));
  EXPECT_TRUE(failed(plain->run({}, 1, none)));
}
