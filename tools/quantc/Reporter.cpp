//===- Reporter.cpp - What quantc says, to people and to programs ---------===//
#include "Reporter.h"

#include "quantc/Reference/Compare.h"

#include "mlir/IR/Location.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace quantc {

/// A broken graph may break in a thousand places; the first ones tell.
static constexpr unsigned kMostErrors = 10;

/// What a person calls the place: the node's name, or file:line:column.
static std::string placeOf(mlir::Location location) {
  if (auto file = location->findInstanceOf<mlir::FileLineColLoc>())
    return formatv("{0}:{1}:{2}", file.getFilename().getValue(), file.getLine(),
                   file.getColumn());
  return mlir::qnet::nameOf(location).str();
}

void Reporter::attach(mlir::MLIRContext &context) {
  // A message names its node; the op in full is for compiler engineers.
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler([this](mlir::Diagnostic &diagnostic) {
    std::string notes;
    for (mlir::Diagnostic &note : diagnostic.getNotes())
      notes += (notes.empty() ? "" : "; ") + note.str();
    std::string message = diagnostic.str();
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      error(message, placeOf(diagnostic.getLocation()), notes);
    else
      warning(message);
    return mlir::success();
  });
}

/// One JSON object on a line of its own.
static void writeEvent(json::Object event) {
  errs() << json::Value(std::move(event)) << "\n";
}

void Reporter::clearLine() {
  if (lineOpen)
    errs() << "\r\033[K";
  lineOpen = false;
}

void Reporter::error(StringRef message, StringRef where, StringRef remedy) {
  if (++errors > kMostErrors)
    return;
  if (json) {
    writeEvent(llvm::json::Object{{"event", "error"},
                                  {"message", json::fixUTF8(message)},
                                  {"where", json::fixUTF8(where)},
                                  {"remedy", json::fixUTF8(remedy)}});
    return;
  }
  clearLine();
  errs() << "error: ";
  // Most messages name their node themselves.
  if (!where.empty() && !message.contains(where))
    errs() << where << ": ";
  errs() << message << "\n";
  if (!remedy.empty())
    errs() << "note: " << remedy << "\n";
}

int Reporter::fail(Error problem, ExitCode code) {
  error(toString(std::move(problem)));
  return code;
}

void Reporter::warning(StringRef message) {
  if (json) {
    writeEvent(llvm::json::Object{{"event", "warning"},
                                  {"message", json::fixUTF8(message)}});
    return;
  }
  clearLine();
  errs() << "warning: " << message << "\n";
}

void Reporter::progress(StringRef stage, int64_t done, int64_t total) {
  if (json) {
    writeEvent(llvm::json::Object{{"event", "progress"},
                                  {"stage", stage},
                                  {"done", done},
                                  {"total", total}});
    return;
  }
  if (!sys::Process::StandardErrIsDisplayed())
    return;
  clearLine();
  errs() << stage;
  if (total > 0)
    errs() << formatv(" {0}/{1} ({2}%)", done, total, 100 * done / total);
  lineOpen = true;
}

void Reporter::done(const std::map<std::string, std::string> &facts) {
  clearLine();
  if (!json)
    return;
  json::Object event{{"event", "done"}};
  for (const auto &[key, value] : facts)
    event[key] = json::fixUTF8(value);
  writeEvent(std::move(event));
}

Error captured(mlir::MLIRContext &context, function_ref<Error()> work) {
  std::string text;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error &&
            text.empty())
          text = diagnostic.str();
        return mlir::success();
      });
  Error error = work();
  if (!error || text.empty())
    return error;
  consumeError(std::move(error));
  return createStringError(text);
}

} // namespace quantc
