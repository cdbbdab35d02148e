//===- SplitChannels.cpp - outliers in two halves -------------------------===//
//
// Takes          a dense layer read by one other dense layer only, a share of
//                its channels.
// Gives          both with the channels of the largest weights, or of the
//                largest values, twice, and these weights or values halved
//                (Zhao et al., "Improving Neural Network Quantization without
//                Retraining using Outlier Channel Splitting", 2019).
// Why            one outlier takes the steps of a row, or of a range, from all
//                others; rescaling (equalize-layers) needs functions that let
//                a scale through.
// Not done here  channels that pass through other ops; how many help (compare,
//                which tries them).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "ChannelCopies.h"
#include "ChannelScaling.h"
#include "DenseLayer.h"

#include <algorithm>
#include <cmath>

#define DEBUG_TYPE "split-channels"

namespace mlir::qnet {
#define GEN_PASS_DEF_SPLITCHANNELS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// What splitting columns does to the steps of the rows that hold them.
class RowSteps {
public:
  explicit RowSteps(const DenseLayer &layer) : rows(layer.channels) {
    for (int64_t k = 0; k < layer.inputs; ++k) {
      std::vector<float> &column = columns.emplace_back();
      for (int64_t n = 0; n < rows; ++n)
        column.push_back(std::fabs(layer.weights[n * layer.inputs + k]));
    }
    for (int64_t n = 0; n < rows; ++n)
      tops.push_back(topOf(n));
  }

  /// The column whose splitting lessens the sum of squared steps most; -1 if
  /// none does.
  int64_t best() const {
    std::vector<double> gains(columns.size(), 0);
    for (const Top &top : tops) {
      const double after = std::max(top.first / 2, top.second);
      gains[top.column] += top.first * top.first - after * after;
    }
    const auto most = std::max_element(gains.begin(), gains.end());
    return most != gains.end() && *most > 0 ? most - gains.begin() : -1;
  }

  void split(int64_t column) {
    for (float &magnitude : columns[column])
      magnitude /= 2;
    columns.push_back(std::vector<float>(columns[column]));
    for (int64_t n = 0; n < rows; ++n)
      if (tops[n].column == column)
        tops[n] = topOf(n);
  }

private:
  struct Top {
    int64_t column = 0;
    double first = 0, second = 0; ///< the largest magnitudes of a row
  };
  Top topOf(int64_t n) const {
    Top top;
    for (auto [k, column] : llvm::enumerate(columns)) {
      const double magnitude = column[n];
      if (magnitude > top.first)
        top = {static_cast<int64_t>(k), magnitude, top.first};
      else
        top.second = std::max(top.second, magnitude);
    }
    return top;
  }

  int64_t rows;
  std::vector<std::vector<float>> columns; ///< magnitudes
  std::vector<Top> tops;                   ///< of each row
};

struct SplitChannels : qnet::impl::SplitChannelsBase<SplitChannels> {
  using SplitChannelsBase::SplitChannelsBase;

  void runOnOperation() override {
    // False for NaN too.
    const bool isShare = share > 0 && share <= 1;
    if (!isShare || (by != "weights" && by != "activations")) {
      getOperation().emitError(
          DEBUG_TYPE ": by must be weights or activations, and the share lie "
                     "above 0 and not above 1");
      return signalPassFailure();
    }
    SmallVector<DenseOp> layers;
    getOperation().walk([&](DenseOp op) { layers.push_back(op); });
    for (DenseOp layer : layers) {
      DenseOp reader = onlyReader(layer);
      if (!reader || layer->hasAttr(kFrozenAttr) ||
          reader->hasAttr(kFrozenAttr) ||
          isa<quant::CalibratedQuantizedType>(
              getElementTypeOrSelf(layer.getType())))
        continue;
      if (by == "weights")
        splitWeights(layer, reader);
      else if (!llvm::is_contained(keep, nameOfValue(layer)))
        splitActivations(layer, reader);
    }
  }

private:
  int64_t countOf(int64_t channels) const {
    return static_cast<int64_t>(
        std::ceil(share * static_cast<double>(channels)));
  }

  void splitWeights(DenseOp layer, DenseOp reader) {
    std::optional<DenseLayer> read = DenseLayer::read(reader);
    if (!read)
      return;
    RowSteps steps(*read);
    SmallVector<int32_t> sources;
    for (int64_t i = 0, e = countOf(read->inputs); i < e; ++i) {
      const int64_t column = steps.best();
      if (column < 0)
        break;
      steps.split(column);
      sources.push_back(static_cast<int32_t>(column));
    }
    copyChannels(layer, reader, sources);
  }

  /// A part may be split again: each is 2^-e of the channel, e its exponent.
  void splitActivations(DenseOp layer, DenseOp reader) {
    std::string why;
    FailureOr<ChannelScaling> scaling = ChannelScaling::around(layer, why);
    if (failed(scaling))
      return;
    std::vector<double> sizes = scaling->sizes();
    SmallVector<int32_t> sources;
    std::vector<int32_t> exponents(sizes.size(), 0);
    for (int64_t i = 0, e = countOf(scaling->channels()); i < e; ++i) {
      const auto largest = std::max_element(sizes.begin(), sizes.end());
      const double half = *largest / 2;
      if (half <= 0)
        break;
      const auto channel = static_cast<int32_t>(largest - sizes.begin());
      const int32_t exponent = exponents[channel] + 1;
      sources.push_back(channel);
      sizes[channel] = half;
      exponents[channel] = exponent;
      sizes.push_back(half);
      exponents.push_back(exponent);
    }
    copyChannels(layer, reader, sources);
    scaling = ChannelScaling::around(layer, why);
    if (succeeded(scaling) && scaling->channels() == int64_t(exponents.size()))
      scaling->apply(exponents);
  }
};

} // namespace
