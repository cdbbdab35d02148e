//===- RoundableLayer.h - layers whose rounding is chosen -------*- C++ -*-===//
#ifndef QUANTC_LIB_QUANTIZE_ROUNDABLELAYER_H
#define QUANTC_LIB_QUANTIZE_ROUNDABLELAYER_H

#include "IntegerRow.h"

#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

/// The mean of each input feature, where the calibration left one of the width
/// on the producer of the quantized input.
std::vector<double> meanOf(Value quantized, int64_t width);

/// Why a layer of that size, of an input of bytes or a wider one, keeps 8 bits
/// where 4 were asked for; empty if it does not.
std::string reasonForBytes(int64_t rows, int64_t columns, bool isWide,
                           int64_t leastInt4);

/// The grid of one output channel: the one that kWeightScaleAttr (and
/// kGroupMultipliersAttr) give, else the one that `row` is given by itself.
WeightGrid gridOf(DenseOp dense, int64_t channel, ArrayRef<float> row,
                  bool isGrouped);

/// What the passes that choose the rounding of weights are told.
struct RoundingOptions {
  bool isInt4 = false;
  int64_t leastInt4 = 0;
  bool correctsBias = true;
};

/// A dense layer between assign-parameters and quantize-weights of which enough
/// is known to choose the rounding of its weights.
struct RoundableLayer {
  DenseOp dense;
  int64_t rows = 0, columns = 0;
  /// What the integer weights should do, before any rounding.
  std::vector<float> target;
  /// Equal to the target, or points of the grids that a pass has chosen.
  std::vector<float> weights;
  std::vector<float> bias;
  LayerInput input;
  std::vector<WeightGrid> grids;

  /// Nothing for a layer that is frozen, stays in float, has no second moment,
  /// or which quantize-weights will refuse.
  static std::optional<RoundableLayer> read(DenseOp dense,
                                            const RoundingOptions &options);

  ArrayRef<float> targetOf(int64_t channel) const {
    return ArrayRef<float>(target).slice(channel * columns, columns);
  }
  ArrayRef<float> weightsOf(int64_t channel) const {
    return ArrayRef<float>(weights).slice(channel * columns, columns);
  }

  /// How the layer's output errs by an error d of one channel's weights is
  /// d^T H d (the mean of the input is the bias' business). H is the covariance
  /// of the input over the sample and the power of its own rounding, step^2 /
  /// 12, on the diagonal. As the sample is one, its covariances are shrunk by a
  /// share that grows with the inputs for each row (Ledoit and Wolf 2004);
  /// `damping` is that share, 1 what is right. Columns x columns.
  std::vector<double> metric(double damping) const;

  /// Writes the grids of all channels on the layer.
  void writeGrids();
  /// Makes the points `quantized` (rows x columns) of the grids the weights,
  /// and moves what they change of the output's mean into the bias. A channel
  /// under whose grid the accumulator would not hold all inputs stays as it is.
  void writeRounded(ArrayRef<int8_t> quantized);

private:
  ElementsAttr moment;
  std::vector<double> sampleMean;
  int64_t sampleRows = 0;
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_ROUNDABLELAYER_H
