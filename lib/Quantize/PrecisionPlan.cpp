//===- PrecisionPlan.cpp - the precision of each layer, as a file ---------===//
//
// nlohmann-json, since its parser keeps its own stack: a plan of a million
// opening brackets is an error message, not an overflow.
//
//===----------------------------------------------------------------------===//
#include "quantc/Quantize/Precision.h"

#include "quantc/Dialect/NearestNames.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include <nlohmann/json.hpp>

using namespace mlir;
using namespace mlir::qnet;
using nlohmann::json;

static constexpr const char *kFormat = "quantc-plan";

std::string qnet::planToJson(const PrecisionPlan &plan) {
  json layers = json::array();
  for (const PlannedLayer &layer : plan.layers)
    layers.push_back(
        {{"name", layer.name}, {"precision", nameOf(layer.precision).str()}});
  json root = {{"format", kFormat}, {"layers", std::move(layers)}};
  return root.dump(/*indent=*/2, ' ', /*ensure_ascii=*/false,
                   json::error_handler_t::replace) +
         "\n";
}

llvm::Expected<PrecisionPlan> qnet::planFromJson(StringRef text,
                                                 StringRef source) {
  auto problem = [&](const Twine &what) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "'" + source + "' " + what);
  };
  json root = json::parse(text.begin(), text.end(), /*cb=*/nullptr,
                          /*allow_exceptions=*/false);
  if (root.is_discarded())
    return problem("is no JSON, so it is no plan");
  auto format = root.is_object() ? root.find("format") : root.end();
  if (format == root.end() || *format != kFormat)
    return problem(Twine("is no plan: it lacks \"format\": \"") + kFormat +
                   "\"");
  auto layers = root.find("layers");
  if (layers == root.end() || !layers->is_array())
    return problem("lacks the array \"layers\"");
  PrecisionPlan plan;
  llvm::StringMap<size_t> seen;
  for (auto [index, layer] : llvm::enumerate(*layers)) {
    auto textOf = [&](const char *key) -> const std::string * {
      auto found = layer.is_object() ? layer.find(key) : layer.end();
      return found == layer.end() || !found->is_string()
                 ? nullptr
                 : found->template get_ptr<const std::string *>();
    };
    const std::string *name = textOf("name"), *word = textOf("precision");
    if (!name || !word)
      return problem("layers[" + Twine(index) +
                     "] needs a \"name\" and a \"precision\", both texts");
    std::optional<Precision> precision = precisionNamed(*word);
    if (!precision)
      return problem("gives the layer '" + *name + "' the precision '" + *word +
                     "', which is unknown; " + kPrecisionChoices);
    auto [first, isNew] = seen.try_emplace(*name, index);
    if (!isNew)
      return problem("names the layer '" + *name + "' twice, in layers[" +
                     Twine(first->second) + "] and layers[" + Twine(index) +
                     "]; leave one out");
    plan.layers.push_back({*name, *precision});
  }
  return plan;
}

/// All names that an op's location has: those of the nodes that it was made of.
static void collectNames(Location location,
                         llvm::SmallVector<StringRef> &names) {
  if (auto named = dyn_cast<NameLoc>(location)) {
    names.push_back(named.getName());
    return;
  }
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      collectNames(part, names);
}

LogicalResult qnet::applyPlan(ModuleOp module, const PrecisionPlan &plan,
                              StringRef source) {
  SmallVector<DenseOp> layers;
  module.walk([&](DenseOp dense) { layers.push_back(dense); });
  LogicalResult result = success();
  for (const PlannedLayer &planned : plan.layers) {
    StringRef wanted = planned.name;
    wanted.consume_back("/pre-activation");
    SmallVector<DenseOp> found;
    llvm::copy_if(layers, std::back_inserter(found),
                  [&](DenseOp dense) { return layerName(dense) == wanted; });
    // The name of a node that became a part of the layer serves too.
    if (found.empty())
      llvm::copy_if(layers, std::back_inserter(found), [&](DenseOp dense) {
        SmallVector<StringRef> names;
        collectNames(dense.getLoc(), names);
        return llvm::is_contained(names, wanted);
      });
    for (DenseOp dense : found)
      dense->setDiscardableAttr(
          kPrecisionAttr,
          StringAttr::get(dense.getContext(), nameOf(planned.precision)));
    if (!found.empty())
      continue;
    std::vector<std::string> known;
    for (DenseOp dense : layers)
      known.push_back(layerName(dense).str());
    module.emitError() << "'" << source << "' names the layer '" << planned.name
                       << "', but the network has no dense layer of that name; "
                       << nearestNames(wanted, known);
    result = failure();
  }
  return result;
}
