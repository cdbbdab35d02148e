//===- RoundableLayer.cpp - a layer whose rounding can be chosen ----------===//
#include "RoundableLayer.h"
#include "StorageTypes.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Quantize/Precision.h"
#include "quantc/Quantize/Quantize.h"

using namespace mlir;
using namespace mlir::qnet;

/// Shares of the covariances that are taken for chance, and of their mean that
/// is added to all of them, with as many rows as inputs. They were chosen on
/// the networks of docs/accuracy.md, whose figures are so a little kind to
/// them.
static constexpr double kShrinkage = 0.1, kMostShrinkage = 0.5;
static constexpr double kRidge = 1e-3;

static bool areFinite(ArrayRef<float> values) {
  return llvm::all_of(values, [](float x) { return std::isfinite(x); });
}

static std::vector<double> numbersOf(Attribute attribute) {
  if (auto array = dyn_cast_if_present<DenseF64ArrayAttr>(attribute))
    return {array.asArrayRef().begin(), array.asArrayRef().end()};
  if (auto array = dyn_cast_if_present<DenseF32ArrayAttr>(attribute))
    return {array.asArrayRef().begin(), array.asArrayRef().end()};
  if (auto elements = dyn_cast_if_present<ElementsAttr>(attribute)) {
    if (auto singles = readElements<float>(elements); succeeded(singles))
      return {singles->begin(), singles->end()};
    if (auto doubles = readElements<double>(elements); succeeded(doubles))
      return *doubles;
  }
  return {};
}

/// The numbers of an attribute, if there are `count` finite ones.
static std::vector<double> finiteNumbers(Attribute attribute, int64_t count) {
  std::vector<double> numbers = numbersOf(attribute);
  if (static_cast<int64_t>(numbers.size()) != count ||
      !llvm::all_of(numbers, [](double m) { return std::isfinite(m); }))
    return {};
  return numbers;
}

std::vector<double> qnet::meanOf(Value quantized, int64_t width) {
  Operation *producer = quantized.getDefiningOp();
  if (!producer)
    return {};
  return finiteNumbers(producer->getDiscardableAttr(kMeanAttr), width);
}

std::string qnet::reasonForBytes(int64_t rows, int64_t columns, bool isWide,
                                 int64_t leastInt4) {
  if (isWide)
    return "8 bits: its input has 16";
  if (columns < QDenseOp::kGroupChannels)
    return "8 bits: fewer than " + std::to_string(QDenseOp::kGroupChannels) +
           " input channels";
  if (rows * columns < leastInt4)
    return "8 bits: fewer than " + std::to_string(leastInt4) + " weights";
  return "";
}

WeightGrid qnet::gridOf(DenseOp dense, int64_t channel, ArrayRef<float> row,
                        bool isGrouped) {
  const int64_t groups =
      isGrouped ? QDenseOp::groupsOf(static_cast<int64_t>(row.size())) : 0;
  auto scales = dyn_cast_if_present<DenseF32ArrayAttr>(
      dense->getDiscardableAttr(kWeightScaleAttr));
  auto multipliers = dyn_cast_if_present<DenseI8ArrayAttr>(
      dense->getDiscardableAttr(kGroupMultipliersAttr));
  namespace numerics = quantc::numerics;
  if (scales && channel < scales.size() &&
      scales[channel] >= numerics::minScale &&
      scales[channel] <= numerics::maxScale) {
    WeightGrid grid{scales[channel], {}};
    if (WeightGrid own = chooseGrid(row);
        groups == 0 && own.scale == grid.scale)
      return own;
    if (multipliers && multipliers.size() >= (channel + 1) * groups)
      for (int8_t m : multipliers.asArrayRef().slice(channel * groups, groups))
        if (m > 0)
          grid.multipliers.push_back(static_cast<uint8_t>(m));
    if (static_cast<int64_t>(grid.multipliers.size()) == groups)
      return grid;
  }
  return isGrouped ? chooseGroupedGrid(row) : chooseGrid(row);
}

std::optional<RoundableLayer>
RoundableLayer::read(DenseOp dense, const RoundingOptions &options) {
  auto dequantize = dense.getInput().getDefiningOp<DequantizeOp>();
  auto moment = dyn_cast_if_present<ElementsAttr>(
      dense->getDiscardableAttr(kSecondMomentAttr));
  if (!dequantize || !moment || dense->hasAttr(kFrozenAttr) ||
      dense->hasAttr(kLedgerAttr))
    return std::nullopt;
  quant::UniformQuantizedType type = uniformTypeOf(dequantize.getInput());
  auto weights = readConstant<float>(dense.getWeights());
  if (!type || type.isSigned() ||
      type.getStorageTypeMax() > QDenseOp::kMaxInput || failed(weights) ||
      !areFinite(*weights))
    return std::nullopt;
  RoundableLayer layer;
  layer.dense = dense;
  auto shape = cast<RankedTensorType>(dense.getWeights().getType()).getShape();
  layer.rows = shape[0];
  layer.columns = shape[1];
  layer.bias.resize(layer.rows);
  if (dense.getBias()) {
    auto bias = readConstant<float>(dense.getBias());
    if (failed(bias) || !areFinite(*bias))
      return std::nullopt;
    layer.bias = std::move(*bias);
  }
  if (moment.getShapedType().getShape() !=
      ArrayRef<int64_t>({layer.columns, layer.columns}))
    return std::nullopt;
  layer.moment = moment;
  layer.weights = std::move(*weights);
  layer.target = layer.weights;
  if (auto unrounded = dyn_cast_if_present<ElementsAttr>(
          dense->getDiscardableAttr(kUnroundedAttr)))
    if (auto target = readElements<float>(unrounded);
        succeeded(target) && target->size() == layer.weights.size())
      layer.target = std::move(*target);
  layer.input.params = paramsOf(type);
  if (options.correctsBias) {
    layer.input.mean = meanOf(dequantize.getInput(), layer.columns);
    if (!layer.input.mean.empty())
      layer.sampleMean = finiteNumbers(
          dense->getDiscardableAttr(kSampleMeanAttr), layer.columns);
  }
  auto sampleRows = dyn_cast_if_present<IntegerAttr>(
      dense->getDiscardableAttr(kSampleRowsAttr));
  layer.sampleRows = sampleRows ? sampleRows.getInt() : 0;
  const bool isWide = type.getStorageTypeIntegralWidth() > 8;
  std::optional<Precision> precision = precisionOf(dense);
  const bool isGrouped =
      precision ? precision == Precision::Int4 && !isWide
                : options.isInt4 && reasonForBytes(layer.rows, layer.columns,
                                                   isWide, options.leastInt4)
                                        .empty();
  for (int64_t n = 0; n < layer.rows; ++n)
    layer.grids.push_back(gridOf(dense, n, layer.weightsOf(n), isGrouped));
  return layer;
}

std::vector<double> RoundableLayer::metric(double damping) const {
  auto elements = readElements<float>(moment);
  if (failed(elements))
    return {};
  std::vector<double> matrix(elements->begin(), elements->end());
  if (!sampleMean.empty())
    for (int64_t i = 0; i < columns; ++i)
      for (int64_t j = 0; j < columns; ++j)
        matrix[i * columns + j] -= sampleMean[i] * sampleMean[j];
  double sum = 0;
  for (int64_t i = 0; i < columns; ++i)
    sum += matrix[i * columns + i];
  const double inputsPerRow =
      damping * static_cast<double>(columns) /
      static_cast<double>(std::max<int64_t>(sampleRows, 1));
  const double kept = 1 - std::min(kShrinkage * inputsPerRow, kMostShrinkage);
  const double step = input.params.scale;
  constexpr double uniformVariance = 12;
  const double own = step * step / uniformVariance +
                     kRidge * inputsPerRow * sum / static_cast<double>(columns);
  for (int64_t i = 0; i < columns; ++i)
    for (int64_t j = 0; j < columns; ++j)
      if (i == j)
        matrix[i * columns + j] = std::max(matrix[i * columns + j], 0.0) + own;
      else
        matrix[i * columns + j] *= kept;
  return matrix;
}

void RoundableLayer::writeGrids() {
  Builder builder(dense.getContext());
  std::vector<float> scales;
  std::vector<int8_t> multipliers;
  for (const WeightGrid &grid : grids) {
    scales.push_back(grid.scale);
    multipliers.insert(multipliers.end(), grid.multipliers.begin(),
                       grid.multipliers.end());
  }
  dense->setDiscardableAttr(kWeightScaleAttr,
                            builder.getDenseF32ArrayAttr(scales));
  if (!multipliers.empty())
    dense->setDiscardableAttr(kGroupMultipliersAttr,
                              builder.getDenseI8ArrayAttr(multipliers));
}

void RoundableLayer::writeRounded(ArrayRef<int8_t> quantized) {
  std::vector<int8_t> scratch(columns);
  std::vector<float> newBias = bias;
  for (int64_t n = 0; n < rows; ++n) {
    const WeightGrid &grid = grids[n];
    std::vector<float> row(columns);
    for (int64_t k = 0; k < columns; ++k)
      row[k] = static_cast<float>(quantized[n * columns + k]) * grid.step(k);
    double own = bias[n];
    for (size_t k = 0; k < input.mean.size(); ++k)
      own -= (static_cast<double>(row[k]) - weightsOf(n)[k]) * input.mean[k];
    WeightGrid fitted = grid;
    std::optional<IntegerRow> integer =
        quantizeRow(row, own, input, /*isFloatResult=*/false, fitted, scratch);
    const bool fits = integer && integer->scale == grid.scale &&
                      std::isfinite(static_cast<float>(own)) && areFinite(row);
    if (!fits)
      continue;
    llvm::copy(row, weights.begin() + n * columns);
    newBias[n] = static_cast<float>(own);
  }
  bias = std::move(newBias);
  OpBuilder builder(dense);
  auto type = cast<RankedTensorType>(dense.getWeights().getType());
  dense->setDiscardableAttr(kUnroundedAttr, makeElements<float>(type, target));
  dense.getWeightsMutable().assign(
      makeConstant<float>(builder, dense.getLoc(), {rows, columns},
                          type.getElementType(), weights));
  dense.getBiasMutable().assign(makeConstant<float>(
      builder, dense.getLoc(), {rows}, type.getElementType(), bias));
  writeGrids();
}
