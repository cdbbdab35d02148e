//===- CalibrateTest.cpp - measured ranges are those of the rows ----------===//
#include "CalibrateFixture.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

namespace {

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
    EXPECT_EQ(summary->method, "auto");
    EXPECT_EQ(summary->tensors[0].method, "minmax");
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

// Breaks if values that are only looked at are others than those that ranges
// are made from, or if looking changes the graph.
TEST_F(CalibrateTest, ObservesWithoutChoosing) {
  OwningOpRef<ModuleOp> module = parse(network);
  std::string before = print(*module);
  VectorRows source({-1, 2, NAN, 5, 0, 4, 3, 0, -3, 1}, 2);
  auto observed = observe(*module, source, makeReferenceRunner);
  ASSERT_TRUE(succeeded(observed)) << message;
  EXPECT_EQ(print(*module), before);
  ASSERT_EQ(observed->size(), 3u);
  const ObservedStatistics &input = observed->front();
  EXPECT_EQ(input.name, "x");
  Statistics wanted(2);
  wanted.add(std::vector<float>{-1, 2, 0, 4, 3, 0, -3, 1});
  EXPECT_EQ(input.statistics, wanted);
  EXPECT_TRUE((*observed)[1].preactivation);
  const ObservedStatistics &after = observed->back();
  EXPECT_EQ(after.name, "fc");
  Statistics results(1);
  results.add(std::vector<float>{0, 3, 2, 0});
  EXPECT_EQ(after.statistics, results);

  VectorRows nothing({NAN, 1}, 2);
  EXPECT_TRUE(failed(observe(*module, nothing, makeReferenceRunner)));
  EXPECT_NE(message.find("holds a NaN"), std::string::npos) << message;
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
  for (StringRef name : {"auto", "minmax", "percentile", "mse", "entropy"}) {
    auto method = rangeMethodNamed(name);
    ASSERT_TRUE(bool(method));
    EXPECT_EQ(nameOf(*method), name);
  }
  for (StringRef name : {"kl", "MSE", ""}) {
    auto method = rangeMethodNamed(name);
    ASSERT_FALSE(bool(method));
    EXPECT_NE(llvm::toString(method.takeError())
                  .find("there are auto, minmax, percentile, mse and entropy"),
              std::string::npos);
  }
}

// Breaks if a range that the user gives is measured after all, if another one
// changes with it, or if the file of ranges forgets that it was given.
TEST_F(CalibrateTest, FixedRangesAreTaken) {
  const std::vector<float> rows = {-1, 2, 0, 4, 3, 0, -3, 1};
  auto measured = [&](const CalibrationOptions &options) {
    OwningOpRef<ModuleOp> module = parse(network);
    VectorRows source(rows, 2);
    return *calibrate(*module, source, makeReferenceRunner, options);
  };
  CalibrationOptions options;
  options.fixed.push_back({"fc", -0.5, 10});
  CalibrationSummary summary = measured(options);
  EXPECT_EQ(summary.tensors[0].hi, 4);
  EXPECT_EQ(summary.tensors[1].hi, 3) << "before the function: measured";
  EXPECT_EQ(summary.tensors[2].hi, 10);
  EXPECT_EQ(summary.tensors[2].lo, -0.5);
  EXPECT_EQ(summary.tensors[2].max, 3);
  EXPECT_TRUE(summary.tensors[2].fixed);
  EXPECT_EQ(summary.tensors[2].method, "fixed");

  auto file = rangesFromJson(rangesToJson(summary), "ranges");
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  file->tensors[0].hi = 1000; // not fixed, so measured again
  CalibrationOptions given;
  given.given = &*file;
  CalibrationSummary again = measured(given);
  EXPECT_EQ(again.tensors[0].hi, 4);
  EXPECT_EQ(again.tensors[2].hi, 10);
}

// Breaks if a range that fits no value is passed over.
TEST_F(CalibrateTest, WrongFixedRangesAreRefused) {
  auto expect = [&](const CalibrationOptions &options, StringRef text) {
    OwningOpRef<ModuleOp> module = parse(network);
    const std::string before = print(*module);
    VectorRows source({1, 2, 3, 4}, 2);
    message.clear();
    EXPECT_TRUE(
        failed(calibrate(*module, source, makeReferenceRunner, options)));
    EXPECT_TRUE(StringRef(message).contains(text)) << message;
    EXPECT_EQ(print(*module), before);
  };
  CalibrationOptions options;
  options.fixed = {{"fd", 0, 1}};
  expect(options, "no value that is measured has the name 'fd'; the nearest "
                  "are 'fc'");
  options.fixed = {{"fc", 0, 1}, {"fc", 0, 2}};
  expect(options, "the range of 'fc' is fixed twice");
  options.fixed.clear();
  CalibrationSummary file;
  options.given = &file;
  expect(options, "there are ranges of 0 values, but the graph has 3");
  for (auto [number, name] :
       llvm::enumerate(ArrayRef<StringRef>{"x", "fc", "fc"})) {
    ObservedRange &range = file.tensors.emplace_back();
    range.tensor = static_cast<int64_t>(number);
    range.name = name;
    range.hi = 1;
  }
  expect(options, "no tensor in the file of ranges has \"fixed\": true");
  file.tensors[1].fixed = true;
  file.tensors[1].name = "other";
  expect(options, "was given where the graph has 'fc'");

  // Two values of one name: only the file can tell them apart.
  OwningOpRef<ModuleOp> twice =
      parse("func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {\n"
            "  %0 = qnet.activation exp %x : tensor<?x2xf32> -> "
            "tensor<?x2xf32> loc(\"n\")\n"
            "  %1 = qnet.activation tanh %0 : tensor<?x2xf32> -> "
            "tensor<?x2xf32> loc(\"n\")\n"
            "  return %1 : tensor<?x2xf32>\n}");
  CalibrationOptions named;
  named.fixed = {{"n", 0, 1}};
  VectorRows source({1, 2}, 2);
  message.clear();
  EXPECT_TRUE(failed(calibrate(*twice, source, makeReferenceRunner, named)));
  EXPECT_TRUE(StringRef(message).contains(
      "several values have the name 'n', of them tensors 1 and 2"))
      << message;
}

// Breaks if a range in the form of --fix-range is misread, or a wrong one
// taken.
TEST_F(CalibrateTest, FixedRangesAsText) {
  auto good = parseFixedRange("a=b:c/d=-1.5:4e2");
  ASSERT_TRUE(bool(good)) << llvm::toString(good.takeError());
  EXPECT_EQ(good->name, "a=b:c/d");
  EXPECT_EQ(std::pair(good->lo, good->hi), std::pair(-1.5, 400.0));
  for (StringRef bad : {"", "fc", "fc=", "=0:1", "fc=0", "fc=0:", "fc=:1",
                        "fc=a:b", "fc=0:1:2"}) {
    auto range = parseFixedRange(bad);
    ASSERT_FALSE(bool(range)) << bad.str();
    EXPECT_NE(llvm::toString(range.takeError()).find("NAME=lo:hi"),
              std::string::npos)
        << bad.str();
  }
  for (StringRef bad :
       {"fc=1:0", "fc=1:1", "fc=nan:1", "fc=0:nan", "fc=-inf:1", "fc=0:1e39"}) {
    auto range = parseFixedRange(bad);
    ASSERT_FALSE(bool(range)) << bad.str();
    EXPECT_NE(llvm::toString(range.takeError()).find("the smaller first"),
              std::string::npos)
        << bad.str();
  }
}

// Breaks if a row is lost although the graph puts a number in place of its NaN,
// or if one reaches the ranges where it does not.
TEST_F(CalibrateTest, ImputedRowsAreKept) {
  const char *imputing = R"mlir(
func.func @main(%x: tensor<?x2xf32> {qnet.name = "x"}) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 1.0]]> : tensor<1x2xf32>
  %c = qnet.constant dense<[[7.0, 9.0]]> : tensor<1x2xf32>
  %m = qnet.is_nan %x : tensor<?x2xf32> -> tensor<?x2xi1>
  %f = qnet.where %m, %c, %x : (tensor<?x2xi1>, tensor<1x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32> loc("imputed")
  %y = qnet.dense %f, %w : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32> loc("fc")
  return %y : tensor<?x1xf32>
})mlir";
  for (int64_t block : {1, 2, 256}) {
    CalibrationOptions options;
    options.blockRows = block;
    OwningOpRef<ModuleOp> module = parse(imputing);
    VectorRows source({NAN, 1, 2, 3, 4, NAN}, 2);
    auto summary = calibrate(*module, source, makeReferenceRunner, options);
    ASSERT_TRUE(succeeded(summary)) << message;
    EXPECT_EQ(summary->rows, 3);
    EXPECT_EQ(summary->skippedRows, 0);
    EXPECT_EQ(summary->tensors[0].nans, 2u);
    EXPECT_EQ(summary->tensors[1].name, "imputed");
    EXPECT_EQ(summary->tensors[1].hi, 9);
    EXPECT_EQ(message, "");

    module = parse(network);
    VectorRows again({NAN, 1, 2, 3, 4, NAN}, 2);
    summary = calibrate(*module, again, makeReferenceRunner, options);
    ASSERT_TRUE(succeeded(summary)) << message;
    EXPECT_EQ(summary->rows, 1);
    EXPECT_EQ(summary->skippedRows, 2);
    EXPECT_TRUE(StringRef(message).contains(
        "2 of 3 calibration rows are left out: a NaN in them reaches"))
        << message;
    message.clear();
  }
}

// Breaks if values that 8 bits cannot store become 0 without a word.
TEST_F(CalibrateTest, TinyValuesAreToldOf) {
  for (float scale : {1e-38f, 1e-25f, 1e30f}) {
    OwningOpRef<ModuleOp> module = parse(network);
    VectorRows source({1 * scale, 2 * scale, -3 * scale, 4 * scale}, 2);
    message.clear();
    auto summary = calibrate(*module, source, makeReferenceRunner, {});
    ASSERT_TRUE(succeeded(summary)) << message;
    EXPECT_EQ(StringRef(message).contains("the finest step of a stored value"),
              scale == 1e-38f)
        << message;
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
