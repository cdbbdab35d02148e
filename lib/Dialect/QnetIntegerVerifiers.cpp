//===- QnetIntegerVerifiers.cpp - R1-R3, integer and kernel level ---------===//
//
// Part of the quantc project.
//
// The rules about quantized types that many ops share, then one block an op in
// the order of QnetIntegerOps.td and QnetKernelOps.td. Labels as in
// QnetVerifiers.cpp.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/TypeUtilities.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Numerics/Parameters.h"

using namespace mlir;
using namespace mlir::qnet;
using quant::UniformQuantizedPerAxisType;
using quant::UniformQuantizedType;

namespace {

/// The widest storage of an activation: look-up indices.
constexpr unsigned kMaxStorageBits = 16;

/// The types of all operands, then of all results.
SmallVector<Type> allTypes(Operation *op) {
  SmallVector<Type> types(op->getOperandTypes());
  llvm::append_range(types, op->getResultTypes());
  return types;
}

bool agree(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

bool isVectorOf(RankedTensorType type, int64_t size) {
  return type.getRank() == 1 && agree(type.getDimSize(0), size);
}

/// C1 of the conversions.
LogicalResult checkShapesAgree(Operation *op, Type input, Type result) {
  if (succeeded(verifyCompatibleShape(input, result)))
    return success();
  return op->emitOpError() << "input " << input << " and result " << result
                           << " have different shapes: the op keeps it [C1]";
}

/// C2 of quantize and dequantize.
LogicalResult checkExpressed(Operation *op, Type quantized, Type real) {
  auto type = cast<quant::QuantizedType>(getElementTypeOrSelf(quantized));
  if (type.getExpressedType() == getElementTypeOrSelf(real))
    return success();
  return op->emitOpError() << "quantized type expresses "
                           << type.getExpressedType()
                           << " but the real tensor holds "
                           << getElementTypeOrSelf(real)
                           << ": these must be the same type [C2]";
}

/// The stored bits and parameters of one channel of a uniform type.
LogicalResult checkParameters(Operation *op, quant::QuantizedType type,
                              double scale, int64_t zeroPoint) {
  // A double that is no f32 would give the compiled program another number.
  if (static_cast<double>(static_cast<float>(scale)) != scale &&
      !(std::fabs(scale) <= std::numeric_limits<float>::max()))
    return op->emitOpError() << "scale " << scale << " of " << type
                             << " does not fit in f32 [R3]";
  quantc::numerics::QuantParams params;
  params.scale = static_cast<float>(scale);
  params.zeroPoint = static_cast<int32_t>(zeroPoint);
  params.qmin = static_cast<int32_t>(type.getStorageTypeMin());
  params.qmax = static_cast<int32_t>(type.getStorageTypeMax());
  std::string why;
  if (zeroPoint == params.zeroPoint && valid(params, &why))
    return success();
  if (why.empty())
    why = "the zero point does not fit in 32 bits";
  return op->emitOpError() << type << ": " << why << " [R3]";
}

} // namespace

//===----------------------------------------------------------------------===//
// R1, R2, R3
//===----------------------------------------------------------------------===//

LogicalResult qnet::detail::verifyComputesOnReals(Operation *op) {
  for (Type type : allTypes(op))
    if (isStoredInteger(getElementTypeOrSelf(type)))
      return op->emitOpError()
             << "computes with real numbers but is given " << type
             << ": put qnet.dequantize before it (and qnet.quantize after it), "
                "or use the integer level's op [R1]";
  return success();
}

LogicalResult qnet::detail::verifyMovesValues(Operation *op) {
  Type stored;
  for (Type type : allTypes(op))
    if (Type element = getElementTypeOrSelf(type);
        !stored && isStoredInteger(element))
      stored = element;
  if (!stored)
    return success();
  if (!isa<UniformQuantizedType>(stored))
    return op->emitOpError()
           << "moves values of " << stored
           << ": only per-tensor quantized values can be moved [R2]";
  for (Type type : allTypes(op))
    if (Type element = getElementTypeOrSelf(type);
        !isa<IntegerType>(element) && element != stored)
      return op->emitOpError()
             << "mixes " << stored << " and " << element
             << ": all tensors must have one quantized type; make them the "
                "same with qnet.requantize or qnet.quantize [R2]";
  return success();
}

LogicalResult qnet::detail::verifySoundParameters(Operation *op) {
  for (Type type : allTypes(op)) {
    auto quantized = dyn_cast<quant::QuantizedType>(getElementTypeOrSelf(type));
    if (!quantized)
      continue;
    if (!quantized.getExpressedType() || !quantized.getExpressedType().isF32())
      return op->emitOpError() << quantized << " does not express f32 [R3]";
    if (quantized.getStorageTypeIntegralWidth() > kMaxStorageBits)
      return op->emitOpError()
             << quantized << " stores "
             << quantized.getStorageTypeIntegralWidth() << " bits: at most "
             << kMaxStorageBits << " are allowed [R3]";
    if (auto uniform = dyn_cast<UniformQuantizedType>(quantized))
      if (failed(checkParameters(op, uniform, uniform.getScale(),
                                 uniform.getZeroPoint())))
        return failure();
    auto perAxis = dyn_cast<UniformQuantizedPerAxisType>(quantized);
    if (!perAxis)
      continue;
    ArrayRef<int64_t> shape = cast<RankedTensorType>(type).getShape();
    int64_t axis = perAxis.getQuantizedDimension();
    int64_t channels = perAxis.getScales().size();
    if (axis < 0 || axis >= static_cast<int64_t>(shape.size()) ||
        shape[axis] != channels)
      return op->emitOpError()
             << type << " has " << channels << " scales along axis " << axis
             << ": the axis must exist and have that static size [R3]";
    for (auto [scale, zeroPoint] :
         llvm::zip_equal(perAxis.getScales(), perAxis.getZeroPoints()))
      if (failed(checkParameters(op, perAxis, scale, zeroPoint)))
        return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// quantize, dequantize, requantize
//===----------------------------------------------------------------------===//

LogicalResult QuantizeOp::verify() {
  // C1, C2
  if (failed(checkShapesAgree(*this, getInput().getType(), getType())))
    return failure();
  return checkExpressed(*this, getType(), getInput().getType());
}

LogicalResult DequantizeOp::verify() {
  // C1, C2
  if (failed(checkShapesAgree(*this, getInput().getType(), getType())))
    return failure();
  return checkExpressed(*this, getInput().getType(), getType());
}

LogicalResult RequantizeOp::verify() {
  // C1
  if (failed(checkShapesAgree(*this, getInput().getType(), getType())))
    return failure();
  // C2
  auto input = dyn_cast<UniformQuantizedType>(getElementTypeOrSelf(getInput()));
  auto result = dyn_cast<UniformQuantizedType>(getElementTypeOrSelf(getType()));
  if (!input || !result)
    return emitOpError() << "takes " << getElementTypeOrSelf(getInput())
                         << " to " << getElementTypeOrSelf(getType())
                         << ": both must be per-tensor quantized [C2]";
  if (input.getExpressedType() != result.getExpressedType())
    return emitOpError() << "input expresses " << input.getExpressedType()
                         << " and result " << result.getExpressedType()
                         << ": these must be the same type [C2]";
  return success();
}

//===----------------------------------------------------------------------===//
// qdense
//===----------------------------------------------------------------------===//

LogicalResult QDenseOp::verify() {
  RankedTensorType input = getInput().getType(),
                   weights = getWeights().getType(), bias = getBias().getType(),
                   multiplier = getMultiplier().getType(), result = getType();
  // C1
  if (weights.getRank() != 2)
    return emitOpError() << "weights " << weights << " have rank "
                         << weights.getRank()
                         << ": they must have rank 2, outputs by inputs [C1]";
  if (input.getRank() == 0 ||
      !agree(weights.getDimSize(1), input.getShape().back()))
    return emitOpError() << "weights " << weights << " do not fit the input "
                         << input
                         << ": their second dimension must equal the input's "
                            "last [C1]";
  int64_t outputs = weights.getDimSize(0);
  // C2
  if (!isVectorOf(bias, outputs))
    return emitOpError() << "bias " << bias
                         << " must have shape [N] with N = " << outputs
                         << ", the rows of weights [C2]";
  if (!isVectorOf(multiplier, outputs) ||
      multiplier.getElementType().isF32() == static_cast<bool>(getShift()))
    return emitOpError() << "multiplier " << multiplier
                         << " must have shape [N] with N = " << outputs
                         << " and hold "
                         << (getShift() ? "i32, as there is a shift"
                                        : "f32, as there is no shift")
                         << " [C2]";
  // C3
  bool isFloat = result.getElementType().isF32();
  if (getOutBias() && !isFloat)
    return emitOpError() << "out_bias is only for an f32 result, but the "
                            "result is "
                         << result << ": fold it into bias [C3]";
  if (getShift() && isFloat)
    return emitOpError() << "shift is only for a quantized result, but the "
                            "result is "
                         << result << ": give an f32 multiplier instead [C3]";
  if (getOutBias() && !isVectorOf(getOutBias().getType(), outputs))
    return emitOpError() << "out_bias " << getOutBias().getType()
                         << " must have shape [N] with N = " << outputs
                         << " [C3]";
  if (getShift() && !isVectorOf(getShift().getType(), outputs))
    return emitOpError() << "shift " << getShift().getType()
                         << " must have shape [N] with N = " << outputs
                         << " [C3]";
  // C4
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = outputs;
  if (failed(verifyCompatibleShape(shape, result.getShape())))
    return emitOpError() << "result " << result
                         << " must have the leading dimensions of the input "
                         << input << ", then " << outputs << " [C4]";
  // C5
  auto stored = dyn_cast<UniformQuantizedType>(input.getElementType());
  if (!stored || stored.isSigned() || stored.getStorageTypeMax() > kMaxInput)
    return emitOpError() << "input " << input
                         << " must be per-tensor quantized with unsigned "
                            "storage of at most "
                         << kMaxInput << " [C5]";
  if (!isFloat && !isa<UniformQuantizedType>(result.getElementType()))
    return emitOpError() << "result " << result
                         << " must be per-tensor quantized: the multiplier "
                            "carries what differs by channel [C5]";
  // C6
  bool isGrouped = weights.getElementType().isInteger(4);
  if (isGrouped != static_cast<bool>(getGroupMultiplier()))
    return emitOpError() << "weights " << weights
                         << (isGrouped ? " need a group_multiplier"
                                       : " take no group_multiplier: give them "
                                         "as i4")
                         << " [C6]";
  if (!isGrouped)
    return success();
  // C8
  if (stored.getStorageTypeIntegralWidth() > 8)
    return emitOpError() << "input " << input
                         << " has more than 8 bits, which weights of 4 bits "
                            "do not take: give them as i8 [C8]";
  RankedTensorType groups = getGroupMultiplier().getType();
  int64_t inputs = weights.getDimSize(1);
  int64_t count =
      ShapedType::isDynamic(inputs) ? ShapedType::kDynamic : groupsOf(inputs);
  if (groups.getRank() != 2 || !agree(groups.getDimSize(0), outputs) ||
      !agree(groups.getDimSize(1), count))
    return emitOpError() << "group_multiplier " << groups
                         << " must have shape [N, K / " << kGroupChannels
                         << " rounded up] for weights " << weights << " [C6]";
  // C7
  if (auto values = constantIntegers(getWeights()))
    if (auto bad = llvm::find(*values, -kMaxGroupedWeight - 1);
        bad != values->end())
      return emitOpError() << "weight " << bad - values->begin() << " is "
                           << *bad << ": weights of 4 bits lie in ["
                           << -kMaxGroupedWeight << ", " << kMaxGroupedWeight
                           << "] [C7]";
  if (auto values = constantIntegers(getGroupMultiplier()))
    if (auto bad = llvm::find(*values, 0); bad != values->end())
      return emitOpError() << "group multiplier " << bad - values->begin()
                           << " is 0: give the group weights of 0 instead [C7]";
  return success();
}

//===----------------------------------------------------------------------===//
// lookup
//===----------------------------------------------------------------------===//

LogicalResult LookupOp::verify() {
  auto input = cast<quant::QuantizedType>(getElementTypeOrSelf(getInput()));
  auto result = dyn_cast<quant::QuantizedType>(getElementTypeOrSelf(getType()));
  auto table = cast<RankedTensorType>(getTable().getType());
  // C1
  if (failed(checkShapesAgree(*this, getInput().getType(), getType())))
    return failure();
  // C2
  int64_t entries = input.getStorageTypeMax() - input.getStorageTypeMin() + 1;
  if (!isVectorOf(table, entries))
    return emitOpError() << "table " << table << " must have rank 1 with "
                         << entries << " entries, one a storage value of "
                         << input << " [C2]";
  Type entry = table.getElementType();
  Type wanted = getElementTypeOrSelf(getType());
  if (result)
    wanted =
        IntegerType::get(getContext(), result.getStorageTypeIntegralWidth(),
                         IntegerType::Unsigned);
  if (entry != wanted || (result && result.isSigned()))
    return emitOpError() << "table holds " << entry << " but the result is "
                         << getType()
                         << ": it must hold the result's storage type, which "
                            "must be unsigned, or f32 for an f32 result [C2]";
  // C3
  if (!result)
    return success();
  std::optional<SmallVector<int64_t>> values = constantIntegers(getTable());
  if (!values)
    return success();
  for (auto [index, value] : llvm::enumerate(*values))
    if (value < result.getStorageTypeMin() ||
        value > result.getStorageTypeMax())
      return emitOpError() << "table entry " << index << " is " << value
                           << ", outside the storage range ["
                           << result.getStorageTypeMin() << ", "
                           << result.getStorageTypeMax() << "] of " << result
                           << " [C3]";
  return success();
}

//===----------------------------------------------------------------------===//
// qadd, qsub, qmul
//===----------------------------------------------------------------------===//

template <typename OpTy> static LogicalResult verifyQBinary(OpTy op) {
  // C1
  FailureOr<SmallVector<int64_t>> shape =
      broadcastShapes(cast<RankedTensorType>(op.getLhs().getType()).getShape(),
                      cast<RankedTensorType>(op.getRhs().getType()).getShape());
  if (failed(shape))
    return op.emitOpError() << "lhs " << op.getLhs().getType() << " and rhs "
                            << op.getRhs().getType()
                            << " do not broadcast: from the last dimension on, "
                               "each pair must be equal or hold a 1 [C1]";
  if (failed(verifyCompatibleShape(*shape, op.getType().getShape())))
    return op.emitOpError()
           << "result " << op.getType() << " has not the shape [" << *shape
           << "] of the broadcast operands [C1]";
  // C2
  for (Type type : allTypes(op))
    if (!isa<UniformQuantizedType>(getElementTypeOrSelf(type)))
      return op.emitOpError() << type
                              << " is not per-tensor quantized: give the "
                                 "tensor one scale [C2]";
  return success();
}

LogicalResult QAddOp::verify() { return verifyQBinary(*this); }
LogicalResult QSubOp::verify() { return verifyQBinary(*this); }
LogicalResult QMulOp::verify() { return verifyQBinary(*this); }

//===----------------------------------------------------------------------===//
// dot
//===----------------------------------------------------------------------===//

LogicalResult DotOp::verify() {
  VectorType lanes = getAccumulator().getType(), lhs = getLhs().getType(),
             rhs = getRhs().getType();
  // C1
  int64_t count = lanes.getDimSize(0), length = rhs.getDimSize(0);
  bool fits = llvm::any_of(ArrayRef<int64_t>{1, 2, 4}, [&](int64_t group) {
    return length % group == 0 && length / group == count;
  });
  if (lhs.getDimSize(0) != length || !fits ||
      lhs.isScalable() != rhs.isScalable() ||
      lanes.isScalable() != rhs.isScalable())
    return emitOpError() << "lhs " << lhs << " and rhs " << rhs
                         << " must have one length, 1, 2 or 4 times that of "
                            "the accumulator "
                         << lanes << " [C1]";
  // C2
  if (getLhsUnsigned() && !lhs.getElementType().isInteger(8))
    return emitOpError() << "lhs_unsigned needs 8-bit elements, but lhs is "
                         << lhs << " [C2]";
  // C3
  if (auto lane = getLane();
      lane && (*lane > 3 || length != 4 * count || count % 4 != 0 ||
               !lhs.getElementType().isInteger(8)))
    return emitOpError() << "lane " << *lane << " of " << lhs << " to " << lanes
                         << ": it chooses one of four groups of four bytes in "
                            "each 128 bits [C3]";
  return success();
}
