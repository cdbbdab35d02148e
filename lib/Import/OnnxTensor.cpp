//===- OnnxTensor.cpp - TensorProto to bytes ------------------------------===//
//
// A tensor's values come in raw_data, in one of five typed fields, or in a file
// beside the model. All end as one run of little-endian bytes whose length is
// proved from the shape before anything is allocated for it.
//
//===----------------------------------------------------------------------===//

#include "OnnxParts.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <bit>
#include <cstring>

using namespace mlir::qnet::onnx;
using llvm::StringRef;
using protozero::pbf_reader;
using protozero::pbf_wire_type;

static_assert(std::endian::native == std::endian::little,
              "raw_data is little-endian and is used in place");

namespace {
// Field numbers of TensorProto in onnx.proto.
constexpr uint32_t kDims = 1;
constexpr uint32_t kDataType = 2;
constexpr uint32_t kSegment = 3;
constexpr uint32_t kFloatData = 4;
constexpr uint32_t kInt32Data = 5;
constexpr uint32_t kStringData = 6;
constexpr uint32_t kInt64Data = 7;
constexpr uint32_t kName = 8;
constexpr uint32_t kRawData = 9;
constexpr uint32_t kDoubleData = 10;
constexpr uint32_t kUint64Data = 11;
constexpr uint32_t kExternalData = 13;
constexpr uint32_t kDataLocation = 14;

/// The typed field that onnx.proto prescribes for an element type.
uint32_t typedField(DataType type) {
  switch (type) {
  case DataType::Float:
    return kFloatData;
  case DataType::Double:
    return kDoubleData;
  case DataType::Int64:
    return kInt64Data;
  case DataType::UInt32:
  case DataType::UInt64:
    return kUint64Data;
  default:
    return kInt32Data;
  }
}

bool isFourBit(DataType type) {
  return type == DataType::Int4 || type == DataType::UInt4 ||
         type == DataType::Float4E2M1;
}

/// The values of int32_data/int64_data/uint64_data that the element type can
/// hold; 16-bit floats and 8-bit floats come as bit patterns.
std::pair<int64_t, int64_t> storedRange(DataType type) {
  switch (type) {
  case DataType::Int8:
    return {-128, 127};
  case DataType::Int16:
    return {-32768, 32767};
  case DataType::Int32:
    return {INT32_MIN, INT32_MAX};
  case DataType::Bool:
    return {0, 1};
  case DataType::UInt16:
  case DataType::Float16:
  case DataType::BFloat16:
    return {0, 65535};
  case DataType::UInt32:
    return {0, UINT32_MAX};
  case DataType::Int64:
  case DataType::UInt64:
    return {INT64_MIN, INT64_MAX};
  // A pair of 4-bit values, which writers store signed or unsigned.
  case DataType::Int4:
  case DataType::UInt4:
  case DataType::Float4E2M1:
    return {-128, 255};
  default:
    return {0, 255};
  }
}

/// What a TensorProto says, before it is known to be consistent.
struct TensorFields {
  std::optional<StringRef> raw;
  bool external = false;
  std::vector<std::pair<StringRef, StringRef>> externalEntries;
  /// Bytes in the wire form of the typed fields, by field number.
  std::vector<std::pair<uint32_t, StringRef>> packed;
  std::vector<std::pair<uint32_t, uint64_t>> singles;
};

StringRef view(pbf_reader &message) {
  protozero::data_view data = message.get_view();
  return StringRef(data.data(), data.size());
}

std::pair<StringRef, StringRef> readEntry(pbf_reader message) {
  std::pair<StringRef, StringRef> entry;
  while (message.next())
    switch (message.tag_and_type()) {
    case protozero::tag_and_type(1, pbf_wire_type::length_delimited):
      entry.first = view(message);
      break;
    case protozero::tag_and_type(2, pbf_wire_type::length_delimited):
      entry.second = view(message);
      break;
    default:
      message.skip();
    }
  return entry;
}

[[noreturn]] void fail(const std::string &what, const llvm::Twine &reason) {
  throw MalformedModel{what + ": " + reason.str()};
}

void appendDims(OnnxTensor &tensor, StringRef packed, const std::string &what) {
  const char *at = packed.begin(), *end = packed.end();
  while (at != end) {
    if (tensor.dims.size() == kMaxRank)
      fail(what, "more than " + llvm::Twine(kMaxRank) + " dimensions");
    tensor.dims.push_back(int64_t(protozero::decode_varint(&at, end)));
  }
}

TensorFields readFields(pbf_reader message, OnnxTensor &tensor,
                        const std::string &what) {
  using protozero::tag_and_type;
  TensorFields fields;
  while (message.next()) {
    uint32_t tag = message.tag();
    switch (message.tag_and_type()) {
    case tag_and_type(kDims, pbf_wire_type::length_delimited):
      appendDims(tensor, view(message), what);
      break;
    case tag_and_type(kDims, pbf_wire_type::varint):
      if (tensor.dims.size() == kMaxRank)
        fail(what, "more than " + llvm::Twine(kMaxRank) + " dimensions");
      tensor.dims.push_back(message.get_int64());
      break;
    case tag_and_type(kDataType, pbf_wire_type::varint):
      tensor.type = DataType(message.get_int32());
      break;
    case tag_and_type(kSegment, pbf_wire_type::length_delimited):
      fail(what, "is stored in segments, which no exporter writes; save the "
                 "model again with the onnx package");
    case tag_and_type(kFloatData, pbf_wire_type::length_delimited):
    case tag_and_type(kInt32Data, pbf_wire_type::length_delimited):
    case tag_and_type(kInt64Data, pbf_wire_type::length_delimited):
    case tag_and_type(kDoubleData, pbf_wire_type::length_delimited):
    case tag_and_type(kUint64Data, pbf_wire_type::length_delimited):
      fields.packed.emplace_back(tag, view(message));
      break;
    case tag_and_type(kStringData, pbf_wire_type::length_delimited):
      tensor.strings.push_back(view(message));
      break;
    case tag_and_type(kFloatData, pbf_wire_type::fixed32):
      fields.singles.emplace_back(tag, message.get_fixed32());
      break;
    case tag_and_type(kDoubleData, pbf_wire_type::fixed64):
      fields.singles.emplace_back(tag, message.get_fixed64());
      break;
    case tag_and_type(kInt32Data, pbf_wire_type::varint):
    case tag_and_type(kInt64Data, pbf_wire_type::varint):
    case tag_and_type(kUint64Data, pbf_wire_type::varint):
      fields.singles.emplace_back(tag, message.get_uint64());
      break;
    case tag_and_type(kName, pbf_wire_type::length_delimited):
      tensor.name = view(message);
      break;
    case tag_and_type(kRawData, pbf_wire_type::length_delimited):
      fields.raw = view(message);
      break;
    case tag_and_type(kExternalData, pbf_wire_type::length_delimited):
      fields.externalEntries.push_back(readEntry(message.get_message()));
      break;
    case tag_and_type(kDataLocation, pbf_wire_type::varint):
      fields.external = message.get_int32() == 1;
      break;
    default:
      message.skip();
    }
  }
  return fields;
}

/// Bytes that raw_data must have, four-bit values two to a byte.
uint64_t rawLength(const OnnxTensor &tensor) {
  if (isFourBit(tensor.type))
    return uint64_t(tensor.numElements + 1) / 2;
  return uint64_t(tensor.numElements) * dataTypeBytes(tensor.type);
}

/// Writes element `index` of a 4-bit tensor from the byte that holds it.
char unpackFourBit(DataType type, uint8_t pair, int64_t index) {
  uint8_t nibble = index % 2 == 0 ? pair & 0xF : pair >> 4;
  if (type == DataType::Int4)
    return char(int8_t(uint8_t(nibble << 4)) >> 4);
  return char(nibble);
}

void setRaw(OnnxTensor &tensor, StringRef raw, const std::string &what,
            StringRef source) {
  if (raw.size() != rawLength(tensor))
    fail(what, llvm::Twine(source) + " holds " + llvm::Twine(raw.size()) +
                   " bytes where its shape and type (" +
                   dataTypeName(tensor.type) + ") need " +
                   llvm::Twine(rawLength(tensor)) +
                   "; the file is damaged or was edited by hand");
  if (!isFourBit(tensor.type)) {
    tensor.bytes = llvm::ArrayRef<char>(raw.data(), raw.size());
    return;
  }
  tensor.owned = std::make_shared<std::vector<char>>(tensor.numElements);
  for (int64_t i = 0; i < tensor.numElements; ++i)
    (*tensor.owned)[i] = unpackFourBit(tensor.type, raw[i / 2], i);
  tensor.bytes = *tensor.owned;
}

/// Fills a tensor from its typed field.
class TypedFill {
public:
  TypedFill(OnnxTensor &tensor, const TensorFields &fields,
            const std::string &what)
      : tensor(tensor), what(what), field(typedField(tensor.type)),
        range(storedRange(tensor.type)), width(dataTypeBytes(tensor.type)),
        expected(isFourBit(tensor.type) ? (tensor.numElements + 1) / 2
                                        : tensor.numElements) {
    // Each value takes at least one byte of the file, so this bounds the
    // allocation by the size of the file.
    int64_t available = 0;
    for (const auto &[number, bytes] : fields.packed)
      if (number == field)
        available += bytes.size();
    for (const auto &[number, value] : fields.singles)
      available += number == field;
    if (available < expected)
      failCount(available);
    auto owned =
        std::make_shared<std::vector<char>>(size_t(tensor.numElements) * width);
    out = owned->data();
    // Both ways of writing a repeated field may occur, in practice never mixed.
    for (const auto &[number, bytes] : fields.packed)
      if (number == field)
        addPacked(bytes);
    for (const auto &[number, value] : fields.singles)
      if (number == field)
        add(value);
    if (count != expected)
      failCount(count);
    tensor.owned = std::move(owned);
    tensor.bytes = *tensor.owned;
  }

private:
  [[noreturn]] void failCount(int64_t found) {
    fail(what, "holds " + llvm::Twine(found) +
                   " values where its shape needs " + llvm::Twine(expected) +
                   "; the file is damaged or its weights were left out");
  }

  void addPacked(StringRef bytes) {
    if (field == kFloatData || field == kDoubleData) {
      if (bytes.size() % width != 0 ||
          int64_t(bytes.size() / width) > expected - count)
        failCount(count + bytes.size() / width);
      if (!bytes.empty())
        std::memcpy(out + count * width, bytes.data(), bytes.size());
      count += bytes.size() / width;
      return;
    }
    const char *at = bytes.begin(), *end = bytes.end();
    while (at != end)
      add(protozero::decode_varint(&at, end));
  }

  void add(uint64_t value) {
    if (count == expected)
      failCount(count + 1);
    int64_t number = int64_t(value);
    if (field == kInt32Data)
      number = int32_t(uint32_t(value));
    if (field != kFloatData && field != kDoubleData &&
        (number < range.first || number > range.second))
      fail(what, "value " + llvm::Twine(number) + " does not fit " +
                     dataTypeName(tensor.type) + "; the file is damaged");
    if (isFourBit(tensor.type)) {
      for (int64_t i = count * 2;
           i < std::min(count * 2 + 2, tensor.numElements); ++i)
        out[i] = unpackFourBit(tensor.type, uint8_t(number), i);
    } else {
      std::memcpy(out + count * width, &number, width);
    }
    ++count;
  }

  OnnxTensor &tensor;
  const std::string &what;
  uint32_t field;
  std::pair<int64_t, int64_t> range;
  unsigned width;
  int64_t expected;
  int64_t count = 0;
  char *out = nullptr;
};

uint64_t parseOffset(StringRef text, StringRef key, const std::string &what) {
  uint64_t value;
  if (text.getAsInteger(10, value))
    fail(what, "external data " + llvm::Twine(key) + " " + quoted(text) +
                   " is not a whole number");
  return value;
}

void setExternal(OnnxTensor &tensor, const TensorFields &fields,
                 ExternalData &external, const std::string &what) {
  StringRef location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (const auto &[key, value] : fields.externalEntries) {
    if (key == "location")
      location = value;
    else if (key == "offset")
      offset = parseOffset(value, key, what);
    else if (key == "length")
      length = parseOffset(value, key, what);
  }
  if (location.empty())
    fail(what, "external data without a location; export the model again");
  StringRef file = external.get(location, what);
  if (offset > file.size() || length.value_or(0) > file.size() - offset)
    fail(what,
         "external data reaches past the end of " + quoted(location) + " (" +
             llvm::Twine(file.size()) +
             " bytes); the file is cut short or belongs to another model");
  StringRef bytes = file.substr(offset, length.value_or(rawLength(tensor)));
  setRaw(tensor, bytes, what, "external data");
}
} // namespace

std::optional<int64_t>
mlir::qnet::onnx::elementCount(llvm::ArrayRef<int64_t> dims) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t dim : dims) {
    if (dim < 0)
      return std::nullopt;
    empty |= dim == 0;
    // A zero anywhere makes the tensor empty, but the other sizes must still
    // be sizes that something could have.
    if (dim > kMaxElements || (dim != 0 && count > kMaxElements / dim))
      return std::nullopt;
    if (dim != 0)
      count *= dim;
  }
  return empty ? 0 : count;
}

std::string mlir::qnet::onnx::dataTypeName(DataType type) {
  static constexpr const char *names[] = {
      "UNDEFINED",      "FLOAT",        "UINT8",          "INT8",
      "UINT16",         "INT16",        "INT32",          "INT64",
      "STRING",         "BOOL",         "FLOAT16",        "DOUBLE",
      "UINT32",         "UINT64",       "COMPLEX64",      "COMPLEX128",
      "BFLOAT16",       "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2",
      "FLOAT8E5M2FNUZ", "UINT4",        "INT4",           "FLOAT4E2M1",
      "FLOAT8E8M0"};
  int32_t index = int32_t(type);
  if (index >= 0 && index < int32_t(std::size(names)))
    return names[index];
  return "type " + std::to_string(index);
}

unsigned mlir::qnet::onnx::dataTypeBytes(DataType type) {
  switch (type) {
  case DataType::Float:
  case DataType::Int32:
  case DataType::UInt32:
    return 4;
  case DataType::Double:
  case DataType::Int64:
  case DataType::UInt64:
    return 8;
  case DataType::UInt16:
  case DataType::Int16:
  case DataType::Float16:
  case DataType::BFloat16:
    return 2;
  case DataType::UInt8:
  case DataType::Int8:
  case DataType::Bool:
  case DataType::UInt4:
  case DataType::Int4:
  case DataType::Float8E4M3FN:
  case DataType::Float8E4M3FNUZ:
  case DataType::Float8E5M2:
  case DataType::Float8E5M2FNUZ:
  case DataType::Float4E2M1:
  case DataType::Float8E8M0:
    return 1;
  default:
    return 0;
  }
}

StringRef ExternalData::get(StringRef location, const std::string &tensor) {
  auto known = mapped.find(location);
  if (known != mapped.end())
    return known->second;
  namespace path = llvm::sys::path;
  namespace fs = llvm::sys::fs;
  auto refuse = [&](const llvm::Twine &reason) {
    fail(tensor, "external data file " + quoted(location) + " " + reason);
  };
  if (folder.empty())
    refuse("cannot be read, because the model is not in a folder");
  if (location.contains('\0') || path::is_absolute(location) ||
      path::has_root_name(location) || location.contains('\\'))
    refuse("is not a plain relative path; keep it beside the model");
  for (auto it = path::begin(location), end = path::end(location); it != end;
       ++it)
    if (*it == "..")
      refuse("leaves the model's folder; keep it beside the model");

  llvm::SmallString<256> full(folder), realFolder, realFile;
  path::append(full, location);
  if (fs::real_path(folder, realFolder) || fs::real_path(full, realFile))
    refuse("does not exist beside the model; copy it there");
  // A link inside the folder may still point out of it.
  if (!path::has_parent_path(realFile) ||
      !StringRef(realFile).starts_with(realFolder) ||
      (realFile.size() > realFolder.size() &&
       !path::is_separator(realFile[realFolder.size()]) &&
       !path::is_separator(realFolder.back())))
    refuse("is a link out of the model's folder; copy the file itself");
  fs::file_status status;
  if (fs::status(realFile, status) ||
      status.type() != fs::file_type::regular_file)
    refuse("is not a regular file");
  auto buffer = llvm::MemoryBuffer::getFile(realFile, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    refuse("cannot be read: " + buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer();
  files.push_back(std::move(*buffer));
  mapped[location] = bytes;
  return bytes;
}

OnnxTensor mlir::qnet::onnx::readTensor(pbf_reader message,
                                        ExternalData &external,
                                        const std::string &what) {
  OnnxTensor tensor;
  TensorFields fields = readFields(message, tensor, what);
  std::string label =
      tensor.name.empty() ? what : what + " " + quoted(tensor.name);
  std::optional<int64_t> count = elementCount(tensor.dims);
  if (!count) {
    std::string shape;
    for (int64_t dim : tensor.dims)
      shape += (shape.empty() ? "" : "x") + std::to_string(dim);
    fail(label, "shape " + shape +
                    " is impossible: sizes must not be negative "
                    "and their product at most 2^31 - 1");
  }
  tensor.numElements = *count;
  if (tensor.type == DataType::Undefined)
    fail(label, "has no element type");
  if (tensor.type == DataType::String) {
    if (int64_t(tensor.strings.size()) != tensor.numElements)
      fail(label, "holds " + llvm::Twine(tensor.strings.size()) +
                      " strings where its shape needs " +
                      llvm::Twine(tensor.numElements) +
                      "; the file is damaged");
    return tensor;
  }
  tensor.strings.clear();
  // The importer refuses these by name where they are used.
  if (dataTypeBytes(tensor.type) == 0)
    return tensor;
  if (fields.external)
    setExternal(tensor, fields, external, label);
  else if (fields.raw)
    setRaw(tensor, *fields.raw, label, "raw_data");
  else
    TypedFill(tensor, fields, label);
  return tensor;
}
