//===- OnnxReader.cpp - An ONNX file to OnnxModel -------------------------===//
//
// Walks the protobuf messages of onnx.proto over the mapped file. The wire type
// of every field is checked before it is read (protozero asserts it), nothing
// recurses deeper than the messages named here, and every exception ends in
// readOnnxModel.
//
//===----------------------------------------------------------------------===//

#include "OnnxParts.h"

#include "quantc/Import/LibsvmModel.h"
#include "quantc/Import/TfliteModel.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <bit>

using namespace mlir::qnet::onnx;
using llvm::StringRef;
using protozero::pbf_reader;
using protozero::pbf_wire_type;

namespace {
constexpr pbf_wire_type kLength = pbf_wire_type::length_delimited;
constexpr pbf_wire_type kVarint = pbf_wire_type::varint;
constexpr pbf_wire_type kFixed32 = pbf_wire_type::fixed32;

constexpr uint32_t field(uint32_t number, pbf_wire_type type) {
  return protozero::tag_and_type(number, type);
}

/// protobuf's own limit on a message.
constexpr uint64_t kMaxFileBytes = uint64_t(1) << 31;

/// Far above what any op has; keeps the search for doubles short.
constexpr size_t kMaxAttributes = 256;

StringRef view(pbf_reader &message) {
  protozero::data_view data = message.get_view();
  return StringRef(data.data(), data.size());
}

/// "ai.onnx" is another spelling of the default domain.
StringRef canonicalDomain(StringRef domain) {
  return domain == "ai.onnx" ? StringRef() : domain;
}

class ModelReader {
public:
  ModelReader(OnnxModel &model, StringRef folder)
      : model(model), external(folder, model.files) {}

  void read(StringRef bytes);

private:
  void readOpset(pbf_reader message);
  void readMetadata(pbf_reader message);
  void readFunction(pbf_reader message);
  void readGraph(pbf_reader message);
  OnnxNode readNode(pbf_reader message);
  OnnxAttribute readAttribute(pbf_reader message, const std::string &node);
  OnnxValueInfo readValueInfo(pbf_reader message);
  void readType(pbf_reader message, OnnxValueInfo &info);
  void readTensorType(pbf_reader message, OnnxValueInfo &info);
  OnnxDim readDim(pbf_reader message);

  OnnxModel &model;
  ExternalData external;
};

void ModelReader::read(StringRef bytes) {
  pbf_reader message(bytes.data(), bytes.size());
  // Merging two graphs as protobuf would is never what a writer meant.
  std::optional<pbf_reader> graph;
  while (message.next())
    switch (message.tag_and_type()) {
    case field(1, kVarint):
      model.irVersion = message.get_int64();
      break;
    case field(2, kLength):
      model.producer = view(message);
      break;
    case field(7, kLength):
      if (graph)
        throw MalformedModel{"the file holds two graphs; it is damaged"};
      graph = message.get_message();
      break;
    case field(8, kLength):
      readOpset(message.get_message());
      break;
    case field(14, kLength):
      readMetadata(message.get_message());
      break;
    case field(25, kLength):
      readFunction(message.get_message());
      break;
    default:
      message.skip();
    }
  if (!graph || model.irVersion < 1)
    throw MalformedModel{
        "not an ONNX model: it has no " +
        std::string(graph ? "ir_version" : "graph") +
        "; export it again (the onnx package's onnx.save writes one)"};
  // Before IR version 3 there were no opset imports, and one opset.
  if (model.opsets.empty()) {
    if (model.irVersion >= 3)
      throw MalformedModel{"the model names no opset (opset_import is empty); "
                           "export it again"};
    model.opsets[""] = 1;
  }
  readGraph(*graph);
}

void ModelReader::readOpset(pbf_reader message) {
  StringRef domain;
  int64_t version = 0;
  while (message.next())
    switch (message.tag_and_type()) {
    case field(1, kLength):
      domain = canonicalDomain(view(message));
      break;
    case field(2, kVarint):
      version = message.get_int64();
      break;
    default:
      message.skip();
    }
  auto [it, inserted] = model.opsets.try_emplace(domain, version);
  if (!inserted && it->second != version)
    throw MalformedModel{"the model imports two opsets of domain " +
                         quoted(domain.empty() ? "ai.onnx" : domain) + ": " +
                         std::to_string(it->second) + " and " +
                         std::to_string(version)};
}

void ModelReader::readMetadata(pbf_reader message) {
  StringRef key, value;
  while (message.next())
    switch (message.tag_and_type()) {
    case field(1, kLength):
      key = view(message);
      break;
    case field(2, kLength):
      value = view(message);
      break;
    default:
      message.skip();
    }
  if (key == "quantc.columns")
    model.columnNames = value;
}

void ModelReader::readFunction(pbf_reader message) {
  StringRef name, domain;
  while (message.next())
    switch (message.tag_and_type()) {
    case field(1, kLength):
      name = view(message);
      break;
    case field(10, kLength):
      domain = view(message);
      break;
    default:
      message.skip();
    }
  model.functions.push_back((domain + "." + name).str());
}

void ModelReader::readGraph(pbf_reader message) {
  OnnxGraph &graph = model.graph;
  while (message.next())
    switch (message.tag_and_type()) {
    case field(1, kLength):
      graph.nodes.push_back(readNode(message.get_message()));
      break;
    case field(2, kLength):
      graph.name = view(message);
      break;
    case field(5, kLength):
      graph.initializers.push_back(
          readTensor(message.get_message(), external, "initializer"));
      break;
    case field(11, kLength):
      graph.inputs.push_back(readValueInfo(message.get_message()));
      break;
    case field(12, kLength):
      graph.outputs.push_back(readValueInfo(message.get_message()));
      break;
    case field(13, kLength):
      graph.valueInfos.push_back(readValueInfo(message.get_message()));
      break;
    case field(15, kLength):
      throw MalformedModel{"the model has a sparse initializer, which is not "
                           "supported; store the tensor dense (quantc prunes "
                           "and skips zeros itself)"};
    default:
      message.skip();
    }
}

OnnxNode ModelReader::readNode(pbf_reader message) {
  OnnxNode node;
  std::vector<pbf_reader> attributes;
  while (message.next())
    switch (message.tag_and_type()) {
    case field(1, kLength):
      node.inputs.push_back(view(message));
      break;
    case field(2, kLength):
      node.outputs.push_back(view(message));
      break;
    case field(3, kLength):
      node.name = view(message);
      break;
    case field(4, kLength):
      node.opType = view(message);
      break;
    case field(5, kLength):
      attributes.push_back(message.get_message());
      break;
    case field(7, kLength):
      node.domain = canonicalDomain(view(message));
      break;
    default:
      message.skip();
    }
  // The attributes wait until the node has its name for the messages.
  std::string label = node.describe();
  if (attributes.size() > kMaxAttributes)
    throw MalformedModel{label + ": has " + std::to_string(attributes.size()) +
                         " attributes; no op has that many, the file is "
                         "damaged"};
  for (const pbf_reader &attribute : attributes) {
    OnnxAttribute read = readAttribute(attribute, label);
    if (node.attribute(read.name))
      throw MalformedModel{label + ": attribute " + quoted(read.name) +
                           " is given twice"};
    node.attributes.push_back(std::move(read));
  }
  return node;
}

OnnxAttribute ModelReader::readAttribute(pbf_reader message,
                                         const std::string &node) {
  OnnxAttribute result;
  std::optional<pbf_reader> tensor;
  AttributeKind seen = AttributeKind::Undefined;
  auto packed = [&](auto add) {
    StringRef bytes = view(message);
    const char *at = bytes.begin(), *end = bytes.end();
    while (at != end)
      add(at, end);
  };
  while (message.next()) {
    AttributeKind kind = AttributeKind::Undefined;
    switch (message.tag_and_type()) {
    case field(1, kLength):
      result.name = view(message);
      break;
    case field(20, kVarint):
      result.kind = AttributeKind(message.get_int32());
      break;
    case field(21, kLength):
      throw MalformedModel{node + ": attribute " + quoted(result.name) +
                           " refers to a function's attribute outside of a "
                           "function"};
    case field(2, kFixed32):
      kind = AttributeKind::Float;
      result.f = std::bit_cast<float>(message.get_fixed32());
      break;
    case field(3, kVarint):
      kind = AttributeKind::Int;
      result.i = message.get_int64();
      break;
    case field(4, kLength):
      kind = AttributeKind::String;
      result.s = view(message);
      break;
    case field(5, kLength):
      kind = AttributeKind::Tensor;
      tensor = message.get_message();
      break;
    case field(6, kLength):
      kind = AttributeKind::Graph;
      message.skip();
      break;
    case field(7, kFixed32):
      kind = AttributeKind::Floats;
      result.floats.push_back(std::bit_cast<float>(message.get_fixed32()));
      break;
    case field(7, kLength): {
      kind = AttributeKind::Floats;
      StringRef bytes = view(message);
      if (bytes.size() % sizeof(float) != 0)
        throw protozero::invalid_length_exception{};
      for (size_t i = 0; i < bytes.size(); i += sizeof(float)) {
        float value;
        std::memcpy(&value, bytes.data() + i, sizeof(float));
        result.floats.push_back(value);
      }
      break;
    }
    case field(8, kVarint):
      kind = AttributeKind::Ints;
      result.ints.push_back(message.get_int64());
      break;
    case field(8, kLength):
      kind = AttributeKind::Ints;
      packed([&](const char *&at, const char *end) {
        result.ints.push_back(int64_t(protozero::decode_varint(&at, end)));
      });
      break;
    case field(9, kLength):
      kind = AttributeKind::Strings;
      result.strings.push_back(view(message));
      break;
    case field(10, kLength):
      kind = AttributeKind::Tensors;
      message.skip();
      break;
    case field(11, kLength):
      kind = AttributeKind::Graphs;
      message.skip();
      break;
    case field(22, kLength):
      kind = AttributeKind::SparseTensor;
      message.skip();
      break;
    case field(23, kLength):
      kind = AttributeKind::SparseTensors;
      message.skip();
      break;
    case field(14, kLength):
      kind = AttributeKind::TypeProto;
      message.skip();
      break;
    case field(15, kLength):
      kind = AttributeKind::TypeProtos;
      message.skip();
      break;
    default:
      message.skip();
    }
    if (kind != AttributeKind::Undefined)
      seen = kind;
  }
  // Before IR version 2 the type was left to be read off the used field; an
  // empty list has no field at all.
  if (result.kind == AttributeKind::Undefined)
    result.kind = seen;
  bool listOrZero =
      seen == AttributeKind::Undefined && result.kind != AttributeKind::Tensor;
  if (result.kind != seen && !listOrZero)
    throw MalformedModel{node + ": attribute " + quoted(result.name) +
                         " holds another type than it says; the file is "
                         "damaged"};
  if (result.kind == AttributeKind::Tensor)
    result.tensor = std::make_shared<OnnxTensor>(readTensor(
        *tensor, external, node + ": attribute " + quoted(result.name)));
  return result;
}

OnnxValueInfo ModelReader::readValueInfo(pbf_reader message) {
  OnnxValueInfo info;
  while (message.next())
    switch (message.tag_and_type()) {
    case field(1, kLength):
      info.name = view(message);
      break;
    case field(2, kLength):
      readType(message.get_message(), info);
      break;
    default:
      message.skip();
    }
  if (info.shape && info.shape->size() > kMaxRank)
    throw MalformedModel{"value " + quoted(info.name) + ": more than " +
                         std::to_string(kMaxRank) + " dimensions"};
  if (!info.shape)
    return info;
  // Unknown sizes count as one: what is known must already be possible.
  llvm::SmallVector<int64_t, 4> known;
  for (const OnnxDim &dim : *info.shape)
    known.push_back(dim.size.value_or(1));
  if (!elementCount(known))
    throw MalformedModel{"value " + quoted(info.name) +
                         ": its shape is impossible: sizes must not be "
                         "negative and their product at most 2^31 - 1"};
  return info;
}

void ModelReader::readType(pbf_reader message, OnnxValueInfo &info) {
  while (message.next())
    switch (message.tag_and_type()) {
    case field(1, kLength):
      info.kind = "tensor";
      readTensorType(message.get_message(), info);
      break;
    case field(4, kLength):
      info.kind = "sequence";
      message.skip();
      break;
    case field(5, kLength):
      info.kind = "map";
      message.skip();
      break;
    case field(8, kLength):
      info.kind = "sparse tensor";
      message.skip();
      break;
    case field(9, kLength):
      info.kind = "optional";
      message.skip();
      break;
    default:
      message.skip();
    }
}

void ModelReader::readTensorType(pbf_reader message, OnnxValueInfo &info) {
  while (message.next())
    switch (message.tag_and_type()) {
    case field(1, kVarint):
      info.type = DataType(message.get_int32());
      break;
    case field(2, kLength): {
      info.shape.emplace();
      pbf_reader shape = message.get_message();
      while (shape.next(1, kLength))
        info.shape->push_back(readDim(shape.get_message()));
      break;
    }
    default:
      message.skip();
    }
}

OnnxDim ModelReader::readDim(pbf_reader message) {
  OnnxDim dim;
  while (message.next())
    switch (message.tag_and_type()) {
    case field(1, kVarint):
      dim.size = message.get_int64();
      // Old exporters write an unknown size as -1.
      if (*dim.size == -1)
        dim.size.reset();
      break;
    case field(2, kLength):
      dim.symbol = view(message);
      break;
    default:
      message.skip();
    }
  return dim;
}

llvm::Error unreadable(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}
} // namespace

std::string mlir::qnet::onnx::quoted(StringRef text) {
  constexpr size_t kLongest = 120; // bytes of a name that a message shows
  std::string result = "'";
  llvm::raw_string_ostream stream(result);
  llvm::printEscapedString(text.take_front(kLongest), stream);
  stream << (text.size() > kLongest ? "...'" : "'");
  return result;
}

StringRef OnnxNode::label() const {
  if (!name.empty())
    return name;
  for (StringRef output : outputs)
    if (!output.empty())
      return output;
  return "";
}

std::string OnnxNode::describe() const {
  std::string op = opType.empty() ? "no op type" : opType.take_front(80).str();
  if (!domain.empty())
    op = domain.take_front(80).str() + "." + op;
  std::string safe = quoted(op);
  return "node " + quoted(label()) + " (" + safe.substr(1, safe.size() - 2) +
         ")";
}

const OnnxAttribute *OnnxNode::attribute(StringRef wanted) const {
  for (const OnnxAttribute &attribute : attributes)
    if (attribute.name == wanted)
      return &attribute;
  return nullptr;
}

/// A model of another format, whose names are checked as ONNX's are.
static llvm::Expected<std::unique_ptr<OnnxModel>>
withCheckedGraph(llvm::Expected<std::unique_ptr<OnnxModel>> model) {
  if (!model)
    return model;
  try {
    checkAndSortGraph((*model)->graph);
  } catch (const MalformedModel &malformed) {
    return unreadable(malformed.message);
  } catch (const std::bad_alloc &) {
    return unreadable("not enough memory for the model's graph");
  }
  return model;
}

llvm::Expected<std::unique_ptr<OnnxModel>>
mlir::qnet::onnx::readOnnxModel(std::unique_ptr<llvm::MemoryBuffer> buffer,
                                StringRef folder) {
  if (buffer->getBufferSize() == 0)
    return unreadable("the file is empty");
  if (isTfliteModel(buffer->getBuffer()))
    return withCheckedGraph(readTfliteModel(std::move(buffer)));
  if (buffer->getBufferSize() > kMaxFileBytes)
    return unreadable("the file is larger than 2 GiB, the most that a protobuf "
                      "file can be; save the weights as external data");
  if (isLibsvmModel(buffer->getBuffer()))
    return readLibsvmModel(std::move(buffer));
  auto model = std::make_unique<OnnxModel>();
  StringRef bytes = buffer->getBuffer();
  model->files.push_back(std::move(buffer));
  try {
    ModelReader(*model, folder).read(bytes);
    checkAndSortGraph(model->graph);
  } catch (const MalformedModel &malformed) {
    return unreadable(malformed.message);
  } catch (const protozero::exception &exception) {
    return unreadable(llvm::Twine("not a readable ONNX file (") +
                      exception.what() +
                      "); it is cut short, damaged or of another format");
  } catch (const std::bad_alloc &) {
    return unreadable("not enough memory for the model's tensors");
  }
  return std::move(model);
}

llvm::Expected<std::unique_ptr<OnnxModel>>
mlir::qnet::onnx::readOnnxModel(StringRef path) {
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(path, status))
    return unreadable("cannot be opened: " + error.message());
  // A pipe or a device could block or never end.
  if (status.type() != llvm::sys::fs::file_type::regular_file)
    return unreadable("is not a regular file");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return unreadable("cannot be read: " + buffer.getError().message());
  StringRef folder = llvm::sys::path::parent_path(path);
  return readOnnxModel(std::move(*buffer), folder.empty() ? "." : folder);
}
