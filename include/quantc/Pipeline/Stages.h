//===- Stages.h - Stages.def as an enumeration ------------------*- C++ -*-===//
#ifndef QUANTC_PIPELINE_STAGES_H
#define QUANTC_PIPELINE_STAGES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace mlir::qnet {

enum class Stage {
#define QUANTC_STAGE(Name, flag, takes, gives, check) Name,
#include "quantc/Pipeline/Stages.def"
};

struct StageInfo {
  Stage stage;
  llvm::StringLiteral flag;
  llvm::StringLiteral takes;
  llvm::StringLiteral gives;
  /// Flag of the pass that checks what the stage gives, or "".
  llvm::StringLiteral check;
  /// The stage is a pass pipeline, so that quant-opt has it as `--qnet-<flag>`.
  bool isPipeline;
};

/// All stages in order.
llvm::ArrayRef<StageInfo> stages();
const StageInfo &stageInfo(Stage stage);
std::optional<Stage> stageNamed(llvm::StringRef flag);
/// "import, prepare, ...": for messages that offer the choice.
std::string stageNames();
/// The table in docs/pipeline.md.
std::string stageTable();

} // namespace mlir::qnet

#endif // QUANTC_PIPELINE_STAGES_H
