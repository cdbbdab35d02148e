//===- quantc-fuzz-import.cpp - Read many files, report on each -----------===//
//
//   quantc-fuzz-import FILE...     (or @LIST: a file with one path a line)
//
// Models (.onnx, .tflite) are imported; data (.npy, .npz, .csv) is read as the
// rows of one input of four values. Prints "FILE: ok" or "FILE: error: MESSAGE"
// for each, and exits with 1 when the importer broke its word: a failure with
// no error or with several, or a success with an error or with a module that
// does not verify. What crashes, asserts or reads out of bounds ends the
// program, most loudly in the sanitized build (quantc-fuzz-import-sanitized).
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "quantc/Calibrate/RowSource.h"
#include "quantc/Import/ImportOnnx.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace {
/// Imports one file; true when the importer kept its word.
bool importFile(StringRef path) {
  // A context a file: nothing may leak from one to the next.
  MLIRContext context(MLIRContext::Threading::DISABLED);
  SmallVector<std::string> errors;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      errors.push_back(diagnostic.str());
    return success();
  });
  OwningOpRef<ModuleOp> module = qnet::importOnnx(path, context);
  if (!module && errors.size() == 1) {
    llvm::outs() << path << ": error: " << errors.front() << "\n";
    return true;
  }
  if (module && errors.empty() && succeeded(verify(*module))) {
    llvm::outs() << path << ": ok\n";
    return true;
  }
  llvm::outs() << path << ": BROKEN: " << (module ? "module" : "no module")
               << ", errors: " << llvm::join(errors, " | ") << "\n";
  return false;
}

/// Reads all rows of a data file.
void readRows(StringRef path) {
  auto report = [&](llvm::Error error) {
    llvm::outs() << path << ": error: " << llvm::toString(std::move(error))
                 << "\n";
  };
  auto source = qnet::RowSource::open({path.str()}, {{"x", {4}}});
  if (!source)
    return report(source.takeError());
  constexpr int64_t block = 3;
  std::vector<float> values(block * 4);
  while (true) {
    auto count = (*source)->next(block, {values.data()});
    if (!count)
      return report(count.takeError());
    if (*count == 0)
      break;
  }
  llvm::outs() << path << ": ok\n";
}

/// True when the reader of this kind of file kept its word.
bool readFile(StringRef path) {
  if (path.ends_with(".npy") || path.ends_with(".npz") ||
      path.ends_with(".csv")) {
    readRows(path);
    return true;
  }
  return importFile(path);
}
} // namespace

int main(int argc, char **argv) {
  bool kept = true;
  for (int i = 1; i < argc; ++i) {
    StringRef argument = argv[i];
    if (!argument.consume_front("@")) {
      kept &= readFile(argument);
      continue;
    }
    auto list = llvm::MemoryBuffer::getFile(argument);
    if (!list) {
      llvm::errs() << "cannot read " << argument << "\n";
      return 2;
    }
    SmallVector<StringRef> paths;
    (*list)->getBuffer().split(paths, '\n', -1, /*KeepEmpty=*/false);
    for (StringRef path : paths)
      kept &= readFile(path);
  }
  return kept ? 0 : 1;
}
