//===- ReportLedger.cpp - What became of the model's nodes ----------------===//
#include "ReportDocument.h"

#include "JsonNumber.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Quantize/Accumulator.h"
#include "quantc/Reference/Compare.h"

#include <limits>

using namespace llvm;
using mlir::qnet::LedgerEntry;
using mlir::qnet::Manifest;
using mlir::qnet::ManifestLayer;

namespace quantc {

/// The largest magnitude that any row can bring into an accumulator of a layer,
/// by name; layers whose weights cannot be read have none.
static StringMap<int64_t> largestSums(mlir::ModuleOp network) {
  StringMap<int64_t> sums;
  network.walk([&](mlir::qnet::QDenseOp op) {
    FailureOr<std::vector<int16_t>> weights = mlir::qnet::readWeights(op);
    auto bias = mlir::qnet::readConstant<int32_t>(op.getBias());
    auto type = mlir::cast<mlir::quant::QuantizedType>(
        mlir::getElementTypeOrSelf(op.getInput().getType()));
    if (failed(weights) || failed(bias) || bias->empty())
      return;
    size_t columns = weights->size() / bias->size();
    int64_t &largest = sums[mlir::qnet::nameOf(op->getLoc())];
    for (auto [channel, start] : enumerate(*bias)) {
      mlir::qnet::AccumulatorRange range = mlir::qnet::accumulatorRange(
          ArrayRef(*weights).slice(channel * columns, columns), start,
          type.getStorageTypeMax());
      largest = std::max({largest, -range.lo, range.hi});
    }
  });
  return sums;
}

static json::Object layerJson(const ManifestLayer &layer,
                              const Manifest &manifest,
                              const StringMap<int64_t> &sums) {
  json::Array nodes;
  for (const std::string &node : layer.nodes)
    nodes.push_back(json::fixUTF8(node));
  bool isFloat = any_of(manifest.ledger, [&](const LedgerEntry &entry) {
    return entry.node == layer.name && entry.op == layer.op &&
           entry.op != "qdense";
  });
  json::Object object{{"name", json::fixUTF8(layer.name)},
                      {"nodes", std::move(nodes)},
                      {"op", json::fixUTF8(layer.op)},
                      {"in_float", isFloat},
                      {"function", json::fixUTF8(layer.function)},
                      {"inputs", layer.inputs},
                      {"outputs", layer.outputs},
                      {"input_bits", layer.inputBits},
                      {"weights_bits", layer.weightsBits},
                      {"output_bits", layer.outputBits},
                      {"kernel", json::fixUTF8(layer.kernel)},
                      {"products", layer.products}};
  if (!layer.kernel.empty()) {
    object["sum_bits"] = layer.sumBits;
    object["visited_share"] = finite(layer.visitedShare);
    object["listed_share"] = finite(layer.listedShare);
    if (layer.timeOverFloat > 0)
      object["time_over_float"] = finite(layer.timeOverFloat);
    if (auto found = sums.find(layer.name); found != sums.end())
      object["largest_sum"] = found->second;
  }
  std::string notes;
  for (const std::string *note :
       {&layer.weightsNote, &layer.inputNote, &layer.prunedNote})
    if (!note->empty())
      notes += (notes.empty() ? "" : "; ") + *note;
  if (layer.isFrozen)
    notes += notes.empty() ? "frozen" : "; frozen";
  if (!notes.empty())
    object["notes"] = json::fixUTF8(notes);
  return object;
}

json::Object ledgerSection(const Manifest &manifest, mlir::ModuleOp network) {
  StringMap<int64_t> sums = largestSums(network);
  json::Array inFloat, remarks, layers;
  for (const LedgerEntry &entry : manifest.ledger) {
    json::Array &list = entry.op == "qdense" ? remarks : inFloat;
    if (list.size() < kMostReportLayers)
      list.push_back(json::Object{{"node", json::fixUTF8(entry.node)},
                                  {"op", json::fixUTF8(entry.op)},
                                  {"reason", json::fixUTF8(entry.reason)}});
  }
  for (const ManifestLayer &layer :
       ArrayRef(manifest.layers).take_front(kMostReportLayers))
    layers.push_back(layerJson(layer, manifest, sums));
  return json::Object{
      {"in_float", std::move(inFloat)},
      {"remarks", std::move(remarks)},
      {"accumulator_limit", int64_t(std::numeric_limits<int32_t>::max())},
      {"layers", std::move(layers)},
      {"layers_left_out",
       int64_t(manifest.layers.size() -
               std::min(manifest.layers.size(), kMostReportLayers))}};
}

} // namespace quantc
