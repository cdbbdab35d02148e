//===- ExpandPackedDense.cpp - kernels as loops around qnet.dot -----------===//
//
// Takes          packed_dense on memrefs whose last dimension is contiguous.
// Gives          one private function a kernel and finish, called with
// pointers;
//                register tiles as scf loops around qnet.dot (f32: mul and
//                add).
// Why            one tile description serves every instruction set and batch.
// Not done here  the body of a kernel (KernelWriter), the instruction
//                (lower-dot), blocks of rows (Lower).
//
//===----------------------------------------------------------------------===//

#include "GroupSums.h"
#include "KernelWriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "quantc/Dialect/Caches.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Kernels/Passes.h"

#define DEBUG_TYPE "expand-packed-dense"

namespace mlir::qnet {
#define GEN_PASS_DEF_EXPANDPACKEDDENSE
#include "quantc/Kernels/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct ExpandPackedDense
    : qnet::impl::ExpandPackedDenseBase<ExpandPackedDense> {
  void runOnOperation() override {
    SmallVector<PackedDenseOp> layers;
    getOperation().walk([&](PackedDenseOp op) { layers.push_back(op); });
    for (PackedDenseOp op : layers)
      if (failed(expand(op)))
        return signalPassFailure();
    SmallVector<GroupSumsOp> sums;
    getOperation().walk([&](GroupSumsOp op) { sums.push_back(op); });
    for (GroupSumsOp op : sums)
      if (failed(expand(op)))
        return signalPassFailure();
  }

  LogicalResult expand(GroupSumsOp op) {
    if (failed(checkGroupSums(op)))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), op);
    auto [input, rows, inputPitch] = pointerAndPitch(b, op.getInput());
    auto [init, initRows, initPitch] = pointerAndPitch(b, op.getInit());
    writeGroupSums(b, op, {input, inputPitch}, {init, initPitch}, rows);
    op.erase();
    return success();
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
    int64_t n = init.getDimSize(1), depth = depthOf(op, *row);
    if (bias.getNumElements() != n || n % row->nr != 0 ||
        packed.getNumElements() !=
            (op.getListGroups() ? listedWeights(op, *row)
                                : n * row->groups(depth) * row->stepBytes()))
      return op.emitOpError("packed weights do not have the size that ")
             << row->name << " packs " << n << " by " << depth << " to";
    if (failed(checkLists(op, *row, n)) || failed(checkVisits(op, *row, n)) ||
        failed(checkGroups(op, *row, n)))
      return failure();
    for (MemRefType type : {input, init}) {
      auto [strides, offset] = type.getStridesAndOffset();
      if (strides.back() != 1)
        return op.emitOpError("rows must be contiguous, got ") << type;
    }
    return success();
  }

  static int64_t count(Value memref) {
    return cast<MemRefType>(memref.getType()).getNumElements();
  }
  static int64_t listedWeights(PackedDenseOp op, const KernelRow &row) {
    return count(op.getListGroups()) * row.nr * row.group();
  }

  /// A start for each panel and one more; whole steps.
  LogicalResult checkLists(PackedDenseOp op, const KernelRow &row, int64_t n) {
    if (!op.getListStarts())
      return success();
    if (row.hasSteps())
      return op.emitOpError("has lists, which panels of ")
             << row.name << " do not have";
    if (!row.isByteRow() || count(op.getListStarts()) != n / row.nr + 1 ||
        count(op.getListGroups()) % (row.kr / row.group()) != 0)
      return op.emitOpError("lists do not have the sizes that ")
             << row.name << " needs for " << n << " channels";
    auto bits = [](Value memref) {
      return cast<MemRefType>(memref.getType()).getElementTypeBitWidth();
    };
    if (bits(op.getListStarts()) != 32 || bits(op.getListGroups()) != 16)
      return op.emitOpError("lists do not have the types i32 and i16");
    return success();
  }

  /// A start for each vector of lanes and one more; as many weights as offsets
  /// say.
  LogicalResult checkVisits(PackedDenseOp op, const KernelRow &row, int64_t n) {
    if (!op.getVisitStarts())
      return success();
    if (!row.hasNarrowSums() ||
        count(op.getVisitStarts()) != n / row.lanes + 1 ||
        count(op.getVisitWeights()) !=
            count(op.getVisitOffsets()) * row.lanes * row.group())
      return op.emitOpError("visits do not have the sizes that ")
             << row.name << " needs for " << n << " channels";
    return success();
  }

  /// Multipliers and sums of groups where the row takes them, and nowhere else.
  LogicalResult checkGroups(PackedDenseOp op, const KernelRow &row, int64_t n) {
    if (row.isGrouped() != bool(op.getGroupMultiplier()) ||
        (row.rhs == RhsStorage::U4) != bool(op.getGroupSums()))
      return op.emitOpError("has not the group operands of ") << row.name;
    if (!row.isGrouped())
      return success();
    auto input = cast<MemRefType>(op.getInput().getType());
    int64_t groups = row.groups(input.getDimSize(1));
    auto multiplier = dyn_cast<MemRefType>(op.getGroupMultiplier().getType());
    if (!multiplier || !multiplier.getElementType().isInteger(8) ||
        multiplier.getNumElements() != n * groups * row.multipliersPerLane())
      return op.emitOpError("group multipliers do not have the size that ")
             << row.name << " needs for " << n << " channels";
    if (!op.getGroupSums())
      return success();
    auto sums = dyn_cast<MemRefType>(op.getGroupSums().getType());
    if (!sums || sums.getRank() != 2 || !sums.getElementType().isInteger(32) ||
        sums.getDimSize(1) != groups ||
        sums.getStridesAndOffset().first.back() != 1)
      return op.emitOpError("group sums do not have the shape that ")
             << row.name << " needs for " << input;
    return success();
  }

  /// Inputs of a row of activations; of pairs of rows, with their padding.
  static int64_t depthOf(PackedDenseOp op, const KernelRow &row) {
    int64_t size = cast<MemRefType>(op.getInput().getType()).getDimSize(1);
    return row.hasBlocks() ? size / 2 : size;
  }

  LogicalResult expand(PackedDenseOp op) {
    const KernelRow *row = kernelByName(op.getKernel());
    if (failed(check(op, row)))
      return failure();
    Finish finish = Finish::of(op, *row);
    ImplicitLocOpBuilder b(op.getLoc(), op);
    bool hasLists = bool(op.getListStarts());
    bool hasVisits = bool(op.getVisitStarts());
    auto init = cast<MemRefType>(op.getInit().getType());
    bool oneRow = init.getDimSize(0) == 1;
    func::FuncOp function =
        kernelFunction(*row, finish, hasLists, hasVisits, oneRow);

    auto [lhs, lhsRows, lhsPitch] = pointerAndPitch(b, op.getInput());
    auto [out, rows, outPitch] = pointerAndPitch(b, op.getInit());
    Value none =
        LLVM::ZeroOp::create(b, LLVM::LLVMPointerType::get(&getContext()));
    auto pointer = [&](Value memref) {
      return memref ? std::get<0>(pointerAndPitch(b, memref)) : none;
    };
    Value operands[ArgumentCount];
    operands[Lhs] = lhs;
    operands[LhsPitch] = lhsPitch;
    operands[Rows] = rows;
    operands[Groups] =
        arith::ConstantIndexOp::create(b, row->groups(depthOf(op, *row)));
    operands[Rhs] = pointer(op.getPacked());
    operands[Bias] = pointer(op.getBias());
    operands[Multiplier] = pointer(op.getMultiplier());
    operands[Extra] = pointer(op.getShift() ? op.getShift() : op.getOutBias());
    operands[Out] = out;
    operands[OutPitch] = outPitch;
    operands[Panels] =
        arith::ConstantIndexOp::create(b, init.getDimSize(1) / row->nr);
    operands[ListStarts] = pointer(op.getListStarts());
    operands[ListGroups] = pointer(op.getListGroups());
    operands[VisitStarts] = pointer(op.getVisitStarts());
    operands[VisitOffsets] = pointer(op.getVisitOffsets());
    operands[VisitWeights] = pointer(op.getVisitWeights());
    operands[GroupMultipliers] = pointer(op.getGroupMultiplier());
    operands[GroupSums] = none;
    operands[GroupSumsPitch] = arith::ConstantIndexOp::create(b, 0);
    if (Value sums = op.getGroupSums())
      std::tie(operands[GroupSums], std::ignore, operands[GroupSumsPitch]) =
          pointerAndPitch(b, sums);
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
                              bool hasLists, bool hasVisits, bool oneRow) {
    std::string name = (row.name + (hasLists ? "_lists" : "") +
                        (hasVisits ? "_visits_" : "_") +
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
    KernelWriter(b, row, finish, hasLists, hasVisits,
                 homeOfWeights(getOperation()))
        .writeBody(function, oneRow);
    return function;
  }
};

} // namespace
