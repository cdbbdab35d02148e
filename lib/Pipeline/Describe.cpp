//===- Describe.cpp - From the integer graph to manifest rows -------------===//
#include "Describe.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Quantize/Quantize.h"
#include "quantc/Reference/Compare.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <set>

using namespace llvm;

namespace mlir::qnet {

/// Per-tensor parameters; per-axis ones and plain types have no single row.
static std::optional<ManifestParams> paramsOf(Type type) {
  auto uniform =
      dyn_cast<quant::UniformQuantizedType>(getElementTypeOrSelf(type));
  if (!uniform)
    return std::nullopt;
  return ManifestParams{static_cast<float>(uniform.getScale()),
                        uniform.getZeroPoint(), uniform.getStorageTypeMin(),
                        uniform.getStorageTypeMax()};
}

/// Bits of a value in memory: of the storage where it is quantized.
static int64_t bitsOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (auto quantized = dyn_cast<quant::QuantizedType>(element))
    return quantized.getStorageTypeIntegralWidth();
  return element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 0;
}

/// Values a row: the product of all dimensions but the leading one.
static int64_t valuesPerRow(Type type) {
  auto shaped = dyn_cast<RankedTensorType>(type);
  if (!shaped || shaped.getRank() == 0)
    return 1;
  FailureOr<int64_t> count = staticElementCount(shaped.getShape().drop_front());
  return succeeded(count) ? *count : 0;
}

static std::string nodeName(Operation *op) {
  StringRef name = nameOf(op->getLoc());
  return name.empty() ? op->getName().getStringRef().str() : name.str();
}

/// The name of the argument that an input's quantization reads, which has no
/// node of its own.
static std::string layerName(Operation *op) {
  auto argument = isa<QuantizeOp>(op)
                      ? dyn_cast<BlockArgument>(op->getOperand(0))
                      : BlockArgument();
  if (!argument)
    return nodeName(op);
  auto main = cast<func::FuncOp>(op->getParentOp());
  auto name =
      main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr);
  return name ? name.str() : nodeName(op);
}

/// All names in a location: the nodes that were joined into one op.
static void namesIn(Location location, std::vector<std::string> &names) {
  if (auto fused = dyn_cast<FusedLoc>(location)) {
    for (Location part : fused.getLocations())
      namesIn(part, names);
  } else if (auto named = dyn_cast<NameLoc>(location);
             named && !is_contained(names, named.getName())) {
    names.push_back(named.getName().str());
  }
}

/// What a noted power of an error, over that of the signal, is in dB.
static std::optional<double> sqnrOf(Operation *op, StringRef name) {
  auto noise = op->getAttrOfType<FloatAttr>(name);
  // False for NaN too.
  const bool isPower = noise && noise.getValueAsDouble() >= 0 &&
                       std::isfinite(noise.getValueAsDouble());
  if (!isPower)
    return std::nullopt;
  return -10 * std::log10(noise.getValueAsDouble());
}

static ManifestLayer describeOp(Operation *op, const KernelUse &use) {
  ManifestLayer layer;
  layer.name = layerName(op);
  layer.op = op->getName().stripDialect().str();
  namesIn(op->getLoc(), layer.nodes);
  Type result = op->getResult(0).getType();
  layer.outputs = valuesPerRow(result);
  layer.outputBits = bitsOf(result);
  layer.outputParams = paramsOf(result);
  layer.storageSqnr = sqnrOf(op, kOutputNoiseAttr);
  layer.weightsSqnr = sqnrOf(op, kRoundingNoiseAttr);
  if (op->getNumOperands() != 0) {
    Type input = op->getOperand(0).getType();
    layer.inputs = valuesPerRow(input);
    layer.inputBits = bitsOf(input);
    layer.inputParams = paramsOf(input);
  }
  if (auto dense = dyn_cast<QDenseOp>(op)) {
    auto weights = cast<RankedTensorType>(dense.getWeights().getType());
    layer.kernel = use.kernel;
    layer.products = weights.getNumElements();
    layer.timeOverFloat = use.timeOverFloat;
    layer.sumBits = use.hasNarrowSums ? 16 : 32;
    layer.visitedShare = use.visitedShare;
    layer.zeroShare = use.zeroShare;
    layer.listedShare = use.listedShare;
    layer.weightsBits = weights.getElementTypeBitWidth();
    layer.weightsBytes =
        static_cast<uint64_t>(weights.getNumElements()) * layer.weightsBits / 8;
    if (Value groups = dense.getGroupMultiplier())
      layer.weightsBytes += cast<ShapedType>(groups.getType()).getNumElements();
    if (auto note = dense->getAttrOfType<StringAttr>(kWeightsAttr))
      layer.weightsNote = note.str();
    if (auto note = dense->getAttrOfType<StringAttr>(kWidenedAttr))
      layer.inputNote = note.str();
    if (auto note = dense->getAttrOfType<StringAttr>(kPrunedAttr))
      layer.prunedNote = note.str();
    layer.isFrozen = dense->hasAttr(kFrozenAttr);
    // A clamp at the zero point is a ReLU.
    if (layer.outputParams &&
        layer.outputParams->zeroPoint == layer.outputParams->qmin)
      layer.function = "relu";
  } else if (auto activation = dyn_cast<ActivationOp>(op)) {
    layer.function = stringifyFunction(activation.getFunction()).str();
  }
  return layer;
}

/// What the ledger says of a layer that the cost model has slower than the
/// float layer it replaces.
static std::string slowness(const KernelUse &use, const CpuVariant &variant) {
  return formatv("{0} is modelled at {1:f2} times the time of a float layer on "
                 "{2}; its weights take a quarter of the memory, or less",
                 use.kernel, use.timeOverFloat,
                 variant.cpu.empty() ? "any CPU" : variant.cpu);
}

/// The values of a row of the argument that the program reads, or nothing where
/// it reads all, or gathers them in a way that isn't along its features.
static std::optional<std::vector<int64_t>> valuesRead(BlockArgument argument) {
  auto type = cast<RankedTensorType>(argument.getType());
  std::set<int64_t> read;
  for (Operation *user : argument.getUsers()) {
    auto gather = dyn_cast<GatherOp>(user);
    if (!gather || type.getRank() != 2 || gather.getAxis() != 1)
      return std::nullopt;
    FailureOr<std::vector<int64_t>> indices =
        readConstant<int64_t>(gather.getIndices());
    if (failed(indices))
      return std::nullopt;
    for (int64_t i : *indices)
      read.insert(i < 0 ? i + type.getDimSize(1) : i);
  }
  if (static_cast<int64_t>(read.size()) == type.getDimSize(1))
    return std::nullopt;
  return std::vector<int64_t>(read.begin(), read.end());
}

void describeProgram(ModuleOp module, const Target &target,
                     const ProgramInterface &interface, Manifest &manifest) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  auto describeTensor = [](const TensorInterface &tensor) {
    ManifestTensor result;
    result.name = tensor.name;
    result.shape.push_back(-1);
    result.shape.insert(result.shape.end(), tensor.shape.begin(),
                        tensor.shape.end());
    result.values = tensor.valuesPerRow;
    result.type = tensor.type;
    result.classes = tensor.classes;
    result.columns = tensor.columns;
    result.categories = tensor.categories;
    if (tensor.stored)
      result.params = paramsOf(tensor.stored);
    return result;
  };
  for (auto [tensor, argument] : zip(interface.inputs, main.getArguments())) {
    ManifestTensor input = describeTensor(tensor);
    for (Operation *user : argument.getUsers())
      if (auto quantize = dyn_cast<QuantizeOp>(user); quantize && !input.params)
        input.params = paramsOf(quantize.getType());
    input.read = valuesRead(argument);
    manifest.inputs.push_back(std::move(input));
  }
  for (const TensorInterface &tensor : interface.outputs)
    manifest.outputs.push_back(describeTensor(tensor));
  manifest.eightBitEntry = interface.hasEightBitEntry;
  manifest.clipped = interface.clipped;

  uint64_t weightsBytes = 0;
  for (Operation &op : main.getBody().front().without_terminator()) {
    if (isa<ConstantOp>(op) || op.getNumResults() == 0)
      continue;
    auto dense = dyn_cast<QDenseOp>(op);
    KernelUse use = dense ? kernelUse(dense, target.best()) : KernelUse();
    manifest.layers.push_back(describeOp(&op, use));
    weightsBytes += manifest.layers.back().weightsBytes;
    if (auto reason = op.getAttrOfType<StringAttr>(kLedgerAttr))
      manifest.ledger.push_back(
          {nodeName(&op), op.getName().stripDialect().str(), reason.str()});
    if (use.timeOverFloat > 1)
      manifest.ledger.push_back({nodeName(&op),
                                 op.getName().stripDialect().str(),
                                 slowness(use, target.best())});
  }
  manifest.sizes["weights"] = weightsBytes;
}

uint64_t floatConstantBytes(ModuleOp module) {
  uint64_t bytes = 0;
  module.walk([&](ConstantOp op) {
    auto type = op.getValue().getShapedType();
    if (isa<FloatType>(type.getElementType()))
      bytes += static_cast<uint64_t>(type.getNumElements()) *
               type.getElementTypeBitWidth() / 8;
  });
  return bytes;
}

} // namespace mlir::qnet
