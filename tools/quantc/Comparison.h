//===- Comparison.h - The float network against the program -----*- C++ -*-===//
//
// Both graphs run in the reference interpreter on the user's rows, values are
// matched by their nodes' names. The library then runs on the same rows, and
// its bits have to be the interpreter's.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_TOOLS_COMPARISON_H
#define QUANTC_TOOLS_COMPARISON_H

#include "CompareAnalyses.h"
#include "Program.h"

#include "quantc/Pipeline/Compile.h"
#include "quantc/Reference/Compare.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <map>

namespace quantc {

struct ComparisonRequest {
  std::string model, program;
  /// Rows, one file an input, or a .npz keyed by input, or a .csv.
  std::vector<std::string> inputs;
  std::string labels; ///< of the rows; "" without
  /// The rows that the program was calibrated on. Without `inputs`, evenly
  /// spaced ones of them are compared on.
  std::vector<std::string> calibration;
  /// Whether a library that cannot be loaded here is an error.
  bool needsLibrary = true;
};

/// How often what was decided (second) came with what should have been (first).
using DecisionCounts = std::map<std::pair<int64_t, int64_t>, int64_t>;

/// What a comparison finds; blocks of rows add up.
struct Findings {
  std::vector<mlir::qnet::LayerDifference> layers;
  int64_t rows = 0;
  /// Of the rows' file; more than `rows` where some were taken.
  int64_t allRows = 0;
  /// What the first result decides: against the labels, or without labels
  /// `integerDecisions` against float's. Empty where labels are targets.
  DecisionCounts floatDecisions, integerDecisions;
  int64_t agreeing = 0; ///< rows that both networks decide alike
  /// Labels that are the values of a single output, not classes; the sums of
  /// squared distances from them.
  bool hasTargets = false;
  double floatTargetError = 0, integerTargetError = 0;
  /// Output values of the library that differ from the interpreter's.
  int64_t unequalBits = 0;
  bool ranLibrary = false;

  /// Rows that are decided as they should be.
  static int64_t right(const DecisionCounts &decisions);
};

class Comparison {
public:
  Comparison(mlir::MLIRContext &context, ComparisonRequest request)
      : context(context), request(std::move(request)) {}

  /// Once. An empty message is an error that is a diagnostic already.
  llvm::Expected<Findings> run();

  /// For the analyses, after `run`.
  AnalysisInputs analysisInputs() const {
    return {*floatModule, *integerModule, arrays, names, classes};
  }

  /// What the program was compiled with, as far as the manifest says.
  mlir::qnet::CompileOptions compileOptions() const;

private:
  llvm::Error load();
  llvm::Error loadNetworks(const ProgramPaths &paths);
  llvm::Error openArrays();
  llvm::Error openLabels();
  llvm::Error compareBlock(int64_t first, int64_t count);
  void countDecisions(const mlir::qnet::Tensor &expected,
                      const mlir::qnet::Tensor &actual, int64_t first);
  llvm::Error runLibrary(llvm::ArrayRef<mlir::qnet::Tensor> tensors,
                         llvm::ArrayRef<mlir::qnet::Tensor> reference,
                         int64_t count);

  mlir::MLIRContext &context;
  ComparisonRequest request;
  mlir::qnet::Manifest manifest;
  mlir::OwningOpRef<mlir::ModuleOp> floatModule, integerModule;
  mlir::func::FuncOp floatMain, integerMain;
  std::unique_ptr<Program> library;
  std::vector<mlir::qnet::NumpyArray> arrays;
  std::vector<std::string> names;
  std::vector<double> classes;
  Findings findings;
};

/// "u8", "i4", "f32".
std::string typeText(mlir::Type type);

/// Adds a comparison's figures for programs to read.
void writeFindings(const Findings &findings, bool hasLabels,
                   llvm::json::Object &root);

} // namespace quantc

#endif // QUANTC_TOOLS_COMPARISON_H
