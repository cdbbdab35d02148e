//===- ReportAccuracy.cpp - Float against integer, for a report -----------===//
#include "ReportDocument.h"

#include "Comparison.h"
#include "JsonNumber.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <set>

using namespace llvm;
using mlir::qnet::Manifest;

namespace quantc {

/// Of more classes those are shown whose rows are wrong most often.
static constexpr size_t kMostClasses = 50;
static constexpr size_t kMostSuspects = 30, kMostFeatures = 40,
                        kMostNeurons = 20;

//===----------------------------------------------------------------------===//
// Decisions
//===----------------------------------------------------------------------===//

namespace {
/// What the first output stands for.
struct Decision {
  /// Known to be a class, and not merely several numbers.
  bool isClass = false;
  int64_t columns = 1;
  std::vector<std::string> names; ///< by class, as far as there are any

  std::string nameOf(int64_t classNumber) const {
    if (classNumber >= 0 && classNumber < static_cast<int64_t>(names.size()))
      return json::fixUTF8(names[classNumber]);
    return std::to_string(classNumber);
  }
};
} // namespace

static Decision decisionOf(const Manifest &manifest, bool hasClasses) {
  Decision decision;
  if (manifest.outputs.empty())
    return decision;
  const mlir::qnet::ManifestTensor &first = manifest.outputs.front();
  decision.columns = first.values;
  decision.names = first.classes.empty() ? first.columns : first.classes;
  if (decision.names.empty() && manifest.frontend)
    decision.names = manifest.frontend->classes;
  bool isValue = manifest.frontend && !manifest.frontend->givesLabels;
  decision.isClass =
      hasClasses ||
      (!isValue && (first.type != "f32" || !decision.names.empty()));
  return decision;
}

/// The classes to show, in ascending order: all, or those that are decided
/// wrongly most often.
static std::vector<int64_t> shownClasses(const DecisionCounts &counts) {
  std::map<int64_t, int64_t> wrong;
  for (const auto &[pair, rows] : counts)
    for (int64_t one : {pair.first, pair.second})
      wrong[one] += pair.first == pair.second ? 0 : rows;
  std::vector<std::pair<int64_t, int64_t>> order;
  for (auto [one, rows] : wrong)
    order.emplace_back(-rows, one);
  llvm::sort(order);
  std::vector<int64_t> classes;
  for (auto [rows, one] : ArrayRef(order).take_front(kMostClasses))
    classes.push_back(one);
  llvm::sort(classes);
  return classes;
}

/// Counts by [truth][decision]; the last row and column are all other classes,
/// where there are any.
static json::Array matrix(const DecisionCounts &counts,
                          ArrayRef<int64_t> classes, bool hasOthers) {
  size_t size = classes.size() + hasOthers;
  std::vector<std::vector<int64_t>> cells(size, std::vector<int64_t>(size));
  auto place = [&](int64_t one) {
    const int64_t *found = llvm::lower_bound(classes, one);
    return found != classes.end() && *found == one
               ? static_cast<size_t>(found - classes.begin())
               : classes.size();
  };
  for (const auto &[pair, rows] : counts)
    cells[place(pair.first)][place(pair.second)] += rows;
  json::Array result;
  for (const std::vector<int64_t> &row : cells)
    result.push_back(json::Array(row));
  return result;
}

static json::Object confusionSection(const Findings &findings,
                                     const Decision &decision, bool hasLabels) {
  if (findings.hasTargets || (!decision.isClass && decision.columns == 1))
    return missingSection("The network decides nothing: its output is a "
                          "number.",
                          "");
  if (!decision.isClass)
    return missingSection(
        "Whether the outputs are scores of classes is not known.",
        "give the rows' classes with --labels (in Python labels=)");
  std::set<int64_t> all;
  for (const auto &[pair, rows] : findings.integerDecisions)
    all.insert({pair.first, pair.second});
  for (const auto &[pair, rows] : findings.floatDecisions)
    all.insert({pair.first, pair.second});
  std::vector<int64_t> classes(all.begin(), all.end());
  bool hasOthers = classes.size() > kMostClasses;
  if (hasOthers)
    classes = shownClasses(findings.integerDecisions);
  json::Array names;
  for (int64_t one : classes)
    names.push_back(decision.nameOf(one));
  json::Object section{
      {"against", hasLabels ? "labels" : "float"},
      {"classes", std::move(names)},
      {"has_others", hasOthers},
      {"integer", matrix(findings.integerDecisions, classes, hasOthers)}};
  if (hasLabels)
    section["float"] = matrix(findings.floatDecisions, classes, hasOthers);
  return section;
}

//===----------------------------------------------------------------------===//
// Figures
//===----------------------------------------------------------------------===//

/// Cuts a list and says by how much, as KEY_left_out.
static void shorten(json::Object &object, StringRef key, size_t most) {
  json::Array *list = object.getArray(key);
  if (!list)
    return;
  size_t size = list->size();
  while (list->size() > most)
    list->pop_back();
  object[(key + "_left_out").str()] = int64_t(size - list->size());
}

static json::Object accuracySection(const ReportRequest &request,
                                    const Findings &findings,
                                    const Decision &decision) {
  json::Object section;
  writeFindings(findings, !request.labels.empty(), section);
  bool isCalibration = request.inputs.empty();
  const std::vector<std::string> &files =
      isCalibration ? request.calibration : request.inputs;
  section["rows_from"] = isCalibration ? "calibration" : "input";
  section["all_rows"] = findings.allRows;
  json::Array names;
  for (const std::string &file : files)
    names.push_back(json::fixUTF8(sys::path::filename(file)));
  section["files"] = std::move(names);
  section["has_labels"] = !request.labels.empty();
  section["decides"] = decision.isClass;
  if (!findings.hasTargets && (decision.isClass || decision.columns > 1))
    section["agreement"] =
        finite(double(findings.agreeing) / double(findings.rows));
  // The distance between two labels says nothing.
  auto result =
      find_if(findings.layers, [](const mlir::qnet::LayerDifference &layer) {
        return layer.op == "return" &&
               mlir::isa<mlir::FloatType>(mlir::qnet::realType(
                   mlir::getElementTypeOrSelf(layer.type)));
      });
  if (result != findings.layers.end()) {
    section["sqnr_db"] = finite(result->difference.sqnr());
    section["max_error"] = finite(result->difference.largestError);
  }
  shorten(section, "layers", kMostReportLayers);
  return section;
}

/// Whether files are those that the program was compiled with; null where the
/// manifest does not say.
static json::Value areCompiledWith(ArrayRef<std::string> files,
                                   StringRef digest, const Manifest &manifest) {
  auto found = manifest.digests.find(digest.str());
  Expected<std::string> got = mlir::qnet::digestOfFiles(files);
  if (!got) {
    consumeError(got.takeError());
    return nullptr;
  }
  return found == manifest.digests.end() ? json::Value(nullptr)
                                         : json::Value(found->second == *got);
}

/// Which names the features of the one input have.
static void nameFeatures(json::Object &influence, const Manifest &manifest) {
  if (!manifest.frontend || manifest.inputs.size() != 1)
    return;
  const std::vector<std::string> &columns = manifest.frontend->columns;
  if (json::Array *features = influence.getArray("features"))
    for (json::Value &feature : *features) {
      json::Object &object = *feature.getAsObject();
      int64_t channel = object.getInteger("channel").value_or(-1);
      if (channel >= 0 && channel < static_cast<int64_t>(columns.size()))
        object["column"] = json::fixUTF8(columns[channel]);
    }
}

/// Adds an analysis of `quantc compare`, or why there is none.
static void addAnalysis(StringRef key, const AnalysisRequest &request,
                        const AnalysisInputs &inputs,
                        mlir::MLIRContext &context, json::Object &root) {
  Error error = captured(context, [&]() -> Error {
    Expected<Analyses> analyses = analyze(request, inputs);
    if (!analyses)
      return analyses.takeError();
    writeAnalyses(*analyses, inputs, root);
    return Error::success();
  });
  if (error)
    root[key] = missingSection(
        "It could not be measured: " + toString(std::move(error)) + ".", "");
}

static void addMissing(StringRef what, StringRef remedy, json::Object &root) {
  for (StringRef key :
       {"accuracy", "confusion", "culprits", "influence", "ranges"})
    root[key] = missingSection(what, remedy);
}

Error addComparison(const ReportRequest &request, const Manifest &manifest,
                    mlir::MLIRContext &context, Reporter &reporter,
                    json::Object &root) {
  if (request.model.empty()) {
    addMissing("The float model was not given.",
               "give it with --model MODEL.onnx (in Python model=)", root);
    return Error::success();
  }
  if (request.inputs.empty() && request.calibration.empty()) {
    addMissing("No rows were given.",
               "give some with --input or --calibration (in Python x= or "
               "calibration=)",
               root);
    return Error::success();
  }
  reporter.progress("compare", 0, 0);
  Comparison comparison(context, {.model = request.model,
                                  .program = request.program,
                                  .inputs = request.inputs,
                                  .labels = request.labels,
                                  .calibration = request.calibration,
                                  .needsLibrary = false});
  Expected<Findings> findings = comparison.run();
  if (!findings)
    return findings.takeError();
  if (findings->rows == 0)
    return createStringError("the files of rows hold none");
  Decision decision =
      decisionOf(manifest, !request.labels.empty() && !findings->hasTargets);
  root["accuracy"] = accuracySection(request, *findings, decision);
  json::Object &accuracy = *root.getObject("accuracy");
  accuracy["same_model"] = areCompiledWith(request.model, "model", manifest);
  if (!request.calibration.empty())
    accuracy["same_calibration"] =
        areCompiledWith(request.calibration, "calibration", manifest);
  root["confusion"] =
      confusionSection(*findings, decision, !request.labels.empty());
  AnalysisInputs inputs = comparison.analysisInputs();
  reporter.progress("culprits", 0, 0);
  AnalysisRequest culprits;
  culprits.culprits = true;
  addAnalysis("culprits", culprits, inputs, context, root);
  for (StringRef key : {"effects", "channels", "features"})
    shorten(*root.getObject("culprits"), key, kMostSuspects);
  reporter.progress("influence", 0, 0);
  AnalysisRequest asked;
  asked.influence = true;
  addAnalysis("influence", asked, inputs, context, root);
  json::Object &influence = *root.getObject("influence");
  shorten(influence, "features", kMostFeatures);
  shorten(influence, "neurons", kMostNeurons);
  nameFeatures(influence, manifest);
  reporter.progress("ranges", 0, 0);
  root["ranges"] = rangesSection(request, manifest, inputs.floatModule);
  return Error::success();
}

} // namespace quantc
