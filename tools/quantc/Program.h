//===- Program.h - A compiled program, loaded -------------------*- C++ -*-===//
#ifndef QUANTC_TOOLS_PROGRAM_H
#define QUANTC_TOOLS_PROGRAM_H

#include "quantc/Emit/Manifest.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace quantc {

/// Where the parts of a compiled program lie: OUT/N.so, OUT/N.json, ...
struct ProgramPaths {
  std::string stem; ///< OUT/N

  std::string file(llvm::StringRef extension) const {
    return stem + "." + extension.str();
  }
};

/// From what a user names (the folder, the library, the object, the manifest or
/// the network kept beside them) to the program's files.
llvm::Expected<ProgramPaths> findProgram(llvm::StringRef path);

llvm::Expected<mlir::qnet::Manifest> loadManifest(const ProgramPaths &paths);

/// The shared library in this process.
class Program {
public:
  static llvm::Expected<std::unique_ptr<Program>>
  load(const ProgramPaths &paths);
  ~Program();
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  const mlir::qnet::Manifest &manifest() const { return description; }
  std::vector<std::string> inputNames() const;
  std::vector<std::string> outputNames() const;

  /// Bytes of workspace for the batch.
  size_t workspaceSize(size_t batch) const { return workspace(batch); }
  /// One pointer an input, then one an output, as N_run takes them.
  void run(llvm::ArrayRef<const void *> tensors, size_t batch,
           void *workspace) const;

  /// With --count-clipped: what the last call in `workspace` clipped, as many
  /// numbers as the manifest has names; without it none.
  std::vector<uint64_t> clipped(const void *workspace) const;

  /// Bytes of workspace for `runParallel`.
  size_t parallelWorkspaceSize(size_t batch, size_t threads) const;
  /// The same bits on so many threads of this process, the same number in every
  /// call.
  void runParallel(llvm::ArrayRef<const void *> tensors, size_t batch,
                   void *workspace, size_t threads) const;

private:
  Program() = default;

  mlir::qnet::Manifest description;
  void *library = nullptr;
  size_t (*workspace)(size_t) = nullptr;
  size_t (*parallelWorkspace)(size_t, size_t) = nullptr;
  void (*clippedEntry)(const void *, uint64_t *) = nullptr;
  void *entry = nullptr, *parallelEntry = nullptr;
};

/// Memory for `Program::run`, aligned as it asks.
class Workspace {
public:
  explicit Workspace(size_t bytes);
  ~Workspace();
  Workspace(const Workspace &) = delete;
  Workspace &operator=(const Workspace &) = delete;
  void *data() const { return memory; }

private:
  void *memory;
};

} // namespace quantc

#endif // QUANTC_TOOLS_PROGRAM_H
