//===- ReportDocument.h - All that is known of a program --------*- C++ -*-===//
//
// The figures of `quantc report` as one JSON document, whose fields
// docs/report.md lists. A section that has none is an object with what is
// `missing` and the `remedy`, one line each.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_TOOLS_REPORTDOCUMENT_H
#define QUANTC_TOOLS_REPORTDOCUMENT_H

#include "Program.h"
#include "Reporter.h"

#include "llvm/Support/JSON.h"

namespace quantc {

/// What a report is asked for.
struct ReportRequest {
  std::string program; ///< The folder, or one of the program's files.
  std::string model;   ///< "" without: no figure against float then.
  std::vector<std::string> inputs;      ///< Rows to compare on.
  std::string labels;                   ///< Of those rows.
  std::vector<std::string> calibration; ///< Rows of calibration.
  std::string frontier; ///< Folder of `quantc tune`; "" looks beside.
  bool withTimes = true;
};

/// Of more layers the first are in charts and tables.
inline constexpr size_t kMostReportLayers = 200;

/// Collects everything. An empty message is an error that is a diagnostic
/// already.
llvm::Expected<llvm::json::Object>
makeReportDocument(const ReportRequest &request, mlir::MLIRContext &context,
                   Reporter &reporter);

/// A section without figures; no remedy where `what` has it, or there is none.
llvm::json::Object missingSection(llvm::StringRef what, llvm::StringRef remedy);

//===----------------------------------------------------------------------===//
// Sections
//===----------------------------------------------------------------------===//

// From the manifest alone (ReportDocument.cpp).
llvm::json::Object programSection(const mlir::qnet::Manifest &manifest);
llvm::json::Object sizesSection(const mlir::qnet::Manifest &manifest);

/// With the program's integer network, for the proofs (ReportLedger.cpp).
llvm::json::Object ledgerSection(const mlir::qnet::Manifest &manifest,
                                 mlir::ModuleOp integerNetwork);

/// What `quantc tune` left in a folder (ReportFrontier.cpp).
llvm::Expected<llvm::json::Object> frontierSection(llvm::StringRef folder);

/// Calls timed here (ReportTimes.cpp).
llvm::json::Object timesSection(const ProgramPaths &paths);

/// Sets "accuracy", "confusion", "culprits", "influence" and "ranges"
/// (ReportAccuracy.cpp, ReportRanges.cpp).
llvm::Error addComparison(const ReportRequest &request,
                          const mlir::qnet::Manifest &manifest,
                          mlir::MLIRContext &context, Reporter &reporter,
                          llvm::json::Object &root);
llvm::json::Object rangesSection(const ReportRequest &request,
                                 const mlir::qnet::Manifest &manifest,
                                 mlir::ModuleOp floatNetwork);

} // namespace quantc

#endif // QUANTC_TOOLS_REPORTDOCUMENT_H
