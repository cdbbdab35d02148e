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

/// Steps of a loop turn. Unrolled whole, the loop's values and the accumulators
/// would no longer fit in registers together; a single row has few of both.
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

  auto inner = scf::ForOp::create(b, index(0), index(steps), index(1),
                                  groupStarts(group, firstRow, rows));
  constexpr int32_t stepsOfOneRow = 4;
  unrollBy(inner, rows == 1 ? stepsOfOneRow : 1);
  {
    OpBuilder::InsertionGuard innerGuard(b);
    b.setInsertionPointToStart(inner.getBody());
    scf::YieldOp::create(b, addGroupStep(inner.getInductionVar(), rhsGroup,
                                         lhsGroups, inner.getRegionIterArgs()));
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
                                              ValueRange sums) {
  int64_t bytes = row.lanes * row.group();
  int64_t lhsBytes = row.group() * row.lhsBits() / 8;
  Value rhsStep = offset(rhsGroup, scaled(step, vectors() * bytes));
  SmallVector<SmallVector<Value, 2>> nibbles;
  for (int64_t v = 0; v < vectors(); ++v)
    nibbles.push_back(unpackNibbles(
        load(vector(b.getI8Type(), bytes), offset(rhsStep, v * bytes),
             static_cast<unsigned>(std::min<int64_t>(64, bytes)))));
  SmallVector<Value> next(sums);
  for (auto [m, lhsGroup] : llvm::enumerate(lhsGroups)) {
    Value lhsStep = offset(lhsGroup, scaled(step, 2 * lhsBytes));
    for (int64_t half = 0; half < 2; ++half) {
      Value lhs = broadcastLhs(offset(lhsStep, half * lhsBytes));
      for (int64_t v = 0; v < vectors(); ++v) {
        Value &sum = next[static_cast<int64_t>(m) * vectors() + v];
        sum = addNibbleProducts(sum, nibbles[v][half], lhs);
      }
    }
  }
  return next;
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

Value KernelWriter::addNibbleProducts(Value sums, Value nibbles, Value lhs) {
  if (row.hasNarrowSums())
    return PairDotOp::create(b, sums.getType(), sums, nibbles, lhs);
  bool nibblesFirst = row.rhs == RhsStorage::U4;
  return DotOp::create(b, sums.getType(), sums, nibblesFirst ? nibbles : lhs,
                       nibblesFirst ? lhs : nibbles,
                       nibblesFirst || row.lhs == LhsStorage::U8,
                       /*lane=*/IntegerAttr());
}

Value KernelWriter::applyMultiplier(Value acc, Value sums, Value multiplier) {
  if (row.hasNarrowSums())
    return DotOp::create(b, acc.getType(), acc, sums, multiplier,
                         /*lhs_unsigned=*/false, /*lane=*/IntegerAttr());
  return arith::AddIOp::create(b, acc,
                               arith::MulIOp::create(b, sums, multiplier));
}
