//===- AtomicFolder.h - Files that appear whole or not at all ---*- C++ -*-===//
#ifndef QUANTC_EMIT_ATOMICFOLDER_H
#define QUANTC_EMIT_ATOMICFOLDER_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include <memory>
#include <string>
#include <vector>

namespace mlir::qnet {

/// An output folder. Files are written beside their final place under temporary
/// names and take their own names together, in `commit`; without it (an error,
/// a signal) they are gone and what stood there before is untouched.
class AtomicFolder {
public:
  /// Finds out now, before any work, whether files can be written there. The
  /// folder itself is made with the first file.
  static llvm::Expected<std::unique_ptr<AtomicFolder>>
  open(llvm::StringRef path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder &) = delete;
  AtomicFolder &operator=(const AtomicFolder &) = delete;

  /// Writes a file that `commit` will call `name`.
  llvm::Error write(llvm::StringRef name, llvm::StringRef contents);

  /// Writes a file that never gets a name, for another process to read, and
  /// returns its path.
  llvm::Expected<std::string> writeScratch(llvm::StringRef contents);

  /// Reserves a file for another process to fill; `path` is its temporary path.
  llvm::Expected<std::string> reserve(llvm::StringRef name);

  /// Gives all files their names, in the order in which they were written.
  llvm::Error commit();

private:
  explicit AtomicFolder(llvm::StringRef path) : path(path) {}

  struct Pending {
    std::string name; ///< "" for a scratch file
    llvm::sys::fs::TempFile file;
  };
  llvm::Expected<Pending *> create(llvm::StringRef name);
  void discard();

  std::string path;
  std::vector<Pending> pending;
  /// The outermost folder that was made for the files, removed again if nothing
  /// came of it.
  std::string made;
};

} // namespace mlir::qnet

#endif // QUANTC_EMIT_ATOMICFOLDER_H
