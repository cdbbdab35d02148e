//===- TfliteReaderTest.cpp - What is read of a TFLite file, and not ------===//
//
// Breaks when a sound TensorFlow Lite file is read as something else, or an
// unsound one is read at all or refused without saying what is wrong with it.
//
//===----------------------------------------------------------------------===//

#include "TfliteWriter.h"
#include "quantc/Import/TfliteModel.h"
#include "llvm/ADT/StringExtras.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace mlir::qnet::onnx;
using namespace quantc::test;
using testing::HasSubstr;

namespace {
using W = TfliteWriter;

std::unique_ptr<llvm::MemoryBuffer> inMemory(const std::string &bytes) {
  return llvm::MemoryBuffer::getMemBufferCopy(bytes);
}

/// The ops in order, or the error.
std::string opsOf(const std::string &bytes) {
  auto model = readOnnxModel(inMemory(bytes), "");
  if (!model)
    return llvm::toString(model.takeError());
  std::string ops;
  for (const OnnxNode &node : (*model)->graph.nodes)
    ops += (ops.empty() ? "" : " ") + node.opType.str();
  return ops;
}

TEST(TfliteReader, KnowsItsFiles) {
  EXPECT_TRUE(isTfliteModel(tfliteDense()));
  EXPECT_FALSE(isTfliteModel("svm_type c_svc\n"));
  EXPECT_FALSE(isTfliteModel("TFL3"));
  EXPECT_FALSE(isTfliteFile("/nonexistent/model.tflite"));
}

TEST(TfliteReader, FusedActivationIsItsOwnNode) {
  EXPECT_EQ(opsOf(tfliteDense()), "Gemm Relu Softmax");
}

TEST(TfliteReader, NodesAreNamedAfterLayers) {
  auto model = readOnnxModel(inMemory(tfliteDense()), "");
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  EXPECT_EQ((*model)->graph.nodes[0].name, "layer/MatMul");
  EXPECT_EQ((*model)->graph.inputs[0].name, "x");
  EXPECT_EQ((*model)->graph.outputs[0].name, "y");
}

TEST(TfliteReader, QuantizedTensorsArePairs) {
  EXPECT_EQ(opsOf(tfliteQuantized()),
            "QuantizeLinear DequantizeLinear DequantizeLinear Gemm Clip "
            "QuantizeLinear DequantizeLinear QuantizeLinear DequantizeLinear");
}

/// The initializer of a name.
const OnnxTensor *initializer(const OnnxModel &model, llvm::StringRef name) {
  for (const OnnxTensor &tensor : model.graph.initializers)
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

TEST(TfliteReader, FourBitsAreUnpackedLowHalfFirst) {
  auto model = readOnnxModel(inMemory(tfliteQuantized()), "");
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  const OnnxTensor *weights = initializer(**model, "weights");
  ASSERT_NE(weights, nullptr);
  EXPECT_EQ(weights->type, DataType::Int4);
  EXPECT_EQ(std::vector<int8_t>(weights->bytes.begin(), weights->bytes.end()),
            (std::vector<int8_t>{1, 2, 3, -1, -2, -8}));
}

TEST(TfliteReader, BiasCountsInProductsOfScales) {
  auto model = readOnnxModel(inMemory(tfliteQuantized()), "");
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  const OnnxNode &gemm = (*model)->graph.nodes[3];
  ASSERT_EQ(gemm.opType, "Gemm");
  const OnnxTensor *bias = initializer(**model, gemm.inputs[2]);
  ASSERT_NE(bias, nullptr);
  float values[2];
  ASSERT_EQ(bias->bytes.size(), sizeof(values));
  std::memcpy(values, bias->bytes.data(), sizeof(values));
  // 4 * 0.5 * 0.5 and -8 * 0.5 * 0.25.
  EXPECT_EQ(values[0], 1.0f);
  EXPECT_EQ(values[1], -1.0f);
}

TEST(TfliteReader, RowsOfAMatrixStayApart) {
  EXPECT_THAT(opsOf(tfliteShapes()),
              HasSubstr("Cast Reshape Transpose MatMul Reshape Reshape"));
}

TEST(TfliteReader, ReadsABufferBehindTheTables) {
  W w;
  int x = w.tensor("x", W::Type::FLOAT32, {1, 2});
  W::Extra elsewhere;
  constexpr uint64_t offset = 2048;
  elsewhere.buffer = w.addBuffer(offset, 2 * sizeof(float));
  int c = w.tensor("c", W::Type::FLOAT32, {2}, elsewhere);
  int y = w.tensor("y", W::Type::FLOAT32, {1, 2});
  w.op(W::Code::ADD, {x, c}, {y});
  std::string bytes = w.finish({x}, {y});
  ASSERT_LT(bytes.size(), offset);
  EXPECT_THAT(opsOf(bytes), HasSubstr("'c' lie outside of the file"));
  bytes.resize(offset + sizeof(float));
  EXPECT_THAT(opsOf(bytes), HasSubstr("'c' lie outside of the file"));
  bytes.resize(offset + 2 * sizeof(float));
  EXPECT_EQ(opsOf(bytes), "Add");
}

/// What a graph of one operator between x and y ends in.
std::string oneOp(llvm::function_ref<void(W &, int x, int y)> write,
                  size_t subgraphs = 1) {
  W w;
  int x = w.tensor("x", W::Type::FLOAT32, {1, 2});
  int y = w.tensor("y", W::Type::FLOAT32, {1, 2});
  write(w, x, y);
  return opsOf(w.finish({x}, {y}, subgraphs));
}

TEST(TfliteReader, RefusesOperatorsByName) {
  EXPECT_THAT(
      oneOp([](W &w, int x, int y) { w.op(W::Code::CONV_2D, {x, x}, {y}); }),
      HasSubstr("operator 0 (CONV_2D) of 'y': is not supported; quantc "
                "compiles dense networks"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) { w.custom("FlexErf", {x}, {y}); }),
              HasSubstr("operator 0 (custom 'FlexErf') of 'y'"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) { w.op(W::Code::WHILE, {x}, {y}); },
                    /*subgraphs=*/3),
              HasSubstr("operator 0 (WHILE) of 'y'"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) { w.op(W::Code(9999), {x}, {y}); }),
              HasSubstr("operator 0 (number 9999) of 'y'"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) { w.op(W::Code::RELU, {x}, {y}); },
                    /*subgraphs=*/2),
              HasSubstr("2 subgraphs (several signatures)"));
}

TEST(TfliteReader, RefusesIndicesThatLeadNowhere) {
  EXPECT_THAT(
      oneOp([](W &w, int x, int y) { w.op(W::Code::RELU, {77}, {y}); }),
      HasSubstr("operator 0 (RELU) of 'y': names tensor 77, but there are 2"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) { w.op(W::Code::RELU, {x}, {-7}); }),
              HasSubstr("names tensor -7"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) { w.opOf(4, {x}, {y}); }),
              HasSubstr("operator 0: names operator code 4, but there are 0"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) {
                W::Extra extra;
                extra.buffer = 12;
                int c = w.tensor("c", W::Type::FLOAT32, {2}, extra);
                w.op(W::Code::ADD, {x, c}, {y});
              }),
              HasSubstr("'c' names buffer 12, but there are 1"));
  W w;
  w.tensor("x", W::Type::FLOAT32, {1, 2});
  EXPECT_THAT(opsOf(w.finish({5}, {0})),
              HasSubstr("graph input: names tensor 5"));
}

TEST(TfliteReader, RefusesGraphsThatAreNone) {
  EXPECT_THAT(oneOp([](W &w, int x, int y) { w.op(W::Code::RELU, {y}, {y}); }),
              HasSubstr("depends on its own output"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) {
                w.op(W::Code::RELU, {x}, {y});
                w.op(W::Code::TANH, {x}, {y});
              }),
              HasSubstr("defined twice"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) { w.op(W::Code::RELU, {x}, {x}); }),
              HasSubstr("a constant or an input of the graph"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) {}),
              HasSubstr("computed by no node"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) { w.op(W::Code::RELU, {x}, {}); }),
              HasSubstr("has no output"));
  EXPECT_THAT(
      oneOp([](W &w, int x, int y) { w.op(W::Code::RELU, {x, x}, {y}); }),
      HasSubstr("has 2 inputs and 1 outputs"));
  EXPECT_THAT(oneOp([](W &w, int x, int y) {
                w.op(W::Code::ADD, {x, x}, {y},
                     tflite::BuiltinOptions::SoftmaxOptions,
                     tflite::CreateSoftmaxOptions(w.builder).Union());
              }),
              HasSubstr("the options of another operator"));
}

/// What reading x + c ends in.
std::string constantTensor(W::Type type, const std::vector<int> &shape,
                           const W::Extra &extra) {
  return oneOp([&](W &w, int x, int y) {
    w.op(W::Code::ADD, {x, w.tensor("c", type, shape, extra)}, {y});
  });
}

TEST(TfliteReader, RefusesTensorsByName) {
  const W::Extra two = W::holding(W::bytes<float>({1, 2}));
  auto with = [&](auto change) {
    W::Extra extra = two;
    change(extra);
    return constantTensor(W::Type::FLOAT32, {2}, extra);
  };
  EXPECT_EQ(constantTensor(W::Type::FLOAT32, {2}, two), "Add");
  EXPECT_THAT(constantTensor(W::Type::FLOAT32, {3}, two),
              HasSubstr("'c' has 8 bytes, but its shape asks for 12"));
  EXPECT_THAT(constantTensor(W::Type::FLOAT32, {-5}, two),
              HasSubstr("'c' has an impossible shape"));
  EXPECT_THAT(constantTensor(W::Type::FLOAT32, {1 << 30, 1 << 30}, two),
              HasSubstr("'c' has an impossible shape"));
  EXPECT_THAT(constantTensor(W::Type::FLOAT32, std::vector<int>(40, 1), two),
              HasSubstr("'c' has more than 32 dimensions"));
  EXPECT_THAT(constantTensor(W::Type::STRING, {2}, two),
              HasSubstr("'c' has the element type STRING"));
  EXPECT_THAT(constantTensor(W::Type(99), {2}, two),
              HasSubstr("'c' has the element type number 99"));
  EXPECT_THAT(with([](W::Extra &e) { e.isVariable = true; }),
              HasSubstr("'c' is a variable"));
  EXPECT_THAT(with([](W::Extra &e) { e.isSparse = true; }),
              HasSubstr("'c' is stored sparsely"));
  EXPECT_THAT(with([](W::Extra &e) { e.external = 1; }),
              HasSubstr("'c' lies in a file of its own"));
}

TEST(TfliteReader, RefusesScalesThatAreNone) {
  auto with = [&](std::vector<float> scales, std::vector<int64_t> zeros,
                  uint8_t details = 0) {
    W::Extra extra = W::holding({1, 2});
    extra.scales = std::move(scales);
    extra.zeros = std::move(zeros);
    extra.details = details;
    return constantTensor(W::Type::INT8, {2}, extra);
  };
  EXPECT_EQ(with({0.5f}, {3}), "DequantizeLinear Add");
  EXPECT_EQ(with({0.5f, 2}, {}), "DequantizeLinear Add");
  EXPECT_THAT(with({0.0f}, {3}), HasSubstr("no positive number"));
  EXPECT_THAT(with({-1.0f}, {3}), HasSubstr("no positive number"));
  EXPECT_THAT(with({std::numeric_limits<float>::quiet_NaN()}, {3}),
              HasSubstr("no positive number"));
  EXPECT_THAT(with({0.5f}, {128}), HasSubstr("zero point 128"));
  EXPECT_THAT(with({1, 1, 1}, {}), HasSubstr("3 scales and 0 zero points"));
  EXPECT_THAT(with({1, 1}, {0}), HasSubstr("2 scales and 1 zero points"));
  EXPECT_THAT(with({1}, {0}, 2), HasSubstr("quantized in blocks"));
}

TEST(TfliteReader, RefusesChannelsOfComputedTensors) {
  W w;
  int x = w.tensor("x", W::Type::FLOAT32, {1, 2});
  W::Extra extra;
  extra.scales = {1, 2};
  extra.axis = 1;
  int y = w.tensor("y", W::Type::INT8, {1, 2}, extra);
  w.op(W::Code::QUANTIZE, {x}, {y});
  EXPECT_THAT(opsOf(w.finish({x}, {y})),
              HasSubstr("'y' is computed with a scale for each channel"));
}

TEST(TfliteReader, RefusesOtherVersions) {
  W w;
  int x = w.tensor("x", W::Type::FLOAT32, {1, 2});
  EXPECT_THAT(opsOf(w.finish({x}, {x}, 1, 2)), HasSubstr("version 2"));
  EXPECT_THAT(opsOf(std::string("\x40\0\0\0TFL3", 8)),
              HasSubstr("not a readable TensorFlow Lite file"));
}

} // namespace
