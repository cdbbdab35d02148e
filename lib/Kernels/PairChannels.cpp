//===- PairChannels.cpp - hidden channels in an order that kernels like ---===//
//
// Takes          an integer graph, one instruction set.
// Gives          the channels between two dense layers in another order, in
//                which fewer 16-bit sums of the second layer have too much and
//                its fastest row is faster.
// Why            heavy weights meet light ones, in all panels alike, so that a
//                small layer needs neither visits nor lists. The order of
//                hidden channels is nobody's but the two layers'.
// Not done here  large layers, whose panels list groups each in an order of its
//                own (select-kernels).
//
//===----------------------------------------------------------------------===//

#include "IsaOption.h"
#include "PairGroups.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Kernels/Passes.h"
#include "quantc/Kernels/Schedule.h"

#define DEBUG_TYPE "pair-channels"

namespace mlir::qnet {
#define GEN_PASS_DEF_PAIRCHANNELS
#include "quantc/Kernels/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Larger layers are not looked at: the search takes time with each output
/// channel, and seldom finds an order that suits them all.
constexpr int64_t mostWeights = 1 << 15;

/// The rows of an instruction set that add in 16 bits, one of each depth.
SmallVector<const KernelRow *> narrowRows(Isa isa) {
  SmallVector<const KernelRow *> rows;
  for (const KernelRow &row : kernelTable())
    if (row.isa == isa && row.gainsBySmallInputs() &&
        llvm::none_of(
            rows, [&](const KernelRow *known) { return known->kr == row.kr; }))
      rows.push_back(&row);
  return rows;
}

/// The input channels of a layer in the order in which a row should multiply
/// them; those beyond whole steps stay where they are.
std::vector<int32_t> orderOf(const LayerWeights &layer, const KernelRow &row) {
  // A 16-bit sum has the products of one half of each group of a step. For the
  // search a channel is a group, and a sum a step.
  const int64_t halves = 2, half = row.group() / halves;
  int64_t depth = row.kr / halves, whole = layer.k / row.kr * row.kr;
  int64_t vectors = llvm::divideCeil(layer.n, row.lanes);
  GroupSums channels{std::vector<uint16_t>(whole * vectors * 2 * row.lanes, 0),
                     vectors,
                     row.lanes,
                     {static_cast<uint16_t>(largestPositiveSum(layer.lhsMax)),
                      static_cast<uint16_t>(largestNegativeSum(layer.lhsMax))}};
  for (int64_t k = 0; k < whole; ++k)
    for (int64_t n = 0; n < layer.n; ++n) {
      // An int8_t is a number here, not a character.
      // NOLINTNEXTLINE(bugprone-signed-char-misuse)
      int32_t w = layer.values[n * layer.k + k];
      int64_t vector = (k * vectors + n / row.lanes) * 2 + (w < 0);
      channels.values[vector * row.lanes + n % row.lanes] =
          static_cast<uint16_t>(std::abs(w));
    }
  std::vector<int32_t> bySum = pairGroups(channels, depth);

  std::vector<int32_t> order(layer.k);
  for (int64_t k = whole; k < layer.k; ++k)
    order[k] = static_cast<int32_t>(k);
  for (int64_t k = 0; k < whole; ++k) {
    int64_t sum = k / depth, member = k % depth;
    int64_t place = sum / halves * row.kr + member / half * row.group() +
                    sum % halves * half + member % half;
    order[place] = bySum[k];
  }
  return order;
}

/// `values` of rows of `width` in another order.
template <typename T>
std::vector<T> rowsInOrder(ArrayRef<T> values, ArrayRef<int32_t> order,
                           int64_t width) {
  std::vector<T> result;
  result.reserve(values.size());
  for (int32_t from : order)
    llvm::append_range(result, values.slice(from * width, width));
  return result;
}

struct PairChannels : qnet::impl::PairChannelsBase<PairChannels> {
  using PairChannelsBase::PairChannelsBase;

  void runOnOperation() override {
    FailureOr<Isa> known = isaOption(getOperation(), "pair-channels", isa);
    if (failed(known))
      return signalPassFailure();
    SmallVector<const KernelRow *> rows = narrowRows(*known);
    if (rows.empty())
      return;
    SmallVector<QDenseOp> layers;
    getOperation().walk([&](QDenseOp op) { layers.push_back(op); });
    for (QDenseOp layer : layers)
      pair(layer, rows, *known);
  }

  /// Reorders the inputs of `layer` as is best for one of the rows, where the
  /// layer's fastest form is faster for it.
  static void pair(QDenseOp layer, ArrayRef<const KernelRow *> rows, Isa isa) {
    auto before = layer.getInput().getDefiningOp<QDenseOp>();
    if (!before || !before->hasOneUse() || before.getGroupMultiplier() ||
        layer.getGroupMultiplier())
      return;
    auto type = cast<RankedTensorType>(layer.getWeights().getType());
    auto input = cast<quant::UniformQuantizedType>(
        cast<RankedTensorType>(layer.getInput().getType()).getElementType());
    auto values = readConstant<int8_t>(layer.getWeights());
    if (failed(values) || type.getNumElements() > mostWeights)
      return;
    LayerWeights weights{*values, type.getDimSize(0), type.getDimSize(1),
                         static_cast<int32_t>(input.getStorageTypeMax())};
    auto timeOf = [&](const LayerWeights &form) {
      return timeOverFloat(form, chooseRow(form, isa));
    };
    double least = timeOf(weights);
    std::vector<int32_t> order;
    std::vector<int8_t> ordered;
    for (const KernelRow *row : rows) {
      if (weights.k < row->kr || !row->reads(weights.lhsMax) ||
          split(weights, *row).visits.offsets.empty())
        continue;
      std::vector<int32_t> channels = orderOf(weights, *row);
      std::vector<int8_t> tried = inOrder(weights, channels);
      double time = timeOf({tried, weights.n, weights.k, weights.lhsMax});
      if (time >= least)
        continue;
      least = time;
      order = std::move(channels);
      ordered = std::move(tried);
    }
    if (order.empty() || failed(reorderOutputs(before, order)))
      return;
    OpBuilder b(layer);
    layer.getWeightsMutable().assign(
        makeConstant<int8_t>(b, layer.getWeights().getLoc(), type.getShape(),
                             type.getElementType(), ordered));
  }

  /// A layer's weights with its input channels in another order.
  static std::vector<int8_t> inOrder(const LayerWeights &layer,
                                     ArrayRef<int32_t> order) {
    std::vector<int8_t> ordered;
    ordered.reserve(layer.values.size());
    for (int64_t n = 0; n < layer.n; ++n)
      for (int32_t k : order)
        ordered.push_back(layer.values[n * layer.k + k]);
    return ordered;
  }

  /// Gives a layer's output channels another order.
  static LogicalResult reorderOutputs(QDenseOp layer, ArrayRef<int32_t> order) {
    OpBuilder b(layer);
    auto reordered = [&]<typename T>(Value value, T) -> FailureOr<Value> {
      if (!value)
        return value;
      auto values = readConstant<T>(value);
      if (failed(values))
        return failure();
      auto type = cast<RankedTensorType>(value.getType());
      return makeConstant<T>(
          b, value.getLoc(), type.getShape(), type.getElementType(),
          rowsInOrder<T>(*values, order,
                         type.getNumElements() / type.getDimSize(0)));
    };
    FailureOr<Value> weights = reordered(layer.getWeights(), int8_t());
    // Bits of f32 or i32: they are moved, not read.
    FailureOr<Value> bias = reordered(layer.getBias(), int32_t()),
                     multiplier = reordered(layer.getMultiplier(), int32_t()),
                     shift = reordered(layer.getShift(), int32_t());
    if (failed(weights) || failed(bias) || failed(multiplier) || failed(shift))
      return failure();
    layer.getWeightsMutable().assign(*weights);
    layer.getBiasMutable().assign(*bias);
    layer.getMultiplierMutable().assign(*multiplier);
    if (*shift)
      layer.getShiftMutable().assign(*shift);
    return success();
  }
};

} // namespace
