//===- CompileOptions.cpp - What may be asked of a compilation ------------===//
#include "quantc/Pipeline/Compile.h"

#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Emit/Header.h"
#include "quantc/Emit/ThreadedLibrary.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace mlir::qnet {

ProgressSink::~ProgressSink() = default;

static Error wrongUsage(const Twine &text) {
  return createStringError(inconvertibleErrorCode(), text);
}

namespace {
struct ArtifactName {
  StringLiteral word;
  Artifact artifact;
};
} // namespace

static constexpr ArtifactName kArtifacts[] = {
    {"object", Artifact::Object}, {"header", Artifact::Header},
    {"shared", Artifact::Shared}, {"llvm", Artifact::LLVMText},
    {"asm", Artifact::Assembly},  {"mlir", Artifact::MLIRText},
    {"ranges", Artifact::Ranges}};

Expected<std::set<Artifact>> parseArtifacts(StringRef list) {
  std::set<Artifact> result;
  for (StringRef word : split(list, ',')) {
    const auto *found = find_if(kArtifacts, [&](const ArtifactName &known) {
      return known.word == word.trim();
    });
    if (found == std::end(kArtifacts))
      return wrongUsage("--emit=" + list + ": '" + word.trim() +
                        "' is nothing that can be written; choose from "
                        "object, header, shared, llvm, asm, mlir, ranges");
    result.insert(found->artifact);
  }
  return result;
}

/// `value` is one of `choices`; "later" ones are words of the interface that
/// this version has no code for.
static Error checkChoice(StringRef flag, StringRef value,
                         ArrayRef<StringRef> choices,
                         ArrayRef<StringRef> later = {}) {
  if (is_contained(choices, value))
    return Error::success();
  StringRef why = is_contained(later, value) ? " is not part of this version"
                                             : " is unknown";
  return wrongUsage("--" + flag + "=" + value + why + "; choose from " +
                    join(choices, ", "));
}

Expected<PruneRequest> parsePrune(StringRef text) {
  constexpr StringLiteral choices =
      "choose from none, 2:4, block:F, magnitude:F, neurons:F with F the share "
      "to remove, such as 0.5, or features:K with K the input features to keep";
  PruneRequest result;
  if (text == "none")
    return result;
  if (text == "2:4") {
    result.pattern = text;
    return result;
  }
  auto [kind, amount] = text.split(':');
  if (kind == "features") {
    if (amount.getAsInteger(10, result.features) || result.features < 1)
      return wrongUsage("--prune=" + text +
                        ": keep one feature or more, such "
                        "as features:20");
    return result;
  }
  double share = 0;
  if (!is_contained({"block", "magnitude", "neurons"}, kind) ||
      amount.getAsDouble(share))
    return wrongUsage("--prune=" + text + " is unknown; " + choices);
  // False for NaN too.
  const bool isShare = share > 0 && share < 1;
  if (!isShare)
    return wrongUsage("--prune=" + text +
                      ": the share to remove lies between 0 and 1, and is "
                      "neither");
  if (kind == "neurons") {
    result.neurons = share;
  } else {
    result.pattern = kind;
    result.fraction = share;
  }
  return result;
}

Expected<SplitChoice> parseSplit(StringRef text) {
  SplitChoice result;
  if (text == "none")
    return result;
  auto [by, amount] = text.split(':');
  result.byActivations = by == "activations";
  if ((by != "weights" && !result.byActivations) ||
      amount.getAsDouble(result.share))
    return wrongUsage("--split-channels=" + text +
                      " is unknown; choose from none, weights:F, "
                      "activations:F with F the share of channels to split, "
                      "such as 0.05");
  // False for NaN too.
  const bool isShare = result.share > 0 && result.share <= 1;
  if (!isShare)
    return wrongUsage("--split-channels=" + text +
                      ": the share of channels lies above 0 and is at most 1");
  return result;
}

/// What the search over bits, and a plan, go together with.
static Error checkBits(const CompileOptions &options) {
  bool hasBudget = !options.accuracyBudget.empty();
  bool searches =
      hasBudget || options.weights == "mixed" || options.onlySearches;
  if (hasBudget)
    if (auto budget = parseBudget(options.accuracyBudget); !budget)
      return budget.takeError();
  if (!options.minimize.empty())
    if (Error error =
            checkChoice("minimize", options.minimize, {"time", "size"}))
      return error;
  if (!searches) {
    for (auto [flag, isGiven] :
         {std::pair("--labels", !options.labels.empty()),
          std::pair("--minimize", !options.minimize.empty()),
          std::pair("--validation", !options.validation.empty())})
      if (isGiven)
        return wrongUsage(Twine(flag) +
                          " is for the search over bits; ask for it with "
                          "--accuracy-budget or --weights=mixed, or leave " +
                          flag + " out");
  }
  StringRef asker = options.onlySearches ? "quantc tune"
                    : hasBudget          ? "--accuracy-budget"
                                         : "--weights=mixed";
  if (searches && options.weights == "int4")
    return wrongUsage("--accuracy-budget chooses the bits of weights; leave "
                      "--weights=int4 out");
  if (searches && options.activations != "auto" &&
      options.activations != "int8")
    return wrongUsage(asker +
                      " chooses the bits of inputs; leave "
                      "--activations=" +
                      options.activations + " out");
  if (searches && !options.plan.empty())
    return wrongUsage(asker + " chooses the layers' bits, and --plan gives "
                              "them; leave one of the two out");
  if (!searches)
    return Error::success();
  bool calibrates =
      options.from <= Stage::Calibrate && options.to > Stage::Calibrate;
  if (!calibrates)
    return wrongUsage(asker + " needs the stages from calibrate to quantize; "
                              "change --from or --to");
  if (options.calibration.empty() && options.validation.empty())
    return wrongUsage(asker +
                      " runs the network on rows; name some with "
                      "--validation beside " +
                      (options.measures() ? "--statistics" : "--ranges"));
  return Error::success();
}

/// Pruning, freezing and folding, and the stages that do them.
static Error checkPruning(const CompileOptions &options) {
  Expected<PruneRequest> prune = parsePrune(options.prune);
  if (!prune)
    return prune.takeError();
  if (!options.freeze.empty() && options.from > Stage::Prepare)
    return wrongUsage("--freeze names layers in the stage prepare; begin at "
                      "it, or earlier");
  const bool calibrates =
      options.from <= Stage::Calibrate && options.to >= Stage::Calibrate;
  if (!options.folds.empty() && !calibrates)
    return wrongUsage("--fold is done in the stage calibrate; begin at it or "
                      "earlier, and end at it or later");
  if (prune->features != 0 && (!calibrates || !options.measures()))
    return wrongUsage("--prune=" + options.prune +
                      " needs rows to tell which features matter; give them "
                      "with --calibration");
  return Error::success();
}

/// Hidden channels are changed in the stage Calibrate; `otherwise` needs no
/// rows to do it by.
static Error checkChannels(const CompileOptions &options, const Twine &flag,
                           bool byActivations, const Twine &otherwise) {
  if (options.from > Stage::Calibrate || options.to < Stage::Calibrate)
    return wrongUsage(flag + " is done in the stage calibrate; begin at it or "
                             "earlier, and end at it or later");
  if (byActivations && !options.measures())
    return wrongUsage(flag +
                      " needs rows to tell which channels are large; "
                      "give them with --calibration, or use " +
                      otherwise);
  return Error::success();
}

static Error checkEqualize(const CompileOptions &options) {
  if (Error error = checkChoice("equalize", options.equalize,
                                {"auto", "none", "weights", "activations"}))
    return error;
  if (options.equalize == "auto" || options.equalize == "none")
    return Error::success();
  return checkChannels(options, "--equalize=" + options.equalize,
                       options.equalize == "activations", "--equalize=weights");
}

static Error checkSplit(const CompileOptions &options) {
  Expected<SplitChoice> how = parseSplit(options.splitChannels);
  if (!how)
    return how.takeError();
  if (how->share == 0)
    return Error::success();
  return checkChannels(options, "--split-channels=" + options.splitChannels,
                       how->byActivations, "--split-channels=weights:F");
}

Error checkOptions(const CompileOptions &options) {
  if (options.model.empty())
    return wrongUsage("no model; name an ONNX or TensorFlow Lite file");
  if (options.output.empty())
    return wrongUsage("no output folder; name one with -o");
  if (!options.name.empty())
    if (Error error = checkProgramName(options.name))
      return error;
  if (options.from > options.to)
    return wrongUsage("--from=" + stageInfo(options.from).flag +
                      " comes after --to=" + stageInfo(options.to).flag);
  if (options.from >= Stage::Codegen)
    return wrongUsage("--from=" + stageInfo(options.from).flag +
                      " can't be begun at: its input is no file; choose a "
                      "stage up to lower");
  if (options.to == Stage::Codegen)
    return wrongUsage("--to=codegen gives nothing that could be written; use "
                      "--emit=asm or --emit=llvm");
  bool calibrates =
      options.from <= Stage::Calibrate && options.to >= Stage::Calibrate;
  if (!options.calibration.empty() &&
      (!options.statistics.empty() || !options.missing.empty()))
    return wrongUsage("--statistics and --missing are for rows that were "
                      "measured before, in place of --calibration; give one of "
                      "the two");
  if (calibrates && !options.measures() && options.ranges.empty())
    return wrongUsage("no rows to calibrate on; name a .npy, .npz or .csv file "
                      "with --calibration");
  if (!options.fixedRanges.empty() && !options.measures())
    return wrongUsage("--fix-range fixes what --calibration would measure; "
                      "without rows, edit the file of --ranges");
  for (const std::string &fixed : options.fixedRanges)
    if (Expected<FixedRange> range = parseFixedRange(fixed); !range)
      return range.takeError();
  if (options.requireInt && options.allowFloat)
    return wrongUsage("--require-int and --allow-float ask for opposite "
                      "things; give one of the two");
  if (options.threads < 1 || options.threads > kMaxThreads)
    return wrongUsage("--threads=" + Twine(options.threads) +
                      " is not from 1 to " + Twine(kMaxThreads));
  if (Error error =
          checkChoice("weights", options.weights, {"int8", "int4", "mixed"}))
    return error;
  if (Error error = checkChoice("activations", options.activations,
                                {"auto", "int8", "int16", "mixed"}))
    return error;
  if (Error error = checkBits(options))
    return error;
  if (options.activations == "int16" && options.weights == "int4")
    return wrongUsage("--activations=" + options.activations +
                      " with --weights=" + options.weights +
                      ": weights of 4 bits multiply activations of 8; choose "
                      "--weights=int8");
  if (Error error =
          checkChoice("method", options.method,
                      {"auto", "minmax", "percentile", "mse", "entropy"}))
    return error;
  if (Error error = checkChoice("requant", options.requant, {"float", "fixed"}))
    return error;
  if (Error error =
          checkChoice("prefer", options.prefer, {"accuracy", "speed"}))
    return error;
  if (Error error =
          checkChoice("effort", options.effort, {"low", "default", "high"}))
    return error;
  if (Error error = checkSplit(options))
    return error;
  if (Error error = checkEqualize(options))
    return error;
  // False for NaN too.
  const bool keepsMost = options.percentile > 50 && options.percentile <= 100;
  if (options.percentile != 0 && !keepsMost)
    return wrongUsage("--percentile is a share in percent, above 50 and up to "
                      "100, such as 99.99");
  if (Error error = checkPruning(options))
    return error;
  return Error::success();
}

} // namespace mlir::qnet
