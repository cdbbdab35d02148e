//===- ReportPage.cpp - A report's figures as a page ----------------------===//
//
// The page is made from the files of report/ when quantc is built. Names come
// from models: nothing of the document may be taken for HTML.
//
//===----------------------------------------------------------------------===//
#include "ReportPage.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace quantc {

static constexpr unsigned char kPage[] = {
#include "ReportPage.inc"
};

/// JSON in a <script> element: no character that ends one, or begins a comment,
/// and no line separator of JavaScript. All of them stand in strings only.
static std::string scriptJson(const json::Value &document) {
  std::string text = formatv("{0}", document), safe;
  for (size_t i = 0; i != text.size(); ++i) {
    StringRef rest = StringRef(text).substr(i);
    if (StringRef("<>&").contains(text[i])) {
      safe += formatv("\\u{0:x-4}", static_cast<unsigned>(text[i]));
    } else if (rest.starts_with("\u2028") || rest.starts_with("\u2029")) {
      safe += rest.starts_with("\u2028") ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      safe += text[i];
    }
  }
  return safe;
}

std::string reportPage(const json::Value &document) {
  StringRef lead = document.getAsObject()->getString("lead").value_or("");
  std::string page;
  raw_string_ostream os(page);
  // "@quantc:lead@" and "@quantc:document@", each in its places.
  StringRef rest(reinterpret_cast<const char *>(kPage), sizeof(kPage));
  while (true) {
    auto [before, after] = rest.split("@quantc:");
    os << before;
    if (before.size() == rest.size())
      return page;
    auto [word, next] = after.split('@');
    if (word == "document")
      os << scriptJson(document);
    else
      printHTMLEscaped(lead, os);
    rest = next;
  }
}

} // namespace quantc
