//===- KernelWriter.h - the body of one kernel ------------------*- C++ -*-===//
//
// For a panel p of NR channels and a tile of M rows from r:
//   acc[m][n]  = bias[p][n]
//   for g:       acc[m] += dot(splat(lhs[r + m][g]), rhs[p][g])
//   (with lists, for the groups g that the panel lists)
//   out[r + m] = finish(acc[m])
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_LIB_KERNELS_KERNELWRITER_H
#define QUANTC_LIB_KERNELS_KERNELWRITER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Dialect/Caches.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Dialect/SequenceEmitter.h"
#include "quantc/Kernels/KernelTable.h"

namespace mlir::qnet {

/// How accumulators become results.
struct Finish {
  enum Kind { StoreFloat, ScaleToFloat, Requantize, RequantizeFixed } kind;
  bool hasOutBias;
  int32_t zeroPoint, qmin, qmax, offset;
  unsigned outBits;

  static Finish of(PackedDenseOp op, const KernelRow &row);

  /// Part of the kernel function's name: equal finishes share a function.
  std::string name() const;
};

/// Arguments of a kernel function, in order. Pitches are in bytes.
enum KernelArgument {
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
  ListStarts,
  ListGroups,
  VisitStarts,
  VisitOffsets,
  VisitWeights,
  GroupMultipliers,
  GroupSums,
  GroupSumsPitch,
  ArgumentCount
};

class KernelWriter {
public:
  KernelWriter(ImplicitLocOpBuilder &b, const KernelRow &row, Finish finish,
               bool hasLists, bool hasVisits, WeightsHome home)
      : b(b), row(row), finish(finish), hasLists(hasLists),
        hasVisits(hasVisits), home(home),
        ptr(LLVM::LLVMPointerType::get(b.getContext())) {}

  static FunctionType functionType(MLIRContext *context);

  /// `oneRow`: the function is for one row only, and part of its caller.
  void writeBody(func::FuncOp function, bool oneRow);

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
    return VectorType::get({count}, element, {row.isScalable()});
  }

  Type rhsElement() {
    return row.isFloat() ? Type(b.getF32Type()) : b.getI8Type();
  }
  Type accElement() {
    return row.isFloat() ? Type(b.getF32Type()) : b.getI32Type();
  }
  int64_t rhsBytes() const { return row.isFloat() ? 4 : 1; }
  /// Vectors of lanes that a tile is wide.
  int64_t vectors() const {
    return row.isScalable() ? partVectors : row.nr / row.lanes;
  }

  /// The activations of one group, repeated for every lane.
  Value broadcastLhs(Value address);

  /// `acc` and the products of a step: one vector for each of its groups.
  Value accumulate(Value acc, ValueRange lhs, ValueRange rhs);

  /// Tiles of all rows on one panel, or on a part of it.
  void writeRows(bool oneRow);

  void writeTile(Value firstRow, int64_t rows);

  /// Number `at` of a list of i32 places.
  Value startOf(KernelArgument starts, Value at);

  /// Number `at` of the groups that all panels list, for a tile of several rows
  /// or for one.
  Value listedGroup(Value at, bool isTile);

  /// Whether each row of a tile reads the weights again. An instruction that
  /// takes them from memory leaves their registers to a taller tile.
  bool rereadsRhs() const;

  /// The same value (i64 or pointer) by an assembly of nothing, so that LLVM
  /// does not know what it is.
  Value opaque(Value value);

  /// The bytes from the start of a row to each group of a step.
  SmallVector<Value> lhsShifts(Value step, bool isTile);

  /// `accs` [rows][vectors] and the products of a panel's steps.
  SmallVector<Value> writeSteps(ArrayRef<Value> lhsRows, Value rhsPanel,
                                Value firstStep, Value endStep,
                                ValueRange accs);

  /// `accs` and the products of one step, KR input channels.
  SmallVector<Value> writeStep(ArrayRef<Value> lhsRows, Value rhsPanel,
                               Value group, ValueRange accs);

  /// Whether a step is written group by group: each group's weights meet all
  /// rows before the next group's are read, and its sums stay in registers.
  bool addsByGroup() const;
  SmallVector<Value> writeStepByGroup(ArrayRef<Value> lhsRows, Value rhsGroup,
                                      ArrayRef<Value> shifts, ValueRange accs);

  /// The same vectors by an assembly of nothing that takes all of them: LLVM
  /// multiplies what it adds afterwards, and adds in the order of the code.
  SmallVector<Value> together(ArrayRef<Value> vectors);

  /// A one for each 16-bit sum of an accumulator, which vpmaddwd multiplies to
  /// add pairs. Loaded in each step: a register for them would spill a sum.
  Value onesOfSums();

  /// How many sums each accumulator of a small tile is taken apart into. An
  /// instruction that multiplies and adds has a latency of 4 or 5 cycles, so
  /// a dozen sums keep it busy; integers may be added in any order.
  int64_t chainsOf(int64_t accumulators) const;

  // The forms of KernelSteps.cpp.

  /// The parts of a panel that a tile's vectors cover, each with `writeRows`.
  void writeScalablePanel(bool oneRow);

  /// A tile whose step takes several groups from one load: by lanes of a
  /// vector, or in blocks of two rows.
  void writeStepTile(Value firstRow, int64_t rows);

  /// 16 bytes at an address, for every 128 bits of a vector.
  Value repeatedSegment(Value address);

  /// One product of a step into `acc`, of its group of that number.
  void accumulateStep(Value &acc, Value lhs, Value rhs, int64_t group);

  /// The first 8 bytes of 16, and the others.
  SmallVector<Value> halvesOf(Value bytes);

  /// Where lanes take inputs: to `accs` [rows][channels] the products of all
  /// rows with the 16 weights of one channel.
  void accumulateChannel(MutableArrayRef<Value> accs,
                         MutableArrayRef<Value> lhs, Value rhs,
                         int64_t channel);

  /// Sums of a tile whose lanes are not channels, to [rows][vectors] of
  /// channels with their bias.
  SmallVector<Value> channelSums(ArrayRef<Value> sums, ArrayRef<Value> bias);

  /// Lanes of inputs to a vector of channels: the sum of each.
  Value channelsOf(ValueRange sums);

  /// 2x2 blocks to a vector of channels for either row.
  std::pair<Value, Value> rowsOfBlocks(Value low, Value high);

  /// Vectors `a`, then `b`.
  Value joined(Value a, Value b);

  /// base + the place of vector `v` of the tile, of that many bytes a lane.
  Value vectorAt(Value base, int64_t v, int64_t bytesPerLane);

  /// Vector `v` of the tile from `base` on: `count` elements, times vscale
  /// where the row is scalable.
  Value loadPart(Type element, Value base, int64_t v, int64_t count);

  // AMX (TileKernel.cpp).

  /// The whole body of a kernel on tile registers.
  void writeTileBody();

  /// 32 rows, or `rows` of them up to 16, from `firstRow` on, of all panels.
  void writeTilePanels(Value firstRow, Value rows, bool isWhole);

  /// Sizes of the tile registers: of activations and sums, `rows` of them.
  void configureTiles(Value rows);

  void tileInstruction(llvm::StringRef name, ValueRange operands);
  void loadTile(int tile, Value address, Value stride);

  /// Groups of 4-bit weights times their multipliers, added to `accs`
  /// (KernelWriterInt4.cpp).
  SmallVector<Value> addGroups(ArrayRef<Value> lhsRows, Value firstRow,
                               ValueRange accs);
  SmallVector<Value> groupStarts(Value group, Value firstRow, int64_t rows);
  /// `segments`: of each row 16 bytes, of which the step takes lanes
  /// `firstLane` and the next one; or none.
  SmallVector<Value> addGroupStep(Value step, Value rhsGroup,
                                  ArrayRef<Value> lhsGroups,
                                  ArrayRef<Value> segments, int64_t firstLane,
                                  ValueRange sums);
  /// A step of a single row: its products, then their sums (together).
  SmallVector<Value> addPairsOfOneRow(Value lhs,
                                      ArrayRef<SmallVector<Value, 2>> nibbles,
                                      ValueRange sums);
  Value addNibbleProducts(Value sums, Value nibbles, Value lhs,
                          IntegerAttr lane);
  /// Whether pairs of bytes add in 16 bits: x86 without dot products.
  bool addsBytePairs() const;
  /// Whether nibbles are multiplied in the upper half of a byte, as 16 times
  /// their weights: two instructions unpack them where three would, and sums of
  /// 32 bits have room.
  bool hasShiftedNibbles() const;
  Value applyMultiplier(Value acc, Value sums, Value multiplier);
  SmallVector<Value, 2> unpackNibbles(Value bytes);
  int64_t rhsStepBytes() const { return row.nr * row.stepBytes() * rhsBytes(); }

  /// Asks for weights ahead. A single row is as fast as they arrive, and the
  /// hardware's own prefetcher stops at each page: from beyond the second cache
  /// it needs the first line of the next one, from the second all lines. From
  /// memory it is too late for 4-bit weights that take several instructions:
  /// they need all lines too.
  void prefetchRhs(Value rhsGroup);

  /// Whether tiles of that many rows ask for the next panel's weights while
  /// they multiply this one's: each tile for some lines of every step, the next
  /// tile for the lines behind them.
  bool asksAhead(int64_t rows) const;
  int64_t linesAhead() const;
  void askAhead(Value rhsGroup);
  Value nextPanelAhead(Value firstRow, int64_t rows, Value steps);

  /// Asks for the first of the panel's visits, which no loop before leads to.
  void prefetchVisits();

  /// Adds the visits of one vector of lanes to its accumulators of all rows.
  void addVisits(int64_t v, ArrayRef<Value> lhsRows,
                 SmallVectorImpl<Value> &sums);

  void writeFinish(ValueRange accs, Value firstRow, Value firstChannel,
                   int64_t rows);

  /// Vectors of a row's results that are made one before they are stored: of
  /// bytes, as many as fill 128 bits.
  int64_t storedTogether() const;

  /// i32 values as they are stored.
  Value stored(Value q);

  ImplicitLocOpBuilder &b;
  const KernelRow &row;
  Finish finish;
  bool hasLists, hasVisits;
  WeightsHome home;
  Type ptr;
  Value arg[ArgumentCount];
  Value panel;
  /// From a step's weights to what its tile asks for early, or nothing.
  Value ahead;
  /// Scalable rows: the part's first channel within its panel, and how many
  /// vectors wide it is.
  Value partChannel;
  int64_t partVectors = 1;
  /// AMX: room for the sums of a tile, and for the sizes of the registers.
  Value tileSums, tileConfig;
};

} // namespace mlir::qnet

#endif // QUANTC_LIB_KERNELS_KERNELWRITER_H
