//===- TextTable.h - Columns that line up -----------------------*- C++ -*-===//
#ifndef QUANTC_TOOLS_TEXTTABLE_H
#define QUANTC_TOOLS_TEXTTABLE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <string>
#include <vector>

namespace quantc {

/// Rows of text under a header; a column is as wide as its longest cell.
class TextTable {
public:
  explicit TextTable(std::vector<std::string> header)
      : rows{std::move(header)} {}

  /// As many cells as the header has.
  void add(std::vector<std::string> cells) { rows.push_back(std::move(cells)); }

  void print(llvm::raw_ostream &os) const {
    std::vector<size_t> widths(rows.front().size(), 0);
    for (const auto &row : rows)
      for (size_t i = 0; i != row.size(); ++i)
        widths[i] = std::max(widths[i], row[i].size());
    for (const auto &row : rows) {
      std::string line;
      for (size_t i = 0; i != row.size(); ++i)
        line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
      os << llvm::StringRef(line).rtrim() << "\n";
    }
  }

private:
  std::vector<std::vector<std::string>> rows;
};

} // namespace quantc

#endif // QUANTC_TOOLS_TEXTTABLE_H
