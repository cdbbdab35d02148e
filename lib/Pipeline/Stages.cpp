//===- Stages.cpp - Stages.def as an enumeration --------------------------===//
#include "quantc/Pipeline/Stages.h"
#include "quantc/Pipeline/Version.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace mlir::qnet {

static constexpr StageInfo kStages[] = {
#define QUANTC_STAGE(Name, flag, takes, gives, check)                          \
  {Stage::Name, flag, takes, gives, check, false},
#define QUANTC_PASS_STAGE(Name, flag, takes, gives, check)                     \
  {Stage::Name, flag, takes, gives, check, true},
#include "quantc/Pipeline/Stages.def"
};

StringRef versionString() { return QUANTC_VERSION; }

ArrayRef<StageInfo> stages() { return kStages; }

const StageInfo &stageInfo(Stage stage) {
  return kStages[static_cast<size_t>(stage)];
}

std::optional<Stage> stageNamed(StringRef flag) {
  for (const StageInfo &info : kStages)
    if (info.flag == flag)
      return info.stage;
  return std::nullopt;
}

std::string stageNames() {
  return join(
      map_range(kStages, [](const StageInfo &info) { return info.flag.str(); }),
      ", ");
}

std::string stageTable() {
  std::string table = "| stage | takes | gives | checked by | `quant-opt` |\n"
                      "|---|---|---|---|---|\n";
  for (const StageInfo &info : kStages) {
    auto code = [](StringRef flag) {
      return flag.empty() ? std::string() : ("`--" + flag + "`").str();
    };
    table +=
        ("| " + info.flag + " | " + info.takes + " | " + info.gives + " | " +
         code(info.check) + " | " +
         (info.isPipeline ? code(("qnet-" + info.flag).str()) : std::string()) +
         " |\n")
            .str();
  }
  return table;
}

} // namespace mlir::qnet
