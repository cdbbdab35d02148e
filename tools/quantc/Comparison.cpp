//===- Comparison.cpp - The float network against the program -------------===//
#include "Comparison.h"
#include "Arrays.h"
#include "JsonNumber.h"
#include "Problem.h"

#include "quantc/Pipeline/Pipeline.h"
#include "quantc/Prepare/Equalize.h"

#include "llvm/Support/FileSystem.h"
#include <bit>
#include <cmath>
#include <cstring>

using namespace llvm;
using mlir::qnet::CompileOptions;
using mlir::qnet::LayerDifference;
using mlir::qnet::NumpyArray;
using mlir::qnet::Tensor;

namespace quantc {

/// Rows run at a time: memory is bounded by the widest layer of one block.
static constexpr int64_t kBlockRows = 256;
/// Of calibration rows; of rows that are given all are compared.
static constexpr int64_t kMostCalibrationRows = 4096;

int64_t Findings::right(const DecisionCounts &decisions) {
  int64_t count = 0;
  for (const auto &[pair, rows] : decisions)
    count += pair.first == pair.second ? rows : 0;
  return count;
}

Error Comparison::load() {
  Expected<ProgramPaths> paths = findProgram(request.program);
  if (!paths)
    return paths.takeError();
  Expected<mlir::qnet::Manifest> loadedManifest = loadManifest(*paths);
  if (!loadedManifest)
    return loadedManifest.takeError();
  manifest = std::move(*loadedManifest);
  if (Error error = loadNetworks(*paths))
    return error;
  if (Error error = openArrays())
    return error;
  if (sys::fs::exists(paths->file("so"))) {
    auto loaded = Program::load(*paths);
    if (loaded) {
      library = std::move(*loaded);
      findings.ranLibrary = true;
    } else if (Error error = loaded.takeError(); request.needsLibrary) {
      return error;
    } else {
      consumeError(std::move(error));
    }
  }
  return request.labels.empty() ? Error::success() : openLabels();
}

Error Comparison::loadNetworks(const ProgramPaths &paths) {
  std::string network = paths.file("mlirbc");
  if (!sys::fs::exists(network))
    return problem("no integer network '" + network +
                   "' beside the program; compile the model again");
  floatModule =
      mlir::qnet::loadFloatNetwork(request.model, context, /*prepared=*/true);
  integerModule =
      mlir::qnet::loadFloatNetwork(network, context, /*prepared=*/false);
  if (!floatModule || !integerModule)
    return problem(""); // Reported as diagnostics.
  floatMain = floatModule->lookupSymbol<mlir::func::FuncOp>("main");
  integerMain = integerModule->lookupSymbol<mlir::func::FuncOp>("main");
  if (floatMain && integerMain)
    mlir::qnet::changeChannelsLike(floatMain, integerMain);
  if (!floatMain || !integerMain)
    return problem("a network has no function @main");
  if (floatMain.getNumArguments() != manifest.inputs.size() ||
      integerMain.getNumArguments() != manifest.inputs.size() ||
      floatMain.getNumResults() != integerMain.getNumResults())
    return problem("'" + request.model + "' and '" + request.program +
                   "' have different inputs or outputs: the program was not "
                   "compiled from this model");
  return Error::success();
}

Error Comparison::openArrays() {
  for (const mlir::qnet::ManifestTensor &input : manifest.inputs)
    names.push_back(input.name);
  bool isCalibration = request.inputs.empty();
  bool isTable =
      request.inputs.size() == 1 &&
      StringRef(request.inputs.front()).ends_with_insensitive(".csv");
  if (!isCalibration && !isTable) {
    auto opened = openInputs(request.inputs, names);
    if (!opened)
      return opened.takeError();
    arrays = std::move(*opened);
    findings.allRows = arrays.empty() ? 0 : arrays.front().rows();
  } else {
    auto shapes = mlir::qnet::describeInputs(*floatModule);
    if (failed(shapes))
      return problem("");
    // All rows where there are labels, which are by row.
    int64_t most = isCalibration && request.labels.empty()
                       ? kMostCalibrationRows
                       : std::numeric_limits<int64_t>::max();
    auto opened = openRows(isCalibration ? request.calibration : request.inputs,
                           *shapes, most, findings.allRows);
    if (!opened)
      return opened.takeError();
    arrays = std::move(*opened);
  }
  for (const NumpyArray &array : arrays)
    if (array.rows() != arrays.front().rows())
      return problem("the inputs have different numbers of rows");
  return Error::success();
}

Error Comparison::openLabels() {
  Expected<NumpyArray> truth = NumpyArray::open(request.labels);
  if (!truth)
    return truth.takeError();
  if (truth->rows() != arrays.front().rows() || truth->rowElements() != 1)
    return problem("'" + request.labels + "' does not hold one class a row");
  std::vector<float> values(truth->rows());
  if (Error error = truth->readFloats(0, truth->rows(), values))
    return error;
  classes.assign(values.begin(), values.end());
  // One number that decides between 0 and 1, or is the result itself.
  const mlir::qnet::ManifestTensor &first = manifest.outputs.front();
  bool isScore = first.type == "f32" && first.values == 1;
  findings.hasTargets = isScore && !all_of(classes, [](double label) {
                          return label == 0 || label == 1;
                        });
  return Error::success();
}

CompileOptions Comparison::compileOptions() const {
  CompileOptions options;
  options.model = request.model;
  options.calibration = request.calibration;
  options.name = manifest.name;
  auto take = [&](StringRef key, std::string &into) {
    if (auto found = manifest.methods.find(key.str());
        found != manifest.methods.end())
      into = found->second;
  };
  take("weights", options.weights);
  take("activations", options.activations);
  take("effort", options.effort);
  take("prefer", options.prefer);
  take("prune", options.prune);
  take("equalize", options.equalize);
  take("split_channels", options.splitChannels);
  take("requant", options.requant);
  std::string method;
  take("calibration", method);
  auto [word, percentile] = StringRef(method).split(' ');
  if (!word.empty())
    options.method = word.str();
  if (!percentile.empty() && percentile.getAsDouble(options.percentile))
    options.percentile = 0;
  options.allowFloat = !manifest.ledger.empty();
  options.output = ".";
  return options;
}

/// The class of each row of the first result: the index of its largest score,
/// or the label that the network returns.
static std::vector<int64_t> decisions(const Tensor &tensor) {
  if (!tensor.isReal())
    return std::vector<int64_t>(tensor.integers.begin(), tensor.integers.end());
  int64_t columns = tensor.rank() > 1 ? tensor.shape.back() : 1;
  std::vector<int64_t> result;
  if (columns == 0)
    return result;
  for (int64_t row = 0; row + columns <= tensor.size(); row += columns) {
    int64_t best = 0;
    for (int64_t i = 1; i < columns; ++i)
      if (tensor.reals[row + i] > tensor.reals[row + best])
        best = i;
    // A single value is the class itself, or the score of class 1.
    if (columns == 1)
      best = tensor.reals[row] > 0.5;
    result.push_back(best);
  }
  return result;
}

/// Labels as whole numbers; one that is none is no class of any network.
static int64_t classOf(double label) {
  constexpr double largest = int64_t(1) << 53;
  bool isWhole = std::abs(label) <= largest && label == std::floor(label);
  return isWhole ? static_cast<int64_t>(label)
                 : std::numeric_limits<int64_t>::min();
}

void Comparison::countDecisions(const Tensor &expected, const Tensor &actual,
                                int64_t first) {
  if (findings.hasTargets) {
    for (auto [target, wanted, got] : zip(ArrayRef(classes).drop_front(first),
                                          expected.reals, actual.reals)) {
      findings.floatTargetError += (wanted - target) * (wanted - target);
      findings.integerTargetError += (got - target) * (got - target);
    }
    return;
  }
  std::vector<int64_t> wanted = decisions(expected), got = decisions(actual);
  for (auto [truth, decision] : zip(wanted, got))
    findings.agreeing += truth == decision;
  if (classes.empty()) {
    for (auto [truth, decision] : zip(wanted, got))
      ++findings.integerDecisions[{truth, decision}];
    return;
  }
  for (auto [made, counts] : {std::pair(&wanted, &findings.floatDecisions),
                              std::pair(&got, &findings.integerDecisions)})
    for (auto [row, decision] : enumerate(*made))
      if (first + row < classes.size())
        ++(*counts)[{classOf(classes[first + row]), decision}];
}

Error Comparison::runLibrary(ArrayRef<Tensor> tensors,
                             ArrayRef<Tensor> reference, int64_t count) {
  std::vector<std::vector<char>> buffers;
  std::vector<const void *> pointers;
  for (auto [tensor, input] : zip_equal(tensors, library->manifest().inputs)) {
    if (tensor.size() != count * input.values)
      return problem("the manifest and the network disagree on '" + input.name +
                     "'; compile the model again");
    buffers.push_back(mlir::qnet::bufferFrom(tensor));
  }
  if (reference.size() != library->manifest().outputs.size())
    return problem("the manifest and the network disagree on the outputs; "
                   "compile the model again");
  for (const auto &output : library->manifest().outputs)
    buffers.emplace_back(count * output.values * bytesOf(output));
  for (std::vector<char> &buffer : buffers)
    pointers.push_back(buffer.data());
  Workspace workspace(library->workspaceSize(count));
  library->run(pointers, count, workspace.data());
  for (auto [i, expected] : enumerate(reference)) {
    const std::vector<char> &got = buffers[tensors.size() + i];
    std::vector<char> wanted = mlir::qnet::bufferFrom(expected);
    if (got.size() != wanted.size())
      return problem("the manifest and the network disagree on the outputs; "
                     "compile the model again");
    if (library->manifest().outputs[i].type != "f32") {
      size_t size = bytesOf(library->manifest().outputs[i]);
      for (size_t at = 0; at != got.size(); at += size)
        findings.unequalBits += std::memcmp(&got[at], &wanted[at], size) != 0;
      continue;
    }
    for (size_t at = 0; at != got.size(); at += sizeof(float)) {
      float left, right;
      std::memcpy(&left, &got[at], sizeof(float));
      std::memcpy(&right, &wanted[at], sizeof(float));
      bool bothNaN = std::isnan(left) && std::isnan(right);
      findings.unequalBits += !bothNaN && std::bit_cast<uint32_t>(left) !=
                                              std::bit_cast<uint32_t>(right);
    }
  }
  return Error::success();
}

Error Comparison::compareBlock(int64_t first, int64_t count) {
  std::vector<Tensor> tensors;
  for (auto [array, type] : zip_equal(arrays, floatMain.getArgumentTypes())) {
    mlir::Type element = mlir::qnet::realType(mlir::getElementTypeOrSelf(type));
    auto tensor = readTensor(array, element, first, count);
    if (!tensor)
      return tensor.takeError();
    // Rows of another shape but as many values serve, as they do natively.
    auto shape = mlir::cast<mlir::RankedTensorType>(type).getShape();
    int64_t wanted = count;
    for (int64_t size : shape.drop_front())
      wanted *= size;
    if (tensor->size() == wanted) {
      tensor->shape.assign(shape.begin(), shape.end());
      tensor->shape.front() = count;
    }
    tensors.push_back(std::move(*tensor));
  }
  mlir::qnet::ComparedResults results;
  if (failed(mlir::qnet::compareLayers(floatMain, integerMain, tensors,
                                       findings.layers, {}, &results)))
    return problem("");
  countDecisions(results.expected.front(), results.actual.front(), first);
  return library ? runLibrary(tensors, results.actual, count)
                 : Error::success();
}

Expected<Findings> Comparison::run() {
  if (Error error = load())
    return std::move(error);
  int64_t rows = arrays.empty() ? 0 : arrays.front().rows();
  for (int64_t first = 0; first < rows; first += kBlockRows)
    if (Error error = compareBlock(first, std::min(kBlockRows, rows - first)))
      return std::move(error);
  findings.rows = rows;
  return std::move(findings);
}

std::string typeText(mlir::Type type) {
  std::string text;
  raw_string_ostream os(text);
  if (auto uniform = mlir::dyn_cast<mlir::quant::QuantizedType>(
          mlir::getElementTypeOrSelf(type)))
    os << (uniform.isSigned() ? "i" : "u")
       << uniform.getStorageTypeIntegralWidth();
  else
    os << mlir::getElementTypeOrSelf(type);
  return text;
}

/// How many dB, agreement, ...: of one value, for programs to read.
static json::Object layerJson(const LayerDifference &layer) {
  return json::Object{{"name", json::fixUTF8(layer.name)},
                      {"op", layer.op},
                      {"type", typeText(layer.type)},
                      {"sqnr_db", finite(layer.difference.sqnr())},
                      {"max_error", finite(layer.difference.largestError)},
                      {"agreement", finite(layer.difference.agreement())},
                      {"clipped", finite(layer.difference.clippedShare())}};
}

void writeFindings(const Findings &findings, bool hasLabels,
                   json::Object &root) {
  json::Array layers;
  for (const LayerDifference &layer : findings.layers)
    layers.push_back(layerJson(layer));
  root["rows"] = findings.rows;
  root["layers"] = std::move(layers);
  if (findings.ranLibrary)
    root["bits_equal"] = findings.unequalBits == 0;
  if (!hasLabels || findings.rows == 0)
    return;
  auto rows = static_cast<double>(findings.rows);
  if (findings.hasTargets) {
    root["float_rmse"] = finite(std::sqrt(findings.floatTargetError / rows));
    root["integer_rmse"] =
        finite(std::sqrt(findings.integerTargetError / rows));
    return;
  }
  root["float_accuracy"] = Findings::right(findings.floatDecisions) / rows;
  root["integer_accuracy"] = Findings::right(findings.integerDecisions) / rows;
}

} // namespace quantc
