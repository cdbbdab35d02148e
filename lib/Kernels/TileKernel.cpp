//===- TileKernel.cpp - kernels on AMX's tile registers -------------------===//
//
// A tile register is 16 rows of 64 bytes. tdpbusd adds to 16x16 sums the
// products of 16 rows by 64 inputs and of 64 inputs by 16 channels (Intel SDM
// volume 2, TDPBUSD); packed weights [K/4][NR][4] are such tiles as they lie.
//
//   register   0 1      6 7          sums: 32 rows by 32 channels; a last part
//   of
//              2 3   4               up to 16 rows takes 0, 1 and 4 only
//                    5               4, 5: activations   6, 7: weights
//
// The sums start as the bias, loaded with a pitch of 0, and go through memory
// to the finish. Who calls must have the kernel's leave for the registers: of
// what is compiled, only the chooser of a portable object asks for it
// (Codegen).
//
//===----------------------------------------------------------------------===//

#include "KernelWriter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::qnet;

namespace {
constexpr int64_t tileRows = 16, tileBytes = 64;
constexpr int upperSums = 0, lowerSums = 2, upperRows = 4, lowerRows = 5,
              weightTiles = 6, tileCount = 8;
/// A row of sums: two tiles side by side.
constexpr int64_t sumsPitch = 2 * tileBytes;
// Fields of what LDTILECFG reads (Intel SDM volume 2).
constexpr int64_t bytesField = 16, rowsField = 48, configBytes = 64;
} // namespace

void KernelWriter::tileInstruction(llvm::StringRef name, ValueRange operands) {
  LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.x86." + name.str()),
                                operands);
}

void KernelWriter::loadTile(int tile, Value address, Value stride) {
  Value number = LLVM::ConstantOp::create(b, b.getI8Type(), tile);
  tileInstruction("tileloadd64", {number, address, stride});
}

void KernelWriter::configureTiles(Value rows) {
  auto constant = [&](int64_t count, unsigned bits, int64_t value) -> Value {
    auto type = VectorType::get({count}, b.getIntegerType(bits));
    return arith::ConstantOp::create(
        b, SplatElementsAttr::get(
               type, b.getIntegerAttr(b.getIntegerType(bits), value)));
  };
  auto write = [&](Value value, int64_t at) {
    LLVM::StoreOp::create(b, value, offset(tileConfig, at), 1);
  };
  write(constant(configBytes, 8, 0), 0);
  write(LLVM::ConstantOp::create(b, b.getI8Type(), /*palette=*/1), 0);
  write(constant(tileCount, 16, tileBytes), bytesField);
  write(constant(tileCount, 8, tileRows), rowsField);
  Value count = arith::IndexCastOp::create(b, b.getI8Type(), rows);
  for (int tile : {upperSums, upperSums + 1, upperRows})
    write(count, rowsField + tile);
  tileInstruction("ldtilecfg", tileConfig);
}

void KernelWriter::writeTileBody() {
  Value bytes = LLVM::ConstantOp::create(b, b.getI64Type(),
                                         row.mr * sumsPitch + configBytes);
  tileSums = LLVM::AllocaOp::create(b, ptr, b.getI8Type(), bytes,
                                    /*alignment=*/tileBytes);
  tileConfig = offset(tileSums, row.mr * sumsPitch);
  Value zero = index(0), whole = index(row.mr), tall = index(tileRows);
  Value end = arith::SubIOp::create(
      b, arg[Rows], arith::RemUIOp::create(b, arg[Rows], whole));
  configureTiles(tall);
  auto wholes = scf::ForOp::create(b, zero, end, whole);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(wholes.getBody());
    writeTilePanels(wholes.getInductionVar(), whole, /*isWhole=*/true);
  }
  auto parts = scf::ForOp::create(b, end, arg[Rows], tall);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(parts.getBody());
    Value first = parts.getInductionVar();
    Value rows = arith::MinUIOp::create(
        b, tall, arith::SubIOp::create(b, arg[Rows], first));
    configureTiles(rows);
    writeTilePanels(first, rows, /*isWhole=*/false);
  }
  tileInstruction("tilerelease", {});
}

void KernelWriter::writeTilePanels(Value firstRow, Value rows, bool isWhole) {
  auto i64 = [&](Value value) -> Value {
    return arith::IndexCastOp::create(b, b.getI64Type(), value);
  };
  auto number = [&](int tile) -> Value {
    return LLVM::ConstantOp::create(b, b.getI8Type(), tile);
  };
  Value pitch = i64(arg[LhsPitch]), none = i64(index(0));
  Value rhsPitch = i64(index(row.nr * 4)), outPitch = i64(index(sumsPitch));
  Value upper =
      offset(arg[Lhs], arith::MulIOp::create(b, firstRow, arg[LhsPitch]));
  Value lower = offset(upper, scaled(arg[LhsPitch], tileRows));
  auto panels = scf::ForOp::create(b, index(0), arg[Panels], index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(panels.getBody());
  panel = panels.getInductionVar();
  Value rhsPanel = offset(
      arg[Rhs],
      arith::MulIOp::create(b, panel, scaled(arg[Groups], row.nr * row.kr)));
  Value firstChannel = scaled(panel, row.nr);
  Value bias = offset(arg[Bias], scaled(firstChannel, 4));
  for (int first : {upperSums, lowerSums})
    for (int side : {0, 1})
      if (isWhole || first == upperSums)
        loadTile(first + side, offset(bias, side * tileBytes), none);

  auto steps = scf::ForOp::create(b, index(0), arg[Groups], index(1));
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(steps.getBody());
    Value step = steps.getInductionVar(), shift = scaled(step, row.kr);
    Value rhs = offset(rhsPanel, scaled(step, row.nr * row.kr));
    for (int side : {0, 1})
      loadTile(weightTiles + side, offset(rhs, side * tileBytes), rhsPitch);
    for (auto [first, tile, address] :
         {std::tuple(upperSums, upperRows, upper),
          std::tuple(lowerSums, lowerRows, lower)}) {
      if (!isWhole && first != upperSums)
        continue;
      loadTile(tile, offset(address, shift), pitch);
      for (int side : {0, 1})
        tileInstruction("tdpbusd", {number(first + side), number(tile),
                                    number(weightTiles + side)});
    }
  }
  for (int first : {upperSums, lowerSums})
    for (int side : {0, 1})
      if (isWhole || first == upperSums)
        tileInstruction(
            "tilestored64",
            {number(first + side),
             offset(tileSums, (first == upperSums ? 0 : tileRows) * sumsPitch +
                                  side * tileBytes),
             outPitch});
  auto finished = scf::ForOp::create(b, index(0), rows, index(1));
  b.setInsertionPointToStart(finished.getBody());
  Value i = finished.getInductionVar();
  Value sums = offset(tileSums, scaled(i, sumsPitch));
  Type lanes = vector(b.getI32Type(), row.lanes);
  Value both[] = {load(lanes, sums, 4),
                  load(lanes, offset(sums, tileBytes), 4)};
  writeFinish(both, arith::AddIOp::create(b, firstRow, i), firstChannel, 1);
}
