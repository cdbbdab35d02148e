//===- FrontierPicture.cpp - frontier.svg ---------------------------------===//
//
// Drawn by hand: a frame, ticks at round numbers, a line through the points and
// a number beside each.
//
//===----------------------------------------------------------------------===//
#include "Frontier.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace llvm;
using namespace mlir::qnet;

namespace quantc {

namespace {

/// In pixels.
constexpr double kWidth = 760, kHeight = 460, kLeft = 70, kRight = 30,
                 kTop = 50, kBottom = 60;
constexpr double kDot = 4.5;

constexpr StringLiteral kInk = "#1a1a1a", kGrid = "#e4e4e4", kPoint = "#0b5fa5",
                        kUniform = "#b5480b";

/// One axis: what it shows, over which pixels.
struct Axis {
  double low = 0, high = 1, from = 0, to = 1;

  double at(double value) const {
    return from + (value - low) / (high - low) * (to - from);
  }
};

/// 1, 2 or 5 times a power of ten, so that there are about five steps.
double roundStep(double range) {
  constexpr double steps = 5;
  double step = std::pow(10, std::floor(std::log10(range / steps)));
  for (double factor : {1.0, 2.0, 5.0, 10.0})
    if (step * factor >= range / steps)
      return step * factor;
  return step;
}

/// An axis that holds the values and begins and ends at round numbers.
Axis axisOver(ArrayRef<double> values, double from, double to) {
  auto [least, most] = std::minmax_element(values.begin(), values.end());
  double low = *least, high = *most;
  if (high - low < 1e-9 * std::max(1.0, std::fabs(high))) {
    low -= 1;
    high += 1;
  }
  double step = roundStep(high - low);
  return {std::floor(low / step - 0.2) * step,
          std::ceil(high / step + 0.2) * step, from, to};
}

std::string numberText(double value) {
  std::string text;
  raw_string_ostream(text) << format("%g", value);
  return text;
}

std::string escaped(StringRef text) {
  std::string result;
  for (char symbol : text)
    switch (symbol) {
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '&':
      result += "&amp;";
      break;
    case '"':
      result += "&quot;";
      break;
    default:
      // Control characters are no XML, and bytes past ASCII may be no UTF-8.
      result += symbol >= ' ' && symbol < 127 ? symbol : '?';
    }
  return result;
}

class Picture {
public:
  explicit Picture(const Frontier &frontier);
  std::string draw();

private:
  void text(double x, double y, StringRef content, StringRef extra = "");
  void line(double x1, double y1, double x2, double y2, StringRef color);
  void drawAxes();
  void drawPoints();

  double cost(const TunePoint &point) const {
    return point.cost(frontier.goal) / unit;
  }

  const Frontier &frontier;
  std::string svg;
  raw_string_ostream os{svg};
  /// Costs are shown in thousands where they are large.
  double unit = 1;
  Axis x, y;
};

} // namespace

Picture::Picture(const Frontier &frontier) : frontier(frontier) {
  constexpr double thousand = 1000;
  std::vector<double> costs, levels;
  for (const auto *points : {&frontier.result.points, &frontier.result.uniform})
    for (const TunePoint &point : *points) {
      costs.push_back(point.cost(frontier.goal));
      // Without any error there is no level; such points lie on the top edge.
      if (std::isfinite(point.quality.sqnr()))
        levels.push_back(point.quality.sqnr());
    }
  if (*std::max_element(costs.begin(), costs.end()) >= 10 * thousand) {
    unit = thousand;
    for (double &cost : costs)
      cost /= thousand;
  }
  if (levels.empty())
    levels = {0};
  x = axisOver(costs, kLeft, kWidth - kRight);
  x.low = std::max(x.low, 0.0);
  y = axisOver(levels, kHeight - kBottom, kTop);
}

void Picture::text(double x, double y, StringRef content, StringRef extra) {
  os << formatv("<text x=\"{0:f1}\" y=\"{1:f1}\" {2}>{3}</text>\n", x, y, extra,
                escaped(content));
}

void Picture::line(double x1, double y1, double x2, double y2,
                   StringRef color) {
  os << formatv("<line x1=\"{0:f1}\" y1=\"{1:f1}\" x2=\"{2:f1}\" y2=\"{3:f1}\" "
                "stroke=\"{4}\"/>\n",
                x1, y1, x2, y2, color);
}

void Picture::drawAxes() {
  constexpr StringLiteral middle = "text-anchor=\"middle\"";
  constexpr double gap = 8, tickText = 18, titleText = 42;
  double step = roundStep(x.high - x.low);
  for (double at = std::ceil(x.low / step) * step; at <= x.high + step / 100;
       at += step) {
    line(x.at(at), kTop, x.at(at), kHeight - kBottom, kGrid);
    text(x.at(at), kHeight - kBottom + tickText, numberText(at), middle);
  }
  step = roundStep(y.high - y.low);
  for (double at = std::ceil(y.low / step) * step; at <= y.high + step / 100;
       at += step) {
    line(kLeft, y.at(at), kWidth - kRight, y.at(at), kGrid);
    text(kLeft - gap, y.at(at) + 4, numberText(at), "text-anchor=\"end\"");
  }
  line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, kInk);
  line(kLeft, kTop, kLeft, kHeight - kBottom, kInk);
  StringRef thousands = unit > 1 ? "thousand " : "";
  std::string title = frontier.goal == Goal::Time
                          ? formatv("modelled time of a row, {0}cycles ({1})",
                                    thousands, frontier.cpu)
                                .str()
                          : formatv("weights, {0}bytes", thousands).str();
  text((kLeft + kWidth - kRight) / 2, kHeight - kBottom + titleText, title,
       middle);
  text(kLeft, kTop - gap,
       "signal-to-noise ratio of the output against float, dB",
       "text-anchor=\"start\"");
  text(kLeft, kTop - 3.5 * gap, frontier.model + ": bits of the layers",
       "text-anchor=\"start\" font-weight=\"bold\" font-size=\"15\"");
}

void Picture::drawPoints() {
  auto place = [&](const TunePoint &point) {
    double level = std::isfinite(point.quality.sqnr())
                       ? std::clamp(point.quality.sqnr(), y.low, y.high)
                       : y.high;
    return std::pair(x.at(cost(point)), y.at(level));
  };
  os << "<polyline fill=\"none\" stroke=\"" << kPoint
     << "\" stroke-opacity=\"0.45\" points=\"";
  for (const TunePoint &point : frontier.result.points) {
    auto [px, py] = place(point);
    os << formatv("{0:f1},{1:f1} ", px, py);
  }
  os << "\"/>\n";
  // Points of one precision are open squares, since the frontier may hold them
  // too.
  constexpr double half = 7;
  std::vector<std::pair<double, double>> squares;
  for (const TunePoint &point : frontier.result.uniform) {
    auto [px, py] = place(point);
    squares.emplace_back(px, py);
    os << formatv("<rect x=\"{0:f1}\" y=\"{1:f1}\" width=\"{2}\" "
                  "height=\"{2}\" fill=\"none\" stroke=\"{3}\" "
                  "stroke-width=\"1.5\"/>\n",
                  px - half, py - half, 2 * half, kUniform);
    text(px + half + 4, py + half + 9, ("all " + nameOf(*point.uniform)).str(),
         formatv("fill=\"{0}\"", kUniform).str());
  }
  // A number that would stand on another one is left out, but never the one of
  // what was chosen.
  constexpr double apart = 14;
  std::optional<std::pair<double, double>> last, chosen;
  if (frontier.result.isBudgetMet && frontier.result.chosen)
    chosen = place(frontier.result.points[*frontier.result.chosen]);
  auto isNear = [&](double px, double py, const auto &other) {
    return other && std::hypot(px - other->first, py - other->second) < apart;
  };
  for (const auto &[i, point] : enumerate(frontier.result.points)) {
    auto [px, py] = place(point);
    bool isChosen = frontier.result.isBudgetMet && frontier.result.chosen == i;
    os << formatv("<circle cx=\"{0:f1}\" cy=\"{1:f1}\" r=\"{2}\" fill=\"{3}\">"
                  "<title>{4}: {5}</title></circle>\n",
                  px, py, isChosen ? kDot + 2 : kDot, kPoint, i + 1,
                  escaped(shortText(point.plan)));
    if (isChosen) {
      text(px + 11, py + 4, std::to_string(i + 1) + ", within the budget",
           "font-weight=\"bold\"");
      continue;
    }
    if (isNear(px, py, last) || isNear(px, py, chosen))
      continue;
    last = {px, py};
    text(px - 9, py - 9, std::to_string(i + 1), "text-anchor=\"middle\"");
  }
}

std::string Picture::draw() {
  os << formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" "
                "height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
                "font-family=\"Helvetica, Arial, sans-serif\" "
                "font-size=\"12\" fill=\"{2}\">\n",
                kWidth, kHeight, kInk);
  os << formatv("<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n", kWidth,
                kHeight);
  drawAxes();
  drawPoints();
  os << "</svg>\n";
  return svg;
}

std::string frontierPicture(const Frontier &frontier) {
  return Picture(frontier).draw();
}

} // namespace quantc
