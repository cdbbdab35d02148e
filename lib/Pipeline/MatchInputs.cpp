//===- MatchInputs.cpp - weights for the inputs layers will have ----------===//
#include "MatchInputs.h"

#include "quantc/Calibrate/Calibrate.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Numerics/Moments.h"
#include "quantc/Pipeline/Native.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// A layer's place in program order, on its clones.
constexpr llvm::StringLiteral kPlaceAttr = "qnet.place";
/// Wider layers would take minutes.
constexpr int64_t kWidest = 1024;
/// Each layer rounds those before it again, so that time grows with the square.
constexpr size_t kMostLayers = 32;
/// Layers of a larger share of weights that are 0 are sparse on purpose.
constexpr double kSparse = 0.1;
/// Damping as a share of the mean variance, with as many rows as inputs.
constexpr double kDamping = 1.0;

/// Rows of a layer's input in both networks and how often each counts.
struct Rows {
  std::vector<float> real, integer; // rows x columns
  std::vector<uint64_t> counts;
  int64_t columns = 0;

  int64_t size() const { return static_cast<int64_t>(counts.size()); }
};

/// Weights in f64, N x K, and the means of the rows they were fitted to.
struct Fit {
  std::vector<double> weights, realMean, integerMean;
  std::vector<float> moment; // of the integer input
};

std::vector<double> meanOf(ArrayRef<float> values, const Rows &rows) {
  std::vector<double> sums(rows.columns);
  double weight = 0;
  for (int64_t r = 0; r < rows.size(); ++r) {
    const auto count = static_cast<double>(rows.counts[r]);
    weight += count;
    for (int64_t k = 0; k < rows.columns; ++k)
      sums[k] += values[r * rows.columns + k] * count;
  }
  for (double &sum : sums)
    sum /= weight;
  return sums;
}

/// The rows whose number has that rest by 2.
Rows halfOf(const Rows &rows, int64_t rest) {
  Rows half;
  half.columns = rows.columns;
  for (int64_t r = rest; r < rows.size(); r += 2) {
    half.counts.push_back(rows.counts[r]);
    for (auto [from, to] : {std::pair(&rows.real, &half.real),
                            std::pair(&rows.integer, &half.integer)})
      to->insert(to->end(), from->begin() + r * rows.columns,
                 from->begin() + (r + 1) * rows.columns);
  }
  return half;
}

/// Solves (E[q q^T] + d) V^T = (E[q x^T] + d) W^T, all centred: the weights V
/// whose output on the integer input q is nearest to that of W on x, drawn
/// towards W by d. Nothing where the moments have no factor.
std::optional<Fit> fitWeights(ArrayRef<float> weights, int64_t outputs,
                              const Rows &rows) {
  const int64_t n = rows.columns, both = 2 * n;
  std::vector<float> pairs;
  pairs.reserve(rows.size() * both);
  for (int64_t r = 0; r < rows.size(); ++r)
    for (const std::vector<float> *part : {&rows.integer, &rows.real})
      pairs.insert(pairs.end(), part->begin() + r * n,
                   part->begin() + (r + 1) * n);
  const std::vector<float> moment =
      quantc::numerics::secondMoment(pairs, both, rows.counts);
  Fit fit;
  fit.realMean = meanOf(rows.real, rows);
  fit.integerMean = meanOf(rows.integer, rows);
  std::vector<double> own(n * n), cross(n * n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      fit.moment.push_back(moment[i * both + j]);
      own[i * n + j] =
          moment[i * both + j] - fit.integerMean[i] * fit.integerMean[j];
      cross[i * n + j] =
          moment[i * both + n + j] - fit.integerMean[i] * fit.realMean[j];
      if (i == j)
        sum += own[i * n + j];
    }
  const double damping = kDamping * sum / static_cast<double>(rows.size());
  for (int64_t i = 0; i < n; ++i) {
    own[i * n + i] += damping;
    cross[i * n + i] += damping;
  }
  if (!quantc::numerics::factorUpper(own, n))
    return std::nullopt;
  // By columns of V^T, so that the inner loops run over the outputs.
  std::vector<double> v(n * outputs);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t o = 0; o < outputs; ++o)
        v[i * outputs + o] += cross[i * n + j] * weights[o * n + j];
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t t = 0; t < i; ++t)
      for (int64_t o = 0; o < outputs; ++o)
        v[i * outputs + o] -= own[t * n + i] * v[t * outputs + o];
    for (int64_t o = 0; o < outputs; ++o)
      v[i * outputs + o] /= own[i * n + i];
  }
  for (int64_t i = n - 1; i >= 0; --i) {
    for (int64_t t = i + 1; t < n; ++t)
      for (int64_t o = 0; o < outputs; ++o)
        v[i * outputs + o] -= own[i * n + t] * v[t * outputs + o];
    for (int64_t o = 0; o < outputs; ++o)
      v[i * outputs + o] /= own[i * n + i];
  }
  fit.weights.resize(n * outputs);
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t k = 0; k < n; ++k)
      // A weight of 0 stays one.
      fit.weights[o * n + k] =
          weights[o * n + k] == 0.0f ? 0.0 : v[k * outputs + o];
  return fit;
}

/// The power of the output's error on rows, of weights of the fit or `weights`
/// themselves, means being taken off as the bias will.
double errorOf(ArrayRef<float> weights, const Fit &fit, bool isFitted,
               int64_t outputs, const Rows &rows) {
  const int64_t n = rows.columns;
  std::vector<double> transposed(2 * n * outputs);
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t k = 0; k < n; ++k) {
      const double w = weights[o * n + k];
      transposed[k * outputs + o] = w;
      transposed[(n + k) * outputs + o] = isFitted ? fit.weights[o * n + k] : w;
    }
  double power = 0;
  for (int64_t r = 0; r < rows.size(); ++r) {
    std::vector<double> miss(outputs);
    for (int64_t k = 0; k < n; ++k) {
      const double x = rows.real[r * n + k] - fit.realMean[k];
      const double q = rows.integer[r * n + k] - fit.integerMean[k];
      const double *real = &transposed[k * outputs];
      const double *integer = &transposed[(n + k) * outputs];
      for (int64_t o = 0; o < outputs; ++o)
        miss[o] += x * real[o] - q * integer[o];
    }
    for (double m : miss)
      power += m * m * static_cast<double>(rows.counts[r]);
  }
  return power;
}

/// The input of one layer in a module, by running the sample through it.
FailureOr<std::vector<float>> inputOf(ModuleOp module, int64_t place,
                                      const RowSample &sample) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  Value input;
  main.walk([&](DenseOp dense) {
    auto at = dense->getAttrOfType<IntegerAttr>(kPlaceAttr);
    if (at && at.getInt() == place)
      input = dense.getInput();
  });
  if (!input || isa<BlockArgument>(input))
    return failure();
  Block &body = main.getBody().front();
  body.getTerminator()->setOperands(input);
  main.setFunctionType(FunctionType::get(
      module.getContext(), body.getArgumentTypes(), input.getType()));
  main.removeResAttrsAttr();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
  auto runner = makeNativeRunner(module);
  if (failed(runner))
    return failure();
  std::vector<std::vector<float>> values;
  SmallVector<const float *> inputs;
  for (int64_t i = 0; i < sample.inputs(); ++i)
    inputs.push_back(values.emplace_back(sample.values(i)).data());
  const int64_t columns = cast<RankedTensorType>(input.getType()).getDimSize(1);
  std::vector<float> result(sample.rows() * columns);
  float *output = result.data();
  if (failed((*runner)->run(inputs, sample.rows(), output)))
    return failure();
  return result;
}

/// The float graph: calibrated types become what they stand for.
void useRealTypes(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  auto strip = [](Value value) {
    if (auto type = dyn_cast<RankedTensorType>(value.getType()))
      if (isa<quant::CalibratedQuantizedType>(type.getElementType()))
        value.setType(type.clone(realType(type.getElementType())));
  };
  Block &body = main.getBody().front();
  llvm::for_each(body.getArguments(), strip);
  for (Operation &op : body)
    llvm::for_each(op.getResults(), strip);
  main.setFunctionType(
      FunctionType::get(module.getContext(), body.getArgumentTypes(),
                        body.getTerminator()->getOperandTypes()));
}

bool mayChange(DenseOp dense) {
  auto weights = readConstant<float>(dense.getWeights());
  auto type = dyn_cast<RankedTensorType>(dense.getInput().getType());
  return dense->hasAttr(kSecondMomentAttr) && !dense->hasAttr(kFrozenAttr) &&
         type && type.getRank() == 2 && type.getDimSize(1) <= kWidest &&
         succeeded(weights) &&
         llvm::count(*weights, 0.0f) <=
             kSparse * static_cast<double>(weights->size());
}

void rewrite(DenseOp dense, ArrayRef<float> weights, const Fit &fit) {
  auto type = cast<RankedTensorType>(dense.getWeights().getType());
  const int64_t outputs = type.getDimSize(0), n = type.getDimSize(1);
  std::vector<float> bias(outputs);
  if (dense.getBias())
    if (auto given = readConstant<float>(dense.getBias()); succeeded(given))
      bias = std::move(*given);
  for (int64_t o = 0; o < outputs; ++o) {
    double own = bias[o];
    for (int64_t k = 0; k < n; ++k)
      own += weights[o * n + k] * fit.realMean[k] -
             fit.weights[o * n + k] * fit.integerMean[k];
    bias[o] = static_cast<float>(own);
  }
  OpBuilder builder(dense);
  std::vector<float> fitted(fit.weights.begin(), fit.weights.end());
  dense.getWeightsMutable().assign(makeConstant<float>(
      builder, dense.getLoc(), {outputs, n}, type.getElementType(), fitted));
  dense.getBiasMutable().assign(makeConstant<float>(
      builder, dense.getLoc(), {outputs}, type.getElementType(), bias));
  dense->setDiscardableAttr(
      kSecondMomentAttr,
      makeElements<float>(RankedTensorType::get({n, n}, type.getElementType()),
                          fit.moment));
  std::vector<float> mean(fit.integerMean.begin(), fit.integerMean.end());
  dense->setDiscardableAttr(kSampleMeanAttr,
                            builder.getDenseF32ArrayAttr(mean));
}

} // namespace

LogicalResult qnet::matchInputs(ModuleOp calibrated, const RowSample &sample,
                                const QuantizeOptions &options) {
  SmallVector<DenseOp> layers;
  calibrated.walk([&](DenseOp dense) {
    dense->setDiscardableAttr(
        kPlaceAttr,
        Builder(dense.getContext())
            .getI64IntegerAttr(static_cast<int64_t>(layers.size())));
    layers.push_back(dense);
  });
  auto removePlaces = llvm::make_scope_exit([&] {
    for (DenseOp dense : layers)
      dense->removeDiscardableAttr(kPlaceAttr);
  });
  if (layers.size() > kMostLayers)
    return success();
  OwningOpRef<ModuleOp> real = calibrated.clone();
  useRealTypes(*real);
  for (auto [place, dense] : llvm::enumerate(layers)) {
    // The first layers' input has no error but that of its own rounding.
    if (isa<BlockArgument>(dense.getInput()) || !mayChange(dense))
      continue;
    OwningOpRef<ModuleOp> rounded = calibrated.clone();
    // Only the layers before this one matter.
    rounded->walk([&](DenseOp other) {
      if (other->getAttrOfType<IntegerAttr>(kPlaceAttr).getInt() >=
          static_cast<int64_t>(place))
        other->removeDiscardableAttr(kSecondMomentAttr);
    });
    PassManager passes(calibrated.getContext());
    passes.enableVerifier(false);
    buildRoundingPipeline(passes, options);
    if (failed(passes.run(*rounded)))
      return failure();
    OwningOpRef<ModuleOp> observed = real->clone();
    auto integer = inputOf(*rounded, static_cast<int64_t>(place), sample);
    auto floats = inputOf(*observed, static_cast<int64_t>(place), sample);
    if (failed(integer) || failed(floats))
      continue;
    auto type = cast<RankedTensorType>(dense.getWeights().getType());
    const int64_t outputs = type.getDimSize(0);
    Rows rows{std::move(*floats), std::move(*integer), sample.counts(),
              type.getDimSize(1)};
    if (rows.size() < 2)
      continue;
    auto weights = readConstant<float>(dense.getWeights());
    double before = 0, after = 0;
    bool isSound = true;
    for (int64_t half : {0, 1}) {
      const Rows seen = halfOf(rows, half), unseen = halfOf(rows, 1 - half);
      std::optional<Fit> fit = fitWeights(*weights, outputs, seen);
      if (!(isSound &= fit.has_value()))
        break;
      before += errorOf(*weights, *fit, /*isFitted=*/false, outputs, unseen);
      after += errorOf(*weights, *fit, /*isFitted=*/true, outputs, unseen);
    }
    // False for NaN too.
    if (!isSound || !(after < before))
      continue;
    if (std::optional<Fit> fit = fitWeights(*weights, outputs, rows))
      rewrite(dense, *weights, *fit);
  }
  return success();
}
