//===- Program.cpp - A compiled program, loaded ---------------------------===//
#include "Program.h"
#include "Problem.h"

#include "quantc/Codegen/Codegen.h"
#include "quantc/Emit/ThreadedLibrary.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <array>
#include <dlfcn.h>
#include <new>
#include <utility>

using namespace llvm;
using mlir::qnet::Manifest;

/// The threads of libraries (lib/Emit/LibraryThreads.c) serve this process too.
extern "C" void quantc_library_parallel_for(void *threads, size_t parts,
                                            void (*task)(void *, size_t),
                                            void *context);

namespace quantc {

/// More tensors than any network has; `run` spells out a call for each count.
static constexpr size_t kMaxTensors = 64;
/// N_run's promise about its workspace.
static constexpr std::align_val_t kWorkspaceAlignment{64};
/// A manifest is a few kilobytes; a longer file is something else.
static constexpr uint64_t kMaxManifestBytes = uint64_t(64) << 20;

Expected<ProgramPaths> findProgram(StringRef path) {
  if (!sys::fs::exists(path))
    return problem("'" + path + "' does not exist");
  if (!sys::fs::is_directory(path)) {
    SmallString<128> stem(path);
    sys::path::replace_extension(stem, "");
    return ProgramPaths{stem.str().str()};
  }
  std::vector<std::string> stems;
  std::error_code error;
  for (sys::fs::directory_iterator file(path, error), end;
       file != end && !error; file.increment(error)) {
    if (sys::path::extension(file->path()) != ".json")
      continue;
    SmallString<128> stem(file->path());
    sys::path::replace_extension(stem, "");
    stems.push_back(stem.str().str());
  }
  if (stems.empty())
    return problem("the folder '" + path +
                   "' holds no compiled program (no "
                   "manifest N.json)");
  if (stems.size() > 1)
    return problem("the folder '" + path +
                   "' holds several programs; name one "
                   "of its .so or .json files");
  return ProgramPaths{stems.front()};
}

Expected<Manifest> loadManifest(const ProgramPaths &paths) {
  std::string path = paths.file("json");
  uint64_t size = 0;
  if (std::error_code error = sys::fs::file_size(path, size))
    return problem("no manifest '" + path +
                   "' beside the program: " + error.message() +
                   "; it belongs to the files of a compiled "
                   "program");
  if (size > kMaxManifestBytes)
    return problem("'" + path + "' is too large for a manifest");
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return problem("cannot read '" + path +
                   "': " + buffer.getError().message());
  return mlir::qnet::readManifest((*buffer)->getBuffer(), path);
}

Expected<std::unique_ptr<Program>> Program::load(const ProgramPaths &paths) {
  std::unique_ptr<Program> program(new Program);
  Expected<Manifest> manifest = loadManifest(paths);
  if (!manifest)
    return manifest.takeError();
  program->description = std::move(*manifest);
  size_t tensors =
      program->description.inputs.size() + program->description.outputs.size();
  if (tensors > kMaxTensors)
    return problem("the program has " + Twine(tensors) +
                   " inputs and outputs; at most " + Twine(kMaxTensors) +
                   " can be run here");
  std::string path = paths.file("so");
  if (auto missing = mlir::qnet::missingOnHost(program->description.features);
      !missing.empty())
    return problem("'" + path + "' is compiled for " +
                   program->description.cpu + ", and this CPU has no " +
                   join(missing, ", ") +
                   "; compile with --cpu=native here, or --cpu=portable");
  // dlopen looks for a bare name along the system's path, not here.
  SmallString<128> absolute(path);
  if (std::error_code error = sys::fs::make_absolute(absolute))
    return problem("cannot load '" + path + "': " + error.message());
  program->library = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!program->library)
    return problem("cannot load '" + path + "' (compiled for " +
                   program->description.target + "): " + dlerror());
  const std::string &name = program->description.name;
  void *size = dlsym(program->library, (name + "_workspace_size").c_str());
  void *parallelSize =
      dlsym(program->library, (name + "_parallel_workspace_size").c_str());
  program->entry = dlsym(program->library, (name + "_run").c_str());
  program->parallelEntry =
      dlsym(program->library, (name + "_run_parallel").c_str());
  if (!size || !program->entry || !parallelSize || !program->parallelEntry)
    return problem("'" + path + "' does not define '" + name + "_run' and '" +
                   name +
                   "_run_parallel', which its manifest names; compile the "
                   "model again");
  if (!program->description.clipped.empty()) {
    void *clipped = dlsym(program->library, (name + "_clipped").c_str());
    if (!clipped)
      return problem("'" + path + "' does not define '" + name +
                     "_clipped', which its manifest names; compile the model "
                     "again");
    program->clippedEntry =
        reinterpret_cast<void (*)(const void *, uint64_t *)>(clipped);
  }
  program->workspace = reinterpret_cast<size_t (*)(size_t)>(size);
  program->parallelWorkspace =
      reinterpret_cast<size_t (*)(size_t, size_t)>(parallelSize);
  return std::move(program);
}

Program::~Program() {
  if (library)
    dlclose(library);
}

template <typename Tensors>
static std::vector<std::string> namesOf(const Tensors &tensors) {
  std::vector<std::string> names;
  for (const auto &tensor : tensors)
    names.push_back(tensor.name);
  return names;
}
std::vector<std::string> Program::inputNames() const {
  return namesOf(description.inputs);
}
std::vector<std::string> Program::outputNames() const {
  return namesOf(description.outputs);
}

namespace {
using ParallelFor = void (*)(void *pool, size_t parts,
                             void (*task)(void *, size_t), void *context);
template <size_t> using Pointer = const void *;

/// What comes after the tensors' pointers.
template <typename... More>
using EntryCall = void (*)(void *entry, ArrayRef<const void *> tensors,
                           More... more);

/// An entry point with as many pointers as there are indices.
template <typename... More, size_t... I>
constexpr EntryCall<More...> makeCall(std::index_sequence<I...>) {
  return [](void *entry, ArrayRef<const void *> tensors, More... more) {
    reinterpret_cast<void (*)(Pointer<I>..., More...)>(entry)(tensors[I]...,
                                                              more...);
  };
}
template <typename... More, size_t... N>
constexpr auto makeCalls(std::index_sequence<N...>) {
  return std::array{makeCall<More...>(std::make_index_sequence<N>())...};
}
constexpr auto kCounts = std::make_index_sequence<kMaxTensors + 1>();
constexpr auto kRunCalls = makeCalls<size_t, void *>(kCounts);
constexpr auto kParallelCalls =
    makeCalls<size_t, void *, size_t, ParallelFor, void *>(kCounts);
} // namespace

void Program::run(ArrayRef<const void *> tensors, size_t batch,
                  void *workspace) const {
  kRunCalls[tensors.size()](entry, tensors, batch, workspace);
}

std::vector<uint64_t> Program::clipped(const void *workspace) const {
  std::vector<uint64_t> counts(description.clipped.size());
  if (clippedEntry)
    clippedEntry(workspace, counts.data());
  return counts;
}

/// Of a batch, for so many threads.
static size_t partsFor(size_t threads) {
  return threads == 1 ? 1 : threads * mlir::qnet::kPartsOfThread;
}

size_t Program::parallelWorkspaceSize(size_t batch, size_t threads) const {
  return parallelWorkspace(batch, partsFor(threads));
}

void Program::runParallel(ArrayRef<const void *> tensors, size_t batch,
                          void *workspace, size_t threads) const {
  kParallelCalls[tensors.size()](parallelEntry, tensors, batch, workspace,
                                 partsFor(threads), quantc_library_parallel_for,
                                 &threads);
}

Workspace::Workspace(size_t bytes)
    : memory(::operator new(std::max<size_t>(bytes, 64), kWorkspaceAlignment)) {
}
Workspace::~Workspace() { ::operator delete(memory, kWorkspaceAlignment); }

} // namespace quantc
