//===- GroupSums.cpp - group_sums as loops --------------------------------===//
//
// For each row and group: the 64 bytes as one vector, added by halves until
// four sums are left (of channels 0, 1, 2, 3 of every four), then these.
//
//===----------------------------------------------------------------------===//

#include "GroupSums.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::qnet;

/// What storing a weight as an unsigned nibble adds to it.
static constexpr int64_t kNibbleOffset = 8;

LogicalResult mlir::qnet::checkGroupSums(GroupSumsOp op) {
  auto input = dyn_cast<MemRefType>(op.getInput().getType());
  auto init = dyn_cast<MemRefType>(op.getInit().getType());
  if (!input || !init || input.getRank() != 2 || init.getRank() != 2)
    return op.emitOpError("must be on rank-2 memrefs (bufferize first)");
  if (!input.getElementType().isInteger(8) ||
      !init.getElementType().isInteger(32))
    return op.emitOpError("takes i8 and gives i32, not ")
           << input << " and " << init;
  if (init.getDimSize(1) != QDenseOp::groupsOf(input.getDimSize(1)))
    return op.emitOpError("gives one sum for each group of ")
           << QDenseOp::kGroupChannels << " channels, but " << init
           << " is no such result for " << input;
  for (MemRefType type : {input, init})
    if (type.getStridesAndOffset().first.back() != 1)
      return op.emitOpError("rows must be contiguous, got ") << type;
  return success();
}

/// The sum of the lanes that are alike modulo `count` lanes.
static Value addHalves(ImplicitLocOpBuilder &b, Value values, int64_t count) {
  int64_t lanes = cast<VectorType>(values.getType()).getNumElements();
  for (; lanes > count; lanes /= 2) {
    auto low = llvm::to_vector(llvm::seq<int64_t>(0, lanes / 2));
    auto high = llvm::to_vector(llvm::seq<int64_t>(lanes / 2, lanes));
    values = arith::AddIOp::create(
        b, vector::ShuffleOp::create(b, values, values, low),
        vector::ShuffleOp::create(b, values, values, high));
  }
  return values;
}

void mlir::qnet::writeGroupSums(ImplicitLocOpBuilder &b, GroupSumsOp op,
                                RowPointer input, RowPointer init, Value rows) {
  Type ptr = LLVM::LLVMPointerType::get(b.getContext());
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  auto offset = [&](Value base, Value count, Value bytes) -> Value {
    Value distance = arith::IndexCastOp::create(
        b, b.getI64Type(), arith::MulIOp::create(b, count, bytes));
    return LLVM::GEPOp::create(b, ptr, b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{distance});
  };
  int64_t groups = cast<MemRefType>(op.getInit().getType()).getDimSize(1);
  auto rowLoop = scf::ForOp::create(b, index(0), rows, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(rowLoop.getBody());
  Value row = rowLoop.getInductionVar();
  Value inputRow = offset(input.pointer, row, input.pitch);
  Value initRow = offset(init.pointer, row, init.pitch);
  auto groupLoop = scf::ForOp::create(b, index(0), index(groups), index(1));
  b.setInsertionPointToStart(groupLoop.getBody());
  Value group = groupLoop.getInductionVar();

  int64_t channels = QDenseOp::kGroupChannels;
  Value bytes = LLVM::LoadOp::create(
      b, VectorType::get({channels}, b.getI8Type()),
      offset(inputRow, group, index(channels)), /*alignment=*/1);
  // 64 bytes add up to less than 2^15, and 8 times that modulo 2^16 is what
  // halves are defined as.
  Value sums =
      addHalves(b,
                arith::ExtSIOp::create(
                    b, VectorType::get({channels}, b.getI16Type()), bytes),
                4);
  Value word;
  if (op.getHalves()) {
    Value pairs = arith::AddIOp::create(
        b, vector::ShuffleOp::create(b, sums, sums, ArrayRef<int64_t>{0, 2}),
        vector::ShuffleOp::create(b, sums, sums, ArrayRef<int64_t>{1, 3}));
    Value factor = arith::ConstantOp::create(
        b, SplatElementsAttr::get(cast<VectorType>(pairs.getType()),
                                  b.getI16IntegerAttr(-kNibbleOffset)));
    Value both =
        vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()),
                                  arith::MulIOp::create(b, pairs, factor));
    word = vector::ExtractOp::create(b, both, 0);
  } else {
    Value all = vector::ExtractOp::create(b, addHalves(b, sums, 1), 0);
    word = arith::MulIOp::create(
        b, arith::ExtSIOp::create(b, b.getI32Type(), all),
        arith::ConstantIntOp::create(b, b.getI32Type(), -kNibbleOffset));
  }
  LLVM::StoreOp::create(b, word, offset(initRow, group, index(4)),
                        /*alignment=*/4);
}
