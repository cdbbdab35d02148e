//===- NodeImporter.cpp - One ONNX node on its way to qnet ----------------===//

#include "NodeImporter.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"
#include "quantc/Dialect/Constants.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;
using llvm::StringRef;
using llvm::Twine;

namespace {
StringRef kindName(AttributeKind kind) {
  switch (kind) {
  case AttributeKind::Float:
    return "a float";
  case AttributeKind::Int:
    return "an integer";
  case AttributeKind::String:
    return "a string";
  case AttributeKind::Tensor:
    return "a tensor";
  case AttributeKind::Floats:
    return "a list of floats";
  case AttributeKind::Ints:
    return "a list of integers";
  case AttributeKind::Strings:
    return "a list of strings";
  case AttributeKind::Graph:
  case AttributeKind::Graphs:
    return "a graph";
  default:
    return "of an unknown kind";
  }
}

AttributeKind kindOf(char letter) {
  switch (letter) {
  case 'f':
    return AttributeKind::Float;
  case 'F':
    return AttributeKind::Floats;
  case 'i':
    return AttributeKind::Int;
  case 'I':
    return AttributeKind::Ints;
  case 's':
    return AttributeKind::String;
  case 'S':
    return AttributeKind::Strings;
  case 't':
    return AttributeKind::Tensor;
  default:
    return AttributeKind::Undefined;
  }
}

/// Elements that an op may not broadcast to or make: kMaxElements.
bool hasPossibleShape(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return false;
  SmallVector<int64_t> known(tensor.getShape());
  for (int64_t &dim : known)
    if (ShapedType::isDynamic(dim))
      dim = 1;
  return size_t(tensor.getRank()) <= kMaxRank && elementCount(known);
}

bool isSmallConstant(Value value) {
  DenseElementsAttr attribute;
  return matchPattern(value, m_Constant(&attribute)) &&
         (attribute.isSplat() ||
          attribute.getNumElements() <= kMaxShapeElements) &&
         attribute.getNumElements() <= kMaxShapeElements;
}
/// Gives `op` its inferred types, inserts and verifies it; destroys it and
/// fills `objection` when that fails. What inference and verifier report is
/// captured, so that it can become one error that starts with the node.
bool placeAndCheck(OpBuilder &builder, Operation *op,
                   InferTypeOpInterface::Concept *inference, bool infer,
                   std::string &objection) {
  ScopedDiagnosticHandler capture(op->getContext(),
                                  [&](Diagnostic &diagnostic) {
                                    if (objection.empty())
                                      objection = diagnostic.str();
                                    return success();
                                  });
  bool sound = true;
  if (infer) {
    SmallVector<Type> inferred;
    sound = inference &&
            succeeded(inference->inferReturnTypes(
                op->getContext(), op->getLoc(), op->getOperands(),
                op->getAttrDictionary(), op->getPropertiesStorage(),
                op->getRegions(), inferred)) &&
            inferred.size() == op->getNumResults();
    if (sound)
      for (auto [result, type] : llvm::zip(op->getResults(), inferred))
        result.setType(type);
  }
  if (sound && !llvm::all_of(op->getResultTypes(), hasPossibleShape)) {
    sound = false;
    objection = "the result would have more than 2^31 - 1 elements";
  }
  if (sound) {
    builder.insert(op);
    if (succeeded(mlir::verify(op, /*verifyRecursively=*/false)))
      return true;
  }
  if (op->getBlock())
    op->erase();
  else
    op->destroy();
  if (objection.empty())
    objection = "the types of its operands do not fit together";
  return false;
}
} // namespace

Type mlir::qnet::onnx::mlirElementType(MLIRContext *context, DataType type) {
  Builder b(context);
  switch (type) {
  case DataType::Float:
    return b.getF32Type();
  case DataType::Double:
    return b.getF64Type();
  case DataType::Float16:
    return b.getF16Type();
  case DataType::BFloat16:
    return b.getBF16Type();
  case DataType::Bool:
    return b.getI1Type();
  case DataType::Int4:
    return b.getIntegerType(4);
  case DataType::Int8:
    return b.getIntegerType(8);
  case DataType::Int16:
    return b.getIntegerType(16);
  case DataType::Int32:
    return b.getIntegerType(32);
  case DataType::Int64:
    return b.getIntegerType(64);
  case DataType::UInt4:
    return b.getIntegerType(4, false);
  case DataType::UInt8:
    return b.getIntegerType(8, false);
  case DataType::UInt16:
    return b.getIntegerType(16, false);
  case DataType::UInt32:
    return b.getIntegerType(32, false);
  case DataType::UInt64:
    return b.getIntegerType(64, false);
  default:
    return nullptr;
  }
}

Value mlir::qnet::onnx::emitConstant(OpBuilder &builder,
                                     const OnnxTensor &tensor, StringRef name,
                                     Type element) {
  auto type = RankedTensorType::get(tensor.dims, element);
  Location loc = NameLoc::get(builder.getStringAttr(name));
  ElementsAttr value;
  if (element.isInteger(1)) {
    // The bytes of bools are not trusted to be 0 or 1.
    auto bools =
        llvm::map_to_vector(tensor.bytes, [](char c) { return c != 0; });
    value = DenseElementsAttr::get(type,
                                   ArrayRef<bool>(bools.data(), bools.size()));
  } else if (int64_t(tensor.bytes.size()) <= kResourceBytes) {
    value = DenseElementsAttr::getFromRawBuffer(type, tensor.bytes);
  } else {
    constexpr size_t kAlignment = 64; // a cache line, and any vector register
    value = DenseResourceElementsAttr::get(
        type, name.empty() ? StringRef("constant") : name,
        HeapAsmResourceBlob::allocateAndCopyWithAlign(tensor.bytes, kAlignment,
                                                      /*dataIsMutable=*/false));
  }
  return ConstantOp::create(builder, loc, type, value);
}

NodeImporter::NodeImporter(const OnnxNode &node, int64_t opset,
                           OpBuilder &builder,
                           llvm::StringMap<Binding> &bindings)
    : node(node), opset(opset), builder(builder),
      loc(NameLoc::get(builder.getStringAttr(node.label()))),
      bindings(bindings) {}

LogicalResult NodeImporter::error(const Twine &reason) {
  if (!hasFailed)
    emitError(loc) << node.describe() << ": " << reason;
  hasFailed = true;
  return failure();
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Binding &NodeImporter::binding(size_t input) {
  return bindings[node.inputs[input]];
}

Value NodeImporter::valueOf(StringRef name, Binding &binding) {
  if (binding.value)
    return binding.value;
  if (binding.constant) {
    const OnnxTensor &tensor = *binding.constant;
    Type element = mlirElementType(builder.getContext(), tensor.type);
    if (!element) {
      (void)error("input " + quoted(name) + " has element type " +
                  dataTypeName(tensor.type) +
                  ", which is not supported; convert it to a float or integer "
                  "type when exporting");
      return {};
    }
    return binding.value = emitConstant(builder, tensor, name, element);
  }
  if (binding.integers && binding.integers->isKnown()) {
    const ShapeValue &integers = *binding.integers;
    auto element =
        cast<IntegerType>(mlirElementType(builder.getContext(), integers.type));
    auto type = RankedTensorType::get(integers.dims, element);
    SmallVector<APInt> values;
    for (int64_t number : integers.elements)
      values.emplace_back(element.getWidth(), uint64_t(number),
                          /*isSigned=*/!element.isUnsigned(),
                          /*implicitTrunc=*/true);
    return binding.value = ConstantOp::create(
               builder, NameLoc::get(builder.getStringAttr(name)), type,
               DenseElementsAttr::get(type, values));
  }
  if (binding.materialize)
    return binding.value = binding.materialize(*this);
  (void)error("input " + quoted(name) +
              " depends on the size of the batch, which is not known when "
              "compiling; export the model with a fixed batch size or keep its "
              "shapes out of the computation");
  return {};
}

Value NodeImporter::operand(size_t input) {
  if (!has(input)) {
    (void)error("input " + Twine(input) + " is missing");
    return {};
  }
  if (const TextValue *words = text(input)) {
    if (movesText)
      return words->codes;
    (void)error("input " + quoted(node.inputs[input]) +
                " is text, of which a compiled program has only the numbers "
                "of its words; OneHotEncoder and LabelEncoder read it, export "
                "the model without what else does");
    return {};
  }
  return valueOf(node.inputs[input], binding(input));
}

const TextValue *NodeImporter::text(size_t input) {
  if (!has(input))
    return nullptr;
  Binding &bound = binding(input);
  return bound.text ? &*bound.text : nullptr;
}

const std::vector<StringRef> *NodeImporter::constantText(size_t input) {
  if (!has(input))
    return nullptr;
  const OnnxTensor *constant = binding(input).constant;
  return constant && constant->type == DataType::String ? &constant->strings
                                                        : nullptr;
}

SmallVector<Value> NodeImporter::operands() {
  SmallVector<Value> values;
  for (size_t i = 0; i < node.inputs.size(); ++i)
    values.push_back(operand(i));
  return values;
}

FailureOr<SmallVector<int64_t>> NodeImporter::integers(size_t input,
                                                       StringRef what) {
  if (!has(input))
    return error("input " + Twine(input) + " (" + what + ") is missing");
  Binding &bound = binding(input);
  if (!bound.integers && bound.constant)
    bound.integers = shapeValueOf(*bound.constant);
  if (bound.integers) {
    if (bound.integers->dims.size() > 1)
      return error(what + Twine(" must have one dimension, not ") +
                   Twine(bound.integers->dims.size()));
    return llvm::to_vector_of<int64_t>(bound.integers->elements);
  }
  DenseElementsAttr values = constant(input);
  if (values && values.getElementType().isInteger() &&
      values.getType().getRank() <= 1 &&
      values.getNumElements() <= kMaxShapeElements) {
    SmallVector<int64_t> result;
    for (const APInt &value : values.getValues<APInt>())
      result.push_back(values.getElementType().isUnsignedInteger()
                           ? value.getLimitedValue(INT64_MAX)
                           : value.getSExtValue());
    return result;
  }
  return error(what + Twine(" (input ") + quoted(node.inputs[input]) +
               ") must be known when compiling, but it is computed from the "
               "data; make it a constant (initializer) when exporting");
}

FailureOr<std::optional<SmallVector<int64_t>>>
NodeImporter::integersOrAttribute(size_t input, StringRef attribute) {
  if (!has(input))
    return intsAttribute(attribute);
  FailureOr<SmallVector<int64_t>> values = integers(input, attribute);
  if (failed(values))
    return failure();
  // A FailureOr is an optional of the same content.
  return std::optional<SmallVector<int64_t>>(std::move(values));
}

DenseElementsAttr NodeImporter::constant(size_t input) {
  if (!has(input))
    return {};
  Binding &bound = binding(input);
  if (!bound.value && !bound.constant &&
      !(bound.integers && bound.integers->isKnown()))
    return {};
  Value value = operand(input);
  DenseElementsAttr attribute;
  if (!value || !matchPattern(value, m_Constant(&attribute)))
    return {};
  return attribute;
}

std::optional<double> NodeImporter::constantScalar(size_t input) {
  DenseElementsAttr values = constant(input);
  if (!values || values.getNumElements() != 1)
    return std::nullopt;
  Type element = values.getElementType();
  if (isa<FloatType>(element))
    return (*values.getValues<APFloat>().begin()).convertToDouble();
  if (!isa<IntegerType>(element))
    return std::nullopt;
  APInt value = *values.getValues<APInt>().begin();
  return value.roundToDouble(!element.isUnsignedInteger() &&
                             !element.isInteger(1));
}

/// True when any element of a float tensor is NaN or infinite, found by its
/// exponent bits.
template <typename Bits>
static int64_t firstNonFinite(llvm::ArrayRef<char> bytes, Bits exponent) {
  for (size_t i = 0; i + sizeof(Bits) <= bytes.size(); i += sizeof(Bits)) {
    Bits bits;
    std::memcpy(&bits, bytes.data() + i, sizeof(Bits));
    if ((bits & exponent) == exponent)
      return i / sizeof(Bits);
  }
  return -1;
}

LogicalResult NodeImporter::checkFinite(size_t input) {
  if (!has(input) || !binding(input).constant || binding(input).isFinite)
    return success();
  const OnnxTensor &tensor = *binding(input).constant;
  int64_t at = -1;
  switch (tensor.type) {
  case DataType::Float:
    at = firstNonFinite<uint32_t>(tensor.bytes, 0x7F800000u);
    break;
  case DataType::Double:
    at = firstNonFinite<uint64_t>(tensor.bytes, 0x7FF0000000000000ull);
    break;
  case DataType::Float16:
    at = firstNonFinite<uint16_t>(tensor.bytes, uint16_t(0x7C00));
    break;
  case DataType::BFloat16:
    at = firstNonFinite<uint16_t>(tensor.bytes, uint16_t(0x7F80));
    break;
  default:
    return success();
  }
  if (at < 0) {
    binding(input).isFinite = true;
    return success();
  }
  return error("weight " + quoted(node.inputs[input]) +
               " holds NaN or infinity (element " + Twine(at) +
               "); the training diverged or the file is damaged, retrain or "
               "export the model again");
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

int64_t NodeImporter::intAttribute(StringRef name, int64_t otherwise) const {
  const OnnxAttribute *attribute = node.attribute(name);
  return attribute ? attribute->i : otherwise;
}

float NodeImporter::floatAttribute(StringRef name, float otherwise) const {
  const OnnxAttribute *attribute = node.attribute(name);
  return attribute ? attribute->f : otherwise;
}

StringRef NodeImporter::stringAttribute(StringRef name,
                                        StringRef otherwise) const {
  const OnnxAttribute *attribute = node.attribute(name);
  return attribute ? attribute->s : otherwise;
}

std::optional<SmallVector<int64_t>>
NodeImporter::intsAttribute(StringRef name) const {
  const OnnxAttribute *attribute = node.attribute(name);
  if (!attribute)
    return std::nullopt;
  return llvm::to_vector_of<int64_t>(attribute->ints);
}

ArrayRef<float> NodeImporter::floatsAttribute(StringRef name) const {
  const OnnxAttribute *attribute = node.attribute(name);
  return attribute ? ArrayRef<float>(attribute->floats) : ArrayRef<float>();
}

ArrayRef<StringRef> NodeImporter::stringsAttribute(StringRef name) const {
  const OnnxAttribute *attribute = node.attribute(name);
  return attribute ? ArrayRef<StringRef>(attribute->strings)
                   : ArrayRef<StringRef>();
}

LogicalResult mlir::qnet::onnx::checkAgainstRow(NodeImporter &importer,
                                                const OpRow &row) {
  const OnnxNode &node = importer.node;
  int inputs = 0, outputs = 0;
  // Trailing empty names only say that an optional input is absent.
  for (size_t i = 0; i < node.inputs.size(); ++i)
    if (!node.inputs[i].empty())
      inputs = int(std::min<size_t>(i + 1, OpRow::kVariadic + 1));
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty())
      outputs = int(std::min<size_t>(i + 1, OpRow::kVariadic + 1));
  if (inputs < row.minInputs || inputs > row.maxInputs)
    return importer.error(
        "has " + Twine(inputs) + " inputs, but takes " + Twine(row.minInputs) +
        (row.maxInputs == row.minInputs      ? ""
         : row.maxInputs == OpRow::kVariadic ? " or more"
                                             : " to " + Twine(row.maxInputs)));
  for (int i = 0; i < row.minInputs; ++i)
    if (node.inputs[i].empty())
      return importer.error("input " + Twine(i) + " is missing");
  if (outputs > row.maxOutputs)
    return importer.error("has " + Twine(outputs) +
                          " outputs, but gives at most " +
                          Twine(row.maxOutputs));

  SmallVector<StringRef> specs;
  StringRef(row.attributes).split(specs, ' ', -1, /*KeepEmpty=*/false);
  for (const OnnxAttribute &attribute : node.attributes) {
    auto *spec = llvm::find_if(specs, [&](StringRef text) {
      return text.split(':').first == attribute.name;
    });
    if (spec == specs.end())
      return importer.error("attribute " + quoted(attribute.name) +
                            " is not supported; the op does not define it");
    AttributeKind wanted = kindOf(spec->split(':').second.front());
    if (attribute.kind != wanted)
      return importer.error("attribute " + quoted(attribute.name) +
                            " must be " + kindName(wanted) + ", but is " +
                            kindName(attribute.kind));
  }
  for (StringRef spec : specs)
    if (spec.ends_with("!") && !node.attribute(spec.split(':').first))
      return importer.error("attribute " + quoted(spec.split(':').first) +
                            " is missing");
  return success();
}

//===----------------------------------------------------------------------===//
// Types and axes
//===----------------------------------------------------------------------===//

FailureOr<int64_t> NodeImporter::axis(int64_t axis, int64_t rank) {
  int64_t fromFront = axis < 0 ? axis + rank : axis;
  if (axis < -rank || fromFront >= rank)
    return error("axis " + Twine(axis) + " is outside of a tensor with " +
                 Twine(rank) + " dimensions");
  return fromFront;
}

FailureOr<SmallVector<int64_t>> NodeImporter::axes(ArrayRef<int64_t> axes,
                                                   int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t one : axes) {
    FailureOr<int64_t> fromFront = axis(one, rank);
    if (failed(fromFront))
      return failure();
    if (llvm::is_contained(result, *fromFront))
      return error("axis " + Twine(one) + " is listed twice");
    result.push_back(*fromFront);
  }
  llvm::sort(result);
  return result;
}

Type NodeImporter::elementType(DataType type) {
  Type element = mlirElementType(builder.getContext(), type);
  if (!element)
    (void)error("element type " + dataTypeName(type) +
                " is not supported; use a float or integer type");
  return element;
}

//===----------------------------------------------------------------------===//
// Emitting
//===----------------------------------------------------------------------===//

Operation *NodeImporter::emitOp(StringRef name, ValueRange operands,
                                ArrayRef<NamedAttribute> attributes,
                                TypeRange results) {
  if (hasFailed || llvm::any_of(operands, [](Value value) { return !value; }))
    return nullptr;
  OperationState state(loc, name);
  state.addOperands(operands);
  state.addAttributes(attributes);
  auto *inference = state.name.getInterface<InferTypeOpInterface>();
  bool infer = results.empty();
  // The types wait until the op holds its attributes as properties, which is
  // what inference reads.
  if (infer)
    state.addTypes(SmallVector<Type>(
        state.name.stripDialect() == "top_k" ? 2 : 1, operands[0].getType()));
  else
    state.addTypes(results);

  Operation *op = Operation::create(state);
  std::string objection;
  if (!placeAndCheck(builder, op, infer ? inference : nullptr, infer,
                     objection)) {
    (void)error(objection);
    return nullptr;
  }
  // Chains that compute a small parameter (a clip bound, a shape) from
  // constants must be constants again.
  if (op->getNumResults() == 1 && !operands.empty() &&
      llvm::all_of(operands, isSmallConstant)) {
    SmallVector<Value> folded;
    if (succeeded(builder.tryFold(op, folded)) && folded.size() == 1 &&
        folded[0] != op->getResult(0) && folded[0].getDefiningOp()) {
      op->erase();
      return folded[0].getDefiningOp();
    }
  }
  return op;
}

Value NodeImporter::activation(Function function, Value input,
                               std::optional<float> alpha,
                               std::optional<float> beta) {
  SmallVector<NamedAttribute> attributes = {
      named("function", FunctionAttr::get(builder.getContext(), function))};
  if (alpha)
    attributes.push_back(named("alpha", builder.getF32FloatAttr(*alpha)));
  if (beta)
    attributes.push_back(named("beta", builder.getF32FloatAttr(*beta)));
  return emit<ActivationOp>(input, attributes);
}

Value NodeImporter::constantValue(ElementsAttr value) {
  return ConstantOp::create(builder, loc, value.getType(), value);
}

Value NodeImporter::splat(double number, Type element,
                          ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, element);
  if (auto floating = dyn_cast<FloatType>(element))
    return constantValue(DenseElementsAttr::get(
        type, FloatAttr::get(floating, number).getValue()));
  auto integer = cast<IntegerType>(element);
  return constantValue(DenseElementsAttr::get(
      type, APInt(integer.getWidth(), uint64_t(int64_t(number)),
                  !integer.isUnsigned(), /*implicitTrunc=*/true)));
}

Value NodeImporter::castTo(Value input, Type element) {
  if (!input || elementOf(input) == element)
    return input;
  return emitTyped<CastOp>(RankedTensorType::get(shapeOf(input), element),
                           input);
}

Value NodeImporter::reshape(Value input, ArrayRef<int64_t> shape) {
  if (!input || shapeOf(input) == shape)
    return input;
  return emitTyped<ReshapeOp>(RankedTensorType::get(shape, elementOf(input)),
                              input);
}

Value NodeImporter::transpose(Value input, ArrayRef<int64_t> permutation) {
  return emit<TransposeOp>(input, named("permutation", permutation));
}

Value NodeImporter::reduce(ReduceKind kind, Value input, ArrayRef<int64_t> axes,
                           bool keepDims) {
  SmallVector<NamedAttribute> attributes = {
      named("kind", ReduceKindAttr::get(builder.getContext(), kind)),
      named("axes", axes)};
  if (keepDims)
    attributes.push_back(named("keep_dims", builder.getUnitAttr()));
  return emit<ReduceOp>(input, attributes);
}

Value NodeImporter::flatten(Value input, int64_t axis) {
  if (!input)
    return input;
  auto product = [](ArrayRef<int64_t> dims) {
    if (llvm::is_contained(dims, ShapedType::kDynamic))
      return ShapedType::kDynamic;
    return elementCount(dims).value_or(0);
  };
  ArrayRef<int64_t> shape = shapeOf(input);
  return reshape(input, {product(shape.take_front(axis)),
                         product(shape.drop_front(axis))});
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

LogicalResult NodeImporter::result(size_t output, Value value) {
  if (hasFailed)
    return failure();
  if (!value)
    return error("cannot be expressed");
  Binding binding;
  binding.value = value;
  return result(output, std::move(binding));
}

LogicalResult NodeImporter::result(size_t output, Binding binding) {
  if (hasFailed)
    return failure();
  if (wants(output))
    bindings[node.outputs[output]] = std::move(binding);
  return success();
}

LogicalResult NodeImporter::alias(size_t output, size_t input) {
  // Emit large weights first, or each name would hold a copy of them.
  if (binding(input).constant &&
      binding(input).constant->numElements > kMaxShapeElements &&
      !operand(input))
    return failure();
  return result(output, Binding(binding(input)));
}

LogicalResult NodeImporter::result(size_t output, ShapeValue integers) {
  Binding binding;
  binding.integers = std::move(integers);
  return result(output, std::move(binding));
}

LogicalResult NodeImporter::result(size_t output, TextValue text) {
  if (hasFailed)
    return failure();
  if (!text.codes)
    return error("cannot be expressed");
  Binding binding;
  binding.text = std::move(text);
  return result(output, std::move(binding));
}
