//===- CompareCommand.cpp - quantc compare --------------------------------===//
//
// The float network against the compiled one, layer by layer: both graphs run
// in the reference interpreter on the user's rows, values are matched by their
// nodes' names. The library then runs on the same rows, and its bits have to be
// the interpreter's.
//
//===----------------------------------------------------------------------===//
#include "Arrays.h"
#include "Commands.h"
#include "CompareAnalyses.h"
#include "Program.h"
#include "TextTable.h"

#include "quantc/Pipeline/Compile.h"
#include "quantc/Pipeline/Pipeline.h"
#include "quantc/Prepare/Equalize.h"
#include "quantc/Reference/Compare.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <bit>
#include <cmath>
#include <cstring>

using namespace llvm;
using mlir::qnet::CompileOptions;
using mlir::qnet::LayerDifference;
using mlir::qnet::NumpyArray;
using mlir::qnet::Tensor;

namespace quantc {

cl::SubCommand compareCommand("compare",
                              "float and integer network, layer by layer");

static cl::opt<std::string> model(cl::Positional, cl::Required,
                                  cl::desc("<MODEL.onnx | MODEL.tflite>"),
                                  cl::sub(compareCommand));
static cl::opt<std::string> program(cl::Positional, cl::Required,
                                    cl::desc("<OUT/N.so>"),
                                    cl::sub(compareCommand));
static cl::list<std::string>
    inputs("input", cl::value_desc("X.npy"), cl::OneOrMore,
           cl::desc("rows, one file an input, or a .npz keyed by input"),
           cl::sub(compareCommand));
static cl::opt<std::string>
    labels("labels", cl::value_desc("Y.npy"),
           cl::desc("the rows' classes, to count what is right"),
           cl::sub(compareCommand));
static cl::opt<bool>
    culprits("culprits",
             cl::desc("rank what the output's error comes from: layers, "
                      "values, channels, input features, rows"),
             cl::sub(compareCommand));
static cl::list<std::string>
    calibration("calibration", cl::value_desc("DATA"),
                cl::desc("with --culprits: the rows that the program was "
                         "calibrated on, to compile the model with repairs"),
                cl::sub(compareCommand));
static cl::opt<bool>
    noise("noise",
          cl::desc("float against integer under noise, dropped features and "
                   "values out of range"),
          cl::sub(compareCommand));
static cl::opt<uint64_t> seed("seed", cl::value_desc("S"),
                              cl::desc("of --noise (0)"), cl::init(0),
                              cl::sub(compareCommand));
static cl::opt<bool>
    influence("influence",
              cl::desc("which input features and neurons matter to the output"),
              cl::sub(compareCommand));
static cl::opt<bool> asJson("json", cl::desc("for programs to read"),
                            cl::sub(compareCommand));

/// Rows run at a time: memory is bounded by the widest layer of one block.
static constexpr int64_t kBlockRows = 256;

namespace {
/// What a comparison finds; blocks of rows add up.
struct Findings {
  std::vector<LayerDifference> layers;
  int64_t rows = 0;
  int64_t floatRight = 0, integerRight = 0;
  /// Output values of the library that differ from the interpreter's.
  int64_t unequalBits = 0;
  bool ranLibrary = false;
};

class Comparison {
public:
  Comparison(mlir::MLIRContext &context) : context(context) {}
  Expected<Findings> run();

  /// For the analyses, after `run`.
  AnalysisInputs analysisInputs() const {
    return {*floatModule, *integerModule, arrays, names, classes};
  }

  /// What the program was compiled with, as far as the manifest says.
  CompileOptions compileOptions() const;

private:
  Error load();
  Error compareBlock(int64_t first, int64_t count);
  void countLabels(const Tensor &expected, const Tensor &actual, int64_t first);
  Error runLibrary(ArrayRef<Tensor> tensors, ArrayRef<Tensor> reference,
                   int64_t count);

  mlir::MLIRContext &context;
  mlir::qnet::Manifest manifest;
  mlir::OwningOpRef<mlir::ModuleOp> floatModule, integerModule;
  mlir::func::FuncOp floatMain, integerMain;
  std::unique_ptr<Program> library;
  std::vector<NumpyArray> arrays;
  std::vector<std::string> names;
  std::vector<double> classes;
  Findings findings;
};
} // namespace

static Error problem(const Twine &text) {
  return createStringError(inconvertibleErrorCode(), text);
}

Error Comparison::load() {
  Expected<ProgramPaths> paths = findProgram(program);
  if (!paths)
    return paths.takeError();
  Expected<mlir::qnet::Manifest> loadedManifest = loadManifest(*paths);
  if (!loadedManifest)
    return loadedManifest.takeError();
  manifest = std::move(*loadedManifest);
  std::string network = paths->file("mlirbc");
  if (!sys::fs::exists(network))
    return problem("no integer network '" + network +
                   "' beside the program; compile the model again");
  floatModule = mlir::qnet::loadFloatNetwork(model, context, /*prepared=*/true);
  integerModule =
      mlir::qnet::loadFloatNetwork(network, context, /*prepared=*/false);
  if (!floatModule || !integerModule)
    return problem(""); // Reported as diagnostics.
  floatMain = floatModule->lookupSymbol<mlir::func::FuncOp>("main");
  integerMain = integerModule->lookupSymbol<mlir::func::FuncOp>("main");
  if (floatMain && integerMain)
    mlir::qnet::scaleChannelsLike(floatMain, integerMain);
  if (!floatMain || !integerMain)
    return problem("a network has no function @main");
  if (floatMain.getNumArguments() != manifest.inputs.size() ||
      integerMain.getNumArguments() != manifest.inputs.size() ||
      floatMain.getNumResults() != integerMain.getNumResults())
    return problem("'" + model + "' and '" + program +
                   "' have different inputs or outputs: the program was not "
                   "compiled from this model");
  for (const mlir::qnet::ManifestTensor &input : manifest.inputs)
    names.push_back(input.name);
  auto opened = openInputs(inputs, names);
  if (!opened)
    return opened.takeError();
  arrays = std::move(*opened);
  for (const NumpyArray &array : arrays)
    if (array.rows() != arrays.front().rows())
      return problem("the inputs have different numbers of rows");
  if (sys::fs::exists(paths->file("so"))) {
    auto loaded = Program::load(*paths);
    if (!loaded)
      return loaded.takeError();
    library = std::move(*loaded);
    findings.ranLibrary = true;
  }
  if (labels.empty())
    return Error::success();
  Expected<NumpyArray> truth = NumpyArray::open(labels);
  if (!truth)
    return truth.takeError();
  if (truth->rows() != arrays.front().rows() || truth->rowElements() != 1)
    return problem("'" + labels + "' does not hold one class a row");
  std::vector<float> values(truth->rows());
  if (Error error = truth->readFloats(0, truth->rows(), values))
    return error;
  classes.assign(values.begin(), values.end());
  return Error::success();
}

CompileOptions Comparison::compileOptions() const {
  CompileOptions options;
  options.model = model;
  options.calibration.assign(calibration.begin(), calibration.end());
  options.name = manifest.name;
  auto take = [&](StringRef key, std::string &into) {
    if (auto found = manifest.methods.find(key.str());
        found != manifest.methods.end())
      into = found->second;
  };
  take("weights", options.weights);
  take("activations", options.activations);
  take("prefer", options.prefer);
  take("prune", options.prune);
  take("equalize", options.equalize);
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

void Comparison::countLabels(const Tensor &expected, const Tensor &actual,
                             int64_t first) {
  for (auto [tensor, right] : {std::pair(&expected, &findings.floatRight),
                               std::pair(&actual, &findings.integerRight)})
    for (auto [row, decision] : enumerate(decisions(*tensor)))
      *right += first + row < classes.size() &&
                classes[first + row] == static_cast<double>(decision);
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
  if (failed(mlir::qnet::compareLayers(floatMain, integerMain, tensors,
                                       findings.layers)))
    return problem("");
  if (!library && classes.empty())
    return Error::success();
  auto actual = mlir::qnet::Interpreter().run(integerMain, tensors);
  if (failed(actual))
    return problem("");
  if (library)
    if (Error error = runLibrary(tensors, *actual, count))
      return error;
  if (classes.empty())
    return Error::success();
  auto expected = mlir::qnet::Interpreter().run(floatMain, tensors);
  if (failed(expected))
    return problem("");
  countLabels(expected->front(), actual->front(), first);
  return Error::success();
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

static std::string typeText(mlir::Type type) {
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

static std::string percent(int64_t part, int64_t whole) {
  return formatv("{0:f2}%", whole == 0 ? 100.0 : 100.0 * part / whole);
}

static void printFindings(const Findings &findings) {
  TextTable table(
      {"value", "op", "type", "SQNR dB", "max error", "agreement", "clipped"});
  for (const LayerDifference &layer : findings.layers)
    table.add(
        {layer.name, layer.op, typeText(layer.type),
         formatv("{0:f2}", layer.difference.sqnr()),
         formatv("{0}", llvm::format("%.4g", layer.difference.largestError)),
         percent(layer.difference.agreeing, layer.difference.rows),
         percent(layer.difference.clipped, layer.difference.count)});
  table.print(outs());
  outs() << "\n" << findings.rows << " rows\n";
  if (findings.ranLibrary)
    outs()
        << "bits of the library equal the reference interpreter's: "
        << (findings.unequalBits == 0
                ? "yes"
                : formatv("NO, {0} values differ", findings.unequalBits).str())
        << "\n";
  if (!labels.empty())
    outs() << "right: float " << percent(findings.floatRight, findings.rows)
           << ", integer " << percent(findings.integerRight, findings.rows)
           << "\n";
}

/// JSON has no infinity: equal signals give null.
static json::Value finite(double value) {
  return std::isfinite(value) ? json::Value(value) : json::Value(nullptr);
}

static void writeFindings(const Findings &findings, const Analyses &analyses,
                          const AnalysisInputs &inputs) {
  json::Array layers;
  for (const LayerDifference &layer : findings.layers)
    layers.push_back(
        json::Object{{"name", json::fixUTF8(layer.name)},
                     {"op", layer.op},
                     {"type", typeText(layer.type)},
                     {"sqnr_db", finite(layer.difference.sqnr())},
                     {"max_error", finite(layer.difference.largestError)},
                     {"agreement", finite(layer.difference.agreement())},
                     {"clipped", finite(layer.difference.clippedShare())}});
  json::Object root{{"rows", findings.rows}, {"layers", std::move(layers)}};
  if (findings.ranLibrary)
    root["bits_equal"] = findings.unequalBits == 0;
  if (!labels.empty() && findings.rows != 0) {
    root["float_accuracy"] = double(findings.floatRight) / findings.rows;
    root["integer_accuracy"] = double(findings.integerRight) / findings.rows;
  }
  writeAnalyses(analyses, inputs, root);
  outs() << formatv("{0:2}\n", json::Value(std::move(root)));
}

int runCompare(Reporter &reporter) {
  if (!calibration.empty() && !culprits) {
    reporter.error("--calibration is for the repairs of --culprits; give both");
    return ExitCode::Usage;
  }
  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  reporter.attach(context);
  auto fail = [&](Error error) {
    std::string text = toString(std::move(error));
    if (!reporter.failed())
      reporter.error(text);
    return ExitCode::Failed;
  };
  Comparison comparison(context);
  Expected<Findings> findings = comparison.run();
  if (!findings)
    return fail(findings.takeError());
  AnalysisInputs given = comparison.analysisInputs();
  AnalysisRequest request{culprits, noise, influence, seed, std::nullopt};
  if (!calibration.empty())
    request.repairs = comparison.compileOptions();
  Expected<Analyses> analyses = analyze(request, given);
  if (!analyses)
    return fail(analyses.takeError());
  if (asJson) {
    writeFindings(*findings, *analyses, given);
  } else {
    printFindings(*findings);
    printAnalyses(*analyses, given);
  }
  reporter.done();
  // Different bits are a broken promise, not a statistic.
  if (findings->unequalBits != 0) {
    reporter.error("the library's results are not the reference interpreter's");
    return ExitCode::Failed;
  }
  return ExitCode::Done;
}

} // namespace quantc
