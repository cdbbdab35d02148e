//===- ByteStream.h - Numbers as little-endian bytes ------------*- C++ -*-===//
//
// What a file of statistics is made of. Its reader never goes beyond the bytes
// that are there, and remembers what was wrong first.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_CALIBRATE_BYTESTREAM_H
#define QUANTC_LIB_CALIBRATE_BYTESTREAM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mlir::qnet {

class ByteWriter {
public:
  template <typename Number> void number(Number value) {
    char place[sizeof(Number)];
    llvm::support::endian::write(place, value, llvm::endianness::little);
    bytes.append(place, sizeof(place));
  }
  void text(llvm::StringRef value) { bytes.append(value.data(), value.size()); }
  template <typename Number> void numbers(llvm::ArrayRef<Number> values) {
    for (Number value : values)
      number(value);
  }

  std::string bytes;
};

class ByteReader {
public:
  explicit ByteReader(llvm::StringRef bytes) : rest(bytes) {}

  /// False, with a fault noted, where the bytes end before.
  template <typename Number> bool number(Number &to) {
    llvm::StringRef taken;
    if (!text(sizeof(Number), taken))
      return false;
    to = llvm::support::endian::read<Number>(taken.data(),
                                             llvm::endianness::little);
    return true;
  }
  bool text(uint64_t size, llvm::StringRef &to) {
    if (size > rest.size())
      return fail("it ends too early");
    to = rest.take_front(size);
    rest = rest.drop_front(size);
    return true;
  }
  template <typename Number>
  bool numbers(uint64_t count, std::vector<Number> &to) {
    if (!holds(count, sizeof(Number)))
      return false;
    to.resize(count);
    for (Number &value : to)
      if (!number(value))
        return false;
    return true;
  }
  /// Whether so many entries of at least that size may follow.
  bool holds(uint64_t count, uint64_t bytesEach) {
    return count <= rest.size() / bytesEach || fail("it ends too early");
  }

  /// Notes what is wrong, if nothing was before. Always false.
  bool fail(const llvm::Twine &what) {
    if (firstFault.empty())
      firstFault = what.str();
    return false;
  }
  bool require(bool holds, const llvm::Twine &otherwise) {
    return holds || fail(otherwise);
  }
  llvm::StringRef fault() const { return firstFault; }
  bool atEnd() const { return rest.empty(); }

private:
  llvm::StringRef rest;
  std::string firstFault;
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_CALIBRATE_BYTESTREAM_H
