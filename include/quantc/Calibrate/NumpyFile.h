//===- NumpyFile.h - Arrays in .npy and .npz files --------------*- C++ -*-===//
//
// Reads versions 1 to 3 of numpy's format, block by block with positioned
// reads: memory does not grow with the rows, and a file cut short while it is
// read is an error, where a memory map would be a bus error. Pickled objects
// are never read.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_CALIBRATE_NUMPYFILE_H
#define QUANTC_CALIBRATE_NUMPYFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir::qnet {

/// A file open for reading, closed with the last reference.
class FileBytes {
public:
  static llvm::Expected<std::shared_ptr<FileBytes>> open(llvm::StringRef path);
  /// Takes the descriptor over.
  FileBytes(int descriptor, uint64_t size, std::string path);
  ~FileBytes();
  FileBytes(const FileBytes &) = delete;
  FileBytes &operator=(const FileBytes &) = delete;

  uint64_t size() const { return byteCount; }
  const std::string &path() const { return filePath; }
  /// Fills `into` from `offset` on, or fails.
  llvm::Error readAt(uint64_t offset, llvm::MutableArrayRef<char> into) const;

private:
  int descriptor;
  uint64_t byteCount;
  std::string filePath;
};

/// numpy's description of an element: kind is 'f', 'i', 'u' or 'b' (bool).
struct NumpyType {
  char kind = 'f';
  int bytes = 4;
  bool bigEndian = false;

  /// As numpy writes it in the host's byte order, such as "<f4" or "|u1".
  std::string description() const;
};

/// One array, its elements still in the file.
class NumpyArray {
public:
  /// The array of a .npy file.
  static llvm::Expected<NumpyArray> open(llvm::StringRef path);
  /// The array in the bytes [offset, offset + size) of a file; `source` names
  /// it in messages.
  static llvm::Expected<NumpyArray> parse(std::shared_ptr<FileBytes> file,
                                          uint64_t offset, uint64_t size,
                                          std::string source);

  const NumpyType &type() const { return elementType; }
  llvm::ArrayRef<int64_t> shape() const { return dimensions; }
  const std::string &source() const { return name; }
  /// Dimension 0, and the number of elements under it. A scalar is one row.
  int64_t rows() const { return dimensions.empty() ? 1 : dimensions[0]; }
  int64_t rowElements() const { return elementsPerRow; }

  /// Rows [first, first + count) in row-major order and the host's byte order:
  /// count * rowElements() * type().bytes bytes.
  llvm::Error readRows(int64_t first, int64_t count,
                       llvm::MutableArrayRef<char> into) const;
  /// The same, each element as the nearest f32.
  llvm::Error readFloats(int64_t first, int64_t count,
                         llvm::MutableArrayRef<float> into) const;

private:
  std::string name;
  std::shared_ptr<FileBytes> file;
  uint64_t dataOffset = 0;
  NumpyType elementType;
  bool columnMajor = false;
  llvm::SmallVector<int64_t> dimensions;
  int64_t elementsPerRow = 1;
};

struct NamedArray {
  std::string name; ///< without ".npy"
  NumpyArray array;
};

/// The names of the arrays in a .npz file.
llvm::Expected<std::vector<std::string>> numpyZipNames(llvm::StringRef path);

/// The wanted arrays of a .npz file in its order, stored or deflated. Deflated
/// ones are inflated into an unnamed temporary file. Checksums are checked.
/// Others are not looked at: they may hold text or objects.
llvm::Expected<std::vector<NamedArray>> openNumpyZip(
    llvm::StringRef path,
    llvm::function_ref<bool(llvm::StringRef name)> wanted =
        [](llvm::StringRef) { return true; });

/// Writes a .npy file row by row; it appears under its name only when complete.
class NumpyWriter {
public:
  static llvm::Expected<NumpyWriter> create(llvm::StringRef path,
                                            const NumpyType &type,
                                            llvm::ArrayRef<int64_t> shape);
  NumpyWriter(NumpyWriter &&) = default;
  ~NumpyWriter();

  /// The next elements in row-major order and the host's byte order.
  llvm::Error append(llvm::ArrayRef<char> bytes);
  /// Renames the file into place; fails unless exactly the shape's elements
  /// were written. A writer destroyed before leaves nothing behind.
  llvm::Error commit();

private:
  NumpyWriter(llvm::sys::fs::TempFile file, std::string path, uint64_t bytes)
      : file(std::move(file)), path(std::move(path)), bytesLeft(bytes) {}

  std::optional<llvm::sys::fs::TempFile> file;
  std::string path;
  uint64_t bytesLeft;
};

/// An array in memory, to be written: row-major, the host's byte order.
struct ArrayToWrite {
  std::string name;
  NumpyType type;
  llvm::SmallVector<int64_t> shape;
  llvm::ArrayRef<char> bytes;
};

/// Writes a .npz file (stored, fixed time stamps: equal arrays give equal
/// bytes), which appears under its name only when complete.
llvm::Error writeNumpyZip(llvm::StringRef path,
                          llvm::ArrayRef<ArrayToWrite> arrays);

} // namespace mlir::qnet

#endif // QUANTC_CALIBRATE_NUMPYFILE_H
