//===- ChooseByOutputTest.cpp - auto narrows what the outputs do not need -===//
#include "CalibrateFixture.h"

#include <algorithm>
#include <numeric>
#include <random>

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Two layers. The first input has no weight; one hidden value has bursts that
/// hardly reach the output.
const char *network = R"mlir(
func.func @main(%x: tensor<?x4xf32> {qnet.name = "x"}) -> tensor<?x2xf32> {
  %v = qnet.constant dense<[[0.0, 1.0, -0.5, 0.25], [0.0, 0.3, 0.7, -1.0], [0.0, 100.0, 100.0, 100.0]]> : tensor<3x4xf32>
  %c = qnet.constant dense<[0.1, 0.2, -250.0]> : tensor<3xf32>
  %h = qnet.dense %x, %v, %c {function = #qnet.fn<relu>}
     : (tensor<?x4xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<?x3xf32> loc("hidden")
  %w = qnet.constant dense<[[1.0, 0.5, 0.0], [-0.25, 1.0, 0.0001]]> : tensor<2x3xf32>
  %y = qnet.dense %h, %w : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32> loc("out")
  return %y : tensor<?x2xf32>
})mlir";

std::vector<float> evenRows(int64_t rows, float firstScale, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(rows * 4);
  for (auto [i, value] : llvm::enumerate(values)) {
    value = float(int32_t(generator())) * 0x1p-31f;
    if (i % 4 == 0)
      value *= firstScale;
  }
  return values;
}

double best(const ObservedRange &range, StringRef method) {
  double result = -1e9;
  for (const RangeCandidate &candidate : range.candidates)
    if (candidate.method == method)
      result = std::max(result, candidate.outputSqnr);
  return result;
}

class ChooseByOutputTest : public CalibrateTest {
protected:
  CalibrationSummary measured(std::vector<float> rows,
                              const CalibrationOptions &options = {}) {
    OwningOpRef<ModuleOp> module = parse(network);
    VectorRows source(std::move(rows), 4);
    auto summary = calibrate(*module, source, makeReferenceRunner, options);
    EXPECT_TRUE(succeeded(summary)) << message;
    return succeeded(summary) ? *summary : CalibrationSummary();
  }
};

} // namespace

// Breaks if a range stays wide for values that no output needs.
TEST_F(ChooseByOutputTest, UnusedFeaturesDoNotWidenARange) {
  CalibrationSummary summary = measured(evenRows(2000, 1e5f, 1));
  ASSERT_EQ(summary.tensors.size(), 4u);
  const ObservedRange &x = summary.tensors[0];
  EXPECT_EQ(x.name, "x");
  EXPECT_GT(x.max, 9e4);
  EXPECT_LT(x.hi, 2) << x.reason;
  EXPECT_GT(x.lo, -2);
  EXPECT_GT(x.hi, 0.9);
  EXPECT_EQ(x.method, "searched");
  EXPECT_GT(best(x, "searched"), best(x, "minmax") + 6);
  EXPECT_NE(x.reason.find("where minmax gives"), std::string::npos);
}

// Breaks if bursts of a value that hardly counts cost the others their steps.
TEST_F(ChooseByOutputTest, BurstsAreClippedWhereTheyDoNotCount) {
  CalibrationSummary summary = measured(evenRows(2000, 1, 2));
  const ObservedRange &hidden = summary.tensors[2];
  EXPECT_EQ(hidden.name, "hidden");
  EXPECT_GT(hidden.max, 20);
  EXPECT_LT(hidden.hi, 3) << hidden.reason;
  EXPECT_GT(best(hidden, hidden.method), best(hidden, "minmax") + 6);
}

// Breaks if min-max is given up where nothing is gained.
TEST_F(ChooseByOutputTest, MinmaxStaysWithoutOutliers) {
  CalibrationSummary summary = measured(evenRows(2000, 1, 3));
  const ObservedRange &x = summary.tensors[0];
  EXPECT_EQ(x.method, "minmax");
  EXPECT_EQ(x.lo, x.min);
  EXPECT_EQ(x.hi, x.max);
  EXPECT_NE(x.reason.find("minmax is kept"), std::string::npos) << x.reason;
  const ObservedRange &out = summary.tensors[3];
  EXPECT_EQ(out.method, "minmax");
  EXPECT_NE(out.reason.find("not stored"), std::string::npos) << out.reason;
  for (const ObservedRange &range : summary.tensors)
    if (range.method != "minmax") {
      EXPECT_GT(best(range, range.method), best(range, "minmax"));
    }
}

// Breaks if a single row in thousands whose clipping would ruin its output is
// not asked.
TEST_F(ChooseByOutputTest, RareRowsCount) {
  std::vector<float> rows = evenRows(20000, 1, 4);
  rows[4 * 777 + 1] = 3000; // used: the outputs follow it
  CalibrationSummary summary = measured(std::move(rows));
  const ObservedRange &x = summary.tensors[0];
  EXPECT_GT(x.hi, 1500) << x.reason;
}

// Breaks if any of what auto chooses, or tells, depends on the order of the
// rows or on the blocks they are run in.
TEST_F(ChooseByOutputTest, OrderDoesNotMatter) {
  const std::vector<float> rows = evenRows(3000, 1e3f, 5);
  const std::string first = rangesToJson(measured(rows));
  std::vector<int64_t> order(3000);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 generator(6);
  for (int64_t block : {1, 100, 4096}) {
    std::shuffle(order.begin(), order.end(), generator);
    std::vector<float> shuffled;
    for (int64_t row : order)
      shuffled.insert(shuffled.end(), rows.begin() + row * 4,
                      rows.begin() + row * 4 + 4);
    CalibrationOptions options;
    options.blockRows = block;
    EXPECT_EQ(rangesToJson(measured(shuffled, options)), first);
  }
}

// Breaks if a range of the user is narrowed, or the others are not chosen with
// it in place.
TEST_F(ChooseByOutputTest, FixedRangesStay) {
  CalibrationOptions options;
  options.fixed.push_back({"x", -500, 500});
  CalibrationSummary summary = measured(evenRows(2000, 1e5f, 7), options);
  EXPECT_EQ(summary.tensors[0].lo, -500);
  EXPECT_EQ(summary.tensors[0].hi, 500);
  EXPECT_EQ(summary.tensors[0].reason, "fixed by the user");
}

// Breaks if a few rows decide, or fail.
TEST_F(ChooseByOutputTest, FewRowsKeepMinmax) {
  for (int64_t count : {1, 15}) {
    CalibrationSummary summary = measured(evenRows(count, 1e5f, 8));
    EXPECT_EQ(summary.tensors[0].method, "minmax");
    EXPECT_NE(summary.tensors[0].reason.find("fewer than 16"),
              std::string::npos);
  }
}
