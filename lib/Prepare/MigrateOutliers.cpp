//===- MigrateOutliers.cpp - large activations move into weights ----------===//
//
// Takes          hidden channels between dense layers (ChannelScaling), second
//                moments of the inputs of those that read them.
// Gives          rows that make channel c by 1 / s[c], columns that read it by
//                s[c], s[c] the power of two nearest to x[c]^alpha /
//                w[c]^(1 - alpha), x[c] the channel's size, w[c] its largest
//                column weight (Xiao et al., "SmoothQuant", 2023, section 4).
// Why            one channel of large values takes the steps of a range from
//                all others; weights have room.
// Not done here  channels of inputs, which no layer before can rescale;
//                weights alone (equalize-layers).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "ChannelScaling.h"
#include "quantc/Dialect/Constants.h"

#include <cmath>

#define DEBUG_TYPE "migrate-outliers"

namespace mlir::qnet {
#define GEN_PASS_DEF_MIGRATEOUTLIERS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

/// sqrt(E[x^2]) of each channel where it is read, the largest of its readers.
/// The paper takes the largest |x|; a factor that all channels share is of no
/// matter. Zeros where nothing was measured.
static std::vector<double> sizesOf(const ChannelGroup &group) {
  std::vector<double> sizes(group.channels);
  for (auto [reader, offset] : group.readers) {
    auto moment =
        DenseOp(reader)->getAttrOfType<ElementsAttr>(kSecondMomentAttr);
    auto weights =
        cast<RankedTensorType>(DenseOp(reader).getWeights().getType());
    const int64_t inputs = weights.getDimSize(1);
    if (!moment)
      continue;
    auto values = readElements<float>(moment);
    if (failed(values) || int64_t(values->size()) != inputs * inputs)
      continue;
    for (int64_t c = 0; c < group.channels; ++c)
      sizes[c] = std::max(
          sizes[c], std::sqrt(double((*values)[(offset + c) * (inputs + 1)])));
  }
  return sizes;
}

namespace {

struct MigrateOutliers : qnet::impl::MigrateOutliersBase<MigrateOutliers> {
  using MigrateOutliersBase::MigrateOutliersBase;

  void runOnOperation() override {
    const std::vector<std::string> kept(keep.begin(), keep.end());
    // False for NaN too.
    const bool isShare = alpha >= 0 && alpha <= 1;
    if (!isShare) {
      getOperation().emitError(DEBUG_TYPE ": alpha must lie between 0 and 1");
      return signalPassFailure();
    }
    for (const ChannelScaling &group :
         ChannelScaling::allIn(getOperation(), kept)) {
      std::vector<double> logarithms;
      for (auto [size, column] :
           llvm::zip_equal(sizesOf(group.members()), group.columnMaxima()))
        logarithms.push_back(alpha * std::log2(size) -
                             (1 - alpha) * std::log2(column));
      group.apply(nearestExponents(logarithms));
    }
  }
};

} // namespace
