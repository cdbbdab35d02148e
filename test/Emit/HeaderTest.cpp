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
  for (StringRef line :
       {"#define net_INPUTS 784 ", "#define net_OUTPUTS 10 ",
        "size_t net_workspace_size(size_t batch);",
        "void net_run(const float *input, float *output, size_t batch, void "
        "*workspace);",
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

TEST(HeaderTest, TensorNamesCannotLeaveTheirComment) {
  Manifest manifest = twoByOne();
  manifest.inputs[0].name = "*/ int evil; /*\n#define x \\";
  std::string text = headerOf(manifest);
  EXPECT_FALSE(StringRef(text).contains("*/ int evil")) << text;
  EXPECT_FALSE(StringRef(text).contains("\n#define x")) << text;
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
  for (std::string text :
       {std::string(500, 'a'), std::string(500, '-'), std::string("\xff\xfe")})
    EXPECT_FALSE(errorToBool(checkProgramName(programNameFrom(text))));
}

} // namespace
