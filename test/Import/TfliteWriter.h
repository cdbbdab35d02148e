//===- TfliteWriter.h - TFLite files, sound or broken, for tests -*- C++ -*-==//
//
// Writes the tables of a TensorFlow Lite file one by one, so that a test can
// leave out or contradict whatever it wants.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_IMPORT_TFLITEWRITER_H
#define QUANTC_TEST_IMPORT_TFLITEWRITER_H

#include "Tflite_generated.h"
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace quantc::test {

/// What a tensor may have beside name, type and shape.
struct TfliteExtra {
  std::vector<uint8_t> data;
  std::vector<float> scales;
  std::vector<int64_t> zeros;
  int axis = 0;
  bool isVariable = false, isSparse = false;
  uint8_t details = 0;
  uint32_t external = 0;
  /// Of the file's buffers, in the place of one with `data`.
  int buffer = -1;
};

class TfliteWriter {
public:
  using Type = tflite::TensorType;
  using Code = tflite::BuiltinOperator;

  using Extra = TfliteExtra;

  flatbuffers::FlatBufferBuilder builder;

  TfliteWriter() { buffers.push_back(tflite::CreateBuffer(builder)); }

  template <typename T>
  static std::vector<uint8_t> bytes(const std::vector<T> &values) {
    std::vector<uint8_t> result(values.size() * sizeof(T));
    std::memcpy(result.data(), values.data(), result.size());
    return result;
  }
  static Extra holding(std::vector<uint8_t> data) {
    Extra extra;
    extra.data = std::move(data);
    return extra;
  }
  static Extra scaled(float scale, int64_t zero,
                      std::vector<uint8_t> data = {}) {
    Extra extra = holding(std::move(data));
    extra.scales = {scale};
    extra.zeros = {zero};
    return extra;
  }

  /// The new tensor's index.
  int tensor(const std::string &name, Type type, const std::vector<int> &shape,
             const Extra &extra = {}) {
    int buffer = extra.buffer >= 0 ? extra.buffer : 0;
    if (!extra.data.empty())
      buffer = addBuffer(extra.data);
    auto sizes = builder.CreateVector(shape);
    auto label = builder.CreateString(name);
    flatbuffers::Offset<tflite::QuantizationParameters> quantization;
    if (!extra.scales.empty() || extra.details != 0) {
      auto scales = builder.CreateVector(extra.scales);
      auto zeros = builder.CreateVector(extra.zeros);
      quantization = tflite::CreateQuantizationParameters(
          builder, scales, zeros, extra.details, 0, extra.axis);
    }
    flatbuffers::Offset<tflite::Present> sparsity;
    if (extra.isSparse)
      sparsity = tflite::CreatePresent(builder);
    tensors.push_back(tflite::CreateTensor(
        builder, sizes, type, uint32_t(buffer), label, quantization,
        extra.isVariable, sparsity, 0, extra.external));
    return int(tensors.size()) - 1;
  }

  int addBuffer(const std::vector<uint8_t> &data) {
    builder.ForceVectorAlignment(data.size(), 1, 16);
    buffers.push_back(
        tflite::CreateBuffer(builder, builder.CreateVector(data)));
    return int(buffers.size()) - 1;
  }
  /// A buffer whose bytes lie elsewhere in the file.
  int addBuffer(uint64_t offset, uint64_t size) {
    buffers.push_back(tflite::CreateBuffer(builder, 0, offset, size));
    return int(buffers.size()) - 1;
  }

  void op(Code code, const std::vector<int> &inputs,
          const std::vector<int> &outputs,
          tflite::BuiltinOptions type = tflite::BuiltinOptions::NONE,
          flatbuffers::Offset<void> options = 0) {
    codes.push_back(tflite::CreateOperatorCode(
        builder, int8_t(std::min(int(code), 127)), 0, code));
    opOf(uint32_t(codes.size() - 1), inputs, outputs, type, options);
  }
  void custom(const std::string &name, const std::vector<int> &inputs,
              const std::vector<int> &outputs) {
    auto label = builder.CreateString(name);
    codes.push_back(
        tflite::CreateOperatorCode(builder, 32, label, Code::CUSTOM));
    opOf(uint32_t(codes.size() - 1), inputs, outputs,
         tflite::BuiltinOptions::NONE, 0);
  }
  void opOf(uint32_t code, const std::vector<int> &inputs,
            const std::vector<int> &outputs,
            tflite::BuiltinOptions type = tflite::BuiltinOptions::NONE,
            flatbuffers::Offset<void> options = 0) {
    auto from = builder.CreateVector(inputs),
         to = builder.CreateVector(outputs);
    operators.push_back(
        tflite::CreateOperator(builder, code, from, to, type, options));
  }

  /// The file's bytes. The writer is used up.
  std::string finish(const std::vector<int> &inputs,
                     const std::vector<int> &outputs, size_t subgraphs = 1,
                     uint32_t version = 3) {
    std::vector<flatbuffers::Offset<tflite::SubGraph>> graphs;
    auto all = builder.CreateVector(tensors);
    auto steps = builder.CreateVector(operators);
    auto from = builder.CreateVector(inputs),
         to = builder.CreateVector(outputs);
    for (size_t i = 0; i < subgraphs; ++i)
      graphs.push_back(
          tflite::CreateSubGraph(builder, all, from, to, steps, 0));
    auto model = tflite::CreateModel(
        builder, version, builder.CreateVector(codes),
        builder.CreateVector(graphs), 0, builder.CreateVector(buffers));
    tflite::FinishModelBuffer(builder, model);
    return {reinterpret_cast<const char *>(builder.GetBufferPointer()),
            builder.GetSize()};
  }

private:
  std::vector<flatbuffers::Offset<tflite::Buffer>> buffers;
  std::vector<flatbuffers::Offset<tflite::Tensor>> tensors;
  std::vector<flatbuffers::Offset<tflite::Operator>> operators;
  std::vector<flatbuffers::Offset<tflite::OperatorCode>> codes;
};

/// A layer of 3 inputs and 2 outputs with a fused relu and a softmax.
inline std::string tfliteDense() {
  using W = TfliteWriter;
  W w;
  int x = w.tensor("x", W::Type::FLOAT32, {1, 3});
  int weights = w.tensor("weights", W::Type::FLOAT32, {2, 3},
                         W::holding(W::bytes<float>({1, 2, 3, 4, 5, 6})));
  int bias = w.tensor("bias", W::Type::FLOAT32, {2},
                      W::holding(W::bytes<float>({0.5f, -1})));
  int h = w.tensor("layer/MatMul;layer/Relu", W::Type::FLOAT32, {1, 2});
  int y = w.tensor("y", W::Type::FLOAT32, {1, 2});
  w.op(W::Code::FULLY_CONNECTED, {x, weights, bias}, {h},
       tflite::BuiltinOptions::FullyConnectedOptions,
       tflite::CreateFullyConnectedOptions(w.builder,
                                           tflite::ActivationFunctionType::RELU)
           .Union());
  w.op(W::Code::SOFTMAX, {h}, {y}, tflite::BuiltinOptions::SoftmaxOptions,
       tflite::CreateSoftmaxOptions(w.builder, 1.0f).Union());
  return w.finish({x}, {y});
}

/// The same in 8 bits, its weights in 4, with integers as input and output.
inline std::string tfliteQuantized() {
  using W = TfliteWriter;
  W w;
  int x = w.tensor("x", W::Type::INT8, {1, 3}, W::scaled(0.5f, -1));
  W::Extra channels = W::holding({0x21, 0xF3, 0x8E});
  channels.scales = {0.5f, 0.25f};
  channels.zeros = {0, 0};
  int weights = w.tensor("weights", W::Type::INT4, {2, 3}, channels);
  int bias = w.tensor("bias", W::Type::INT32, {2},
                      W::holding(W::bytes<int32_t>({4, -8})));
  int h = w.tensor("h", W::Type::INT8, {1, 2}, W::scaled(0.25f, -128));
  int y = w.tensor("y", W::Type::UINT8, {1, 2}, W::scaled(0.25f, 0));
  w.op(W::Code::FULLY_CONNECTED, {x, weights, bias}, {h},
       tflite::BuiltinOptions::FullyConnectedOptions,
       tflite::CreateFullyConnectedOptions(
           w.builder, tflite::ActivationFunctionType::RELU6)
           .Union());
  w.op(W::Code::QUANTIZE, {h}, {y});
  return w.finish({x}, {y});
}

/// Shapes: a reshape of several rows, a strided slice, parts and a join.
inline std::string tfliteShapes() {
  using W = TfliteWriter;
  W w;
  auto ints = [&](const std::string &name, const std::vector<int32_t> &values) {
    return w.tensor(name, W::Type::INT32, {int(values.size())},
                    W::holding(W::bytes(values)));
  };
  int x = w.tensor("x", W::Type::FLOAT32, {1, 6});
  int shape = ints("shape", {3, 2});
  int rows = w.tensor("rows", W::Type::FLOAT32, {3, 2});
  int weights = w.tensor(
      "weights", W::Type::FLOAT16, {2, 2},
      W::holding(W::bytes<uint16_t>({0x3C00, 0x4000, 0xBC00, 0x3800})));
  int wide = w.tensor("wide", W::Type::FLOAT32, {2, 2});
  int product = w.tensor("product", W::Type::FLOAT32, {3, 2});
  int back = ints("back", {1, 6});
  int flat = w.tensor("flat", W::Type::FLOAT32, {1, 6});
  int begin = ints("begin", {0, -1}), end = ints("end", {0, 0}),
      strides = ints("strides", {1, -2}), axis = ints("axis", {1});
  int cut = w.tensor("cut", W::Type::FLOAT32, {1, 3});
  int low = w.tensor("low", W::Type::FLOAT32, {1, 3}),
      high = w.tensor("high", W::Type::FLOAT32, {1, 3});
  int y = w.tensor("y", W::Type::FLOAT32, {1, 6});
  w.op(W::Code::RESHAPE, {x, shape}, {rows});
  w.op(W::Code::DEQUANTIZE, {weights}, {wide});
  w.op(W::Code::FULLY_CONNECTED, {rows, wide, -1}, {product});
  w.op(W::Code::RESHAPE, {product, back}, {flat});
  w.op(W::Code::STRIDED_SLICE, {flat, begin, end, strides}, {cut},
       tflite::BuiltinOptions::StridedSliceOptions,
       tflite::CreateStridedSliceOptions(w.builder, 1, 3).Union());
  w.op(W::Code::SPLIT, {axis, flat}, {low, high});
  w.op(W::Code::CONCATENATION, {cut, high}, {y},
       tflite::BuiltinOptions::ConcatenationOptions,
       tflite::CreateConcatenationOptions(w.builder, 1).Union());
  return w.finish({x}, {y, low});
}

} // namespace quantc::test

#endif // QUANTC_TEST_IMPORT_TFLITEWRITER_H
