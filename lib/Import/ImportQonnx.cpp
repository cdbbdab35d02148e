//===- ImportQonnx.cpp - QONNX: quantization to any number of bits --------===//
//
// Quant and BipolarQuant as Brevitas exports them (Pappalardo et al., "QONNX:
// Representing arbitrary-precision quantized neural networks", 2022; the ops in
// docs/qonnx-custom-ops there). Their result is real numbers on a grid. With
// one constant scale for up to 8 bits it becomes a qnet.quantize and
// qnet.dequantize pair, which Quantize takes as given parameters; all else is
// spelled out in arithmetic, which folds for weights.
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {

/// The most bits whose integers f32 holds exactly.
constexpr int64_t kMostBits = 24;
constexpr double kSmallestScale = 0x1p-100;

struct Grid {
  Value scale, zero;
  int64_t bits = 0;
  bool isSigned = true;
  int64_t least = 0, most = 0;
};

/// A constant operand of finite f32 numbers; null (reported) otherwise.
Value parameter(NodeImporter &n, size_t input, StringRef what) {
  DenseElementsAttr numbers = n.constant(input);
  if (!numbers || !numbers.getElementType().isF32()) {
    (void)n.error("needs a constant " + what + " of f32 numbers");
    return {};
  }
  if (failed(n.checkFinite(input)))
    return {};
  if (what == "scale" && llvm::any_of(numbers.getValues<float>(), [](float s) {
        return !(s >= kSmallestScale);
      })) {
    (void)n.error("its scale must be above 0");
    return {};
  }
  return n.operand(input);
}

FailureOr<Grid> readGrid(NodeImporter &n) {
  Grid grid;
  grid.scale = parameter(n, 1, "scale");
  grid.zero = parameter(n, 2, "zero point");
  if (!grid.scale || !grid.zero)
    return failure();
  std::optional<double> bits = n.constantScalar(3);
  if (!bits || *bits != std::floor(*bits) || *bits < 2 || *bits > kMostBits)
    return n.error("needs a constant bit width, a whole number from 2 to " +
                   Twine(kMostBits));
  grid.bits = static_cast<int64_t>(*bits);
  grid.isSigned = n.intAttribute("signed", 1) != 0;
  const bool isNarrow = n.intAttribute("narrow", 0) != 0;
  const int64_t half = int64_t(1) << (grid.bits - 1);
  grid.least = grid.isSigned ? -half + isNarrow : 0;
  grid.most = grid.isSigned ? half - 1 : 2 * half - 1 - isNarrow;
  return grid;
}

/// The type of a pair; null where there is none.
quant::UniformQuantizedType pairType(NodeImporter &n, const Grid &grid) {
  std::optional<double> scale = n.constantScalar(1), zero = n.constantScalar(2);
  constexpr int64_t byte = 8;
  if (!scale || !zero || grid.bits > byte || *zero != std::floor(*zero) ||
      *zero < double(grid.least) || *zero > double(grid.most))
    return {};
  return quant::UniformQuantizedType::get(
      grid.isSigned ? quant::QuantizationFlags::Signed : 0,
      n.builder.getIntegerType(byte), n.builder.getF32Type(), *scale,
      static_cast<int64_t>(*zero), grid.least, grid.most);
}

/// The function that rounds; nothing (reported) where it is not known.
std::optional<Function> rounding(NodeImporter &n) {
  StringRef mode = n.stringAttribute("rounding_mode", "ROUND");
  if (mode == "ROUND" || mode == "HALF_EVEN")
    return Function::round;
  if (mode == "FLOOR")
    return Function::floor;
  if (mode == "CEIL")
    return Function::ceil;
  (void)n.error("rounding_mode '" + mode +
                "' is none of ROUND, HALF_EVEN, FLOOR and CEIL");
  return std::nullopt;
}

LogicalResult importQuant(NodeImporter &n) {
  Value x = n.operand(0);
  if (!x)
    return failure();
  if (!n.elementOf(x).isF32())
    return n.error("its input must be f32");
  FailureOr<Grid> grid = readGrid(n);
  std::optional<Function> round = rounding(n);
  if (failed(grid) || !round)
    return failure();
  quant::UniformQuantizedType type = pairType(n, *grid);
  if (type && *round == Function::round && !x.getDefiningOp<ConstantOp>()) {
    Value stored =
        n.emitTyped<QuantizeOp>(RankedTensorType::get(n.shapeOf(x), type), x);
    return n.result(0, n.emitTyped<DequantizeOp>(x.getType(), stored));
  }
  Value q = n.emit<AddOp>({n.emit<DivOp>({x, grid->scale}), grid->zero});
  q = n.activation(Function::clip, q, static_cast<float>(grid->least),
                   static_cast<float>(grid->most));
  q = n.activation(*round, q);
  return n.result(0,
                  n.emit<MulOp>({n.emit<SubOp>({q, grid->zero}), grid->scale}));
}

/// scale where the input is at least 0, -scale elsewhere.
LogicalResult importBipolarQuant(NodeImporter &n) {
  Value x = n.operand(0), scale = parameter(n, 1, "scale");
  if (!x || !scale)
    return failure();
  Type real = n.builder.getF32Type();
  Value isPositive = n.emit<CompareOp>(
      {x, n.splat(0, n.elementOf(x))},
      n.named("predicate", ComparePredicateAttr::get(n.builder.getContext(),
                                                     ComparePredicate::ge)));
  Value sign =
      n.emit<WhereOp>({isPositive, n.splat(1, real), n.splat(-1, real)});
  return n.result(0, n.emit<MulOp>({sign, scale}));
}

constexpr llvm::StringLiteral kQonnx = "qonnx.custom_op.general";
constexpr llvm::StringLiteral kBrevitas = "onnx.brevitas"; // before QONNX
constexpr llvm::StringLiteral kQuant = "narrow:i rounding_mode:s signed:i";
constexpr OpRow kRows[] = {
    {"Quant", 1, 4, 4, 1, kQuant, importQuant, kQonnx},
    {"IntQuant", 1, 4, 4, 1, kQuant, importQuant, kQonnx},
    {"BipolarQuant", 1, 2, 2, 1, "", importBipolarQuant, kQonnx},
    {"Quant", 1, 4, 4, 1, kQuant, importQuant, kBrevitas},
    {"BipolarQuant", 1, 2, 2, 1, "", importBipolarQuant, kBrevitas},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::qonnxRows() { return kRows; }
