//===- Sensitivity.cpp - what each layer's precision does to the output ---===//
//
// Each layer in turn is the only one that is quantized; the rest of the network
// stays in float. So what differs at the output is that layer's error as the
// rest of the network hands it on.
//
//===----------------------------------------------------------------------===//
#include "TuneSteps.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Kernels/Schedule.h"
#include "quantc/Reference/Compare.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

using namespace llvm;

namespace mlir::qnet {

/// Multiply-adds that the error of a layer's groups of weights may take: a
/// fifth of a second.
static constexpr int64_t kGroupProducts = int64_t(1) << 27;

static constexpr int64_t kFloatBytes = 4;

void setPrecision(Operation *op, Precision precision) {
  op->setDiscardableAttr(kPrecisionAttr,
                         StringAttr::get(op->getContext(), nameOf(precision)));
}

/// The value that a layer reads, behind ops that only move it.
static Value movedValue(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<ReshapeOp, TransposeOp, SliceOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

SmallVector<TunedLayer> tunedLayers(ModuleOp calibrated) {
  MapVector<StringRef, TunedLayer> byName;
  DenseMap<Value, int64_t> inputs;
  calibrated.walk([&](DenseOp dense) {
    StringRef name = layerName(dense);
    if (name.empty() || !whyImpossible(dense, Precision::Int8).empty())
      return;
    TunedLayer &layer = byName[name];
    layer.name = name.str();
    layer.ops.push_back(dense);
    layer.input = inputs
                      .try_emplace(movedValue(dense.getInput()),
                                   static_cast<int64_t>(inputs.size()))
                      .first->second;
  });
  SmallVector<TunedLayer> layers;
  for (auto &[name, layer] : byName)
    layers.push_back(std::move(layer));
  return layers;
}

double weightBytes(Operation *op, const CpuVariant &cpu) {
  if (auto dense = dyn_cast<DenseOp>(op)) {
    auto weights = cast<ShapedType>(dense.getWeights().getType());
    return double(weights.getNumElements()) * kFloatBytes;
  }
  auto dense = cast<QDenseOp>(op);
  auto weights = cast<ShapedType>(dense.getWeights().getType());
  double bytes =
      double(weights.getNumElements()) * weights.getElementTypeBitWidth() / 8;
  // Panels leave out the groups that they don't list.
  bytes *= kernelUse(dense, cpu).listedShare;
  if (Value groups = dense.getGroupMultiplier())
    bytes += double(cast<ShapedType>(groups.getType()).getNumElements());
  return bytes;
}

double modelledCycles(Operation *op, const CpuVariant &cpu) {
  if (auto dense = dyn_cast<QDenseOp>(op))
    return kernelUse(dense, cpu).cycles;
  auto weights = cast<ShapedType>(cast<DenseOp>(op).getWeights().getType());
  return floatCycles(weights.getDimSize(0), weights.getDimSize(1), cpu.isa);
}

namespace {

class Sensitivity {
public:
  Sensitivity(const TuneInput &input, const TuneOptions &options)
      : input(input), options(options) {}

  FailureOr<std::vector<LayerSensitivity>> run();

private:
  FailureOr<PrecisionOption> measure(const TunedLayer &layer,
                                     Precision precision,
                                     LayerSensitivity &result);
  std::vector<double> groupShares(const TunedLayer &layer, QDenseOp integer);
  void readInputs(ArrayRef<TunedLayer> layers);

  TuneInput input;
  const TuneOptions &options;
  /// What each layer reads in float on the sample, where it is plain rows.
  StringMap<std::vector<float>> layerInputs;
};

} // namespace

/// Runs the float network once with the layers' inputs as its results.
void Sensitivity::readInputs(ArrayRef<TunedLayer> layers) {
  OwningOpRef<ModuleOp> observed = input.network.clone();
  auto main = observed->lookupSymbol<func::FuncOp>("main");
  Operation *end = main.getBody().front().getTerminator();
  SmallVector<Value> results;
  SmallVector<StringRef> names;
  observed->walk([&](DenseOp dense) {
    auto type = cast<RankedTensorType>(dense.getInput().getType());
    bool isWanted = any_of(layers, [&](const TunedLayer &layer) {
      return layer.name == layerName(dense) && layer.ops.size() == 1;
    });
    if (!isWanted || type.getRank() != 2 || !type.getElementType().isF32() ||
        type.isDynamicDim(1))
      return;
    names.push_back(layerName(dense));
    results.push_back(dense.getInput());
  });
  if (results.empty())
    return;
  end->setOperands(results);
  // One unnamed result each, in place of the network's own.
  main.removeResAttrsAttr();
  main.setType(FunctionType::get(main.getContext(), main.getArgumentTypes(),
                                 end->getOperandTypes()));
  auto values = input.sample->run(*observed);
  if (failed(values))
    return;
  for (auto [name, value] : zip_equal(names, values->tensors))
    layerInputs[name] = std::move(value);
}

/// The error at the layer's own output that the groups' weights of 4 bits make,
/// each group alone, as shares of their sum.
std::vector<double> Sensitivity::groupShares(const TunedLayer &layer,
                                             QDenseOp integer) {
  auto rows = layerInputs.find(layer.name);
  DenseOp dense = layer.ops.front();
  auto exact = readConstant<float>(dense.getWeights());
  auto quantized = readWeights(integer);
  auto type = cast<ShapedType>(integer.getWeights().getType());
  int64_t n = type.getDimSize(0), k = type.getDimSize(1);
  if (rows == layerInputs.end() || failed(exact) || failed(quantized) ||
      exact->size() != quantized->size() ||
      dense.getWeights().getType().getShape() != type.getShape())
    return {};
  int64_t count = std::clamp<int64_t>(
      kGroupProducts / std::max<int64_t>(n * k, 1), 1, input.sample->rows());
  constexpr int64_t channels = QDenseOp::kGroupChannels;
  std::vector<double> power(QDenseOp::groupsOf(k), 0);
  std::vector<float> error(k);
  for (int64_t channel = 0; channel < n; ++channel) {
    ArrayRef<float> w = ArrayRef<float>(*exact).slice(channel * k, k);
    ArrayRef<int16_t> q = ArrayRef<int16_t>(*quantized).slice(channel * k, k);
    // The scale under which the integers come nearest the weights.
    double cross = 0, square = 0;
    for (auto [real, whole] : zip_equal(w, q)) {
      cross += double(real) * whole;
      square += double(whole) * whole;
    }
    double scale = square > 0 ? cross / square : 0;
    for (int64_t i = 0; i < k; ++i)
      error[i] = static_cast<float>(scale * q[i] - w[i]);
    for (int64_t row = 0; row < count; ++row) {
      const float *x = rows->second.data() + row * k;
      for (auto [group, sum] : enumerate(power)) {
        int64_t first = static_cast<int64_t>(group) * channels;
        float part = 0;
        for (int64_t i = first; i < std::min(first + channels, k); ++i)
          part += error[i] * x[i];
        sum += double(part) * part;
      }
    }
  }
  double all = 0;
  for (double part : power)
    all += part;
  if (all > 0)
    for (double &part : power)
      part /= all;
  return power;
}

FailureOr<PrecisionOption> Sensitivity::measure(const TunedLayer &layer,
                                                Precision precision,
                                                LayerSensitivity &result) {
  OwningOpRef<ModuleOp> module = input.calibrated.clone();
  module->walk([&](DenseOp dense) {
    setPrecision(dense,
                 layerName(dense) == layer.name ? precision : Precision::Float);
  });
  PrecisionOption option;
  option.precision = precision;
  if (precision == Precision::Float) {
    for (DenseOp dense : layer.ops) {
      option.cycles += modelledCycles(dense, input.cpu);
      option.bytes += weightBytes(dense, input.cpu);
    }
    return option;
  }
  if (failed(input.quantize(*module, /*allowFloat=*/true)))
    return failure();
  module->walk([&](QDenseOp dense) {
    if (layerName(dense) != layer.name)
      return;
    option.cycles += modelledCycles(dense, input.cpu);
    option.bytes += weightBytes(dense, input.cpu);
    auto shape = cast<ShapedType>(dense.getWeights().getType());
    result.outputs = shape.getDimSize(0);
    result.inputs = shape.getDimSize(1);
    if (precision == Precision::Int4)
      result.groupShares = groupShares(layer, dense);
  });
  FailureOr<Quality> quality = input.sample->measure(*module);
  if (failed(quality))
    return failure();
  option.noise = quality->noise;
  return option;
}

FailureOr<std::vector<LayerSensitivity>> Sensitivity::run() {
  SmallVector<TunedLayer> layers = tunedLayers(input.calibrated);
  if (options.int4)
    readInputs(layers);
  SmallVector<Precision> wanted = {Precision::Int8};
  if (options.int4)
    wanted.push_back(Precision::Int4);
  if (options.int8x16)
    wanted.push_back(Precision::Int8x16);
  if (options.pruned)
    wanted.append({Precision::Int8Block50, Precision::Int8Block75});
  if (options.allowFloat)
    wanted.push_back(Precision::Float);
  std::vector<LayerSensitivity> results;
  auto total = static_cast<int64_t>(layers.size() * wanted.size()), done = 0L;
  for (const TunedLayer &layer : layers) {
    LayerSensitivity result;
    result.layer.name = layer.name;
    result.layer.input = layer.input;
    for (Precision precision : wanted) {
      bool isPossible = all_of(layer.ops, [&](DenseOp dense) {
        return whyImpossible(dense, precision).empty();
      });
      if (isPossible) {
        FailureOr<PrecisionOption> option = measure(layer, precision, result);
        if (failed(option))
          return failure();
        result.layer.options.push_back(*option);
      }
      if (options.progress)
        options.progress("sensitivity", ++done, total);
    }
    results.push_back(std::move(result));
  }
  return results;
}

FailureOr<std::vector<LayerSensitivity>>
measureSensitivity(const TuneInput &input, const TuneOptions &options) {
  return Sensitivity(input, options).run();
}

} // namespace mlir::qnet
