//===- Reporter.h - What quantc says, to people and to programs -*- C++ -*-===//
#ifndef QUANTC_TOOLS_REPORTER_H
#define QUANTC_TOOLS_REPORTER_H

#include "mlir/IR/Diagnostics.h"
#include "quantc/Pipeline/Compile.h"
#include "llvm/Support/Error.h"
#include <map>

namespace quantc {

/// Exit codes of every subcommand.
enum ExitCode { Done = 0, Failed = 1, Usage = 2 };

/// How messages and progress are written to standard error: lines for a person
/// (progress only on a terminal), or one JSON object a line
/// (`--progress=json`):
///   {"event":"progress","stage":"calibrate","done":3,"total":10}
///   {"event":"error","message":...,"where":...,"remedy":...}
///   {"event":"done",...}
class Reporter : public mlir::qnet::ProgressSink {
public:
  void useJson() { json = true; }

  /// From here on the context's diagnostics come here, so the context may not
  /// outlive this. Warnings and remarks are
  /// for a person only.
  void attach(mlir::MLIRContext &context);

  void error(llvm::StringRef message, llvm::StringRef where = "",
             llvm::StringRef remedy = "");
  /// Reports the error and returns the code to exit with.
  int fail(llvm::Error error, ExitCode code = ExitCode::Failed);
  void warning(llvm::StringRef message);
  void progress(llvm::StringRef stage, int64_t done, int64_t total) override;
  /// The end of a success; `facts` are for programs ("manifest": path, ...).
  void done(const std::map<std::string, std::string> &facts = {});

  bool failed() const { return errors != 0; }

  /// Takes the line of progress off the terminal, before other output.
  void clearLine();

private:
  bool json = false;
  bool lineOpen = false;
  unsigned errors = 0;
};

/// Runs `work`; what it says of an error in diagnostics becomes its text.
llvm::Error captured(mlir::MLIRContext &context,
                     llvm::function_ref<llvm::Error()> work);

} // namespace quantc

#endif // QUANTC_TOOLS_REPORTER_H
