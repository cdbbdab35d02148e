//===- ReportDocument.cpp - All that is known of a program ----------------===//
#include "ReportDocument.h"

#include "quantc/Pipeline/Compile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <set>

using namespace llvm;
using mlir::qnet::Manifest;
using mlir::qnet::ManifestLayer;
using mlir::qnet::ManifestTensor;

namespace quantc {

json::Object missingSection(StringRef what, StringRef remedy) {
  return json::Object{{"missing", json::fixUTF8(what)},
                      {"remedy", json::fixUTF8(remedy)}};
}

//===----------------------------------------------------------------------===//
// Sections of the manifest
//===----------------------------------------------------------------------===//

static json::Array words(ArrayRef<std::string> list, size_t most) {
  json::Array array;
  for (const std::string &word : list.take_front(most))
    array.push_back(json::fixUTF8(word));
  return array;
}

static json::Object strings(const std::map<std::string, std::string> &map) {
  json::Object object;
  for (const auto &[key, value] : map)
    object[json::fixUTF8(key)] = json::fixUTF8(value);
  return object;
}

/// Names of classes, columns or categories that are listed.
static constexpr size_t kMostNames = 200;

static json::Object tensorJson(const ManifestTensor &tensor) {
  json::Array shape, categories;
  for (int64_t size : tensor.shape)
    shape.push_back(size < 0 ? json::Value(nullptr) : json::Value(size));
  json::Object object{{"name", json::fixUTF8(tensor.name)},
                      {"shape", std::move(shape)},
                      {"type", tensor.type},
                      {"values", tensor.values}};
  if (tensor.params) {
    object["scale"] = tensor.params->scale;
    object["zero_point"] = tensor.params->zeroPoint;
  }
  if (tensor.read)
    object["values_read"] = int64_t(tensor.read->size());
  if (!tensor.classes.empty())
    object["classes"] = words(tensor.classes, kMostNames);
  if (!tensor.columns.empty())
    object["columns"] = words(tensor.columns, kMostNames);
  for (const std::vector<std::string> &column :
       ArrayRef(tensor.categories).take_front(kMostNames))
    categories.push_back(words(column, kMostNames));
  if (!categories.empty())
    object["categories"] = std::move(categories);
  return object;
}

json::Object programSection(const Manifest &manifest) {
  json::Array inputs, outputs;
  for (const ManifestTensor &tensor : manifest.inputs)
    inputs.push_back(tensorJson(tensor));
  for (const ManifestTensor &tensor : manifest.outputs)
    outputs.push_back(tensorJson(tensor));
  // The front end's names stand for what the program knows as numbers.
  if (manifest.frontend && manifest.inputs.size() == 1 &&
      !manifest.frontend->columns.empty())
    (*inputs.front().getAsObject())["columns"] =
        words(manifest.frontend->columns, kMostNames);
  if (manifest.frontend && !manifest.outputs.empty() &&
      !manifest.frontend->classes.empty())
    (*outputs.front().getAsObject())["classes"] =
        words(manifest.frontend->classes, kMostNames);
  return json::Object{
      {"version", json::fixUTF8(manifest.version)},
      {"target", json::fixUTF8(manifest.target)},
      {"cpu", json::fixUTF8(manifest.cpu)},
      {"variants", words(manifest.variants, kMostNames)},
      {"features", words(manifest.features, kMostNames)},
      {"threads", manifest.threads},
      {"int8_entry", manifest.eightBitEntry},
      {"digests", strings(manifest.digests)},
      {"options", strings(manifest.methods)},
      {"calibration_rows", manifest.calibrationRows},
      {"calibration_rows_skipped", manifest.calibrationRowsSkipped},
      {"inputs", std::move(inputs)},
      {"outputs", std::move(outputs)}};
}

json::Object sizesSection(const Manifest &manifest) {
  json::Object files;
  for (const auto &[key, bytes] : manifest.sizes)
    files[json::fixUTF8(key)] = int64_t(bytes);
  json::Array layers;
  size_t leftOut = 0;
  constexpr int64_t floatBytes = sizeof(float);
  for (const ManifestLayer &layer : manifest.layers) {
    if (layer.weightsBits == 0)
      continue;
    if (layers.size() == kMostReportLayers) {
      ++leftOut;
      continue;
    }
    // A dense layer has as many weights as products a row.
    layers.push_back(json::Object{
        {"name", json::fixUTF8(layer.name)},
        {"bits", layer.weightsBits},
        {"bytes", int64_t(layer.weightsBytes)},
        {"float_bytes",
         std::min(layer.products, INT64_MAX / floatBytes) * floatBytes},
        {"zero_share", layer.zeroShare}});
  }
  return json::Object{{"files", std::move(files)},
                      {"layers", std::move(layers)},
                      {"layers_left_out", int64_t(leftOut)}};
}

//===----------------------------------------------------------------------===//
// The line on top
//===----------------------------------------------------------------------===//

/// "int8", "int4 and int8": of the layers that have weights.
static std::string bitsText(const Manifest &manifest) {
  std::set<int64_t> bits;
  for (const ManifestLayer &layer : manifest.layers)
    if (layer.weightsBits > 0 && layer.op == "qdense")
      bits.insert(layer.weightsBits);
  std::string text;
  for (int64_t width : bits)
    text += (text.empty() ? "int" : " and int") + std::to_string(width);
  return text.empty() ? "no integer layer" : text;
}

static std::string bytesText(uint64_t bytes) {
  constexpr double step = 1024;
  auto size = static_cast<double>(bytes);
  for (StringRef unit : {"B", "KiB", "MiB"}) {
    if (size < step)
      return formatv("{0:f0} {1}", size, unit);
    size /= step;
  }
  return formatv("{0:f1} GiB", size);
}

/// printf's %g of so many digits.
static std::string digits(double value, int count) {
  std::string text;
  raw_string_ostream(text) << format("%.*g", count, value);
  return text;
}

/// "digits: int8, 99.9% of float's decisions, SQNR 49.8 dB, 51 KiB, 1.6 us a
/// row", with as much of it as is known.
static std::string leadOf(const Manifest &manifest, const json::Object &root) {
  std::string text = manifest.name + ": " + bitsText(manifest);
  const json::Object *accuracy = root.getObject("accuracy");
  if (std::optional<double> agreement = accuracy->getNumber("agreement"))
    text += ", " + digits(100 * *agreement, 4) +
            (accuracy->getBoolean("decides").value_or(false)
                 ? "% of float's decisions"
                 : "% of rows with float's largest output");
  if (std::optional<double> sqnr = accuracy->getNumber("sqnr_db"))
    text += formatv(", SQNR {0:f1} dB", *sqnr);
  else if (accuracy->get("sqnr_db"))
    text += ", no difference from float";
  for (StringRef file : {"object", "shared", "weights"})
    if (auto size = manifest.sizes.find(file.str());
        size != manifest.sizes.end()) {
      text += ", " + bytesText(size->second);
      break;
    }
  const json::Array *batches = root.getObject("times")->getArray("batches");
  if (batches && !batches->empty())
    if (std::optional<double> time =
            batches->front().getAsObject()->getNumber("median_us"))
      text += ", " + digits(*time, 3) + " us a row";
  return text;
}

//===----------------------------------------------------------------------===//
// The document
//===----------------------------------------------------------------------===//

static json::Object timesOrReason(const ReportRequest &request,
                                  const ProgramPaths &paths) {
  if (!request.withTimes)
    return missingSection("Times were not asked for.",
                          "leave out --no-times (in Python times=False)");
  if (!sys::fs::exists(paths.file("so")))
    return missingSection("There is no shared library to time.",
                          "compile with --emit=object,header,shared");
  return timesSection(paths);
}

static Expected<json::Object> frontierOrReason(const ReportRequest &request,
                                               const ProgramPaths &paths) {
  std::string folder = request.frontier;
  if (folder.empty()) {
    SmallString<128> beside(sys::path::parent_path(paths.stem));
    sys::path::append(beside, "frontier.json");
    if (!sys::fs::exists(beside))
      return missingSection(
          "No search over the layers' bits was given.",
          "run `quantc tune` and give its folder with --frontier (in Python "
          "frontier=quantc.tune(...))");
    folder = sys::path::parent_path(beside).str();
  }
  return frontierSection(folder);
}

static Expected<mlir::OwningOpRef<mlir::ModuleOp>>
loadNetwork(const ProgramPaths &paths, mlir::MLIRContext &context) {
  std::string network = paths.file("mlirbc");
  if (!sys::fs::exists(network))
    return createStringError("no integer network '" + network +
                             "' beside the program; compile the model again");
  auto module =
      mlir::qnet::loadFloatNetwork(network, context, /*prepared=*/false);
  if (!module)
    return createStringError("");
  return std::move(module);
}

Expected<json::Object> makeReportDocument(const ReportRequest &request,
                                          mlir::MLIRContext &context,
                                          Reporter &reporter) {
  Expected<ProgramPaths> paths = findProgram(request.program);
  if (!paths)
    return paths.takeError();
  Expected<Manifest> manifest = loadManifest(*paths);
  if (!manifest)
    return manifest.takeError();
  auto network = loadNetwork(*paths, context);
  if (!network)
    return network.takeError();
  json::Object root{{"format", "quantc-report"},
                    {"format_version", 1},
                    {"name", json::fixUTF8(manifest->name)},
                    {"program", programSection(*manifest)},
                    {"sizes", sizesSection(*manifest)},
                    {"ledger", ledgerSection(*manifest, **network)}};
  Expected<json::Object> frontier = frontierOrReason(request, *paths);
  if (!frontier)
    return frontier.takeError();
  root["frontier"] = std::move(*frontier);
  if (Error error = addComparison(request, *manifest, context, reporter, root))
    return std::move(error);
  // Last, when nothing else can go wrong any more.
  reporter.progress("times", 0, 0);
  root["times"] = timesOrReason(request, *paths);
  root["lead"] = json::fixUTF8(leadOf(*manifest, root));
  return root;
}

} // namespace quantc
