//===- CompareCommand.cpp - quantc compare --------------------------------===//
#include "Commands.h"
#include "Comparison.h"
#include "TextTable.h"

#include "quantc/Pipeline/Pipeline.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;
using mlir::qnet::LayerDifference;

namespace quantc {

cl::SubCommand compareCommand("compare",
                              "float and integer network, layer by layer");

static cl::opt<std::string> model(cl::Positional, cl::Required,
                                  cl::desc("<MODEL.onnx | MODEL.tflite>"),
                                  cl::sub(compareCommand));
static cl::opt<std::string> program(cl::Positional, cl::Required,
                                    cl::desc("<OUT/N.so>"),
                                    cl::sub(compareCommand));
static cl::list<std::string> inputs(
    "input", cl::value_desc("X.npy"), cl::OneOrMore,
    cl::desc("rows, one file an input, or a .npz keyed by input, or a .csv"),
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

static double rootMean(double sum, int64_t count) {
  return std::sqrt(sum / static_cast<double>(count));
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
  if (findings.hasTargets)
    outs() << formatv("root of the mean squared distance from the labels: "
                      "float {0}, integer {1}\n",
                      llvm::format("%.6g", rootMean(findings.floatTargetError,
                                                    findings.rows)),
                      llvm::format("%.6g", rootMean(findings.integerTargetError,
                                                    findings.rows)));
  else if (!labels.empty())
    outs() << "right: float "
           << percent(Findings::right(findings.floatDecisions), findings.rows)
           << ", integer "
           << percent(Findings::right(findings.integerDecisions), findings.rows)
           << "\n";
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
  Comparison comparison(
      context, {.model = model,
                .program = program,
                .inputs = {inputs.begin(), inputs.end()},
                .labels = labels,
                .calibration = {calibration.begin(), calibration.end()}});
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
    json::Object root;
    writeFindings(*findings, !labels.empty(), root);
    writeAnalyses(*analyses, given, root);
    outs() << formatv("{0:2}\n", json::Value(std::move(root)));
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
