//===- Compile.h - From a model and rows of data to files -------*- C++ -*-===//
#ifndef QUANTC_PIPELINE_COMPILE_H
#define QUANTC_PIPELINE_COMPILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "quantc/Calibrate/MeasuredRows.h"
#include "quantc/Pipeline/Stages.h"
#include "quantc/Pipeline/Tune.h"
#include "llvm/Support/Error.h"
#include <set>
#include <string>
#include <vector>

namespace mlir::qnet {

/// What a user may ask to be written. The manifest N.json and the integer
/// network N.mlirbc, which `compare` and the reference interpreter read, always
/// are.
enum class Artifact {
  Object,
  Header,
  Shared,
  LLVMText,
  Assembly,
  MLIRText,
  Ranges ///< N.ranges.json: what calibration measured, to edit and give back
};

/// One compilation, as the command line says it (design: Interfaces). Text
/// options are checked by `checkOptions`.
struct CompileOptions {
  std::string model; ///< ONNX or other file, or MLIR with `from` after Import.
  /// Rows: one .npy, .npz or .csv, or one file an input.
  std::vector<std::string> calibration;
  /// In place of rows: files of what was measured of them (MeasuredRows.h), in
  /// any number and order, of each network that the compilation measures.
  std::vector<std::string> statistics;
  /// Where to write a network whose statistics are not among them.
  std::string missing;
  /// Ranges to use in place of rows (Artifact::Ranges); with rows, those in it
  /// that are fixed.
  std::string ranges;
  /// Ranges that are not measured: NAME=lo:hi.
  std::vector<std::string> fixedRanges;
  std::string output; ///< Folder.
  std::string name;   ///< Of the program; "" takes the model file's.
  std::string target; ///< Triple; "" is this machine.
  std::string cpu = "native";
  /// "mixed": the search over bits chooses, by `accuracyBudget` or by default
  /// the smallest program that loses next to nothing (Tune.h).
  std::string weights = "int8";
  /// "auto": 8 bits, and 15 for small layers that gain by it (widen-inputs);
  /// "mixed": 15 in up to a quarter of the network; "int8", "int16": the same
  /// for all.
  std::string activations = "auto";
  std::string plan; ///< The layers' precisions (Precision.h), from a file.
  /// How much accuracy may be lost (parseBudget): the search over bits then
  /// chooses, and `minimize` says what for: "time" or "size" (the default of
  /// weights "mixed"), "" for the default.
  std::string accuracyBudget;
  std::string minimize;
  /// Rows to judge by, as `calibration` names them, or none to judge by those.
  std::vector<std::string> validation;
  std::string labels; ///< Of those rows, a .npy file.
  /// Nothing is written but what the search finds: for tuneModel.
  bool onlySearches = false;
  std::string method = "auto";
  std::string requant = "float";
  /// "accuracy": activations use all of 8 bits (of 16 they always do). "speed":
  /// fewer steps, so that more products can be added in 16 bits.
  std::string prefer = "accuracy";
  /// Work on the rounding of weights: "low" takes the nearest, "default" lets
  /// errors cancel where that takes a second, "high" does all that helps.
  std::string effort = "default";
  std::string prune = "none"; ///< See parsePrune.
  /// Hidden channels are rescaled: "weights" (equalize-layers), "activations"
  /// (migrate-outliers) or "none". "auto" is "none", but with effort "high"
  /// what gives the least error on some of the rows.
  std::string equalize = "auto";
  /// Hidden channels with outliers become two (split-channels): "none", or what
  /// parseSplit reads.
  std::string splitChannels = "none";
  /// Names or patterns of dense layers that stay as they are (freeze-layers).
  std::vector<std::string> freeze;
  std::vector<std::string> folds; ///< As fold-features reads them.
  double percentile = 0; ///< For method "percentile"; 0 is its default.
  bool allowFloat = false;
  bool requireInt = false;   ///< An op left in float is an error.
  bool countClipped = false; ///< N_clipped in the program.
  int threads = 1;           ///< That N_run of the shared library uses.
  /// Nothing said: object and header, and a shared library where one can be
  /// made for the target.
  std::optional<std::set<Artifact>> emit;
  /// First and last stage to run. Before Emit, the graph after the last stage
  /// is what is written (N.mlir).
  Stage from = Stage::Import;
  Stage to = Stage::Emit;
  /// Stages after which the graph is printed to standard output.
  std::set<Stage> printAfter;

  /// Whether networks are measured: by rows or by statistics.
  bool measures() const {
    return !calibration.empty() || !statistics.empty() || !missing.empty();
  }
};

/// Hears how far a compilation is.
class ProgressSink {
public:
  virtual ~ProgressSink();
  /// `done` of `total` steps of the stage; 0 of 0 when it begins and its length
  /// isn't known.
  virtual void progress(StringRef stage, int64_t done, int64_t total) = 0;
};

/// Weights to set to zero, the share of hidden neurons to remove, the number of
/// input features to keep (0: all).
struct PruneRequest {
  std::string pattern = "none"; ///< Of prune-weights.
  double fraction = 0;
  double neurons = 0;
  int64_t features = 0;
};
/// "none", "2:4", "block:F", "magnitude:F", "neurons:F" or "features:K".
llvm::Expected<PruneRequest> parsePrune(StringRef text);

/// What --split-channels asks for: a share of 0 for nothing.
struct SplitChoice {
  bool byActivations = false;
  double share = 0;
};
/// "none", or "weights:F" or "activations:F" with F above 0, up to 1.
llvm::Expected<SplitChoice> parseSplit(StringRef text);

/// Refuses what no stage could do: an empty name, an unknown method. The
/// error's text says what is possible.
llvm::Error checkOptions(const CompileOptions &options);

/// "object,header" to artifacts; an unknown one is an error with the choice.
llvm::Expected<std::set<Artifact>> parseArtifacts(StringRef list);

/// Compiles. Errors are diagnostics in `context` (which needs
/// registerAllDialects); the output folder is as it was before then.
LogicalResult compile(const CompileOptions &options, MLIRContext &context,
                      ProgressSink &progress);

/// The stages up to calibration, and then the search over bits: what `quantc
/// tune` shows. `points` is TuneOptions'. Nothing is written.
FailureOr<TuneResult> tuneModel(const CompileOptions &options, size_t points,
                                MLIRContext &context, ProgressSink &progress);

/// Measures the network that a compilation with default options calibrates, or
/// one that CompileOptions::missing names (MLIR, which is taken as it is), on
/// rows as CompileOptions::calibration names them.
FailureOr<MeasuredRows> measureModel(StringRef model,
                                     ArrayRef<std::string> rows,
                                     MLIRContext &context,
                                     ProgressSink &progress);

/// The float network of a model file, imported and (with `prepared`) prepared:
/// what `compare` holds a compiled program against. MLIR files are parsed.
OwningOpRef<ModuleOp> loadFloatNetwork(StringRef model, MLIRContext &context,
                                       bool prepared);

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_COMPILE_H
