//===- InspectCommand.cpp - quantc inspect --------------------------------===//
#include "Commands.h"
#include "Program.h"
#include "TextTable.h"

#include "quantc/Pipeline/Compile.h"
#include "quantc/Pipeline/Pipeline.h"
#include "quantc/Reference/Compare.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;
using mlir::qnet::Manifest;
using mlir::qnet::ManifestParams;

namespace quantc {

cl::SubCommand inspectCommand("inspect", "what is in a model or a program");

static cl::opt<std::string>
    subject(cl::Positional, cl::Required,
            cl::desc("<MODEL.onnx | MODEL.tflite | OUT | N.so>"),
            cl::sub(inspectCommand));
static cl::opt<bool> asJson("json", cl::desc("for programs to read"),
                            cl::sub(inspectCommand));

static cl::opt<bool> showLedger("ledger",
                                cl::desc("what became of every op of the "
                                         "model, at what cost, and why"),
                                cl::sub(inspectCommand));

/// "784 u8 0.00392:0": values a row, storage, scale and zero point.
static std::string sideText(int64_t values, int64_t bits,
                            const std::optional<ManifestParams> &params) {
  if (!params)
    return formatv("{0} f{1}", values, bits);
  return formatv("{0} u{1} {2}:{3}", values, bits,
                 llvm::format("%.4g", params->scale), params->zeroPoint);
}

/// "gemm_..., 25% of groups": the second part where zero groups are skipped.
static std::string kernelText(const mlir::qnet::ManifestLayer &layer) {
  if (layer.listedShare >= 1)
    return layer.kernel;
  return formatv("{0}, {1:P0} of groups", layer.kernel, layer.listedShare);
}

/// The words behind a tensor's numbers, the first of many.
static void printWords(StringRef what, ArrayRef<std::string> words) {
  constexpr size_t mostShown = 20;
  if (words.empty())
    return;
  outs() << "         " << what << ": ";
  interleaveComma(words.take_front(mostShown), outs(),
                  [](StringRef word) { printEscapedString(word, outs()); });
  if (words.size() > mostShown)
    outs() << ", and " << words.size() - mostShown << " more";
  outs() << "\n";
}

static void printTensors(StringRef kind,
                         ArrayRef<mlir::qnet::ManifestTensor> tensors) {
  for (const mlir::qnet::ManifestTensor &tensor : tensors) {
    outs() << kind << " " << tensor.name << ": [";
    interleaveComma(tensor.shape, outs(), [](int64_t size) {
      size < 0 ? outs() << "batch" : outs() << size;
    });
    outs() << "] " << tensor.type << ", " << tensor.values << " values a row";
    if (tensor.read)
      outs() << ", of which " << tensor.read->size() << " are read";
    outs() << "\n";
    printWords("indices of the classes", tensor.classes);
    printWords("columns", tensor.columns);
    for (auto [index, column] : enumerate(tensor.categories))
      printWords("value " + std::to_string(index) + ", index of the categories",
                 column);
  }
}

static void printManifest(const Manifest &manifest) {
  outs() << manifest.name << ": compiled by quantc " << manifest.version
         << " for " << manifest.target << ", " << manifest.cpu << " ("
         << join(manifest.variants, ", ") << ")\n";
  printTensors("input ", manifest.inputs);
  printTensors("output", manifest.outputs);
  outs() << "\n";
  TextTable table(
      {"layer", "op", "in", "out", "weights", "function", "kernel"});
  for (const mlir::qnet::ManifestLayer &layer : manifest.layers)
    table.add(
        {layer.name, layer.op,
         sideText(layer.inputs, layer.inputBits, layer.inputParams),
         sideText(layer.outputs, layer.outputBits, layer.outputParams),
         layer.weightsBits == 0
             ? std::string()
             : formatv("int{0}, {1} B", layer.weightsBits, layer.weightsBytes)
                   .str(),
         layer.function, kernelText(layer)});
  table.print(outs());
  outs() << "\n";
  for (const mlir::qnet::ManifestLayer &layer : manifest.layers)
    if (!layer.weightsNote.empty())
      outs() << "weights of " << layer.name << ": " << layer.weightsNote
             << "\n";
  for (const mlir::qnet::ManifestLayer &layer : manifest.layers) {
    if (!layer.prunedNote.empty())
      outs() << "pruned " << layer.name << ": " << layer.prunedNote << "\n";
    if (layer.isFrozen)
      outs() << "frozen " << layer.name << "\n";
  }
  for (const mlir::qnet::LedgerEntry &entry : manifest.ledger)
    outs() << (entry.op == "qdense" ? "slower: " : "in float: ") << entry.node
           << " (" << entry.op << "): " << entry.reason << "\n";
  outs() << "calibrated on " << manifest.calibrationRows << " rows";
  if (manifest.calibrationRowsSkipped != 0)
    outs() << " (" << manifest.calibrationRowsSkipped << " more held NaN)";
  for (const auto &[key, value] : manifest.methods)
    outs() << ", " << key << " " << value;
  outs() << "\nbytes:";
  for (const auto &[key, value] : manifest.sizes)
    outs() << " " << key << " " << value;
  outs() << "\n";
}

/// "u8 x int8 -> u8": what goes in, what it is multiplied by, what comes out.
static std::string bitsText(const mlir::qnet::ManifestLayer &layer) {
  auto side = [](int64_t bits, const std::optional<ManifestParams> &params) {
    return (params ? "u" : "f") + std::to_string(bits);
  };
  std::string text = side(layer.inputBits, layer.inputParams);
  if (layer.weightsBits != 0)
    text += " x int" + std::to_string(layer.weightsBits);
  return text + " -> " + side(layer.outputBits, layer.outputParams);
}

/// Why the op is what it is; empty where it is what was asked for.
static std::string reasonText(const mlir::qnet::ManifestLayer &layer,
                              const Manifest &manifest) {
  std::string text = layer.weightsNote;
  if (!layer.inputNote.empty())
    text += (text.empty() ? "" : "; ") + layer.inputNote;
  for (const mlir::qnet::LedgerEntry &entry : manifest.ledger)
    if (entry.node == layer.name && entry.op == layer.op)
      text += (text.empty() ? "" : "; ") + entry.reason;
  return text;
}

/// "52.3", or nothing; of what is stored in more than 8 bits, the figure of 8.
static std::string decibelsText(std::optional<double> sqnr,
                                bool isOfOtherBits) {
  if (!sqnr)
    return "";
  return formatv(
      "{0}{1}", std::isfinite(*sqnr) ? formatv("{0:f1}", *sqnr).str() : "exact",
      isOfOtherBits ? " in 8 bits" : "");
}

static void printLedger(const Manifest &manifest) {
  TextTable table({"nodes of the model", "became", "bits", "kernel",
                   "products a row", "weight bytes", "time over float",
                   "storing it, dB", "weights, dB", "reason"});
  int64_t inFloat = 0;
  for (const mlir::qnet::ManifestLayer &layer : manifest.layers) {
    bool isFloat =
        any_of(manifest.ledger, [&](const mlir::qnet::LedgerEntry &entry) {
          return entry.node == layer.name && entry.op == layer.op &&
                 entry.op != "qdense";
        });
    inFloat += isFloat;
    table.add(
        {layer.nodes.empty() ? layer.name : join(layer.nodes, ", "),
         layer.op + (isFloat ? " in float" : ""), bitsText(layer),
         kernelText(layer),
         layer.products == 0 ? "" : std::to_string(layer.products),
         layer.weightsBytes == 0 ? "" : std::to_string(layer.weightsBytes),
         layer.timeOverFloat == 0
             ? std::string()
             : formatv("{0:f2}", layer.timeOverFloat).str(),
         decibelsText(layer.storageSqnr, layer.outputBits > 8),
         decibelsText(layer.weightsSqnr, /*isOfOtherBits=*/false),
         reasonText(layer, manifest)});
  }
  table.print(outs());
  outs() << "\n"
         << manifest.layers.size() - inFloat << " ops in integers or at their "
         << "borders, " << inFloat << " in float\n";
}

static int inspectProgram(Reporter &reporter) {
  Expected<ProgramPaths> paths = findProgram(subject);
  if (!paths)
    return reporter.fail(paths.takeError());
  Expected<Manifest> manifest = loadManifest(*paths);
  if (!manifest)
    return reporter.fail(manifest.takeError());
  if (showLedger && !asJson)
    printLedger(*manifest);
  else if (asJson)
    mlir::qnet::writeManifest(*manifest, outs());
  else
    printManifest(*manifest);
  return ExitCode::Done;
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

namespace {
struct ModelFacts {
  std::vector<std::pair<std::string, std::string>> inputs, outputs;
  MapVector<StringRef, int64_t> ops;
  int64_t parameters = 0;
};
} // namespace

static std::string typeText(mlir::Type type) {
  std::string text;
  raw_string_ostream(text) << type;
  return text;
}

static ModelFacts factsOf(mlir::func::FuncOp main) {
  ModelFacts facts;
  auto nameIn = [](mlir::DictionaryAttr attributes, unsigned index) {
    auto name = attributes
                    ? attributes.getAs<mlir::StringAttr>(mlir::qnet::kNameAttr)
                    : mlir::StringAttr();
    return name ? name.str() : std::to_string(index);
  };
  for (auto [i, type] : enumerate(main.getArgumentTypes()))
    facts.inputs.emplace_back(nameIn(main.getArgAttrDict(i), i),
                              typeText(type));
  for (auto [i, type] : enumerate(main.getResultTypes()))
    facts.outputs.emplace_back(nameIn(main.getResultAttrDict(i), i),
                               typeText(type));
  main.walk([&](mlir::Operation *op) {
    if (auto constant = dyn_cast<mlir::qnet::ConstantOp>(op))
      facts.parameters += constant.getValue().getNumElements();
    else if (!isa<mlir::func::FuncOp, mlir::func::ReturnOp>(op))
      ++facts.ops[op->getName().stripDialect()];
  });
  return facts;
}

static void printFacts(const ModelFacts &facts) {
  for (const auto &[name, type] : facts.inputs)
    outs() << "input  " << name << ": " << type << "\n";
  for (const auto &[name, type] : facts.outputs)
    outs() << "output " << name << ": " << type << "\n";
  outs() << facts.parameters << " constant values; ops:";
  for (const auto &[op, count] : facts.ops)
    outs() << " " << op << " x" << count;
  outs() << "\n";
}

static void writeFacts(const ModelFacts &facts) {
  auto tensors = [](const auto &list) {
    json::Array array;
    for (const auto &[name, type] : list)
      array.push_back(
          json::Object{{"name", json::fixUTF8(name)}, {"type", type}});
    return array;
  };
  json::Object ops;
  for (const auto &[op, count] : facts.ops)
    ops[op] = count;
  outs() << formatv(
      "{0:2}\n", json::Value(json::Object{{"inputs", tensors(facts.inputs)},
                                          {"outputs", tensors(facts.outputs)},
                                          {"parameters", facts.parameters},
                                          {"ops", std::move(ops)}}));
}

static int inspectModel(Reporter &reporter) {
  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  reporter.attach(context);
  auto module =
      mlir::qnet::loadFloatNetwork(subject, context, /*prepared=*/false);
  if (!module)
    return ExitCode::Failed;
  auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
  if (!main) {
    reporter.error("'" + subject + "' has no function @main");
    return ExitCode::Failed;
  }
  ModelFacts facts = factsOf(main);
  asJson ? writeFacts(facts) : printFacts(facts);
  return ExitCode::Done;
}

int runInspect(Reporter &reporter) {
  StringRef extension = sys::path::extension(subject);
  bool isModel = extension == ".onnx" || extension == ".tflite" ||
                 extension == ".mlir" || extension == ".mlirbc" ||
                 extension == ".model"; // as svm-train names what it writes
  return isModel && !sys::fs::is_directory(subject) ? inspectModel(reporter)
                                                    : inspectProgram(reporter);
}

} // namespace quantc
