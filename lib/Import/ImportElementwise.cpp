//===- ImportElementwise.cpp - Arithmetic, comparison, logic, casts -------===//

#include "NodeImporter.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {
/// Before opset 7 there was no numpy broadcasting: `broadcast` = 1 aligned the
/// right operand's first dimension with `axis`, or else its last with the last.
Value alignLegacyOperand(NodeImporter &n, Value lhs, Value rhs) {
  if (n.opset >= 7 || !lhs || !rhs || !n.node.attribute("axis"))
    return rhs;
  FailureOr<int64_t> axis = n.axis(n.intAttribute("axis", 0), n.rankOf(lhs));
  if (failed(axis))
    return {};
  int64_t behind = n.rankOf(lhs) - *axis - n.rankOf(rhs);
  if (behind < 0) {
    (void)n.error("its second input has too many dimensions for axis " +
                  Twine(*axis));
    return {};
  }
  SmallVector<int64_t> shape(n.shapeOf(rhs));
  shape.append(behind, 1);
  return n.reshape(rhs, shape);
}

std::pair<Value, Value> binaryOperands(NodeImporter &n) {
  Value lhs = n.operand(0), rhs = n.operand(1);
  return {lhs, alignLegacyOperand(n, lhs, rhs)};
}

template <typename OpTy> LogicalResult importBinary(NodeImporter &n) {
  auto [lhs, rhs] = binaryOperands(n);
  return n.result(0, n.emit<OpTy>({lhs, rhs}));
}

template <typename OpTy> LogicalResult importLogical(NodeImporter &n) {
  auto [lhs, rhs] = binaryOperands(n);
  for (Value value : {lhs, rhs})
    if (value && !n.elementOf(value).isInteger(1))
      return n.error("its inputs must be bool");
  return n.result(0, n.emit<OpTy>({lhs, rhs}));
}

template <ComparePredicate Predicate>
LogicalResult importCompare(NodeImporter &n) {
  auto [lhs, rhs] = binaryOperands(n);
  Attribute attribute =
      ComparePredicateAttr::get(n.builder.getContext(), Predicate);
  return n.result(
      0, n.emit<CompareOp>({lhs, rhs}, n.named("predicate", attribute)));
}

template <typename OpTy> LogicalResult importVariadic(NodeImporter &n) {
  SmallVector<Value> values = n.operands();
  Value result = values[0];
  for (Value value : ArrayRef<Value>(values).drop_front())
    result = n.emit<OpTy>({result, value});
  return n.result(0, result);
}

LogicalResult importMean(NodeImporter &n) {
  SmallVector<Value> values = n.operands();
  Value sum = values[0];
  for (Value value : ArrayRef<Value>(values).drop_front())
    sum = n.emit<AddOp>({sum, value});
  if (!sum)
    return failure();
  if (values.size() == 1)
    return n.result(0, sum);
  Value count = n.splat(double(values.size()), n.elementOf(sum));
  return n.result(0, n.emit<DivOp>({sum, count}));
}

/// The result has the base's type; the exponent may have another since
/// opset 12.
LogicalResult importPow(NodeImporter &n) {
  auto [base, exponent] = binaryOperands(n);
  if (!base || !exponent)
    return failure();
  Type type = n.elementOf(base), exponentType = n.elementOf(exponent);
  if (isa<FloatType>(type) || isa<IntegerType>(exponentType))
    return n.result(0, n.emit<PowOp>({base, n.castTo(exponent, type)}));
  // An integer to a float power is computed in the wider float.
  Type wide = n.builder.getF64Type();
  Value power = n.emit<PowOp>({n.castTo(base, wide), n.castTo(exponent, wide)});
  return n.result(0, n.castTo(power, type));
}

LogicalResult importNot(NodeImporter &n) {
  return n.result(0, n.emit<NotOp>(n.operand(0)));
}

LogicalResult importWhere(NodeImporter &n) {
  return n.result(0,
                  n.emit<WhereOp>({n.operand(0), n.operand(1), n.operand(2)}));
}

LogicalResult importIsNaN(NodeImporter &n) {
  return n.result(0, n.emit<IsNanOp>(n.operand(0)));
}

LogicalResult importIsInf(NodeImporter &n) {
  auto flag = [&](StringRef name) {
    return n.named(name, n.builder.getBoolAttr(n.intAttribute(name, 1) != 0));
  };
  return n.result(0, n.emit<IsInfOp>(n.operand(0), {flag("detect_negative"),
                                                    flag("detect_positive")}));
}

/// A float out of range becomes the nearest end of an 8-bit or wider integer,
/// as qnet.cast has it; in 4 bits ONNX's own cases keep the low bits.
Value convert(NodeImporter &n, Value input, Type element) {
  if (isa<FloatType>(n.elementOf(input)) && isa<IntegerType>(element) &&
      element.getIntOrFloatBitWidth() == 4)
    input = n.castTo(input, n.builder.getI32Type());
  return n.castTo(input, element);
}

LogicalResult importCast(NodeImporter &n) {
  Value input = n.operand(0);
  Type element = n.elementType(DataType(n.intAttribute("to", 0)));
  if (!input || !element)
    return failure();
  return n.result(0, convert(n, input, element));
}

LogicalResult importCastLike(NodeImporter &n) {
  Value input = n.operand(0);
  // Only the type of the second input is read.
  Value like = n.operand(1);
  if (!input || !like)
    return failure();
  return n.result(0, convert(n, input, n.elementOf(like)));
}

constexpr OpRow kRows[] = {
    {"Add", 6, 2, 2, 1, "broadcast:i axis:i", importBinary<AddOp>},
    {"Sub", 6, 2, 2, 1, "broadcast:i axis:i", importBinary<SubOp>},
    {"Mul", 6, 2, 2, 1, "broadcast:i axis:i", importBinary<MulOp>},
    {"Div", 6, 2, 2, 1, "broadcast:i axis:i", importBinary<DivOp>},
    {"Pow", 1, 2, 2, 1, "broadcast:i axis:i", importPow},
    {"Min", 6, 1, OpRow::kVariadic, 1, "", importVariadic<MinOp>},
    {"Max", 6, 1, OpRow::kVariadic, 1, "", importVariadic<MaxOp>},
    {"Sum", 6, 1, OpRow::kVariadic, 1, "", importVariadic<AddOp>},
    {"Mean", 6, 1, OpRow::kVariadic, 1, "", importMean},
    {"And", 1, 2, 2, 1, "broadcast:i axis:i", importLogical<AndOp>},
    {"Or", 1, 2, 2, 1, "broadcast:i axis:i", importLogical<OrOp>},
    {"Xor", 1, 2, 2, 1, "broadcast:i axis:i", importLogical<XorOp>},
    {"Not", 1, 1, 1, 1, "", importNot},
    {"Equal", 1, 2, 2, 1, "broadcast:i axis:i",
     importCompare<ComparePredicate::eq>},
    {"Greater", 1, 2, 2, 1, "broadcast:i axis:i",
     importCompare<ComparePredicate::gt>},
    {"GreaterOrEqual", 12, 2, 2, 1, "", importCompare<ComparePredicate::ge>},
    {"Less", 1, 2, 2, 1, "broadcast:i axis:i",
     importCompare<ComparePredicate::lt>},
    {"LessOrEqual", 12, 2, 2, 1, "", importCompare<ComparePredicate::le>},
    {"Where", 9, 3, 3, 1, "", importWhere},
    {"IsNaN", 9, 1, 1, 1, "", importIsNaN},
    {"IsInf", 10, 1, 1, 1, "detect_negative:i detect_positive:i", importIsInf},
    {"Cast", 6, 1, 1, 1, "to:i! saturate:i round_mode:s", importCast},
    {"CastLike", 15, 2, 2, 1, "saturate:i round_mode:s", importCastLike},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::elementwiseRows() { return kRows; }
