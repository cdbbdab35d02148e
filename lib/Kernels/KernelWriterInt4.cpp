//===- KernelWriterInt4.cpp - the tile of a row of 4-bit weights ----------===//
//
// For each group g of 64 input channels of a panel:
//   sum[m][v]  = groupSums[r + m][g] (unsigned nibbles), 0 (signed ones)
//   for step s:  sum[m][v] += nibbles[g][s][v] * lhs[r + m][g][s]
//   acc[m][v] += groupMultiplier[g][v] * sum[m][v]
//
// Within the steps only the sums are live; accumulators are touched once a
// group. docs/kernels.md has the bounds.
//
//===----------------------------------------------------------------------===//

#include "KernelWriter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::qnet;

/// Bits of a weight.
static constexpr int64_t kNibble = 4;
/// A byte's upper weight, 16 times as large as it is.
static constexpr int64_t kHighNibble = -16;
/// Steps whose activations one load of 16 bytes brings, where instructions
/// choose four of them.
static constexpr int64_t kStepsOfSegment = 2;

/// Steps of a loop turn. Unrolled whole, the loop's values and the accumulators
/// of a tile would no longer fit in registers together.
static void unrollBy(scf::ForOp loop, int32_t steps) {
  Builder builder(loop.getContext());
  MLIRContext *context = loop.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(
      context, steps == 1 ? builder.getBoolAttr(true) : BoolAttr(),
      steps == 1 ? IntegerAttr() : builder.getI32IntegerAttr(steps), {}, {}, {},
      {}, {});
  loop->setDiscardableAttr(
      "loop_annotation",
      LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {}, {}, {},
                                    {}, {}, {}, {}, {}, {}, {}));
}

SmallVector<Value> KernelWriter::addGroups(ArrayRef<Value> lhsRows,
                                           Value firstRow, ValueRange accs) {
  auto rows = static_cast<int64_t>(lhsRows.size());
  int64_t steps = row.kr / (2 * row.group());
  int64_t multipliers = row.multipliersPerLane();
  Value panelGroups = arith::MulIOp::create(b, panel, arg[Groups]);
  Value rhsPanel = offset(arg[Rhs], scaled(panelGroups, rhsStepBytes()));
  Value multiplierPanel =
      offset(arg[GroupMultipliers], scaled(panelGroups, row.nr * multipliers));

  auto loop = scf::ForOp::create(b, index(0), arg[Groups], index(1), accs);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value group = loop.getInductionVar();
  Value rhsGroup = offset(rhsPanel, scaled(group, rhsStepBytes()));
  if (rows == 1)
    prefetchRhs(rhsGroup);
  else if (ahead)
    askAhead(rhsGroup);
  SmallVector<Value> lhsGroups;
  for (Value lhsRow : lhsRows)
    lhsGroups.push_back(
        offset(lhsRow, scaled(group, row.kr * row.lhsBits() / 8)));

  auto stepsTogether = row.choosesLanes() ? kStepsOfSegment : 1;
  auto inner =
      scf::ForOp::create(b, index(0), index(steps), index(stepsTogether),
                         groupStarts(group, firstRow, rows));
  // A single row has few values; SSE copies what it changes.
  const bool isWhole = addsBytePairs() && row.isa != Isa::sse41;
  const int64_t stepsOfOneRow = isWhole ? steps : 4;
  unrollBy(inner,
           static_cast<int32_t>(rows == 1 ? stepsOfOneRow / stepsTogether : 1));
  {
    OpBuilder::InsertionGuard innerGuard(b);
    b.setInsertionPointToStart(inner.getBody());
    Value step = inner.getInductionVar();
    SmallVector<Value> sums(inner.getRegionIterArgs()), segments;
    if (row.choosesLanes())
      for (Value lhsGroup : lhsGroups)
        segments.push_back(
            repeatedSegment(offset(lhsGroup, scaled(step, 2 * row.group()))));
    for (int64_t s = 0; s < stepsTogether; ++s)
      sums = addGroupStep(arith::AddIOp::create(b, step, index(s)), rhsGroup,
                          lhsGroups, segments, 2 * s, sums);
    scf::YieldOp::create(b, sums);
  }

  int64_t lanes = row.lanes * multipliers;
  Value multiplierGroup =
      offset(multiplierPanel, scaled(group, row.nr * multipliers));
  SmallVector<Value> next;
  for (int64_t v = 0; v < vectors(); ++v) {
    Value multiplier = load(vector(b.getI8Type(), lanes),
                            offset(multiplierGroup, v * lanes), 1);
    Type wide = vector(b.getIntegerType(row.sumBits), lanes);
    multiplier = arith::ExtUIOp::create(b, wide, multiplier);
    for (int64_t m = 0; m < rows; ++m)
      next.push_back(
          applyMultiplier(loop.getRegionIterArgs()[m * vectors() + v],
                          inner.getResult(m * vectors() + v), multiplier));
  }
  // From [v][m] to [m][v].
  SmallVector<Value> ordered;
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t v = 0; v < vectors(); ++v)
      ordered.push_back(next[v * rows + m]);
  scf::YieldOp::create(b, ordered);
  return loop.getResults();
}

SmallVector<Value> KernelWriter::groupStarts(Value group, Value firstRow,
                                             int64_t rows) {
  Type words = vector(b.getI32Type(), row.lanes);
  Type sums =
      row.hasNarrowSums() ? vector(b.getI16Type(), 2 * row.lanes) : words;
  SmallVector<Value> starts;
  for (int64_t m = 0; m < rows; ++m) {
    Value start;
    if (row.rhs == RhsStorage::U4) {
      Value r = arith::AddIOp::create(b, firstRow, index(m));
      Value line = offset(arg[GroupSums],
                          arith::MulIOp::create(b, r, arg[GroupSumsPitch]));
      Value word = load(b.getI32Type(), offset(line, scaled(group, 4)), 4);
      start = vector::BroadcastOp::create(b, words, word);
      if (sums != words)
        start = vector::BitCastOp::create(b, sums, start);
    } else {
      start = arith::ConstantOp::create(b, b.getZeroAttr(sums));
    }
    starts.append(vectors(), start);
  }
  return starts;
}

SmallVector<Value> KernelWriter::addGroupStep(Value step, Value rhsGroup,
                                              ArrayRef<Value> lhsGroups,
                                              ArrayRef<Value> segments,
                                              int64_t firstLane,
                                              ValueRange sums) {
  int64_t bytes = row.lanes * row.group();
  int64_t lhsBytes = row.group() * row.lhsBits() / 8;
  Value rhsStep = offset(rhsGroup, scaled(step, vectors() * bytes));
  // Vectors of 8 bytes are unpacked two at once.
  constexpr int64_t least = 16;
  int64_t atOnce =
      row.hasNarrowSums() ? std::max<int64_t>(1, least / bytes) : 1;
  SmallVector<SmallVector<Value, 2>> nibbles;
  for (int64_t v = 0; v < vectors(); v += atOnce) {
    SmallVector<Value, 2> both = unpackNibbles(
        load(vector(b.getI8Type(), atOnce * bytes), offset(rhsStep, v * bytes),
             static_cast<unsigned>(std::min<int64_t>(64, atOnce * bytes))));
    if (atOnce == 1) {
      nibbles.push_back(both);
      continue;
    }
    SmallVector<Value> low = halvesOf(both[0]), high = halvesOf(both[1]);
    for (int64_t i = 0; i < atOnce; ++i)
      nibbles.push_back({low[i], high[i]});
  }
  if (lhsGroups.size() == 1 && addsBytePairs())
    return addPairsOfOneRow(offset(lhsGroups[0], scaled(step, 2 * lhsBytes)),
                            nibbles, sums);
  SmallVector<Value> next(sums);
  for (auto [m, lhsGroup] : llvm::enumerate(lhsGroups)) {
    Value lhsStep = offset(lhsGroup, scaled(step, 2 * lhsBytes));
    for (int64_t half = 0; half < 2; ++half) {
      IntegerAttr lane;
      if (!segments.empty())
        lane = b.getI32IntegerAttr(static_cast<int32_t>(firstLane + half));
      Value lhs =
          lane ? segments[m] : broadcastLhs(offset(lhsStep, half * lhsBytes));
      for (int64_t v = 0; v < vectors(); ++v) {
        Value &sum = next[static_cast<int64_t>(m) * vectors() + v];
        sum = addNibbleProducts(sum, nibbles[v][half], lhs, lane);
      }
    }
  }
  return next;
}

SmallVector<Value> KernelWriter::addPairsOfOneRow(
    Value lhs, ArrayRef<SmallVector<Value, 2>> nibbles, ValueRange sums) {
  const int64_t count = vectors(), lhsBytes = row.group() * row.lhsBits() / 8;
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(sums[0].getType()));
  SmallVector<Value> pending;
  for (int64_t half = 0; half < 2; ++half) {
    Value own = broadcastLhs(offset(lhs, half * lhsBytes));
    for (const auto &ofVector : nibbles)
      pending.push_back(addNibbleProducts(none, ofVector[half], own, {}));
  }
  llvm::append_range(pending, sums);
  pending = together(pending);
  SmallVector<Value> next;
  for (int64_t v = 0; v < count; ++v) {
    Value both = arith::AddIOp::create(b, pending[v], pending[count + v]);
    next.push_back(arith::AddIOp::create(b, pending[2 * count + v], both));
  }
  return next;
}

bool KernelWriter::addsBytePairs() const {
  return row.hasNarrowSums() && row.rhs == RhsStorage::U4;
}

bool KernelWriter::hasShiftedNibbles() const {
  return row.rhs == RhsStorage::S4 && !row.hasNarrowSums();
}

SmallVector<Value, 2> KernelWriter::unpackNibbles(Value bytes) {
  auto type = cast<VectorType>(bytes.getType());
  auto constant = [&](VectorType type, int64_t value) -> Value {
    return arith::ConstantOp::create(
        b, SplatElementsAttr::get(
               type, b.getIntegerAttr(type.getElementType(), value)));
  };
  if (row.rhs == RhsStorage::S4) {
    Value four = constant(type, kNibble);
    Value low = arith::ShLIOp::create(b, bytes, four);
    if (hasShiftedNibbles())
      return {low,
              arith::AndIOp::create(b, bytes, constant(type, kHighNibble))};
    return {arith::ShRSIOp::create(b, low, four),
            arith::ShRSIOp::create(b, bytes, four)};
  }
  // x86 shifts no bytes: words, and what comes over from the next one is
  // masked.
  auto words = VectorType::get({type.getNumElements() / 2}, b.getI16Type());
  Value shifted = arith::ShRUIOp::create(
      b, vector::BitCastOp::create(b, words, bytes), constant(words, kNibble));
  shifted = vector::BitCastOp::create(b, type, shifted);
  Value mask = constant(type, 0xf);
  return {arith::AndIOp::create(b, bytes, mask),
          arith::AndIOp::create(b, shifted, mask)};
}

Value KernelWriter::addNibbleProducts(Value sums, Value nibbles, Value lhs,
                                      IntegerAttr lane) {
  if (row.hasNarrowSums() && row.rhs == RhsStorage::S4) {
    // One product of signed bytes for each sum: smlal.
    Type wide = sums.getType();
    Value products =
        arith::MulIOp::create(b, arith::ExtSIOp::create(b, wide, nibbles),
                              arith::ExtSIOp::create(b, wide, lhs));
    return arith::AddIOp::create(b, sums, products);
  }
  if (row.hasNarrowSums())
    return PairDotOp::create(b, sums.getType(), sums, nibbles, lhs);
  bool nibblesFirst = row.rhs == RhsStorage::U4;
  return DotOp::create(b, sums.getType(), sums, nibblesFirst ? nibbles : lhs,
                       nibblesFirst ? lhs : nibbles,
                       nibblesFirst || row.lhs == LhsStorage::U8, lane);
}

Value KernelWriter::applyMultiplier(Value acc, Value sums, Value multiplier) {
  if (row.hasNarrowSums())
    return DotOp::create(b, acc.getType(), acc, sums, multiplier,
                         /*lhs_unsigned=*/false, /*lane=*/IntegerAttr());
  if (hasShiftedNibbles()) {
    auto type = cast<VectorType>(sums.getType());
    sums = arith::ShRSIOp::create(
        b, sums,
        arith::ConstantOp::create(
            b, SplatElementsAttr::get(type, b.getI32IntegerAttr(kNibble))));
  }
  return arith::AddIOp::create(b, acc,
                               arith::MulIOp::create(b, sums, multiplier));
}
