//===- NearestNames.cpp - what a misspelt name may have meant -------------===//
#include "quantc/Dialect/NearestNames.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

using namespace mlir;

std::string qnet::nearestNames(StringRef name, ArrayRef<std::string> known) {
  constexpr size_t mostNames = 3;
  SmallVector<StringRef> order;
  for (const std::string &other : known)
    if (!llvm::is_contained(order, other))
      order.push_back(other);
  llvm::stable_sort(order, [&](StringRef a, StringRef b) {
    return name.edit_distance_insensitive(a) <
           name.edit_distance_insensitive(b);
  });
  if (order.empty())
    return "there are none";
  std::string text = order.size() == 1 ? "there is only" : "the nearest are";
  for (size_t i = 0; i < std::min(mostNames, order.size()); ++i)
    text += ((i == 0 ? " '" : ", '") + order[i] + "'").str();
  return text;
}
