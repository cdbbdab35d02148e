//===- QnetKernelOps.cpp - rules and effects of the kernel level
//-----------===//

#include "quantc/Dialect/Isa.h"
#include "quantc/Dialect/Qnet.h"

using namespace mlir;
using namespace mlir::qnet;

//===----------------------------------------------------------------------===//
// narrow_dot
//===----------------------------------------------------------------------===//

LogicalResult NarrowDotOp::verify() {
  int64_t lanes = cast<VectorType>(getAccumulator().getType()).getNumElements();
  if (getLhs().empty())
    return emitOpError("has no products");
  // C1: as many products a lane of each.
  auto elements = [](Value operand) {
    return cast<VectorType>(operand.getType()).getNumElements();
  };
  const int64_t group = elements(getLhs().front()) == 2 * lanes ? 2 : 4;
  for (Value operand : llvm::concat<Value>(getLhs(), getRhs()))
    if (elements(operand) != group * lanes)
      return emitOpError() << "takes " << operand.getType() << " to " << lanes
                           << " lanes: all operands must have four elements a "
                              "lane, or all two [C1]";
  return success();
}

//===----------------------------------------------------------------------===//
// block_dot
//===----------------------------------------------------------------------===//

LogicalResult BlockDotOp::verify() {
  auto acc = cast<VectorType>(getAccumulator().getType());
  auto lhs = cast<VectorType>(getLhs().getType());
  // C1: 2x2 sums of 2x8 by 2x8 bytes, once or for each 128 bits.
  if (lhs.getNumElements() != 4 * acc.getNumElements() ||
      acc.getNumElements() % 4 != 0 || lhs.isScalable() != acc.isScalable())
    return emitOpError() << "takes " << lhs << " to " << acc
                         << ": 16 bytes of two rows or channels go to each 4 "
                            "lanes [C1]";
  return success();
}

//===----------------------------------------------------------------------===//
// pair_dot
//===----------------------------------------------------------------------===//

LogicalResult PairDotOp::verify() {
  int64_t sums = cast<VectorType>(getAccumulator().getType()).getNumElements();
  // C1: two products a sum.
  for (Value operand : {getLhs(), getRhs()})
    if (cast<VectorType>(operand.getType()).getNumElements() != 2 * sums)
      return emitOpError() << "takes " << operand.getType() << " to " << sums
                           << " sums: it must have two elements a sum [C1]";
  return success();
}

//===----------------------------------------------------------------------===//
// pair_rows
//===----------------------------------------------------------------------===//

LogicalResult PairRowsOp::verify() {
  // C1: bytes, and room for two rows in groups of 8.
  constexpr int64_t group = 8;
  auto input = cast<ShapedType>(getInput().getType());
  auto pairs = cast<ShapedType>(getInit().getType());
  auto areBytes = [](ShapedType type) {
    return type.hasRank() && type.getRank() == 2 &&
           type.getElementType().isInteger(8);
  };
  if (!areBytes(input) || !areBytes(pairs) || input.isDynamicDim(1) ||
      pairs.isDynamicDim(1) || pairs.getDimSize(1) % (2 * group) != 0 ||
      pairs.getDimSize(1) < 2 * input.getDimSize(1))
    return emitOpError() << "makes " << pairs << " of " << input
                         << ": it needs rows of bytes with room for two of the "
                            "input's, each in groups of 8 [C1]";
  return success();
}

/// An op that writes its destination and reads its other operands, on memrefs.
static void addDestinationEffects(
    Operation *op, OpOperand &destination,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (&operand == &destination)
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

void PairRowsOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addDestinationEffects(getOperation(), getInitMutable(), effects);
}

//===----------------------------------------------------------------------===//
// storage_cast
//===----------------------------------------------------------------------===//

LogicalResult StorageCastOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType());
  auto to = cast<RankedTensorType>(getResult().getType());
  // C1: shapes agree.
  if (failed(verifyCompatibleShape(from, to)))
    return emitOpError() << "input " << from << " and result " << to
                         << " have different shapes: the op keeps it [C1]";
  // C2: one side is unsigned uniform, the other i8 or i16.
  auto uniform = dyn_cast<quant::UniformQuantizedType>(from.getElementType());
  Type storage = to.getElementType();
  if (!uniform) {
    uniform = dyn_cast<quant::UniformQuantizedType>(to.getElementType());
    storage = from.getElementType();
  }
  if (!uniform || uniform.isSigned())
    return emitOpError() << "takes " << from << " to " << to
                         << ": one side must be per-tensor uniform over "
                            "unsigned storage [C2]";
  if (!storage.isSignlessInteger(8) && !storage.isSignlessInteger(16))
    return emitOpError() << "has storage of " << storage
                         << ": it must be i8 or i16 [C2]";
  if (storage.getIntOrFloatBitWidth() < uniform.getStorageTypeIntegralWidth())
    return emitOpError() << "values of " << uniform << " do not fit in "
                         << storage << ": use a wider storage [C2]";
  return success();
}

OpFoldResult StorageCastOp::fold(FoldAdaptor) {
  // There and back by the same offset.
  auto inner = getInput().getDefiningOp<StorageCastOp>();
  if (inner && inner.getOffset() == getOffset() &&
      inner.getInput().getType() == getType())
    return inner.getInput();
  return {};
}

//===----------------------------------------------------------------------===//
// packed_dense
//===----------------------------------------------------------------------===//

void PackedDenseOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addDestinationEffects(getOperation(), getInitMutable(), effects);
}

void GroupSumsOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addDestinationEffects(getOperation(), getInitMutable(), effects);
}

//===----------------------------------------------------------------------===//
// Instruction sets
//===----------------------------------------------------------------------===//

static constexpr std::pair<Isa, llvm::StringLiteral> isaNames[] = {
    {Isa::portable, "portable"}, {Isa::sse41, "sse41"},
    {Isa::avx2, "avx2"},         {Isa::avxvnni, "avxvnni"},
    {Isa::avx512bw, "avx512bw"}, {Isa::avx512vnni, "avx512vnni"},
    {Isa::neon, "neon"},         {Isa::dotprod, "dotprod"},
    {Isa::i8mm, "i8mm"},         {Isa::sve, "sve"},
    {Isa::svei8mm, "svei8mm"},   {Isa::amx, "amx"}};

StringRef mlir::qnet::isaName(Isa isa) {
  return isaNames[static_cast<size_t>(isa)].second;
}

std::optional<Isa> mlir::qnet::isaByName(StringRef name) {
  for (auto [isa, known] : isaNames)
    if (known == name)
      return isa;
  return std::nullopt;
}
