//===- ReportCommand.cpp - quantc report ----------------------------------===//
#include "Commands.h"
#include "ReportDocument.h"
#include "ReportPage.h"

#include "quantc/Emit/AtomicFolder.h"
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using mlir::qnet::AtomicFolder;

namespace quantc {

cl::SubCommand reportCommand("report", "all figures of a program, as a page");

static cl::opt<std::string> program(cl::Positional, cl::Required,
                                    cl::desc("<OUT | OUT/N.so>"),
                                    cl::sub(reportCommand));
static cl::opt<std::string> output("output", cl::value_desc("R.html"),
                                   cl::desc("the page: one file that needs "
                                            "nothing else"),
                                   cl::sub(reportCommand));
static cl::alias outputAlias("o", cl::desc("same as --output"),
                             cl::aliasopt(output));
static cl::opt<std::string>
    model("model", cl::value_desc("MODEL.onnx"),
          cl::desc("the float network, for all that compares with it"),
          cl::sub(reportCommand));
static cl::list<std::string>
    inputs("input", cl::value_desc("X.npy"),
           cl::desc("rows to compare on, one file an input, or a .npz keyed by "
                    "input, or a .csv (rows of the calibration)"),
           cl::sub(reportCommand));
static cl::opt<std::string>
    labels("labels", cl::value_desc("Y.npy"),
           cl::desc("those rows' classes, or targets of a single output"),
           cl::sub(reportCommand));
static cl::list<std::string>
    calibration("calibration", cl::value_desc("DATA"),
                cl::desc("the rows that the program was calibrated on"),
                cl::sub(reportCommand));
static cl::opt<std::string>
    frontier("frontier", cl::value_desc("DIR"),
             cl::desc("what `quantc tune -o DIR` found (the program's folder)"),
             cl::sub(reportCommand));
static cl::opt<bool> noTimes("no-times", cl::desc("time no calls"),
                             cl::sub(reportCommand));
static cl::opt<bool>
    asJson("json",
           cl::desc("the figures alone, for programs, to --output or else to "
                    "standard output (docs/report.md lists the fields)"),
           cl::sub(reportCommand));

/// What is wrong with the command line, or "".
static StringRef usageProblem() {
  if (output.empty() && !asJson)
    return "no file to write; name one with --output";
  if (model.empty() && (!inputs.empty() || !labels.empty()))
    return "--input and --labels are for comparing with the float network; "
           "give it with --model";
  if (!labels.empty() && inputs.empty() && calibration.empty())
    return "--labels are of rows; give those with --input or --calibration";
  return "";
}

/// The folder of the page; what can go wrong without any work goes wrong first.
static Expected<std::unique_ptr<AtomicFolder>> openFolder() {
  if (sys::fs::is_directory(output))
    return createStringError("'" + output +
                             "' is a folder; name a file with --output");
  StringRef parent = sys::path::parent_path(output);
  return AtomicFolder::open(parent.empty() ? "." : parent);
}

int runReport(Reporter &reporter) {
  if (StringRef problem = usageProblem(); !problem.empty()) {
    reporter.error(problem);
    return ExitCode::Usage;
  }
  std::unique_ptr<AtomicFolder> folder;
  if (!output.empty()) {
    auto opened = openFolder();
    if (!opened)
      return reporter.fail(opened.takeError());
    folder = std::move(*opened);
  }
  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  reporter.attach(context);
  Expected<json::Object> document = makeReportDocument(
      {.program = program,
       .model = model,
       .inputs = {inputs.begin(), inputs.end()},
       .labels = labels,
       .calibration = {calibration.begin(), calibration.end()},
       .frontier = frontier,
       .withTimes = !noTimes},
      context, reporter);
  if (!document) {
    std::string text = toString(document.takeError());
    if (!reporter.failed())
      reporter.error(text);
    return ExitCode::Failed;
  }
  std::string lead = document->getString("lead")->str();
  json::Value value(std::move(*document));
  std::string text =
      asJson ? formatv("{0:2}\n", value).str() : reportPage(value);
  if (!folder) {
    reporter.clearLine();
    outs() << text;
    reporter.done();
    return ExitCode::Done;
  }
  Error error = folder->write(sys::path::filename(output), text);
  if (!error)
    error = folder->commit();
  if (error)
    return reporter.fail(std::move(error));
  reporter.clearLine();
  outs() << lead << "\n";
  reporter.done({{"output", output}});
  return ExitCode::Done;
}

} // namespace quantc
