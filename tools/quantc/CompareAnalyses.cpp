//===- CompareAnalyses.cpp - Why float and integer differ -----------------===//
#include "CompareAnalyses.h"
#include "JsonNumber.h"
#include "Problem.h"
#include "TextTable.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace llvm;
using mlir::qnet::Culprits;
using mlir::qnet::NumpyArray;
using mlir::qnet::Rows;
using mlir::qnet::Suspect;

namespace quantc {

/// Rows held in memory at a time; of more, evenly spaced ones are taken.
static constexpr int64_t kMostRows = 4096;

static Expected<Rows> readRows(const AnalysisInputs &inputs,
                               ArrayRef<int64_t> numbers) {
  Rows rows;
  rows.count = numbers.size();
  for (const NumpyArray &array : inputs.arrays) {
    int64_t width = array.rowElements();
    std::vector<float> &tensor = rows.tensors.emplace_back(rows.count * width);
    // Neighbouring rows in one read.
    for (size_t first = 0, next; first < numbers.size(); first = next) {
      next = first + 1;
      while (next < numbers.size() && numbers[next] == numbers[next - 1] + 1)
        ++next;
      if (Error error =
              array.readFloats(numbers[first], next - first,
                               MutableArrayRef(tensor).slice(
                                   first * width, (next - first) * width)))
        return std::move(error);
    }
  }
  return rows;
}

/// Whether a result is a number, and not a label or an index.
static bool givesNumbers(mlir::ModuleOp network) {
  auto main = network.lookupSymbol<mlir::func::FuncOp>("main");
  return any_of(main.getResultTypes(), [](mlir::Type type) {
    return mlir::isa<mlir::FloatType>(
        mlir::qnet::realType(mlir::getElementTypeOrSelf(type)));
  });
}

Expected<Analyses> analyze(const AnalysisRequest &request,
                           const AnalysisInputs &inputs) {
  Analyses analyses;
  if (!request.any())
    return analyses;
  analyses.allRows = inputs.arrays.empty() ? 0 : inputs.arrays.front().rows();
  if (analyses.allRows == 0)
    return problem("there are no rows to find anything on; give some with "
                   "--input");
  if (!givesNumbers(inputs.floatModule))
    return problem("the network gives labels alone, and nothing that moves a "
                   "little with its inputs and weights; compare one that "
                   "gives its scores too");
  analyses.rowNumbers = mlir::qnet::spacedRows(analyses.allRows, kMostRows);
  Expected<Rows> rows = readRows(inputs, analyses.rowNumbers);
  if (!rows)
    return rows.takeError();
  if (request.culprits) {
    auto culprits = mlir::qnet::findCulprits(inputs.floatModule,
                                             inputs.integerModule, *rows);
    if (failed(culprits))
      return problem("");
    if (request.repairs) {
      auto repairs = mlir::qnet::tryRepairs(*request.repairs, *culprits,
                                            inputs.floatModule, *rows);
      if (failed(repairs))
        return problem("");
      analyses.repairs = std::move(*repairs);
    }
    for (mlir::qnet::WorstRow &worst : culprits->worst)
      worst.row = analyses.rowNumbers[worst.row];
    analyses.culprits = std::move(*culprits);
  }
  if (request.noise) {
    std::vector<double> labels;
    for (int64_t row : analyses.rowNumbers)
      if (!inputs.labels.empty())
        labels.push_back(inputs.labels[row]);
    auto noise = mlir::qnet::measureRobustness(
        inputs.floatModule, inputs.integerModule, *rows, labels, request.seed);
    if (failed(noise))
      return problem("");
    analyses.noise = std::move(*noise);
    analyses.seed = request.seed;
  }
  if (request.influence) {
    auto influence = mlir::qnet::measureInfluence(inputs.floatModule, *rows,
                                                  inputs.inputNames);
    if (failed(influence))
      return problem("");
    analyses.influence = std::move(*influence);
  }
  return analyses;
}

//===----------------------------------------------------------------------===//
// For a person
//===----------------------------------------------------------------------===//

static std::string decibels(double value) { return formatv("{0:f2}", value); }
static std::string share(double value) {
  return formatv("{0:f1}%", 100 * value);
}

static std::string suspectText(const Suspect &suspect) {
  std::string text = mlir::qnet::describe(suspect);
  if (suspect.channel >= 0)
    text += formatv(", {0} {1}",
                    suspect.place == mlir::qnet::Place::Input ? "feature"
                                                              : "channel",
                    suspect.channel);
  return text;
}

static void printSuspects(StringRef heading, ArrayRef<Suspect> suspects) {
  if (suspects.empty())
    return;
  bool ofAll = suspects.front().channel < 0;
  std::vector<std::string> header = {heading.str(), "of the error",
                                     "without it"};
  if (ofAll)
    header.push_back("alone");
  TextTable table(header);
  for (const Suspect &suspect : suspects) {
    std::vector<std::string> cells = {
        suspectText(suspect), share(suspect.share),
        (suspect.gain < 0 ? "" : "+") + decibels(suspect.gain) + " dB"};
    if (ofAll)
      cells.push_back(share(suspect.alone));
    table.add(cells);
  }
  outs() << "\n";
  table.print(outs());
}

static void printCulprits(const Analyses &analyses,
                          const AnalysisInputs &inputs) {
  const Culprits &culprits = *analyses.culprits;
  outs() << "\nculprits: what the output's error comes from, by undoing one "
            "thing at a time on "
         << culprits.rows << " of " << analyses.allRows << " rows (SQNR "
         << decibels(culprits.sqnr) << " dB)\n";
  printSuspects("culprit", culprits.effects);
  printSuspects("channel", culprits.channels);
  printSuspects("input feature", culprits.features);
  outs() << "\n";
  TextTable table({"row", "error", "label", "float", "integer"});
  for (const mlir::qnet::WorstRow &worst : culprits.worst)
    table.add(
        {std::to_string(worst.row),
         formatv("{0}", llvm::format("%.4g", worst.error)),
         inputs.labels.empty()
             ? std::string()
             : formatv("{0}", llvm::format("%g", inputs.labels[worst.row]))
                   .str(),
         std::to_string(worst.floatDecision),
         std::to_string(worst.integerDecision)});
  table.print(outs());
  outs() << "\nthe simulation equals the integer network within "
         << decibels(culprits.simulation)
         << " dB, and with all undone the float "
         << "network within " << decibels(culprits.undone) << " dB\n";
  if (culprits.skipped != 0)
    outs() << culprits.skipped << " rows hold NaN or infinity and were left "
           << "out\n";
  for (const std::string &fixed : culprits.fixed)
    outs() << "not undone: " << fixed << "\n";
}

static void printRepairs(ArrayRef<mlir::qnet::RepairResult> repairs) {
  outs() << "\nrepairs, each compiled and measured\n\n";
  TextTable table({"repair", "SQNR dB", "gain", "agreement", "weight bytes",
                   "quantc compile ..."});
  for (const mlir::qnet::RepairResult &repair : repairs) {
    if (!repair.problem.empty()) {
      table.add(
          {repair.what, "", "", "", "", "not possible: " + repair.problem});
      continue;
    }
    table.add({repair.what, decibels(repair.sqnr),
               (repair.gain < 0 ? "" : "+") + decibels(repair.gain),
               share(repair.agreement), std::to_string(repair.weightBytes),
               repair.flag});
  }
  table.print(outs());
}

static void printNoise(const Analyses &analyses, const AnalysisInputs &inputs) {
  outs() << "\nnoise: float against integer on disturbed rows, and what the "
            "disturbance alone does (seed "
         << analyses.seed << ")\n\n";
  std::vector<std::string> header = {
      "inputs",        "SQNR dB",   "agreement",        "float alone",
      "its agreement", "integer's", "rows not a number"};
  if (!inputs.labels.empty())
    header.insert(header.end(), {"float right", "integer right"});
  TextTable table(header);
  for (const mlir::qnet::Disturbance &line : analyses.noise) {
    std::vector<std::string> cells = {
        line.what,
        decibels(line.integer.sqnr()),
        share(line.integer.agreement()),
        decibels(line.alone.sqnr()),
        share(line.alone.agreement()),
        share(line.integerAlone.agreement()),
        formatv("{0}, {1}", line.floatSpecial, line.integerSpecial)};
    double rows = line.integer.rows;
    if (!inputs.labels.empty())
      cells.insert(cells.end(), {share(line.floatRight / rows),
                                 share(line.integerRight / rows)});
    table.add(cells);
  }
  table.print(outs());
}

/// Rows of a table of influence for a person.
static constexpr size_t kInfluenceLines = 10;

static void printInfluence(const mlir::qnet::Influences &influences) {
  auto print = [](StringRef kind, ArrayRef<mlir::qnet::Influence> list,
                  bool hasGradient) {
    if (list.empty())
      return;
    std::vector<std::string> header = {kind.str(), "output change",
                                       "decisions changed"};
    if (hasGradient)
      header.push_back("gradient");
    TextTable table(header);
    for (const mlir::qnet::Influence &one : list.take_front(kInfluenceLines)) {
      std::vector<std::string> cells = {
          formatv("{0} {1}", one.name, one.channel), share(one.change),
          share(one.decisions)};
      if (hasGradient)
        cells.push_back(
            formatv("{0}", llvm::format("%.4g", one.gradient)).str());
      table.add(cells);
    }
    outs() << "\n";
    table.print(outs());
  };
  outs() << "\ninfluence: what the output does when one value is its mean, on "
         << influences.rows << " rows\n";
  print("input feature", influences.features, true);
  print("neuron", influences.neurons, false);
}

void printAnalyses(const Analyses &analyses, const AnalysisInputs &inputs) {
  if (analyses.culprits)
    printCulprits(analyses, inputs);
  if (!analyses.repairs.empty())
    printRepairs(analyses.repairs);
  if (!analyses.noise.empty())
    printNoise(analyses, inputs);
  if (analyses.influence)
    printInfluence(*analyses.influence);
}

//===----------------------------------------------------------------------===//
// For programs
//===----------------------------------------------------------------------===//

static json::Array suspectsJson(ArrayRef<Suspect> suspects) {
  constexpr StringLiteral effects[] = {"weights", "rounding", "clipping"};
  constexpr StringLiteral places[] = {"input", "index", "value"};
  json::Array array;
  for (const Suspect &suspect : suspects) {
    json::Object object{{"culprit", json::fixUTF8(suspectText(suspect))},
                        {"name", json::fixUTF8(suspect.name)},
                        {"effect", effects[size_t(suspect.effect)]},
                        {"place", places[size_t(suspect.place)]},
                        {"share", finite(suspect.share)},
                        {"gain_db", finite(suspect.gain)}};
    if (suspect.channel >= 0)
      object["channel"] = suspect.channel;
    else
      object["alone"] = finite(suspect.alone);
    array.push_back(std::move(object));
  }
  return array;
}

static json::Object culpritsJson(const Culprits &culprits,
                                 const AnalysisInputs &inputs) {
  json::Array worst, fixed;
  for (const mlir::qnet::WorstRow &row : culprits.worst) {
    json::Object object{{"row", row.row},
                        {"error", finite(row.error)},
                        {"float", row.floatDecision},
                        {"integer", row.integerDecision}};
    if (!inputs.labels.empty())
      object["label"] = finite(inputs.labels[row.row]);
    worst.push_back(std::move(object));
  }
  for (const std::string &text : culprits.fixed)
    fixed.push_back(json::fixUTF8(text));
  return json::Object{{"rows", culprits.rows},
                      {"skipped", culprits.skipped},
                      {"sqnr_db", finite(culprits.sqnr)},
                      {"simulation_db", finite(culprits.simulation)},
                      {"undone_db", finite(culprits.undone)},
                      {"effects", suspectsJson(culprits.effects)},
                      {"channels", suspectsJson(culprits.channels)},
                      {"features", suspectsJson(culprits.features)},
                      {"worst_rows", std::move(worst)},
                      {"not_undone", std::move(fixed)}};
}

static json::Array repairsJson(ArrayRef<mlir::qnet::RepairResult> repairs) {
  json::Array array;
  for (const mlir::qnet::RepairResult &repair : repairs) {
    json::Object object{{"repair", json::fixUTF8(repair.what)},
                        {"flag", json::fixUTF8(repair.flag)}};
    if (repair.problem.empty()) {
      object["sqnr_db"] = finite(repair.sqnr);
      object["gain_db"] = finite(repair.gain);
      object["agreement"] = repair.agreement;
      object["weight_bytes"] = repair.weightBytes;
    } else {
      object["problem"] = json::fixUTF8(repair.problem);
    }
    array.push_back(std::move(object));
  }
  return array;
}

static json::Array noiseJson(const Analyses &analyses,
                             const AnalysisInputs &inputs) {
  json::Array array;
  for (const mlir::qnet::Disturbance &line : analyses.noise) {
    json::Object object{
        {"inputs", line.what},
        {"sqnr_db", finite(line.integer.sqnr())},
        {"agreement", line.integer.agreement()},
        {"float_alone_db", finite(line.alone.sqnr())},
        {"float_alone_agreement", line.alone.agreement()},
        {"integer_alone_db", finite(line.integerAlone.sqnr())},
        {"integer_alone_agreement", line.integerAlone.agreement()},
        {"float_special_rows", line.floatSpecial},
        {"integer_special_rows", line.integerSpecial}};
    if (!inputs.labels.empty()) {
      object["float_accuracy"] = double(line.floatRight) / line.integer.rows;
      object["integer_accuracy"] =
          double(line.integerRight) / line.integer.rows;
    }
    array.push_back(std::move(object));
  }
  return array;
}

static json::Array influenceJson(ArrayRef<mlir::qnet::Influence> list) {
  json::Array array;
  for (const mlir::qnet::Influence &one : list)
    array.push_back(json::Object{{"name", json::fixUTF8(one.name)},
                                 {"channel", one.channel},
                                 {"gradient", finite(one.gradient)},
                                 {"change", finite(one.change)},
                                 {"decisions_changed", finite(one.decisions)}});
  return array;
}

void writeAnalyses(const Analyses &analyses, const AnalysisInputs &inputs,
                   json::Object &root) {
  if (analyses.culprits)
    root["culprits"] = culpritsJson(*analyses.culprits, inputs);
  if (!analyses.repairs.empty())
    root["repairs"] = repairsJson(analyses.repairs);
  if (!analyses.noise.empty())
    root["noise"] = json::Object{{"seed", analyses.seed},
                                 {"disturbances", noiseJson(analyses, inputs)}};
  if (analyses.influence)
    root["influence"] =
        json::Object{{"rows", analyses.influence->rows},
                     {"features", influenceJson(analyses.influence->features)},
                     {"neurons", influenceJson(analyses.influence->neurons)}};
}

} // namespace quantc
