//===- PrunePattern.cpp - which weights become zero together --------------===//
#include "PrunePattern.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace mlir::qnet;

std::optional<PrunePattern> qnet::prunePatternNamed(StringRef name) {
  return llvm::StringSwitch<std::optional<PrunePattern>>(name)
      .Case("magnitude", PrunePattern::Magnitude)
      .Case("block", PrunePattern::Block)
      .Case("2:4", PrunePattern::TwoOfFour)
      .Default(std::nullopt);
}

std::string qnet::describePruning(StringRef pattern, double fraction) {
  if (prunePatternNamed(pattern) == PrunePattern::TwoOfFour)
    return pattern.str();
  return llvm::formatv("{0}:{1}", pattern, llvm::format("%g", fraction));
}

std::vector<size_t> qnet::leastOf(ArrayRef<double> importance, size_t count) {
  std::vector<size_t> order(importance.size());
  std::iota(order.begin(), order.end(), size_t(0));
  auto middle = order.begin() + static_cast<ptrdiff_t>(count);
  std::nth_element(order.begin(), middle, order.end(), [&](size_t a, size_t b) {
    return importance[a] != importance[b] ? importance[a] < importance[b]
                                          : a < b;
  });
  order.resize(count);
  return order;
}
