//===- LowerDot.cpp - qnet.dot to instructions
//-----------------------------===//
//
// Takes          qnet.dot ops, one instruction set.
// Gives          calls of that set's intrinsics, or plain vector arithmetic.
// Why            the one place where a kernel differs between CPUs.
// Not done here  loads, loops and tiles (expand-packed-dense).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Dialect/Isa.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Kernels/Passes.h"

#define DEBUG_TYPE "lower-dot"

namespace mlir::qnet {
#define GEN_PASS_DEF_LOWERDOT
#include "quantc/Kernels/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// The shape of a dot that an instruction computes.
struct Form {
  int64_t lanes, group;
  unsigned lhsBits;
  bool lhsUnsigned;
  bool operator==(const Form &) const = default;
};

Form formOf(DotOp op) {
  auto acc = cast<VectorType>(op.getAccumulator().getType());
  auto lhs = cast<VectorType>(op.getLhs().getType());
  return {acc.getNumElements(), lhs.getNumElements() / acc.getNumElements(),
          lhs.getElementTypeBitWidth(), op.getLhsUnsigned()};
}

Value callIntrinsic(ImplicitLocOpBuilder &b, Type result, StringRef name,
                    ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name),
                                       operands)
      .getResult(0);
}

/// Multiplies pairs of i16 and adds each pair in i32: vpmaddwd, Intel SDM
/// volume 2, PMADDWD. With u8 values and i8 weights no pair can overflow.
Value multiplyAddPairs(ImplicitLocOpBuilder &b, DotOp op, StringRef intrinsic) {
  auto lhsType = cast<VectorType>(op.getLhs().getType());
  Value rhs = op.getRhs();
  if (rhs.getType() != lhsType)
    rhs = arith::ExtSIOp::create(b, lhsType, rhs);
  Value pairs =
      callIntrinsic(b, op.getResult().getType(), intrinsic, {op.getLhs(), rhs});
  return arith::AddIOp::create(b, op.getAccumulator(), pairs);
}

/// The definition itself, in i32 lanes: every target can do it.
Value plainArithmetic(ImplicitLocOpBuilder &b, DotOp op, Form form) {
  auto wide = VectorType::get({form.lanes * form.group}, b.getI32Type());
  Value lhs = form.lhsUnsigned
                  ? Value(arith::ExtUIOp::create(b, wide, op.getLhs()))
                  : Value(arith::ExtSIOp::create(b, wide, op.getLhs()));
  Value rhs = arith::ExtSIOp::create(b, wide, op.getRhs());
  Value products = arith::MulIOp::create(b, lhs, rhs);
  Value sum = op.getAccumulator();
  for (int64_t j = 0; j < form.group; ++j) {
    Value part = products;
    if (form.group > 1) {
      SmallVector<int64_t> lanes;
      for (int64_t lane = 0; lane < form.lanes; ++lane)
        lanes.push_back(lane * form.group + j);
      part = vector::ShuffleOp::create(b, products, products, lanes);
    }
    sum = arith::AddIOp::create(b, sum, part);
  }
  return sum;
}

/// What computes a dot: an instruction that takes the accumulator, or one that
/// only multiplies and adds pairs.
struct DotInstruction {
  Isa isa;
  Form form;
  StringLiteral intrinsic;
};
constexpr DotInstruction pairInstructions[] = {
    {Isa::sse41, {4, 2, 16, false}, "llvm.x86.sse2.pmadd.wd"},
    {Isa::avx2, {8, 2, 16, false}, "llvm.x86.avx2.pmadd.wd"},
    {Isa::avx512bw, {16, 2, 16, false}, "llvm.x86.avx512.pmaddw.d.512"}};
// vpdpbusd (Intel SDM volume 2, VPDPBUSD) and usdot multiply u8 by s8, sdot
// (Arm ARM C7.2) s8 by s8; none saturates. One intrinsic serves both encodings
// of vpdpbusd: AVX-VNNI's VEX and AVX512-VNNI's EVEX.
constexpr DotInstruction quadInstructions[] = {
    {Isa::avxvnni, {8, 4, 8, true}, "llvm.x86.avx512.vpdpbusd.256"},
    {Isa::avx512vnni, {16, 4, 8, true}, "llvm.x86.avx512.vpdpbusd.512"},
    {Isa::dotprod, {4, 4, 8, false}, "llvm.aarch64.neon.sdot.v4i32.v16i8"},
    {Isa::i8mm, {4, 4, 8, true}, "llvm.aarch64.neon.usdot.v4i32.v16i8"}};

const DotInstruction *find(ArrayRef<DotInstruction> table, Isa isa,
                           const Form &form) {
  const auto *found = llvm::find_if(table, [&](const DotInstruction &known) {
    return known.isa == isa && known.form == form;
  });
  return found == table.end() ? nullptr : found;
}

Value lower(ImplicitLocOpBuilder &b, DotOp op, Isa isa) {
  Form form = formOf(op);
  if (const DotInstruction *pair = find(pairInstructions, isa, form))
    return multiplyAddPairs(b, op, pair->intrinsic);
  if (const DotInstruction *quad = find(quadInstructions, isa, form))
    return callIntrinsic(b, op.getResult().getType(), quad->intrinsic,
                         {op.getAccumulator(), op.getLhs(), op.getRhs()});
  return plainArithmetic(b, op, form);
}

/// What computes a narrow dot.
struct NarrowInstructions {
  Isa isa;
  int64_t lanes;
  StringLiteral bytes, pairs;
};
constexpr NarrowInstructions narrowInstructions[] = {
    {Isa::sse41, 4, "llvm.x86.ssse3.pmadd.ub.sw.128", "llvm.x86.sse2.pmadd.wd"},
    {Isa::avx2, 8, "llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx2.pmadd.wd"},
    {Isa::avx512bw, 16, "llvm.x86.avx512.pmaddubs.w.512",
     "llvm.x86.avx512.pmaddw.d.512"}};

/// Four products a lane from each pair of operands, added as vpmaddubsw and
/// vpaddw do, or by their definition; the same by the op's proof.
Value lowerNarrow(ImplicitLocOpBuilder &b, NarrowDotOp op, Isa isa) {
  auto acc = cast<VectorType>(op.getAccumulator().getType());
  int64_t lanes = acc.getNumElements();
  const auto *known = llvm::find_if(
      narrowInstructions, [&](const NarrowInstructions &instructions) {
        return instructions.isa == isa && instructions.lanes == lanes;
      });
  if (known == std::end(narrowInstructions)) {
    Value sum = op.getAccumulator();
    for (auto [lhs, rhs] : llvm::zip(op.getLhs(), op.getRhs())) {
      auto dot = DotOp::create(b, acc, sum, lhs, rhs);
      dot.setLhsUnsigned(true);
      sum = plainArithmetic(b, dot, formOf(dot));
      dot.erase();
    }
    return sum;
  }
  auto halves = VectorType::get({2 * lanes}, b.getI16Type());
  Value sum;
  for (auto [lhs, rhs] : llvm::zip(op.getLhs(), op.getRhs())) {
    Value part = callIntrinsic(b, halves, known->bytes, {lhs, rhs});
    sum = sum ? Value(arith::AddIOp::create(b, sum, part)) : part;
  }
  Value ones = arith::ConstantOp::create(
      b, SplatElementsAttr::get(halves, b.getI16IntegerAttr(1)));
  Value wide = callIntrinsic(b, acc, known->pairs, {sum, ones});
  return arith::AddIOp::create(b, op.getAccumulator(), wide);
}

struct LowerDot : qnet::impl::LowerDotBase<LowerDot> {
  using LowerDotBase::LowerDotBase;

  void runOnOperation() override {
    std::optional<Isa> known = isaByName(isa);
    if (!known) {
      getOperation()->emitError("lower-dot: no instruction set is named '")
          << isa << "'";
      return signalPassFailure();
    }
    getOperation()->walk([&](DotOp op) {
      ImplicitLocOpBuilder b(op.getLoc(), op);
      op.replaceAllUsesWith(lower(b, op, *known));
      op.erase();
    });
    getOperation()->walk([&](NarrowDotOp op) {
      ImplicitLocOpBuilder b(op.getLoc(), op);
      op.replaceAllUsesWith(lowerNarrow(b, op, *known));
      op.erase();
    });
  }
};

} // namespace
