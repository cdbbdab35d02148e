//===- SharedLibrary.cpp - From an object to a loadable library -----------===//
#include "quantc/Emit/SharedLibrary.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace mlir::qnet {

/// A linker that takes longer than this (a network's object takes 0.05 s)
/// hangs.
static constexpr unsigned kLinkerSeconds = 120;

static Expected<std::string> findLinker() {
  if (std::optional<std::string> named = sys::Process::GetEnv("QUANTC_LLD")) {
    if (sys::fs::can_execute(*named))
      return *named;
    return createStringError(inconvertibleErrorCode(),
                             "QUANTC_LLD names '" + *named +
                                 "', which can't be executed; name an ld.lld");
  }
  if (sys::fs::can_execute(QUANTC_LLD_PATH))
    return std::string(QUANTC_LLD_PATH);
  for (StringRef name : {"ld.lld-22", "ld.lld"})
    if (ErrorOr<std::string> found = sys::findProgramByName(name))
      return *found;
  return createStringError(
      inconvertibleErrorCode(),
      "no linker for the shared library: ld.lld is not installed; install lld, "
      "name it in QUANTC_LLD, or leave 'shared' out of --emit");
}

bool canLinkSharedLibrary(StringRef triple) {
  return Triple(triple).isOSBinFormatELF();
}

Error linkSharedLibrary(ArrayRef<std::string> objectPaths, StringRef outputPath,
                        StringRef soname, ArrayRef<std::string> libraries) {
  Expected<std::string> linker = findLinker();
  if (!linker)
    return linker.takeError();
  // -z defs: the program calls nothing but `libraries`, and the linker holds it
  // to that.
  SmallVector<StringRef> arguments = {*linker,
                                      "-shared",
                                      "--build-id=none",
                                      "-z",
                                      "defs",
                                      "-z",
                                      "now",
                                      "-z",
                                      "relro",
                                      "-z",
                                      "noexecstack",
                                      "--hash-style=gnu",
                                      "--gc-sections",
                                      "--strip-debug",
                                      "-soname",
                                      soname,
                                      "-o",
                                      outputPath};
  arguments.append(objectPaths.begin(), objectPaths.end());
  arguments.append(libraries.begin(), libraries.end());
  SmallString<128> log;
  if (std::error_code error =
          sys::fs::createTemporaryFile("quantc-link", "log", log))
    return createStringError(error,
                             "no temporary file for the linker's output");
  FileRemover removeLog(log);
  // Nothing to read on stdin; what it says goes to a file, for the message.
  std::optional<StringRef> redirects[] = {StringRef(""), log.str(), log.str()};
  std::string message;
  int status = sys::ExecuteAndWait(*linker, arguments, std::nullopt, redirects,
                                   kLinkerSeconds, 0, &message);
  if (status != 0) {
    if (auto text = MemoryBuffer::getFile(log))
      message += (*text)->getBuffer().take_front(2000);
  }
  if (status == 0)
    return Error::success();
  return createStringError(
      inconvertibleErrorCode(),
      "the linker '" + *linker +
          "' made no shared library: " + StringRef(message).trim());
}

} // namespace mlir::qnet
