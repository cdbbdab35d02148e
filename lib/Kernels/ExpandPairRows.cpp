//===- ExpandPairRows.cpp - rows two and two ------------------------------===//
//
// Takes          pair_rows on memrefs whose last dimension is contiguous.
// Gives          loops that move 8 bytes at a time.
// Why            usmmla reads 8 bytes of one row and 8 of the next as one
// vector;
//                putting them together once costs less than in every panel.
// Not done here  vectors: LLVM makes them of the inner loop.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Kernels/Passes.h"

#define DEBUG_TYPE "expand-pair-rows"

namespace mlir::qnet {
#define GEN_PASS_DEF_EXPANDPAIRROWS
#include "quantc/Kernels/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Bytes of a row that stand together.
constexpr int64_t group = 8;

class PairWriter {
public:
  PairWriter(ImplicitLocOpBuilder &b, PairRowsOp op)
      : b(b), groups(cast<MemRefType>(op.getInit().getType()).getDimSize(1) /
                     (2 * group)) {
    std::tie(input, rows, inputPitch) = describe(op.getInput());
    std::tie(output, std::ignore, outputPitch) = describe(op.getInit());
  }

  void write() {
    Value zero = index(0), one = index(1), two = index(2);
    Value pairs = arith::DivUIOp::create(b, rows, two);
    auto loop = scf::ForOp::create(b, zero, pairs, one);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value pair = loop.getInductionVar();
      Value first = arith::MulIOp::create(b, pair, two);
      writePair(pair, rowAt(first),
                rowAt(arith::AddIOp::create(b, first, one)));
    }
    Value isOdd =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                              arith::RemUIOp::create(b, rows, two), zero);
    auto last = scf::IfOp::create(b, isOdd, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(last.thenBlock());
    writePair(pairs, rowAt(arith::SubIOp::create(b, rows, one)), Value());
  }

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Type pointer() { return LLVM::LLVMPointerType::get(b.getContext()); }

  Value offset(Value base, Value bytes) {
    Value distance = arith::IndexCastOp::create(b, b.getI64Type(), bytes);
    return LLVM::GEPOp::create(b, pointer(), b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{distance});
  }
  Value rowAt(Value row) {
    return offset(input, arith::MulIOp::create(b, row, inputPitch));
  }

  /// Address of the first byte, number of rows, bytes from row to row.
  std::tuple<Value, Value, Value> describe(Value memref) {
    auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
    address = arith::AddIOp::create(b, address, metadata.getOffset());
    Value start = LLVM::IntToPtrOp::create(
        b, pointer(),
        Value(arith::IndexCastOp::create(b, b.getI64Type(), address)));
    return {start, metadata.getSizes()[0], metadata.getStrides()[0]};
  }

  /// `second` may be null: zeros.
  void writePair(Value pair, Value first, Value second) {
    Type word = b.getI64Type();
    Value out = offset(output, arith::MulIOp::create(b, pair, outputPitch));
    auto loop = scf::ForOp::create(b, index(0), index(groups), index(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value at = arith::MulIOp::create(b, loop.getInductionVar(), index(group));
    Value upper = LLVM::LoadOp::create(b, word, offset(first, at), 1);
    Value lower =
        second ? Value(LLVM::LoadOp::create(b, word, offset(second, at), 1))
               : Value(arith::ConstantIntOp::create(b, word, 0));
    Value to = offset(out, arith::MulIOp::create(b, at, index(2)));
    LLVM::StoreOp::create(b, upper, to, group);
    LLVM::StoreOp::create(b, lower, offset(to, index(group)), group);
  }

  ImplicitLocOpBuilder &b;
  int64_t groups;
  Value input, rows, inputPitch, output, outputPitch;
};

struct ExpandPairRows : qnet::impl::ExpandPairRowsBase<ExpandPairRows> {
  void runOnOperation() override {
    SmallVector<PairRowsOp> ops;
    getOperation().walk([&](PairRowsOp op) { ops.push_back(op); });
    for (PairRowsOp op : ops)
      if (failed(expand(op)))
        return signalPassFailure();
  }

  static LogicalResult expand(PairRowsOp op) {
    for (Value operand : op->getOperands()) {
      auto type = dyn_cast<MemRefType>(operand.getType());
      if (!type)
        return op.emitOpError("must be on memrefs (bufferize first)");
      auto [strides, offset] = type.getStridesAndOffset();
      if (strides.back() != 1)
        return op.emitOpError("rows must be contiguous, got ") << type;
    }
    ImplicitLocOpBuilder b(op.getLoc(), op);
    PairWriter(b, op).write();
    op.erase();
    return success();
  }
};

} // namespace
