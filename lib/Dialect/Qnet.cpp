//===- Qnet.cpp - The dialect, its shapes and its element types -----------===//
//
// Part of the quantc project.
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Qnet.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "quantc/Numerics/Functions.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <iterator>
#include <string_view>

using namespace mlir;
using namespace mlir::qnet;

#include "quantc/Dialect/QnetOpsDialect.cpp.inc"

#include "quantc/Dialect/QnetEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "quantc/Dialect/QnetAttributes.cpp.inc"

/// An enum attribute as its bare keyword: `activation relu %x`.
template <typename AttrTy>
static ParseResult parseKeyword(OpAsmParser &parser, AttrTy &attribute) {
  auto value = FieldParser<decltype(attribute.getValue())>::parse(parser);
  if (failed(value))
    return failure();
  attribute = AttrTy::get(parser.getContext(), *value);
  return success();
}

template <typename AttrTy>
static void printKeyword(OpAsmPrinter &printer, Operation *, AttrTy attribute) {
  printer << attribute.getValue();
}

#define GET_OP_CLASSES
#include "quantc/Dialect/QnetOps.cpp.inc"

void QnetDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "quantc/Dialect/QnetAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "quantc/Dialect/QnetOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// The functions of the IR are those of Numerics, number by number
//===----------------------------------------------------------------------===//

namespace {
constexpr std::string_view kNumericsNames[] = {
#define QUANTC_FUNCTION(Enumerator, Name, Onnx, Alpha, Beta) Name,
#include "quantc/Numerics/Functions.def"
};

#define SAME_FUNCTION(Symbol)                                                  \
  static_assert(kNumericsNames[static_cast<size_t>(Function::Symbol)] ==       \
                    #Symbol,                                                   \
                "QnetBase.td and Numerics/Functions.def differ in " #Symbol)
SAME_FUNCTION(identity);
SAME_FUNCTION(relu);
SAME_FUNCTION(relu6);
SAME_FUNCTION(leaky_relu);
SAME_FUNCTION(elu);
SAME_FUNCTION(selu);
SAME_FUNCTION(celu);
SAME_FUNCTION(silu);
SAME_FUNCTION(gelu);
SAME_FUNCTION(gelu_tanh);
SAME_FUNCTION(mish);
SAME_FUNCTION(sigmoid);
SAME_FUNCTION(tanh);
SAME_FUNCTION(softplus);
SAME_FUNCTION(softsign);
SAME_FUNCTION(hard_sigmoid);
SAME_FUNCTION(hard_swish);
SAME_FUNCTION(clip);
SAME_FUNCTION(thresholded_relu);
SAME_FUNCTION(exp);
SAME_FUNCTION(log);
SAME_FUNCTION(sqrt);
SAME_FUNCTION(rsqrt);
SAME_FUNCTION(reciprocal);
SAME_FUNCTION(abs);
SAME_FUNCTION(neg);
SAME_FUNCTION(sign);
SAME_FUNCTION(floor);
SAME_FUNCTION(ceil);
SAME_FUNCTION(round);
SAME_FUNCTION(erf);
SAME_FUNCTION(sin);
SAME_FUNCTION(cos);
SAME_FUNCTION(square);
#undef SAME_FUNCTION
static_assert(std::size(kNumericsNames) == getMaxEnumValForFunction() + 1,
              "QnetBase.td and Numerics/Functions.def differ in length");
} // namespace

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

Type mlir::qnet::realType(Type type) {
  if (auto quantized = dyn_cast<quant::QuantizedType>(type))
    if (Type expressed = quantized.getExpressedType())
      return expressed;
  return type;
}

bool mlir::qnet::isStoredInteger(Type type) {
  return isa<quant::QuantizedType>(type) &&
         !isa<quant::CalibratedQuantizedType>(type);
}

bool mlir::qnet::haveCompatibleShapesAndReals(TypeRange inferred,
                                              TypeRange actual) {
  if (inferred.size() != actual.size())
    return false;
  return llvm::all_of(llvm::zip_equal(inferred, actual), [](auto pair) {
    auto want = dyn_cast<RankedTensorType>(std::get<0>(pair));
    auto have = dyn_cast<RankedTensorType>(std::get<1>(pair));
    return want && have &&
           succeeded(verifyCompatibleShape(want.getShape(), have.getShape())) &&
           realType(want.getElementType()) == realType(have.getElementType());
  });
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<int64_t>>
mlir::qnet::broadcastShapes(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs) {
  if (lhs.size() < rhs.size())
    std::swap(lhs, rhs);
  // Shapes align at their last dimensions; missing leading ones count as 1.
  SmallVector<int64_t> result(lhs);
  size_t offset = lhs.size() - rhs.size();
  for (auto [index, right] : llvm::enumerate(rhs)) {
    int64_t &left = result[offset + index];
    if (left == right || right == 1)
      continue;
    if (left == 1 || ShapedType::isDynamic(left))
      left = right;
    else if (!ShapedType::isDynamic(right))
      return failure();
  }
  return result;
}

bool mlir::qnet::broadcastsTo(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (from.size() > to.size())
    return false;
  return llvm::all_of(
      llvm::zip_equal(from, to.take_back(from.size())), [](auto pair) {
        auto [have, want] = pair;
        return have == 1 || have == want || ShapedType::isDynamic(have) ||
               ShapedType::isDynamic(want);
      });
}

FailureOr<int64_t> mlir::qnet::staticElementCount(ArrayRef<int64_t> shape) {
  // A zero anywhere makes the product 0 whatever the others are.
  if (llvm::any_of(shape, ShapedType::isDynamic))
    return failure();
  if (llvm::is_contained(shape, 0))
    return 0;
  int64_t count = 1;
  for (int64_t dimension : shape)
    if (llvm::MulOverflow(count, dimension, count))
      return failure();
  return count;
}
