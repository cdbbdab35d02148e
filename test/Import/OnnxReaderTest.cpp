//===- OnnxReaderTest.cpp - What a file may say, and what it may not ------===//
//
// Breaks when a tensor's bytes are misread, when a file that contradicts itself
// is accepted, or when external data is read from outside the model's folder.
//
//===----------------------------------------------------------------------===//

#include "ModelWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir::qnet::onnx;
using namespace quantc::test;

namespace {

/// The model, or its error.
struct Reading {
  std::unique_ptr<OnnxModel> model;
  std::string error;
};

Reading finish(llvm::Expected<std::unique_ptr<OnnxModel>> model) {
  if (model)
    return {std::move(*model), ""};
  return {nullptr, llvm::toString(model.takeError())};
}

Reading read(const std::string &bytes, llvm::StringRef folder = "") {
  return finish(
      readOnnxModel(llvm::MemoryBuffer::getMemBufferCopy(bytes), folder));
}

/// A graph of one Identity over `initializer` 't'.
Graph identityOf(const Message &initializer) {
  Graph graph;
  graph.initializers = {initializer};
  graph.nodes = {node("Identity", {"t"}, {"y"})};
  graph.outputs = {value("y", DataType::Float, {})};
  return graph;
}

Reading readTensor(const Message &initializer, llvm::StringRef folder = "") {
  return read(model(identityOf(initializer)), folder);
}

template <typename T> std::vector<T> elements(const Reading &reading) {
  EXPECT_EQ(reading.error, "");
  if (!reading.model)
    return {};
  const OnnxTensor &tensor = reading.model->graph.initializers.front();
  EXPECT_EQ(tensor.bytes.size(), size_t(tensor.numElements) * sizeof(T));
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty())
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

#define EXPECT_ERROR(reading, text)                                            \
  do {                                                                         \
    Reading result = (reading);                                                \
    EXPECT_FALSE(result.model);                                                \
    EXPECT_NE(result.error.find(text), std::string::npos) << result.error;     \
  } while (false)

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

TEST(OnnxTensor, RawData) {
  EXPECT_EQ(elements<float>(readTensor(rawTensor("t", DataType::Float, {2, 1},
                                                 raw<float>({1.5f, -2})))),
            (std::vector<float>{1.5f, -2}));
  EXPECT_EQ(elements<int64_t>(readTensor(rawTensor(
                "t", DataType::Int64, {2}, raw<int64_t>({INT64_MIN, 7})))),
            (std::vector<int64_t>{INT64_MIN, 7}));
  // A scalar has one element, a size of 0 none.
  EXPECT_EQ(elements<uint8_t>(readTensor(
                rawTensor("t", DataType::UInt8, {}, std::string(1, '\xff')))),
            (std::vector<uint8_t>{255}));
  EXPECT_TRUE(
      elements<float>(readTensor(rawTensor("t", DataType::Float, {0, 5}, "")))
          .empty());
}

TEST(OnnxTensor, Strings) {
  Reading reading = readTensor(
      tensorProto("t", DataType::String, {2}).text(6, "a").text(6, ""));
  ASSERT_EQ(reading.error, "");
  const OnnxTensor &words = reading.model->graph.initializers.front();
  EXPECT_EQ(words.strings, (std::vector<llvm::StringRef>{"a", ""}));
  EXPECT_TRUE(words.bytes.empty());
  EXPECT_ERROR(readTensor(tensorProto("t", DataType::String, {2}).text(6, "a")),
               "holds 1 strings where its shape needs 2");
  EXPECT_ERROR(readTensor(rawTensor("t", DataType::String, {1}, "a")),
               "holds 0 strings where its shape needs 1");
}

TEST(OnnxTensor, TypedFields) {
  EXPECT_EQ(elements<float>(readTensor(
                tensorProto("t", DataType::Float, {3}).floats(4, {1, 2, 3}))),
            (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(
      elements<double>(readTensor(
          tensorProto("t", DataType::Double, {2}).doubles(10, {0.1, -1e300}))),
      (std::vector<double>{0.1, -1e300}));
  EXPECT_EQ(
      elements<int8_t>(readTensor(
          tensorProto("t", DataType::Int8, {2}).integers(5, {-128, 127}))),
      (std::vector<int8_t>{-128, 127}));
  EXPECT_EQ(
      elements<uint16_t>(readTensor(tensorProto("t", DataType::Float16, {2})
                                        .integers(5, {0x3E00, 0xC000}))),
      (std::vector<uint16_t>{0x3E00, 0xC000}));
  EXPECT_EQ(
      elements<int64_t>(readTensor(tensorProto("t", DataType::Int64, {2})
                                       .integers(7, {INT64_MIN, INT64_MAX}))),
      (std::vector<int64_t>{INT64_MIN, INT64_MAX}));
  EXPECT_EQ(
      elements<uint32_t>(readTensor(
          tensorProto("t", DataType::UInt32, {1}).integers(11, {4294967295}))),
      (std::vector<uint32_t>{4294967295}));
  // Unpacked fields are allowed too.
  EXPECT_EQ(
      elements<float>(readTensor(
          tensorProto("t", DataType::Float, {2}).number(4, 1).number(4, 2))),
      (std::vector<float>{1, 2}));
}

TEST(OnnxTensor, FourBitValuesAreWidened) {
  // Two to a byte, the first in the low half; the last half of an odd count is
  // padding.
  EXPECT_EQ(elements<int8_t>(
                readTensor(rawTensor("t", DataType::Int4, {3}, "\x8F\x07"))),
            (std::vector<int8_t>{-1, -8, 7}));
  EXPECT_EQ(elements<uint8_t>(
                readTensor(rawTensor("t", DataType::UInt4, {3}, "\x8F\x07"))),
            (std::vector<uint8_t>{15, 8, 7}));
  EXPECT_EQ(elements<int8_t>(readTensor(
                tensorProto("t", DataType::Int4, {3}).integers(5, {0x8F, 7}))),
            (std::vector<int8_t>{-1, -8, 7}));
}

TEST(OnnxTensor, SizesMustAgree) {
  EXPECT_ERROR(readTensor(rawTensor("t", DataType::Float, {3}, "12345678")),
               "initializer 't': raw_data holds 8 bytes where its shape and "
               "type (FLOAT) need 12");
  EXPECT_ERROR(readTensor(rawTensor("t", DataType::Int4, {3}, "1")),
               "raw_data holds 1 bytes");
  EXPECT_ERROR(
      readTensor(tensorProto("t", DataType::Float, {3}).floats(4, {1, 2})),
      "holds 2 values where its shape needs 3");
  EXPECT_ERROR(
      readTensor(tensorProto("t", DataType::Float, {1}).floats(4, {1, 2})),
      "holds 2 values where its shape needs 1");
  EXPECT_ERROR(
      readTensor(tensorProto("t", DataType::Int8, {1}).integers(7, {1})),
      "holds 0 values");
  EXPECT_ERROR(
      readTensor(tensorProto("t", DataType::Int8, {1}).integers(5, {200})),
      "value 200 does not fit INT8");
  EXPECT_ERROR(
      readTensor(tensorProto("t", DataType::Bool, {1}).integers(5, {2})),
      "value 2 does not fit BOOL");
}

TEST(OnnxTensor, ShapesMustBePossible) {
  const char *impossible = "is impossible";
  EXPECT_ERROR(readTensor(rawTensor("t", DataType::Float, {-1}, "")),
               impossible);
  EXPECT_ERROR(readTensor(rawTensor("t", DataType::Float, {65536, 65536}, "")),
               impossible);
  EXPECT_ERROR(
      readTensor(rawTensor("t", DataType::Float, {INT64_MAX, INT64_MAX}, "")),
      impossible);
  // The product of the others counts even beside a 0.
  EXPECT_ERROR(
      readTensor(rawTensor("t", DataType::Float, {0, INT64_MAX, 2}, "")),
      impossible);
  EXPECT_ERROR(readTensor(rawTensor("t", DataType::Float,
                                    std::vector<int64_t>(33, 1), "1234")),
               "more than 32 dimensions");
  // Large, possible, and not there: an error, not an allocation.
  EXPECT_ERROR(readTensor(tensorProto("t", DataType::Double, {2147483647})),
               "holds 0 values");
}

TEST(OnnxTensor, UnknownKinds) {
  EXPECT_ERROR(readTensor(tensorProto("t", DataType::Undefined, {1})),
               "has no element type");
  EXPECT_ERROR(readTensor(rawTensor("t", DataType::Float, {1}, "1234")
                              .message(3, Message().integer(1, 0))),
               "stored in segments");
  // Types that have no numbers are left to whoever uses the tensor.
  EXPECT_TRUE(
      readTensor(tensorProto("t", DataType::String, {1}).text(6, "a")).model);
  EXPECT_TRUE(readTensor(tensorProto("t", DataType(77), {1})).model);
}

//===----------------------------------------------------------------------===//
// External data
//===----------------------------------------------------------------------===//

/// A folder with a data file, a folder outside, and links between them.
class ExternalDataTest : public ::testing::Test {
protected:
  void SetUp() override {
    llvm::SmallString<128> unique;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("quantc-import", unique));
    root = unique.str().str();
    ASSERT_FALSE(llvm::sys::fs::create_directory(root + "/model"));
    ASSERT_FALSE(llvm::sys::fs::create_directory(root + "/model/sub"));
    ASSERT_FALSE(llvm::sys::fs::create_directory(root + "/model2"));
    write("model/w.bin", raw<float>({9, 1, 2}));
    write("model/sub/w.bin", raw<float>({3, 4}));
    write("secret.bin", raw<float>({5, 6}));
    write("model2/w.bin", raw<float>({7, 8}));
    ASSERT_EQ(symlink((root + "/secret.bin").c_str(),
                      (root + "/model/link.bin").c_str()),
              0);
    ASSERT_EQ(
        symlink((root + "/model2").c_str(), (root + "/model/linked").c_str()),
        0);
    ASSERT_EQ(mkfifo((root + "/model/pipe").c_str(), 0600), 0);
  }
  void TearDown() override {
    EXPECT_FALSE(llvm::sys::fs::remove_directories(root));
  }

  void write(const std::string &name, const std::string &bytes) {
    std::error_code error;
    llvm::raw_fd_ostream stream(root + "/" + name, error);
    ASSERT_FALSE(error);
    stream << bytes;
  }

  static Message entry(const std::string &key, const std::string &value) {
    return Message().text(1, key).text(2, value);
  }

  /// Two floats at `location`.
  Reading readFrom(const std::string &location,
                   std::initializer_list<Message> more = {}) {
    Message message = tensorProto("t", DataType::Float, {2}).integer(14, 1);
    message.message(13, entry("location", location));
    for (const Message &one : more)
      message.message(13, one);
    return readTensor(message, root + "/model");
  }

  std::string root;
};

TEST_F(ExternalDataTest, IsReadFromTheFolder) {
  EXPECT_EQ(elements<float>(readFrom(
                "w.bin", {entry("offset", "4"), entry("length", "8")})),
            (std::vector<float>{1, 2}));
  EXPECT_EQ(elements<float>(readFrom("w.bin", {entry("offset", "4")})),
            (std::vector<float>{1, 2}));
  EXPECT_EQ(elements<float>(readFrom("./sub/w.bin")),
            (std::vector<float>{3, 4}));
}

TEST_F(ExternalDataTest, StaysInTheFolder) {
  EXPECT_ERROR(readFrom("../secret.bin"), "leaves the model's folder");
  EXPECT_ERROR(readFrom("sub/../../secret.bin"), "leaves the model's folder");
  EXPECT_ERROR(readFrom(root + "/secret.bin"), "is not a plain relative path");
  EXPECT_ERROR(readFrom("..\\secret.bin"), "is not a plain relative path");
  EXPECT_ERROR(readFrom("link.bin"), "is a link out of the model's folder");
  // model2 starts with the folder's name, but is another one.
  EXPECT_ERROR(readFrom("linked/w.bin"), "is a link out of the model's folder");
  EXPECT_ERROR(readFrom(std::string("w.bin\0x", 7)),
               "is not a plain relative path");
}

TEST_F(ExternalDataTest, MustBeThere) {
  EXPECT_ERROR(readFrom("none.bin"), "does not exist beside the model");
  EXPECT_ERROR(readFrom("sub"), "is not a regular file");
  EXPECT_ERROR(readFrom("pipe"), "is not a regular file");
  EXPECT_ERROR(readFrom(""), "without a location");
  EXPECT_ERROR(readFrom("w.bin", {entry("offset", "8")}),
               "external data holds 4 bytes");
  EXPECT_ERROR(readFrom("w.bin", {entry("offset", "13")}),
               "reaches past the end of 'w.bin'");
  EXPECT_ERROR(readFrom("w.bin", {entry("offset", "18446744073709551615"),
                                  entry("length", "8")}),
               "reaches past the end of 'w.bin'");
  EXPECT_ERROR(readFrom("w.bin", {entry("offset", "-4")}),
               "is not a whole number");
  EXPECT_ERROR(readFrom("w.bin", {entry("length", "4")}), "holds 4 bytes");
  EXPECT_ERROR(readTensor(tensorProto("t", DataType::Float, {2})
                              .integer(14, 1)
                              .message(13, entry("location", "w.bin"))),
               "the model is not in a folder");
}

//===----------------------------------------------------------------------===//
// Models and graphs
//===----------------------------------------------------------------------===//

Graph twoNodes() {
  Graph graph;
  graph.inputs = {value("x", DataType::Float, {-1, 2})};
  graph.outputs = {value("y", DataType::Float, {-1, 2})};
  graph.nodes = {node("Relu", {"x"}, {"t"}), node("Neg", {"t"}, {"y"})};
  return graph;
}

TEST(OnnxFile, MustBeAModel) {
  EXPECT_ERROR(read(""), "the file is empty");
  EXPECT_ERROR(read("GIF89a, surely no model"), "not ");
  EXPECT_ERROR(read(Message().integer(1, 8).bytes), "it has no graph");
  EXPECT_ERROR(read(Message().message(7, twoNodes().message()).bytes),
               "it has no ir_version");
  EXPECT_ERROR(
      read(Message().integer(1, 8).message(7, twoNodes().message()).bytes),
      "names no opset");
  EXPECT_ERROR(read(model(twoNodes()) + model(twoNodes())), "two graphs");
  EXPECT_ERROR(read(Message()
                        .integer(1, 8)
                        .message(7, twoNodes().message())
                        .message(8, Message().text(1, "").integer(2, 13))
                        .message(8, Message().text(1, "ai.onnx").integer(2, 9))
                        .bytes),
               "two opsets of domain 'ai.onnx'");
}

TEST(OnnxFile, MustBeARegularFile) {
  EXPECT_ERROR(finish(readOnnxModel("/no/such/file.onnx")), "cannot be opened");
  EXPECT_ERROR(finish(readOnnxModel("/dev/zero")), "is not a regular file");
  EXPECT_ERROR(finish(readOnnxModel("/")), "is not a regular file");
}

TEST(OnnxFile, EveryTruncationIsAnErrorOrAModel) {
  std::string whole = model(twoNodes());
  ASSERT_TRUE(read(whole).model);
  for (size_t length = 0; length < whole.size(); ++length) {
    Reading part = read(whole.substr(0, length));
    EXPECT_NE(part.model != nullptr, !part.error.empty()) << length;
    // Only whole trailing fields may be missing: here the opset comes last.
    EXPECT_FALSE(part.model) << length;
  }
}

TEST(OnnxGraph, NamesAreDefinedOnce) {
  Graph graph = twoNodes();
  graph.inputs.push_back(graph.inputs.front());
  EXPECT_ERROR(read(model(graph)), "graph input 'x' is declared twice");

  graph = twoNodes();
  graph.initializers = {rawTensor("w", DataType::UInt8, {}, "1"),
                        rawTensor("w", DataType::UInt8, {}, "1")};
  EXPECT_ERROR(read(model(graph)), "initializer 'w' is defined twice");

  graph = twoNodes();
  graph.initializers = {rawTensor("t", DataType::UInt8, {}, "1")};
  EXPECT_ERROR(read(model(graph)),
               "node 'Relu_node' (Relu): output 't' is defined twice; a graph "
               "input or an initializer has that name already");

  graph = twoNodes();
  graph.outputs.push_back(graph.outputs.front());
  EXPECT_ERROR(read(model(graph)), "graph output 'y' is declared twice");

  graph = twoNodes();
  graph.outputs.clear();
  EXPECT_ERROR(read(model(graph)), "the graph has no output");

  graph = twoNodes();
  graph.initializers = {rawTensor("", DataType::UInt8, {}, "1")};
  EXPECT_ERROR(read(model(graph)), "an initializer has no name");
}

TEST(OnnxGraph, NodesAreSorted) {
  Graph graph = twoNodes();
  std::swap(graph.nodes[0], graph.nodes[1]);
  Reading reading = read(model(graph));
  ASSERT_TRUE(reading.model) << reading.error;
  EXPECT_EQ(reading.model->graph.nodes[0].opType, "Relu");
  EXPECT_EQ(reading.model->graph.nodes[1].opType, "Neg");
}

TEST(OnnxGraph, CyclesAreNamed) {
  Graph graph = twoNodes();
  graph.nodes[0] = node("Add", {"x", "y"}, {"t"});
  EXPECT_ERROR(read(model(graph)), "depends on its own output (through ");
  graph.nodes[0] = node("Add", {"x", "t"}, {"t"});
  EXPECT_ERROR(read(model(graph)),
               "node 'Add_node' (Add): depends on its own output (through 't'");
}

TEST(OnnxGraph, SparseInitializersAreRefused) {
  Message graph = twoNodes().message();
  graph.message(15, Message());
  EXPECT_ERROR(read(model(graph)), "sparse initializer");
}

TEST(OnnxGraph, AttributesAgreeWithTheirType) {
  auto reading = [](const Message &attribute) {
    Graph graph = twoNodes();
    graph.nodes[0] = node("Relu", {"x"}, {"t"}, {attribute});
    return read(model(graph));
  };
  EXPECT_TRUE(reading(intAttribute("a", 3)).model);
  // An attribute with no type is what it holds; one with no value is empty.
  EXPECT_TRUE(reading(Message().text(1, "a").integer(3, 3)).model);
  EXPECT_TRUE(reading(Message().text(1, "a").integer(20, 7)).model);
  EXPECT_ERROR(reading(Message().text(1, "a").integer(3, 3).integer(20, 1)),
               "node 'Relu_node' (Relu): attribute 'a' holds another type");
  EXPECT_ERROR(reading(Message().text(1, "a").integer(20, 4)), "another type");
  EXPECT_ERROR(reading(Message().text(1, "a").text(21, "outer")),
               "refers to a function's attribute");
  EXPECT_ERROR(reading(tensorAttribute(
                   "a", rawTensor("", DataType::Float, {2}, "1234"))),
               "attribute 'a': raw_data holds 4 bytes");
  Graph graph = twoNodes();
  graph.nodes[0] =
      node("Relu", {"x"}, {"t"}, {intAttribute("a", 3), intAttribute("a", 4)});
  EXPECT_ERROR(read(model(graph)), "attribute 'a' is given twice");
}

TEST(OnnxGraph, NestedGraphsAreNotDescendedInto) {
  // Deeper than any stack would bear.
  Message inner;
  for (int depth = 0; depth < 10000; ++depth) {
    Message attribute;
    attribute.text(1, "b").message(6, inner).integer(20, 5);
    Message one;
    one.text(4, "If").message(5, attribute);
    inner = Message().message(1, one);
  }
  Graph graph = twoNodes();
  graph.nodes[0] =
      node("If", {"x"}, {"t"},
           {Message().text(1, "body").message(6, inner).integer(20, 5)});
  EXPECT_TRUE(read(model(graph)).model);
}

TEST(OnnxGraph, NamesInMessagesAreHarmless) {
  Graph graph = twoNodes();
  graph.nodes[1] =
      node("Neg", {std::string("\x1b[31m\n") + std::string(5000, 'a')}, {"y"});
  Reading reading = read(model(graph));
  EXPECT_EQ(reading.error.find('\x1b'), std::string::npos);
  EXPECT_EQ(reading.error.find('\n'), std::string::npos);
  EXPECT_LT(reading.error.size(), 500u);
}

} // namespace
