//===- ModelWriter.h - ONNX messages, sound or broken, for tests -*- C++
//-*-===//
//
// Writes the messages of onnx.proto field by field, so that a test can leave
// out, repeat or contradict whatever it wants. Field numbers as in onnx.proto.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_TEST_IMPORT_MODELWRITER_H
#define QUANTC_TEST_IMPORT_MODELWRITER_H

#include "quantc/Import/OnnxModel.h"
#include <cstring>
#include <initializer_list>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

namespace quantc::test {

using mlir::qnet::onnx::DataType;

/// A message under construction.
class Message {
public:
  Message &integer(uint32_t field, int64_t value) {
    protozero::pbf_writer(bytes).add_int64(field, value);
    return *this;
  }
  Message &text(uint32_t field, const std::string &value) {
    protozero::pbf_writer(bytes).add_string(field, value);
    return *this;
  }
  Message &message(uint32_t field, const Message &value) {
    protozero::pbf_writer(bytes).add_message(field, value.bytes);
    return *this;
  }
  Message &number(uint32_t field, float value) {
    protozero::pbf_writer(bytes).add_float(field, value);
    return *this;
  }
  Message &integers(uint32_t field, const std::vector<int64_t> &values) {
    protozero::pbf_writer(bytes).add_packed_int64(field, values.begin(),
                                                  values.end());
    return *this;
  }
  Message &floats(uint32_t field, const std::vector<float> &values) {
    protozero::pbf_writer(bytes).add_packed_float(field, values.begin(),
                                                  values.end());
    return *this;
  }
  Message &doubles(uint32_t field, const std::vector<double> &values) {
    protozero::pbf_writer(bytes).add_packed_double(field, values.begin(),
                                                   values.end());
    return *this;
  }

  std::string bytes;
};

/// The bytes of numbers as raw_data holds them.
template <typename T> std::string raw(const std::vector<T> &values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty())
    std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// TensorProto's head: name, element type, dimensions.
inline Message tensorProto(const std::string &name, DataType type,
                           const std::vector<int64_t> &dims) {
  Message message;
  for (int64_t dim : dims)
    message.integer(1, dim);
  message.integer(2, int32_t(type));
  message.text(8, name);
  return message;
}

inline Message rawTensor(const std::string &name, DataType type,
                         const std::vector<int64_t> &dims,
                         const std::string &data) {
  return tensorProto(name, type, dims).text(9, data);
}

/// ValueInfoProto of a tensor; a negative size is the symbol "N".
inline Message value(const std::string &name, DataType type,
                     const std::vector<int64_t> &dims) {
  Message shape;
  for (int64_t dim : dims)
    shape.message(1,
                  dim < 0 ? Message().text(2, "N") : Message().integer(1, dim));
  Message tensorType;
  tensorType.integer(1, int32_t(type)).message(2, shape);
  return Message().text(1, name).message(2, Message().message(1, tensorType));
}

inline Message node(const std::string &op,
                    std::initializer_list<std::string> inputs,
                    std::initializer_list<std::string> outputs,
                    std::initializer_list<Message> attributes = {}) {
  Message message;
  for (const std::string &input : inputs)
    message.text(1, input);
  for (const std::string &output : outputs)
    message.text(2, output);
  message.text(3, op + "_node").text(4, op);
  for (const Message &attribute : attributes)
    message.message(5, attribute);
  return message;
}

inline Message intAttribute(const std::string &name, int64_t value) {
  return Message().text(1, name).integer(3, value).integer(20, 2);
}

inline Message floatAttribute(const std::string &name, float value) {
  return Message().text(1, name).number(2, value).integer(20, 1);
}

inline Message intsAttribute(const std::string &name,
                             const std::vector<int64_t> &values) {
  return Message().text(1, name).integers(8, values).integer(20, 7);
}

inline Message tensorAttribute(const std::string &name, const Message &value) {
  return Message().text(1, name).message(5, value).integer(20, 4);
}

/// GraphProto from its parts.
struct Graph {
  std::vector<Message> nodes, initializers, inputs, outputs;

  Message message() const {
    Message result;
    for (const Message &one : nodes)
      result.message(1, one);
    result.text(2, "g");
    for (const Message &one : initializers)
      result.message(5, one);
    for (const Message &one : inputs)
      result.message(11, one);
    for (const Message &one : outputs)
      result.message(12, one);
    return result;
  }
};

/// ModelProto around a graph.
inline std::string model(const Message &graph, int64_t opset = 13) {
  return Message()
      .integer(1, 8)
      .text(2, "test")
      .message(7, graph)
      .message(8, Message().text(1, "").integer(2, opset))
      .bytes;
}

inline std::string model(const Graph &graph, int64_t opset = 13) {
  return model(graph.message(), opset);
}

} // namespace quantc::test

#endif // QUANTC_TEST_IMPORT_MODELWRITER_H
