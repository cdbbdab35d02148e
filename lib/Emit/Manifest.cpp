//===- Manifest.cpp - What a compiled program says of itself --------------===//
//
// nlohmann-json, since its parser keeps its own stack: a manifest of a million
// opening brackets is an error message, not an overflow.
//
//===----------------------------------------------------------------------===//
#include "quantc/Emit/Manifest.h"

#include "quantc/Emit/ThreadedLibrary.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SHA256.h"
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

using namespace llvm;
using nlohmann::json;

namespace mlir::qnet {

/// Of a manifest's numbers and lists; far above anything that compiles.
static constexpr int64_t kMaxValues = (int64_t(1) << 31) - 1;
static constexpr size_t kMaxRank = 32;

std::string sha256(StringRef bytes) {
  return toHex(SHA256::hash(arrayRefFromStringRef(bytes)), /*LowerCase=*/true);
}

Expected<std::string> digestOfFiles(ArrayRef<std::string> paths) {
  std::string digests;
  for (const std::string &path : paths) {
    auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                        /*RequiresNullTerminator=*/false);
    if (!buffer)
      return createStringError(buffer.getError(),
                               "cannot read '" + path +
                                   "' again: " + buffer.getError().message());
    digests += sha256((*buffer)->getBuffer());
  }
  return paths.size() == 1 ? digests : sha256(digests);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// The double with the fewest digits that reads back as `value`: 0.1 for 0.1f.
static double shortest(float value) {
  char digits[32];
  auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  double result = 0;
  std::from_chars(digits, end, result);
  return static_cast<float>(result) == value ? result : value;
}

static json shapeJson(ArrayRef<int64_t> shape) {
  json result = json::array();
  for (int64_t size : shape)
    result.push_back(size < 0 ? json(nullptr) : json(size));
  return result;
}

static void addParams(json &object, StringRef prefix,
                      const std::optional<ManifestParams> &params) {
  if (!params)
    return;
  std::string p = prefix.str();
  object[p + "scale"] = shortest(params->scale);
  object[p + "zero_point"] = params->zeroPoint;
  object[p + "range"] = {params->qmin, params->qmax};
}

static json tensorJson(const ManifestTensor &tensor) {
  json object = {{"name", tensor.name},     {"shape", shapeJson(tensor.shape)},
                 {"values", tensor.values}, {"type", tensor.type},
                 {"scale", nullptr},        {"zero_point", nullptr}};
  addParams(object, "", tensor.params);
  if (tensor.read)
    object["values_read"] = *tensor.read;
  if (!tensor.classes.empty())
    object["classes"] = tensor.classes;
  if (!tensor.columns.empty())
    object["columns"] = tensor.columns;
  if (!tensor.categories.empty())
    object["categories"] = tensor.categories;
  return object;
}

static json layerJson(const ManifestLayer &layer) {
  json object = {{"name", layer.name},
                 {"op", layer.op},
                 {"function", layer.function},
                 {"kernel", layer.kernel},
                 {"sum_bits", layer.sumBits},
                 {"visited_share", layer.visitedShare},
                 {"zero_share", layer.zeroShare},
                 {"listed_share", layer.listedShare},
                 {"nodes", layer.nodes},
                 {"products", layer.products},
                 {"time_over_float", layer.timeOverFloat},
                 {"inputs", layer.inputs},
                 {"outputs", layer.outputs},
                 {"weights_bits", layer.weightsBits},
                 {"input_bits", layer.inputBits},
                 {"output_bits", layer.outputBits},
                 {"weights_bytes", layer.weightsBytes}};
  if (!layer.weightsNote.empty())
    object["weights_note"] = layer.weightsNote;
  if (!layer.inputNote.empty())
    object["input_note"] = layer.inputNote;
  for (auto [key, sqnr] : {std::pair("storage_sqnr_db", layer.storageSqnr),
                           std::pair("weights_sqnr_db", layer.weightsSqnr)})
    if (sqnr)
      object[key] = std::isfinite(*sqnr) ? json(*sqnr) : json(nullptr);
  if (!layer.prunedNote.empty())
    object["pruned"] = layer.prunedNote;
  if (layer.isFrozen)
    object["frozen"] = true;
  addParams(object, "input_", layer.inputParams);
  addParams(object, "output_", layer.outputParams);
  return object;
}

void writeManifest(const Manifest &manifest, raw_ostream &os) {
  json root = {{"version", manifest.version},
               {"name", manifest.name},
               {"target", manifest.target},
               {"cpu", manifest.cpu},
               {"variants", manifest.variants},
               {"features", manifest.features},
               {"threads", manifest.threads},
               {"inputs", json::array()},
               {"outputs", json::array()},
               {"int8_entry", manifest.eightBitEntry},
               {"layers", json::array()},
               {"ledger", json::array()},
               {"sizes", manifest.sizes},
               {"digests", manifest.digests},
               {"methods", json::object()},
               {"calibration",
                {{"rows", manifest.calibrationRows},
                 {"rows_skipped", manifest.calibrationRowsSkipped},
                 {"ranges", json::array()}}}};
  for (const ManifestRange &range : manifest.ranges) {
    json object = {{"name", range.name},
                   {"method", range.method},
                   {"min", range.lo},
                   {"max", range.hi}};
    if (!range.reason.empty())
      object["reason"] = range.reason;
    for (const auto &[method, sqnr] : range.outputSqnr)
      object["output_sqnr_db"][method] =
          std::isfinite(sqnr) ? json(sqnr) : json(nullptr);
    root["calibration"]["ranges"].push_back(std::move(object));
  }
  if (!manifest.clipped.empty())
    root["clipped"] = manifest.clipped;
  for (const ManifestTensor &tensor : manifest.inputs)
    root["inputs"].push_back(tensorJson(tensor));
  for (const ManifestTensor &tensor : manifest.outputs)
    root["outputs"].push_back(tensorJson(tensor));
  for (const ManifestLayer &layer : manifest.layers)
    root["layers"].push_back(layerJson(layer));
  for (const LedgerEntry &entry : manifest.ledger)
    root["ledger"].push_back(
        {{"node", entry.node}, {"op", entry.op}, {"reason", entry.reason}});
  for (const auto &[key, value] : manifest.methods)
    root["methods"][key] = value;
  // JSON is UTF-8; names come from files that may not be (`replace`).
  os << root.dump(/*indent=*/2, ' ', /*ensure_ascii=*/false,
                  json::error_handler_t::replace)
     << "\n";
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// Takes typed fields out of an object and keeps the first complaint.
class Reader {
public:
  explicit Reader(StringRef where) : where(where) {}

  Error takeError() {
    if (problem.empty())
      return Error::success();
    return createStringError(inconvertibleErrorCode(),
                             "'" + where + "' is no manifest of quantc: " +
                                 problem + "; compile the model again");
  }
  void complain(const Twine &what) {
    if (problem.empty())
      problem = what.str();
  }

  const json *field(const json &object, StringRef key) {
    auto found = object.is_object() ? object.find(key.str()) : object.end();
    if (!object.is_object() || found == object.end()) {
      complain("no field '" + key + "'");
      return nullptr;
    }
    return &*found;
  }
  std::string string(const json &object, StringRef key) {
    const json *value = field(object, key);
    if (value && value->is_string())
      return value->get<std::string>();
    complain("'" + key + "' is no string");
    return "";
  }
  double share(const json &object, StringRef key) {
    const json *value = field(object, key);
    if (value && value->is_number() && value->get<double>() >= 0)
      return value->get<double>();
    complain("'" + key + "' is no number from 0 on");
    return 0;
  }
  bool boolean(const json &object, StringRef key) {
    const json *value = field(object, key);
    if (value && value->is_boolean())
      return value->get<bool>();
    complain("'" + key + "' is neither true nor false");
    return false;
  }
  int64_t integer(const json &object, StringRef key, int64_t lo, int64_t hi) {
    const json *value = field(object, key);
    return value ? checked(*value, key, lo, hi) : lo;
  }
  int64_t checked(const json &value, StringRef key, int64_t lo, int64_t hi) {
    bool tooLarge = value.is_number_unsigned() &&
                    value.get<uint64_t>() > uint64_t(INT64_MAX);
    if (!value.is_number_integer() || tooLarge || value.get<int64_t>() < lo ||
        value.get<int64_t>() > hi) {
      complain("'" + key + "' is no integer from " + Twine(lo) + " to " +
               Twine(hi));
      return lo;
    }
    return value.get<int64_t>();
  }
  const json &list(const json &object, StringRef key) {
    static const json empty = json::array();
    const json *value = field(object, key);
    if (value && value->is_array())
      return *value;
    complain("'" + key + "' is no list");
    return empty;
  }
  std::vector<std::string> words(const json &object, StringRef key) {
    return wordsIn(list(object, key), key);
  }
  std::vector<std::string> wordsIn(const json &list, StringRef key) {
    std::vector<std::string> result;
    if (!list.is_array())
      complain("'" + key + "' is no list");
    for (const json &word : list) {
      if (word.is_string())
        result.push_back(word.get<std::string>());
      else
        complain("'" + key + "' holds something that is no string");
    }
    return result;
  }
  std::map<std::string, std::string> strings(const json &object,
                                             StringRef key) {
    std::map<std::string, std::string> result;
    if (const json *map = objectField(object, key))
      for (const auto &[name, value] : map->items())
        result[name] = string(*map, name);
    return result;
  }
  const json *objectField(const json &object, StringRef key) {
    const json *value = field(object, key);
    if (value && value->is_object())
      return value;
    complain("'" + key + "' is no object");
    return nullptr;
  }
  std::optional<ManifestParams> params(const json &object, StringRef prefix) {
    std::string p = prefix.str();
    if (!object.is_object() || !object.contains(p + "range"))
      return std::nullopt;
    ManifestParams result;
    const json *scale = field(object, p + "scale");
    if (scale && scale->is_number())
      result.scale = scale->get<float>();
    if (!std::isfinite(result.scale) || result.scale <= 0)
      complain("'" + Twine(p) + "scale' is no positive number");
    const json &range = list(object, p + "range");
    if (range.size() != 2) {
      complain("'" + Twine(p) + "range' has not two ends");
      return std::nullopt;
    }
    result.qmin = checked(range[0], p + "range", INT32_MIN, INT32_MAX);
    result.qmax = checked(range[1], p + "range", result.qmin, INT32_MAX);
    result.zeroPoint =
        integer(object, p + "zero_point", result.qmin, result.qmax);
    return result;
  }
  ManifestTensor tensor(const json &object, bool isOutput) {
    ManifestTensor result;
    result.name = string(object, "name");
    result.values = integer(object, "values", 0, kMaxValues);
    for (const json &size : list(object, "shape"))
      result.shape.push_back(
          size.is_null() ? -1 : checked(size, "shape", 0, kMaxValues));
    if (result.shape.size() > kMaxRank)
      complain("'shape' has more than " + Twine(kMaxRank) + " dimensions");
    result.type = string(object, "type");
    if (result.type != "f32" &&
        !(isOutput && (result.type == "i32" || result.type == "i64")))
      complain("'type' is '" + result.type + "', which no " +
               (isOutput ? "output" : "input") + " has");
    result.params = params(object, "");
    if (object.is_object() && object.contains("values_read")) {
      result.read.emplace();
      for (const json &value : list(object, "values_read"))
        result.read->push_back(checked(
            value, "values_read", 0, std::max<int64_t>(result.values, 1) - 1));
    }
    readNames(object, result);
    return result;
  }
  void readNames(const json &object, ManifestTensor &tensor) {
    if (!object.is_object())
      return;
    for (auto [key, names] : {std::pair("classes", &tensor.classes),
                              std::pair("columns", &tensor.columns)})
      if (object.contains(key))
        *names = words(object, key);
    if (!object.contains("categories"))
      return;
    for (const json &column : list(object, "categories"))
      tensor.categories.push_back(wordsIn(column, "categories"));
  }
  double finite(const json &object, StringRef key) {
    const json *value = field(object, key);
    if (value && value->is_number() && std::isfinite(value->get<double>()))
      return value->get<double>();
    complain("'" + key + "' is no finite number");
    return 0;
  }
  ManifestRange range(const json &object) {
    ManifestRange result;
    result.name = string(object, "name");
    result.method = string(object, "method");
    result.lo = finite(object, "min");
    result.hi = finite(object, "max");
    if (object.is_object() && object.contains("reason"))
      result.reason = string(object, "reason");
    if (object.is_object() && object.contains("output_sqnr_db"))
      if (const json *tried = objectField(object, "output_sqnr_db"))
        for (const auto &[method, sqnr] : tried->items())
          result.outputSqnr[method] =
              sqnr.is_null() ? std::numeric_limits<double>::infinity()
                             : finite(*tried, method);
    return result;
  }
  ManifestLayer layer(const json &object) {
    ManifestLayer result;
    result.name = string(object, "name");
    result.op = string(object, "op");
    result.kernel = string(object, "kernel");
    result.sumBits = integer(object, "sum_bits", 0, 64);
    result.visitedShare = share(object, "visited_share");
    result.zeroShare = share(object, "zero_share");
    result.listedShare = share(object, "listed_share");
    result.function = string(object, "function");
    if (object.is_object() && object.contains("nodes")) {
      result.nodes = words(object, "nodes");
      result.products = integer(object, "products", 0, INT64_MAX);
      result.timeOverFloat = share(object, "time_over_float");
    }
    result.inputs = integer(object, "inputs", 0, kMaxValues);
    result.outputs = integer(object, "outputs", 0, kMaxValues);
    result.weightsBits = integer(object, "weights_bits", 0, 64);
    result.inputBits = integer(object, "input_bits", 0, 64);
    result.outputBits = integer(object, "output_bits", 0, 64);
    result.weightsBytes = integer(object, "weights_bytes", 0, INT64_MAX);
    if (object.is_object() && object.contains("weights_note"))
      result.weightsNote = string(object, "weights_note");
    if (object.is_object() && object.contains("input_note"))
      result.inputNote = string(object, "input_note");
    for (auto [key, sqnr] : {std::pair("storage_sqnr_db", &result.storageSqnr),
                             std::pair("weights_sqnr_db", &result.weightsSqnr)})
      if (object.is_object() && object.contains(key))
        *sqnr = object[key].is_null() ? std::numeric_limits<double>::infinity()
                                      : finite(object, key);
    if (object.is_object() && object.contains("pruned"))
      result.prunedNote = string(object, "pruned");
    if (object.is_object() && object.contains("frozen"))
      result.isFrozen = boolean(object, "frozen");
    result.inputParams = params(object, "input_");
    result.outputParams = params(object, "output_");
    return result;
  }

private:
  StringRef where;
  std::string problem;
};
} // namespace

/// Python checks the record in full; what is odd here is left out.
static std::optional<ManifestFrontend> readFrontend(const json &root) {
  auto member = [](const json &object, const char *key) {
    auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() ? *found : json();
  };
  json record = member(root, "frontend"), result = member(record, "result");
  if (!result.is_object())
    return std::nullopt;
  ManifestFrontend frontend;
  frontend.givesLabels = member(result, "kind") == "labels";
  for (auto [list, into] :
       {std::pair(member(record, "names"), &frontend.columns),
        std::pair(member(result, "classes"), &frontend.classes)})
    if (list.is_array())
      for (const json &name : list)
        into->push_back(name.is_string()
                            ? name.get<std::string>()
                            : name.dump(-1, ' ', /*ensure_ascii=*/false,
                                        json::error_handler_t::replace));
  return frontend;
}

Expected<Manifest> readManifest(StringRef contents, StringRef where) {
  Reader reader(where);
  json root = json::parse(contents.begin(), contents.end(), nullptr,
                          /*allow_exceptions=*/false);
  Manifest result;
  if (!root.is_object()) {
    reader.complain("it is no JSON object");
    return reader.takeError();
  }
  result.version = reader.string(root, "version");
  result.name = reader.string(root, "name");
  result.target = reader.string(root, "target");
  result.cpu = reader.string(root, "cpu");
  result.variants = reader.words(root, "variants");
  result.features = reader.words(root, "features");
  result.threads = reader.integer(root, "threads", 1, kMaxThreads);
  for (const json &tensor : reader.list(root, "inputs"))
    result.inputs.push_back(reader.tensor(tensor, /*isOutput=*/false));
  for (const json &tensor : reader.list(root, "outputs"))
    result.outputs.push_back(reader.tensor(tensor, /*isOutput=*/true));
  result.eightBitEntry = reader.boolean(root, "int8_entry");
  if (root.contains("clipped"))
    result.clipped = reader.words(root, "clipped");
  for (const json &layer : reader.list(root, "layers"))
    result.layers.push_back(reader.layer(layer));
  for (const json &entry : reader.list(root, "ledger"))
    result.ledger.push_back({reader.string(entry, "node"),
                             reader.string(entry, "op"),
                             reader.string(entry, "reason")});
  if (const json *sizes = reader.objectField(root, "sizes"))
    for (const auto &[key, value] : sizes->items())
      result.sizes[key] = reader.integer(*sizes, key, 0, INT64_MAX);
  result.digests = reader.strings(root, "digests");
  result.methods = reader.strings(root, "methods");
  if (const json *rows = reader.objectField(root, "calibration")) {
    result.calibrationRows = reader.integer(*rows, "rows", 0, INT64_MAX);
    result.calibrationRowsSkipped =
        reader.integer(*rows, "rows_skipped", 0, INT64_MAX);
    for (const json &range : reader.list(*rows, "ranges"))
      result.ranges.push_back(reader.range(range));
  }
  result.frontend = readFrontend(root);
  if (Error error = reader.takeError())
    return std::move(error);
  return result;
}

} // namespace mlir::qnet
