//===- ExpandPackedDense.cpp - kernels as loops around qnet.dot
//------------===//
//
// Takes          packed_dense on memrefs whose last dimension is contiguous.
// Gives          one private function a kernel and finish, called with
// pointers;
//                register tiles as scf loops around qnet.dot (f32: mul and
//                add).
// Why            one tile description serves every instruction set and batch.
// Not done here  the instruction (lower-dot), blocks of rows (Lower).
//
// For a panel p of NR channels and a tile of M rows from r:
//   acc[m][n]  = bias[p][n]
//   for g:       acc[m] += dot(splat(lhs[r + m][g]), rhs[p][g])
//   out[r + m] = finish(acc[m])
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Dialect/SequenceEmitter.h"
#include "quantc/Kernels/KernelTable.h"
#include "quantc/Kernels/Passes.h"
#include "quantc/Numerics/Sequences.h"

#define DEBUG_TYPE "expand-packed-dense"

namespace mlir::qnet {
#define GEN_PASS_DEF_EXPANDPACKEDDENSE
#include "quantc/Kernels/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;
namespace numerics = quantc::numerics;

namespace {

/// How accumulators become results.
struct Finish {
  enum Kind { StoreFloat, ScaleToFloat, Requantize, RequantizeFixed } kind;
  bool hasOutBias;
  int32_t zeroPoint, qmin, qmax, offset;
  unsigned outBits;

  static Finish of(PackedDenseOp op, const KernelRow &row) {
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

  /// Part of the kernel function's name: equal finishes share a function.
  std::string name() const {
    auto number = [](int64_t v) {
      return (v < 0 ? "m" : "") + std::to_string(v < 0 ? -v : v);
    };
    if (kind == StoreFloat)
      return "f32";
    if (kind == ScaleToFloat)
      return hasOutBias ? "to_f32_bias" : "to_f32";
    return (kind == RequantizeFixed ? "fixed" : "to") + std::string("_i") +
           number(outBits) + "_z" + number(zeroPoint) + "_" + number(qmin) +
           "_" + number(qmax) + (offset ? "_o" + number(offset) : "");
  }
};

/// Arguments of a kernel function, in order. Pitches are in bytes.
enum Argument {
  Lhs,
  LhsPitch,
  Rows,
  Groups,
  Rhs,
  Bias,
  Multiplier,
  Extra,
  Out,
  OutPitch,
  Panels,
  VisitStarts,
  VisitOffsets,
  VisitWeights,
  ArgumentCount
};

class KernelWriter {
public:
  KernelWriter(ImplicitLocOpBuilder &b, const KernelRow &row, Finish finish,
               bool hasVisits)
      : b(b), row(row), finish(finish), hasVisits(hasVisits),
        ptr(LLVM::LLVMPointerType::get(b.getContext())) {}

  static FunctionType functionType(MLIRContext *context) {
    Type ptr = LLVM::LLVMPointerType::get(context);
    Type index = IndexType::get(context);
    return FunctionType::get(context,
                             {ptr, index, index, index, ptr, ptr, ptr, ptr, ptr,
                              index, index, ptr, ptr, ptr},
                             {});
  }

  /// `oneRow`: the function is for one row only, and part of its caller.
  void writeBody(func::FuncOp function, bool oneRow) {
    Block *entry = function.addEntryBlock();
    b.setInsertionPointToStart(entry);
    for (int i = 0; i < ArgumentCount; ++i)
      arg[i] = entry->getArgument(i);
    Value zero = index(0), one = index(1);
    auto panels = scf::ForOp::create(b, zero, arg[Panels], one);
    func::ReturnOp::create(b);

    b.setInsertionPointToStart(panels.getBody());
    panel = panels.getInductionVar();
    if (oneRow) {
      writeTile(zero, 1);
      return;
    }
    // Tiles of MR rows, then of half as many, down to single rows.
    Value from = zero;
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

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }

  /// base + bytes.
  Value offset(Value base, Value bytes) {
    Value distance = arith::IndexCastOp::create(b, b.getI64Type(), bytes);
    return LLVM::GEPOp::create(b, ptr, b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{distance});
  }
  Value offset(Value base, int64_t bytes) {
    return LLVM::GEPOp::create(b, ptr, b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{int32_t(bytes)});
  }
  Value scaled(Value value, int64_t factor) {
    return arith::MulIOp::create(b, value, index(factor));
  }
  Value load(Type type, Value address, unsigned alignment) {
    return LLVM::LoadOp::create(b, type, address, alignment);
  }
  Type vector(Type element, int64_t count) {
    return VectorType::get({count}, element);
  }

  Type rhsElement() {
    return row.isFloat() ? Type(b.getF32Type()) : b.getI8Type();
  }
  Type accElement() {
    return row.isFloat() ? Type(b.getF32Type()) : b.getI32Type();
  }
  int64_t rhsBytes() const { return row.isFloat() ? 4 : 1; }
  int64_t vectors() const { return row.nr / row.lanes; }

  /// The activations of one group, repeated for every lane.
  Value broadcastLhs(Value address) {
    Type element =
        row.isFloat() ? Type(b.getF32Type()) : b.getIntegerType(row.lhsBits());
    unsigned alignment = row.lhsBits() / 8;
    if (row.group() == 1) {
      Value scalar = load(element, address, alignment);
      return vector::BroadcastOp::create(b, vector(element, row.lanes), scalar);
    }
    Type group = b.getIntegerType(row.lhsBits() * row.group());
    Value scalar = load(group, address, alignment);
    Value splat =
        vector::BroadcastOp::create(b, vector(group, row.lanes), scalar);
    return vector::BitCastOp::create(
        b, vector(element, row.lanes * row.group()), splat);
  }

  /// `acc` and the products of a step: one vector for each of its groups.
  Value accumulate(Value acc, ValueRange lhs, ValueRange rhs) {
    if (row.isFloat())
      return arith::AddFOp::create(
          b, acc, arith::MulFOp::create(b, lhs.front(), rhs.front()));
    if (row.hasNarrowSums())
      return NarrowDotOp::create(b, acc.getType(), acc, lhs, rhs);
    auto dot = DotOp::create(b, acc.getType(), acc, lhs.front(), rhs.front());
    dot.setLhsUnsigned(row.lhs == LhsStorage::U8);
    return dot;
  }

  void writeTile(Value firstRow, int64_t rows) {
    Type accType = vector(accElement(), row.lanes);
    Value panelBytes = scaled(arg[Groups], row.nr * row.kr * rhsBytes());
    Value rhsPanel =
        offset(arg[Rhs], arith::MulIOp::create(b, panel, panelBytes));
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

    auto loop = scf::ForOp::create(b, index(0), arg[Groups], index(1), accs);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value group = loop.getInductionVar();
      Value rhsGroup =
          offset(rhsPanel, scaled(group, row.nr * row.kr * rhsBytes()));
      if (rows == 1)
        prefetchRhs(rhsGroup);
      Value lhsBytes = scaled(group, row.kr * row.lhsBits() / 8);
      int64_t depth = row.kr / row.group();
      int64_t lanes = row.lanes * row.group();
      SmallVector<Value> next;
      for (int64_t m = 0; m < rows; ++m) {
        SmallVector<Value> lhs;
        for (int64_t d = 0; d < depth; ++d)
          lhs.push_back(
              broadcastLhs(offset(offset(lhsRows[m], lhsBytes),
                                  d * row.group() * row.lhsBits() / 8)));
        for (int64_t v = 0; v < vectors(); ++v) {
          SmallVector<Value> rhs;
          for (int64_t d = 0; d < depth; ++d)
            rhs.push_back(
                load(vector(rhsElement(), lanes),
                     offset(rhsGroup, (d * vectors() + v) * lanes * rhsBytes()),
                     std::min<int64_t>(64, lanes * rhsBytes())));
          next.push_back(accumulate(loop.getRegionIterArgs()[m * vectors() + v],
                                    lhs, rhs));
        }
      }
      scf::YieldOp::create(b, next);
    }
    SmallVector<Value> sums(loop.getResults());
    if (hasVisits)
      for (int64_t v = 0; v < vectors(); ++v)
        addVisits(v, lhsRows, sums);
    writeFinish(sums, firstRow, firstChannel, rows);
  }

  /// Asks for the weights some steps ahead. A single row is as fast as its
  /// weights arrive, and the hardware's own prefetcher stops at each page.
  void prefetchRhs(Value rhsGroup) {
    constexpr int64_t distance = 4096, line = 64;
    int64_t bytes = row.nr * row.kr * rhsBytes();
    for (int64_t at = 0; at < bytes; at += line)
      LLVM::Prefetch::create(b, offset(rhsGroup, distance + at), /*rw=*/0,
                             /*hint=*/3,
                             /*cache=*/1);
  }

  /// Adds the visits of one vector of lanes to its accumulators of all rows.
  void addVisits(int64_t v, ArrayRef<Value> lhsRows,
                 SmallVectorImpl<Value> &sums) {
    int64_t lanes = row.lanes * row.group();
    Value lane = arith::AddIOp::create(b, scaled(panel, vectors()), index(v));
    auto startAt = [&](int64_t shift) -> Value {
      Value address = offset(offset(arg[VisitStarts], scaled(lane, 4)), shift);
      return arith::IndexCastOp::create(b, b.getIndexType(),
                                        load(b.getI32Type(), address, 4));
    };
    SmallVector<Value> own;
    for (size_t m = 0; m < lhsRows.size(); ++m)
      own.push_back(sums[m * vectors() + v]);
    auto loop = scf::ForOp::create(b, startAt(0), startAt(4), index(1), own);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value visit = loop.getInductionVar();
      Value shift = arith::IndexCastOp::create(
          b, b.getIndexType(),
          load(b.getI32Type(), offset(arg[VisitOffsets], scaled(visit, 4)), 4));
      Value rhs = load(vector(b.getI8Type(), lanes),
                       offset(arg[VisitWeights], scaled(visit, lanes)),
                       static_cast<unsigned>(std::min<int64_t>(64, lanes)));
      SmallVector<Value> next;
      for (auto [lhsRow, acc] : llvm::zip(lhsRows, loop.getRegionIterArgs()))
        next.push_back(
            accumulate(acc, broadcastLhs(offset(lhsRow, shift)), rhs));
      scf::YieldOp::create(b, next);
    }
    for (size_t m = 0; m < lhsRows.size(); ++m)
      sums[m * vectors() + v] = loop.getResult(m);
  }

  void writeFinish(ValueRange accs, Value firstRow, Value firstChannel,
                   int64_t rows) {
    Value channelBytes = scaled(firstChannel, 4);
    SequenceEmitter a(b, b.getLoc(), row.lanes);
    SmallVector<Value> multipliers, extras;
    bool fixed = finish.kind == Finish::RequantizeFixed;
    bool hasExtra =
        fixed || (finish.kind == Finish::ScaleToFloat && finish.hasOutBias);
    for (int64_t v = 0; v < vectors(); ++v) {
      auto vectorOf = [&](Argument which, Type type) {
        return load(type,
                    offset(offset(arg[which], channelBytes), v * row.lanes * 4),
                    4);
      };
      if (finish.kind != Finish::StoreFloat)
        multipliers.push_back(vectorOf(Multiplier, fixed ? a.i32() : a.f32()));
      if (hasExtra)
        extras.push_back(vectorOf(Extra, fixed ? a.i32() : a.f32()));
    }
    int64_t outBytes = finish.outBits / 8;
    for (int64_t m = 0; m < rows; ++m) {
      Value r = arith::AddIOp::create(b, firstRow, index(m));
      Value outRow =
          offset(offset(arg[Out], arith::MulIOp::create(b, r, arg[OutPitch])),
                 scaled(firstChannel, outBytes));
      for (int64_t v = 0; v < vectors(); ++v) {
        Value acc = accs[m * vectors() + v];
        Value result = acc;
        switch (finish.kind) {
        case Finish::StoreFloat:
          break;
        case Finish::ScaleToFloat:
          result = hasExtra ? numerics::scaleAccumulator(a, acc, multipliers[v],
                                                         extras[v])
                            : a.mul(a.toFloat(acc), multipliers[v]);
          break;
        case Finish::Requantize:
          result =
              numerics::requantize(a, acc, multipliers[v], finish.zeroPoint,
                                   finish.qmin, finish.qmax);
          result = store(a, result);
          break;
        case Finish::RequantizeFixed:
          result = numerics::requantizeFixed(a, acc, multipliers[v], extras[v],
                                             finish.zeroPoint, finish.qmin,
                                             finish.qmax);
          result = store(a, result);
          break;
        }
        LLVM::StoreOp::create(
            b, result, offset(outRow, v * row.lanes * outBytes), outBytes);
      }
    }
  }

  /// i32 values as they are stored.
  Value store(SequenceEmitter &a, Value q) {
    if (finish.offset)
      q = a.addI(q, a.integer(finish.offset));
    if (finish.outBits == 32)
      return q;
    return arith::TruncIOp::create(
        b, vector(b.getIntegerType(finish.outBits), row.lanes), q);
  }

  ImplicitLocOpBuilder &b;
  const KernelRow &row;
  Finish finish;
  bool hasVisits;
  Type ptr;
  Value arg[ArgumentCount];
  Value panel;
};

struct ExpandPackedDense
    : qnet::impl::ExpandPackedDenseBase<ExpandPackedDense> {
  void runOnOperation() override {
    SmallVector<PackedDenseOp> layers;
    getOperation().walk([&](PackedDenseOp op) { layers.push_back(op); });
    for (PackedDenseOp op : layers)
      if (failed(expand(op)))
        return signalPassFailure();
  }

  /// What the op's description demands of its operands.
  LogicalResult check(PackedDenseOp op, const KernelRow *row) {
    if (!row)
      return op.emitOpError("no row of the kernel table is named '")
             << op.getKernel() << "'";
    auto input = dyn_cast<MemRefType>(op.getInput().getType());
    auto init = dyn_cast<MemRefType>(op.getInit().getType());
    auto packed = dyn_cast<MemRefType>(op.getPacked().getType());
    auto bias = dyn_cast<MemRefType>(op.getBias().getType());
    if (!input || !init || !packed || !bias || input.getRank() != 2 ||
        init.getRank() != 2)
      return op.emitOpError("must be on rank-2 memrefs (bufferize first)");
    if (input.getElementTypeBitWidth() != row->lhsBits() ||
        packed.getElementTypeBitWidth() != (row->isFloat() ? 32u : 8u))
      return op.emitOpError("operands are not of the types of ") << row->name;
    int64_t n = init.getDimSize(1);
    if (bias.getNumElements() != n || n % row->nr != 0 ||
        packed.getNumElements() !=
            n * row->groups(input.getDimSize(1)) * row->kr)
      return op.emitOpError("packed weights do not have the size that ")
             << row->name << " packs " << n << " by " << input.getDimSize(1)
             << " to";
    if (failed(checkVisits(op, *row, n)))
      return failure();
    for (MemRefType type : {input, init}) {
      auto [strides, offset] = type.getStridesAndOffset();
      if (strides.back() != 1)
        return op.emitOpError("rows must be contiguous, got ") << type;
    }
    return success();
  }

  /// A start for each vector of lanes and one more; as many weights as offsets
  /// say.
  LogicalResult checkVisits(PackedDenseOp op, const KernelRow &row, int64_t n) {
    if (!op.getVisitStarts())
      return success();
    auto count = [](Value memref) {
      return cast<MemRefType>(memref.getType()).getNumElements();
    };
    if (!row.hasNarrowSums() ||
        count(op.getVisitStarts()) != n / row.lanes + 1 ||
        count(op.getVisitWeights()) !=
            count(op.getVisitOffsets()) * row.lanes * row.group())
      return op.emitOpError("visits do not have the sizes that ")
             << row.name << " needs for " << n << " channels";
    return success();
  }

  LogicalResult expand(PackedDenseOp op) {
    const KernelRow *row = kernelByName(op.getKernel());
    if (failed(check(op, row)))
      return failure();
    Finish finish = Finish::of(op, *row);
    ImplicitLocOpBuilder b(op.getLoc(), op);
    bool hasVisits = bool(op.getVisitStarts());
    bool oneRow = cast<MemRefType>(op.getInput().getType()).getDimSize(0) == 1;
    func::FuncOp function = kernelFunction(*row, finish, hasVisits, oneRow);

    auto init = cast<MemRefType>(op.getInit().getType());
    Value input = op.getInput();
    int64_t depth = cast<MemRefType>(input.getType()).getDimSize(1);
    auto [lhs, rows, lhsPitch] = pointerAndPitch(b, input);
    auto [out, outRows, outPitch] = pointerAndPitch(b, op.getInit());
    Value none =
        LLVM::ZeroOp::create(b, LLVM::LLVMPointerType::get(&getContext()));
    auto pointer = [&](Value memref) {
      return memref ? std::get<0>(pointerAndPitch(b, memref)) : none;
    };
    Value operands[ArgumentCount];
    operands[Lhs] = lhs;
    operands[LhsPitch] = lhsPitch;
    operands[Rows] = rows;
    operands[Groups] = arith::ConstantIndexOp::create(b, row->groups(depth));
    operands[Rhs] = pointer(op.getPacked());
    operands[Bias] = pointer(op.getBias());
    operands[Multiplier] = pointer(op.getMultiplier());
    operands[Extra] = pointer(op.getShift() ? op.getShift() : op.getOutBias());
    operands[Out] = out;
    operands[OutPitch] = outPitch;
    operands[Panels] =
        arith::ConstantIndexOp::create(b, init.getDimSize(1) / row->nr);
    operands[VisitStarts] = pointer(op.getVisitStarts());
    operands[VisitOffsets] = pointer(op.getVisitOffsets());
    operands[VisitWeights] = pointer(op.getVisitWeights());
    func::CallOp::create(b, function, ValueRange(ArrayRef<Value>(operands)));
    op.erase();
    return success();
  }

  /// Address of the first element, size of the first dimension and its pitch in
  /// bytes (rank 1: the pitch is unused and 0).
  std::tuple<Value, Value, Value> pointerAndPitch(ImplicitLocOpBuilder &b,
                                                  Value memref) {
    auto type = cast<MemRefType>(memref.getType());
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
    Value size = arith::ConstantIndexOp::create(b, bytes);
    address = arith::AddIOp::create(
        b, address, arith::MulIOp::create(b, metadata.getOffset(), size));
    Value pointer = LLVM::IntToPtrOp::create(
        b, LLVM::LLVMPointerType::get(&getContext()),
        Value(arith::IndexCastOp::create(b, b.getI64Type(), address)));
    if (type.getRank() < 2)
      return {pointer, metadata.getSizes()[0],
              arith::ConstantIndexOp::create(b, 0)};
    Value pitch = arith::MulIOp::create(b, metadata.getStrides()[0], size);
    return {pointer, metadata.getSizes()[0], pitch};
  }

  func::FuncOp kernelFunction(const KernelRow &row, const Finish &finish,
                              bool hasVisits, bool oneRow) {
    std::string name = (row.name + (hasVisits ? "_visits_" : "_") +
                        (oneRow ? "one_" : "") + finish.name())
                           .str();
    if (auto known = getOperation().lookupSymbol<func::FuncOp>(name))
      return known;
    ImplicitLocOpBuilder b(getOperation().getLoc(), &getContext());
    b.setInsertionPointToEnd(getOperation().getBody());
    auto function = func::FuncOp::create(
        b, b.getLoc(), name, KernelWriter::functionType(&getContext()));
    function.setPrivate();
    function->setAttr("llvm.linkage",
                      LLVM::LinkageAttr::get(&getContext(),
                                             LLVM::linkage::Linkage::Internal));
    if (oneRow)
      function->setAttr("passthrough", b.getStrArrayAttr({"alwaysinline"}));
    KernelWriter(b, row, finish, hasVisits).writeBody(function, oneRow);
    return function;
  }
};

} // namespace
