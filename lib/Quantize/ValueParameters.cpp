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
  llvm::DenseSet<const void *> wideGroups;
  for (Value value : needed)
    if (wide.contains(value))
      wideGroups.insert(leaderOf(value));
  // Beyond 8 bits, what the proof of the accumulators leaves of the storage.
  llvm::DenseMap<const void *, int32_t> groupMax;
  for (Value value : needed) {
    auto range = groupRanges.find(leaderOf(value));
    if (!wideGroups.contains(leaderOf(value)) || range == groupRanges.end())
      continue;
    int32_t &largest =
        groupMax.try_emplace(leaderOf(value), QDenseOp::kMaxInput)
            .first->second;
    for (Operation *user : value.getUsers())
      if (isQuantizableDense(user) && placement.isInteger(user))
        largest = largestInput(cast<DenseOp>(user), range->second, largest);
  }
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
      type =
          uniformTypeFor(function.getContext(),
                         chooseCovering(range->second.lo, range->second.hi, 0,
                                        isLoneConstant ? kConstantMax
                                        : groupMax.contains(leaderOf(value))
                                            ? groupMax.lookup(leaderOf(value))
                                            : activationMax));
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
