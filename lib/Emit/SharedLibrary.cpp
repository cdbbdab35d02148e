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

#include <array>
#include <csignal>
#include <mutex>

using namespace llvm;

namespace {

volatile std::sig_atomic_t linkerPid = 0, caughtSignal = 0;

void endLinker(int signal) {
  caughtSignal = signal;
  if (linkerPid)
    kill(linkerPid, SIGTERM);
}

/// While it lives, a signal that would end this process ends the linker, and
/// this process afterwards: a linker that lived on would write its output when
/// what was begun has been removed. One at a time, since signals are the
/// process's.
class LinkerSignals {
public:
  LinkerSignals() : lock(mutex) {
    caughtSignal = 0;
    struct sigaction action = {};
    action.sa_handler = endLinker;
    action.sa_flags = SA_RESTART;
    for (size_t i = 0; i < signals.size(); ++i) {
      sigaction(signals[i], nullptr, &before[i]);
      if (before[i].sa_handler != SIG_IGN)
        sigaction(signals[i], &action, nullptr);
    }
  }
  LinkerSignals(const LinkerSignals &) = delete;
  LinkerSignals &operator=(const LinkerSignals &) = delete;
  ~LinkerSignals() {
    linkerPid = 0;
    for (size_t i = 0; i < signals.size(); ++i)
      sigaction(signals[i], &before[i], nullptr);
    if (int signal = caughtSignal)
      raise(signal);
  }

  void started(pid_t pid) {
    linkerPid = pid;
    if (caughtSignal) // before it had a number
      kill(pid, SIGTERM);
  }
  /// The linker is gone, and its number may be another process's.
  void ended() { linkerPid = 0; }

private:
  static constexpr std::array<int, 3> signals{SIGINT, SIGTERM, SIGHUP};
  static inline std::mutex mutex;
  std::lock_guard<std::mutex> lock;
  std::array<struct sigaction, signals.size()> before;
};

} // namespace

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
  int status = -1;
  {
    LinkerSignals signals;
    sys::ProcessInfo process = sys::ExecuteNoWait(
        *linker, arguments, std::nullopt, redirects, 0, &message);
    if (process.Pid != sys::ProcessInfo::InvalidPid) {
      signals.started(process.Pid);
      status = sys::Wait(process, kLinkerSeconds, &message).ReturnCode;
      signals.ended();
    }
  }
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
