//===- LowerDot.cpp - qnet.dot to instructions
//-----------------------------===//
//
// Takes          qnet.dot, narrow_dot and block_dot ops, one instruction set.
// Gives          calls of that set's intrinsics, or plain vector arithmetic.
// Why            the one place where a kernel differs between CPUs.
// Not done here  loads, loops and tiles (expand-packed-dense).
//
//===----------------------------------------------------------------------===//

#include "IsaOption.h"

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
  bool scalable = false;
  bool operator==(const Form &) const = default;
};

Form formOf(DotOp op) {
  auto acc = cast<VectorType>(op.getAccumulator().getType());
  auto lhs = cast<VectorType>(op.getLhs().getType());
  return {acc.getNumElements(), lhs.getNumElements() / acc.getNumElements(),
          lhs.getElementTypeBitWidth(), op.getLhsUnsigned(), acc.isScalable()};
}

Value callIntrinsic(ImplicitLocOpBuilder &b, Type result, StringRef name,
                    ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name),
                                       operands)
      .getResult(0);
}

/// The weights with as many bits as the activations.
Value widenRhs(ImplicitLocOpBuilder &b, DotOp op) {
  Type type = op.getLhs().getType();
  Value rhs = op.getRhs();
  return rhs.getType() == type ? rhs : arith::ExtSIOp::create(b, type, rhs);
}

/// Multiplies pairs of i16 and adds each pair in i32: vpmaddwd, Intel SDM
/// volume 2, PMADDWD. Only four factors of -32768 overflow a pair: no weight of
/// 8 bits is one.
Value multiplyAddPairs(ImplicitLocOpBuilder &b, DotOp op, StringRef intrinsic) {
  Value pairs = callIntrinsic(b, op.getResult().getType(), intrinsic,
                              {op.getLhs(), widenRhs(b, op)});
  return arith::AddIOp::create(b, op.getAccumulator(), pairs);
}

/// smull, smull2 and addp (Arm ARM C7.2): products of i16 in i32, and pairs of
/// them.
Value addPairsOfWords(ImplicitLocOpBuilder &b, DotOp op) {
  auto words = cast<VectorType>(op.getLhs().getType());
  auto wide = words.clone(b.getI32Type());
  Value products =
      arith::MulIOp::create(b, arith::ExtSIOp::create(b, wide, op.getLhs()),
                            arith::ExtSIOp::create(b, wide, op.getRhs()));
  SmallVector<Value> halves;
  const int64_t half = words.getNumElements() / 2;
  for (int64_t first : {int64_t(0), half})
    halves.push_back(vector::ShuffleOp::create(
        b, products, products,
        llvm::to_vector(llvm::seq<int64_t>(first, first + half))));
  Type type = op.getAccumulator().getType();
  Value pairs = callIntrinsic(b, type, "llvm.aarch64.neon.addp", halves);
  return arith::AddIOp::create(b, op.getAccumulator(), pairs);
}

/// smull, smlal and sadalp (Arm ARM C7.2): products of bytes in i16, added
/// there, and pairs of those sums in i32.
Value addInHalves(ImplicitLocOpBuilder &b, NarrowDotOp op) {
  Value sums;
  for (auto [lhs, rhs] : llvm::zip(op.getLhs(), op.getRhs())) {
    auto wide = cast<VectorType>(lhs.getType()).clone(b.getI16Type());
    Value products =
        arith::MulIOp::create(b, arith::ExtSIOp::create(b, wide, lhs),
                              arith::ExtSIOp::create(b, wide, rhs));
    sums = sums ? Value(arith::AddIOp::create(b, sums, products)) : products;
  }
  Type type = op.getAccumulator().getType();
  Value pairs = callIntrinsic(b, type, "llvm.aarch64.neon.saddlp", sums);
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
// of vpdpbusd: AVX-VNNI's VEX and AVX512-VNNI's EVEX. vpdpwssd does the same
// with pairs of s16.
constexpr DotInstruction addingInstructions[] = {
    {Isa::avxvnni, {8, 4, 8, true}, "llvm.x86.avx512.vpdpbusd.256"},
    {Isa::avx512vnni, {16, 4, 8, true}, "llvm.x86.avx512.vpdpbusd.512"},
    {Isa::amx, {16, 4, 8, true}, "llvm.x86.avx512.vpdpbusd.512"},
    {Isa::avxvnni, {8, 2, 16, false}, "llvm.x86.avx512.vpdpwssd.256"},
    {Isa::avx512vnni, {16, 2, 16, false}, "llvm.x86.avx512.vpdpwssd.512"},
    {Isa::amx, {16, 2, 16, false}, "llvm.x86.avx512.vpdpwssd.512"},
    {Isa::dotprod, {4, 4, 8, false}, "llvm.aarch64.neon.sdot.v4i32.v16i8"},
    {Isa::i8mm, {4, 4, 8, true}, "llvm.aarch64.neon.usdot.v4i32.v16i8"},
    {Isa::svei8mm, {4, 4, 8, true}, "llvm.aarch64.neon.usdot.v4i32.v16i8"},
    {Isa::sve,
     {4, 4, 8, false, /*scalable=*/true},
     "llvm.aarch64.sve.sdot.nxv4i32"}};

const DotInstruction *find(ArrayRef<DotInstruction> table, Isa isa,
                           const Form &form) {
  const auto *found = llvm::find_if(table, [&](const DotInstruction &known) {
    return known.isa == isa && known.form == form;
  });
  return found == table.end() ? nullptr : found;
}

/// The lane's group of four bytes for all lanes of 128 bits. LLVM makes it part
/// of sdot where it can.
Value repeatLane(ImplicitLocOpBuilder &b, Value lhs, int64_t lane) {
  auto type = cast<VectorType>(lhs.getType());
  int64_t groups = type.getNumElements() / 4;
  auto words = VectorType::get({groups}, b.getI32Type());
  Value grouped = vector::BitCastOp::create(b, words, lhs);
  SmallVector<int64_t> same;
  for (int64_t i = 0; i < groups; ++i)
    same.push_back(i / 4 * 4 + lane);
  return vector::BitCastOp::create(
      b, type, vector::ShuffleOp::create(b, grouped, grouped, same));
}

FailureOr<Value> lower(ImplicitLocOpBuilder &b, DotOp op, Isa isa) {
  Form form = formOf(op);
  const DotInstruction *pair = find(pairInstructions, isa, form);
  const DotInstruction *adding = find(addingInstructions, isa, form);
  Value acc = op.getAccumulator();
  Type type = acc.getType();
  if (form.scalable) {
    if (!adding)
      return op.emitOpError("on scalable vectors, has no instruction on ")
             << isaName(isa);
    if (!op.getLane())
      return callIntrinsic(b, type, adding->intrinsic,
                           {acc, op.getLhs(), op.getRhs()});
    Value lane = LLVM::ConstantOp::create(
        b, b.getI32Type(),
        b.getI32IntegerAttr(static_cast<int32_t>(*op.getLane())));
    return callIntrinsic(b, type, "llvm.aarch64.sve.sdot.lane.nxv4i32",
                         {acc, op.getRhs(), op.getLhs(), lane});
  }
  if (op.getLane()) {
    op.getLhsMutable().assign(repeatLane(b, op.getLhs(), *op.getLane()));
    // By element is the last operand; of signed bytes either may be it.
    if (adding && !form.lhsUnsigned)
      return callIntrinsic(b, type, adding->intrinsic,
                           {acc, op.getRhs(), op.getLhs()});
  }
  if (pair)
    return multiplyAddPairs(b, op, pair->intrinsic);
  const bool hasNeon = isa == Isa::neon || isa == Isa::sve;
  if (hasNeon && form == Form{4, 2, 16, false} &&
      op.getRhs().getType() == op.getLhs().getType())
    return addPairsOfWords(b, op);
  if (adding)
    return callIntrinsic(b, type, adding->intrinsic,
                         {acc, op.getLhs(), widenRhs(b, op)});
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

/// The products of each pair of operands, added as vpmaddubsw and vpaddw do, or
/// smull and smlal, or by their definition; the same by the op's proof.
Value lowerNarrow(ImplicitLocOpBuilder &b, NarrowDotOp op, Isa isa) {
  auto acc = cast<VectorType>(op.getAccumulator().getType());
  int64_t lanes = acc.getNumElements();
  auto bytes = cast<VectorType>(op.getLhs().front().getType());
  const bool isInPairs = bytes.getNumElements() == 2 * lanes;
  if (isa == Isa::neon && isInPairs && lanes == 4 && op.getLhsSigned())
    return addInHalves(b, op);
  const auto *known = llvm::find_if(
      narrowInstructions, [&](const NarrowInstructions &instructions) {
        return instructions.isa == isa && instructions.lanes == lanes &&
               !isInPairs && !op.getLhsSigned();
      });
  if (known == std::end(narrowInstructions)) {
    Value sum = op.getAccumulator();
    for (auto [lhs, rhs] : llvm::zip(op.getLhs(), op.getRhs())) {
      auto dot = DotOp::create(b, acc, sum, lhs, rhs, !op.getLhsSigned(),
                               /*lane=*/IntegerAttr());
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

/// Two rows by two channels: usmmla, or the definition.
FailureOr<Value> lowerBlocks(ImplicitLocOpBuilder &b, BlockDotOp op, Isa isa) {
  auto acc = cast<VectorType>(op.getAccumulator().getType());
  Value operands[] = {op.getAccumulator(), op.getLhs(), op.getRhs()};
  int64_t lanes = acc.getNumElements();
  if (acc.isScalable()) {
    if (isa != Isa::svei8mm || lanes != 4)
      return op.emitOpError("on scalable vectors, has no instruction on ")
             << isaName(isa);
    return callIntrinsic(b, acc, "llvm.aarch64.sve.usmmla.nxv4i32", operands);
  }
  if (isa == Isa::i8mm && lanes == 4)
    return callIntrinsic(b, acc, "llvm.aarch64.neon.usmmla.v4i32.v16i8",
                         operands);
  constexpr int64_t depth = 8, side = 2;
  auto wide = VectorType::get({4 * lanes}, b.getI32Type());
  Value lhs = arith::ExtUIOp::create(b, wide, op.getLhs());
  Value rhs = arith::ExtSIOp::create(b, wide, op.getRhs());
  Value sum = op.getAccumulator();
  for (int64_t k = 0; k < depth; ++k) {
    SmallVector<int64_t> rows, channels;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      int64_t block = lane / (side * side) * side * depth;
      rows.push_back(block + lane / side % side * depth + k);
      channels.push_back(block + lane % side * depth + k);
    }
    Value products =
        arith::MulIOp::create(b, vector::ShuffleOp::create(b, lhs, lhs, rows),
                              vector::ShuffleOp::create(b, rhs, rhs, channels));
    sum = arith::AddIOp::create(b, sum, products);
  }
  return sum;
}

/// Two products a sum, by vpmaddubsw (which they do not saturate, as the op
/// says) or by their definition.
Value lowerPair(ImplicitLocOpBuilder &b, PairDotOp op, Isa isa) {
  auto sums = cast<VectorType>(op.getAccumulator().getType());
  int64_t count = sums.getNumElements();
  const auto *known = llvm::find_if(
      narrowInstructions, [&](const NarrowInstructions &instructions) {
        return instructions.isa == isa && 2 * instructions.lanes == count;
      });
  if (known != std::end(narrowInstructions))
    return arith::AddIOp::create(
        b, op.getAccumulator(),
        callIntrinsic(b, sums, known->bytes, {op.getLhs(), op.getRhs()}));
  auto wide = VectorType::get({2 * count}, b.getI16Type());
  Value products =
      arith::MulIOp::create(b, arith::ExtUIOp::create(b, wide, op.getLhs()),
                            arith::ExtSIOp::create(b, wide, op.getRhs()));
  Value result = op.getAccumulator();
  for (int64_t j : {0, 1}) {
    SmallVector<int64_t> lanes;
    for (int64_t l = 0; l < count; ++l)
      lanes.push_back(2 * l + j);
    result = arith::AddIOp::create(
        b, result, vector::ShuffleOp::create(b, products, products, lanes));
  }
  return result;
}

struct LowerDot : qnet::impl::LowerDotBase<LowerDot> {
  using LowerDotBase::LowerDotBase;

  void runOnOperation() override {
    FailureOr<Isa> known = isaOption(getOperation(), "lower-dot", isa);
    if (failed(known))
      return signalPassFailure();
    auto replace = [](Operation *op, FailureOr<Value> sum) {
      if (failed(sum))
        return WalkResult::interrupt();
      op->getResult(0).replaceAllUsesWith(*sum);
      op->erase();
      return WalkResult::advance();
    };
    WalkResult walked = getOperation()->walk([&](Operation *op) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      if (auto dot = dyn_cast<DotOp>(op))
        return replace(op, lower(b, dot, *known));
      if (auto blocks = dyn_cast<BlockDotOp>(op))
        return replace(op, lowerBlocks(b, blocks, *known));
      return WalkResult::advance();
    });
    if (walked.wasInterrupted())
      return signalPassFailure();

    getOperation()->walk([&](PairDotOp op) {
      ImplicitLocOpBuilder b(op.getLoc(), op);
      op.replaceAllUsesWith(lowerPair(b, op, *known));
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
