//===- PrunePattern.cpp - which weights become zero together --------------===//
#include "PrunePattern.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace mlir::qnet;

static constexpr std::pair<llvm::StringLiteral, PrunePattern> kPatterns[] = {
    {"magnitude", PrunePattern::Magnitude},
    {"block", PrunePattern::Block},
    {"2:4", PrunePattern::TwoOfFour}};

std::optional<PrunePattern> qnet::prunePatternNamed(StringRef name) {
  for (auto [word, pattern] : kPatterns)
    if (word == name)
      return pattern;
  return std::nullopt;
}

StringRef qnet::nameOf(PrunePattern pattern) {
  return llvm::find_if(
             kPatterns,
             [&](const auto &entry) { return entry.second == pattern; })
      ->first;
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
