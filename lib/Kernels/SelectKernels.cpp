//===- SelectKernels.cpp - dense layers to rows of the kernel table
//--------===//
//
// Takes          an integer graph with qdense ops (or a float graph with dense
//                ops of constant weights), one instruction set.
// Gives          packed_dense ops on packed, padded constants; activations
//                between them in the kernel's own storage.
// Why            weights are constants: packing, padding and the correction for
//                signed storage cost nothing at run time.
// Not done here  loops (Lower, expand-packed-dense); the cost model (Schedule).
//
//===----------------------------------------------------------------------===//

#include "IsaOption.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Kernels/KernelTable.h"
#include "quantc/Kernels/Passes.h"
#include "quantc/Kernels/Schedule.h"

#define DEBUG_TYPE "select-kernels"

namespace mlir::qnet {
#define GEN_PASS_DEF_SELECTKERNELS
#include "quantc/Kernels/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Rank-2 view of a tensor whose last dimension stays: [rows, last].
RankedTensorType asRows(RankedTensorType type) {
  int64_t rows = 1;
  for (int64_t dim : type.getShape().drop_back())
    rows = ShapedType::isDynamic(rows) || ShapedType::isDynamic(dim)
               ? ShapedType::kDynamic
               : rows * dim;
  return RankedTensorType::get({rows, type.getShape().back()},
                               type.getElementType());
}

/// `values` of T with zeros up to `count`.
template <typename T> std::vector<T> padded(ArrayRef<T> values, int64_t count) {
  std::vector<T> result(values.begin(), values.end());
  result.resize(count, T(0));
  return result;
}

struct SelectKernels : qnet::impl::SelectKernelsBase<SelectKernels> {
  using SelectKernelsBase::SelectKernelsBase;

  void runOnOperation() override {
    FailureOr<Isa> known = isaOption(getOperation(), "select-kernels", isa);
    if (failed(known))
      return signalPassFailure();
    chosenIsa = *known;

    SmallVector<QDenseOp> integerLayers;
    SmallVector<DenseOp> floatLayers;
    getOperation().walk([&](Operation *op) {
      if (auto layer = dyn_cast<QDenseOp>(op))
        integerLayers.push_back(layer);
      else if (auto layer = dyn_cast<DenseOp>(op))
        floatLayers.push_back(layer);
    });
    if (!kernel.empty()) {
      forced = kernelByName(kernel);
      if (!forced || forced->isa != chosenIsa || forced->isFloat()) {
        getOperation().emitError("select-kernels: no integer kernel of ")
            << isa << " is named '" << kernel << "'";
        return signalPassFailure();
      }
    }
    // A layer's storage is its readers': all rows are chosen before any layer
    // is packed.
    for (QDenseOp layer : integerLayers)
      if (failed(choose(layer)))
        return signalPassFailure();
    for (QDenseOp layer : integerLayers)
      if (failed(packInteger(layer)))
        return signalPassFailure();
    for (DenseOp layer : floatLayers)
      if (failed(packFloat(layer)))
        return signalPassFailure();
  }

  LogicalResult choose(QDenseOp op) {
    auto type = cast<RankedTensorType>(op.getWeights().getType());
    bool isForced =
        forced && forced->isGrouped() == bool(op.getGroupMultiplier());
    if (op.getGroupMultiplier()) {
      choices[op].row =
          isForced ? forced : &chooseGroupedRow(type.getDimSize(0), chosenIsa);
      return success();
    }
    auto weights = readConstant<int8_t>(op.getWeights());
    if (failed(weights))
      return op.emitError("select-kernels: weights and bias must be constants; "
                          "fold them first (canonicalize)");
    LayerWeights layer{*weights, type.getDimSize(0), type.getDimSize(1),
                       lhsMaxOf(op)};
    if (!isForced || !forced->reads(layer.lhsMax)) {
      choices[op] = chooseRow(layer, chosenIsa);
      return success();
    }
    if (lists && !canList(layer, *forced))
      return op.emitError("select-kernels: ")
             << kernel << " has no lists for " << layer.k << " input channels";
    choices[op] = formFor(layer, *forced, lists);
    return success();
  }

  static int32_t lhsMaxOf(QDenseOp op) {
    auto type = cast<RankedTensorType>(op.getInput().getType());
    return static_cast<int32_t>(
        cast<quant::UniformQuantizedType>(type.getElementType())
            .getStorageTypeMax());
  }

  /// The storage a quantized activation is read and written in: that of the
  /// first dense layer that reads it, bytes if there is none.
  std::pair<Type, int32_t> storageOf(Value activation) {
    auto uniform = cast<quant::UniformQuantizedType>(
        cast<RankedTensorType>(activation.getType()).getElementType());
    Builder builder(&getContext());
    for (Operation *user : activation.getUsers())
      if (auto found = choices.find(user); found != choices.end()) {
        const KernelRow &row = *found->second.row;
        return {builder.getIntegerType(row.lhsBits()), row.lhsOffset()};
      }
    unsigned bits = uniform.getStorageTypeIntegralWidth() <= 8 ? 8 : 16;
    return {builder.getIntegerType(bits), 0};
  }

  /// How many rows there are.
  static OpFoldResult rowsOf(ImplicitLocOpBuilder &b, Value rows2d) {
    auto type = cast<RankedTensorType>(rows2d.getType());
    if (type.isDynamicDim(0))
      return Value(tensor::DimOp::create(b, rows2d, 0));
    return b.getIndexAttr(type.getDimSize(0));
  }

  /// Rows two and two, with room for whole steps of the kernel.
  static Value pairRows(ImplicitLocOpBuilder &b, const KernelRow &row,
                        Value lhs, OpFoldResult rows) {
    auto type = cast<RankedTensorType>(lhs.getType());
    int64_t bytes = 2 * row.groups(type.getDimSize(1)) * row.kr;
    OpFoldResult pairs;
    if (auto value = dyn_cast<Value>(rows))
      pairs = Value(arith::CeilDivUIOp::create(
          b, value, arith::ConstantIndexOp::create(b, 2)));
    else
      pairs = b.getIndexAttr(llvm::divideCeil(type.getDimSize(0), 2));
    Value init = tensor::EmptyOp::create(
        b, ArrayRef<OpFoldResult>{pairs, b.getIndexAttr(bytes)},
        type.getElementType());
    return PairRowsOp::create(b, TypeRange{init.getType()}, lhs, init)
        .getResults()[0];
  }

  /// The packed op and the slice of its result that has the layer's channels,
  /// in the shape of the layer's result.
  Value build(ImplicitLocOpBuilder &b, const KernelRow &row, Value rows2d,
              OpFoldResult rows, Value packed, Value bias, Value multiplier,
              Value shift, Value outBias, Type storage,
              RankedTensorType resultShape, quant::UniformQuantizedType finish,
              int32_t offset) {
    int64_t channels = resultShape.getShape().back();
    int64_t padded = row.paddedChannels(channels);
    Value init = tensor::EmptyOp::create(
        b, ArrayRef<OpFoldResult>{rows, b.getIndexAttr(padded)}, storage);
    auto dense = PackedDenseOp::create(b, TypeRange{init.getType()}, rows2d,
                                       packed, bias, multiplier, shift, outBias,
                                       /*list_starts=*/Value(),
                                       /*list_groups=*/Value(),
                                       /*visit_starts=*/Value(),
                                       /*visit_offsets=*/Value(),
                                       /*visit_weights=*/Value(),
                                       /*group_multiplier=*/Value(),
                                       /*group_sums=*/Value(), init,
                                       b.getStringAttr(row.name));
    if (finish) {
      dense.setZeroPoint(finish.getZeroPoint());
      dense.setQmin(finish.getStorageTypeMin());
      dense.setQmax(finish.getStorageTypeMax());
      dense.setOffset(offset);
    }
    Value result = dense.getResults()[0];
    if (padded != channels)
      result = tensor::ExtractSliceOp::create(
          b, result,
          ArrayRef<OpFoldResult>{b.getIndexAttr(0), b.getIndexAttr(0)},
          ArrayRef<OpFoldResult>{rows, b.getIndexAttr(channels)},
          ArrayRef<OpFoldResult>{b.getIndexAttr(1), b.getIndexAttr(1)});
    return result;
  }

  /// `value` as rows x last dimension.
  Value flatten(ImplicitLocOpBuilder &b, Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    RankedTensorType rows = asRows(type);
    return rows == type ? value : Value(ReshapeOp::create(b, rows, value));
  }

  LogicalResult packInteger(QDenseOp op) {
    Choice choice = std::move(choices[op]);
    const KernelRow &row = *choice.row;
    ImplicitLocOpBuilder b(op.getLoc(), op);
    auto weightsType = cast<RankedTensorType>(op.getWeights().getType());
    int64_t n = weightsType.getDimSize(0), k = weightsType.getDimSize(1);
    FailureOr<std::vector<int16_t>> weights = readWeights(op);
    auto bias = readConstant<int32_t>(op.getBias());
    if (failed(weights) || failed(bias))
      return op.emitError("select-kernels: weights and bias must be constants; "
                          "fold them first (canonicalize)");

    // Stored activations are q + offset: what the offset adds goes off the
    // bias. i32 arithmetic wraps, and so does the sum it corrects.
    if (int32_t offset = row.lhsOffset())
      for (int64_t channel = 0; channel < n; ++channel) {
        int64_t sum = 0;
        for (int64_t i = 0; i < k; ++i)
          sum += (*weights)[channel * k + i];
        (*bias)[channel] =
            static_cast<int32_t>((*bias)[channel] - sum * offset);
      }

    int64_t paddedN = row.paddedChannels(n);
    std::vector<int8_t> packed;
    if (row.isGrouped())
      packed = packNibbles(row, *readNibbles(op.getWeights()), n, k);
    else if (choice.lists)
      packed = choice.lists->weights;
    else
      packed = packWeights<int8_t>(
          row,
          choice.split.values.empty()
              ? std::vector<int8_t>(weights->begin(), weights->end())
              : choice.split.values,
          n, k);
    Value packedValue = makeConstant<int8_t>(
        b, b.getLoc(), {static_cast<int64_t>(packed.size())}, b.getI8Type(),
        packed);
    Value biasValue =
        makeConstant<int32_t>(b, b.getLoc(), {paddedN}, b.getI32Type(),
                              padded<int32_t>(*bias, paddedN));
    FailureOr<Value> multiplier = padVector(b, op.getMultiplier(), paddedN);
    FailureOr<Value> shift = padVector(b, op.getShift(), paddedN);
    FailureOr<Value> outBias = padVector(b, op.getOutBias(), paddedN);
    if (failed(multiplier) || failed(shift) || failed(outBias))
      return op.emitError("select-kernels: multiplier, shift and out_bias must "
                          "be constants");

    Value input =
        StorageCastOp::create(b,
                              cast<RankedTensorType>(op.getInput().getType())
                                  .clone(b.getIntegerType(row.lhsBits())),
                              op.getInput(), row.lhsOffset());
    Value lhs = flatten(b, input);
    OpFoldResult rows = rowsOf(b, lhs);
    if (row.hasBlocks())
      lhs = pairRows(b, row, lhs, rows);
    auto resultType = cast<RankedTensorType>(op.getResult().getType());
    auto finish =
        dyn_cast<quant::UniformQuantizedType>(resultType.getElementType());
    std::pair<Type, int32_t> storage{b.getF32Type(), 0};
    if (finish)
      storage = storageOf(op.getResult());
    Value result =
        build(b, row, lhs, rows, packedValue, biasValue, *multiplier, *shift,
              *outBias, storage.first, resultType, finish, storage.second);
    if (choice.lists)
      addLists(b, packedOp(result), *choice.lists);
    if (row.isGrouped())
      addGroups(b, op, packedOp(result), row);
    else if (row.hasNarrowSums())
      addProof(b, packedOp(result), choice.split.visits, lhsMaxOf(op));
    RankedTensorType stored = resultType.clone(storage.first);
    if (result.getType() != stored)
      result = ReshapeOp::create(b, stored, result);
    if (finish)
      result = StorageCastOp::create(b, resultType, result, storage.second);
    op.replaceAllUsesWith(result);
    choices.erase(op);
    op.erase();
    return success();
  }

  /// The multipliers of the groups of 4-bit weights, and what unsigned nibbles
  /// add.
  void addGroups(ImplicitLocOpBuilder &b, QDenseOp op, PackedDenseOp dense,
                 const KernelRow &row) {
    auto type = cast<RankedTensorType>(op.getGroupMultiplier().getType());
    int64_t groups = type.getDimSize(1);
    std::vector<uint8_t> packed = packGroupMultipliers(
        row, *readConstant<uint8_t>(op.getGroupMultiplier()),
        type.getDimSize(0), groups);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(dense);
    dense.getGroupMultiplierMutable().assign(makeConstant<uint8_t>(
        b, b.getLoc(), {static_cast<int64_t>(packed.size())}, b.getI8Type(),
        packed));
    if (row.rhs != RhsStorage::U4)
      return;
    Value input = dense.getInput();
    auto inputType = cast<RankedTensorType>(input.getType());
    OpFoldResult rows = b.getIndexAttr(inputType.getDimSize(0));
    if (inputType.isDynamicDim(0))
      rows = Value(tensor::DimOp::create(b, input, 0));
    Value init = tensor::EmptyOp::create(
        b, ArrayRef<OpFoldResult>{rows, b.getIndexAttr(groups)},
        b.getI32Type());
    auto sums = GroupSumsOp::create(b, TypeRange{init.getType()}, input, init,
                                    row.hasNarrowSums());
    dense.getGroupSumsMutable().assign(sums.getResults()[0]);
  }

  /// The op behind what `build` made.
  static PackedDenseOp packedOp(Value result) {
    if (auto slice = result.getDefiningOp<tensor::ExtractSliceOp>())
      result = slice.getSource();
    return result.getDefiningOp<PackedDenseOp>();
  }

  template <typename T>
  static Value vectorOf(ImplicitLocOpBuilder &b, ArrayRef<T> values,
                        Type element) {
    return makeConstant<T>(b, b.getLoc(), {static_cast<int64_t>(values.size())},
                           element, values);
  }

  static void addLists(ImplicitLocOpBuilder &b, PackedDenseOp dense,
                       const GroupLists &lists) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(dense);
    dense.getListStartsMutable().assign(
        vectorOf<int32_t>(b, lists.starts, b.getI32Type()));
    dense.getListGroupsMutable().assign(
        vectorOf<uint16_t>(b, lists.groups, b.getI16Type()));
  }

  /// What verify-narrow-sums needs: the activations' range, and the visits.
  static void addProof(ImplicitLocOpBuilder &b, PackedDenseOp dense,
                       const Visits &visits, int32_t lhsMax) {
    dense.setLhsMax(lhsMax);
    if (visits.offsets.empty())
      return;
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(dense);
    dense.getVisitStartsMutable().assign(
        vectorOf<int32_t>(b, visits.starts, b.getI32Type()));
    dense.getVisitOffsetsMutable().assign(
        vectorOf<int32_t>(b, visits.offsets, b.getI32Type()));
    dense.getVisitWeightsMutable().assign(
        vectorOf<int8_t>(b, visits.weights, b.getI8Type()));
  }

  LogicalResult packFloat(DenseOp op) {
    auto resultType = cast<RankedTensorType>(op.getResult().getType());
    auto weights = readConstant<float>(op.getWeights());
    if (!resultType.getElementType().isF32() || failed(weights))
      return success(); // Lower has a plain loop for those.
    const KernelRow &row = floatKernel(chosenIsa);
    ImplicitLocOpBuilder b(op.getLoc(), op);
    auto weightsType = cast<RankedTensorType>(op.getWeights().getType());
    int64_t n = weightsType.getDimSize(0), k = weightsType.getDimSize(1);
    int64_t paddedN = row.paddedChannels(n);
    std::vector<float> bias(n, 0.0f);
    if (op.getBias()) {
      auto given = readConstant<float>(op.getBias());
      if (failed(given))
        return success();
      bias = *given;
    }
    std::vector<float> packed = packWeights<float>(row, *weights, n, k);
    Value packedValue = makeConstant<float>(
        b, b.getLoc(), {static_cast<int64_t>(packed.size())}, b.getF32Type(),
        packed);
    Value biasValue = makeConstant<float>(
        b, b.getLoc(), {paddedN}, b.getF32Type(), padded<float>(bias, paddedN));
    Value lhs = flatten(b, op.getInput());
    Value result =
        build(b, row, lhs, rowsOf(b, lhs), packedValue, biasValue, nullptr,
              nullptr, nullptr, b.getF32Type(), resultType, {}, 0);
    if (result.getType() != resultType)
      result = ReshapeOp::create(b, resultType, result);
    if (op.getFunction() != Function::identity)
      result = ActivationOp::create(b, resultType, op.getFunctionAttr(), result,
                                    op.getAlphaAttr(), op.getBetaAttr());
    op.replaceAllUsesWith(result);
    op.erase();
    return success();
  }

  /// A constant vector of 32-bit elements with zeros up to `count`; a null
  /// value stays null.
  FailureOr<Value> padVector(ImplicitLocOpBuilder &b, Value vector,
                             int64_t count) {
    if (!vector)
      return Value();
    auto bits = readConstant<int32_t>(vector);
    if (failed(bits))
      return failure();
    Type element = cast<RankedTensorType>(vector.getType()).getElementType();
    return makeConstant<int32_t>(b, b.getLoc(), {count}, element,
                                 padded<int32_t>(*bits, count));
  }

  Isa chosenIsa = Isa::portable;
  const KernelRow *forced = nullptr;
  DenseMap<Operation *, Choice> choices;
};

} // namespace
