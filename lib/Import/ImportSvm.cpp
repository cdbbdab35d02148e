//===- ImportSvm.cpp - ONNX-ML: support vector machines -------------------===//
//
// SVMClassifier and SVMRegressor (onnx/docs/Operators-ml.md; where that is
// silent, ONNX Runtime's CPU kernels are followed, which compute what libsvm
// does: Chang and Lin, "LIBSVM: a library for support vector machines", 2011).
// A machine is a kernel of the support vectors, and a dense layer of their
// coefficients; a linear one is a dense layer of what both add up to.
//
//===----------------------------------------------------------------------===//

#include "MlOperands.h"
#include "PairwiseCoupling.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;

namespace {

/// What the attributes of both ops say alike.
struct Machine {
  Value input;
  int64_t features = 0;
  int64_t count = 0; ///< of support vectors, 0 where there are only weights
  ArrayRef<float> vectors, coefficients, rho;
  StringRef kernel;
  float gamma = 0, coef0 = 0, degree = 1;
};

/// Every number of an attribute is finite.
LogicalResult checkFinite(NodeImporter &n, StringRef attribute) {
  for (auto [i, value] : llvm::enumerate(n.floatsAttribute(attribute)))
    if (!std::isfinite(value))
      return n.error("attribute '" + attribute + "' holds NaN or infinity at " +
                     Twine(i));
  return success();
}

LogicalResult readKernel(NodeImporter &n, Machine &m) {
  m.kernel = n.stringAttribute("kernel_type", "LINEAR");
  if (m.kernel != "LINEAR" && m.kernel != "POLY" && m.kernel != "RBF" &&
      m.kernel != "SIGMOID")
    return n.error("kernel_type '" + m.kernel +
                   "' is none of LINEAR, POLY, RBF and SIGMOID");
  ArrayRef<float> parameters = n.floatsAttribute("kernel_params");
  if (m.kernel == "LINEAR" || m.count == 0)
    return success();
  if (parameters.size() != 3)
    return n.error("attribute 'kernel_params' has " + Twine(parameters.size()) +
                   " numbers; a " + m.kernel +
                   " kernel needs gamma, coef0 and degree");
  m.gamma = parameters[0];
  m.coef0 = parameters[1];
  m.degree = parameters[2];
  constexpr float mostDegree = 16;
  if (m.kernel == "POLY" && (m.degree != std::floor(m.degree) || m.degree < 1 ||
                             m.degree > mostDegree))
    return n.error("has a polynomial kernel of degree " +
                   std::to_string(m.degree) +
                   "; it must be a whole number from 1 to 16");
  return success();
}

FailureOr<Machine> readMachine(NodeImporter &n, int64_t count) {
  Machine m;
  m.count = count;
  m.input = featuresOf(n, 0);
  if (!m.input)
    return failure();
  m.features = n.shapeOf(m.input)[1];
  m.vectors = n.floatsAttribute("support_vectors");
  m.coefficients = n.floatsAttribute("coefficients");
  m.rho = n.floatsAttribute("rho");
  for (StringRef attribute : {"support_vectors", "coefficients", "rho",
                              "kernel_params", "prob_a", "prob_b"})
    if (n.node.attribute(attribute) && failed(checkFinite(n, attribute)))
      return failure();
  if (count < 0 || count > kMaxElements ||
      static_cast<int64_t>(m.vectors.size()) != count * m.features) {
    (void)n.error("has " + Twine(m.vectors.size()) + " numbers for " +
                  Twine(count) + " support vectors of " + Twine(m.features) +
                  " features");
    return failure();
  }
  if (failed(readKernel(n, m)))
    return failure();
  return m;
}

Value denseLayer(NodeImporter &n, Value input, ArrayRef<float> weights,
                 ArrayRef<float> bias) {
  auto outputs = static_cast<int64_t>(bias.size());
  auto inputs = static_cast<int64_t>(weights.size()) / outputs;
  Value w = constantOf(n, weights, {outputs, inputs}, "coefficients");
  Value b = constantOf(n, bias, {outputs}, "rho");
  if (!w || !b)
    return {};
  return n.emit<DenseOp>({input, w, b});
}

/// The one layer of a linear machine, whose scores votes depend on: small, and
/// worth fine weights, which no pass then changes.
Value linearLayer(NodeImporter &n, Value input, ArrayRef<float> weights,
                  ArrayRef<float> bias) {
  Value scores = denseLayer(n, input, weights, bias);
  if (!scores)
    return {};
  for (StringRef attribute : {kFrozenAttr, kFineWeightsAttr})
    scores.getDefiningOp()->setAttr(attribute, n.builder.getUnitAttr());
  return scores;
}

/// sum_v weights[s, v] kernel(x, v) + bias[s] for each score s.
Value scoresOf(NodeImporter &n, const Machine &m, ArrayRef<float> weights,
               ArrayRef<float> bias) {
  if (m.kernel == "LINEAR") {
    std::vector<float> collected(bias.size() * m.features);
    for (size_t s = 0; s < bias.size(); ++s)
      for (int64_t k = 0; k < m.features; ++k) {
        double sum = 0;
        for (int64_t v = 0; v < m.count; ++v)
          sum += static_cast<double>(weights[s * m.count + v]) *
                 m.vectors[v * m.features + k];
        collected[s * m.features + k] = static_cast<float>(sum);
      }
    return linearLayer(n, m.input, collected, bias);
  }
  KernelKind kind = m.kernel == "RBF"    ? KernelKind::rbf
                    : m.kernel == "POLY" ? KernelKind::polynomial
                                         : KernelKind::sigmoid;
  Value vectors =
      constantOf(n, m.vectors, {m.count, m.features}, "support_vectors");
  if (!vectors)
    return {};
  const bool isPolynomial = kind == KernelKind::polynomial;
  Value similar = n.emit<KernelOp>(
      {m.input, vectors},
      {n.named("kind", KernelKindAttr::get(n.builder.getContext(), kind)),
       n.named("gamma", n.builder.getF32FloatAttr(m.gamma)),
       n.named("coef0", n.builder.getF32FloatAttr(
                            kind == KernelKind::rbf ? 0.0f : m.coef0)),
       n.named("degree", isPolynomial ? static_cast<int64_t>(m.degree) : 1)});
  return similar ? denseLayer(n, similar, weights, bias) : Value();
}

LogicalResult checkTransform(NodeImporter &n) {
  StringRef transform = n.stringAttribute("post_transform", "NONE");
  if (transform == "NONE")
    return success();
  return n.error("post_transform '" + transform +
                 "' is not supported; export the model without it");
}

/// 1 where `value` is above `threshold`, as i1.
Value isAbove(NodeImporter &n, Value value, double threshold) {
  return n.emit<CompareOp>(
      {value, n.splat(threshold, n.elementOf(value))},
      n.named("predicate", ComparePredicateAttr::get(n.builder.getContext(),
                                                     ComparePredicate::gt)));
}

//===----------------------------------------------------------------------===//
// SVMRegressor
//===----------------------------------------------------------------------===//

LogicalResult importRegressor(NodeImporter &n) {
  if (failed(checkTransform(n)))
    return failure();
  FailureOr<Machine> m = readMachine(n, n.intAttribute("n_supports", 0));
  if (failed(m))
    return failure();
  const int64_t weights = m->count > 0 ? m->count : m->features;
  if (m->rho.empty() || static_cast<int64_t>(m->coefficients.size()) != weights)
    return n.error("has " + Twine(m->coefficients.size()) +
                   " coefficients and " + Twine(m->rho.size()) +
                   " numbers in 'rho'; it needs " + Twine(weights) + " and 1");
  Value score =
      m->count > 0
          ? scoresOf(n, *m, m->coefficients, m->rho.take_front(1))
          : linearLayer(n, m->input, m->coefficients, m->rho.take_front(1));
  if (!score || n.intAttribute("one_class", 0) == 0)
    return n.result(0, score);
  // Inside the region or not: 1 or -1.
  Type f32 = n.builder.getF32Type();
  return n.result(0, n.emit<WhereOp>({isAbove(n, score, 0), n.splat(1, f32),
                                      n.splat(-1, f32)}));
}

//===----------------------------------------------------------------------===//
// SVMClassifier
//===----------------------------------------------------------------------===//

/// A machine for each pair of classes i < j, in the order (0, 1), (0, 2), ...
struct Pairs {
  int64_t classes = 0;
  SmallVector<std::pair<int64_t, int64_t>> of;

  explicit Pairs(int64_t classes) : classes(classes) {
    for (int64_t i = 0; i < classes; ++i)
      for (int64_t j = i + 1; j < classes; ++j)
        of.emplace_back(i, j);
  }
  int64_t count() const { return static_cast<int64_t>(of.size()); }
};

/// The coefficients as one row for each pair: those of class i's vectors
/// against j, and of j's against i.
std::vector<float> rowsOfPairs(const Machine &m, const Pairs &pairs,
                               ArrayRef<int64_t> perClass) {
  SmallVector<int64_t> first(perClass.size(), 0);
  std::partial_sum(perClass.begin(), perClass.end() - 1, first.begin() + 1);
  std::vector<float> rows(pairs.count() * m.count, 0.0f);
  for (auto [row, pair] : llvm::enumerate(pairs.of)) {
    auto [i, j] = pair;
    auto copy = [&, row = row](int64_t own, int64_t line) {
      for (int64_t v = first[own]; v < first[own] + perClass[own]; ++v)
        rows[row * m.count + v] = m.coefficients[line * m.count + v];
    };
    copy(i, j - 1);
    copy(j, i);
  }
  return rows;
}

/// How many pairs each class won, as f32: a pair whose score is above 0 goes to
/// its first class.
Value votesOf(NodeImporter &n, Value scores, const Pairs &pairs) {
  // Every class is in classes - 1 pairs: which, and whether as the second.
  SmallVector<int64_t> indices;
  SmallVector<bool> isSecond;
  for (int64_t c = 0; c < pairs.classes; ++c)
    for (auto [p, pair] : llvm::enumerate(pairs.of))
      if (pair.first == c || pair.second == c) {
        indices.push_back(static_cast<int64_t>(p));
        isSecond.push_back(pair.second == c);
      }
  auto count = static_cast<int64_t>(indices.size());
  Value which = n.constantValue(DenseElementsAttr::get(
      RankedTensorType::get(count, n.builder.getI64Type()),
      ArrayRef<int64_t>(indices)));
  Value second = n.constantValue(DenseElementsAttr::get(
      RankedTensorType::get(count, n.builder.getI1Type()),
      ArrayRef<bool>(isSecond)));
  Value taken = n.emit<GatherOp>({scores, which}, n.named("axis", int64_t(1)));
  if (!taken)
    return {};
  Value won = n.emit<XorOp>({isAbove(n, taken, 0), second});
  if (!won)
    return {};
  Value ones = n.castTo(won, n.builder.getF32Type());
  Value byClass =
      n.reshape(ones, {ShapedType::kDynamic, pairs.classes, pairs.classes - 1});
  return n.reduce(ReduceKind::sum, byClass, 2, /*keepDims=*/false);
}

/// The two columns of a machine of one pair: what speaks for the first class as
/// `first` has it, and for the second.
Value columns(NodeImporter &n, Value first, Value second) {
  return n.emit<ConcatOp>({first, second}, n.named("axis", int64_t(1)));
}

/// Platt's probabilities of the first class of each pair: 1 / (1 + exp(a s +
/// b)), kept within libsvm's bounds (section 8 there).
Value pairProbabilities(NodeImporter &n, Value scores) {
  ArrayRef<float> a = n.floatsAttribute("prob_a");
  auto pairs = static_cast<int64_t>(a.size());
  SmallVector<float> slopes(llvm::map_range(a, [](float s) { return -s; }));
  Value slope = constantOf(n, slopes, {pairs}, "prob_a");
  Value shift = constantOf(n, n.floatsAttribute("prob_b"), {pairs}, "prob_b");
  Value logit = n.emit<SubOp>({n.emit<MulOp>({scores, slope}), shift});
  constexpr float least = 1e-7f;
  return n.activation(Function::clip, n.activation(Function::sigmoid, logit),
                      least, 1.0f - least);
}

Value probabilities(NodeImporter &n, Value scores, int64_t classes) {
  Value first = pairProbabilities(n, scores);
  if (classes > 2)
    return coupledProbabilities(n, first, classes);
  return columns(n, first,
                 n.emit<SubOp>({n.splat(1, n.builder.getF32Type()), first}));
}

LogicalResult importClassifier(NodeImporter &n) {
  const size_t names = n.stringsAttribute("classlabels_strings").size();
  const size_t classes = names != 0 ? names
                                    : n.intsAttribute("classlabels_ints")
                                          .value_or(SmallVector<int64_t>())
                                          .size();
  if (classes < 2)
    return n.error("needs two or more labels in 'classlabels_ints' or "
                   "'classlabels_strings'");
  std::optional<SmallVector<int64_t>> perClass =
      n.intsAttribute("vectors_per_class");
  if (!perClass || perClass->size() != classes ||
      llvm::any_of(*perClass,
                   [](int64_t c) { return c < 0 || c > kMaxElements; }))
    return n.error("needs the number of support vectors of each of its " +
                   Twine(classes) + " classes in 'vectors_per_class'");
  if (failed(checkTransform(n)))
    return failure();
  const int64_t count =
      std::accumulate(perClass->begin(), perClass->end(), int64_t(0));
  FailureOr<Machine> m = readMachine(n, count);
  if (failed(m))
    return failure();
  Pairs pairs(static_cast<int64_t>(classes));
  const bool hasProbabilities = !n.floatsAttribute("prob_a").empty();
  auto wrong = [&](StringRef attribute, int64_t wanted) {
    return n.error("attribute '" + attribute + "' has " +
                   Twine(n.floatsAttribute(attribute).size()) +
                   " numbers; a machine of " + Twine(pairs.classes) +
                   " classes and " + Twine(count) + " vectors needs " +
                   Twine(wanted));
  };
  const int64_t coefficients = (pairs.classes - 1) * count;
  if (count == 0 ||
      static_cast<int64_t>(m->coefficients.size()) != coefficients)
    return wrong("coefficients", coefficients);
  for (StringRef attribute : {"rho", "prob_a", "prob_b"})
    if ((attribute == "rho" || hasProbabilities) &&
        static_cast<int64_t>(n.floatsAttribute(attribute).size()) !=
            pairs.count())
      return wrong(attribute, pairs.count());
  if (hasProbabilities && pairs.classes > kMostCoupledClasses && n.wants(1))
    return n.error(
        "has probabilities of " + Twine(pairs.classes) +
        " classes; they are supported for up to " + Twine(kMostCoupledClasses) +
        ". Train it with probability=False: the labels are the same");

  Value scores = scoresOf(n, *m, rowsOfPairs(*m, pairs, *perClass), m->rho);
  if (!scores)
    return failure();
  if (n.wants(0)) {
    Value votes = votesOf(n, scores, pairs);
    if (!votes)
      return failure();
    Value best = n.emit<ArgmaxOp>(votes, n.named("axis", int64_t(1)));
    if (failed(labelResult(n, best, pairs.classes)))
      return failure();
  }
  if (!n.wants(1))
    return success();
  if (hasProbabilities)
    return n.result(1, probabilities(n, scores, pairs.classes));
  if (pairs.classes == 2)
    return n.result(1, columns(n, n.activation(Function::neg, scores), scores));
  return n.result(1, scores);
}

constexpr llvm::StringLiteral kMl = "ai.onnx.ml";
constexpr OpRow kRows[] = {
    {"SVMRegressor", 1, 1, 1, 1,
     "coefficients:F! kernel_params:F kernel_type:s n_supports:i one_class:i "
     "post_transform:s rho:F! support_vectors:F",
     importRegressor, kMl},
    {"SVMClassifier", 1, 1, 1, 2,
     "classlabels_ints:I classlabels_strings:S coefficients:F! "
     "kernel_params:F kernel_type:s post_transform:s prob_a:F prob_b:F rho:F! "
     "support_vectors:F vectors_per_class:I",
     importClassifier, kMl},
};
} // namespace

llvm::ArrayRef<OpRow> mlir::qnet::onnx::svmRows() { return kRows; }
