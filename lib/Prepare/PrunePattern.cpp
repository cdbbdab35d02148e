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

FailureOr<std::optional<PrunePattern>> qnet::checkPruning(Operation *root,
                                                          StringRef pass,
                                                          StringRef name,
                                                          double fraction) {
  std::optional<PrunePattern> known = prunePatternNamed(name);
  if (!known && name != "none")
    return root->emitError(pass)
           << ": '" << name
           << "' is no pattern; choose none, magnitude, block or 2:4";
  if (!isPrunableShare(fraction))
    return root->emitError(pass)
           << ": the fraction must be at least 0 and less than 1";
  return known;
}

StringRef qnet::nameOf(PrunePattern pattern) {
  switch (pattern) {
  case PrunePattern::Magnitude:
    return "magnitude";
  case PrunePattern::Block:
    return "block";
  case PrunePattern::TwoOfFour:
    return "2:4";
  }
  llvm_unreachable("no pattern");
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
