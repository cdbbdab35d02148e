//===- CompileCommand.cpp - quantc compile --------------------------------===//
#include "Commands.h"

#include "quantc/Pipeline/Compile.h"
#include "quantc/Pipeline/Pipeline.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using mlir::qnet::CompileOptions;
using mlir::qnet::Stage;

namespace quantc {

cl::SubCommand compileCommand("compile", "make an integer program of a model");

static cl::opt<std::string> model(cl::Positional, cl::Required,
                                  cl::value_desc("MODEL"),
                                  cl::desc("<MODEL.onnx | MODEL.tflite>"),
                                  cl::sub(compileCommand));
static cl::list<std::string>
    calibration("calibration", cl::value_desc("DATA"),
                cl::desc("rows to calibrate on: one .npy, .npz or .csv, or one "
                         "file an input"),
                cl::sub(compileCommand));
static cl::list<std::string>
    statistics("statistics", cl::value_desc("FILE"),
               cl::desc("what quantc calibrate measured, in place of "
                        "--calibration; of all rows in any number of files "
                        "(repeatable)"),
               cl::sub(compileCommand));
static cl::opt<std::string>
    missing("missing", cl::value_desc("FILE"),
            cl::desc("where to write a network whose statistics are missing, "
                     "for quantc calibrate"),
            cl::sub(compileCommand));
static cl::opt<std::string>
    ranges("ranges", cl::value_desc("FILE"),
           cl::desc("ranges from --emit=ranges in place of --calibration; "
                    "together with it, those in it with \"fixed\": true"),
           cl::sub(compileCommand));
static cl::list<std::string>
    fixedRanges("fix-range", cl::value_desc("NAME=lo:hi"),
                cl::desc("range of a node's result or of an input, in place of "
                         "the one measured (repeatable)"),
                cl::sub(compileCommand));
static cl::opt<std::string> output("o", cl::value_desc("OUT"),
                                   cl::desc("folder for the files"),
                                   cl::sub(compileCommand));
static cl::alias outputAlias("output", cl::desc("same as -o"),
                             cl::aliasopt(output));
static cl::opt<std::string>
    name("name", cl::value_desc("N"),
         cl::desc("name of the program and its files (the model's by default)"),
         cl::sub(compileCommand));
static cl::opt<std::string>
    weights("weights", cl::value_desc("BITS"),
            cl::desc("weights: int8 (default), int4, or "
                     "mixed: 4 bits for the layers "
                     "where they cost next to nothing"),
            cl::init("int8"), cl::sub(compileCommand));
static cl::opt<std::string>
    activations("activations", cl::value_desc("BITS"),
                cl::desc("activations: auto (default: int8, and 15 bits in "
                         "small layers that gain by them), mixed (15 bits in "
                         "up to a quarter of the network), int8, or int16"),
                cl::init("auto"), cl::sub(compileCommand));
static cl::opt<std::string>
    plan("plan", cl::value_desc("FILE"),
         cl::desc("the layers' bits, as quantc tune writes them"),
         cl::sub(compileCommand));
static cl::opt<std::string>
    budget("accuracy-budget", cl::value_desc("B"),
           cl::desc("choose the layers' bits so that no more is lost: "
                    "percentage points (0.1%) of the score with --labels, of "
                    "decisions without; or the least SQNR (40dB)"),
           cl::sub(compileCommand));
static cl::opt<std::string>
    minimize("minimize", cl::value_desc("WHAT"),
             cl::desc("within the budget: time (default) or size (default of "
                      "--weights=mixed)"),
             cl::sub(compileCommand));
static cl::list<std::string>
    validation("validation", cl::value_desc("V.npy"),
               cl::desc("rows to judge by (the calibration rows)"),
               cl::sub(compileCommand));
static cl::opt<std::string>
    labels("labels", cl::value_desc("Y.npy"),
           cl::desc("the classes of the rows to judge by"),
           cl::sub(compileCommand));
static cl::opt<std::string>
    method("method", cl::value_desc("METHOD"),
           cl::desc("ranges from calibration: auto (default), minmax, "
                    "percentile, mse, entropy"),
           cl::init("auto"), cl::sub(compileCommand));
static cl::opt<double>
    percentile("percentile", cl::value_desc("P"),
               cl::desc("share of values inside the range, in percent"),
               cl::init(0), cl::sub(compileCommand));
static cl::opt<std::string>
    requant("requant", cl::value_desc("FORM"),
            cl::desc("requantization: float (default), or fixed for cores "
                     "without an FPU"),
            cl::init("float"), cl::sub(compileCommand));
static cl::opt<std::string>
    prefer("prefer", cl::value_desc("GOAL"),
           cl::desc("accuracy (default), or speed: activations of fewer steps "
                    "where that lets more products be added in 16 bits"),
           cl::init("accuracy"), cl::sub(compileCommand));
static cl::opt<std::string>
    effort("effort", cl::value_desc("HOW MUCH"),
           cl::desc("work on rounding weights: default, low (to the nearest), "
                    "or high (all that helps, within a minute)"),
           cl::init("default"), cl::sub(compileCommand));
static cl::opt<std::string> prune(
    "prune", cl::value_desc("HOW"),
    cl::desc("none (default), 2:4, block:F, magnitude:F or neurons:F with "
             "F the share to remove, or features:K with K the input features "
             "to keep"),
    cl::init("none"), cl::sub(compileCommand));
static cl::opt<std::string>
    equalize("equalize", cl::value_desc("BY"),
             cl::desc("rescale hidden channels so that one range fits them: "
                      "weights, activations (by what the calibration rows "
                      "give), none, or auto (default: none, but with "
                      "--effort=high what helps)"),
             cl::init("auto"), cl::sub(compileCommand));
static cl::opt<std::string> splitChannels(
    "split-channels", cl::value_desc("HOW"),
    cl::desc("hidden channels with outliers become two of half the size: "
             "weights:F or activations:F (by what the calibration rows give) "
             "with F the share of channels to split, or none (default)"),
    cl::init("none"), cl::sub(compileCommand));
static cl::list<std::string>
    freeze("freeze", cl::value_desc("NAME"),
           cl::desc("dense layer, or pattern of names, whose parameters are "
                    "rounded to the nearest and not changed otherwise"),
           cl::sub(compileCommand));
static cl::list<std::string>
    fold("fold", cl::value_desc("NAME[I]=VALUE"),
         cl::desc("input feature, hidden channel or whole input (NAME=VALUE) "
                  "that becomes a constant, or its mean: NAME[I]=mean"),
         cl::sub(compileCommand));
static cl::opt<bool>
    allowFloat("allow-float",
               cl::desc("leave ops without an integer form in float"),
               cl::sub(compileCommand));
static cl::opt<bool>
    requireInt("require-int",
               cl::desc("fail if any op is left in float, and say why"),
               cl::sub(compileCommand));
static cl::opt<bool>
    countClipped("count-clipped",
                 cl::desc("count the values that each layer clips: the program "
                          "gets N_clipped (and no 8-bit entry)"),
                 cl::sub(compileCommand));
static cl::opt<std::string> target("target", cl::value_desc("TRIPLE"),
                                   cl::desc("where to run (this machine)"),
                                   cl::sub(compileCommand));
static cl::opt<std::string>
    cpu("cpu", cl::value_desc("CPU"),
        cl::desc("native (default), portable, or a CPU's name"),
        cl::init("native"), cl::sub(compileCommand));
static cl::opt<std::string>
    emit("emit", cl::value_desc("LIST"),
         cl::desc("of object,header,shared,llvm,asm,mlir,ranges (the first "
                  "three)"),
         cl::sub(compileCommand));
static cl::opt<int> threads("threads", cl::value_desc("T"),
                            cl::desc("threads that N_run of the shared library "
                                     "uses (1); object and header have "
                                     "N_run_parallel for a caller's threads"),
                            cl::init(1), cl::sub(compileCommand));
static cl::opt<std::string> from("from", cl::value_desc("STAGE"),
                                 cl::desc("first stage: MODEL is MLIR"),
                                 cl::init("import"), cl::sub(compileCommand));
static cl::opt<std::string> to("to", cl::value_desc("STAGE"),
                               cl::desc("last stage, after which the graph is "
                                        "written to N.mlir"),
                               cl::init("emit"), cl::sub(compileCommand));
static cl::list<std::string>
    printAfter("print-after-stage", cl::value_desc("STAGE"),
               cl::desc("print the graph after the stage (or all)"),
               cl::CommaSeparated, cl::sub(compileCommand));

static Expected<Stage> readStage(StringRef flag, StringRef word) {
  if (auto stage = mlir::qnet::stageNamed(word))
    return *stage;
  return createStringError(inconvertibleErrorCode(),
                           "--" + flag + "=" + word +
                               " is no stage; choose from " +
                               mlir::qnet::stageNames());
}

static Expected<CompileOptions> readOptions() {
  CompileOptions options;
  options.model = model;
  options.calibration.assign(calibration.begin(), calibration.end());
  options.statistics.assign(statistics.begin(), statistics.end());
  options.missing = missing;
  options.ranges = ranges;
  options.fixedRanges.assign(fixedRanges.begin(), fixedRanges.end());
  options.output = output;
  options.name = name;
  options.weights = weights;
  options.activations = activations;
  options.plan = plan;
  options.accuracyBudget = budget;
  options.minimize = minimize;
  options.validation.assign(validation.begin(), validation.end());
  options.labels = labels;
  options.method = method;
  options.percentile = percentile;
  options.requant = requant;
  options.prefer = prefer;
  options.effort = effort;
  options.prune = prune;
  options.equalize = equalize;
  options.splitChannels = splitChannels;
  options.freeze.assign(freeze.begin(), freeze.end());
  options.folds.assign(fold.begin(), fold.end());
  options.allowFloat = allowFloat;
  options.requireInt = requireInt;
  options.countClipped = countClipped;
  options.target = target;
  options.cpu = cpu;
  options.threads = threads;
  if (emit.getNumOccurrences() != 0) {
    auto artifacts = mlir::qnet::parseArtifacts(emit);
    if (!artifacts)
      return artifacts.takeError();
    options.emit = std::move(*artifacts);
  }
  for (auto [flag, word, stage] : {std::tuple("from", &from, &options.from),
                                   std::tuple("to", &to, &options.to)}) {
    Expected<Stage> read = readStage(flag, *word);
    if (!read)
      return read.takeError();
    *stage = *read;
  }
  for (StringRef word : printAfter) {
    for (const mlir::qnet::StageInfo &info : mlir::qnet::stages())
      if (word == "all")
        options.printAfter.insert(info.stage);
    if (word == "all")
      continue;
    Expected<Stage> read = readStage("print-after-stage", word);
    if (!read)
      return read.takeError();
    options.printAfter.insert(*read);
  }
  if (Error error = mlir::qnet::checkOptions(options))
    return std::move(error);
  return options;
}

int runCompile(Reporter &reporter) {
  Expected<CompileOptions> options = readOptions();
  if (!options)
    return reporter.fail(options.takeError(), ExitCode::Usage);

  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  reporter.attach(context);
  if (failed(mlir::qnet::compile(*options, context, reporter))) {
    if (!reporter.failed())
      reporter.error("compilation failed without a reason",
                     sys::path::filename(options->model));
    return ExitCode::Failed;
  }
  reporter.done({{"output", options->output}});
  return ExitCode::Done;
}

} // namespace quantc
