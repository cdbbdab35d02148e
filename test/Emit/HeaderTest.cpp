// If these fail, a C program that includes the header does not compile, or a
// model's names could write C code.
#include "quantc/Emit/Header.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace mlir::qnet;

namespace {

Manifest twoByOne() {
  Manifest manifest;
  manifest.version = "1.2.3";
  manifest.name = "net";
  manifest.target = "x86_64-unknown-linux-gnu";
  manifest.cpu = "haswell";
  manifest.inputs = {{"a", {-1, 28, 28}, 784, std::nullopt},
                     {"b", {-1, 3}, 3, std::nullopt}};
  manifest.outputs = {{"y", {-1, 10}, 10, std::nullopt}};
  return manifest;
}

std::string headerOf(const Manifest &manifest) {
  std::string text;
  raw_string_ostream os(text);
  writeHeader(manifest, os);
  return text;
}

TEST(HeaderTest, OneInputAndOutputAreTheFixedInterface) {
  Manifest manifest = twoByOne();
  manifest.inputs.pop_back();
  std::string text = headerOf(manifest);
  constexpr StringLiteral run =
      "void net_run(const float *input, float *output, size_t batch, "
      "void *workspace);";
  for (StringRef line : {"#define net_INPUTS 784 ", "#define net_OUTPUTS 10 ",
                         "size_t net_workspace_size(size_t batch);", run.data(),
                         "extern \"C\" {", "#include <stddef.h>"})
    EXPECT_TRUE(StringRef(text).contains(line)) << line.str() << "\n" << text;
}

TEST(HeaderTest, FurtherTensorsAreNumbered) {
  std::string text = headerOf(twoByOne());
  for (StringRef line :
       {"#define net_INPUTS 784 ", "#define net_INPUTS_1 3 ",
        "void net_run(const float *input0, const float *input1, float *output, "
        "size_t batch, void *workspace);"})
    EXPECT_TRUE(StringRef(text).contains(line)) << line.str() << "\n" << text;
}

TEST(HeaderTest, ParallelEntryTakesTheSameTensors) {
  std::string text = headerOf(twoByOne());
  for (StringRef line :
       {"typedef void (*net_task)(void *context, size_t part);",
        "typedef void (*net_parallel_for)(void *pool, size_t parts, net_task "
        "task, void *context);",
        "size_t net_parallel_workspace_size(size_t batch, size_t parts);",
        "void net_run_parallel(const float *input0, const float *input1, float "
        "*output, size_t batch, void *workspace, size_t parts, "
        "net_parallel_for parallel_for, void *pool);"})
    EXPECT_TRUE(StringRef(text).contains(line)) << line.str() << "\n" << text;
}

TEST(HeaderTest, EightBitEntryHasItsParameters) {
  Manifest manifest = twoByOne();
  manifest.inputs[0].params = {0.5f, 3, 0, 255};
  manifest.inputs[1].params = {0.125f, 200, 0, 181};
  manifest.outputs[0].params = {0.1f, 128, 0, 255};
  EXPECT_FALSE(StringRef(headerOf(manifest)).contains("run_i8"));
  manifest.eightBitEntry = true;
  std::string text = headerOf(manifest);
  for (StringRef line :
       {"#include <stdint.h>", "#define net_INPUT_SCALE 5.000000000e-01f",
        "#define net_INPUT_ZERO_POINT (-125)",
        "#define net_INPUT_SCALE_1 1.250000000e-01f",
        "#define net_INPUT_ZERO_POINT_1 (72)",
        "#define net_OUTPUT_SCALE 1.000000015e-01f",
        "#define net_OUTPUT_ZERO_POINT (0)",
        "void net_run_i8(const int8_t *input0, const int8_t *input1, int8_t "
        "*output, size_t batch, void *workspace);"})
    EXPECT_TRUE(StringRef(text).contains(line)) << line.str() << "\n" << text;
}

TEST(HeaderTest, TensorNamesCannotLeaveTheirComment) {
  Manifest manifest = twoByOne();
  manifest.inputs[0].name = "*/ int evil; /*\n#define x \\";
  std::string text = headerOf(manifest);
  EXPECT_FALSE(StringRef(text).contains("*/ int evil")) << text;
  EXPECT_FALSE(StringRef(text).contains("\n#define x")) << text;
}

TEST(HeaderTest, NamesOfClassesAreLiterals) {
  Manifest manifest = twoByOne();
  manifest.outputs.push_back({"p", {-1, 2}, 2, std::nullopt});
  manifest.outputs[0].classes = {"a\"b",
                                 "\xc3\xa4"
                                 "1",
                                 "c\\d?\n*/", ""};
  manifest.outputs[1].columns = {"x"};
  manifest.inputs[1].categories = {{"red"}, {}, {"S", "M"}};
  std::string text = headerOf(manifest);
  for (StringRef line :
       {"#define net_OUTPUT_CLASSES_COUNT 4\n",
        "#define net_OUTPUT_CLASSES {\"a\\\"b\", \"\\303\\2441\", "
        "\"c\\\\d\\?\\012*/\", \"\"}\n",
        "#define net_OUTPUT_COLUMNS_1 {\"x\"}\n",
        "#define net_INPUT_CATEGORIES_1_COLUMN_0 {\"red\"}\n",
        "#define net_INPUT_CATEGORIES_1_COLUMN_2_COUNT 2\n"})
    EXPECT_TRUE(StringRef(text).contains(line)) << line.str() << "\n" << text;
  EXPECT_FALSE(StringRef(text).contains("COLUMN_1"));
}

TEST(HeaderTest, OnlyIdentifiersAreNames) {
  for (StringRef good : {"n", "N", "mnist_12", "aB_9"})
    EXPECT_FALSE(errorToBool(checkProgramName(good))) << good.str();
  for (StringRef bad :
       {"", "1net", "_net", "a-b", "a b", "a.b", "a;b", "\xc3\xa4"})
    EXPECT_TRUE(errorToBool(checkProgramName(bad))) << bad.str();
  EXPECT_TRUE(errorToBool(checkProgramName(std::string(101, 'a'))));
}

TEST(HeaderTest, EveryTextHasAProgramName) {
  for (auto [text, name] :
       {std::pair("mnist-12", "mnist_12"), std::pair("12.net", "model_12_net"),
        std::pair("", "model_"), std::pair("_x", "model__x")})
    EXPECT_EQ(programNameFrom(text), name);
  for (const std::string &text :
       {std::string(500, 'a'), std::string(500, '-'), std::string("\xff\xfe")})
    EXPECT_FALSE(errorToBool(checkProgramName(programNameFrom(text))));
}

} // namespace
