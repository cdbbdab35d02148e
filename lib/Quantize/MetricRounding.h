//===- MetricRounding.h - rounding for the output's error -------*- C++ -*-===//
#ifndef QUANTC_LIB_QUANTIZE_METRICROUNDING_H
#define QUANTC_LIB_QUANTIZE_METRICROUNDING_H

#include "RoundableLayer.h"

namespace mlir::qnet {

/// Chooses the points of a grid for weights so that d^T H d is small, d being
/// what they are off.
class MetricRounding {
public:
  /// Channels that are worked on together.
  static constexpr int64_t kLanes = 16;

  /// With more damping where H is not positive definite; nothing, and a remark
  /// on the layer, where that does not help.
  static std::optional<MetricRounding> of(const RoundableLayer &layer);

  /// One channel: weights, grid, and the points chosen for them.
  struct Channel {
    ArrayRef<float> target;
    WeightGrid grid;
    std::vector<int8_t> points;
    /// d^T H d in units of scale^2.
    double error = 0;
  };

  /// The channels of a layer from `first` on, at most kLanes, without points.
  static std::vector<Channel> channelsOf(const RoundableLayer &layer,
                                         int64_t first);

  /// Column by column, from that of the largest variance on, each the nearest
  /// point to where the errors made so far are compensated best: what GPTQ does
  /// (Frantar et al. 2022, arXiv:2210.17323, algorithm 1), in the form of
  /// Babai's nearest plane (Chen et al. 2025, arXiv:2507.18553), which needs a
  /// factor of H and no inverse. Points to the nearest where those are better.
  /// Weights of exactly 0 stay 0. At most kLanes channels.
  void compensate(MutableArrayRef<Channel> channels) const;

  /// From the points given: moves single weights to the point that lowers the
  /// error most, column by column, until none does or `sweeps` are done. The
  /// error never grows.
  void descend(Channel &channel, int64_t sweeps) const;

  /// The factor on the grid's scale of least error for the given points.
  double bestScale(const Channel &channel) const;

private:
  int64_t columns = 0;
  std::vector<double> matrix;
  /// Columns in the order of growing variance; the factor of H in that order.
  std::vector<int64_t> order;
  std::vector<double> factor;
};

/// Calls `choose` with each layer below `root` whose rounding can be chosen.
void forEachRoundableLayer(
    Operation *root, const RoundingOptions &options,
    function_ref<void(RoundableLayer &, const MetricRounding &)> choose);

} // namespace mlir::qnet

#endif // QUANTC_LIB_QUANTIZE_METRICROUNDING_H
