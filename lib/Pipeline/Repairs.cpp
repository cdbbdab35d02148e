//===- Repairs.cpp - What would make a program more accurate --------------===//
#include "quantc/Pipeline/Repairs.h"

#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Dialect/Qnet.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace mlir::qnet {

namespace {

/// Values whose range is changed: the worst so many.
constexpr size_t kRangesTried = 2;
/// How much of its range a value keeps, or gets.
constexpr double kRangeFactors[] = {0.5, 0.8, 0.9, 1.25};
/// Of the channels that are split.
constexpr double kSplitShare = 0.05;
/// Of the calibration by percentile.
constexpr double kPercentile = 99.99;

/// A way to compile the model otherwise.
struct Repair {
  std::string what, flag;
  std::function<void(CompileOptions &)> apply = {};
  /// A value of another range: its name, and the factor.
  std::string value = {};
  double factor = 1;
};

class NoProgress : public ProgressSink {
  void progress(StringRef, int64_t, int64_t) override {}
};

/// A share of the hidden channels, those with outliers, made twice.
Repair splitRepair(StringRef by) {
  const std::string how = formatv("{0}:{1}", by, format("%g", kSplitShare));
  return {formatv("{0}% of the hidden channels, those of the largest {1}, in "
                  "two halves",
                  format("%g", 100 * kSplitShare),
                  by == "weights" ? "weights" : "values"),
          "--split-channels=" + how,
          [how](CompileOptions &o) { o.splitChannels = how; }};
}

/// The repairs that are a flag, for a program that was made without it.
std::vector<Repair> flagRepairs(const CompileOptions &options) {
  std::vector<Repair> repairs;
  bool hasInt4 = options.weights == "int4";
  if (hasInt4)
    repairs.push_back({"weights of 8 bits", "--weights=int8",
                       [](CompileOptions &o) { o.weights = "int8"; }});
  if (options.activations != "int16")
    repairs.push_back(
        {hasInt4 ? "weights of 8 bits and activations of 15"
                 : "activations of 15 bits",
         hasInt4 ? "--weights=int8 --activations=int16" : "--activations=int16",
         [](CompileOptions &o) {
           o.weights = "int8";
           o.activations = "int16";
         }});
  if (!hasInt4 &&
      (options.activations == "int8" || options.activations == "auto"))
    repairs.push_back({"activations of 15 bits where they gain most",
                       "--activations=mixed",
                       [](CompileOptions &o) { o.activations = "mixed"; }});
  if (options.effort == "low")
    repairs.push_back({"weights rounded so that their errors cancel",
                       "--effort=default",
                       [](CompileOptions &o) { o.effort = "default"; }});
  if (options.effort != "high" && options.ranges.empty())
    repairs.push_back({"all that helps to round weights", "--effort=high",
                       [](CompileOptions &o) { o.effort = "high"; }});
  if (options.ranges.empty() && options.method != "percentile")
    repairs.push_back({"ranges without outliers",
                       formatv("--method=percentile --percentile={0}",
                               format("%g", kPercentile)),
                       [](CompileOptions &o) {
                         o.method = "percentile";
                         o.percentile = kPercentile;
                       }});
  if (options.ranges.empty() && options.method == "percentile")
    repairs.push_back({"ranges that hold all values", "--method=minmax",
                       [](CompileOptions &o) {
                         o.method = "minmax";
                         o.percentile = 0;
                       }});
  // Ranges that are given belong to the channels as they are.
  if (options.equalize != "weights" && options.equalize != "activations" &&
      options.ranges.empty() && !options.calibration.empty()) {
    repairs.push_back({"hidden channels of like weights", "--equalize=weights",
                       [](CompileOptions &o) { o.equalize = "weights"; }});
    repairs.push_back({"hidden channels of like values",
                       "--equalize=activations",
                       [](CompileOptions &o) { o.equalize = "activations"; }});
  }
  if (options.splitChannels == "none" && options.ranges.empty()) {
    repairs.push_back(splitRepair("weights"));
    if (!options.calibration.empty())
      repairs.push_back(splitRepair("activations"));
  }
  if (options.prefer == "speed")
    repairs.push_back({"all 255 steps of activations", "--prefer=accuracy",
                       [](CompileOptions &o) { o.prefer = "accuracy"; }});
  if (options.prune != "none")
    repairs.push_back({"no pruning", "--prune=none",
                       [](CompileOptions &o) { o.prune = "none"; }});
  return repairs;
}

/// Other ranges for the values that cost most.
std::vector<Repair> rangeRepairs(const Culprits &culprits) {
  std::vector<Repair> repairs;
  size_t tried = 0;
  for (const Suspect &suspect : culprits.effects) {
    if (suspect.effect == Effect::Weights || suspect.share <= 0 ||
        suspect.place == Place::Index)
      continue;
    if (tried++ == kRangesTried)
      break;
    for (double factor : kRangeFactors) {
      // What is clipped needs more, what is rounded less.
      bool isWider = factor > 1;
      if (isWider != (suspect.effect == Effect::Clipping))
        continue;
      Repair repair;
      repair.value = suspect.name;
      repair.factor = factor;
      repair.what = formatv("{0} times the range of {1}", format("%g", factor),
                            suspect.name);
      repairs.push_back(repair);
    }
  }
  return repairs;
}

uint64_t weightBytesOf(ModuleOp module) {
  uint64_t bytes = 0;
  module.walk([&](QDenseOp op) {
    auto type = cast<RankedTensorType>(op.getWeights().getType());
    bytes += static_cast<uint64_t>(type.getNumElements()) *
             type.getElementTypeBitWidth() / 8;
    if (Value groups = op.getGroupMultiplier())
      bytes += cast<ShapedType>(groups.getType()).getNumElements();
  });
  return bytes;
}

class RepairShop {
public:
  RepairShop(const CompileOptions &options, ModuleOp expected, const Rows &rows)
      : options(options), expected(expected), rows(rows) {}
  ~RepairShop() {
    // What cannot be removed stays: there is nobody to tell any more.
    if (!folder.empty()) {
      [[maybe_unused]] const std::error_code left =
          sys::fs::remove_directories(folder);
    }
  }
  FailureOr<std::vector<RepairResult>> run(const Culprits &culprits);

private:
  RepairResult measure(const Repair &repair);
  LogicalResult tryOne(const Repair &repair, RepairResult &result);
  Error measureRanges();

  const CompileOptions &options;
  ModuleOp expected;
  const Rows &rows;
  Rows floats;
  CalibrationSummary ranges;
  SmallString<128> folder;
};

} // namespace

/// The ranges of the program as it is, for those that change one.
Error RepairShop::measureRanges() {
  std::string path = options.ranges;
  if (path.empty()) {
    CompileOptions measuring = options;
    measuring.output = folder.str().str();
    measuring.emit = std::set<Artifact>{Artifact::Ranges};
    NoProgress progress;
    if (failed(compile(measuring, *expected->getContext(), progress)))
      return createStringError(inconvertibleErrorCode(),
                               "the model can't be compiled again");
    path = (folder + "/" + options.name + ".ranges.json").str();
  }
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return createStringError(buffer.getError(), "cannot read '" + path + "'");
  auto read = rangesFromJson((*buffer)->getBuffer(), path);
  if (!read)
    return read.takeError();
  ranges = std::move(*read);
  return Error::success();
}

LogicalResult RepairShop::tryOne(const Repair &repair, RepairResult &result) {
  MLIRContext &context = *expected->getContext();
  CompileOptions changed = options;
  changed.output = folder.str().str();
  changed.to = Stage::Optimize;
  changed.emit = std::nullopt;
  if (repair.apply)
    repair.apply(changed);
  if (!repair.value.empty()) {
    CalibrationSummary edited = ranges;
    bool isKnown = false;
    for (ObservedRange &range : edited.tensors) {
      if (range.name != repair.value || range.preactivation)
        continue;
      isKnown = true;
      range.lo *= repair.factor;
      range.hi *= repair.factor;
      result.flag = formatv(
          "--ranges=FILE (from --emit=ranges) with {0} from {1} to {2}",
          range.name, format("%.6g", range.lo), format("%.6g", range.hi));
    }
    if (!isKnown)
      return emitError(UnknownLoc::get(&context))
             << "calibration has no range of that name";
    std::string path = (folder + "/edited.json").str();
    std::error_code error;
    raw_fd_ostream os(path, error);
    if (error)
      return emitError(UnknownLoc::get(&context)) << error.message();
    os << rangesToJson(edited);
    os.close();
    changed.ranges = path;
    changed.calibration.clear();
  }
  NoProgress progress;
  if (failed(compile(changed, context, progress)))
    return failure();
  auto module = loadFloatNetwork((folder + "/" + options.name + ".mlir").str(),
                                 context, /*prepared=*/false);
  if (!module)
    return failure();
  auto runner = GraphRunner::compile(*module);
  if (failed(runner))
    return failure();
  auto results = runner->run(rows);
  if (failed(results))
    return failure();
  OutputError error = outputError(floats, *results);
  result.sqnr = error.sqnr();
  result.agreement = error.agreement();
  result.weightBytes = weightBytesOf(*module);
  return success();
}

RepairResult RepairShop::measure(const Repair &repair) {
  RepairResult result{repair.what, repair.flag};
  ScopedDiagnosticHandler handler(
      expected->getContext(), [&](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error &&
            result.problem.empty())
          result.problem = diagnostic.str();
        return success();
      });
  if (failed(tryOne(repair, result)) && result.problem.empty())
    result.problem = "it can't be compiled";
  return result;
}

FailureOr<std::vector<RepairResult>> RepairShop::run(const Culprits &culprits) {
  auto fail = [&](const Twine &why) {
    return emitError(UnknownLoc::get(expected->getContext()))
           << "repairs can't be tried: " << why;
  };
  if (std::error_code error =
          sys::fs::createUniqueDirectory("quantc-repairs", folder))
    return fail(error.message());
  auto runner = GraphRunner::compile(expected);
  if (failed(runner))
    return failure();
  auto results = runner->run(rows);
  if (failed(results))
    return failure();
  floats = std::move(*results);
  RepairResult base = measure({"as it is", ""});
  if (!base.problem.empty())
    return fail(base.problem);
  std::vector<Repair> repairs = flagRepairs(options);
  if (std::vector<Repair> others = rangeRepairs(culprits); !others.empty()) {
    if (Error error = measureRanges())
      return fail(toString(std::move(error)));
    append_range(repairs, others);
  }
  std::vector<RepairResult> measured;
  for (const Repair &repair : repairs) {
    measured.push_back(measure(repair));
    if (measured.back().problem.empty())
      measured.back().gain = measured.back().sqnr - base.sqnr;
  }
  stable_sort(measured, [](const RepairResult &a, const RepairResult &b) {
    return a.gain > b.gain;
  });
  measured.insert(measured.begin(), base);
  return measured;
}

FailureOr<std::vector<RepairResult>> tryRepairs(const CompileOptions &options,
                                                const Culprits &culprits,
                                                ModuleOp expected,
                                                const Rows &rows) {
  return RepairShop(options, expected, rows).run(culprits);
}

} // namespace mlir::qnet
