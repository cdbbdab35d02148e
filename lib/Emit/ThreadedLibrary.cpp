//===- ThreadedLibrary.cpp - What a library with threads needs ------------===//
#include "quantc/Emit/ThreadedLibrary.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <cstdlib>
#include <dlfcn.h>
#include <pthreadpool.h>

using namespace llvm;

namespace mlir::qnet {

bool canHaveThreads(StringRef triple) {
  Triple target(triple), host(sys::getProcessTriple());
  return target.isOSBinFormatELF() && target.getArch() == host.getArch() &&
         target.getOS() == host.getOS() &&
         target.getEnvironment() == host.getEnvironment();
}

StringRef threadPoolObject() {
  static constexpr unsigned char bytes[] = {
#include "LibraryThreads.inc"
  };
  return toStringRef(ArrayRef(bytes));
}

std::vector<std::string> threadPoolLibraries() {
  std::vector<std::string> paths;
  for (void *function : {reinterpret_cast<void *>(&pthreadpool_create),
                         reinterpret_cast<void *>(&std::abort)}) {
    Dl_info found;
    if (dladdr(function, &found) != 0 && found.dli_fname)
      paths.emplace_back(found.dli_fname);
  }
  return paths;
}

Expected<std::string> withLocalFunctions(StringRef object,
                                         ArrayRef<std::string> functions) {
  auto binary =
      object::ObjectFile::createObjectFile(MemoryBufferRef(object, "object"));
  if (!binary)
    return binary.takeError();
  objcopy::ConfigManager config;
  for (const std::string &function : functions)
    if (Error error = config.Common.SymbolsToLocalize.addMatcher(
            objcopy::NameOrPattern::create(
                function, objcopy::MatchStyle::Literal,
                [](Error problem) { return problem; })))
      return std::move(error);
  SmallString<0> result;
  raw_svector_ostream os(result);
  if (Error error = objcopy::executeObjcopyOnBinary(config, **binary, os))
    return std::move(error);
  return result.str().str();
}

} // namespace mlir::qnet
