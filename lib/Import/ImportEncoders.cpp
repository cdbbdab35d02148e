//===- ImportEncoders.cpp - ONNX-ML: categories and labels ----------------===//
//
// Ops of the domain ai.onnx.ml that look values up in a list. An element is
// compared with all keys at once: which one it is, is an argmax.
//
//===----------------------------------------------------------------------===//

#include "NodeImporter.h"

#include "quantc/Dialect/Constants.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;
using llvm::StringRef;

namespace {
/// A row of that many comparisons is what an element costs.
constexpr int64_t kMaxKeys = 1 << 16;

/// A list of numbers or of words.
struct Keys {
  DenseElementsAttr numbers;
  std::vector<StringRef> words;

  bool isText() const { return !numbers; }
  int64_t size() const {
    return numbers ? numbers.getNumElements() : int64_t(words.size());
  }
};

Keys integerKeys(NodeImporter &n, ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get(values.size(), n.builder.getI64Type());
  return {DenseElementsAttr::get(type, values), {}};
}

Keys floatKeys(NodeImporter &n, ArrayRef<float> values) {
  auto type = RankedTensorType::get(values.size(), n.builder.getF32Type());
  return {DenseElementsAttr::get(type, values), {}};
}

FailureOr<Keys> tensorKeys(NodeImporter &n, const OnnxTensor &tensor,
                           StringRef attribute) {
  if (tensor.numElements > kMaxKeys)
    return n.error("attribute '" + attribute + "' has " +
                   Twine(tensor.numElements) + " elements, more than " +
                   Twine(kMaxKeys));
  if (tensor.type == DataType::String)
    return Keys{{}, tensor.strings};
  Type element = n.elementType(tensor.type);
  if (!element)
    return failure();
  auto type = RankedTensorType::get(tensor.numElements, element);
  if (element.isInteger(1))
    return n.error("attribute '" + attribute + "' holds bools");
  return Keys{DenseElementsAttr::getFromRawBuffer(type, tensor.bytes), {}};
}

/// keys_int64s, keys_floats, keys_strings or keys_tensor, or the same of
/// "values".
FailureOr<Keys> listOf(NodeImporter &n, StringRef prefix) {
  SmallVector<Keys> given;
  std::string name = prefix.str();
  if (auto integers = n.intsAttribute(name + "_int64s");
      integers && !integers->empty())
    given.push_back(integerKeys(n, *integers));
  if (ArrayRef<float> floats = n.floatsAttribute(name + "_floats");
      !floats.empty())
    given.push_back(floatKeys(n, floats));
  if (ArrayRef<StringRef> words = n.stringsAttribute(name + "_strings");
      !words.empty())
    given.push_back({{}, words.vec()});
  if (const OnnxAttribute *tensor = n.node.attribute(name + "_tensor")) {
    FailureOr<Keys> keys = tensorKeys(n, *tensor->tensor, name + "_tensor");
    if (failed(keys))
      return failure();
    given.push_back(*keys);
  }
  if (given.size() != 1 || given[0].size() == 0)
    return n.error("has " + Twine(given.size()) + " lists of " + prefix +
                   ", where it must have one that is not empty");
  if (given[0].size() > kMaxKeys)
    return n.error("has " + Twine(given[0].size()) + " " + prefix +
                   ", more than " + Twine(kMaxKeys));
  return given[0];
}

Value equal(NodeImporter &n, Value lhs, Value rhs) {
  return n.emit<CompareOp>(
      {lhs, rhs},
      n.named("predicate", ComparePredicateAttr::get(n.builder.getContext(),
                                                     ComparePredicate::eq)));
}

/// `value` with a last dimension of one more.
Value withLastDimension(NodeImporter &n, Value value) {
  if (!value)
    return {};
  SmallVector<int64_t> shape(n.shapeOf(value));
  shape.push_back(1);
  return n.reshape(value, shape);
}

/// Whether each element of the operand is each of the words: [..., words].
Value equalsEachWord(NodeImporter &n, ArrayRef<StringRef> words) {
  const TextValue *text = n.text(0);
  if (!text) {
    (void)n.error("its categories are text, but its input is not");
    return {};
  }
  auto count = static_cast<int64_t>(words.size());
  if (text->isInput()) {
    SmallVector<float> codes;
    for (TextColumn *column : text->columns)
      for (StringRef word : words)
        codes.push_back(static_cast<float>(column->codeOf(word)));
    SmallVector<int64_t> shape{count};
    if (text->columns.size() > 1)
      shape.insert(shape.begin(), text->columns.size());
    auto type = RankedTensorType::get(shape, n.builder.getF32Type());
    return equal(
        n, withLastDimension(n, text->codes),
        n.constantValue(DenseElementsAttr::get(type, ArrayRef<float>(codes))));
  }
  SmallVector<int64_t> codes;
  for (StringRef word : words) {
    auto found = llvm::find(text->words, word);
    // No class has the number -1.
    codes.push_back(found == text->words.end() ? -1
                                               : found - text->words.begin());
  }
  return equal(n, withLastDimension(n, text->codes),
               n.constantValue(integerKeys(n, codes).numbers));
}

/// Whether each element of `input` is each of the numbers: [..., numbers]. NaN
/// is equal to a key that is NaN, as scikit-learn's encoders have it.
Value equalsEachNumber(NodeImporter &n, Value input, DenseElementsAttr keys) {
  if (!input)
    return {};
  if (n.elementOf(input) != keys.getElementType()) {
    (void)n.error("its keys have another element type than its input; the "
                  "model is inconsistent, export it again");
    return {};
  }
  Value elements = withLastDimension(n, input);
  Value matches = equal(n, elements, n.constantValue(keys));
  if (!isa<FloatType>(keys.getElementType()))
    return matches;
  SmallVector<bool> isNan;
  for (const APFloat &key : keys.getValues<APFloat>())
    isNan.push_back(key.isNaN());
  if (!llvm::is_contained(isNan, true))
    return matches;
  Value nanKeys = n.constantValue(DenseElementsAttr::get(
      RankedTensorType::get(keys.getNumElements(), n.builder.getI1Type()),
      ArrayRef<bool>(isNan)));
  return n.emit<OrOp>(
      {matches, n.emit<AndOp>({n.emit<IsNanOp>(elements), nanKeys})});
}

/// Whether each float of `input`, cut to an integer, is each of the numbers;
/// NaN is none. In f32, since on many machines a conversion to i64 is a call.
Value equalsEachWhole(NodeImporter &n, Value input, ArrayRef<int64_t> keys) {
  Value size =
      n.activation(Function::floor, n.activation(Function::abs, input));
  Value whole = n.emit<MulOp>({n.activation(Function::sign, input), size});
  SmallVector<float> reals(keys.begin(), keys.end());
  return equalsEachNumber(n, whole, floatKeys(n, reals).numbers);
}

/// Whether each element of the operand is each of the integers. A float, also
/// one that was cast before, is cut to an integer.
Value equalsEachInteger(NodeImporter &n, ArrayRef<int64_t> keys) {
  constexpr int64_t mostExact = 1 << 24; // every integer up to it is an f32
  Value input = n.operand(0);
  if (!input)
    return {};
  Value source = input;
  if (auto cast = source.getDefiningOp<CastOp>();
      cast && n.elementOf(input).isInteger(64))
    source = cast.getInput();
  if (n.elementOf(source).isF32() && llvm::all_of(keys, [](int64_t key) {
        return key > -mostExact && key < mostExact;
      }))
    return equalsEachWhole(n, source, keys);
  return equalsEachNumber(n, n.castTo(input, n.builder.getI64Type()),
                          integerKeys(n, keys).numbers);
}

Value equalsEach(NodeImporter &n, const Keys &keys) {
  return keys.isText() ? equalsEachWord(n, keys.words)
                       : equalsEachNumber(n, n.operand(0), keys.numbers);
}

//===----------------------------------------------------------------------===//
// OneHotEncoder
//===----------------------------------------------------------------------===//

/// An unknown category is a row of zeros; where the attribute 'zeros' is 0 ONNX
/// has an error for it, which a compiled program does not have.
LogicalResult importOneHotEncoder(NodeImporter &n) {
  std::optional<SmallVector<int64_t>> integers = n.intsAttribute("cats_int64s");
  ArrayRef<StringRef> words = n.stringsAttribute("cats_strings");
  const bool hasIntegers = integers && !integers->empty();
  if (hasIntegers == !words.empty())
    return n.error("must have one of the attributes 'cats_int64s' and "
                   "'cats_strings', not empty");
  if (int64_t(hasIntegers ? integers->size() : words.size()) > kMaxKeys)
    return n.error("has more than " + Twine(kMaxKeys) + " categories");
  Value matches =
      hasIntegers ? equalsEachInteger(n, *integers) : equalsEachWord(n, words);
  return n.result(0, n.castTo(matches, n.builder.getF32Type()));
}

//===----------------------------------------------------------------------===//
// LabelEncoder, CategoryMapper
//===----------------------------------------------------------------------===//

/// The index of each element among the keys, their number where it is none.
Value indexAmong(NodeImporter &n, const Keys &keys) {
  Value matches = n.castTo(equalsEach(n, keys), n.builder.getF32Type());
  if (!matches)
    return {};
  int64_t last = n.rankOf(matches) - 1;
  Value isAny =
      n.castTo(n.reduce(ReduceKind::max, matches, last, /*keepDims=*/false),
               n.builder.getI1Type());
  Value first = n.emit<ArgmaxOp>(matches, n.named("axis", last));
  return n.emit<WhereOp>(
      {isAny, first, n.splat(double(keys.size()), n.builder.getI64Type())});
}

/// Whether each element is one of 0, 1, ... and these are the keys.
bool isArgmaxOf(NodeImporter &n, const Keys &keys) {
  if (keys.isText() || !keys.numbers.getElementType().isInteger(64))
    return false;
  int64_t next = 0;
  for (const APInt &key : keys.numbers.getValues<APInt>())
    if (key.getSExtValue() != next++)
      return false;
  Value value = n.operand(0);
  while (value && value.getDefiningOp<ReshapeOp>())
    value = value.getDefiningOp<ReshapeOp>().getInput();
  auto argmax = value ? value.getDefiningOp<ArgmaxOp>() : ArgmaxOp();
  return argmax &&
         n.shapeOf(argmax.getInput())[argmax.getAxis()] == keys.size();
}

/// values[keys.index(x)], `otherwise` (one element) where x is no key.
LogicalResult lookUp(NodeImporter &n, const Keys &keys, const Keys &values,
                     const Keys &otherwise) {
  if (keys.size() != values.size())
    return n.error("has " + Twine(keys.size()) + " keys for " +
                   Twine(values.size()) + " values");
  const bool isTotal = isArgmaxOf(n, keys);
  Value index = isTotal ? n.operand(0) : indexAmong(n, keys);
  if (values.isText()) {
    TextValue result{index, {}, {}};
    for (StringRef word : values.words)
      result.words.push_back(word.str());
    if (!isTotal)
      result.words.push_back(otherwise.words.front().str());
    return n.result(0, std::move(result));
  }
  Value table = n.emit<ConcatOp>(
      {n.constantValue(values.numbers), n.constantValue(otherwise.numbers)},
      n.named("axis", int64_t(0)));
  return n.result(
      0, n.emit<GatherOp>({table, index}, n.named("axis", int64_t(0))));
}

Keys defaultText(NodeImporter &n) {
  return {{}, {n.stringAttribute("default_string", "_Unused")}};
}

Keys defaultInteger(NodeImporter &n) {
  return integerKeys(n, n.intAttribute("default_int64", -1));
}

/// What the op gives for an element that is no key, of the values' type.
FailureOr<Keys> defaultOf(NodeImporter &n, const Keys &values) {
  if (const OnnxAttribute *tensor = n.node.attribute("default_tensor")) {
    FailureOr<Keys> given = tensorKeys(n, *tensor->tensor, "default_tensor");
    if (failed(given))
      return failure();
    const bool agrees =
        given->isText() == values.isText() &&
        (values.isText() ||
         given->numbers.getElementType() == values.numbers.getElementType());
    if (given->size() != 1 || !agrees)
      return n.error("attribute 'default_tensor' must hold one element of the "
                     "values' type");
    return given;
  }
  if (values.isText())
    return defaultText(n);
  Type element = values.numbers.getElementType();
  auto type = RankedTensorType::get(1, element);
  if (auto real = dyn_cast<FloatType>(element))
    return Keys{
        DenseElementsAttr::get(
            type, FloatAttr::get(real, n.floatAttribute("default_float", -0.0f))
                      .getValue()),
        {}};
  return Keys{DenseElementsAttr::get(
                  type, APInt(element.getIntOrFloatBitWidth(),
                              uint64_t(n.intAttribute("default_int64", -1)),
                              /*isSigned=*/true, /*implicitTrunc=*/true)),
              {}};
}

/// Numbers of words, or words of numbers, by which of them the input is.
LogicalResult lookUpEitherWay(NodeImporter &n, ArrayRef<int64_t> numbers,
                              ArrayRef<StringRef> words) {
  Keys integers = integerKeys(n, numbers), text{{}, words.vec()};
  if (words.empty() || int64_t(words.size()) > kMaxKeys)
    return n.error("must have 1 to " + Twine(kMaxKeys) + " categories, not " +
                   Twine(words.size()));
  if (n.text(0))
    return lookUp(n, text, integers, defaultInteger(n));
  return lookUp(n, integers, text, defaultText(n));
}

LogicalResult importLabelEncoder(NodeImporter &n) {
  if (ArrayRef<StringRef> classes = n.stringsAttribute("classes_strings");
      !classes.empty())
    return lookUpEitherWay(
        n, llvm::to_vector(llvm::seq(int64_t(classes.size()))), classes);
  FailureOr<Keys> keys = listOf(n, "keys");
  FailureOr<Keys> values = failed(keys) ? keys : listOf(n, "values");
  if (failed(values))
    return failure();
  FailureOr<Keys> otherwise = defaultOf(n, *values);
  if (failed(otherwise))
    return failure();
  return lookUp(n, *keys, *values, *otherwise);
}

LogicalResult importCategoryMapper(NodeImporter &n) {
  return lookUpEitherWay(
      n, n.intsAttribute("cats_int64s").value_or(SmallVector<int64_t>()),
      n.stringsAttribute("cats_strings"));
}

//===----------------------------------------------------------------------===//
// ZipMap
//===----------------------------------------------------------------------===//

/// A map of each class to its score is the scores, with named columns.
LogicalResult importZipMap(NodeImporter &n) {
  Value scores = n.operand(0);
  if (!scores)
    return failure();
  std::vector<std::string> names;
  for (StringRef name : n.stringsAttribute("classlabels_strings"))
    names.push_back(name.str());
  if (std::optional<SmallVector<int64_t>> numbers =
          n.intsAttribute("classlabels_int64s");
      numbers && names.empty())
    for (int64_t number : *numbers)
      names.push_back(std::to_string(number));
  if (names.empty())
    return n.error("has no labels");
  int64_t columns = n.rankOf(scores) == 2 ? n.shapeOf(scores)[1] : 0;
  if (columns != int64_t(names.size()))
    return n.error("has " + Twine(names.size()) + " labels, but its input is " +
                   (columns == 0 ? Twine("no matrix")
                                 : "of " + Twine(columns) + " columns"));
  Binding binding;
  binding.value = scores;
  binding.columns = std::move(names);
  return n.result(0, std::move(binding));
}

constexpr llvm::StringLiteral kMl = "ai.onnx.ml";
constexpr OpRow kRows[] = {
    {"OneHotEncoder", 1, 1, 1, 1, "cats_int64s:I cats_strings:S zeros:i",
     importOneHotEncoder, kMl},
    {"LabelEncoder", 1, 1, 1, 1,
     "classes_strings:S keys_floats:F keys_int64s:I keys_strings:S "
     "keys_tensor:t values_floats:F values_int64s:I values_strings:S "
     "values_tensor:t default_float:f default_int64:i default_string:s "
     "default_tensor:t",
     importLabelEncoder, kMl},
    {"CategoryMapper", 1, 1, 1, 1,
     "cats_int64s:I cats_strings:S default_int64:i default_string:s",
     importCategoryMapper, kMl},
    {"ZipMap", 1, 1, 1, 1, "classlabels_int64s:I classlabels_strings:S",
     importZipMap, kMl},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::encoderRows() { return kRows; }
