//===- NumpyZip.cpp - Arrays in .npz files --------------------------------===//
//
// A .npz is a zip archive of .npy files. Field offsets are those of PKWARE's
// APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central
// directory), 4.3.14 to 4.3.16 (its end, with and without zip64) and 4.5.3
// (zip64 sizes).
//
//===----------------------------------------------------------------------===//
#include "DataError.h"
#include "NumpyHeader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"

#include <algorithm>
#include <unistd.h>
#include <zlib.h>

using namespace mlir::qnet;
using llvm::Error;
using llvm::Expected;
using llvm::MutableArrayRef;
using llvm::StringRef;
using llvm::Twine;
using llvm::support::endian::read16le;
using llvm::support::endian::read32le;
using llvm::support::endian::read64le;

namespace {

constexpr uint32_t localSignature = 0x04034b50, centralSignature = 0x02014b50,
                   endSignature = 0x06054b50, end64Signature = 0x06064b50,
                   locator64Signature = 0x07064b50;
constexpr uint64_t localBytes = 30, centralBytes = 46, endBytes = 22,
                   end64Bytes = 56, locator64Bytes = 20;
constexpr uint16_t stored = 0, deflated = 8, encryptedFlag = 1;
constexpr uint32_t in64 = 0xffffffff; // the value is in the zip64 field
constexpr uint64_t copyBlock = 1 << 18;

struct Member {
  std::string name;
  uint16_t flags = 0, method = 0;
  uint32_t checksum = 0;
  uint64_t compressed = 0, size = 0, header = 0;
};

class ZipReader {
public:
  explicit ZipReader(std::shared_ptr<FileBytes> file) : file(std::move(file)) {}

  Expected<std::vector<Member>> members();
  Expected<NumpyArray> open(const Member &member);

private:
  Error damaged(const Twine &what) const {
    return dataError(file->path(), "is not a sound .npz file: " + what +
                                       "; write it again with numpy.savez");
  }
  Error findDirectory(uint64_t &offset, uint64_t &bytes, uint64_t &count);
  Error readZip64(StringRef extra, Member &member) const;
  Error checkStored(const Member &member, uint64_t offset) const;
  Expected<std::shared_ptr<FileBytes>> inflateMember(const Member &member,
                                                     uint64_t offset) const;

  std::shared_ptr<FileBytes> file;
};

} // namespace

Error ZipReader::findDirectory(uint64_t &offset, uint64_t &bytes,
                               uint64_t &count) {
  constexpr uint64_t longestComment = 0xffff;
  const uint64_t size = file->size();
  if (size < endBytes)
    return damaged("it is too short");
  std::string tail(std::min(size, endBytes + longestComment), '\0');
  const uint64_t tailStart = size - tail.size();
  if (Error error = file->readAt(tailStart, tail))
    return error;
  size_t at = tail.size() - endBytes;
  while (read32le(tail.data() + at) != endSignature)
    if (at-- == 0)
      return damaged("its directory is missing, it was cut short");
  const char *end = tail.data() + at;
  count = read16le(end + 10);
  bytes = read32le(end + 12);
  offset = read32le(end + 16);
  if (count != 0xffff && bytes != in64 && offset != in64)
    return Error::success();

  char locator[locator64Bytes], end64[end64Bytes];
  if (tailStart + at < locator64Bytes)
    return damaged("its zip64 directory is missing");
  if (Error error = file->readAt(tailStart + at - locator64Bytes, locator))
    return error;
  const uint64_t end64At = read64le(locator + 8);
  if (read32le(locator) != locator64Signature || size < end64Bytes ||
      end64At > size - end64Bytes)
    return damaged("its zip64 directory is missing");
  if (Error error = file->readAt(end64At, end64))
    return error;
  if (read32le(end64) != end64Signature)
    return damaged("its zip64 directory is missing");
  count = read64le(end64 + 32);
  bytes = read64le(end64 + 40);
  offset = read64le(end64 + 48);
  return Error::success();
}

Error ZipReader::readZip64(StringRef extra, Member &member) const {
  constexpr uint16_t zip64Field = 1;
  while (extra.size() >= 4) {
    const uint16_t id = read16le(extra.data());
    const uint64_t length = read16le(extra.data() + 2);
    StringRef field = extra.substr(4, length);
    if (field.size() < length)
      break;
    extra = extra.substr(4 + length);
    if (id != zip64Field)
      continue;
    for (uint64_t *value : {&member.size, &member.compressed, &member.header}) {
      if (*value != in64)
        continue;
      if (field.size() < 8)
        return damaged("member '" + member.name + "' lacks its 64-bit sizes");
      *value = read64le(field.data());
      field = field.drop_front(8);
    }
  }
  return Error::success();
}

Expected<std::vector<Member>> ZipReader::members() {
  uint64_t offset = 0, bytes = 0, count = 0;
  if (Error error = findDirectory(offset, bytes, count))
    return std::move(error);
  constexpr uint64_t largestDirectory = 1 << 24;
  if (offset > file->size() || bytes > file->size() - offset ||
      bytes > largestDirectory)
    return damaged("its directory lies outside the file");
  std::string directory(bytes, '\0');
  if (Error error = file->readAt(offset, directory))
    return std::move(error);
  std::vector<Member> result;
  StringRef rest = directory;
  for (uint64_t i = 0; i < count; ++i) {
    if (rest.size() < centralBytes || read32le(rest.data()) != centralSignature)
      return damaged("its directory is damaged");
    const char *entry = rest.data();
    const uint64_t nameBytes = read16le(entry + 28),
                   extraBytes = read16le(entry + 30),
                   commentBytes = read16le(entry + 32);
    const uint64_t entryBytes =
        centralBytes + nameBytes + extraBytes + commentBytes;
    if (rest.size() < entryBytes)
      return damaged("its directory is damaged");
    Member member;
    member.flags = read16le(entry + 8);
    member.method = read16le(entry + 10);
    member.checksum = read32le(entry + 16);
    member.compressed = read32le(entry + 20);
    member.size = read32le(entry + 24);
    member.header = read32le(entry + 42);
    member.name = rest.substr(centralBytes, nameBytes).str();
    if (Error error = readZip64(
            rest.substr(centralBytes + nameBytes, extraBytes), member))
      return std::move(error);
    result.push_back(std::move(member));
    rest = rest.substr(entryBytes);
  }
  return result;
}

/// Reads the whole member once, so that a damaged one is found before any row.
Error ZipReader::checkStored(const Member &member, uint64_t offset) const {
  std::vector<char> block(std::min(copyBlock, member.size));
  uLong checksum = crc32(0, nullptr, 0);
  for (uint64_t done = 0; done < member.size; done += block.size()) {
    block.resize(std::min<uint64_t>(block.size(), member.size - done));
    if (Error error = file->readAt(offset + done, block))
      return error;
    checksum = crc32(checksum, reinterpret_cast<const Bytef *>(block.data()),
                     block.size());
  }
  if (checksum != member.checksum)
    return damaged("member '" + member.name + "' fails its checksum");
  return Error::success();
}

/// Inflates into a file that has no name any more, so it goes with the last
/// reference, whatever ends the program.
Expected<std::shared_ptr<FileBytes>>
ZipReader::inflateMember(const Member &member, uint64_t offset) const {
  // Deflate cannot do better than 1032:1 (zlib's technical notes): a directory
  // that claims more is damaged or hostile.
  constexpr uint64_t bestRatio = 1032, slack = 64;
  if (member.size / bestRatio > member.compressed + slack)
    return damaged("member '" + member.name + "' claims an impossible size");

  llvm::SmallString<128> temporary;
  int descriptor = -1;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile(
          "quantc", "npy", descriptor, temporary))
    return dataError(file->path(), "cannot be inflated: " + error.message());
  ::unlink(temporary.c_str());
  auto inflated = std::make_shared<FileBytes>(
      descriptor, member.size, file->path() + "[" + member.name + "]");

  z_stream stream = {};
  constexpr int rawDeflate = -MAX_WBITS; // no zlib header inside a zip
  if (inflateInit2(&stream, rawDeflate) != Z_OK)
    return dataError(file->path(), "cannot be inflated: out of memory");
  llvm::scope_exit atExit([&] { inflateEnd(&stream); });
  std::vector<char> in(copyBlock), out(copyBlock);
  uint64_t consumed = 0, produced = 0;
  uLong checksum = crc32(0, nullptr, 0);
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      const uint64_t size = std::min(copyBlock, member.compressed - consumed);
      if (size == 0)
        return damaged("member '" + member.name + "' is cut short");
      if (Error error =
              file->readAt(offset + consumed, MutableArrayRef(in.data(), size)))
        return std::move(error);
      consumed += size;
      stream.next_in = reinterpret_cast<Bytef *>(in.data());
      stream.avail_in = size;
    }
    stream.next_out = reinterpret_cast<Bytef *>(out.data());
    stream.avail_out = out.size();
    state = inflate(&stream, Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
      return damaged("member '" + member.name + "' cannot be inflated");
    const uint64_t got = out.size() - stream.avail_out;
    if (got > member.size - produced)
      return damaged("member '" + member.name + "' is longer than it says");
    checksum =
        crc32(checksum, reinterpret_cast<const Bytef *>(out.data()), got);
    for (uint64_t done = 0; done < got;) {
      ssize_t put = ::write(descriptor, out.data() + done, got - done);
      if (put < 0 && errno == EINTR)
        continue;
      if (put <= 0)
        return dataError(file->path(),
                         "cannot be inflated: the folder for temporary files "
                         "(TMPDIR) is full or cannot be written");
      done += put;
    }
    produced += got;
  }
  if (produced != member.size || checksum != member.checksum)
    return damaged("member '" + member.name + "' fails its checksum");
  return inflated;
}

Expected<NumpyArray> ZipReader::open(const Member &member) {
  if (member.flags & encryptedFlag)
    return damaged("member '" + member.name + "' is encrypted");
  if (member.method != stored && member.method != deflated)
    return damaged("member '" + member.name + "' uses compression method " +
                   Twine(member.method) + ", only deflate is read");
  const uint64_t fileSize = file->size();
  if (fileSize < localBytes || member.header > fileSize - localBytes)
    return damaged("member '" + member.name + "' lies outside the file");
  char local[localBytes];
  if (Error error = file->readAt(member.header, local))
    return std::move(error);
  if (read32le(local) != localSignature)
    return damaged("member '" + member.name + "' has no header");
  const uint64_t offset =
      member.header + localBytes + read16le(local + 26) + read16le(local + 28);
  if (offset > fileSize || member.compressed > fileSize - offset)
    return damaged("member '" + member.name + "' lies outside the file");
  std::string source = file->path() + ", array '" + member.name + "'";
  if (member.method == stored) {
    if (member.compressed != member.size)
      return damaged("member '" + member.name + "' has two sizes");
    if (Error error = checkStored(member, offset))
      return std::move(error);
    return NumpyArray::parse(file, offset, member.size, source);
  }
  Expected<std::shared_ptr<FileBytes>> inflated = inflateMember(member, offset);
  if (!inflated)
    return inflated.takeError();
  return NumpyArray::parse(*inflated, 0, member.size, source);
}

/// The archive's directory; members' names without ".npy", all different.
static Expected<std::vector<Member>> readDirectory(ZipReader &reader,
                                                   StringRef path) {
  Expected<std::vector<Member>> members = reader.members();
  if (!members)
    return members.takeError();
  llvm::StringSet<> names;
  for (Member &member : *members) {
    StringRef name = member.name;
    if (!name.consume_back(".npy"))
      return dataError(path, "holds '" + name +
                                 "', which is not a .npy array; only files "
                                 "written by numpy.savez are read");
    if (!names.insert(name).second)
      return dataError(path, "holds two arrays named '" + name + "'");
    member.name.resize(name.size());
  }
  return members;
}

Expected<std::vector<std::string>> mlir::qnet::numpyZipNames(StringRef path) {
  Expected<std::shared_ptr<FileBytes>> file = FileBytes::open(path);
  if (!file)
    return file.takeError();
  ZipReader reader(*file);
  Expected<std::vector<Member>> members = readDirectory(reader, path);
  if (!members)
    return members.takeError();
  std::vector<std::string> names;
  for (Member &member : *members)
    names.push_back(std::move(member.name));
  return names;
}

Expected<std::vector<NamedArray>>
mlir::qnet::openNumpyZip(StringRef path,
                         llvm::function_ref<bool(StringRef)> wanted) {
  Expected<std::shared_ptr<FileBytes>> file = FileBytes::open(path);
  if (!file)
    return file.takeError();
  ZipReader reader(*file);
  Expected<std::vector<Member>> members = readDirectory(reader, path);
  if (!members)
    return members.takeError();
  std::vector<NamedArray> arrays;
  for (const Member &member : *members) {
    if (!wanted(member.name))
      continue;
    Expected<NumpyArray> array = reader.open(member);
    if (!array)
      return array.takeError();
    arrays.push_back({member.name, std::move(*array)});
  }
  return arrays;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {

/// Little-endian fields appended to a string.
struct Fields {
  std::string bytes;
  Fields &u16(uint64_t value) { return append(value, 2); }
  Fields &u32(uint64_t value) { return append(value, 4); }
  Fields &u64(uint64_t value) { return append(value, 8); }
  Fields &text(StringRef value) {
    bytes += value;
    return *this;
  }

private:
  Fields &append(uint64_t value, int count) {
    for (int i = 0; i < count; ++i)
      bytes += static_cast<char>(value >> (8 * i));
    return *this;
  }
};

// Version 4.5 of the format brought zip64; the time is zip's oldest,
// 1980-01-01.
constexpr uint16_t zip64Version = 45, oldestDate = 0x21;

} // namespace

Error mlir::qnet::writeNumpyZip(StringRef path,
                                llvm::ArrayRef<ArrayToWrite> arrays) {
  Expected<llvm::sys::fs::TempFile> temporary = createBeside(path);
  if (!temporary)
    return temporary.takeError();
  llvm::scope_exit discard([&] { llvm::consumeError(temporary->discard()); });
  Fields directory;
  uint64_t offset = 0;
  auto write = [&](llvm::ArrayRef<char> bytes) {
    offset += bytes.size();
    return writeAll(*temporary, path, bytes);
  };
  for (const ArrayToWrite &array : arrays) {
    const std::string header = makeNumpyHeader(array.type, array.shape);
    const std::string name = array.name + ".npy";
    const uint64_t size = header.size() + array.bytes.size(), start = offset;
    uLong checksum = crc32(0, nullptr, 0);
    checksum = crc32(checksum, reinterpret_cast<const Bytef *>(header.data()),
                     header.size());
    checksum =
        crc32_z(checksum, reinterpret_cast<const Bytef *>(array.bytes.data()),
                array.bytes.size());
    Fields common;
    common.u16(zip64Version).u16(0).u16(stored).u16(0).u16(oldestDate);
    common.u32(checksum).u32(in64).u32(in64).u16(name.size());
    Fields local;
    local.u32(localSignature).text(common.bytes).u16(20).text(name);
    local.u16(1).u16(16).u64(size).u64(size);
    directory.u32(centralSignature).u16(zip64Version).text(common.bytes);
    directory.u16(28).u16(0).u16(0).u16(0).u32(0).u32(in64).text(name);
    directory.u16(1).u16(24).u64(size).u64(size).u64(start);
    for (llvm::ArrayRef<char> part :
         {llvm::ArrayRef<char>(local.bytes), llvm::ArrayRef<char>(header),
          array.bytes})
      if (Error error = write(part))
        return error;
  }
  Fields end;
  const uint64_t directoryStart = offset;
  end.u32(end64Signature).u64(end64Bytes - 12).u16(zip64Version);
  end.u16(zip64Version).u32(0).u32(0).u64(arrays.size()).u64(arrays.size());
  end.u64(directory.bytes.size()).u64(directoryStart);
  end.u32(locator64Signature).u32(0);
  end.u64(directoryStart + directory.bytes.size()).u32(1);
  end.u32(endSignature).u16(0).u16(0).u16(0xffff).u16(0xffff);
  end.u32(in64).u32(in64).u16(0);
  for (StringRef part : {StringRef(directory.bytes), StringRef(end.bytes)})
    if (Error error = write(llvm::ArrayRef<char>(part.data(), part.size())))
      return error;
  discard.release();
  if (Error error = temporary->keep(path))
    return dataError(path,
                     "cannot be written: " + llvm::toString(std::move(error)));
  return Error::success();
}
