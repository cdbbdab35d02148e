// If these fail, the flags, the pipelines and the table of docs/pipeline.md no
// longer say what Stages.def says.
#include "quantc/Pipeline/Stages.h"

#include "quantc/Pipeline/Pipeline.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace mlir::qnet;

namespace {

TEST(StagesTest, StagesAreInTheOrderOfTheirEnumerators) {
  for (auto [i, info] : enumerate(stages())) {
    EXPECT_EQ(static_cast<size_t>(info.stage), i);
    EXPECT_EQ(&stageInfo(info.stage), &info);
    EXPECT_EQ(stageNamed(info.flag), info.stage);
  }
  EXPECT_EQ(stages().front().stage, Stage::Import);
  EXPECT_EQ(stages().back().stage, Stage::Emit);
  EXPECT_EQ(stageNamed("no-such-stage"), std::nullopt);
}

TEST(StagesTest, ThePagesTableIsThisOne) {
  auto page = MemoryBuffer::getFile(QUANTC_PIPELINE_PAGE);
  ASSERT_TRUE(bool(page)) << QUANTC_PIPELINE_PAGE;
  auto [head, rest] = (*page)->getBuffer().split("<!-- stages:begin");
  StringRef table =
      rest.split("-->\n").second.split("<!-- stages:end -->").first;
  EXPECT_EQ(table.str(), stageTable())
      << "put this table between the stages:begin and stages:end lines of "
         "docs/pipeline.md";
}

/// Every stage that is a pipeline has one in quant-opt, and it ends with the
/// stage's check.
TEST(StagesTest, PipelinesEndInTheirCheck) {
  registerAllPasses();
  registerAllPipelines();
  for (const StageInfo &info : stages()) {
    if (!info.isPipeline)
      continue;
    mlir::OpPassManager passes("builtin.module");
    std::string problem;
    raw_string_ostream os(problem);
    ASSERT_TRUE(succeeded(
        mlir::parsePassPipeline(("qnet-" + info.flag).str(), passes, os)))
        << problem;
    ASSERT_FALSE(passes.empty()) << info.flag.str();
    if (info.check.empty())
      continue;
    mlir::Pass &last = *std::prev(passes.end());
    EXPECT_EQ(last.getArgument(), info.check) << info.flag.str();
  }
}

/// A check that no pass answers to would be a promise in a table only.
TEST(StagesTest, EveryCheckIsAPass) {
  registerAllPasses();
  for (const StageInfo &info : stages())
    if (!info.check.empty())
      EXPECT_NE(mlir::PassInfo::lookup(info.check), nullptr)
          << info.check.str();
}

} // namespace
