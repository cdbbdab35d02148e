//===- KernelSteps.cpp - tiles of ARM's wider instructions ----------------===//
//
// Where one load brings 16 bytes of the activations, and a step takes them all:
//   lanes     sdot multiplies by four of the bytes, and is told which: four
//             groups of four inputs
//   blocks    usmmla multiplies two rows by two channels of 8 inputs; rows come
//             in pairs (pair_rows), and a step is two groups of 8
//   inputs    NEON without sdot multiplies the bytes by 16 of one channel
//             (smull, smlal2) and adds pairs of what two of them give (sadalp):
//             a sum for each row and channel, whose lanes the end adds
// And where vectors are scalable, as long as the CPU has them: a panel is
// several of them or one.
//
//===----------------------------------------------------------------------===//

#include "KernelWriter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::qnet;

namespace {
/// Bytes that one load of activations brings.
constexpr int64_t segmentBytes = 16;
/// Accumulators of a whole tile of scalable vectors; the rest of the 32
/// registers is for operands.
constexpr int64_t scalableAccumulators = 16;
} // namespace

void KernelWriter::writeScalablePanel(bool oneRow) {
  // A vector has a power of two of lanes, at most as many as the panel (Arm ARM
  // B1.4: 128 to 2,048 bits), so that whole vectors cover the panel. Where one
  // part of the wider form is more than that, vectors do it one by one.
  Value from = index(0),
        lanes = scaled(vector::VectorScaleOp::create(b), row.lanes);
  for (int64_t count : {scalableAccumulators / row.mr, int64_t(1)}) {
    partVectors = count;
    Value step = scaled(lanes, count);
    Value left = arith::SubIOp::create(b, index(row.nr), from);
    Value to = arith::SubIOp::create(b, index(row.nr),
                                     arith::RemUIOp::create(b, left, step));
    auto loop = scf::ForOp::create(b, from, to, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    partChannel = loop.getInductionVar();
    writeRows(oneRow);
    from = to;
  }
}

Value KernelWriter::vectorAt(Value base, int64_t v, int64_t bytesPerLane) {
  int64_t bytes = v * row.lanes * bytesPerLane;
  if (!row.isScalable() || v == 0)
    return offset(base, bytes);
  return offset(base, scaled(vector::VectorScaleOp::create(b), bytes));
}

Value KernelWriter::loadPart(Type element, Value base, int64_t v,
                             int64_t count) {
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  // Weights are aligned to what one instruction takes of them.
  unsigned alignment = bytes == 1 ? std::min(count, segmentBytes) : bytes;
  return load(vector(element, count),
              vectorAt(base, v, count / row.lanes * bytes), alignment);
}

Value KernelWriter::joined(Value a, Value second) {
  auto type = cast<VectorType>(a.getType());
  int64_t count = type.getNumElements();
  if (!type.isScalable())
    return vector::ShuffleOp::create(
        b, a, second, llvm::to_vector(llvm::seq<int64_t>(0, 2 * count)));
  auto twice = VectorType::get({2 * count}, type.getElementType(), {true});
  Value both = arith::ConstantOp::create(b, b.getZeroAttr(twice));
  both = vector::ScalableInsertOp::create(b, a, both, 0);
  return vector::ScalableInsertOp::create(b, second, both, count);
}

SmallVector<Value> KernelWriter::halvesOf(Value bytes) {
  constexpr int64_t half = segmentBytes / 2;
  SmallVector<Value> halves;
  for (int64_t first : {int64_t(0), half})
    halves.push_back(vector::ShuffleOp::create(
        b, bytes, bytes,
        llvm::to_vector(llvm::seq<int64_t>(first, first + half))));
  return halves;
}

void KernelWriter::accumulateChannel(MutableArrayRef<Value> accs,
                                     MutableArrayRef<Value> lhs, Value rhs,
                                     int64_t channel) {
  const size_t rows = lhs.size(), channels = accs.size() / rows;
  SmallVector<Value> used(lhs), rhsHalves = halvesOf(rhs);
  for (size_t m = 0; m < rows; ++m) {
    Value acc = accs[m * channels + channel];
    used.push_back(NarrowDotOp::create(b, acc.getType(), acc, halvesOf(lhs[m]),
                                       rhsHalves, /*lhs_signed=*/true));
  }
  // Else LLVM multiplies for all channels before it adds, and spills.
  used = together(used);
  for (size_t m = 0; m < rows; ++m) {
    lhs[m] = used[m];
    accs[m * channels + channel] = used[rows + m];
  }
}

Value KernelWriter::channelsOf(ValueRange sums) {
  SmallVector<Value> left(sums);
  for (; left.size() > 1; left.truncate(left.size() / 2))
    for (size_t i = 0; i < left.size() / 2; ++i) {
      auto pairs = vector::DeinterleaveOp::create(
          b, joined(left[2 * i], left[2 * i + 1]));
      left[i] = arith::AddIOp::create(b, pairs.getRes1(), pairs.getRes2());
    }
  return left.front();
}

std::pair<Value, Value> KernelWriter::rowsOfBlocks(Value low, Value high) {
  // In pairs of channels: upper row, lower row, upper, lower, ...
  Type pairs = vector(b.getI64Type(), row.lanes / 2);
  Value all = joined(vector::BitCastOp::create(b, pairs, low),
                     vector::BitCastOp::create(b, pairs, high));
  auto apart = vector::DeinterleaveOp::create(b, all);
  Type lanes = vector(b.getI32Type(), row.lanes);
  return {vector::BitCastOp::create(b, lanes, apart.getRes1()),
          vector::BitCastOp::create(b, lanes, apart.getRes2())};
}

Value KernelWriter::repeatedSegment(Value address) {
  Type bytes = vector(b.getI8Type(), segmentBytes);
  if (!row.isScalable())
    return load(bytes, address, 1);
  auto all = cast<ShapedType>(vector(b.getI1Type(), segmentBytes));
  Value active = arith::ConstantOp::create(
      b, SplatElementsAttr::get(all, b.getBoolAttr(true)));
  return LLVM::CallIntrinsicOp::create(
             b, bytes, b.getStringAttr("llvm.aarch64.sve.ld1rq"),
             ValueRange{active, address})
      .getResult(0);
}

void KernelWriter::writeStepTile(Value firstRow, int64_t rows) {
  int64_t height = row.hasBlocks() ? 2 : 1; // rows of one accumulator
  // Accumulators side by side, and what one of them takes of a step's weights.
  int64_t across = row.hasInputLanes() ? row.nr : vectors() * height;
  int64_t rhsLanes =
      row.hasInputLanes() ? row.group() : row.lanes * row.group() / height;
  int64_t units = llvm::divideCeil(rows, height);
  Value panelBytes = scaled(arg[Groups], row.nr * row.kr);
  Value rhsPanel =
      offset(arg[Rhs], arith::MulIOp::create(b, panel, panelBytes));
  Value firstChannel = scaled(panel, row.nr);
  if (row.isScalable()) {
    rhsPanel = offset(rhsPanel, scaled(partChannel, row.group()));
    firstChannel = arith::AddIOp::create(b, firstChannel, partChannel);
  }
  // Tiles of fewer rows come after those of more: a pair is never split.
  Value firstUnit = firstRow;
  if (row.hasBlocks())
    firstUnit = arith::DivUIOp::create(b, firstRow, index(height));
  SmallVector<Value> lhsRows, bias, accs;
  for (int64_t u = 0; u < units; ++u) {
    Value r = arith::AddIOp::create(b, firstUnit, index(u));
    lhsRows.push_back(
        offset(arg[Lhs], arith::MulIOp::create(b, r, arg[LhsPitch])));
  }
  // Of each row, where every load of a step begins. Of several LLVM does not
  // know that they belong together, so that one index serves them all; else it
  // counts up the address of each row.
  const bool hasSegments = row.kr * height > segmentBytes;
  SmallVector<SmallVector<Value>> segments;
  for (int64_t at = 0; at < row.kr * height; at += segmentBytes) {
    SmallVector<Value> &starts = segments.emplace_back();
    for (Value lhsRow : lhsRows)
      starts.push_back(hasSegments ? opaque(offset(lhsRow, at)) : lhsRow);
  }
  Value biasPanel = offset(arg[Bias], scaled(firstChannel, 4));
  for (int64_t v = 0; v < vectors(); ++v)
    bias.push_back(loadPart(b.getI32Type(), biasPanel, v, row.lanes));
  auto accType = cast<VectorType>(bias.front().getType());
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(accType));
  // Where lanes are not channels, the bias comes last.
  const bool isBiasLast = row.hasBlocks() || row.hasInputLanes();
  for (int64_t u = 0; u < units; ++u)
    for (int64_t v = 0; v < across; ++v)
      accs.push_back(isBiasLast ? none : bias[v]);

  // Groups of a step go to sums of their own where there are few.
  int64_t count = units * across, depth = row.kr / row.group();
  int64_t chains = std::min<int64_t>(
      depth, llvm::bit_floor(static_cast<uint64_t>(chainsOf(count))));
  accs.append((chains - 1) * count, none);

  auto loop = scf::ForOp::create(b, index(0), arg[Groups], index(1), accs);
  // A step is long enough; more of them at once run out of address registers.
  MLIRContext *context = b.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(context, b.getBoolAttr(true), {}, {},
                                          {}, {}, {}, {});
  loop->setDiscardableAttr(
      "loop_annotation",
      LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {}, {}, {},
                                    {}, {}, {}, {}, {}, {}, {}));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value step = loop.getInductionVar();
    Value rhsStep = offset(rhsPanel, scaled(step, row.nr * row.kr));
    if (rows == 1 && !row.isScalable())
      prefetchRhs(rhsStep);
    Value lhsStep = scaled(step, row.kr * height);
    if (hasSegments) {
      lhsStep = opaque(arith::IndexCastOp::create(b, b.getI64Type(), lhsStep));
      lhsStep = arith::IndexCastOp::create(b, b.getIndexType(), lhsStep);
    }
    SmallVector<Value> next(loop.getRegionIterArgs()), lhs(units);
    for (int64_t d = 0; d < depth; ++d) {
      int64_t at = d * row.group() * height;
      if (at % segmentBytes == 0)
        for (int64_t u = 0; u < units; ++u)
          lhs[u] =
              repeatedSegment(offset(segments[at / segmentBytes][u], lhsStep));
      for (int64_t v = 0; v < across; ++v) {
        Value rhs =
            loadPart(b.getI8Type(), offset(rhsStep, d * row.nr * row.group()),
                     v, rhsLanes);
        if (row.hasInputLanes()) {
          accumulateChannel(next, lhs, rhs, v);
          continue;
        }
        for (int64_t u = 0; u < units; ++u)
          accumulateStep(next[d % chains * count + u * across + v], lhs[u], rhs,
                         d);
      }
    }
    scf::YieldOp::create(b, next);
  }
  SmallVector<Value> sums(loop.getResults().take_front(count));
  for (int64_t i = count; i < chains * count; ++i)
    sums[i % count] =
        arith::AddIOp::create(b, sums[i % count], loop.getResult(i));
  if (hasVisits)
    for (int64_t v = 0; v < vectors(); ++v)
      addVisits(v, lhsRows, sums);
  if (isBiasLast)
    sums = channelSums(sums, bias);
  writeFinish(sums, firstRow, firstChannel, rows);
}

SmallVector<Value> KernelWriter::channelSums(ArrayRef<Value> sums,
                                             ArrayRef<Value> bias) {
  SmallVector<Value> rows;
  if (row.hasInputLanes()) {
    for (; !sums.empty(); sums = sums.drop_front(row.lanes))
      rows.push_back(channelsOf(sums.take_front(row.lanes)));
  } else {
    const int64_t blocks = 2 * vectors(); // of a pair of rows
    for (; !sums.empty(); sums = sums.drop_front(blocks)) {
      SmallVector<Value> lower;
      for (int64_t v = 0; v < vectors(); ++v) {
        auto both = rowsOfBlocks(sums[2 * v], sums[2 * v + 1]);
        rows.push_back(both.first);
        lower.push_back(both.second);
      }
      rows.append(lower);
    }
  }
  for (auto [i, sum] : llvm::enumerate(rows))
    sum = arith::AddIOp::create(b, sum, bias[i % bias.size()]);
  return rows;
}

void KernelWriter::accumulateStep(Value &acc, Value lhs, Value rhs,
                                  int64_t group) {
  if (row.hasBlocks()) {
    acc = BlockDotOp::create(b, acc, lhs, rhs);
    return;
  }
  acc =
      DotOp::create(b, acc.getType(), acc, lhs, rhs, row.lhs == LhsStorage::U8,
                    b.getI32IntegerAttr(static_cast<int32_t>(group)));
}
