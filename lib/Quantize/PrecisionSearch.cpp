//===- PrecisionSearch.cpp - the frontier of layers' precisions -----------===//
//
// A dynamic program over the layers (Nemhauser and Ullmann, "Discrete dynamic
// programming and capital allocation", Management Science 15, 1969): costs and
// noise of combinations are sums, so the frontier of all layers is made of
// points of the frontiers of its parts.
//
//===----------------------------------------------------------------------===//
#include "quantc/Quantize/PrecisionSearch.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir::qnet;

namespace {

using Points = std::vector<Combination>;

/// Noise below this (-200 dB) is none.
constexpr double kLeastNoise = 1e-20;

/// Of points sorted by cost, `most` with about even steps of the noise's
/// logarithm, the first and the last one kept.
Points thinned(Points points, size_t most) {
  if (points.size() <= most || most < 2)
    return points;
  auto level = [](const Combination &point) {
    return std::log(std::max(point.noise, kLeastNoise));
  };
  double first = level(points.front()), last = level(points.back());
  double step = (first - last) / double(most - 1);
  Points kept;
  double next = first;
  for (size_t i = 0; i < points.size(); ++i) {
    bool isEnd = i == 0 || i + 1 == points.size();
    if (!isEnd && level(points[i]) > next)
      continue;
    next = level(points[i]) - step;
    kept.push_back(std::move(points[i]));
  }
  return kept;
}

/// Those that no other one beats, where the other cost decides between equal
/// ones: sums keep this order too. Of wholly equal ones the earlier.
Points frontierOf(Points points, Goal goal, size_t most) {
  Goal other = goal == Goal::Time ? Goal::Size : Goal::Time;
  std::ranges::stable_sort(points,
                           [&](const Combination &a, const Combination &b) {
                             if (a.cost(goal) != b.cost(goal))
                               return a.cost(goal) < b.cost(goal);
                             if (a.cost(other) != b.cost(other))
                               return a.cost(other) < b.cost(other);
                             return a.noise < b.noise;
                           });
  Points kept;
  double least = std::numeric_limits<double>::infinity();
  for (Combination &point : points)
    if (point.noise < least) {
      least = point.noise;
      kept.push_back(std::move(point));
    }
  return thinned(std::move(kept), most);
}

/// Every point with every option of one more layer that `allowed` lets pass.
template <typename Allowed>
Points extended(const Points &points, const SearchLayer &layer, size_t index,
                Allowed allowed) {
  Points result;
  for (const Combination &point : points)
    for (auto [number, option] : llvm::enumerate(layer.options)) {
      if (!allowed(option.precision))
        continue;
      Combination next = point;
      next.options[index] = static_cast<uint8_t>(number);
      next.noise += option.noise;
      next.cycles += option.cycles;
      next.bytes += option.bytes;
      result.push_back(std::move(next));
    }
  return result;
}

} // namespace

std::vector<Combination>
mlir::qnet::searchFrontier(llvm::ArrayRef<SearchLayer> layers, Goal goal,
                           size_t most) {
  Combination none;
  none.options.assign(layers.size(), 0);
  Points points = {none};
  // Layers that read one value choose together: all of them read 8 bits, or
  // all 16.
  llvm::MapVector<int64_t, llvm::SmallVector<size_t>> readers;
  for (auto [index, layer] : llvm::enumerate(layers))
    readers[layer.input].push_back(index);
  for (const auto &[input, indices] : readers) {
    Points narrow = points, wide = points;
    for (size_t index : indices) {
      bool isAlone = indices.size() == 1;
      auto isNarrow = [&](Precision precision) {
        return isAlone || precision == Precision::Int4 ||
               precision == Precision::Int8 || isPruned(precision);
      };
      auto isWide = [&](Precision precision) {
        return precision == Precision::Int8x16 || precision == Precision::Float;
      };
      narrow = frontierOf(extended(narrow, layers[index], index, isNarrow),
                          goal, most);
      wide = isAlone ? Points()
                     : frontierOf(extended(wide, layers[index], index, isWide),
                                  goal, most);
    }
    llvm::append_range(narrow, wide);
    points = frontierOf(std::move(narrow), goal, most);
  }
  return points;
}
