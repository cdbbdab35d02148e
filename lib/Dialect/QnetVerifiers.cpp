//===- QnetVerifiers.cpp - The network level's rules ----------------------===//
//
// Part of the quantc project.
//
// One block an op, in the order of QnetNetworkOps.td. A rule's label (C1, C2,
// ...) stands in the op's description, here, in the message, and in
// test/Dialect/invalid.mlir. The shared rules R1-R3 and the integer level's are
// in QnetIntegerVerifiers.cpp.
//
//===----------------------------------------------------------------------===//

#include "QnetRules.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Numerics/Functions.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

ArrayRef<int64_t> shapeOf(Value value) { return tensorOf(value).getShape(); }

Type elementOf(Value value) { return tensorOf(value).getElementType(); }

Type realOf(Value value) { return realType(elementOf(value)); }

bool agree(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

/// `axis < rank`; the unsigned getter turns a negative axis into a large one.
LogicalResult checkAxis(uint64_t axis, Value input, EmitError emit,
                        StringRef label) {
  uint64_t rank = shapeOf(input).size();
  if (axis < rank)
    return success();
  return emit() << "axis " << static_cast<int64_t>(axis)
                << " is outside the input " << input.getType()
                << ": it must be at least 0 and less than its rank " << rank
                << " [" << label << "]";
}

/// Both values stand for the same element type.
LogicalResult checkSameReal(Value lhs, Value rhs, StringRef lhsName,
                            StringRef rhsName, EmitError emit,
                            StringRef label) {
  if (realOf(lhs) == realOf(rhs))
    return success();
  return emit() << lhsName << " has element type " << realOf(lhs) << " but "
                << rhsName << " has " << realOf(rhs)
                << ": make them the same with qnet.cast [" << label << "]";
}

LogicalResult checkParameters(Function function, std::optional<APFloat> alpha,
                              std::optional<APFloat> beta, EmitError emit,
                              StringRef label) {
  namespace numerics = quantc::numerics;
  auto which = static_cast<numerics::Function>(function);
  std::string why;
  if (numerics::validParameters(
          which,
          alpha ? alpha->convertToFloat() : numerics::defaultAlpha(which),
          beta ? beta->convertToFloat() : numerics::defaultBeta(which), &why))
    return success();
  return emit() << "function " << why << " [" << label << "]";
}

LogicalResult checkEpsilon(const APFloat &epsilon, EmitError emit,
                           StringRef label) {
  float value = epsilon.convertToFloat();
  if (std::isfinite(value) && value >= 0.0f)
    return success();
  return emit() << "epsilon is " << std::to_string(value)
                << ": it must be finite and at least 0 [" << label << "]";
}

} // namespace

//===----------------------------------------------------------------------===//
// constant
//===----------------------------------------------------------------------===//

LogicalResult mlir::qnet::checkRules(ConstantOp::Adaptor op, EmitError emit) {
  ElementsAttr value = op.getValue();
  // C1
  auto type = dyn_cast<RankedTensorType>(value.getShapedType());
  if (!type || !isa<DenseElementsAttr, DenseResourceElementsAttr>(value))
    return emit() << "value of type " << value.getShapedType()
                  << " is not a dense or dense_resource value of a ranked "
                     "tensor: write it in one of these forms [C1]";
  FailureOr<int64_t> count = staticElementCount(type.getShape());
  if (failed(count))
    return emit() << "value of type " << type
                  << " has no countable number of elements: every dimension "
                     "must be static and their product below 2^63 [C1]";
  if (!type.getElementType().isIntOrFloat())
    return emit() << "value has element type " << type.getElementType()
                  << ": only floats and integers are constants [C1]";
  return success();
}

LogicalResult ConstantOp::verify() {
  if (failed(checkRules(Adaptor(*this), [&] { return emitOpError(); })))
    return failure();
  // C2. Not part of inference: a text file's resources stand after its ops.
  auto resource = dyn_cast<DenseResourceElementsAttr>(getValue());
  if (!resource)
    return success();
  StringRef key = resource.getRawHandle().getKey();
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob)
    return emitOpError() << "resource '" << key
                         << "' holds no data: the file it came from was cut "
                            "or printed without its resources [C2]";
  if (rawElements(resource))
    return success();
  return emitOpError() << "resource '" << key << "' holds "
                       << blob->getData().size() << " bytes, but " << getType()
                       << " needs " << *staticElementCount(getType().getShape())
                       << " times " << storageBytes(getType().getElementType())
                       << " [C2]";
}

//===----------------------------------------------------------------------===//
// dense, matmul, kernel
//===----------------------------------------------------------------------===//

LogicalResult mlir::qnet::checkRules(DenseOp::Adaptor op, EmitError emit) {
  ArrayRef<int64_t> input = shapeOf(op.getInput());
  ArrayRef<int64_t> weights = shapeOf(op.getWeights());
  // C3
  if (input.empty())
    return emit() << "input " << op.getInput().getType()
                  << " has rank 0: give it a last dimension of features [C3]";
  // C1
  if (weights.size() != 2)
    return emit() << "weights " << op.getWeights().getType() << " have rank "
                  << weights.size()
                  << ": they must have rank 2, outputs by inputs [C1]";
  if (!agree(weights[1], input.back()))
    return emit() << "weights " << op.getWeights().getType() << " take "
                  << weights[1] << " features but the input "
                  << op.getInput().getType() << " has " << input.back()
                  << ": the second dimension of weights must equal the input's "
                     "last [C1]";
  // C2
  if (op.getBias()) {
    ArrayRef<int64_t> bias = shapeOf(op.getBias());
    if (bias.size() != 1 || !agree(bias[0], weights[0]))
      return emit() << "bias " << op.getBias().getType()
                    << " must have shape [N] with N = " << weights[0]
                    << ", the first dimension of weights [C2]";
  }
  // C4. Before the op exists, an attribute with a default may be missing.
  if (op.getFunctionAttr() &&
      failed(checkParameters(op.getFunction(), op.getAlpha(), op.getBeta(),
                             emit, "C4")))
    return failure();
  // C5
  if (failed(checkSameReal(op.getInput(), op.getWeights(), "input", "weights",
                           emit, "C5")))
    return failure();
  return op.getBias() ? checkSameReal(op.getInput(), op.getBias(), "input",
                                      "bias", emit, "C5")
                      : success();
}

LogicalResult mlir::qnet::checkRules(MatmulOp::Adaptor op, EmitError emit) {
  ArrayRef<int64_t> lhs = shapeOf(op.getLhs()), rhs = shapeOf(op.getRhs());
  // C1
  if (lhs.empty() || rhs.empty())
    return emit() << "an operand of " << op.getLhs().getType() << " x "
                  << op.getRhs().getType()
                  << " has rank 0: multiply by a number with qnet.mul [C1]";
  int64_t rows = rhs.size() == 1 ? rhs[0] : rhs[rhs.size() - 2];
  if (!agree(lhs.back(), rows))
    return emit() << "lhs " << op.getLhs().getType() << " has " << lhs.back()
                  << " columns but rhs " << op.getRhs().getType() << " has "
                  << rows << " rows: these must be equal [C1]";
  if (failed(broadcastShapes(lhs.drop_back(std::min<size_t>(lhs.size(), 2)),
                             rhs.drop_back(std::min<size_t>(rhs.size(), 2)))))
    return emit() << "the leading dimensions of " << op.getLhs().getType()
                  << " and " << op.getRhs().getType()
                  << " do not broadcast: each pair must be equal or hold a 1 "
                     "[C1]";
  // C2
  return checkSameReal(op.getLhs(), op.getRhs(), "lhs", "rhs", emit, "C2");
}

LogicalResult mlir::qnet::checkRules(KernelOp::Adaptor op, EmitError emit) {
  ArrayRef<int64_t> input = shapeOf(op.getInput());
  ArrayRef<int64_t> vectors = shapeOf(op.getVectors());
  // C2
  if (input.empty())
    return emit() << "input " << op.getInput().getType()
                  << " has rank 0: give it a last dimension of features [C2]";
  // C1
  if (vectors.size() != 2 || !agree(vectors[1], input.back()))
    return emit()
           << "vectors " << op.getVectors().getType()
           << " do not go with the input " << op.getInput().getType()
           << ": they must have rank 2, vectors by features, and as many "
              "features as the input's last dimension [C1]";
  // C3
  const float gamma = op.getGamma().convertToFloat();
  const float coef0 = op.getCoef0().convertToFloat();
  constexpr int64_t mostDegree = 16;
  const bool isPositive =
      gamma > 0 || (op.getKindAttr() && op.getKind() != KernelKind::rbf);
  if (!std::isfinite(gamma) || !std::isfinite(coef0) || !isPositive)
    return emit() << "gamma is " << std::to_string(gamma) << " and coef0 "
                  << std::to_string(coef0)
                  << ": both must be finite, and gamma positive for rbf [C3]";
  const auto degree = static_cast<int64_t>(op.getDegree());
  if (degree < 1 || degree > mostDegree)
    return emit() << "degree is " << degree << ": it must be 1 to "
                  << mostDegree << " [C3]";
  // C4
  return checkSameReal(op.getInput(), op.getVectors(), "input", "vectors", emit,
                       "C4");
}

//===----------------------------------------------------------------------===//
// Functions of one value
//===----------------------------------------------------------------------===//

LogicalResult mlir::qnet::checkRules(ActivationOp::Adaptor op, EmitError emit) {
  // C1
  constexpr Function onIntegers[] = {
      Function::abs,  Function::neg,    Function::sign,    Function::relu,
      Function::clip, Function::square, Function::identity};
  if (isa<IntegerType>(elementOf(op.getInput())) &&
      !llvm::is_contained(onIntegers, op.getFunction()))
    return emit() << "function " << stringifyFunction(op.getFunction())
                  << " is not defined on integers (" << op.getInput().getType()
                  << "): cast to f32 first [C1]";
  // C2
  return checkParameters(op.getFunction(), op.getAlpha(), op.getBeta(), emit,
                         "C2");
}

LogicalResult mlir::qnet::checkRules(PreluOp::Adaptor op, EmitError emit) {
  // C1
  if (!broadcastsTo(shapeOf(op.getSlope()), shapeOf(op.getInput())))
    return emit() << "slope " << op.getSlope().getType()
                  << " does not broadcast to the input "
                  << op.getInput().getType()
                  << ": from the last dimension on, each must be equal or 1 "
                     "[C1]";
  // C2
  return checkSameReal(op.getInput(), op.getSlope(), "input", "slope", emit,
                       "C2");
}

LogicalResult CastOp::verify() {
  // C1
  if (failed(verifyCompatibleShape(getInput().getType(), getType())))
    return emitOpError() << "input " << getInput().getType() << " and result "
                         << getType()
                         << " have different shapes: a cast keeps it [C1]";
  return success();
}

//===----------------------------------------------------------------------===//
// Functions of two values
//===----------------------------------------------------------------------===//

template <typename Adaptor>
static LogicalResult checkBinary(Adaptor op, EmitError emit) {
  // C1
  if (failed(broadcastShapes(shapeOf(op.getLhs()), shapeOf(op.getRhs()))))
    return emit() << "lhs " << op.getLhs().getType() << " and rhs "
                  << op.getRhs().getType()
                  << " do not broadcast: from the last dimension on, each pair "
                     "must be equal or hold a 1 [C1]";
  // C2
  return checkSameReal(op.getLhs(), op.getRhs(), "lhs", "rhs", emit, "C2");
}

#define QNET_BINARY(Op)                                                        \
  LogicalResult mlir::qnet::checkRules(Op::Adaptor op, EmitError emit) {       \
    return checkBinary(op, emit);                                              \
  }
QNET_BINARY(AddOp)
QNET_BINARY(SubOp)
QNET_BINARY(MulOp)
QNET_BINARY(DivOp)
QNET_BINARY(PowOp)
QNET_BINARY(MinOp)
QNET_BINARY(MaxOp)
QNET_BINARY(AndOp)
QNET_BINARY(OrOp)
QNET_BINARY(XorOp)
QNET_BINARY(CompareOp)
#undef QNET_BINARY

LogicalResult mlir::qnet::checkRules(WhereOp::Adaptor op, EmitError emit) {
  // C1
  FailureOr<SmallVector<int64_t>> values =
      broadcastShapes(shapeOf(op.getTrueValue()), shapeOf(op.getFalseValue()));
  if (failed(values) ||
      failed(broadcastShapes(*values, shapeOf(op.getCondition()))))
    return emit() << "condition " << op.getCondition().getType()
                  << " and values " << op.getTrueValue().getType() << " and "
                  << op.getFalseValue().getType()
                  << " do not broadcast: from the last dimension on, each pair "
                     "must be equal or hold a 1 [C1]";
  // C2
  return checkSameReal(op.getTrueValue(), op.getFalseValue(), "the true value",
                       "the false value", emit, "C2");
}

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

LogicalResult mlir::qnet::checkRules(SoftmaxOp::Adaptor op, EmitError emit) {
  return checkAxis(op.getAxis(), op.getInput(), emit, "C1");
}

LogicalResult mlir::qnet::checkRules(LogSoftmaxOp::Adaptor op, EmitError emit) {
  return checkAxis(op.getAxis(), op.getInput(), emit, "C1");
}

LogicalResult mlir::qnet::checkRules(BatchNormOp::Adaptor op, EmitError emit) {
  ArrayRef<int64_t> input = shapeOf(op.getInput());
  std::pair<StringRef, Value> parameters[] = {{"scale", op.getScale()},
                                              {"bias", op.getBias()},
                                              {"mean", op.getMean()},
                                              {"variance", op.getVariance()}};
  // C1
  if (input.empty())
    return emit() << "input " << op.getInput().getType()
                  << " has rank 0 and so no channels: give it rank 1 or more "
                     "[C1]";
  int64_t channels = input[input.size() == 1 ? 0 : 1];
  for (auto [name, value] : parameters)
    if (shapeOf(value).size() != 1 || !agree(shapeOf(value)[0], channels))
      return emit() << name << " " << value.getType()
                    << " must have shape [C] with C = " << channels
                    << ", the channels of the input " << op.getInput().getType()
                    << " [C1]";
  // C2
  if (failed(checkEpsilon(op.getEpsilon(), emit, "C2")))
    return failure();
  // C3
  for (auto [name, value] : parameters)
    if (failed(checkSameReal(op.getInput(), value, "input", name, emit, "C3")))
      return failure();
  return success();
}

LogicalResult mlir::qnet::checkRules(LayerNormOp::Adaptor op, EmitError emit) {
  // C1
  if (failed(checkAxis(op.getAxis(), op.getInput(), emit, "C1")))
    return failure();
  std::pair<StringRef, Value> parameters[] = {{"scale", op.getScale()},
                                              {"bias", op.getBias()}};
  // C2
  for (auto [name, value] : parameters)
    if (value && !broadcastsTo(shapeOf(value), shapeOf(op.getInput())))
      return emit() << name << " " << value.getType()
                    << " does not broadcast to the input "
                    << op.getInput().getType()
                    << ": from the last dimension on, each must be equal or 1 "
                       "[C2]";
  // C3
  if (failed(checkEpsilon(op.getEpsilon(), emit, "C3")))
    return failure();
  // C4
  for (auto [name, value] : parameters)
    if (value &&
        failed(checkSameReal(op.getInput(), value, "input", name, emit, "C4")))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Moving values
//===----------------------------------------------------------------------===//

LogicalResult mlir::qnet::checkRules(ConcatOp::Adaptor op, EmitError emit) {
  // C1
  if (op.getInputs().empty())
    return emit() << "joins no tensors: give it at least one [C1]";
  Value first = op.getInputs().front();
  if (failed(checkAxis(op.getAxis(), first, emit, "C1")))
    return failure();
  SmallVector<int64_t> joined(shapeOf(first));
  for (Value input : op.getInputs().drop_front()) {
    if (shapeOf(input).size() != joined.size())
      return emit() << "joins " << first.getType() << " and " << input.getType()
                    << ": all must have one rank [C1]";
    // C2
    for (auto [index, size] : llvm::enumerate(shapeOf(input))) {
      int64_t &sum = joined[index];
      bool isAxis = index == op.getAxis();
      if (!isAxis && !agree(sum, size))
        return emit() << "joins " << first.getType() << " and "
                      << input.getType() << " along axis " << op.getAxis()
                      << ", but dimension " << index << " is " << sum << " and "
                      << size << ": all others than the axis must agree [C2]";
      if (!isAxis)
        sum = ShapedType::isDynamic(sum) ? size : sum;
      else if (ShapedType::isDynamic(sum) || ShapedType::isDynamic(size))
        sum = ShapedType::kDynamic;
      else if (llvm::AddOverflow(sum, size, sum))
        return emit() << "joins more than 2^63 values along axis "
                      << op.getAxis() << " [C2]";
    }
    if (failed(checkSameReal(first, input, "the first input", "another", emit,
                             "C2")))
      return failure();
  }
  return success();
}

LogicalResult mlir::qnet::checkRules(SliceOp::Adaptor op, EmitError emit) {
  ArrayRef<int64_t> input = shapeOf(op.getInput());
  ArrayRef<int64_t> starts = op.getStarts(), sizes = op.getSizes(),
                    steps = op.getSteps();
  // C1
  if (starts.size() != input.size() || sizes.size() != input.size() ||
      steps.size() != input.size())
    return emit() << "has " << starts.size() << " starts, " << sizes.size()
                  << " sizes and " << steps.size() << " steps for the input "
                  << op.getInput().getType() << ": each must have "
                  << input.size() << ", one a dimension [C1]";
  for (auto [index, dimension] : llvm::enumerate(input)) {
    int64_t start = starts[index], size = sizes[index], step = steps[index];
    if (step == 0)
      return emit() << "step of dimension " << index
                    << " is 0: use 1 to take neighbours [C1]";
    // C3
    bool whole = size == -1;
    if (whole && !ShapedType::isDynamic(dimension))
      return emit() << "size of dimension " << index
                    << " is -1, which stands for a dynamic dimension, but it "
                       "is static: write "
                    << dimension << " [C3]";
    if (ShapedType::isDynamic(dimension)) {
      if (whole && start == 0 && step == 1)
        continue;
      return emit()
             << "dynamic dimension " << index << " is cut (start " << start
             << ", size " << size << ", step " << step
             << "): it can only be taken whole: start 0, size -1, step 1 "
                "[C3]";
    }
    // C2
    int64_t last = 0;
    bool inside = size == 0 || (size > 0 && start >= 0 && start < dimension &&
                                !llvm::MulOverflow(size - 1, step, last) &&
                                !llvm::AddOverflow(start, last, last) &&
                                last >= 0 && last < dimension);
    if (!inside)
      return emit() << "reads outside dimension " << index << " of "
                    << dimension << " values: start " << start << ", size "
                    << size << ", step " << step << " [C2]";
  }
  return success();
}

LogicalResult mlir::qnet::checkReshape(ArrayRef<int64_t> from,
                                       ArrayRef<int64_t> to, EmitError emit) {
  // C1
  auto dynamicCount = [](ArrayRef<int64_t> shape) {
    return llvm::count_if(shape, ShapedType::isDynamic);
  };
  if (dynamicCount(to) > 1)
    return emit() << "result has " << dynamicCount(to)
                  << " dynamic dimensions: at most one can be worked out [C1]";
  bool isDynamic = dynamicCount(to) == 1;
  if (isDynamic != (dynamicCount(from) > 0))
    return emit() << (isDynamic ? "result has a dynamic dimension but the "
                                  "input has none"
                                : "input has a dynamic dimension but the "
                                  "result has none")
                  << ": both or neither must have one [C1]";
  // C2
  auto staticProduct = [](ArrayRef<int64_t> shape) {
    SmallVector<int64_t> known(shape);
    llvm::erase_if(known, ShapedType::isDynamic);
    return staticElementCount(known);
  };
  FailureOr<int64_t> have = staticProduct(from), want = staticProduct(to);
  if (failed(have) || failed(want))
    return emit() << "the number of elements does not fit in 63 bits [C2]";
  bool fits = *have == *want;
  if (isDynamic && *have != 0 && *want != 0)
    fits = *have % *want == 0 || *want % *have == 0;
  if (!fits)
    return emit() << "the input's static dimensions hold " << *have
                  << " values and the result's " << *want << ": "
                  << (isDynamic ? "one must divide the other"
                                : "these must be equal")
                  << " [C2]";
  return success();
}

LogicalResult ReshapeOp::verify() {
  // C1, C2
  if (failed(checkReshape(shapeOf(getInput()), getType().getShape(), [&] {
        return emitOpError()
               << getInput().getType() << " to " << getType() << ": ";
      })))
    return failure();
  // C3
  return checkSameReal(
      getInput(), getResult(), "input", "result", [&] { return emitOpError(); },
      "C3");
}

LogicalResult mlir::qnet::checkRules(TransposeOp::Adaptor op, EmitError emit) {
  // C1
  int64_t rank = shapeOf(op.getInput()).size();
  ArrayRef<int64_t> permutation = op.getPermutation();
  SmallVector<bool> seen(rank, false);
  bool valid = static_cast<int64_t>(permutation.size()) == rank;
  for (int64_t from : permutation) {
    valid = valid && from >= 0 && from < rank && !seen[from];
    if (!valid)
      break;
    seen[from] = true;
  }
  if (!valid)
    return emit() << "permutation [" << permutation
                  << "] must name each dimension of the input "
                  << op.getInput().getType() << ", 0 to " << rank
                  << " exclusive, exactly once [C1]";
  return success();
}

LogicalResult BroadcastOp::verify() {
  // C1
  if (!broadcastsTo(shapeOf(getInput()), getType().getShape()))
    return emitOpError() << "input " << getInput().getType()
                         << " does not broadcast to the result " << getType()
                         << ": from the last dimension on, each must be equal "
                            "or 1 [C1]";
  // C2
  return checkSameReal(
      getInput(), getResult(), "input", "result", [&] { return emitOpError(); },
      "C2");
}

LogicalResult mlir::qnet::checkRules(GatherOp::Adaptor op, EmitError emit) {
  // C1
  if (failed(checkAxis(op.getAxis(), op.getInput(), emit, "C1")))
    return failure();
  // C2
  if (!isa<IntegerType>(elementOf(op.getIndices())))
    return emit() << "indices " << op.getIndices().getType()
                  << " are not integers: cast them to i64 [C2]";
  int64_t size = shapeOf(op.getInput())[op.getAxis()];
  if (ShapedType::isDynamic(size))
    return success();
  std::optional<SmallVector<int64_t>> indices =
      constantIntegers(op.getIndices());
  if (!indices)
    return success();
  for (int64_t index : *indices)
    if (index < -size || index >= size)
      return emit() << "index " << index << " is outside dimension "
                    << op.getAxis() << " of " << op.getInput().getType()
                    << ": it must lie in [" << -size << ", " << size
                    << ") [C2]";
  return success();
}

LogicalResult mlir::qnet::checkRules(ReduceOp::Adaptor op, EmitError emit) {
  // C1
  int64_t rank = shapeOf(op.getInput()).size(), previous = -1;
  for (int64_t axis : op.getAxes()) {
    if (axis <= previous || axis >= rank)
      return emit() << "axes [" << op.getAxes()
                    << "] must be distinct, ascending, at least 0 and less "
                       "than the rank "
                    << rank << " of the input " << op.getInput().getType()
                    << " [C1]";
    previous = axis;
  }
  return success();
}

LogicalResult mlir::qnet::checkRules(ArgmaxOp::Adaptor op, EmitError emit) {
  return checkAxis(op.getAxis(), op.getInput(), emit, "C1");
}

LogicalResult mlir::qnet::checkRules(ArgminOp::Adaptor op, EmitError emit) {
  return checkAxis(op.getAxis(), op.getInput(), emit, "C1");
}

LogicalResult mlir::qnet::checkRules(TopKOp::Adaptor op, EmitError emit) {
  // C1
  if (failed(checkAxis(op.getAxis(), op.getInput(), emit, "C1")))
    return failure();
  int64_t size = shapeOf(op.getInput())[op.getAxis()];
  int64_t k = op.getK();
  if (k < 0 || (!ShapedType::isDynamic(size) && k > size))
    return emit() << "k is " << k << " but dimension " << op.getAxis()
                  << " of the input " << op.getInput().getType() << " has "
                  << size << ": k must lie between 0 and it [C1]";
  return success();
}

//===----------------------------------------------------------------------===//
// The verifiers of the ops whose rules inference shares
//===----------------------------------------------------------------------===//

#define QNET_VERIFIER(Op)                                                      \
  LogicalResult Op::verify() {                                                 \
    return checkRules(Adaptor(*this), [&] { return emitOpError(); });          \
  }
QNET_VERIFIER(DenseOp)
QNET_VERIFIER(MatmulOp)
QNET_VERIFIER(KernelOp)
QNET_VERIFIER(ActivationOp)
QNET_VERIFIER(PreluOp)
QNET_VERIFIER(AddOp)
QNET_VERIFIER(SubOp)
QNET_VERIFIER(MulOp)
QNET_VERIFIER(DivOp)
QNET_VERIFIER(PowOp)
QNET_VERIFIER(MinOp)
QNET_VERIFIER(MaxOp)
QNET_VERIFIER(AndOp)
QNET_VERIFIER(OrOp)
QNET_VERIFIER(XorOp)
QNET_VERIFIER(CompareOp)
QNET_VERIFIER(WhereOp)
QNET_VERIFIER(SoftmaxOp)
QNET_VERIFIER(LogSoftmaxOp)
QNET_VERIFIER(BatchNormOp)
QNET_VERIFIER(LayerNormOp)
QNET_VERIFIER(ConcatOp)
QNET_VERIFIER(SliceOp)
QNET_VERIFIER(TransposeOp)
QNET_VERIFIER(GatherOp)
QNET_VERIFIER(ReduceOp)
QNET_VERIFIER(ArgmaxOp)
QNET_VERIFIER(ArgminOp)
QNET_VERIFIER(TopKOp)
#undef QNET_VERIFIER
