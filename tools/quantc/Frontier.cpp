//===- Frontier.cpp - what quantc tune shows ------------------------------===//
#include "Frontier.h"

#include "JsonNumber.h"
#include "TextTable.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace llvm;
using namespace mlir::qnet;

namespace quantc {

static constexpr double kMicroseconds = 1e6, kPercent = 100;

std::string Frontier::planFile(size_t point) {
  return formatv("point-{0}.plan.json", point + 1);
}

static std::string share(const std::optional<double> &value) {
  return value ? formatv("{0:f2}%", *value * kPercent).str() : "-";
}

static std::string sqnrText(double noise) {
  return noise > 0 ? formatv("{0:f2}", -10 * std::log10(noise)).str() : "exact";
}

static void printLayers(const Frontier &frontier, raw_ostream &os) {
  os << "SQNR dB of the output when only one layer is quantized:\n";
  TextTable table({"layer", "inputs", "outputs", "int4", "int8", "int8x16",
                   "groups with half of int4's error"});
  for (const LayerSensitivity &layer : frontier.result.layers) {
    auto cell = [&](Precision precision) -> std::string {
      for (const PrecisionOption &option : layer.layer.options)
        if (option.precision == precision)
          return sqnrText(option.noise);
      return "-";
    };
    std::vector<double> shares = layer.groupShares;
    std::sort(shares.begin(), shares.end(), std::greater<>());
    double sum = 0;
    size_t half = 0;
    while (half < shares.size() && sum < 0.5)
      sum += shares[half++];
    table.add({layer.layer.name, std::to_string(layer.inputs),
               std::to_string(layer.outputs), cell(Precision::Int4),
               cell(Precision::Int8), cell(Precision::Int8x16),
               shares.empty()
                   ? std::string("-")
                   : formatv("{0} of {1}", half, shares.size()).str()});
  }
  table.print(os);
}

static std::vector<std::string> cells(std::string name,
                                      const TunePoint &point) {
  return {std::move(name),
          formatv("{0:f2}", point.secondsPerRow * kMicroseconds),
          formatv("{0:f0}", point.cycles),
          formatv("{0:f0}", point.bytes),
          sqnrText(point.quality.noise),
          share(point.quality.agreement),
          share(point.quality.score),
          shortText(point.plan)};
}

static double costOf(const Frontier &frontier, const TunePoint &point) {
  return point.cost(frontier.goal);
}

/// Dots on a grid of characters: the points by the last digit of their number.
static void printChart(const Frontier &frontier, raw_ostream &os) {
  constexpr int width = 60, height = 14;
  const std::vector<TunePoint> &points = frontier.result.points;
  double left = costOf(frontier, points.front());
  double right = costOf(frontier, points.back());
  std::vector<double> levels;
  for (const TunePoint &point : points)
    if (std::isfinite(point.quality.sqnr()))
      levels.push_back(point.quality.sqnr());
  if (points.size() < 2 || levels.empty())
    return;
  auto [low, high] = std::minmax_element(levels.begin(), levels.end());
  double bottom = *low, top = std::max(*high, *low + 1);
  std::vector<std::string> grid(height, std::string(width, ' '));
  for (size_t i = 0; i != points.size(); ++i) {
    double level = std::min(points[i].quality.sqnr(), top);
    auto column = static_cast<int>(std::lround(
        (costOf(frontier, points[i]) - left) / (right - left) * (width - 1)));
    auto row = static_cast<int>(
        std::lround((top - level) / (top - bottom) * (height - 1)));
    grid[row][column] = static_cast<char>('0' + (i + 1) % 10);
  }
  os << "\nSQNR dB\n";
  for (int row = 0; row != height; ++row) {
    double level = top - (top - bottom) * row / (height - 1);
    os << formatv("{0,7:f1} |", level) << StringRef(grid[row]).rtrim() << "\n";
  }
  os << std::string(8, ' ') << "+" << std::string(width, '-') << "\n";
  std::string first = formatv("{0:f0}", left), last = formatv("{0:f0}", right);
  os << std::string(9, ' ') << first
     << std::string(
            std::max<int>(1, width - int(first.size()) - int(last.size())), ' ')
     << last << "\n"
     << std::string(9, ' ')
     << (frontier.goal == Goal::Time ? "modelled cycles a row"
                                     : "bytes of weights")
     << "\n";
}

void printFrontier(const Frontier &frontier, raw_ostream &os) {
  const TuneResult &result = frontier.result;
  printLayers(frontier, os);
  os << "\n";
  TextTable table({"point", "us a row", "cycles", "bytes", "SQNR dB",
                   "agreement", "score", "bits of the layers"});
  for (const auto &[i, point] : enumerate(result.points)) {
    bool isChosen = result.chosen == i && result.isBudgetMet;
    table.add(cells(std::to_string(i + 1) + (isChosen ? " *" : ""), point));
  }
  for (const TunePoint &point : result.uniform)
    table.add(cells("all " + nameOf(*point.uniform).str(), point));
  table.print(os);
  os << "\nus a row: measured here, 256 rows a call; cycles: of dense layers "
        "on "
     << frontier.cpu << ", modelled\n";
  if (result.isBudgetMet && result.chosen)
    os << "* the " << (frontier.goal == Goal::Time ? "fastest" : "smallest")
       << " with " << result.requirement << "\n";
  printChart(frontier, os);
}

static json::Value orNull(const std::optional<double> &value) {
  return value ? json::Value(*value) : json::Value(nullptr);
}

static json::Object pointJson(const TunePoint &point) {
  json::Array layers;
  for (const PlannedLayer &layer : point.plan.layers)
    layers.push_back(json::Object{{"name", json::fixUTF8(layer.name)},
                                  {"precision", nameOf(layer.precision)}});
  return json::Object{{"bits", shortText(point.plan)},
                      {"us_per_row", point.secondsPerRow * kMicroseconds},
                      {"modelled_cycles", point.cycles},
                      {"weights_bytes", point.bytes},
                      {"sqnr_db", finite(point.quality.sqnr())},
                      {"predicted_sqnr_db", finite(point.sqnrPredicted())},
                      {"agreement", orNull(point.quality.agreement)},
                      {"score", orNull(point.quality.score)},
                      {"layers", std::move(layers)}};
}

std::string frontierJson(const Frontier &frontier) {
  const TuneResult &result = frontier.result;
  json::Array layers, points, uniform;
  for (const LayerSensitivity &layer : result.layers) {
    json::Object precisions;
    for (const PrecisionOption &option : layer.layer.options)
      precisions[nameOf(option.precision)] =
          json::Object{{"sqnr_db", finite(-10 * std::log10(option.noise))},
                       {"modelled_cycles", option.cycles},
                       {"weights_bytes", option.bytes}};
    layers.push_back(json::Object{
        {"name", json::fixUTF8(layer.layer.name)},
        {"inputs", layer.inputs},
        {"outputs", layer.outputs},
        {"precisions", std::move(precisions)},
        {"int4_error_share_of_groups", json::Array(layer.groupShares)}});
  }
  for (const auto &[i, point] : enumerate(result.points)) {
    json::Object object = pointJson(point);
    object["plan"] = Frontier::planFile(i);
    object["meets_budget"] = point.meetsBudget;
    points.push_back(std::move(object));
  }
  for (const TunePoint &point : result.uniform) {
    json::Object object = pointJson(point);
    object["uniform"] = nameOf(*point.uniform);
    uniform.push_back(std::move(object));
  }
  json::Object root{{"format", "quantc-frontier"},
                    {"model", json::fixUTF8(frontier.model)},
                    {"cpu", frontier.cpu},
                    {"minimize", frontier.goal == Goal::Time ? "time" : "size"},
                    {"requirement", result.requirement.empty()
                                        ? json::Value(nullptr)
                                        : json::Value(result.requirement)},
                    {"budget_met", result.isBudgetMet},
                    {"chosen", result.chosen
                                   ? json::Value(int64_t(*result.chosen) + 1)
                                   : json::Value(nullptr)},
                    {"sensitivity", std::move(layers)},
                    {"points", std::move(points)},
                    {"uniform", std::move(uniform)}};
  return formatv("{0:2}\n", json::Value(std::move(root)));
}

} // namespace quantc
