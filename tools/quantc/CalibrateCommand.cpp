//===- CalibrateCommand.cpp - quantc calibrate ----------------------------===//
#include "Commands.h"

#include "quantc/Pipeline/Compile.h"
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using mlir::qnet::MeasuredRows;

namespace quantc {

cl::SubCommand
    calibrateCommand("calibrate",
                     "measure rows for a compilation elsewhere or later");

static cl::opt<std::string> model(cl::Positional, cl::value_desc("MODEL"),
                                  cl::desc("[MODEL.onnx, or the network of "
                                           "compile --missing]"),
                                  cl::sub(calibrateCommand));
static cl::list<std::string>
    calibration("calibration", cl::value_desc("DATA"),
                cl::desc("rows to measure: one .npy, .npz or .csv, or one file "
                         "an input"),
                cl::sub(calibrateCommand));
static cl::list<std::string>
    statistics("statistics", cl::value_desc("FILE"),
               cl::desc("what was measured of other rows, to merge with them "
                        "(repeatable); without MODEL, with one another"),
               cl::sub(calibrateCommand));
static cl::opt<std::string> output("o", cl::value_desc("OUT.qcal"),
                                   cl::desc("file for what was measured"),
                                   cl::sub(calibrateCommand));
static cl::alias outputAlias("output", cl::desc("same as -o"),
                             cl::aliasopt(output));

static Error wrongUsage(const Twine &text) {
  return createStringError(inconvertibleErrorCode(), text);
}

static Error checkUsage() {
  if (output.empty())
    return wrongUsage("no file for what is measured; name one with -o");
  if (model.empty() != calibration.empty())
    return wrongUsage(model.empty()
                          ? "--calibration names rows, but there is no model "
                            "to run them through; name one"
                          : "no rows to measure; name a .npy, .npz or .csv "
                            "file with --calibration");
  if (model.empty() && statistics.empty())
    return wrongUsage("nothing to measure or merge; name a model and rows, or "
                      "files with --statistics");
  return Error::success();
}

/// Merges the files of --statistics into what there is.
static Error mergeFiles(std::optional<MeasuredRows> &merged) {
  for (const std::string &path : statistics) {
    Expected<MeasuredRows> read = MeasuredRows::readFile(path);
    if (!read)
      return read.takeError();
    if (!merged) {
      merged = std::move(*read);
    } else if (Error error = merged->merge(*read)) {
      return createStringError(
          inconvertibleErrorCode(),
          "'" + path + "' can't be merged: " + toString(std::move(error)));
    }
  }
  return Error::success();
}

int runCalibrate(Reporter &reporter) {
  if (Error error = checkUsage())
    return reporter.fail(std::move(error), ExitCode::Usage);
  std::optional<MeasuredRows> measured;
  if (!model.empty()) {
    mlir::DialectRegistry registry;
    mlir::qnet::registerAllDialects(registry);
    mlir::MLIRContext context(registry);
    reporter.attach(context);
    const std::vector<std::string> rows(calibration.begin(), calibration.end());
    auto result = mlir::qnet::measureModel(model, rows, context, reporter);
    if (failed(result)) {
      if (!reporter.failed())
        reporter.error("calibration failed without a reason",
                       sys::path::filename(model));
      return ExitCode::Failed;
    }
    measured = std::move(*result);
  }
  if (Error error = mergeFiles(measured))
    return reporter.fail(std::move(error));
  // Under another name until it is whole.
  if (Error error = writeToOutput(output, [&](raw_ostream &os) -> Error {
        os << measured->toBytes();
        return Error::success();
      }))
    return reporter.fail(wrongUsage("cannot write to '" + output +
                                    "': " + toString(std::move(error)) +
                                    "; choose another with -o"));
  reporter.done({{"output", output}});
  return ExitCode::Done;
}

} // namespace quantc
