//===- ReportFrontier.cpp - What quantc tune found ------------------------===//
//
// nlohmann-json, as for manifests: its parser keeps its own stack.
//
//===----------------------------------------------------------------------===//
#include "ReportDocument.h"

#include "JsonNumber.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <nlohmann/json.hpp>

using namespace llvm;
using Parsed = nlohmann::json;

namespace quantc {

/// A frontier is some kilobytes.
static constexpr uint64_t kMostFrontierBytes = uint64_t(64) << 20;
static constexpr size_t kMostPoints = 200;

static Error problem(StringRef path, const Twine &what) {
  return createStringError(inconvertibleErrorCode(),
                           "'" + path + "' " + what +
                               "; give the folder that `quantc tune -o` wrote");
}

static json::Value numberIn(const Parsed &object, const char *key) {
  auto found = object.find(key);
  return found != object.end() && found->is_number()
             ? finite(found->get<double>())
             : json::Value(nullptr);
}

static std::string textIn(const Parsed &object, const char *key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string()
             ? json::fixUTF8(found->get<std::string>())
             : "";
}

static json::Object pointJson(const Parsed &point) {
  json::Object object{{"bits", textIn(point, "bits")}};
  for (const char *key : {"us_per_row", "modelled_cycles", "weights_bytes",
                          "sqnr_db", "agreement", "score"})
    object[key] = numberIn(point, key);
  if (std::string uniform = textIn(point, "uniform"); !uniform.empty())
    object["uniform"] = uniform;
  return object;
}

Expected<json::Object> frontierSection(StringRef folder) {
  SmallString<128> path(folder);
  if (sys::fs::is_directory(folder))
    sys::path::append(path, "frontier.json");
  uint64_t size = 0;
  if (std::error_code error = sys::fs::file_size(path, size))
    return problem(path, "cannot be read: " + error.message());
  if (size > kMostFrontierBytes)
    return problem(path, "is too large for a frontier");
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return problem(path, "cannot be read: " + buffer.getError().message());
  StringRef text = (*buffer)->getBuffer();
  Parsed root = Parsed::parse(text.begin(), text.end(), nullptr,
                              /*allow_exceptions=*/false);
  if (!root.is_object() || textIn(root, "format") != "quantc-frontier")
    return problem(path, "is no frontier of quantc");
  json::Object section{{"minimize", textIn(root, "minimize")},
                       {"requirement", textIn(root, "requirement")},
                       {"cpu", textIn(root, "cpu")},
                       {"chosen", numberIn(root, "chosen")}};
  for (const char *key : {"points", "uniform"}) {
    auto list = root.find(key);
    if (list == root.end() || !list->is_array())
      return problem(path, Twine("has no list '") + key + "'");
    json::Array points;
    for (const Parsed &point : *list) {
      if (!point.is_object())
        return problem(path, Twine("holds in '") + key +
                                 "' something that is no point");
      if (points.size() < kMostPoints)
        points.push_back(pointJson(point));
    }
    section[key] = std::move(points);
  }
  return section;
}

} // namespace quantc
