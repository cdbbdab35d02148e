//===- Ranges.cpp - measured ranges as a file a person can edit -----------===//
#include "quantc/Calibrate/Calibrate.h"

#include "DataError.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
using llvm::Error;
using llvm::Expected;

static constexpr StringRef formatName = "quantc-ranges";
static constexpr int64_t formatVersion = 1;

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string mlir::qnet::rangesToJson(const CalibrationSummary &summary) {
  // One line a tensor, so that a person finds it and a diff shows it.
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "{\n  \"format\": \"" << formatName
     << "\",\n  \"version\": " << formatVersion
     << ",\n  \"method\": " << llvm::json::Value(summary.method)
     << ",\n  \"rows\": " << summary.rows
     << ",\n  \"skipped_rows\": " << summary.skippedRows
     << ",\n  \"equalize\": " << llvm::json::Value(summary.equalize)
     << ",\n  \"split_channels\": " << llvm::json::Value(summary.splitChannels)
     << ",\n  \"tensors\": [";
  for (auto [index, range] : llvm::enumerate(summary.tensors)) {
    os << (index ? ",\n    " : "\n    ");
    llvm::json::OStream json(os);
    json.object([&] {
      json.attribute("tensor", range.tensor);
      json.attribute("name", llvm::json::fixUTF8(range.name));
      if (range.preactivation)
        json.attribute("preactivation", true);
      json.attribute("min", range.lo);
      json.attribute("max", range.hi);
      if (range.fixed)
        json.attribute("fixed", true);
      if (!range.method.empty())
        json.attribute("method", llvm::json::fixUTF8(range.method));
      if (!range.reason.empty())
        json.attribute("reason", llvm::json::fixUTF8(range.reason));
      json.attribute("seen_min", range.min);
      json.attribute("seen_max", range.max);
      json.attribute("values", range.values);
      if (range.nans)
        json.attribute("nan", range.nans);
      if (range.infinities)
        json.attribute("infinite", range.infinities);
      if (range.outputNoise)
        json.attribute("output_noise", *range.outputNoise);
      if (!range.candidates.empty())
        json.attributeArray("candidates", [&] {
          for (const RangeCandidate &candidate : range.candidates)
            json.object([&] {
              json.attribute("method", candidate.method);
              json.attribute("min", candidate.lo);
              json.attribute("max", candidate.hi);
              // JSON has no infinity: null is no error at all.
              json.attribute("output_sqnr_db",
                             std::isfinite(candidate.outputSqnr)
                                 ? llvm::json::Value(candidate.outputSqnr)
                                 : llvm::json::Value(nullptr));
            });
        });
      json.attributeArray("mean", [&] {
        for (double mean : range.means)
          json.value(mean);
      });
    });
  }
  os << "\n  ]\n}\n";
  return text;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// llvm::json recurses as deep as the text nests: refuse what would end the
/// stack. A file of ranges nests four deep.
static bool nestsTooDeep(StringRef text) {
  constexpr int deepest = 16;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char symbol = text[i];
    if (quoted) {
      i += symbol == '\\';
      quoted = symbol != '"';
    } else if (symbol == '"') {
      quoted = true;
    } else if (symbol == '[' || symbol == '{') {
      if (++depth > deepest)
        return true;
    } else if (symbol == ']' || symbol == '}') {
      --depth;
    }
  }
  return false;
}

static Error readTensor(const llvm::json::Object &object, size_t index,
                        StringRef source, ObservedRange &range) {
  auto problem = [&](const Twine &text) {
    return dataError(source, "tensors[" + Twine(index) + "] " + text);
  };
  std::optional<int64_t> tensor = object.getInteger("tensor");
  if (!tensor || *tensor != static_cast<int64_t>(index))
    return problem("must have \"tensor\": " + Twine(index) +
                   ": the tensors stand in their order, none left out");
  range.tensor = *tensor;
  std::optional<StringRef> name = object.getString("name");
  if (!name)
    return problem("lacks its \"name\"");
  range.name = name->str();
  range.preactivation = object.getBoolean("preactivation").value_or(false);
  std::optional<double> lo = object.getNumber("min"),
                        hi = object.getNumber("max");
  if (!lo || !hi || !std::isfinite(*lo) || !std::isfinite(*hi) || *lo > *hi)
    return problem("('" + range.name +
                   "') needs \"min\" and \"max\", two finite numbers, the "
                   "smaller first");
  range.lo = *lo;
  range.hi = *hi;
  if (const llvm::json::Value *fixed = object.get("fixed")) {
    if (!fixed->getAsBoolean())
      return problem("('" + range.name +
                     "') has a \"fixed\" that is neither true nor false");
    range.fixed = *fixed->getAsBoolean();
    if (range.fixed && range.lo == range.hi)
      return problem("('" + range.name +
                     "') is fixed to a range of one value; its \"min\" must be "
                     "less than its \"max\"");
  }
  range.method = object.getString("method").value_or("given").str();
  range.min = object.getNumber("seen_min").value_or(range.lo);
  range.max = object.getNumber("seen_max").value_or(range.hi);
  range.values = object.getInteger("values").value_or(0);
  range.nans = object.getInteger("nan").value_or(0);
  range.infinities = object.getInteger("infinite").value_or(0);
  range.outputNoise = object.getNumber("output_noise");
  if (range.outputNoise && !(*range.outputNoise >= 0))
    return problem("('" + range.name +
                   "') has an \"output_noise\" that is no power");
  if (const llvm::json::Value *mean = object.get("mean")) {
    const llvm::json::Array *means = mean->getAsArray();
    if (!means)
      return problem("('" + range.name + "') has a \"mean\" that is no array");
    for (const llvm::json::Value &value : *means) {
      std::optional<double> number = value.getAsNumber();
      if (!number || !std::isfinite(*number))
        return problem("('" + range.name +
                       "') has a \"mean\" that is no finite number");
      range.means.push_back(*number);
    }
  }
  return Error::success();
}

Expected<CalibrationSummary> mlir::qnet::rangesFromJson(StringRef text,
                                                        StringRef source) {
  if (nestsTooDeep(text))
    return dataError(source, "nests too deep for a file of ranges");
  Expected<llvm::json::Value> json = llvm::json::parse(text);
  if (!json)
    return dataError(source, "is no JSON: " + llvm::toString(json.takeError()));
  const llvm::json::Object *root = json->getAsObject();
  if (!root || root->getString("format") != formatName)
    return dataError(source, "is no file of ranges: it lacks \"format\": \"" +
                                 formatName + "\"");
  if (root->getInteger("version") != formatVersion)
    return dataError(source, "is of another version than " +
                                 Twine(formatVersion) + "; calibrate again");
  const llvm::json::Array *tensors = root->getArray("tensors");
  if (!tensors)
    return dataError(source, "lacks the array \"tensors\"");
  CalibrationSummary summary;
  summary.method = root->getString("method").value_or("given").str();
  summary.rows = root->getInteger("rows").value_or(0);
  summary.skippedRows = root->getInteger("skipped_rows").value_or(0);
  summary.equalize = root->getString("equalize").value_or("none").str();
  summary.splitChannels =
      root->getString("split_channels").value_or("none").str();
  for (auto [index, value] : llvm::enumerate(*tensors)) {
    const llvm::json::Object *object = value.getAsObject();
    if (!object)
      return dataError(source, "tensors[" + Twine(index) + "] is no object");
    if (Error error =
            readTensor(*object, index, source, summary.tensors.emplace_back()))
      return std::move(error);
  }
  return summary;
}
