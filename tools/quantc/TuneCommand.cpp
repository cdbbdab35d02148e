//===- TuneCommand.cpp - quantc tune --------------------------------------===//
//
// The layers' bits and what they cost: every choice worth its cost, compiled
// and run, for the user to pick one.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"
#include "Frontier.h"

#include "quantc/Emit/AtomicFolder.h"
#include "quantc/Pipeline/Compile.h"
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using mlir::qnet::AtomicFolder;
using mlir::qnet::CompileOptions;

namespace quantc {

cl::SubCommand tuneCommand("tune", "find the layers' bits that are worth it");

static cl::opt<std::string> model(cl::Positional, cl::Required,
                                  cl::value_desc("MODEL"),
                                  cl::desc("<MODEL.onnx | MODEL.tflite>"),
                                  cl::sub(tuneCommand));
static cl::list<std::string>
    calibration("calibration", cl::value_desc("DATA"),
                cl::desc("rows to calibrate on: one .npy, .npz or .csv, or one "
                         "file an input"),
                cl::sub(tuneCommand));
static cl::list<std::string>
    validation("validation", cl::value_desc("V.npy"),
               cl::desc("rows to judge by (the calibration rows)"),
               cl::sub(tuneCommand));
static cl::alias validationAlias("input", cl::desc("same as --validation"),
                                 cl::aliasopt(validation));
static cl::opt<std::string> labels("labels", cl::value_desc("Y.npy"),
                                   cl::desc("the classes of the rows to judge "
                                            "by"),
                                   cl::sub(tuneCommand));
static cl::opt<std::string>
    budget("accuracy-budget", cl::value_desc("B"),
           cl::desc("what may be lost: percentage points (0.1%) of the score "
                    "with --labels, of decisions without; or the least SQNR "
                    "(40dB)"),
           cl::sub(tuneCommand));
static cl::opt<std::string>
    minimize("minimize", cl::value_desc("WHAT"),
             cl::desc("time (default, by the cost model) or size"),
             cl::init("time"), cl::sub(tuneCommand));
static cl::opt<std::string> output("o", cl::value_desc("OUT"),
                                   cl::desc("folder for frontier.json, "
                                            "frontier.svg and a plan a point"),
                                   cl::sub(tuneCommand));
static cl::alias outputAlias("output", cl::desc("same as -o"),
                             cl::aliasopt(output));
static cl::opt<unsigned>
    points("points", cl::value_desc("N"),
           cl::desc("choices to compile and run (12), and those that the "
                    "budget asks for"),
           cl::init(12), cl::sub(tuneCommand));
static cl::opt<std::string>
    method("method", cl::value_desc("METHOD"),
           cl::desc("ranges from calibration, as of quantc compile"),
           cl::init("auto"), cl::sub(tuneCommand));
static cl::opt<std::string>
    prune("prune", cl::value_desc("HOW"),
          cl::desc("zeros in weights, as of quantc compile"), cl::init("none"),
          cl::sub(tuneCommand));
static cl::opt<bool>
    allowFloat("allow-float",
               cl::desc("layers may stay in float, as may ops without an "
                        "integer form"),
               cl::sub(tuneCommand));
static cl::opt<std::string> target("target", cl::value_desc("TRIPLE"),
                                   cl::desc("whose time is modelled (this "
                                            "machine)"),
                                   cl::sub(tuneCommand));
static cl::opt<std::string>
    cpu("cpu", cl::value_desc("CPU"),
        cl::desc("whose time is modelled: native (default) or a CPU's name"),
        cl::init("native"), cl::sub(tuneCommand));

/// More points than this are no choice any more.
static constexpr unsigned kMostPoints = 200;

static CompileOptions readOptions() {
  CompileOptions options;
  options.model = model;
  options.calibration.assign(calibration.begin(), calibration.end());
  options.validation.assign(validation.begin(), validation.end());
  options.labels = labels;
  options.accuracyBudget = budget;
  options.minimize = minimize;
  options.output = output;
  options.onlySearches = true;
  options.method = method;
  options.prune = prune;
  options.allowFloat = allowFloat;
  options.target = target;
  options.cpu = cpu;
  return options;
}

static Error writeFiles(const Frontier &frontier, AtomicFolder &folder) {
  for (const auto &[i, point] : enumerate(frontier.result.points))
    if (Error error = folder.write(Frontier::planFile(i),
                                   mlir::qnet::planToJson(point.plan)))
      return error;
  if (Error error = folder.write("frontier.svg", frontierPicture(frontier)))
    return error;
  // Last: where it is, everything that it names is.
  if (Error error = folder.write("frontier.json", frontierJson(frontier)))
    return error;
  return folder.commit();
}

int runTune(Reporter &reporter) {
  CompileOptions options = readOptions();
  if (Error error = mlir::qnet::checkOptions(options))
    return reporter.fail(std::move(error), ExitCode::Usage);
  if (points < 2 || points > kMostPoints) {
    reporter.error("--points=" + std::to_string(points) + " is not from 2 to " +
                   std::to_string(kMostPoints));
    return ExitCode::Usage;
  }
  // What can go wrong without any work goes wrong first.
  auto folder = AtomicFolder::open(options.output);
  if (!folder)
    return reporter.fail(folder.takeError());

  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  reporter.attach(context);
  auto result = mlir::qnet::tuneModel(options, points, context, reporter);
  if (failed(result)) {
    if (!reporter.failed())
      reporter.error("the search over bits failed without a reason",
                     sys::path::filename(options.model));
    return ExitCode::Failed;
  }
  Frontier frontier;
  frontier.result = std::move(*result);
  frontier.goal = options.minimize == "size" ? mlir::qnet::Goal::Size
                                             : mlir::qnet::Goal::Time;
  frontier.model = sys::path::filename(options.model).str();
  frontier.cpu = frontier.result.cpu;
  if (Error error = writeFiles(frontier, **folder))
    return reporter.fail(std::move(error));
  reporter.clearLine();
  printFrontier(frontier, outs());
  outs().flush();
  if (!frontier.result.isBudgetMet) {
    const mlir::qnet::TunePoint &nearest =
        frontier.result.points[*frontier.result.chosen];
    reporter.error(
        "no choice of bits reaches " + frontier.result.requirement +
            "; the nearest is point " +
            std::to_string(*frontier.result.chosen + 1) + " with " +
            figuresText(nearest),
        "", "allow more, or choose a point of those in " + options.output);
    return ExitCode::Failed;
  }
  reporter.done({{"output", options.output}});
  return ExitCode::Done;
}

} // namespace quantc
