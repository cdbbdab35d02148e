//===- CompareAnalyses.h - Why float and integer differ ---------*- C++ -*-===//
#ifndef QUANTC_TOOLS_COMPAREANALYSES_H
#define QUANTC_TOOLS_COMPAREANALYSES_H

#include "quantc/Calibrate/NumpyFile.h"
#include "quantc/Pipeline/Culprits.h"
#include "quantc/Pipeline/Influence.h"
#include "quantc/Pipeline/Repairs.h"
#include "quantc/Pipeline/Robustness.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace quantc {

/// What `quantc compare` is asked to find out besides the layers' figures.
struct AnalysisRequest {
  bool culprits = false, noise = false, influence = false;
  uint64_t seed = 0; ///< of the noise
  /// With rows: compile the model in other ways, and say what each gives.
  std::optional<mlir::qnet::CompileOptions> repairs;
  bool any() const { return culprits || noise || influence; }
};

/// What the analyses work on; all of it outlives them.
struct AnalysisInputs {
  mlir::ModuleOp floatModule, integerModule;
  llvm::ArrayRef<mlir::qnet::NumpyArray> arrays;
  llvm::ArrayRef<std::string> inputNames;
  llvm::ArrayRef<double> labels; ///< one a row, or none
};

/// The findings of all that was asked for.
struct Analyses {
  /// Row numbers in the user's file of the rows that were looked at.
  std::vector<int64_t> rowNumbers;
  int64_t allRows = 0;
  std::optional<mlir::qnet::Culprits> culprits;
  std::vector<mlir::qnet::RepairResult> repairs;
  std::vector<mlir::qnet::Disturbance> noise;
  uint64_t seed = 0;
  std::optional<mlir::qnet::Influences> influence;
};

/// An empty message is an error that is a diagnostic already.
llvm::Expected<Analyses> analyze(const AnalysisRequest &request,
                                 const AnalysisInputs &inputs);

void printAnalyses(const Analyses &analyses, const AnalysisInputs &inputs);
void writeAnalyses(const Analyses &analyses, const AnalysisInputs &inputs,
                   llvm::json::Object &root);

} // namespace quantc

#endif // QUANTC_TOOLS_COMPAREANALYSES_H
