//===- ValueParameters.cpp - the quantization parameters of values --------===//
#include "ValueParameters.h"
#include "InputRange.h"
#include "StorageTypes.h"
#include "UnarySteps.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Quantize/Precision.h"
#include "llvm/ADT/EquivalenceClasses.h"

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;
using numerics::QuantParams;

/// All real numbers that the stored integers of a type stand for.
static RealRange rangeOf(const QuantParams &params) {
  double scale = params.scale;
  return {scale * (double(params.qmin) - params.zeroPoint),
          scale * (double(params.qmax) - params.zeroPoint)};
}

/// The largest storage value of constants in qadd and qmul: finer than any
/// activation, and products with 12 bits stay within i32.
static constexpr int32_t kConstantMax = 65535;

/// The largest index of a function whose result has more than 8 bits: a table
/// of 64 KiB.
static constexpr int32_t kWideIndexMax = 32767;

/// How far past its measured range (a share of its width) the index of a
/// function may reach, where the function itself does not say where to stop.
static constexpr double kIndexMargin = 0.25;

void ValueParameters::chooseWidths(func::FuncOp function,
                                   const Placement &placement, bool byDefault) {
  auto wants = [&](Value value, Operation *user) {
    if (auto dense = dyn_cast<DenseOp>(user)) {
      std::optional<Precision> precision = precisionOf(dense);
      // A float layer reads what is stored only where an integer op makes it.
      if (precision == Precision::Float)
        return placement.isInteger(value.getDefiningOp());
      return precision ? *precision == Precision::Int8x16 : byDefault;
    }
    if (placement.isInteger(user) && user->getNumResults() == 1)
      return wide.contains(user->getResult(0));
    return byDefault;
  };
  auto decide = [&](Value value) {
    bool isWide = value.use_empty()
                      ? byDefault
                      : llvm::any_of(value.getUsers(), [&](Operation *user) {
                          return wants(value, user);
                        });
    if (isWide)
      wide.insert(value);
  };
  Block &body = function.getBody().front();
  // Users come first.
  for (Operation &op : llvm::reverse(body))
    llvm::for_each(op.getResults(), decide);
  llvm::for_each(body.getArguments(), decide);
}

namespace {

/// The parameters of values with more than 8 bits: those of 8 bits with the
/// step divided, so that each integer of 8 bits stands for one of them too, and
/// reaching further on both sides.
struct WideGroup {
  RealRange range; ///< that 8 bits are to hold
  RealRange seen;
  bool mayGoFurther = true;
  QuantParams params, coarse;

  /// For values stored up to `qmax`.
  void choose(int32_t qmax) {
    constexpr int32_t bytes = 255;
    coarse = chooseCovering(range.lo, range.hi, 0, bytes);
    if (qmax <= bytes) {
      params = chooseCovering(range.lo, range.hi, 0, qmax);
      return;
    }
    const int32_t times = reach(qmax / bytes);
    const int32_t steps = qmax / (bytes * times);
    const double scale = double(coarse.scale) / steps;
    params = coarse;
    params.qmax = bytes * times * steps;
    params.scale =
        std::max(static_cast<float>(scale), quantc::numerics::minScale);
    // 0 stays where it is between the ends.
    params.zeroPoint =
        static_cast<int32_t>(int64_t(coarse.zeroPoint) * params.qmax / bytes);
  }

private:
  /// How many times as far as the range, of what `most` steps for each of 8
  /// bits allow: beyond what was seen, as rows to come may be; but the steps
  /// stay finer than those of 8 bits, however far away a few values are.
  int32_t reach(int32_t most) const {
    constexpr double beyondSeen = 4;
    constexpr int32_t leastSteps = 8;
    if (!mayGoFurther)
      return 1;
    double wanted = 1;
    if (range.hi > 0)
      wanted = std::max(wanted, beyondSeen * seen.hi / range.hi);
    if (range.lo < 0)
      wanted = std::max(wanted, beyondSeen * seen.lo / range.lo);
    const double limit = std::max(most / leastSteps, 1);
    return static_cast<int32_t>(std::ceil(std::min(wanted, limit)));
  }
};

} // namespace

/// Whether the value is that of an rbf kernel: exp of a negated distance, so
/// from 0 to 1.
static bool isKernelOfDistances(Value value) {
  auto activation = value.getDefiningOp<ActivationOp>();
  return activation && activation.getFunction() == Function::exp &&
         activation->hasAttr(kFinishAttr);
}

LogicalResult ValueParameters::chooseTypes(func::FuncOp function,
                                           const Placement &placement,
                                           int32_t activationMax) {
  // One parameter set for what a move or an extreme ties together.
  llvm::EquivalenceClasses<const void *> ties;
  for (Value value : needed)
    ties.insert(value.getAsOpaquePointer());
  for (Operation &op : function.getBody().front())
    if (placement.isInteger(&op) && !unaryLink(&op) &&
        (isMove(&op) || isa<MinOp, MaxOp>(op)))
      for (Value operand : op.getOperands())
        if (needed.contains(operand))
          ties.unionSets(op.getResult(0).getAsOpaquePointer(),
                         operand.getAsOpaquePointer());

  llvm::DenseMap<const void *, RealRange> groupRanges;
  llvm::DenseMap<const void *, quant::UniformQuantizedType> groupFixed;
  auto leaderOf = [&](Value value) {
    return ties.getLeaderValue(value.getAsOpaquePointer());
  };
  for (Value value : needed) {
    if (auto type = fixed.lookup(value))
      groupFixed.try_emplace(leaderOf(value), type);
    std::optional<RealRange> range;
    if (auto measured = ranges.find(value); measured != ranges.end()) {
      range = measured->second;
    } else if (auto elements = readConstant<float>(value);
               succeeded(elements) && !elements->empty()) {
      auto [lo, hi] = std::minmax_element(elements->begin(), elements->end());
      range = {*lo, *hi};
    }
    if (range) {
      auto [group, isNew] = groupRanges.try_emplace(leaderOf(value), *range);
      if (!isNew)
        group->second.include(*range);
    }
  }
  llvm::DenseMap<const void *, WideGroup> wideGroups;
  for (Value value : needed)
    if (wide.contains(value) && groupRanges.contains(leaderOf(value)))
      wideGroups.try_emplace(leaderOf(value));
  for (Value value : needed) {
    auto group = wideGroups.find(leaderOf(value));
    if (group == wideGroups.end() || isConstant(value))
      continue;
    auto range = seen.find(value);
    // A function's result goes no further than the function.
    auto *chain = chains.find(value);
    const bool isKernel = isKernelOfDistances(value);
    if (isKernel)
      groupRanges[leaderOf(value)].include({0.0, 1.0});
    const bool mayGoFurther =
        range != seen.end() && !isKernel &&
        (chain == chains.end() ||
         isClampOf(chain->second.steps,
                   chooseCovering(range->second.lo, range->second.hi, 0, 255)));
    group->second.mayGoFurther &= mayGoFurther;
    if (mayGoFurther)
      group->second.seen.include(range->second);
  }
  for (auto &[leader, group] : wideGroups) {
    group.range = groupRanges.lookup(leader);
    group.choose(QDenseOp::kMaxInput);
  }
  // What the proof of the accumulators leaves of the storage.
  for (Value value : needed)
    if (auto group = wideGroups.find(leaderOf(value));
        group != wideGroups.end())
      for (Operation *user : value.getUsers())
        if (isQuantizableDense(user) && placement.isInteger(user))
          group->second.choose(largestInput(cast<DenseOp>(user),
                                            rangeOf(group->second.params),
                                            group->second.params.qmax));
  LogicalResult result = success();
  for (Value value : needed) {
    quant::UniformQuantizedType type = fixed.lookup(value);
    if (!type)
      type = groupFixed.lookup(leaderOf(value));
    if (!type) {
      auto range = groupRanges.find(leaderOf(value));
      if (range == groupRanges.end()) {
        emitError(value.getLoc(), "no range was measured for this value, which "
                                  "must be stored in 8 bits; calibrate the "
                                  "network with rows of data first");
        result = failure();
        continue;
      }
      bool isLoneConstant =
          isConstant(value) && llvm::none_of(value.getUsers(), isMove);
      auto group = wideGroups.find(leaderOf(value));
      if (group != wideGroups.end() && !isLoneConstant) {
        type = uniformTypeFor(function.getContext(), group->second.params);
        coarse[value] =
            uniformTypeFor(function.getContext(), group->second.coarse);
      } else {
        type = uniformTypeFor(
            function.getContext(),
            chooseCovering(range->second.lo, range->second.hi, 0,
                           isLoneConstant ? kConstantMax : activationMax));
      }
    }
    types[value] = type;
  }
  return result;
}

LogicalResult ValueParameters::chooseIndices(int32_t indexMax) {
  LogicalResult result = success();
  for (auto &[end, chain] : chains) {
    auto type = types.lookup(end);
    if (!type || !internal.contains(chain.source) ||
        isClampOf(chain.steps, paramsOf(type)))
      continue;
    FailureOr<RealRange> range = sourceRange(chain.source);
    if (failed(range)) {
      result = failure();
      continue;
    }
    numerics::IndexRange index = numerics::trimIndexRange(
        chain.steps, range->lo, range->hi, paramsOf(type));
    int32_t largest = type.getStorageTypeIntegralWidth() > 8
                          ? std::max(indexMax, kWideIndexMax)
                          : indexMax;
    types[chain.source] =
        uniformTypeFor(chain.source.getContext(),
                       numerics::chooseAffine(index.lo, index.hi, 0, largest));
  }
  return result;
}

/// Where a value in front of a function may lie: what was measured and some
/// more, and never outside what the layer's weights allow.
FailureOr<RealRange> ValueParameters::sourceRange(Value source) {
  std::optional<RealRange> range;
  if (auto measured = ranges.find(source); measured != ranges.end()) {
    range = measured->second;
    double margin = kIndexMargin * (range->hi - range->lo);
    range->lo -= margin;
    range->hi += margin;
  }
  if (auto dense = source.getDefiningOp<DenseOp>())
    if (std::optional<RealRange> bound = analyticRange(dense)) {
      if (!range)
        return *bound;
      return RealRange{std::max(range->lo, bound->lo),
                       std::min(range->hi, bound->hi)};
    }
  if (!range)
    return emitError(source.getLoc(),
                     "no range was measured for this value, which a function "
                     "reads as an index; calibrate the network first");
  return *range;
}

std::optional<RealRange> ValueParameters::analyticRange(DenseOp dense) {
  quant::UniformQuantizedType inputType = types.lookup(dense.getInput());
  if (!inputType)
    if (auto dequantize = dense.getInput().getDefiningOp<DequantizeOp>())
      inputType = uniformTypeOf(dequantize.getInput());
  auto weights = readConstant<float>(dense.getWeights());
  if (!inputType || failed(weights))
    return std::nullopt;
  auto shape = cast<ShapedType>(dense.getWeights().getType()).getShape();
  int64_t rows = shape[0], columns = shape[1];
  std::vector<float> bias(rows, 0.0f);
  if (dense.getBias()) {
    auto elements = readConstant<float>(dense.getBias());
    if (failed(elements))
      return std::nullopt;
    bias = std::move(*elements);
  }
  RealRange input = rangeOf(paramsOf(inputType));
  std::optional<RealRange> all;
  for (int64_t n = 0; n < rows; ++n) {
    double positive = 0.0, negative = 0.0;
    for (float w : ArrayRef<float>(*weights).slice(n * columns, columns))
      (w > 0.0f ? positive : negative) += w;
    RealRange row{bias[n] + positive * input.lo + negative * input.hi,
                  bias[n] + positive * input.hi + negative * input.lo};
    if (all)
      all->include(row);
    else
      all = row;
  }
  return all.value_or(RealRange());
}
