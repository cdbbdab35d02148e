//===- CalibrateTest.cpp - measured ranges are those of the rows ----------===//
#include "quantc/Calibrate/Calibrate.h"

#include "quantc/Dialect/Qnet.h"
#include "quantc/Reference/Interpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// The float graph by the reference interpreter.
class ReferenceRunner : public FloatRunner {
public:
  explicit ReferenceRunner(ModuleOp module)
      : main(module.lookupSymbol<func::FuncOp>("main")) {}

  LogicalResult run(ArrayRef<const float *> inputs, int64_t rows,
                    ArrayRef<float *> outputs) override {
    SmallVector<Tensor> tensors;
    for (auto [type, values] :
         llvm::zip_equal(main.getArgumentTypes(), inputs)) {
      auto tensorType = cast<RankedTensorType>(type);
      SmallVector<int64_t> shape(tensorType.getShape());
      shape[0] = rows;
      Tensor &tensor = tensors.emplace_back(tensorType.getElementType(), shape);
      std::copy_n(values, tensor.size(), tensor.reals.begin());
    }
    FailureOr<SmallVector<Tensor>> results = Interpreter().run(main, tensors);
    if (failed(results))
      return failure();
    for (auto [tensor, values] : llvm::zip_equal(*results, outputs))
      llvm::copy(tensor.reals, values);
    return success();
  }

private:
  func::FuncOp main;
};

FailureOr<std::unique_ptr<FloatRunner>> makeReferenceRunner(ModuleOp module) {
  return std::unique_ptr<FloatRunner>(new ReferenceRunner(module));
}

/// Rows in memory.
class VectorRows : public RowSource {
public:
  VectorRows(std::vector<float> values, int64_t width)
      : values(std::move(values)), width(width) {
    rowCount = this->values.size() / width;
  }
  llvm::Expected<int64_t> next(int64_t count, ArrayRef<float *> into) override {
    count = std::min(count, rowCount - position);
    std::copy_n(values.begin() + position * width, count * width, into[0]);
    position += count;
    return count;
  }

private:
  std::vector<float> values;
  int64_t width, position = 0;
};

class CalibrateTest : public ::testing::Test {
protected:
  CalibrateTest() {
    context.loadDialect<QnetDialect, func::FuncDialect>();
    handler = std::make_unique<ScopedDiagnosticHandler>(
        &context, [this](Diagnostic &diagnostic) {
          message += diagnostic.str();
          return success();
        });
  }

  OwningOpRef<ModuleOp> parse(StringRef text) {
    return parseSourceString<ModuleOp>(text, &context);
  }

  static std::string print(ModuleOp module) {
    std::string text;
    llvm::raw_string_ostream os(text);
    module.print(os);
    return text;
  }

  MLIRContext context;
  std::string message;
  std::unique_ptr<ScopedDiagnosticHandler> handler;
};

const char *network = R"mlir(
func.func @main(%x: tensor<?x2xf32> {qnet.name = "x"}) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 1.0]]> : tensor<1x2xf32>
  %b = qnet.constant dense<[-1.0]> : tensor<1xf32>
  %y = qnet.dense %x, %w, %b {function = #qnet.fn<relu>}
     : (tensor<?x2xf32>, tensor<1x2xf32>, tensor<1xf32>) -> tensor<?x1xf32> loc("fc")
  return %y : tensor<?x1xf32>
})mlir";

} // namespace

// Breaks if a range or a mean is not that of the rows' values, or if the blocks
// in which rows are run change any of it.
TEST_F(CalibrateTest, MeasuresRangesAndMeans) {
  const std::vector<float> rows = {-1, 2, NAN, 5, 0, 4, 3, 0, -3, 1};
  std::string first;
  for (int64_t block : {1, 2, 256}) {
    OwningOpRef<ModuleOp> module = parse(network);
    VectorRows source(rows, 2);
    CalibrationOptions options;
    options.blockRows = block;
    int64_t seen = 0;
    options.progress = [&](int64_t done, int64_t total) {
      seen = done;
      EXPECT_EQ(total, 5);
    };
    auto summary = calibrate(*module, source, makeReferenceRunner, options);
    ASSERT_TRUE(succeeded(summary)) << message;
    EXPECT_EQ(seen, 5);
    EXPECT_EQ(summary->rows, 4);
    EXPECT_EQ(summary->skippedRows, 1);
    EXPECT_EQ(summary->method, "minmax");
    EXPECT_EQ(summary->sample.counts(), std::vector<uint64_t>(4, 1));
    std::vector<float> sampled = summary->sample.values(0);
    EXPECT_EQ(sampled.size(), 8u);
    EXPECT_EQ(llvm::count(sampled, 5), 0) << "of the row with a NaN";
    ASSERT_EQ(summary->tensors.size(), 3u);
    const ObservedRange &input = summary->tensors[0];
    EXPECT_EQ(input.name, "x");
    EXPECT_EQ(std::pair(input.lo, input.hi), std::pair(-3.0, 4.0));
    EXPECT_EQ(input.means, (std::vector<double>{-0.25, 1.75}));
    const ObservedRange &before = summary->tensors[1];
    EXPECT_TRUE(before.preactivation);
    EXPECT_EQ(std::pair(before.lo, before.hi), std::pair(-3.0, 3.0));
    const ObservedRange &after = summary->tensors[2];
    EXPECT_EQ(after.name, "fc");
    EXPECT_EQ(std::pair(after.lo, after.hi), std::pair(0.0, 3.0));
    EXPECT_EQ(after.means, (std::vector<double>{1.25}));

    std::string text = print(*module);
    EXPECT_NE(text.find("tensor<?x2x!quant.calibrated<f32<-3.000000e+00:"
                        "4.000000e+00>>>"),
              std::string::npos)
        << text;
    EXPECT_EQ(text.find("qnet.observe"), std::string::npos);
    if (first.empty())
      first = text;
    EXPECT_EQ(text, first);

    // The file of ranges says all that the graph got.
    auto again = rangesFromJson(rangesToJson(*summary), "ranges");
    ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
    OwningOpRef<ModuleOp> other = parse(network);
    ASSERT_TRUE(succeeded(applyRanges(*other, *again))) << message;
    EXPECT_EQ(print(*other), first);
  }
}

// Breaks if the percentile method does not leave outliers out.
TEST_F(CalibrateTest, PercentileLeavesOutliersOut) {
  std::vector<float> rows(2000, 0.5f);
  rows[7] = 1000;
  OwningOpRef<ModuleOp> module = parse(network);
  VectorRows source(rows, 2);
  CalibrationOptions options;
  options.method = RangeMethod::Percentile;
  options.percentile = 99;
  auto summary = calibrate(*module, source, makeReferenceRunner, options);
  ASSERT_TRUE(succeeded(summary)) << message;
  EXPECT_LT(summary->tensors[0].hi, 2);
  EXPECT_EQ(summary->tensors[0].max, 1000);
  EXPECT_EQ(summary->method, "percentile 99");
}

// Breaks if rows that cannot calibrate anything are accepted, or if a failure
// leaves a half-changed module.
TEST_F(CalibrateTest, FailuresLeaveTheModuleAsItWas) {
  auto expect = [&](std::vector<float> rows, CalibrationOptions options,
                    StringRef text) {
    OwningOpRef<ModuleOp> module = parse(network);
    const std::string before = print(*module);
    VectorRows source(std::move(rows), 2);
    message.clear();
    EXPECT_TRUE(
        failed(calibrate(*module, source, makeReferenceRunner, options)));
    EXPECT_TRUE(StringRef(message).contains(text)) << message;
    EXPECT_EQ(print(*module), before);
  };
  expect({NAN, 1, 2, NAN}, {},
         "every one of the 2 calibration rows holds a NaN");
  expect({INFINITY, -INFINITY}, {}, "'x' is NaN or infinite for all 1");
  CalibrationOptions interrupted;
  interrupted.interrupted = [] { return true; };
  expect({1, 2}, interrupted, "interrupted");
  CalibrationOptions percentile;
  percentile.percentile = 101;
  expect({1, 2}, percentile, "percentile");
}

// Breaks if a runner's failure goes unnoticed.
TEST_F(CalibrateTest, RunnerFailuresAreErrors) {
  OwningOpRef<ModuleOp> module = parse(network);
  VectorRows source({1, 2}, 2);
  auto none = [](ModuleOp) -> FailureOr<std::unique_ptr<FloatRunner>> {
    return failure();
  };
  EXPECT_TRUE(failed(calibrate(*module, source, none, {})));
}

// Breaks if unknown methods are taken for known ones.
TEST_F(CalibrateTest, MethodsByName) {
  for (StringRef name : {"auto", "minmax", "percentile"}) {
    auto method = rangeMethodNamed(name);
    ASSERT_TRUE(bool(method));
    EXPECT_EQ(nameOf(*method), name);
  }
  for (StringRef name : {"mse", "entropy", ""}) {
    auto method = rangeMethodNamed(name);
    ASSERT_FALSE(bool(method));
    EXPECT_NE(llvm::toString(method.takeError())
                  .find("there are auto, minmax and percentile"),
              std::string::npos);
  }
}

// Breaks if inputs that rows cannot fill are described anyway.
TEST_F(CalibrateTest, DescribesInputs) {
  OwningOpRef<ModuleOp> module = parse(network);
  auto inputs = describeInputs(*module);
  ASSERT_TRUE(succeeded(inputs));
  ASSERT_EQ(inputs->size(), 1u);
  EXPECT_EQ((*inputs)[0].name, "x");
  EXPECT_EQ((*inputs)[0].values(), 2);
  OwningOpRef<ModuleOp> integers =
      parse("func.func @main(%x: tensor<?x2xi64>) -> tensor<?x2xi64> {\n"
            "  return %x : tensor<?x2xi64>\n}");
  EXPECT_TRUE(failed(describeInputs(*integers)));
  EXPECT_TRUE(StringRef(message).contains("is not a batch of f32 rows"));
}
