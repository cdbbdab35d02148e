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

#include <cmath>

#define DEBUG_TYPE "migrate-outliers"

namespace mlir::qnet {
#define GEN_PASS_DEF_MIGRATEOUTLIERS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

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
           llvm::zip_equal(group.sizes(), group.columnMaxima()))
        logarithms.push_back(alpha * std::log2(size) -
                             (1 - alpha) * std::log2(column));
      group.apply(nearestExponents(logarithms));
    }
  }
};

} // namespace
