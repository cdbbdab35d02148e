//===- Compile.cpp - From a model and rows of data to files ---------------===//
//
// The stages in the order of Stages.def, each with the graph of the one before.
//
//===----------------------------------------------------------------------===//
#include "quantc/Pipeline/Compile.h"

#include "CalibrationData.h"
#include "Equalization.h"
#include "MatchInputs.h"
#include "MeasuredPruning.h"
#include "PackageWriter.h"

#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Calibrate/Passes.h"
#include "quantc/Emit/Header.h"
#include "quantc/Import/ImportOnnx.h"
#include "quantc/Import/TfliteModel.h"
#include "quantc/Kernels/KernelTable.h"
#include "quantc/Optimize/Optimize.h"
#include "quantc/Pipeline/Native.h"
#include "quantc/Prepare/Equalize.h"
#include "quantc/Prepare/Passes.h"
#include "quantc/Prepare/Prepare.h"
#include "quantc/Quantize/Quantize.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace mlir::qnet {

/// The largest stored activation under --prefer=speed. Noise of activations
/// grows by (255 / it)^2, and below about 150 few groups of random weights
/// overflow 16 bits (docs/kernels.md has both, measured). CPUs that add in 32
/// bits at once gain nothing by it, nor do weights of 4 bits, whose sums fit.
static constexpr int32_t kFastActivationMax = 148;

/// Different rows on which single layers are measured.
static constexpr int64_t kSampleRows = 256;

/// An error that belongs to no op.
static LogicalResult report(MLIRContext &context, Error error) {
  return emitError(UnknownLoc::get(&context)) << toString(std::move(error));
}

static bool isMlirFile(StringRef path) {
  StringRef extension = sys::path::extension(path);
  return extension == ".mlir" || extension == ".mlirbc";
}

/// A TensorFlow Lite file's network. Its tensors have the batch that the file
/// was converted with, one in most; the network takes any.
static OwningOpRef<ModuleOp> loadTflite(StringRef path, MLIRContext &context) {
  OwningOpRef<ModuleOp> module = importOnnx(path, context);
  PassManager passes(&context);
  // What undoes a reshape mixes rows no more.
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createGeneralizeBatch());
  if (!module || failed(passes.run(*module)))
    return {};
  return module;
}

/// A model as a module: MLIR is parsed, everything else is what readOnnxModel
/// reads.
static OwningOpRef<ModuleOp> loadModel(StringRef path, MLIRContext &context) {
  if (!isMlirFile(path))
    return onnx::isTfliteFile(path) ? loadTflite(path, context)
                                    : importOnnx(path, context);
  // Aligned as bytecode asks, so that large constants are used in place.
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/true,
                                      /*IsVolatile=*/false, Align(64));
  if (!buffer) {
    emitError(UnknownLoc::get(&context))
        << "cannot read '" << path << "': " << buffer.getError().message();
    return {};
  }
  return parseSourceString<ModuleOp>((*buffer)->getBuffer(), &context, path);
}

/// Names the module, @main and its arguments after the program and its tensors
/// where they are named after the file: the same model under another file name
/// gives the same bytes.
static void nameAfter(ModuleOp module, StringRef program) {
  auto named = [&](StringRef name) {
    return NameLoc::get(StringAttr::get(module.getContext(), name));
  };
  Location file = module.getLoc();
  module->setLoc(named(program));
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return;
  main->setLoc(named(program));
  for (BlockArgument argument : main.getArguments()) {
    auto name =
        main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr);
    if (name &&
        (argument.getLoc() == file || isa<UnknownLoc>(argument.getLoc())))
      argument.setLoc(named(name));
  }
  main.walk([&](Operation *op) {
    if (op->getLoc() == file)
      op->setLoc(named(program));
  });
}

/// Runs the passes of a stage and MLIR's verifier after them.
static LogicalResult runPasses(ModuleOp module,
                               function_ref<void(OpPassManager &)> build) {
  PassManager passes(module->getContext());
  // The verifier between passes is for those who write them; here it runs once,
  // at the end of the stage.
  passes.enableVerifier(false);
  build(passes);
  if (failed(passes.run(module)))
    return failure();
  return verify(module);
}

static LogicalResult prepare(ModuleOp module, const CompileOptions &options) {
  Expected<PruneRequest> prune = parsePrune(options.prune);
  if (!prune)
    return report(*module->getContext(), prune.takeError());
  PrepareOptions stage;
  if (!prunesWithRows(options)) {
    stage.prunePattern = prune->pattern;
    stage.pruneFraction = prune->fraction;
    stage.pruneNeurons = prune->neurons;
  }
  stage.keepChannels = !options.folds.empty();
  for (const std::string &name : options.freeze)
    stage.freeze.push_back(name);
  return runPasses(module, [&](OpPassManager &passes) {
    buildPreparePipeline(passes, stage);
  });
}

OwningOpRef<ModuleOp> loadFloatNetwork(StringRef model, MLIRContext &context,
                                       bool prepared) {
  OwningOpRef<ModuleOp> module = loadModel(model, context);
  if (module && prepared && failed(prepare(*module, CompileOptions())))
    return {};
  return module;
}

/// Whether the search over bits is asked for.
static bool searchesBits(const CompileOptions &options) {
  return !options.accuracyBudget.empty() || options.weights == "mixed";
}

FailureOr<MeasuredRows> measureModel(StringRef model,
                                     ArrayRef<std::string> rows,
                                     MLIRContext &context,
                                     ProgressSink &progress) {
  OwningOpRef<ModuleOp> module =
      loadFloatNetwork(model, context, /*prepared=*/!isMlirFile(model));
  if (!module)
    return failure();
  FailureOr<SmallVector<RowShape>> inputs = describeInputs(*module);
  if (failed(inputs))
    return failure();
  auto source = RowSource::open(rows, *inputs);
  if (!source)
    return report(context, source.takeError());
  CalibrationOptions stage;
  stage.progress = [&](int64_t done, int64_t total) {
    progress.progress(stageInfo(Stage::Calibrate).flag, done, total);
  };
  return measure(*module, **source, makeNativeRunner, stage);
}

namespace {
class Compilation {
public:
  Compilation(const CompileOptions &options, MLIRContext &context,
              ProgressSink &progress)
      : options(options), context(context), progress(progress), data(options) {}

  LogicalResult run();
  FailureOr<TuneResult> tune(size_t points);

private:
  LogicalResult runStage(Stage stage);
  LogicalResult import();
  FailureOr<CalibrationOptions> calibrationOptions();
  LogicalResult equalizeChannels(const CalibrationOptions &stage,
                                 const CalibrationSummary &given);
  LogicalResult splitChannels(const CalibrationOptions &stage,
                              const CalibrationSummary &given);
  LogicalResult checkChannelsOf(const CalibrationSummary &given);
  LogicalResult calibrateGraph();
  LogicalResult measureGraph();
  LogicalResult quantize();
  LogicalResult quantizeGraph(ModuleOp graph, bool allowFloat, StringRef effort,
                              bool isFinal);
  FailureOr<TuneInput> tuneInput();
  FailureOr<TuneResult> searchBits(size_t points);
  LogicalResult chooseBits();
  LogicalResult lower();
  LogicalResult emit();
  /// The largest integer that an activation is stored as.
  int32_t activationMax() const;
  /// The stage's option: "auto" is "int8" where speed comes first, or where a
  /// search finds the bits of all layers.
  StringRef activations() const;

  const CompileOptions &options;
  MLIRContext &context;
  ProgressSink &progress;
  CalibrationData data;

  std::string name;
  FailureOr<Target> target = failure();
  std::unique_ptr<AtomicFolder> folder;
  OwningOpRef<ModuleOp> module;
  uint64_t floatWeightBytes = 0;
  CalibrationSummary calibration;
  /// The prepared network before calibration, and rows to run it on, where bits
  /// are to be chosen.
  OwningOpRef<ModuleOp> network;
  std::unique_ptr<Evaluation> sample, validation;
  std::string bits;                  ///< What was chosen, in short.
  std::string equalization = "none"; ///< Likewise: how channels were rescaled.
};
} // namespace

LogicalResult Compilation::run() {
  if (Error error = checkOptions(options))
    return report(context, std::move(error));
  name = options.name.empty() ? programNameFrom(sys::path::stem(options.model))
                              : options.name;
  // What can go wrong without any work goes wrong first.
  target = resolveTarget(options.target, options.cpu,
                         [&] { return emitError(UnknownLoc::get(&context)); });
  if (failed(target))
    return failure();
  auto opened = AtomicFolder::open(options.output);
  if (!opened)
    return report(context, opened.takeError());
  folder = std::move(*opened);

  // The first stage of a model in MLIR is still to read it.
  if (options.from != Stage::Import && failed(import()))
    return failure();
  for (const StageInfo &info : stages()) {
    if (info.stage < options.from || info.stage > options.to)
      continue;
    progress.progress(info.flag, 0, 0);
    if (failed(runStage(info.stage)))
      return failure();
    if (options.printAfter.contains(info.stage))
      module->print(outs() << "// -----// after " << info.flag
                           << " //----- //\n");
  }
  if (options.to == Stage::Emit)
    return success();
  if (Error error = writeGraph(*module, name, *folder))
    return report(context, std::move(error));
  return success();
}

LogicalResult Compilation::runStage(Stage stage) {
  switch (stage) {
  case Stage::Import:
    return import();
  case Stage::Prepare:
    return prepare(*module, options);
  case Stage::Calibrate:
    return calibrateGraph();
  case Stage::Quantize:
    return quantize();
  case Stage::Optimize:
    return runPasses(*module, [](OpPassManager &passes) {
      buildOptimizePipeline(passes, OptimizeOptions());
    });
  case Stage::Lower:
    return lower();
  case Stage::Codegen:
    // Together with Emit: code is made into the files that are asked for.
    return success();
  case Stage::Emit:
    return emit();
  }
  llvm_unreachable("all stages are listed");
}

LogicalResult Compilation::import() {
  module = loadModel(options.model, context);
  if (!module)
    return failure();
  floatWeightBytes = floatConstantBytes(*module);
  nameAfter(*module, name);
  return success();
}

/// How --calibration and its options ask to measure.
FailureOr<CalibrationOptions> Compilation::calibrationOptions() {
  CalibrationOptions stage;
  auto method = rangeMethodNamed(options.method);
  if (!method)
    return report(context, method.takeError());
  stage.method = *method;
  stage.secondMoments = options.effort != "low";
  stage.keepsSample = searchesBits(options) || options.onlySearches;
  if (options.percentile != 0)
    stage.percentile = options.percentile;
  stage.activationMax = activationMax();
  stage.outputNoise = activations() == "auto" || activations() == "mixed";
  for (const std::string &text : options.fixedRanges) {
    auto fixed = parseFixedRange(text);
    if (!fixed)
      return report(context, fixed.takeError());
    stage.fixed.push_back(std::move(*fixed));
  }
  stage.progress = [&](int64_t done, int64_t total) {
    progress.progress(stageInfo(Stage::Calibrate).flag, done, total);
  };
  return stage;
}

/// What --equalize asks for; left to itself, what ranges that are given were
/// measured with, or what helps, at high effort only.
LogicalResult Compilation::equalizeChannels(const CalibrationOptions &stage,
                                            const CalibrationSummary &given) {
  auto calibrator = [&](ModuleOp graph, const CalibrationOptions &how) {
    return data.calibrate(graph, how);
  };
  auto rescale = [&](ModuleOp graph, StringRef how) {
    return equalize(graph, how, stage, given, calibrator);
  };
  if (options.equalize != "auto") {
    equalization = options.equalize;
  } else if (!options.ranges.empty()) {
    equalization = given.equalize;
  } else if (options.effort == "high" && options.measures() &&
             options.to >= Stage::Quantize) {
    CalibrationOptions trial = stage;
    trial.progress = nullptr;
    trial.keepsSample = true;
    equalization = chooseEqualization(
        *module, kSampleRows, rescale,
        [&](ModuleOp graph) -> FailureOr<RowSample> {
          FailureOr<CalibrationSummary> summary = data.calibrate(graph, trial);
          if (failed(summary) ||
              failed(quantizeGraph(graph, options.allowFloat, "default",
                                   /*isFinal=*/false)) ||
              failed(runPasses(graph, [](OpPassManager &passes) {
                buildOptimizePipeline(passes, OptimizeOptions());
              })))
            return failure();
          return std::move(summary->sample);
        });
  }
  if (equalization == "none")
    return success();
  return rescale(*module, equalization);
}

/// What --split-channels asks for.
LogicalResult Compilation::splitChannels(const CalibrationOptions &stage,
                                         const CalibrationSummary &given) {
  auto how = parseSplit(options.splitChannels);
  if (!how)
    return report(context, how.takeError());
  return qnet::splitChannels(
      *module, *how, stage, given,
      [&](ModuleOp graph, const CalibrationOptions &measuring) {
        return data.calibrate(graph, measuring);
      });
}

LogicalResult Compilation::calibrateGraph() {
  if (Error error = data.open())
    return report(context, std::move(error));
  LogicalResult result = measureGraph();
  // Trials keep quiet about it and go on without.
  if (data.isMissing())
    return data.reportMissing(context);
  if (failed(result))
    return failure();
  if (Error error = data.checkUsed())
    return report(context, std::move(error));
  return runPasses(*module, [](OpPassManager &passes) {
    passes.addPass(createVerifyCalibrated());
  });
}

/// Ranges are of the channels that they were measured of.
LogicalResult Compilation::checkChannelsOf(const CalibrationSummary &given) {
  CompileOptions measured = options;
  measured.equalize = given.equalize;
  measured.splitChannels = given.splitChannels;
  const bool isSame =
      options.splitChannels == given.splitChannels &&
      (options.equalize == "auto" || options.equalize == given.equalize);
  if (!isSame)
    return emitError(UnknownLoc::get(&context))
           << "the ranges of '" << options.ranges
           << "' were measured with --equalize=" << given.equalize
           << " and --split-channels=" << given.splitChannels
           << ", which changes the channels that they are of; give the same "
              "options, or measure anew";
  if (Error error = checkOptions(measured))
    return report(context, std::move(error));
  return success();
}

/// Prunes, rescales, splits and calibrates as the options say.
LogicalResult Compilation::measureGraph() {
  CalibrationSummary given;
  network = module->clone();
  FailureOr<CalibrationOptions> stage = calibrationOptions();
  if (failed(stage) ||
      failed(pruneWithRows(*module, options, *stage,
                           [&](ModuleOp graph, const CalibrationOptions &how) {
                             return data.calibrate(graph, how);
                           })))
    return failure();
  if (!options.ranges.empty()) {
    auto buffer = MemoryBuffer::getFile(options.ranges);
    if (!buffer)
      return emitError(UnknownLoc::get(&context))
             << "cannot read '" << options.ranges
             << "': " << buffer.getError().message();
    auto ranges = rangesFromJson((*buffer)->getBuffer(), options.ranges);
    if (!ranges)
      return report(context, ranges.takeError());
    given = std::move(*ranges);
    if (failed(checkChannelsOf(given)))
      return failure();
  }
  if (failed(equalizeChannels(*stage, given)) ||
      failed(splitChannels(*stage, given)))
    return failure();
  // What the search over bits measures of the layers is of those channels.
  changeChannelsLike(network->lookupSymbol<func::FuncOp>("main"),
                     module->lookupSymbol<func::FuncOp>("main"));
  if (!options.measures()) {
    calibration = std::move(given);
    return applyRanges(*module, calibration);
  }
  if (!options.ranges.empty())
    stage->given = &given;
  auto summary = data.calibrate(*module, *stage);
  if (failed(summary))
    return failure();
  calibration = std::move(*summary);
  calibration.equalize = equalization;
  calibration.splitChannels = options.splitChannels;
  return success();
}

int32_t Compilation::activationMax() const {
  constexpr int32_t eightBits = 255;
  if (options.activations == "int16")
    return QDenseOp::kMaxInput;
  const bool isFast =
      options.prefer == "speed" && options.weights == "int8" &&
      llvm::any_of(target->variants, [](const CpuVariant &variant) {
        return hasNarrowRows(variant.isa);
      });
  return isFast ? kFastActivationMax : eightBits;
}

StringRef Compilation::activations() const {
  const bool isGiven = options.activations != "auto";
  const bool saysPlan = searchesBits(options) || options.onlySearches;
  return isGiven || (options.prefer != "speed" && !saysPlan)
             ? StringRef(options.activations)
             : "int8";
}

/// Takes out the blocks of weights that layers' precisions say.
static LogicalResult prunePlanned(ModuleOp graph) {
  LogicalResult result = success();
  bool isPlanned = false;
  graph.walk([&](DenseOp dense) {
    std::optional<Precision> precision = precisionOf(dense);
    if (!precision || !isPruned(*precision))
      return;
    isPlanned = true;
    if (std::string why = whyImpossible(dense, *precision); !why.empty())
      result = dense.emitOpError("can't have the precision ")
               << nameOf(*precision) << ": " << why
               << "; choose another one for the layer '" << layerName(dense)
               << "'";
  });
  if (failed(result) || !isPlanned)
    return result;
  return runPasses(graph, [](OpPassManager &passes) {
    PruneWeightsByErrorOptions options;
    options.pattern = "planned";
    passes.addPass(createPruneWeightsByError(options));
  });
}

LogicalResult Compilation::quantizeGraph(ModuleOp graph, bool allowFloat,
                                         StringRef effort, bool isFinal) {
  QuantizeOptions stage;
  stage.allowFloat = allowFloat;
  stage.requireInt = options.requireInt && !allowFloat;
  stage.requant = options.requant;
  stage.weights = options.weights == "mixed" ? "int8" : options.weights;
  stage.activations = activations();
  stage.effort = effort.str();
  stage.noteRounding = isFinal;
  if (options.activations != "int16")
    stage.activationMax = activationMax();
  stage.splitFine = options.prefer != "speed";
  if (failed(prunePlanned(graph)))
    return failure();
  if (effort == "high" && !calibration.sample.empty() &&
      failed(matchInputs(graph, calibration.sample, stage)))
    return failure();
  return runPasses(graph, [&](OpPassManager &passes) {
    buildQuantizePipeline(passes, stage);
  });
}

/// What a search over bits needs.
FailureOr<TuneInput> Compilation::tuneInput() {
  Evaluation::Data few;
  few.mostRows = kSampleRows;
  if (options.measures()) {
    few.sample = &calibration.sample;
  } else {
    few.isSample = true;
    few.rows = options.validation;
  }
  auto made = Evaluation::make(*network, few);
  if (failed(made))
    return failure();
  sample = std::move(*made);
  Evaluation::Data decisive;
  decisive.rows =
      options.validation.empty() ? options.calibration : options.validation;
  decisive.labels = options.labels;
  made = Evaluation::make(*network, decisive);
  if (failed(made))
    return failure();
  validation = std::move(*made);
  TuneInput input;
  input.calibrated = *module;
  input.network = *network;
  input.quantize = [this](ModuleOp graph, bool allowFloat) {
    // Candidates differ by far more than what high effort gains.
    if (failed(
            quantizeGraph(graph, allowFloat,
                          options.effort == "high" ? "default" : options.effort,
                          /*isFinal=*/false)))
      return failure();
    return runPasses(graph, [](OpPassManager &passes) {
      buildOptimizePipeline(passes, OptimizeOptions());
    });
  };
  // Tiles pay only where all weights stay (withoutIdleTiles).
  input.cpu =
      target->cpu == "native" ? target->variants.front() : target->best();
  input.sample = sample.get();
  input.validation = validation.get();
  return input;
}

FailureOr<TuneResult> Compilation::searchBits(size_t points) {
  FailureOr<TuneInput> input = tuneInput();
  if (failed(input))
    return failure();
  TuneOptions tuning;
  tuning.allowFloat = options.allowFloat;
  tuning.points = points;
  tuning.hasDefaultBudget = options.weights == "mixed";
  if (!options.accuracyBudget.empty()) {
    auto budget = parseBudget(options.accuracyBudget);
    if (!budget)
      return report(context, budget.takeError());
    tuning.budget = *budget;
  }
  bool isForSize = options.minimize.empty() ? options.weights == "mixed"
                                            : options.minimize == "size";
  tuning.goal = isForSize ? Goal::Size : Goal::Time;
  tuning.progress = [&](StringRef what, int64_t done, int64_t total) {
    progress.progress(what, done, total);
  };
  return qnet::tune(*input, tuning);
}

/// Precisions by the search over bits, on the calibrated graph.
LogicalResult Compilation::chooseBits() {
  FailureOr<TuneResult> result = searchBits(/*points=*/0);
  if (failed(result))
    return failure();
  const TunePoint &point = result->points[*result->chosen];
  if (!result->isBudgetMet)
    return emitError(UnknownLoc::get(&context))
           << "no choice of bits reaches " << result->requirement
           << "; the nearest has " << figuresText(point) << ", with "
           << shortText(point.plan)
           << " bits; allow more, or look at them all with quantc tune";
  bits = shortText(point.plan);
  return applyPlan(*module, point.plan, "the search over bits");
}

LogicalResult Compilation::quantize() {
  if (!options.plan.empty()) {
    auto buffer = MemoryBuffer::getFile(options.plan);
    if (!buffer)
      return emitError(UnknownLoc::get(&context))
             << "cannot read the plan '" << options.plan
             << "': " << buffer.getError().message();
    auto plan = planFromJson((*buffer)->getBuffer(), options.plan);
    if (!plan)
      return report(context, plan.takeError());
    if (failed(applyPlan(*module, *plan, options.plan)))
      return failure();
    bits = shortText(*plan);
  }
  if (searchesBits(options) && failed(chooseBits()))
    return failure();
  return quantizeGraph(*module, options.allowFloat, options.effort,
                       /*isFinal=*/true);
}

LogicalResult Compilation::lower() {
  // Codegen lowers for each CPU of the target by itself; here the graph is
  // lowered in place for whoever asked to see it.
  if (options.to != Stage::Lower && !options.printAfter.contains(Stage::Lower))
    return success();
  OwningOpRef<ModuleOp> lowered = module->clone();
  ProgramInterface interface;
  if (failed(orderChannels(*lowered, *target)) ||
      failed(lowerToNative(*lowered, name, *target, target->best(), interface)))
    return failure();
  if (options.to == Stage::Lower)
    module = std::move(lowered);
  else
    lowered->print(outs());
  return success();
}

/// A native target without the variant for AMX where tiles would save less than
/// a fifth of the products' time: the weights are there once then.
static Target withoutIdleTiles(const Target &native, ModuleOp module) {
  // By what was measured (docs/kernels.md), and not by the tables of Kernels:
  // tiles have to be filled and emptied.
  constexpr double timesAsFast = 1.8, leastSaved = 0.2;
  if (native.cpu != "native" || native.best().isa != Isa::amx)
    return native;
  double vectors = 0, tiles = 0;
  module.walk([&](QDenseOp dense) {
    auto products = static_cast<double>(
        cast<ShapedType>(dense.getWeights().getType()).getNumElements());
    const KernelRow *row = kernelByName(kernelUse(dense, native.best()).kernel);
    const double listed =
        products * kernelUse(dense, native.variants.front()).listedShare;
    vectors += listed;
    tiles += row && row->hasTiles() ? products / timesAsFast : listed;
  });
  if (tiles < vectors * (1 - leastSaved))
    return native;
  return {
      native.triple, native.cpu, {native.variants.front()}, native.pointerBits};
}

LogicalResult Compilation::emit() {
  PackageFacts facts;
  facts.name = name;
  facts.floatWeightBytes = floatWeightBytes;
  facts.calibrationRows = calibration.rows;
  facts.calibrationRowsSkipped = calibration.skippedRows;
  facts.statisticsDigest = data.digest();
  facts.methods = {{"activations", options.activations},
                   {"calibration", calibration.method},
                   {"effort", options.effort},
                   {"prefer", options.prefer},
                   {"prune", options.prune},
                   {"requant", options.requant},
                   {"weights", options.weights}};
  facts.methods["equalize"] = equalization;
  facts.methods["split_channels"] = options.splitChannels;
  if (!bits.empty())
    facts.methods["precision"] = bits;
  for (const ObservedRange &range : calibration.tensors) {
    if (range.preactivation)
      continue;
    ManifestRange &row = facts.ranges.emplace_back(ManifestRange{
        range.name, range.method, range.lo, range.hi, range.reason, {}});
    for (const RangeCandidate &tried : range.candidates) {
      auto [best, isNew] =
          row.outputSqnr.try_emplace(tried.method, tried.outputSqnr);
      if (!isNew)
        best->second = std::max(best->second, tried.outputSqnr);
    }
  }
  if (options.emit && options.emit->contains(Artifact::Ranges))
    facts.rangesFile = rangesToJson(calibration);
  return writePackage(*module, withoutIdleTiles(*target, *module), options,
                      facts, *folder);
}

FailureOr<TuneResult> Compilation::tune(size_t points) {
  if (Error error = checkOptions(options))
    return report(context, std::move(error));
  name = programNameFrom(sys::path::stem(options.model));
  target = resolveTarget(options.target, options.cpu,
                         [&] { return emitError(UnknownLoc::get(&context)); });
  if (failed(target))
    return failure();
  for (Stage stage : {Stage::Import, Stage::Prepare, Stage::Calibrate}) {
    progress.progress(stageInfo(stage).flag, 0, 0);
    if (failed(runStage(stage)))
      return failure();
  }
  return searchBits(points);
}

FailureOr<TuneResult> tuneModel(const CompileOptions &options, size_t points,
                                MLIRContext &context, ProgressSink &progress) {
  return Compilation(options, context, progress).tune(points);
}

LogicalResult compile(const CompileOptions &options, MLIRContext &context,
                      ProgressSink &progress) {
  return Compilation(options, context, progress).run();
}

} // namespace mlir::qnet
