//===- RunCommand.cpp - quantc run ----------------------------------------===//
//
// A compiled library runs natively. A model or an MLIR file runs in the
// reference interpreter: the float network, or the integer one whose bits every
// compiled library equals.
//
//===----------------------------------------------------------------------===//
#include "Arrays.h"
#include "Commands.h"
#include "Problem.h"
#include "Program.h"
#include "TextTable.h"

#include "quantc/Pipeline/Compile.h"
#include "quantc/Pipeline/Pipeline.h"
#include "quantc/Reference/Interpreter.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using mlir::qnet::NumpyArray;
using mlir::qnet::Tensor;

namespace quantc {

cl::SubCommand runCommand("run", "run a compiled library, a model or MLIR");

static cl::opt<std::string>
    program(cl::Positional, cl::Required,
            cl::desc("<N.so | MODEL.onnx | MODEL.tflite | N.mlir>"),
            cl::sub(runCommand));
static cl::list<std::string>
    inputs("input", cl::value_desc("X.npy"), cl::ZeroOrMore,
           cl::desc("rows, one file an input, or a .npz keyed by input"),
           cl::sub(runCommand));
static cl::list<std::string>
    outputs("output", cl::value_desc("Y.npy"), cl::OneOrMore,
            cl::desc("results, one file an output, or a .npz"),
            cl::sub(runCommand));

static cl::opt<bool>
    printClipped("clipped",
                 cl::desc("print how many values each layer clipped, for a "
                          "library made with --count-clipped"),
                 cl::sub(runCommand));

/// Checks the arrays against the manifest and reads them as f32 rows.
static Expected<std::vector<std::vector<float>>>
readRows(ArrayRef<NumpyArray> arrays, const mlir::qnet::Manifest &manifest) {
  std::vector<std::vector<float>> rows;
  for (auto [array, input] : zip_equal(arrays, manifest.inputs)) {
    if (array.rowElements() != input.values || array.shape().size() < 2)
      return problem(
          "'" + array.source() + "' has " + Twine(array.rowElements()) +
          " values a row, but the input '" + input.name + "' reads " +
          Twine(input.values) + "; give an array of shape [rows, " +
          Twine(input.values) + "]");
    if (array.rows() != arrays.front().rows())
      return problem("'" + array.source() + "' has " + Twine(array.rows()) +
                     " rows, but the first input has " +
                     Twine(arrays.front().rows()));
    rows.emplace_back(array.rows() * array.rowElements());
    if (Error error = array.readFloats(0, array.rows(), rows.back()))
      return std::move(error);
  }
  return rows;
}

/// "layer  clipped" for each count of the program's.
static void printCounts(const Program &loaded, const void *workspace) {
  TextTable table({"layer", "clipped values"});
  for (auto [name, count] :
       zip_equal(loaded.manifest().clipped, loaded.clipped(workspace)))
    table.add({name, std::to_string(count)});
  table.print(outs());
}

static Expected<std::vector<HostArray>> runLibrary() {
  Expected<ProgramPaths> paths = findProgram(program);
  if (!paths)
    return paths.takeError();
  auto loaded = Program::load(*paths);
  if (!loaded)
    return loaded.takeError();
  if (printClipped && (*loaded)->manifest().clipped.empty())
    return problem("--clipped: '" + program +
                   "' does not count; compile the model with "
                   "--count-clipped");
  if (Error error = checkOutputs(outputs, (*loaded)->outputNames()))
    return std::move(error);
  auto arrays = openInputs(inputs, (*loaded)->inputNames());
  if (!arrays)
    return arrays.takeError();
  const mlir::qnet::Manifest &manifest = (*loaded)->manifest();
  auto rows = readRows(*arrays, manifest);
  if (!rows)
    return rows.takeError();

  int64_t batch = arrays->empty() ? 0 : arrays->front().rows();
  std::vector<HostArray> results;
  for (const mlir::qnet::ManifestTensor &output : manifest.outputs) {
    HostArray result;
    result.name = output.name;
    result.shape.assign(output.shape.begin(), output.shape.end());
    if (result.shape.empty() || result.shape.front() != -1)
      return problem("the output '" + output.name + "' has no batch dimension");
    result.shape.front() = batch;
    result.bytes.resize(batch * output.values * bytesOf(output));
    if (output.type != "f32")
      result.type = {'i', static_cast<int>(bytesOf(output))};
    results.push_back(std::move(result));
  }
  std::vector<const void *> tensors;
  for (const std::vector<float> &input : *rows)
    tensors.push_back(input.data());
  for (HostArray &result : results)
    tensors.push_back(result.bytes.data());
  Workspace workspace((*loaded)->workspaceSize(batch));
  (*loaded)->run(tensors, batch, workspace.data());
  if (printClipped)
    printCounts(**loaded, workspace.data());
  return results;
}

/// The name of an argument or result in the source model, or its number.
static std::string tensorName(mlir::DictionaryAttr attributes, unsigned index) {
  if (attributes)
    if (auto name = attributes.getAs<mlir::StringAttr>(mlir::qnet::kNameAttr))
      return name.str();
  return std::to_string(index);
}

static Expected<std::vector<HostArray>> runReference(mlir::MLIRContext &context,
                                                     Reporter &reporter) {
  auto module = mlir::qnet::loadFloatNetwork(program, context,
                                             /*prepared=*/false);
  if (!module)
    return problem(""); // Reported as diagnostics.
  auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
  if (!main || main.isExternal())
    return problem("'" + program + "' has no function @main to run");
  std::vector<std::string> inputNames, outputNames;
  for (unsigned i = 0; i != main.getNumArguments(); ++i)
    inputNames.push_back(tensorName(main.getArgAttrDict(i), i));
  for (unsigned i = 0; i != main.getNumResults(); ++i)
    outputNames.push_back(tensorName(main.getResultAttrDict(i), i));
  if (Error error = checkOutputs(outputs, outputNames))
    return std::move(error);
  auto arrays = openInputs(inputs, inputNames);
  if (!arrays)
    return arrays.takeError();

  std::vector<Tensor> tensors;
  for (auto [array, type] : zip_equal(*arrays, main.getArgumentTypes())) {
    mlir::Type element = mlir::qnet::realType(mlir::getElementTypeOrSelf(type));
    auto tensor = readTensor(array, element, 0, array.rows());
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(std::move(*tensor));
  }
  auto results = mlir::qnet::Interpreter().run(main, tensors);
  if (failed(results))
    return problem("");
  std::vector<HostArray> arraysOut;
  for (auto [result, name] : zip_equal(*results, outputNames))
    arraysOut.push_back(toHostArray(result, name));
  return arraysOut;
}

int runRun(Reporter &reporter) {
  mlir::DialectRegistry registry;
  mlir::qnet::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  reporter.attach(context);

  bool native = sys::path::extension(program) == ".so";
  if (printClipped && !native) {
    reporter.error("--clipped: '" + program +
                   "' is no compiled library; give an N.so that was compiled "
                   "with --count-clipped");
    return ExitCode::Failed;
  }
  auto results = native ? runLibrary() : runReference(context, reporter);
  if (!results) {
    std::string text = toString(results.takeError());
    if (!reporter.failed())
      reporter.error(text);
    return ExitCode::Failed;
  }
  if (Error error = writeOutputs(outputs, *results))
    return reporter.fail(std::move(error));
  reporter.done();
  return ExitCode::Done;
}

} // namespace quantc
