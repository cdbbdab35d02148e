//===- ReportPage.h - A report's figures as a page --------------*- C++ -*-===//
#ifndef QUANTC_TOOLS_REPORTPAGE_H
#define QUANTC_TOOLS_REPORTPAGE_H

#include "llvm/Support/JSON.h"
#include <string>

namespace quantc {

/// The page of report/, with the document inside it.
std::string reportPage(const llvm::json::Value &document);

} // namespace quantc

#endif // QUANTC_TOOLS_REPORTPAGE_H
