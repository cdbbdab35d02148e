//===- OnnxMutationTest.cpp - Damaged models ------------------------------===//
//
// Breaks when a damaged file crashes the importer, makes it report no error or
// several, or gives a module that does not verify. Under the asan preset it
// also breaks on any read out of bounds.
//
//===----------------------------------------------------------------------===//

#include "ModelWriter.h"
#include "TfliteWriter.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "quantc/Import/ImportOnnx.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace quantc::test;

namespace {

/// Imports from memory; empty, or what the importer did that it must not do.
std::string complaint(const std::string &bytes) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  int errors = 0;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    errors += diagnostic.getSeverity() == DiagnosticSeverity::Error;
    return success();
  });
  OwningOpRef<ModuleOp> module = qnet::importOnnx(
      llvm::MemoryBuffer::getMemBufferCopy(bytes), "", context);
  if (!module)
    return errors == 1 ? ""
                       : "failed with " + std::to_string(errors) + " errors";
  if (errors != 0)
    return "succeeded with an error";
  return succeeded(verify(*module)) ? "" : "gave a module that is not valid";
}

Graph denseModel() {
  Graph graph;
  graph.inputs = {value("x", DataType::Float, {-1, 3})};
  graph.outputs = {value("y", DataType::Float, {-1, 2}),
                   value("k", DataType::Int64, {-1, 1})};
  graph.initializers = {
      rawTensor("w", DataType::Float, {2, 3}, raw<float>({1, 2, 3, 4, 5, 6})),
      tensorProto("b", DataType::Float, {2}).floats(4, {0.5f, -1}),
      rawTensor("h", DataType::Float16, {2}, raw<uint16_t>({0x3E00, 0x3C00}))};
  graph.nodes = {
      node("Gemm", {"x", "w", "b"}, {"a"},
           {intAttribute("transB", 1), floatAttribute("alpha", 0.5f)}),
      node("LeakyRelu", {"a"}, {"r"}, {floatAttribute("alpha", 0.1f)}),
      node("Cast", {"h"}, {"hf"}, {intAttribute("to", 1)}),
      node("Mul", {"r", "hf"}, {"m"}),
      node("Softmax", {"m"}, {"y"}, {intAttribute("axis", 1)}),
      node("ArgMax", {"y"}, {"k"}, {intAttribute("axis", -1)})};
  return graph;
}

Graph shapeModel() {
  Graph graph;
  graph.inputs = {value("x", DataType::Float, {-1, 2, 3})};
  graph.outputs = {value("y", DataType::Float, {-1, 4}),
                   value("z", DataType::Float, {-1, 2})};
  graph.initializers = {
      rawTensor("zero", DataType::Int64, {1}, raw<int64_t>({0})),
      rawTensor("six", DataType::Int64, {1}, raw<int64_t>({6})),
      tensorProto("axis", DataType::Int64, {1}).integers(7, {1}),
      rawTensor("from", DataType::Int64, {1}, raw<int64_t>({5})),
      rawTensor("to", DataType::Int64, {1}, raw<int64_t>({-6})),
      rawTensor("step", DataType::Int64, {1}, raw<int64_t>({-1}))};
  graph.nodes = {
      node("Shape", {"x"}, {"s"}),
      node("Gather", {"s", "zero"}, {"n"}, {intAttribute("axis", 0)}),
      node("Concat", {"n", "six"}, {"t"}, {intAttribute("axis", 0)}),
      node("Reshape", {"x", "t"}, {"f"}),
      node("Slice", {"f", "from", "to", "axis", "step"}, {"back"}),
      node("Constant", {}, {"c"},
           {tensorAttribute("value", rawTensor("", DataType::Int64, {3},
                                               raw<int64_t>({0, 2, -1})))}),
      node("Gather", {"back", "c"}, {"g"}, {intAttribute("axis", 1)}),
      node("ReduceMean", {"back"}, {"mean"},
           {intsAttribute("axes", {1}), intAttribute("keepdims", 1)}),
      node("Concat", {"g", "mean"}, {"y"}, {intAttribute("axis", 1)}),
      node("Split", {"y"}, {"z", "rest"}, {intAttribute("axis", 1)})};
  return graph;
}

Graph quantizedModel() {
  Graph graph;
  graph.inputs = {value("x", DataType::Float, {-1, 2})};
  graph.outputs = {value("y", DataType::Float, {-1, 2}),
                   value("q", DataType::UInt8, {-1, 2})};
  graph.initializers = {
      rawTensor("s", DataType::Float, {}, raw<float>({0.5f})),
      rawTensor("z", DataType::UInt8, {}, raw<uint8_t>({3})),
      rawTensor("w", DataType::Int8, {2, 2}, raw<int8_t>({1, -2, 3, -4})),
      rawTensor("ws", DataType::Float, {2}, raw<float>({0.5f, 0.25f})),
      rawTensor("wz", DataType::Int8, {2}, raw<int8_t>({0, 0}))};
  graph.nodes = {node("QuantizeLinear", {"x", "s", "z"}, {"q"}),
                 node("DequantizeLinear", {"q", "s", "z"}, {"d"}),
                 node("DequantizeLinear", {"w", "ws", "wz"}, {"dw"},
                      {intAttribute("axis", 1)}),
                 node("MatMul", {"d", "dw"}, {"y"})};
  return graph;
}

class Mutation : public ::testing::TestWithParam<std::string> {};

TEST_P(Mutation, IsAModel) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = qnet::importOnnx(
      llvm::MemoryBuffer::getMemBufferCopy(GetParam()), "", context);
  EXPECT_TRUE(module);
}

TEST_P(Mutation, Truncated) {
  const std::string &whole = GetParam();
  for (size_t length = 0; length < whole.size(); length += 3)
    EXPECT_EQ(complaint(whole.substr(0, length)), "") << "length " << length;
}

TEST_P(Mutation, OneBitFlipped) {
  std::string bytes = GetParam();
  for (size_t at = 0; at < bytes.size(); ++at) {
    char bit = char(1 << (at * 5 % 8));
    bytes[at] ^= bit;
    EXPECT_EQ(complaint(bytes), "") << "byte " << at;
    bytes[at] ^= bit;
  }
}

TEST_P(Mutation, ExtremeByte) {
  // Lengths, counts and enumerators of one byte at their limits, and varints
  // that go on.
  std::string bytes = GetParam();
  size_t at = 0;
  for (char &byte : bytes) {
    char before = byte;
    static constexpr char kExtremes[] = {'\x00', '\x7f', '\xff', '\x80'};
    byte = kExtremes[at % 4];
    EXPECT_EQ(complaint(bytes), "") << "byte " << at;
    byte = before;
    ++at;
  }
}

TEST_P(Mutation, PiecesMoved) {
  // A fixed seed: the same damage in every run.
  std::mt19937 random(20260101);
  const std::string &whole = GetParam();
  for (int round = 0; round < 200; ++round) {
    std::string bytes = whole;
    size_t from = random() % bytes.size(), to = random() % bytes.size();
    size_t length = 1 + random() % 24;
    std::string piece = bytes.substr(from, length);
    if (round % 3 == 0)
      bytes.erase(from, length);
    else if (round % 3 == 1)
      bytes.insert(to, piece);
    else
      bytes.replace(to, piece.size(), piece);
    EXPECT_EQ(complaint(bytes), "") << "round " << round;
  }
}

std::string modelName(const ::testing::TestParamInfo<std::string> &info) {
  static const char *const kNames[] = {"dense",        "shape",
                                       "quantized",    "tfliteDense",
                                       "tfliteShapes", "tfliteQuantized"};
  return kNames[info.index];
}

INSTANTIATE_TEST_SUITE_P(Models, Mutation,
                         ::testing::Values(model(denseModel()),
                                           model(shapeModel()),
                                           model(quantizedModel()),
                                           tfliteDense(), tfliteShapes(),
                                           tfliteQuantized()),
                         modelName);

} // namespace
