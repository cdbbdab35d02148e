//===- AtomicFolder.cpp - Files that appear whole or not at all -----------===//
#include "quantc/Emit/AtomicFolder.h"

#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

namespace mlir::qnet {

static Error cannotWrite(StringRef folder, std::error_code reason) {
  return createStringError(reason, "cannot write to the output folder '" +
                                       folder + "': " + reason.message() +
                                       "; choose another with -o");
}

/// `folder` without its last component, "." where nothing is left.
static StringRef parentOf(StringRef folder) {
  StringRef parent = path::parent_path(folder.rtrim('/'));
  return parent.empty() ? "." : parent;
}

Expected<std::unique_ptr<AtomicFolder>> AtomicFolder::open(StringRef folder) {
  if (folder.empty())
    return cannotWrite(folder,
                       std::make_error_code(std::errc::invalid_argument));
  StringRef existing = folder;
  while (!fs::exists(existing) && existing != parentOf(existing))
    existing = parentOf(existing);
  if (!fs::is_directory(existing))
    return cannotWrite(folder,
                       std::make_error_code(std::errc::not_a_directory));
  if (std::error_code error = fs::access(existing, fs::AccessMode::Write))
    return cannotWrite(folder, error);
  return std::unique_ptr<AtomicFolder>(new AtomicFolder(folder));
}

AtomicFolder::~AtomicFolder() { discard(); }

void AtomicFolder::discard() {
  for (Pending &file : pending)
    consumeError(file.file.discard());
  pending.clear();
  if (made.empty())
    return;
  // Only folders that are empty go, innermost first.
  for (StringRef folder = path; folder.size() >= made.size();
       folder = parentOf(folder))
    if (fs::remove(folder))
      break;
  made.clear();
}

Expected<AtomicFolder::Pending *> AtomicFolder::create(StringRef name) {
  if (!fs::exists(path)) {
    for (StringRef folder = path; !fs::exists(folder);
         folder = parentOf(folder))
      made = folder.str();
    if (std::error_code error =
            fs::create_directories(path, /*IgnoreExisting=*/true, fs::all_all))
      return cannotWrite(path, error);
  }
  SmallString<128> model(path);
  path::append(model, "." + name + "-%%%%%%%%");
  Expected<fs::TempFile> file =
      fs::TempFile::create(model, fs::all_read | fs::all_write);
  if (!file)
    return cannotWrite(path, errorToErrorCode(file.takeError()));
  pending.push_back({name.str(), std::move(*file)});
  return &pending.back();
}

static Error writeTo(const fs::TempFile &file, StringRef folder,
                     StringRef contents) {
  raw_fd_ostream os(file.FD, /*shouldClose=*/false);
  os << contents;
  os.flush();
  if (!os.has_error())
    return Error::success();
  std::error_code error = os.error();
  os.clear_error();
  return cannotWrite(folder, error);
}

Error AtomicFolder::write(StringRef name, StringRef contents) {
  Expected<Pending *> file = create(name);
  if (!file)
    return file.takeError();
  return writeTo((*file)->file, path, contents);
}

Expected<std::string> AtomicFolder::writeScratch(StringRef contents) {
  Expected<Pending *> file = create("");
  if (!file)
    return file.takeError();
  if (Error error = writeTo((*file)->file, path, contents))
    return std::move(error);
  return (*file)->file.TmpName;
}

Expected<std::string> AtomicFolder::reserve(StringRef name) {
  Expected<Pending *> file = create(name);
  if (!file)
    return file.takeError();
  return (*file)->file.TmpName;
}

Error AtomicFolder::commit() {
  for (Pending &file : pending) {
    if (file.name.empty()) {
      consumeError(file.file.discard());
      continue;
    }
    SmallString<128> target(path);
    path::append(target, file.name);
    if (Error error = file.file.keep(target))
      return cannotWrite(path, errorToErrorCode(std::move(error)));
  }
  pending.clear();
  made.clear();
  return Error::success();
}

} // namespace mlir::qnet
