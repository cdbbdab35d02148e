//===- ImportQuantized.cpp - Graphs that are quantized already ------------===//
//
// QuantizeLinear with constant parameters is kept as the value it quantizes
// together with its type. Where a DequantizeLinear with the same parameters (or
// a QLinear op) reads it, a qnet.quantize and qnet.dequantize pair is emitted,
// which Quantize takes as given parameters. Everything else is spelled out in
// arithmetic on the integers.
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {
/// Scale and zero point as a node names them.
struct Parameters {
  Value scale; // as the node gives it
  Value zero;  // null for 0
  int64_t axis = 0;
  int64_t block = 0;
  /// Set when both are one constant number and the storage has 8 bits.
  quant::QuantizedType type;
};

/// The smallest and largest value of an integer element type.
std::pair<double, double> rangeOf(Type element) {
  unsigned width = element.getIntOrFloatBitWidth();
  if (element.isUnsignedInteger())
    return {0.0, std::ldexp(1.0, width) - 1};
  return {-std::ldexp(1.0, width - 1), std::ldexp(1.0, width - 1) - 1};
}

bool isQuantizedInteger(Type element) {
  auto integer = dyn_cast<IntegerType>(element);
  return integer && integer.getWidth() >= 4 && integer.getWidth() <= 32;
}

/// The qnet type of constant parameters, null where they are not constant or
/// outside of what the integer level holds.
quant::QuantizedType constantType(NodeImporter &n, size_t scaleInput,
                                  size_t zeroInput, Type storage) {
  auto integer = dyn_cast<IntegerType>(storage);
  std::optional<double> scale = n.constantScalar(scaleInput);
  std::optional<double> zero =
      n.has(zeroInput) ? n.constantScalar(zeroInput) : 0.0;
  constexpr double kSmallestScale = 0x1p-100;
  if (!integer || integer.getWidth() != 8 || !scale || !zero ||
      !(*scale >= kSmallestScale) || !std::isfinite(*scale))
    return {};
  bool isSigned = !integer.isUnsigned();
  auto [low, high] = rangeOf(storage);
  return quant::UniformQuantizedType::get(
      isSigned ? quant::QuantizationFlags::Signed : 0,
      n.builder.getIntegerType(8), n.builder.getF32Type(), *scale,
      int64_t(*zero), int64_t(low), int64_t(high));
}

FailureOr<Parameters> readParameters(NodeImporter &n, size_t scaleInput,
                                     size_t zeroInput, Type storage,
                                     int64_t rank) {
  Parameters parameters;
  parameters.scale = n.operand(scaleInput);
  if (!parameters.scale)
    return failure();
  if (!isa<FloatType>(n.elementOf(parameters.scale)))
    return n.error("its scale must be a float tensor");
  if (n.has(zeroInput)) {
    parameters.zero = n.operand(zeroInput);
    if (!parameters.zero)
      return failure();
    // One number may be written as a scalar or as a list of one.
    auto single = [&](Value value) {
      return n.typeOf(value).hasStaticShape() &&
             n.typeOf(value).getNumElements() == 1;
    };
    if (n.shapeOf(parameters.zero) != n.shapeOf(parameters.scale) &&
        !(single(parameters.zero) && single(parameters.scale)))
      return n.error("its scale and zero point have different shapes");
    if (n.elementOf(parameters.zero) != storage)
      return n.error("its zero point has another type than the integers");
  }
  parameters.block = n.intAttribute("block_size", 0);
  if (parameters.block < 0)
    return n.error("attribute 'block_size' is negative");
  // The axis of one number for the whole tensor means nothing and is often off.
  int64_t axis = n.intAttribute("axis", 1);
  if (n.typeOf(parameters.scale).getRank() > 0 &&
      n.typeOf(parameters.scale).getNumElements() != 1) {
    FailureOr<int64_t> fromFront = n.axis(axis, rank);
    if (failed(fromFront))
      return failure();
    parameters.axis = *fromFront;
  }
  parameters.type = constantType(n, scaleInput, zeroInput, storage);
  // Symmetric weights and signed activations carry zeros that do nothing.
  DenseElementsAttr zeros = n.constant(zeroInput);
  if (zeros && zeros.isSplat() && zeros.getSplatValue<APInt>().isZero())
    parameters.zero = {};
  return parameters;
}

/// A scale or zero point in a shape that broadcasts to `input`: one number, one
/// for each index of the axis, or one for each block along it.
Value alignParameter(NodeImporter &n, const Parameters &parameters,
                     Value parameter, Value input) {
  if (!parameter || !input)
    return {};
  ArrayRef<int64_t> shape = n.shapeOf(parameter), whole = n.shapeOf(input);
  if (!n.typeOf(parameter).hasStaticShape()) {
    (void)n.error("its scale and zero point must have a fixed shape");
    return {};
  }
  if (n.typeOf(parameter).getNumElements() == 1)
    return n.reshape(parameter, {});
  int64_t axis = parameters.axis, block = parameters.block;
  if (block == 0) {
    if (shape.size() != 1 || shape[0] != whole[axis]) {
      (void)n.error("its scale must be one number or one for each of the " +
                    Twine(whole[axis]) + " along dimension " + Twine(axis));
      return {};
    }
    SmallVector<int64_t> aligned(whole.size() - axis, 1);
    aligned[0] = shape[0];
    return n.reshape(parameter, aligned);
  }
  int64_t size = whole[axis];
  bool fits = shape.size() == whole.size() && !ShapedType::isDynamic(size) &&
              block <= size && shape[axis] == (size + block - 1) / block;
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = int64_t(i) == axis || shape[i] == whole[i];
  if (!fits || size % block != 0) {
    (void)n.error("its scale does not have one number for each block of " +
                  Twine(block) + " values along dimension " + Twine(axis));
    return {};
  }
  // [.., D / B, ..] repeated to [.., D / B, B, ..] and flattened again.
  SmallVector<int64_t> apart(shape), repeated(shape);
  apart.insert(apart.begin() + axis + 1, 1);
  repeated.insert(repeated.begin() + axis + 1, block);
  Value copies = n.emitTyped<BroadcastOp>(
      RankedTensorType::get(repeated, n.elementOf(parameter)),
      n.reshape(parameter, apart));
  return n.reshape(copies, whole);
}

/// saturate(round(x / scale) + zero point), computed in f32.
Value quantizeInArithmetic(NodeImporter &n, Value input,
                           const Parameters &parameters, Type storage) {
  if (!input)
    return {};
  Type real = n.builder.getF32Type();
  Value x = n.castTo(input, real);
  Value scale =
      alignParameter(n, parameters, n.castTo(parameters.scale, real), x);
  Value q = n.activation(Function::round, n.emit<DivOp>({x, scale}));
  if (parameters.zero)
    q = n.emit<AddOp>(
        {q, alignParameter(n, parameters, n.castTo(parameters.zero, real), x)});
  auto [low, high] = rangeOf(storage);
  q = n.activation(Function::clip, q, float(low), float(high));
  return n.castTo(q, storage);
}

/// (q - zero point) * scale, the difference exact in i32.
Value dequantizeInArithmetic(NodeImporter &n, Value input,
                             const Parameters &parameters) {
  if (!input)
    return {};
  Type wide = n.builder.getI32Type(), real = n.builder.getF32Type();
  Value q = n.castTo(input, wide);
  if (parameters.zero)
    q = n.emit<SubOp>(
        {q, alignParameter(n, parameters, n.castTo(parameters.zero, wide), q)});
  Value x = n.castTo(q, real);
  return n.emit<MulOp>(
      {x, alignParameter(n, parameters, n.castTo(parameters.scale, real), x)});
}

/// Binds an output to `real` quantized, as a pair-to-be where that is possible.
LogicalResult quantizedResult(NodeImporter &n, Value real,
                              const Parameters &parameters, Type storage) {
  if (!real)
    return failure();
  Binding binding;
  if (parameters.type && n.elementOf(real).isF32())
    binding.quantized = QuantizedValue{real, parameters.type};
  else
    return n.result(0, quantizeInArithmetic(n, real, parameters, storage));
  binding.materialize = [=](NodeImporter &reader) {
    return quantizeInArithmetic(reader, real, parameters, storage);
  };
  return n.result(0, std::move(binding));
}

/// The real numbers of an integer operand.
Value realOperand(NodeImporter &n, size_t input, const Parameters &parameters) {
  const std::optional<QuantizedValue> &known = n.binding(input).quantized;
  if (!known || !parameters.type || known->type != parameters.type)
    return dequantizeInArithmetic(n, n.operand(input), parameters);
  auto type = RankedTensorType::get(n.shapeOf(known->real), known->type);
  Value stored = n.emitTyped<QuantizeOp>(type, known->real);
  return n.emitTyped<DequantizeOp>(known->real.getType(), stored);
}

/// The element type of an integer operand, without emitting it.
Type integerElementOf(NodeImporter &n, size_t input) {
  if (auto &known = n.binding(input).quantized)
    return IntegerType::get(n.builder.getContext(), 8,
                            known->type.isSigned() ? IntegerType::Signless
                                                   : IntegerType::Unsigned);
  Value value = n.operand(input);
  return value ? n.elementOf(value) : Type();
}

int64_t integerRankOf(NodeImporter &n, size_t input) {
  if (auto &known = n.binding(input).quantized)
    return n.rankOf(known->real);
  Value value = n.operand(input);
  return value ? n.rankOf(value) : 0;
}

LogicalResult importQuantizeLinear(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  // The zero point, or since opset 21 output_dtype, says the type; u8 else.
  Type storage = n.builder.getIntegerType(8, /*isSigned=*/false);
  int64_t asked = n.intAttribute("output_dtype", 0);
  if (n.has(2)) {
    Value zero = n.operand(2);
    if (!zero)
      return failure();
    storage = n.elementOf(zero);
  } else if (asked != 0) {
    storage = n.elementType(DataType(asked));
    if (!storage)
      return failure();
  }
  if (!isQuantizedInteger(storage))
    return n.error("quantizes to a type that is not supported; use 4, 8, 16 or "
                   "32-bit integers");
  FailureOr<Parameters> parameters =
      readParameters(n, 1, 2, storage, n.rankOf(input));
  if (failed(parameters))
    return failure();
  return quantizedResult(n, input, *parameters, storage);
}

LogicalResult importDequantizeLinear(NodeImporter &n) {
  Type storage = integerElementOf(n, 0);
  if (!storage)
    return failure();
  if (!isQuantizedInteger(storage))
    return n.error("its input must be 4, 8, 16 or 32-bit integers");
  FailureOr<Parameters> parameters =
      readParameters(n, 1, 2, storage, integerRankOf(n, 0));
  if (failed(parameters))
    return failure();
  Type element = n.elementOf(parameters->scale);
  if (int64_t asked = n.intAttribute("output_dtype", 0)) {
    element = n.elementType(DataType(asked));
    if (!element)
      return failure();
    if (!isa<FloatType>(element))
      return n.error("attribute 'output_dtype' must be a float type");
  }
  return n.result(0, n.castTo(realOperand(n, 0, *parameters), element));
}

/// Range, scale and zero point from the data itself, as ONNX defines them.
LogicalResult importDynamicQuantizeLinear(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  if (!n.elementOf(input).isF32())
    return n.error("its input must be f32");
  Type real = n.builder.getF32Type();
  Type storage = n.builder.getIntegerType(8, /*isSigned=*/false);
  SmallVector<int64_t> all =
      llvm::to_vector(llvm::seq<int64_t>(0, n.rankOf(input)));
  Value zero = n.splat(0.0, real);
  Value low = n.emit<MinOp>(
      {n.reduce(ReduceKind::min, input, all, /*keepDims=*/false), zero});
  Value high = n.emit<MaxOp>(
      {n.reduce(ReduceKind::max, input, all, /*keepDims=*/false), zero});
  Value scale =
      n.emit<DivOp>({n.emit<SubOp>({high, low}), n.splat(255.0, real)});
  // All zeros quantize to zeros under any scale.
  Attribute equal =
      ComparePredicateAttr::get(n.builder.getContext(), ComparePredicate::eq);
  Value none = n.emit<CompareOp>({scale, zero}, n.named("predicate", equal));
  Value divisor = n.emit<WhereOp>({none, n.splat(1.0, real), scale});
  Value zeroPoint = n.activation(
      Function::round,
      n.activation(Function::clip,
                   n.emit<DivOp>({n.emit<SubOp>({zero, low}), divisor}), 0.0f,
                   255.0f));
  Parameters parameters;
  parameters.scale = divisor;
  parameters.zero = n.castTo(zeroPoint, storage);
  return success(succeeded(n.result(
                     0, quantizeInArithmetic(n, input, parameters, storage))) &&
                 succeeded(n.result(1, scale)) &&
                 succeeded(n.result(2, parameters.zero)));
}

//===----------------------------------------------------------------------===//
// Products of integers
//===----------------------------------------------------------------------===//

/// An operand less its zero point in i32. One zero point a row (of the left
/// operand) or a column (of the right one) is possible.
Value centered(NodeImporter &n, size_t input, size_t zeroInput, bool rows) {
  Value value = n.operand(input);
  if (!value || !isQuantizedInteger(n.elementOf(value))) {
    (void)n.error("its operands must be integers");
    return {};
  }
  Type wide = n.builder.getI32Type();
  Value q = n.castTo(value, wide);
  if (!n.has(zeroInput) || !q)
    return q;
  Value zero = n.castTo(n.operand(zeroInput), wide);
  if (!zero)
    return {};
  if (n.typeOf(zero).hasStaticShape() && n.typeOf(zero).getNumElements() == 1)
    zero = n.reshape(zero, {});
  else if (rows && n.rankOf(zero) == 1)
    zero = n.reshape(zero, {n.shapeOf(zero)[0], 1});
  return n.emit<SubOp>({q, zero});
}

LogicalResult importMatMulInteger(NodeImporter &n) {
  Value lhs = centered(n, 0, 2, /*rows=*/true);
  Value rhs = centered(n, 1, 3, /*rows=*/false);
  return n.result(0, n.emit<MatmulOp>({lhs, rhs}));
}

/// A scale that broadcasts over the product: one number, a row's or a column's.
Value productScale(NodeImporter &n, size_t input, bool rows) {
  Value scale = n.castTo(n.operand(input), n.builder.getF32Type());
  if (!scale)
    return {};
  if (n.typeOf(scale).hasStaticShape() && n.typeOf(scale).getNumElements() == 1)
    return n.reshape(scale, {});
  if (rows && n.rankOf(scale) == 1)
    return n.reshape(scale, {n.shapeOf(scale)[0], 1});
  return scale;
}

/// True when operand `input` came out of a quantization with these parameters,
/// so that the product can be taken in the real numbers.
bool isKnownQuantized(NodeImporter &n, size_t input,
                      const Parameters &parameters) {
  const std::optional<QuantizedValue> &known = n.binding(input).quantized;
  return known && parameters.type && known->type == parameters.type;
}

LogicalResult importQLinearMatMul(NodeImporter &n) {
  Type storage = integerElementOf(n, 0);
  if (!storage)
    return failure();
  Value outZero = n.operand(7);
  if (!outZero)
    return failure();
  Type outStorage = n.elementOf(outZero);
  if (!isQuantizedInteger(outStorage))
    return n.error("its result's zero point must be an integer");
  FailureOr<Parameters> out = readParameters(n, 6, 7, outStorage, 2);
  if (failed(out))
    return failure();
  Parameters left;
  left.type = constantType(n, 1, 2, storage);
  if (isKnownQuantized(n, 0, left)) {
    Type weightStorage = integerElementOf(n, 3);
    FailureOr<Parameters> right = readParameters(
        n, 4, 5, weightStorage, std::max<int64_t>(integerRankOf(n, 3), 1));
    if (failed(right))
      return failure();
    Value product =
        n.emit<MatmulOp>({realOperand(n, 0, left), realOperand(n, 3, *right)});
    return quantizedResult(n, product, *out, outStorage);
  }
  Value sum = n.emit<MatmulOp>(
      {centered(n, 0, 2, /*rows=*/true), centered(n, 3, 5, /*rows=*/false)});
  Value scale = n.emit<MulOp>(
      {productScale(n, 1, /*rows=*/true), productScale(n, 4, /*rows=*/false)});
  Value product = n.emit<MulOp>({n.castTo(sum, n.builder.getF32Type()), scale});
  return quantizedResult(n, product, *out, outStorage);
}

/// ONNX Runtime's quantized Gemm: C is in units of alpha * a_scale * b_scale;
/// without the result's parameters the result is float.
LogicalResult importQGemm(NodeImporter &n) {
  bool transA = n.intAttribute("transA", 0) != 0;
  bool transB = n.intAttribute("transB", 0) != 0;
  float alpha = n.floatAttribute("alpha", 1.0f);
  Type leftStorage = integerElementOf(n, 0),
       rightStorage = integerElementOf(n, 3);
  if (!leftStorage || !rightStorage)
    return failure();
  if (integerRankOf(n, 0) != 2 || integerRankOf(n, 3) != 2)
    return n.error("its operands must have 2 dimensions");
  FailureOr<Parameters> left = readParameters(n, 1, 2, leftStorage, 2);
  if (failed(left))
    return failure();
  // One scale for each column of the product.
  FailureOr<Parameters> right = readParameters(n, 4, 5, rightStorage, 2);
  if (failed(right))
    return failure();
  right->axis = transB ? 0 : 1;
  Value a = realOperand(n, 0, *left), b = realOperand(n, 3, *right);
  if (!a || !b)
    return failure();
  if (transA)
    a = n.transpose(a, {1, 0});
  Value weights = transB ? b : n.transpose(b, {1, 0});
  Value product = n.emit<DenseOp>({a, weights});
  Type real = n.builder.getF32Type();
  if (n.has(6)) {
    Value unit = n.emit<MulOp>({productScale(n, 1, /*rows=*/false),
                                productScale(n, 4, /*rows=*/false)});
    Value bias = n.emit<MulOp>({n.castTo(n.operand(6), real), unit});
    product = n.emit<AddOp>({product, bias});
  }
  if (alpha != 1.0f)
    product = n.emit<MulOp>({product, n.splat(alpha, real)});
  if (!n.has(7))
    return n.result(0, product);
  Type outStorage = n.builder.getIntegerType(8, /*isSigned=*/false);
  if (n.has(8)) {
    Value zero = n.operand(8);
    if (!zero)
      return failure();
    outStorage = n.elementOf(zero);
  }
  if (!isQuantizedInteger(outStorage))
    return n.error("its result's zero point must be an integer");
  FailureOr<Parameters> out = readParameters(n, 7, 8, outStorage, 2);
  if (failed(out))
    return failure();
  return quantizedResult(n, product, *out, outStorage);
}

constexpr OpRow kRows[] = {
    {"QuantizeLinear", 10, 2, 3, 1,
     "axis:i saturate:i block_size:i output_dtype:i precision:i",
     importQuantizeLinear},
    {"DequantizeLinear", 10, 2, 3, 1, "axis:i block_size:i output_dtype:i",
     importDequantizeLinear},
    {"DynamicQuantizeLinear", 11, 1, 1, 3, "", importDynamicQuantizeLinear},
    {"MatMulInteger", 10, 2, 4, 1, "", importMatMulInteger},
    {"QLinearMatMul", 10, 8, 8, 1, "", importQLinearMatMul},
    {"QuantizeLinear", 1, 2, 3, 1, "axis:i", importQuantizeLinear,
     "com.microsoft"},
    {"DequantizeLinear", 1, 2, 3, 1, "axis:i", importDequantizeLinear,
     "com.microsoft"},
    {"QGemm", 1, 6, 9, 1, "alpha:f transA:i transB:i", importQGemm,
     "com.microsoft"},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::quantizedRows() { return kRows; }
