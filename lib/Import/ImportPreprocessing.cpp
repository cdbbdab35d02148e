//===- ImportPreprocessing.cpp - ONNX-ML: cleaning, scaling, linear models ===//
//
// Ops of the domain ai.onnx.ml, written out in qnet's own. Their attributes are
// single precision, and so is all that they compute (onnx/docs/Operators-ml.md;
// where that is silent, ONNX Runtime's CPU kernels are followed).
//
//===----------------------------------------------------------------------===//

#include "MlOperands.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {
/// An attribute with one number for all features or one for each.
Value perFeature(NodeImporter &n, llvm::StringRef attribute, int64_t features) {
  ArrayRef<float> values = n.floatsAttribute(attribute);
  auto count = static_cast<int64_t>(values.size());
  if (count != 1 && count != features) {
    (void)n.error("attribute '" + attribute + "' has " + Twine(count) +
                  " numbers for " + Twine(features) + " features");
    return {};
  }
  return constantOf(n, values, {count}, attribute);
}

/// (x - offset) * scale
LogicalResult importScaler(NodeImporter &n) {
  Value input = featuresOf(n, 0);
  if (!input)
    return failure();
  for (auto [attribute, otherwise] :
       {std::pair("offset", 0.0f), std::pair("scale", 1.0f)}) {
    if (!n.node.attribute(attribute))
      continue;
    Value values = perFeature(n, attribute, n.shapeOf(input)[1]);
    if (!values)
      return failure();
    input = otherwise == 0.0f ? n.emit<SubOp>({input, values})
                              : n.emit<MulOp>({input, values});
    if (!input)
      return failure();
  }
  return n.result(0, input);
}

/// Columns of the last axis, in the order of the indices. A classifier's label
/// is looked up by it too: a constant of classes, the index of each row.
LogicalResult importArrayFeatureExtractor(NodeImporter &n) {
  Value input = n.operand(0), indices = n.operand(1);
  if (!input || !indices)
    return failure();
  int64_t rank = n.rankOf(input);
  if (rank == 0)
    return n.error("its input has no dimensions");
  bool isDynamic = llvm::any_of(n.shapeOf(indices), ShapedType::isDynamic);
  int64_t count = isDynamic ? ShapedType::kDynamic
                            : ShapedType::getNumElements(n.shapeOf(indices));
  if (isDynamic && rank != 1)
    return n.error("its indices must be constant where its input has rows");
  Value taken = n.emit<GatherOp>({input, n.reshape(indices, count)},
                                 n.named("axis", rank - 1));
  if (!taken)
    return failure();
  return n.result(0, rank == 1 ? n.reshape(taken, {1, count}) : taken);
}

/// Each row over its norm; a row whose norm is 0 stays.
LogicalResult importNormalizer(NodeImporter &n) {
  Value input = featuresOf(n, 0);
  if (!input)
    return failure();
  llvm::StringRef norm = n.stringAttribute("norm", "MAX");
  Value length;
  if (norm == "L1" || norm == "L2")
    length = n.reduce(norm == "L1" ? ReduceKind::l1 : ReduceKind::l2, input, 1,
                      /*keepDims=*/true);
  else if (norm == "MAX")
    // Of the absolute values, as onnx.reference and scikit-learn have it; ONNX
    // Runtime takes the signed maximum.
    length = n.reduce(ReduceKind::max, n.activation(Function::abs, input), 1,
                      /*keepDims=*/true);
  else
    return n.error("norm '" + norm + "' is none of MAX, L1 and L2");
  Type f32 = n.builder.getF32Type();
  Value zero = n.splat(0, f32), one = n.splat(1, f32);
  Value isZero = n.emit<CompareOp>(
      {length, zero},
      n.named("predicate", ComparePredicateAttr::get(n.builder.getContext(),
                                                     ComparePredicate::eq)));
  return n.result(
      0, n.emit<DivOp>({input, n.emit<WhereOp>({isZero, one, length})}));
}

/// 1 where x is above the threshold, else 0.
LogicalResult importBinarizer(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  Type element = n.elementOf(input);
  Value above = n.emit<CompareOp>(
      {input, n.splat(n.floatAttribute("threshold", 0.0f), element)},
      n.named("predicate", ComparePredicateAttr::get(n.builder.getContext(),
                                                     ComparePredicate::gt)));
  return n.result(0, n.castTo(above, element));
}

/// Integers that stand for "missing" become the feature's.
LogicalResult importIntegerImputer(NodeImporter &n) {
  Value input = n.operand(0);
  if (!input)
    return failure();
  Type element = n.elementOf(input);
  if (!element.isSignlessInteger(64))
    return n.error("imputes integers, but its input holds others than int64; "
                   "convert it when exporting");
  SmallVector<int64_t> imputed = *n.intsAttribute("imputed_value_int64s");
  auto count = static_cast<int64_t>(imputed.size());
  if (count != 1 && (n.rankOf(input) == 0 || count != n.shapeOf(input).back()))
    return n.error("attribute 'imputed_value_int64s' has " + Twine(count) +
                   " numbers, neither one nor one for each feature");
  auto vectorOf = [&](ArrayRef<int64_t> values) {
    return n.constantValue(DenseElementsAttr::get(
        RankedTensorType::get(values.size(), element), values));
  };
  Value isMissing = n.emit<CompareOp>(
      {input, vectorOf(n.intAttribute("replaced_value_int64", 0))},
      n.named("predicate", ComparePredicateAttr::get(n.builder.getContext(),
                                                     ComparePredicate::eq)));
  return n.result(0, n.emit<WhereOp>({isMissing, vectorOf(imputed), input}));
}

/// A value (NaN or a number that stands for "missing") becomes the feature's.
LogicalResult importImputer(NodeImporter &n) {
  if (n.node.attribute("imputed_value_int64s"))
    return importIntegerImputer(n);
  Value input = featuresOf(n, 0);
  if (!input)
    return failure();
  Value imputed = perFeature(n, "imputed_value_floats", n.shapeOf(input)[1]);
  float missing = n.floatAttribute("replaced_value_float", 0.0f);
  Value isMissing;
  if (std::isnan(missing))
    isMissing = n.emit<IsNanOp>(input);
  else
    isMissing = n.emit<CompareOp>(
        {input, n.splat(missing, n.builder.getF32Type())},
        n.named("predicate", ComparePredicateAttr::get(n.builder.getContext(),
                                                       ComparePredicate::eq)));
  return n.result(0, n.emit<WhereOp>({isMissing, imputed, input}));
}

/// The features of all inputs side by side.
LogicalResult importFeatureVectorizer(NodeImporter &n) {
  std::optional<SmallVector<int64_t>> sizes =
      n.intsAttribute("inputdimensions");
  if (sizes && sizes->size() != n.node.inputs.size())
    return n.error("attribute 'inputdimensions' has " + Twine(sizes->size()) +
                   " numbers for " + Twine(n.node.inputs.size()) + " inputs");
  SmallVector<Value> parts;
  for (size_t i = 0; i < n.node.inputs.size(); ++i) {
    Value part = featuresOf(n, i);
    if (!part)
      return failure();
    if (sizes && (*sizes)[i] != n.shapeOf(part)[1])
      return n.error("input " + Twine(i) + " has " + Twine(n.shapeOf(part)[1]) +
                     " features, but attribute "
                     "'inputdimensions' says " +
                     Twine((*sizes)[i]));
    parts.push_back(part);
  }
  return n.result(0, n.emit<ConcatOp>(parts, n.named("axis", int64_t(1))));
}

/// x W + b with W [outputs, features] from an attribute.
Value linear(NodeImporter &n, int64_t outputs) {
  Value input = featuresOf(n, 0);
  if (!input)
    return {};
  int64_t features = n.shapeOf(input)[1];
  ArrayRef<float> weights = n.floatsAttribute("coefficients");
  ArrayRef<float> bias = n.floatsAttribute("intercepts");
  if (static_cast<int64_t>(weights.size()) != outputs * features) {
    (void)n.error("attribute 'coefficients' has " + Twine(weights.size()) +
                  " numbers for " + Twine(outputs) + " outputs of " +
                  Twine(features) + " features");
    return {};
  }
  if (!bias.empty() && static_cast<int64_t>(bias.size()) != outputs) {
    (void)n.error("attribute 'intercepts' has " + Twine(bias.size()) +
                  " numbers for " + Twine(outputs) + " outputs");
    return {};
  }
  Value w = constantOf(n, weights, {outputs, features}, "coefficients");
  if (!w)
    return {};
  SmallVector<Value> operands{input, w};
  if (!bias.empty()) {
    operands.push_back(constantOf(n, bias, {outputs}, "intercepts"));
    if (!operands.back())
      return {};
  }
  return n.emit<DenseOp>(operands);
}

/// `scores` by the attribute 'post_transform'; null (reported) for one that
/// quantc does not know.
Value transformed(NodeImporter &n, Value scores) {
  llvm::StringRef name = n.stringAttribute("post_transform", "NONE");
  if (name == "NONE" || !scores)
    return scores;
  if (name == "LOGISTIC")
    return n.activation(Function::sigmoid, scores);
  if (name == "SOFTMAX")
    return n.emit<SoftmaxOp>(scores, n.named("axis", int64_t(1)));
  (void)n.error("post_transform '" + name +
                "' is not supported; there are NONE, LOGISTIC and SOFTMAX");
  return {};
}

LogicalResult importLinearRegressor(NodeImporter &n) {
  int64_t targets = n.intAttribute("targets", 1);
  if (targets < 1)
    return n.error("attribute 'targets' is " + Twine(targets));
  return n.result(0, transformed(n, linear(n, targets)));
}

/// Labels by the largest score, then the scores.
LogicalResult importLinearClassifier(NodeImporter &n) {
  auto count = static_cast<int64_t>(n.floatsAttribute("intercepts").size());
  if (count < 1)
    return n.error("has no attribute 'intercepts', which says how many scores "
                   "there are");
  Value scores = linear(n, count);
  if (!scores)
    return failure();
  if (n.wants(0) &&
      failed(labelResult(
          n, n.emit<ArgmaxOp>(scores, n.named("axis", int64_t(1))), count)))
    return failure();
  if (!n.wants(1))
    return success();
  return n.result(1, transformed(n, scores));
}

constexpr llvm::StringLiteral kMl = "ai.onnx.ml";
constexpr OpRow kRows[] = {
    {"Scaler", 1, 1, 1, 1, "offset:F scale:F", importScaler, kMl},
    {"ArrayFeatureExtractor", 1, 2, 2, 1, "", importArrayFeatureExtractor, kMl},
    {"Normalizer", 1, 1, 1, 1, "norm:s", importNormalizer, kMl},
    {"Binarizer", 1, 1, 1, 1, "threshold:f", importBinarizer, kMl},
    {"Imputer", 1, 1, 1, 1,
     "imputed_value_floats:F imputed_value_int64s:I replaced_value_float:f "
     "replaced_value_int64:i",
     importImputer, kMl},
    {"FeatureVectorizer", 1, 1, OpRow::kVariadic, 1, "inputdimensions:I",
     importFeatureVectorizer, kMl},
    {"LinearRegressor", 1, 1, 1, 1,
     "coefficients:F! intercepts:F post_transform:s targets:i",
     importLinearRegressor, kMl},
    {"LinearClassifier", 1, 1, 1, 2,
     "coefficients:F! intercepts:F classlabels_ints:I classlabels_strings:S "
     "multi_class:i post_transform:s",
     importLinearClassifier, kMl},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::preprocessingRows() { return kRows; }
