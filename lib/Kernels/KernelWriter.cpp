//===- KernelWriter.cpp - the body of one kernel --------------------------===//

#include "KernelWriter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "quantc/Numerics/Sequences.h"
#include "llvm/ADT/StringExtras.h"

#include <numeric>

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

/// Bytes that caches move at a time.
static constexpr int64_t line = 64;

Finish Finish::of(PackedDenseOp op, const KernelRow &row) {
  Type out = cast<MemRefType>(op.getInit().getType()).getElementType();
  Finish finish{Requantize,
                bool(op.getOutBias()),
                int32_t(op.getZeroPoint()),
                int32_t(op.getQmin()),
                int32_t(op.getQmax()),
                int32_t(op.getOffset()),
                out.getIntOrFloatBitWidth()};
  if (row.isFloat())
    finish.kind = StoreFloat;
  else if (out.isF32())
    finish.kind = ScaleToFloat;
  else if (op.getShift())
    finish.kind = RequantizeFixed;
  return finish;
}

std::string Finish::name() const {
  auto number = [](int64_t v) {
    return (v < 0 ? "m" : "") + std::to_string(v < 0 ? -v : v);
  };
  if (kind == StoreFloat)
    return "f32";
  if (kind == ScaleToFloat)
    return hasOutBias ? "to_f32_bias" : "to_f32";
  return (kind == RequantizeFixed ? "fixed" : "to") + std::string("_i") +
         number(outBits) + "_z" + number(zeroPoint) + "_" + number(qmin) + "_" +
         number(qmax) + (offset ? "_o" + number(offset) : "");
}

FunctionType KernelWriter::functionType(MLIRContext *context) {
  Type ptr = LLVM::LLVMPointerType::get(context);
  Type index = IndexType::get(context);
  return FunctionType::get(context,
                           {ptr, index, index, index, ptr, ptr, ptr, ptr, ptr,
                            index, index, ptr, ptr, ptr, ptr, ptr, ptr, ptr,
                            index},
                           {});
}

void KernelWriter::writeBody(func::FuncOp function, bool oneRow) {
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  for (int i = 0; i < ArgumentCount; ++i)
    arg[i] = entry->getArgument(i);
  if (row.hasTiles()) {
    writeTileBody();
    func::ReturnOp::create(b);
    return;
  }
  Value zero = index(0), one = index(1);
  auto panels = scf::ForOp::create(b, zero, arg[Panels], one);
  func::ReturnOp::create(b);

  b.setInsertionPointToStart(panels.getBody());
  panel = panels.getInductionVar();
  if (row.isScalable())
    writeScalablePanel(oneRow);
  else
    writeRows(oneRow);
}

void KernelWriter::writeRows(bool oneRow) {
  Value from = index(0);
  if (oneRow)
    return writeTile(from, 1);
  // Tiles of MR rows, then of half as many, down to single rows.
  for (int64_t rows = row.mr; rows >= 1;
       rows = llvm::bit_floor(uint64_t(rows - 1))) {
    Value left = arith::SubIOp::create(b, arg[Rows], from);
    Value over = arith::RemUIOp::create(b, left, index(rows));
    Value to = arith::SubIOp::create(b, arg[Rows], over);
    auto tiles = scf::ForOp::create(b, from, to, index(rows));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(tiles.getBody());
    writeTile(tiles.getInductionVar(), rows);
    from = to;
  }
}

Value KernelWriter::broadcastLhs(Value address) {
  Type element =
      row.isFloat() ? Type(b.getF32Type()) : b.getIntegerType(row.lhsBits());
  unsigned alignment = row.lhsBits() / 8;
  if (row.hasInputLanes()) // one vector of them serves all channels
    return load(vector(element, row.group()), address, alignment);
  if (row.group() == 1) {
    Value scalar = load(element, address, alignment);
    return vector::BroadcastOp::create(b, vector(element, row.lanes), scalar);
  }
  Type group = b.getIntegerType(row.lhsBits() * row.group());
  Value scalar = load(group, address, alignment);
  Value splat =
      vector::BroadcastOp::create(b, vector(group, row.lanes), scalar);
  return vector::BitCastOp::create(b, vector(element, row.lanes * row.group()),
                                   splat);
}

Value KernelWriter::accumulate(Value acc, ValueRange lhs, ValueRange rhs) {
  if (row.isFloat())
    return arith::AddFOp::create(
        b, acc, arith::MulFOp::create(b, lhs.front(), rhs.front()));
  if (row.hasNarrowSums())
    return NarrowDotOp::create(b, acc.getType(), acc, lhs, rhs,
                               /*lhs_signed=*/false);
  return DotOp::create(b, acc.getType(), acc, lhs.front(), rhs.front(),
                       row.lhs == LhsStorage::U8, /*lane=*/IntegerAttr());
}

Value KernelWriter::startOf(KernelArgument starts, Value at) {
  return arith::IndexCastOp::create(
      b, b.getIndexType(),
      load(b.getI32Type(), offset(arg[starts], scaled(at, 4)), 4));
}

Value KernelWriter::listedGroup(Value at, bool isTile) {
  // Volatile, so that each is loaded by itself: LLVM would load the groups of a
  // step as one vector, and take longer to get them out of it.
  Value group = LLVM::LoadOp::create(b, b.getI16Type(),
                                     offset(arg[ListGroups], scaled(at, 2)), 2,
                                     /*isVolatile=*/true);
  Value wide = arith::ExtUIOp::create(b, b.getI64Type(), group);
  // Else LLVM shifts the 16 bits, where the address of each row can scale them.
  if (isTile && (rereadsRhs() || addsByGroup()))
    wide = opaque(wide);
  return arith::IndexCastOp::create(b, b.getIndexType(), wide);
}

bool KernelWriter::rereadsRhs() const {
  return row.hasNarrowSums() && row.isa == Isa::avx2 && row.kr > row.group() &&
         !addsByGroup();
}

bool KernelWriter::addsByGroup() const {
  constexpr int64_t deep = 4;
  return row.isByteRow() && row.hasNarrowSums() && row.kr / row.group() >= deep;
}

/// An assembly of nothing that gives its operands back.
static Value nothing(ImplicitLocOpBuilder &b, Type type, ValueRange operands,
                     StringRef constraints) {
  return LLVM::InlineAsmOp::create(
             b, type, operands, /*asm_string=*/"", constraints,
             /*has_side_effects=*/false, /*is_align_stack=*/false,
             LLVM::TailCallKind::None,
             /*asm_dialect=*/LLVM::AsmDialectAttr(),
             /*operand_attrs=*/ArrayAttr())
      .getResult(0);
}

Value KernelWriter::opaque(Value value) {
  return nothing(b, value.getType(), value, "=r,0");
}

SmallVector<Value> KernelWriter::together(ArrayRef<Value> vectors) {
  SmallVector<Type> types(ValueRange(vectors).getTypes());
  SmallVector<std::string> constraints(vectors.size(),
                                       row.isa == Isa::neon ? "=w" : "=v");
  for (size_t i = 0; i < vectors.size(); ++i)
    constraints.push_back(std::to_string(i));
  Value all =
      nothing(b, LLVM::LLVMStructType::getLiteral(b.getContext(), types),
              vectors, llvm::join(constraints, ","));
  SmallVector<Value> result;
  for (size_t i = 0; i < vectors.size(); ++i)
    result.push_back(
        LLVM::ExtractValueOp::create(b, all, static_cast<int64_t>(i)));
  return result;
}

SmallVector<Value> KernelWriter::lhsShifts(Value step, bool isTile) {
  int64_t depth = row.kr / row.group(), bytes = row.lhsBits() / 8;
  SmallVector<Value> shifts;
  for (int64_t d = 0; d < depth; ++d) {
    Value channel =
        hasLists ? scaled(listedGroup(arith::AddIOp::create(
                                          b, scaled(step, depth), index(d)),
                                      isTile),
                          row.group())
                 : arith::AddIOp::create(b, scaled(step, row.kr),
                                         index(d * row.group()));
    shifts.push_back(scaled(channel, bytes));
  }
  return shifts;
}

void KernelWriter::writeTile(Value firstRow, int64_t rows) {
  if (row.hasSteps())
    return writeStepTile(firstRow, rows);
  Type accType = vector(accElement(), row.lanes);
  // Without lists every panel has as many steps; with them, steps are counted
  // through all panels.
  Value firstStep = index(0), endStep = arg[Groups], rhsPanel = arg[Rhs];
  if (hasLists) {
    firstStep = startOf(ListStarts, panel);
    endStep = startOf(ListStarts, arith::AddIOp::create(b, panel, index(1)));
  } else {
    Value panelBytes = scaled(arg[Groups], rhsStepBytes());
    rhsPanel = offset(arg[Rhs], arith::MulIOp::create(b, panel, panelBytes));
  }
  Value firstChannel = scaled(panel, row.nr);
  Value biasPanel = offset(arg[Bias], scaled(firstChannel, 4));

  SmallVector<Value> lhsRows, accs;
  for (int64_t m = 0; m < rows; ++m) {
    Value r = arith::AddIOp::create(b, firstRow, index(m));
    lhsRows.push_back(
        offset(arg[Lhs], arith::MulIOp::create(b, r, arg[LhsPitch])));
  }
  for (int64_t v = 0; v < vectors(); ++v)
    accs.push_back(load(accType, offset(biasPanel, v * row.lanes * 4), 4));
  for (int64_t m = 1; m < rows; ++m)
    for (int64_t v = 0; v < vectors(); ++v)
      accs.push_back(accs[v]);

  ahead = Value();
  if (asksAhead(rows))
    ahead = nextPanelAhead(firstRow, rows,
                           arith::SubIOp::create(b, endStep, firstStep));
  if (row.isGrouped())
    return writeFinish(addGroups(lhsRows, firstRow, accs), firstRow,
                       firstChannel, rows);
  if (hasVisits && rows == 1)
    prefetchVisits();
  SmallVector<Value> sums =
      writeSteps(lhsRows, rhsPanel, firstStep, endStep, accs);
  if (hasVisits)
    for (int64_t v = 0; v < vectors(); ++v)
      addVisits(v, lhsRows, sums);
  writeFinish(sums, firstRow, firstChannel, rows);
}

SmallVector<Value> KernelWriter::writeSteps(ArrayRef<Value> lhsRows,
                                            Value rhsPanel, Value firstStep,
                                            Value endStep, ValueRange accs) {
  auto count = static_cast<int64_t>(accs.size()), chains = chainsOf(count);
  Value wide = firstStep;
  SmallVector<Value> sums(accs);
  if (chains > 1) {
    Value steps = arith::SubIOp::create(b, endStep, firstStep);
    wide = arith::SubIOp::create(
        b, endStep, arith::RemUIOp::create(b, steps, index(chains)));
    Value none = arith::ConstantOp::create(
        b, b.getZeroAttr(cast<VectorType>(accs.front().getType())));
    SmallVector<Value> starts(accs);
    starts.append((chains - 1) * count, none);
    auto loop = scf::ForOp::create(b, firstStep, wide, index(chains), starts);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next;
    for (int64_t c = 0; c < chains; ++c) {
      Value group = arith::AddIOp::create(b, loop.getInductionVar(), index(c));
      next.append(writeStep(lhsRows, rhsPanel, group,
                            loop.getRegionIterArgs().slice(c * count, count)));
    }
    scf::YieldOp::create(b, next);
    b.setInsertionPointAfter(loop);
    for (int64_t i = 0; i < count; ++i) {
      sums[i] = loop.getResult(i);
      for (int64_t c = 1; c < chains; ++c)
        sums[i] =
            arith::AddIOp::create(b, sums[i], loop.getResult(c * count + i));
    }
  }
  auto loop = scf::ForOp::create(b, wide, endStep, index(1), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(b, writeStep(lhsRows, rhsPanel, loop.getInductionVar(),
                                    loop.getRegionIterArgs()));
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> KernelWriter::writeStep(ArrayRef<Value> lhsRows,
                                           Value rhsPanel, Value group,
                                           ValueRange accs) {
  int64_t depth = row.kr / row.group(), lanes = row.lanes * row.group();
  Value rhsGroup =
      offset(rhsPanel, scaled(group, row.nr * row.kr * rhsBytes()));
  if (lhsRows.size() == 1)
    prefetchRhs(rhsGroup);
  else if (ahead)
    askAhead(rhsGroup);
  SmallVector<Value> shifts = lhsShifts(group, lhsRows.size() > 1);
  if (lhsRows.size() > 1 && addsByGroup())
    return writeStepByGroup(lhsRows, rhsGroup, shifts, accs);
  SmallVector<Value> next;
  for (auto [m, lhsRow] : llvm::enumerate(lhsRows)) {
    SmallVector<Value> lhs;
    for (Value shift : shifts)
      lhs.push_back(broadcastLhs(offset(lhsRow, shift)));
    if (m > 0 && rereadsRhs()) // else LLVM would keep them from the row before
      rhsGroup = opaque(rhsGroup);
    for (int64_t v = 0; v < vectors(); ++v) {
      SmallVector<Value> rhs;
      for (int64_t d = 0; d < depth; ++d)
        rhs.push_back(
            load(vector(rhsElement(), lanes),
                 offset(rhsGroup, (d * vectors() + v) * lanes * rhsBytes()),
                 std::min<int64_t>(64, lanes * rhsBytes())));
      next.push_back(accumulate(accs[m * vectors() + v], lhs, rhs));
    }
  }
  return next;
}

SmallVector<Value> KernelWriter::writeStepByGroup(ArrayRef<Value> lhsRows,
                                                  Value rhsGroup,
                                                  ArrayRef<Value> shifts,
                                                  ValueRange accs) {
  int64_t lanes = row.lanes * row.group(), count = vectors();
  auto halves = VectorType::get({2 * row.lanes}, b.getI16Type());
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(halves));
  SmallVector<Value> sums(accs.size(), none);
  for (auto [d, shift] : llvm::enumerate(shifts)) {
    SmallVector<Value> rhs;
    for (int64_t v = 0; v < count; ++v)
      rhs.push_back(load(vector(rhsElement(), lanes),
                         offset(rhsGroup, (d * count + v) * lanes),
                         std::min<int64_t>(64, lanes)));
    for (auto [m, lhsRow] : llvm::enumerate(lhsRows)) {
      Value lhs = broadcastLhs(offset(lhsRow, shift));
      auto own = MutableArrayRef<Value>(sums).slice(m * count, count);
      SmallVector<Value> pending;
      for (int64_t v = 0; v < count; ++v)
        pending.push_back(PairDotOp::create(b, halves, none, lhs, rhs[v]));
      if (d == 0) {
        llvm::copy(pending, own.begin());
        continue;
      }
      llvm::append_range(pending, own);
      pending = together(pending);
      for (int64_t v = 0; v < count; ++v)
        own[v] = arith::AddIOp::create(b, pending[count + v], pending[v]);
    }
  }
  Value ones = onesOfSums();
  SmallVector<Value> next;
  for (auto [acc, sum] : llvm::zip(accs, sums))
    next.push_back(DotOp::create(b, acc.getType(), acc, sum, ones,
                                 /*lhs_unsigned=*/false,
                                 /*lane=*/IntegerAttr()));
  return next;
}

Value KernelWriter::onesOfSums() {
  auto type = VectorType::get({2 * row.lanes}, b.getI16Type());
  auto bytes = static_cast<unsigned>(type.getNumElements() * sizeof(int16_t));
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  std::string name = "ones_i16x" + std::to_string(type.getNumElements());
  auto global = module.lookupSymbol<LLVM::GlobalOp>(name);
  if (!global) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    global = LLVM::GlobalOp::create(
        b, type, /*isConstant=*/true, LLVM::Linkage::Internal, name,
        SplatElementsAttr::get(type, b.getI16IntegerAttr(1)), bytes);
  }
  return LLVM::LoadOp::create(b, type, LLVM::AddressOfOp::create(b, global),
                              bytes, /*isVolatile=*/true);
}

int64_t KernelWriter::chainsOf(int64_t accumulators) const {
  constexpr int64_t busy = 12, most = 8;
  bool isPaired = row.isa == Isa::avxvnni || row.isa == Isa::avx512vnni ||
                  row.isa == Isa::amx;
  bool addsInOneCycle =
      row.hasNarrowSums() || (row.lhs == LhsStorage::S16 && !isPaired);
  if (row.isFloat() || addsInOneCycle)
    return 1;
  return std::clamp<int64_t>(busy / accumulators, 1, most);
}

bool KernelWriter::asksAhead(int64_t rows) const {
  // Where one instruction multiplies and adds, the loop has no time for more,
  // and tiles of wider panels have no register left.
  constexpr int64_t widest = 16;
  bool adds = row.hasNarrowSums() || row.lhs == LhsStorage::S16;
  return home != WeightsHome::SecondCache && rows == row.mr && rows > 1 &&
         (row.isByteRow() || row.isGrouped()) && adds && row.nr <= widest &&
         rhsStepBytes() >= line / 2;
}

Value KernelWriter::nextPanelAhead(Value firstRow, int64_t rows, Value steps) {
  Value tile = arith::DivUIOp::create(b, firstRow, index(rows));
  Value which =
      arith::RemUIOp::create(b, scaled(tile, linesAhead()),
                             index(llvm::divideCeil(rhsStepBytes(), line)));
  return arith::AddIOp::create(b, scaled(steps, rhsStepBytes()),
                               scaled(which, line));
}

int64_t KernelWriter::linesAhead() const {
  // A group of 4-bit weights has eight lines: 16 rows, four tiles, ask for all.
  return row.isGrouped() ? 2 : 1;
}

void KernelWriter::askAhead(Value rhsGroup) {
  for (int64_t i = 0; i < linesAhead(); ++i)
    LLVM::Prefetch::create(b, offset(offset(rhsGroup, ahead), i * line),
                           /*rw=*/0, /*hint=*/2, /*cache=*/1);
}

void KernelWriter::prefetchRhs(Value rhsGroup) {
  auto ask = [&](Value address, int32_t hint) {
    LLVM::Prefetch::create(b, address, /*rw=*/0, hint, /*cache=*/1);
  };
  // Unpacking nibbles takes longer than a cache does: only memory is asked.
  const bool isSlow = row.isGrouped() && row.hasNarrowSums();
  if (isSlow && home != WeightsHome::Memory)
    return;
  if (!isSlow && home != WeightsHome::SecondCache) {
    constexpr int64_t page = 4096;
    Value mask =
        LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(-page));
    return ask(LLVM::PtrMaskOp::create(b, ptr, offset(rhsGroup, page), mask),
               /*hint=*/2);
  }
  const int64_t distance = isSlow ? 8192 : 2048;
  for (int64_t at = 0; at < rhsStepBytes(); at += line)
    ask(offset(rhsGroup, distance + at), /*hint=*/3);
}

void KernelWriter::prefetchVisits() {
  constexpr int64_t lines = 4; // more of them come by themselves
  Value first = startOf(VisitStarts, scaled(panel, vectors()));
  auto ask = [&](Value address) {
    LLVM::Prefetch::create(b, address, /*rw=*/0, /*hint=*/3, /*cache=*/1);
  };
  ask(offset(arg[VisitOffsets], scaled(first, 4)));
  Value weights =
      offset(arg[VisitWeights], scaled(first, row.lanes * row.group()));
  for (int64_t i = 0; i < lines; ++i)
    ask(offset(weights, i * line));
}

void KernelWriter::addVisits(int64_t v, ArrayRef<Value> lhsRows,
                             SmallVectorImpl<Value> &sums) {
  int64_t lanes = row.lanes * row.group();
  Value lane = arith::AddIOp::create(b, scaled(panel, vectors()), index(v));
  auto startAt = [&](int64_t shift) -> Value {
    Value address = offset(offset(arg[VisitStarts], scaled(lane, 4)), shift);
    return arith::IndexCastOp::create(b, b.getIndexType(),
                                      load(b.getI32Type(), address, 4));
  };
  // Where lanes take inputs, channels have accumulators of their own.
  const int64_t parts = row.hasInputLanes() ? row.lanes : 1;
  SmallVector<size_t> places;
  for (size_t m = 0; m < lhsRows.size(); ++m)
    for (int64_t i = 0; i < parts; ++i)
      places.push_back((m * vectors() + v) * parts + i);
  SmallVector<Value> own;
  for (size_t place : places)
    own.push_back(sums[place]);
  auto loop = scf::ForOp::create(b, startAt(0), startAt(4), index(1), own);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value visit = loop.getInductionVar();
    Value shift = arith::IndexCastOp::create(
        b, b.getIndexType(),
        load(b.getI32Type(), offset(arg[VisitOffsets], scaled(visit, 4)), 4));
    Value weights = offset(arg[VisitWeights], scaled(visit, lanes));
    const int64_t count = lanes / parts;
    auto weightsOf = [&](int64_t i) {
      return load(vector(b.getI8Type(), count), offset(weights, i * count),
                  static_cast<unsigned>(std::min<int64_t>(64, count)));
    };
    SmallVector<Value> next(loop.getRegionIterArgs()), lhs;
    if (row.hasInputLanes()) {
      for (Value lhsRow : lhsRows)
        lhs.push_back(broadcastLhs(offset(lhsRow, shift)));
      for (int64_t i = 0; i < parts; ++i)
        accumulateChannel(next, lhs, weightsOf(i), i);
    } else {
      Value rhs = weightsOf(0);
      for (auto [lhsRow, acc] : llvm::zip(lhsRows, next))
        acc = accumulate(acc, broadcastLhs(offset(lhsRow, shift)), rhs);
    }
    scf::YieldOp::create(b, next);
  }
  for (auto [place, sum] : llvm::zip(places, loop.getResults()))
    sums[place] = sum;
}

void KernelWriter::writeFinish(ValueRange accs, Value firstRow,
                               Value firstChannel, int64_t rows) {
  Value channelBytes = scaled(firstChannel, 4);
  SequenceEmitter a(b, b.getLoc(), row.lanes, row.isScalable());
  SmallVector<Value> multipliers, extras;
  bool fixed = finish.kind == Finish::RequantizeFixed;
  bool hasExtra =
      fixed || (finish.kind == Finish::ScaleToFloat && finish.hasOutBias);
  for (int64_t v = 0; v < vectors(); ++v) {
    auto vectorOf = [&](KernelArgument which) {
      Type element = fixed ? Type(b.getI32Type()) : b.getF32Type();
      return loadPart(element, offset(arg[which], channelBytes), v, row.lanes);
    };
    if (finish.kind != Finish::StoreFloat)
      multipliers.push_back(vectorOf(Multiplier));
    if (hasExtra)
      extras.push_back(vectorOf(Extra));
  }
  int64_t outBytes = finish.outBits / 8;
  auto finished = [&](Value acc, int64_t v) -> Value {
    switch (finish.kind) {
    case Finish::StoreFloat:
      return acc;
    case Finish::ScaleToFloat:
      return hasExtra
                 ? numerics::scaleAccumulator(a, acc, multipliers[v], extras[v])
                 : a.mul(a.toFloat(acc), multipliers[v]);
    case Finish::Requantize:
      return numerics::requantize(a, acc, multipliers[v], finish.zeroPoint,
                                  finish.qmin, finish.qmax);
    case Finish::RequantizeFixed:
      return numerics::requantizeFixed(a, acc, multipliers[v], extras[v],
                                       finish.zeroPoint, finish.qmin,
                                       finish.qmax);
    }
    llvm_unreachable("all kinds are above");
  };
  int64_t together = storedTogether();
  for (int64_t m = 0; m < rows; ++m) {
    Value r = arith::AddIOp::create(b, firstRow, index(m));
    Value outRow =
        offset(offset(arg[Out], arith::MulIOp::create(b, r, arg[OutPitch])),
               scaled(firstChannel, outBytes));
    for (int64_t v = 0; v < vectors(); v += together) {
      SmallVector<Value> results;
      for (int64_t i = v; i < v + together; ++i)
        results.push_back(finished(accs[m * vectors() + i], i));
      for (; results.size() > 1; results.truncate(results.size() / 2))
        for (size_t i = 0; i < results.size() / 2; ++i)
          results[i] = joined(results[2 * i], results[2 * i + 1]);
      Value result = results.front();
      if (finish.kind >= Finish::Requantize)
        result = stored(result);
      LLVM::StoreOp::create(b, result, vectorAt(outRow, v, outBytes), outBytes);
    }
  }
}

int64_t KernelWriter::storedTogether() const {
  constexpr int64_t bytes = 16;
  if (row.isScalable() || finish.outBits != 8)
    return 1;
  return std::gcd(vectors(), std::max<int64_t>(1, bytes / row.lanes));
}

Value KernelWriter::stored(Value q) {
  auto type = cast<VectorType>(q.getType());
  if (finish.offset)
    q = arith::AddIOp::create(
        b, q,
        arith::ConstantOp::create(
            b,
            DenseElementsAttr::get(type, b.getI32IntegerAttr(finish.offset))));
  if (finish.outBits == 32)
    return q;
  return arith::TruncIOp::create(
      b, type.clone(b.getIntegerType(finish.outBits)), q);
}
