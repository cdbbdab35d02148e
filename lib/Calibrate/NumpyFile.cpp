//===- NumpyFile.cpp - Arrays in .npy files -------------------------------===//
//
// The format: numpy/lib/format.py (NEP 1). Magic, version, length of the
// header, a Python dictionary literal, then the elements.
//
//===----------------------------------------------------------------------===//
#include "quantc/Calibrate/NumpyFile.h"

#include "DataError.h"
#include "NumpyHeader.h"

#include "llvm/ADT/FloatingPointMode.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace mlir::qnet;
using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::MutableArrayRef;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// FileBytes
//===----------------------------------------------------------------------===//

FileBytes::FileBytes(int descriptor, uint64_t size, std::string path)
    : descriptor(descriptor), byteCount(size), filePath(std::move(path)) {}

FileBytes::~FileBytes() { ::close(descriptor); }

Expected<std::shared_ptr<FileBytes>> FileBytes::open(StringRef path) {
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(path, status))
    return dataError(path, "cannot be opened: " + error.message());
  if (llvm::sys::fs::is_directory(status))
    return dataError(path, "is a folder; give one .npy, .npz or .csv file");
  // A pipe would block for ever or refuse positioned reads.
  if (!llvm::sys::fs::is_regular_file(status))
    return dataError(path, "is not a regular file");
  int descriptor = -1;
  if (std::error_code error = llvm::sys::fs::openFileForRead(path, descriptor))
    return dataError(path, "cannot be opened: " + error.message());
  return std::make_shared<FileBytes>(descriptor, status.getSize(), path.str());
}

Error FileBytes::readAt(uint64_t offset, MutableArrayRef<char> into) const {
  while (!into.empty()) {
    ssize_t got = ::pread(descriptor, into.data(), into.size(), offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return dataError(filePath,
                       "cannot be read: " + Twine(std::strerror(errno)));
    if (got == 0)
      return dataError(filePath, "ends at byte " + Twine(offset) +
                                     ", where more was expected; it was cut "
                                     "short");
    offset += got;
    into = into.drop_front(got);
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// The header
//===----------------------------------------------------------------------===//

static constexpr StringRef magic("\x93NUMPY", 6);
/// numpy refuses longer headers as well (ast.literal_eval's cost).
static constexpr uint64_t largestHeader = 1 << 16;

std::string NumpyType::description() const {
  char order = bytes == 1 ? '|' : llvm::sys::IsLittleEndianHost ? '<' : '>';
  return std::string(1, order) + kind + std::to_string(bytes);
}

std::string mlir::qnet::makeNumpyHeader(const NumpyType &type,
                                        ArrayRef<int64_t> shape) {
  std::string dimensions;
  for (int64_t dimension : shape)
    dimensions += std::to_string(dimension) + ", ";
  if (shape.size() > 1) // numpy: (2, 3) but (2,)
    dimensions.resize(dimensions.size() - 2);
  else if (shape.size() == 1)
    dimensions.pop_back();
  std::string dictionary = "{'descr': '" + type.description() +
                           "', 'fortran_order': False, 'shape': (" +
                           dimensions + "), }";
  // Elements start on a multiple of 64 bytes.
  constexpr size_t prefix = 10, alignment = 64;
  size_t unpadded = prefix + dictionary.size() + 1;
  dictionary.append(llvm::alignTo(unpadded, alignment) - unpadded, ' ');
  dictionary += '\n';
  std::string header = magic.str();
  header +=
      {1, 0, char(dictionary.size() & 0xff), char(dictionary.size() >> 8)};
  return header + dictionary;
}

namespace {

/// Reads exactly what numpy writes: a dictionary of the three keys in any
/// order, with string, boolean and tuple-of-integers values.
class HeaderParser {
public:
  HeaderParser(StringRef text, StringRef source) : rest(text), source(source) {}

  Error parse(NumpyType &type, bool &columnMajor,
              llvm::SmallVectorImpl<int64_t> &shape) {
    bool sawType = false, sawOrder = false, sawShape = false;
    if (!eat('{'))
      return malformed("does not start with '{'");
    while (!eat('}')) {
      std::optional<StringRef> key = quoted();
      if (!key || !eat(':'))
        return malformed("has no \"'key': value\" pairs");
      if (*key == "descr" && !sawType) {
        if (Error error = parseType(type))
          return error;
        sawType = true;
      } else if (*key == "fortran_order" && !sawOrder) {
        if (take("True"))
          columnMajor = true;
        else if (take("False"))
          columnMajor = false;
        else
          return malformed("has a fortran_order that is not True or False");
        sawOrder = true;
      } else if (*key == "shape" && !sawShape) {
        if (!parseShape(shape))
          return malformed("has a shape that is not a tuple of whole numbers "
                           ">= 0 below 2^63");
        sawShape = true;
      } else {
        return malformed("has an unknown or repeated key '" + *key + "'");
      }
      if (!eat(',') && !rest.ltrim().starts_with("}"))
        return malformed("lacks a ',' or '}'");
    }
    if (!sawType || !sawOrder || !sawShape)
      return malformed("lacks descr, fortran_order or shape");
    if (!rest.trim(StringRef(" \t\n\0", 4)).empty())
      return malformed("goes on after its '}'");
    return Error::success();
  }

private:
  Error malformed(const Twine &what) const {
    return dataError(source, "the .npy header " + what +
                                 "; write the file again "
                                 "with numpy.save");
  }

  bool take(StringRef token) {
    rest = rest.ltrim();
    return rest.consume_front(token);
  }
  bool eat(char symbol) { return take(StringRef(&symbol, 1)); }

  std::optional<StringRef> quoted() {
    rest = rest.ltrim();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
      return std::nullopt;
    size_t end = rest.find(rest[0], 1);
    if (end == StringRef::npos)
      return std::nullopt;
    StringRef inside = rest.slice(1, end);
    rest = rest.substr(end + 1);
    return inside;
  }

  Error parseType(NumpyType &type) {
    rest = rest.ltrim();
    if (rest.starts_with("["))
      return dataError(source,
                       "holds records of several fields; save one plain "
                       "array of numbers");
    std::optional<StringRef> text = quoted();
    if (!text || text->size() < 2)
      return malformed("has a descr that is not a string");
    StringRef description = *text;
    char order = '|';
    if (StringRef("<>|=").contains(description[0])) {
      order = description[0];
      description = description.drop_front();
    }
    char kind = description.empty() ? '?' : description[0];
    if (kind == 'O')
      return dataError(source, "holds pickled Python objects, which are never "
                               "loaded; convert it with array.astype(float32) "
                               "and save it again");
    unsigned bytes = 0;
    bool known =
        !description.drop_front(!description.empty()).getAsInteger(10, bytes);
    if (known && kind == 'f')
      known = bytes == 2 || bytes == 4 || bytes == 8;
    else if (known && (kind == 'i' || kind == 'u'))
      known = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    else
      known = known && kind == 'b' && bytes == 1;
    if (!known)
      return dataError(source, "has elements of type '" + *text +
                                   "'; only f2, f4, f8, integers and bool are "
                                   "read: convert it with "
                                   "array.astype(float32)");
    type.kind = kind;
    type.bytes = bytes;
    type.bigEndian =
        order == '>' || (order == '=' && !llvm::sys::IsLittleEndianHost);
    return Error::success();
  }

  bool parseShape(llvm::SmallVectorImpl<int64_t> &shape) {
    if (!eat('('))
      return false;
    while (!eat(')')) {
      rest = rest.ltrim();
      uint64_t dimension;
      if (rest.consumeInteger(10, dimension) || dimension >> 63)
        return false;
      rest.consume_front("L");              // Python 2
      constexpr size_t mostDimensions = 64; // numpy's own limit
      if (shape.size() == mostDimensions)
        return false;
      shape.push_back(static_cast<int64_t>(dimension));
      if (!eat(',') && !rest.ltrim().starts_with(")"))
        return false;
    }
    return true;
  }

  StringRef rest, source;
};

} // namespace

Expected<NumpyArray> NumpyArray::parse(std::shared_ptr<FileBytes> file,
                                       uint64_t offset, uint64_t size,
                                       std::string source) {
  NumpyArray array;
  array.name = std::move(source);
  constexpr size_t prefixBytes = 12;
  char prefix[prefixBytes] = {};
  auto cutShort = [&](uint64_t needed) {
    return dataError(array.name, "is cut short: " + Twine(size) +
                                     " bytes where its header asks for " +
                                     Twine(needed) +
                                     "; copy or write it again");
  };
  if (Error error = file->readAt(
          offset,
          MutableArrayRef(prefix, std::min<uint64_t>(size, prefixBytes))))
    return error;
  if (!StringRef(prefix, prefixBytes).starts_with(magic))
    return dataError(array.name, "is not a .npy array: its first bytes are not "
                                 "\\x93NUMPY");
  const unsigned major = static_cast<unsigned char>(prefix[6]);
  if (major < 1 || major > 3)
    return dataError(array.name, "is of .npy version " + Twine(major) +
                                     "; versions 1 to 3 are read");
  const uint64_t start = major == 1 ? 10 : 12;
  if (size < start)
    return cutShort(start);
  const uint64_t headerBytes =
      major == 1 ? llvm::support::endian::read16le(prefix + 8)
                 : llvm::support::endian::read32le(prefix + 8);
  if (headerBytes > largestHeader)
    return dataError(array.name, "has a .npy header of " + Twine(headerBytes) +
                                     " bytes, which no plain array has");
  if (size < start + headerBytes)
    return cutShort(start + headerBytes);
  std::string header(headerBytes, '\0');
  if (Error error = file->readAt(offset + start, header))
    return error;
  if (Error error =
          HeaderParser(header, array.name)
              .parse(array.elementType, array.columnMajor, array.dimensions))
    return error;

  int64_t elements = 1;
  bool empty = llvm::is_contained(array.dimensions, 0);
  for (auto [index, dimension] : llvm::enumerate(array.dimensions)) {
    std::optional<int64_t> product =
        llvm::checkedMul(elements, std::max<int64_t>(dimension, 1));
    if (!product ||
        !llvm::checkedMul<int64_t>(*product, array.elementType.bytes))
      return dataError(array.name, "has a shape whose size does not fit in 63 "
                                   "bits");
    elements = *product;
    if (index > 0)
      array.elementsPerRow *= dimension;
  }
  const uint64_t needed =
      empty ? 0 : static_cast<uint64_t>(elements) * array.elementType.bytes;
  const uint64_t present = size - start - headerBytes;
  if (present < needed)
    return cutShort(start + headerBytes + needed);
  if (present > needed)
    return dataError(array.name, "goes on for " + Twine(present - needed) +
                                     " bytes after its array; save one array a "
                                     "file");
  array.dataOffset = offset + start + headerBytes;
  array.file = std::move(file);
  return array;
}

Expected<NumpyArray> NumpyArray::open(StringRef path) {
  Expected<std::shared_ptr<FileBytes>> file = FileBytes::open(path);
  if (!file)
    return file.takeError();
  const uint64_t size = (*file)->size();
  return parse(std::move(*file), 0, size, path.str());
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static void swapBytes(MutableArrayRef<char> bytes, int elementBytes) {
  for (size_t i = 0; i + elementBytes <= bytes.size(); i += elementBytes)
    std::reverse(bytes.data() + i, bytes.data() + i + elementBytes);
}

Error NumpyArray::readRows(int64_t first, int64_t count,
                           MutableArrayRef<char> into) const {
  const uint64_t bytes = elementType.bytes;
  const uint64_t rowBytes = elementsPerRow * bytes;
  if (first < 0 || count < 0 || first > rows() - count ||
      into.size() != count * rowBytes)
    return dataError(name, "rows " + Twine(first) + " to " +
                               Twine(first + count) + " are not in the array");
  if (into.empty())
    return Error::success();
  if (!columnMajor || dimensions.size() < 2) {
    if (Error error = file->readAt(dataOffset + first * rowBytes, into))
      return error;
  } else {
    // Column-major: the rows of one column lie together. Walk the columns in
    // row-major order and keep the column's column-major index.
    const uint64_t rowCount = rows();
    std::vector<char> column(count * bytes);
    llvm::SmallVector<int64_t> index(dimensions.size(), 0);
    for (int64_t element = 0; element < elementsPerRow; ++element) {
      uint64_t position = 0;
      for (size_t d = dimensions.size(); --d > 0;)
        position = position * dimensions[d] + index[d];
      if (Error error = file->readAt(
              dataOffset + (position * rowCount + first) * bytes, column))
        return error;
      for (int64_t row = 0; row < count; ++row)
        std::memcpy(into.data() + row * rowBytes + element * bytes,
                    column.data() + row * bytes, bytes);
      for (size_t d = dimensions.size(); --d > 0;) {
        if (++index[d] < dimensions[d])
          break;
        index[d] = 0;
      }
    }
  }
  if (bytes > 1 && elementType.bigEndian == llvm::sys::IsLittleEndianHost)
    swapBytes(into, bytes);
  return Error::success();
}

template <typename T>
static void convert(const char *bytes, MutableArrayRef<float> into) {
  for (size_t i = 0; i < into.size(); ++i) {
    T value;
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    into[i] = static_cast<float>(value);
  }
}

/// IEEE binary16: 1 sign, 5 exponent and 10 mantissa bits.
static float halfToFloat(uint16_t bits) {
  const int exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  float magnitude;
  if (exponent == 31)
    magnitude = mantissa ? std::numeric_limits<float>::quiet_NaN()
                         : std::numeric_limits<float>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  else
    magnitude = std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

Error NumpyArray::readFloats(int64_t first, int64_t count,
                             MutableArrayRef<float> into) const {
  if (elementType.kind == 'f' && elementType.bytes == 4)
    return readRows(first, count,
                    MutableArrayRef(reinterpret_cast<char *>(into.data()),
                                    into.size() * sizeof(float)));
  std::vector<char> raw(into.size() * elementType.bytes);
  if (Error error = readRows(first, count, raw))
    return error;
  switch (elementType.kind) {
  case 'f':
    if (elementType.bytes == 8) {
      convert<double>(raw.data(), into);
      break;
    }
    for (size_t i = 0; i < into.size(); ++i) {
      uint16_t bits;
      std::memcpy(&bits, raw.data() + i * sizeof(bits), sizeof(bits));
      into[i] = halfToFloat(bits);
    }
    break;
  case 'i':
    elementType.bytes == 1   ? convert<int8_t>(raw.data(), into)
    : elementType.bytes == 2 ? convert<int16_t>(raw.data(), into)
    : elementType.bytes == 4 ? convert<int32_t>(raw.data(), into)
                             : convert<int64_t>(raw.data(), into);
    break;
  case 'u':
    elementType.bytes == 1   ? convert<uint8_t>(raw.data(), into)
    : elementType.bytes == 2 ? convert<uint16_t>(raw.data(), into)
    : elementType.bytes == 4 ? convert<uint32_t>(raw.data(), into)
                             : convert<uint64_t>(raw.data(), into);
    break;
  default:
    for (size_t i = 0; i < into.size(); ++i)
      into[i] = raw[i] != 0;
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

Expected<llvm::sys::fs::TempFile> mlir::qnet::createBeside(StringRef path) {
  Expected<llvm::sys::fs::TempFile> file =
      llvm::sys::fs::TempFile::create(path + ".%%%%%%%%.tmp");
  if (!file)
    return dataError(path,
                     "cannot be written: " + llvm::toString(file.takeError()));
  return file;
}

Error mlir::qnet::writeAll(const llvm::sys::fs::TempFile &file, StringRef path,
                           ArrayRef<char> bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(file.FD, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return dataError(path,
                       "cannot be written: " + Twine(std::strerror(errno)));
    bytes = bytes.drop_front(put);
  }
  return Error::success();
}

Expected<NumpyWriter> NumpyWriter::create(StringRef path, const NumpyType &type,
                                          ArrayRef<int64_t> shape) {
  Expected<llvm::sys::fs::TempFile> file = createBeside(path);
  if (!file)
    return file.takeError();
  uint64_t bytes = type.bytes;
  for (int64_t dimension : shape)
    bytes *= dimension;
  NumpyWriter writer(std::move(*file), path.str(), bytes);
  if (Error error = writeAll(*writer.file, path,
                             ArrayRef<char>(makeNumpyHeader(type, shape))))
    return error;
  return writer;
}

Error NumpyWriter::append(ArrayRef<char> bytes) {
  if (bytes.size() > bytesLeft)
    return dataError(path, "got more elements than its shape holds");
  bytesLeft -= bytes.size();
  return writeAll(*file, path, bytes);
}

Error NumpyWriter::commit() {
  if (bytesLeft != 0)
    return dataError(path, Twine(bytesLeft) + " bytes are missing");
  Error error = file->keep(path);
  file.reset();
  if (error)
    return dataError(path,
                     "cannot be written: " + llvm::toString(std::move(error)));
  return Error::success();
}

NumpyWriter::~NumpyWriter() {
  if (file)
    llvm::consumeError(file->discard());
}
