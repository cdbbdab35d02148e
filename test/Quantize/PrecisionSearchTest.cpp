// If these fail, the search over bits misses combinations that are worth it, or
// gives some that can't be.
#include "quantc/Quantize/PrecisionSearch.h"

#include "gtest/gtest.h"
#include <functional>
#include <limits>

using namespace mlir::qnet;

namespace {

constexpr Precision kOrder[] = {Precision::Int4, Precision::Int8,
                                Precision::Int8x16};

/// Layers with made-up figures: the fewer bits, the more noise; sizes and times
/// that differ from layer to layer.
std::vector<SearchLayer> network(int count, bool isShared) {
  std::vector<SearchLayer> layers;
  unsigned state = 7;
  auto next = [&] {
    state = state * 1664525u + 1013904223u;
    return 1.0 + double(state >> 24);
  };
  for (int i = 0; i < count; ++i) {
    SearchLayer layer;
    layer.name = "layer" + std::to_string(i);
    layer.input = isShared ? i / 2 : i;
    double noise = next(), size = next();
    for (auto [bits, precision] : llvm::enumerate(kOrder)) {
      double better = double(1 << (4 * bits));
      layer.options.push_back({precision, noise / better,
                               size * (1.0 + double(bits) * next()),
                               size * (bits == 0 ? 0.5 : 1.0)});
    }
    layers.push_back(layer);
  }
  return layers;
}

/// The least noise of any allowed combination of at most that cost, by trying
/// all.
double leastNoise(const std::vector<SearchLayer> &layers, Goal goal,
                  double cost) {
  double least = std::numeric_limits<double>::infinity();
  std::vector<Precision> chosen;
  std::function<void(double, double)> choose = [&](double noise, double sum) {
    if (chosen.size() == layers.size()) {
      for (size_t i = 0; i < layers.size(); ++i)
        for (size_t j = 0; j < layers.size(); ++j)
          if (layers[i].input == layers[j].input &&
              (chosen[i] == Precision::Int8x16) !=
                  (chosen[j] == Precision::Int8x16))
            return;
      if (sum <= cost)
        least = std::min(least, noise);
      return;
    }
    for (const PrecisionOption &option : layers[chosen.size()].options) {
      chosen.push_back(option.precision);
      choose(noise + option.noise,
             sum + (goal == Goal::Time ? option.cycles : option.bytes));
      chosen.pop_back();
    }
  };
  choose(0, 0);
  return least;
}

TEST(PrecisionSearchTest, ThePointsAreTheBestOfAllCombinations) {
  for (bool isShared : {false, true})
    for (Goal goal : {Goal::Time, Goal::Size}) {
      std::vector<SearchLayer> layers = network(6, isShared);
      std::vector<Combination> points = searchFrontier(layers, goal);
      ASSERT_GT(points.size(), 3U);
      for (size_t i = 0; i < points.size(); ++i) {
        double best = leastNoise(layers, goal, points[i].cost(goal) + 1e-9);
        if (i + 1 == points.size() ||
            points[i + 1].cost(goal) > points[i].cost(goal) + 1e-9) {
          EXPECT_NEAR(points[i].noise, best, 1e-9 * best);
        }
        if (i != 0) {
          EXPECT_LT(points[i].noise, points[i - 1].noise);
          EXPECT_GE(points[i].cost(goal), points[i - 1].cost(goal));
        }
      }
    }
}

TEST(PrecisionSearchTest, OfEqualSizesTheQuickerIsThere) {
  SearchLayer layer;
  layer.options = {{Precision::Int8, 2, 10, 100},
                   {Precision::Int8x16, 1, 20, 100}};
  std::vector<Combination> points = searchFrontier({layer}, Goal::Size);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].cycles, 10);
  EXPECT_EQ(points[1].noise, 1);
}

TEST(PrecisionSearchTest, ManyLayersAreThinnedWithBothEndsKept) {
  std::vector<SearchLayer> layers = network(40, /*isShared=*/false);
  std::vector<Combination> all = searchFrontier(layers, Goal::Time);
  std::vector<Combination> few = searchFrontier(layers, Goal::Time, 50);
  EXPECT_LE(few.size(), 60U);
  EXPECT_GE(few.size(), 10U);
  EXPECT_EQ(few.front().cycles, all.front().cycles);
  EXPECT_NEAR(few.back().noise, all.back().noise, 1e-9);
}

TEST(PrecisionSearchTest, ANetworkWithoutLayersHasOnePoint) {
  EXPECT_EQ(searchFrontier({}, Goal::Time).size(), 1U);
}

} // namespace
