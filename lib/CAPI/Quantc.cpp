//===- Quantc.cpp - quantc for C ------------------------------------------===//
#include "quantc-c/quantc.h"

#include "quantc/Pipeline/Compile.h"
#include "quantc/Pipeline/Pipeline.h"
#include "quantc/Pipeline/Version.h"
#include "quantc/Reference/Compare.h"

#include "mlir/CAPI/IR.h"
#include "mlir/IR/Diagnostics.h"
#include <mutex>

using namespace mlir;
using namespace mlir::qnet;

const char *quantcVersion(void) { return versionString().data(); }

void quantcRegisterDialects(MlirDialectRegistry registry) {
  registerAllDialects(*unwrap(registry));
}

void quantcRegisterPasses(void) {
  static std::once_flag once;
  std::call_once(once, [] {
    registerAllPasses();
    registerAllPipelines();
  });
}

namespace {
/// Tells a C callback, and whether there was an error.
class Messages {
public:
  Messages(QuantcMessageCallback callback, void *userData)
      : callback(callback), userData(userData) {}

  void tell(bool isError, const std::string &message,
            const std::string &where) {
    told |= isError;
    if (callback)
      callback(isError, message.c_str(), where.c_str(), userData);
  }
  void tell(Diagnostic &diagnostic) {
    std::string message = diagnostic.str();
    for (Diagnostic &note : diagnostic.getNotes())
      message += "; " + note.str();
    tell(diagnostic.getSeverity() == DiagnosticSeverity::Error, message,
         nameOf(diagnostic.getLocation()).str());
  }
  bool toldError() const { return told; }

private:
  QuantcMessageCallback callback;
  void *userData;
  bool told = false;
};

struct NoProgress : ProgressSink {
  void progress(StringRef, int64_t, int64_t) override {}
};
} // namespace

/// Sets what the caller gave; NULL leaves the default.
static void set(std::string &to, const char *from) {
  if (from)
    to = from;
}

static llvm::Expected<CompileOptions>
readOptions(const QuantcCompileOptions &given) {
  CompileOptions options;
  set(options.model, given.model);
  if (given.calibration)
    options.calibration = {given.calibration};
  set(options.output, given.output);
  set(options.name, given.name);
  set(options.target, given.target);
  set(options.cpu, given.cpu);
  set(options.method, given.method);
  set(options.requant, given.requant);
  set(options.prune, given.prune);
  options.allowFloat = given.allowFloat;
  if (given.emit) {
    auto artifacts = parseArtifacts(given.emit);
    if (!artifacts)
      return artifacts.takeError();
    options.emit = std::move(*artifacts);
  }
  if (llvm::Error error = checkOptions(options))
    return std::move(error);
  return options;
}

bool quantcCompile(const QuantcCompileOptions *given,
                   QuantcMessageCallback onMessage, void *userData) {
  Messages messages(onMessage, userData);
  if (!given) {
    messages.tell(true, "no options were given", "");
    return false;
  }
  llvm::Expected<CompileOptions> options = readOptions(*given);
  if (!options) {
    messages.tell(true, toString(options.takeError()), "");
    return false;
  }
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    messages.tell(diagnostic);
    return success();
  });
  NoProgress progress;
  if (succeeded(compile(*options, context, progress)))
    return true;
  if (!messages.toldError())
    messages.tell(true, "compilation failed without a reason", "");
  return false;
}
