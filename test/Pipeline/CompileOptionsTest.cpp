// If these fail, wrong usage is found late, or not at all.
#include "quantc/Pipeline/Compile.h"

#include "gtest/gtest.h"
#include <functional>

using namespace llvm;
using namespace mlir::qnet;

namespace {

CompileOptions valid() {
  CompileOptions options;
  options.model = "m.onnx";
  options.calibration = {"c.npy"};
  options.output = "out";
  return options;
}

std::string errorOf(const CompileOptions &options) {
  return toString(checkOptions(options));
}

TEST(CompileOptionsTest, TheDefaultsAreValid) {
  EXPECT_EQ(errorOf(valid()), "");
}

struct Case {
  const char *what;
  std::function<void(CompileOptions &)> change;
  const char *says;
};

TEST(CompileOptionsTest, EachWrongOptionIsOneErrorThatSaysWhatToDo) {
  using Options = CompileOptions &;
  const Case cases[] = {
      {"model", [](Options o) { o.model = ""; }, "no model"},
      {"output", [](Options o) { o.output = ""; }, "-o"},
      {"name", [](Options o) { o.name = "a-b"; }, "--name"},
      {"calibration", [](Options o) { o.calibration.clear(); },
       "--calibration"},
      {"fix-range",
       [](Options o) {
         o.calibration.clear();
         o.ranges = "r.json";
         o.fixedRanges = {"fc=0:1"};
       },
       "without rows, edit the file of --ranges"},
      {"fix-range", [](Options o) { o.fixedRanges = {"fc"}; },
       "is not of the form NAME=lo:hi"},
      {"fix-range", [](Options o) { o.fixedRanges = {"a=0:1", "b=1:0"}; },
       "--fix-range=b=1:0: needs two numbers of f32, the smaller first"},
      {"budget", [](Options o) { o.accuracyBudget = "0.1"; }, "has no unit"},
      {"budget", [](Options o) { o.accuracyBudget = "x%"; }, "is no number"},
      {"budget", [](Options o) { o.accuracyBudget = "nan%"; }, "is no number"},
      {"budget", [](Options o) { o.accuracyBudget = "-1%"; }, "not from 0%"},
      {"minimize",
       [](Options o) {
         o.accuracyBudget = "40dB";
         o.minimize = "weight";
       },
       "choose from time, size"},
      {"labels", [](Options o) { o.labels = "y.npy"; },
       "--labels is for the search over bits; ask for it with "
       "--accuracy-budget or --weights=mixed"},
      {"search and bits",
       [](Options o) {
         o.accuracyBudget = "1%";
         o.weights = "int4";
       },
       "leave --weights=int4 out"},
      {"search and plan",
       [](Options o) {
         o.weights = "mixed";
         o.plan = "p.json";
       },
       "leave one of the two out"},
      {"search and width",
       [](Options o) {
         o.accuracyBudget = "1%";
         o.activations = "int16";
       },
       "leave --activations=int16 out"},
      {"search without rows",
       [](Options o) {
         o.weights = "mixed";
         o.calibration.clear();
         o.ranges = "r.json";
       },
       "name some with --validation"},
      {"search and stages",
       [](Options o) {
         o.weights = "mixed";
         o.to = Stage::Calibrate;
       },
       "needs the stages from calibrate to quantize"},
      {"weights", [](Options o) { o.weights = "int7"; },
       "unknown; choose from int8, int4, mixed"},
      {"activations", [](Options o) { o.activations = "int32"; },
       "unknown; choose from auto, int8, int16, mixed"},
      {"bits",
       [](Options o) {
         o.activations = "int16";
         o.weights = "int4";
       },
       "choose --weights=int8"},
      {"method", [](Options o) { o.method = "x"; },
       "unknown; choose from auto, minmax, percentile, mse, entropy"},
      {"requant", [](Options o) { o.requant = "x"; }, "float, fixed"},
      {"effort", [](Options o) { o.effort = "most"; }, "low, default, high"},
      {"prune", [](Options o) { o.prune = "features:0"; },
       "keep one feature or more"},
      {"prune", [](Options o) { o.prune = "features:x"; },
       "keep one feature or more"},
      {"prune",
       [](Options o) {
         o.prune = "features:3";
         o.calibration.clear();
         o.ranges = "r.json";
       },
       "needs rows to tell which features matter"},
      {"freeze",
       [](Options o) {
         o.freeze = {"fc1"};
         o.from = Stage::Calibrate;
       },
       "begin at it, or earlier"},
      {"fold",
       [](Options o) {
         o.folds = {"x[0]=1"};
         o.to = Stage::Prepare;
       },
       "is done in the stage calibrate"},
      {"prune", [](Options o) { o.prune = "neurons:1"; },
       "lies between 0 and 1"},
      {"prune", [](Options o) { o.prune = "magnitude:1"; },
       "lies between 0 and 1"},
      {"prune", [](Options o) { o.prune = "block:0"; }, "lies between 0 and 1"},
      {"prune", [](Options o) { o.prune = "block:-0.5"; },
       "lies between 0 and 1"},
      {"prune", [](Options o) { o.prune = "magnitude:nan"; },
       "lies between 0 and 1"},
      {"prune", [](Options o) { o.prune = "magnitude:"; }, "unknown"},
      {"prune", [](Options o) { o.prune = "2:5"; }, "unknown"},
      {"prune", [](Options o) { o.prune = "2:4:0.5"; }, "unknown"},
      {"prune", [](Options o) { o.prune = "block"; }, "unknown"},
      {"threads", [](Options o) { o.threads = 0; }, "from 1 to 1024"},
      {"threads", [](Options o) { o.threads = 1025; }, "from 1 to 1024"},
      {"percentile", [](Options o) { o.percentile = 40; }, "above 50"},
      {"equalize", [](Options o) { o.equalize = "rows"; },
       "choose from auto, none, weights, activations"},
      {"equalize without rows",
       [](Options o) {
         o.equalize = "activations";
         o.ranges = "ranges.json";
         o.calibration.clear();
       },
       "needs rows"},
      {"equalize behind its stage",
       [](Options o) {
         o.equalize = "weights";
         o.from = Stage::Quantize;
       },
       "is done in the stage calibrate"},
      {"from", [](Options o) { o.from = Stage::Emit; }, "can't be begun at"},
      {"order",
       [](Options o) {
         o.from = Stage::Optimize;
         o.to = Stage::Prepare;
       },
       "comes after"},
  };
  for (const Case &bad : cases) {
    CompileOptions options = valid();
    bad.change(options);
    std::string message = errorOf(options);
    EXPECT_NE(message.find(bad.says), std::string::npos)
        << bad.what << ": " << message;
  }
}

TEST(CompileOptionsTest, RowsAreOnlyNeededWhereTheyAreRead) {
  CompileOptions options = valid();
  options.calibration.clear();
  options.to = Stage::Prepare;
  EXPECT_EQ(errorOf(options), "");
  options.to = Stage::Emit;
  options.from = Stage::Quantize;
  EXPECT_EQ(errorOf(options), "");
}

TEST(CompileOptionsTest, ArtifactsAreAList) {
  EXPECT_EQ(cantFail(parseArtifacts("object,asm, mlir")),
            (std::set<Artifact>{Artifact::Object, Artifact::Assembly,
                                Artifact::MLIRText}));
  for (StringRef bad : {"", "objects", "object,,asm", "onnx"}) {
    auto artifacts = parseArtifacts(bad);
    ASSERT_FALSE(bool(artifacts)) << bad.str();
    EXPECT_TRUE(StringRef(toString(artifacts.takeError())).contains("choose"));
  }
}

// A pattern read as another would prune other weights than were asked for.
TEST(CompileOptionsTest, PruneHasAKindAndAShare) {
  EXPECT_EQ(cantFail(parsePrune("none")).pattern, "none");
  EXPECT_EQ(cantFail(parsePrune("2:4")).pattern, "2:4");
  PruneRequest block = cantFail(parsePrune("block:0.75"));
  EXPECT_EQ(block.pattern, "block");
  EXPECT_EQ(block.fraction, 0.75);
  PruneRequest magnitude = cantFail(parsePrune("magnitude:0.5"));
  EXPECT_EQ(magnitude.pattern, "magnitude");
  EXPECT_EQ(magnitude.fraction, 0.5);
  PruneRequest neurons = cantFail(parsePrune("neurons:0.25"));
  EXPECT_EQ(neurons.pattern, "none");
  EXPECT_EQ(neurons.neurons, 0.25);
  EXPECT_EQ(cantFail(parsePrune("features:20")).features, 20);
}

} // namespace
