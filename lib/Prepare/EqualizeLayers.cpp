//===- EqualizeLayers.cpp - rows and columns of like size -----------------===//
//
// Takes          hidden channels between dense layers, through positively
//                homogeneous functions (ChannelScaling).
// Gives          rows by 1 / s[c], columns by s[c], s[c] the power of two
//                nearest to sqrt(r1[c] / r2[c]), r1[c] the largest weight of
//                the rows that make channel c, r2[c] of the columns that read
//                it; again until nothing changes (Nagel et al., "Data-Free
//                Quantization through Weight Equalization and Bias Correction",
//                2019, section 4.1).
// Why            a value has one range and a row one scale, which fit channels
//                of like size.
// Not done here  what the data say of the channels (migrate-outliers);
//                absorbing biases.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "ChannelScaling.h"

#include <cmath>

#define DEBUG_TYPE "equalize-layers"

namespace mlir::qnet {
#define GEN_PASS_DEF_EQUALIZELAYERS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

/// Sweeps over the groups: neighbours change each other's weights.
static constexpr int kMostSweeps = 20;

namespace {

struct EqualizeLayers : qnet::impl::EqualizeLayersBase<EqualizeLayers> {
  using EqualizeLayersBase::EqualizeLayersBase;

  void runOnOperation() override {
    const std::vector<std::string> kept(keep.begin(), keep.end());
    const std::vector<ChannelScaling> groups =
        ChannelScaling::allIn(getOperation(), kept);
    bool isSettled = false;
    for (int sweep = 0; sweep < kMostSweeps && !isSettled; ++sweep) {
      isSettled = true;
      for (const ChannelScaling &group : groups) {
        std::vector<double> logarithms;
        for (auto [row, column] :
             llvm::zip_equal(group.rowMaxima(), group.columnMaxima()))
          logarithms.push_back((std::log2(row) - std::log2(column)) / 2);
        if (group.apply(nearestExponents(logarithms)))
          isSettled = false;
      }
    }
  }
};

} // namespace
