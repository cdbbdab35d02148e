//===- Influence.cpp - What matters to a network's output -----------------===//
#include "quantc/Pipeline/Influence.h"

#include "quantc/Dialect/Batch.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Pipeline/Robustness.h"
#include "quantc/Reference/Compare.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Multiply-adds that all runs may take together: some seconds.
constexpr int64_t kWork = int64_t(1) << 34;
constexpr int64_t kFewestRows = 16, kMostRows = 512;
/// The step of the finite difference, in standard deviations.
constexpr float kStep = 1.0f / 128;

/// The layers whose neurons are replaced: those with a reader that is an op.
SmallVector<DenseOp> hiddenLayers(func::FuncOp main) {
  SmallVector<DenseOp> layers;
  main.walk([&](DenseOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    bool isRead = llvm::any_of(op->getUsers(), [](Operation *user) {
      return !user->hasTrait<OpTrait::IsTerminator>();
    });
    if (isRead && type.getRank() == 2 && type.isDynamicDim(0))
      layers.push_back(op);
  });
  return layers;
}

void setTypes(func::FuncOp main) {
  Block &body = main.getBody().front();
  main.removeResAttrsAttr();
  main.removeArgAttrsAttr();
  main.setType(FunctionType::get(main.getContext(), body.getArgumentTypes(),
                                 body.getTerminator()->getOperandTypes()));
}

func::FuncOp mainOf(ModuleOp module) {
  return module.lookupSymbol<func::FuncOp>("main");
}

class Measurement {
public:
  LogicalResult run(ModuleOp network, const Rows &all,
                    ArrayRef<std::string> inputNames);
  Influences found;

private:
  LogicalResult measureFeatures(ArrayRef<std::string> inputNames);
  LogicalResult measureNeurons(ModuleOp network);
  void compareWithMean(Influence &influence, const Rows &results) const;

  Rows rows, clean;
  GraphRunner runner;
};

} // namespace

void Measurement::compareWithMean(Influence &influence,
                                  const Rows &results) const {
  OutputError error = outputError(clean, results);
  influence.change = std::sqrt(error.power);
  influence.decisions = 1 - error.agreement();
}

LogicalResult Measurement::measureFeatures(ArrayRef<std::string> inputNames) {
  for (size_t i = 0; i != rows.tensors.size(); ++i) {
    FeatureMoments moments = momentsOf(rows, i);
    int64_t width = rows.width(i);
    Rows changed = rows;
    std::vector<float> &values = changed.tensors[i];
    /// The results with feature `f` mapped.
    auto runWith = [&](int64_t f, llvm::function_ref<float(float)> map) {
      for (size_t at = f; at < values.size(); at += width)
        values[at] = map(rows.tensors[i][at]);
      auto results = runner.run(changed);
      for (size_t at = f; at < values.size(); at += width)
        values[at] = rows.tensors[i][at];
      return results;
    };
    for (int64_t f = 0; f != width; ++f) {
      Influence influence{inputNames[i], f};
      float step = moments.deviation[f] * kStep;
      if (step > 0) { // A constant feature has no influence that shows here.
        auto above = runWith(f, [&](float x) { return x + step; });
        auto below = runWith(f, [&](float x) { return x - step; });
        auto mean = runWith(f, [&](float) { return moments.mean[f]; });
        if (failed(above) || failed(below) || failed(mean))
          return failure();
        for (auto [up, down] : llvm::zip_equal(above->tensors, below->tensors))
          for (auto [y, z] : llvm::zip_equal(up, down))
            influence.gradient += std::abs(double(y) - z);
        influence.gradient /= 2 * kStep * double(rows.count);
        compareWithMean(influence, *mean);
      }
      found.features.push_back(influence);
    }
  }
  return success();
}

LogicalResult Measurement::measureNeurons(ModuleOp network) {
  if (firstRegrouping(mainOf(network)))
    return success();
  OwningOpRef<ModuleOp> observed = network.clone();
  SmallVector<DenseOp> layers = hiddenLayers(mainOf(*observed));
  if (layers.empty())
    return success();
  Operation *end = mainOf(*observed).getBody().front().getTerminator();
  for (DenseOp layer : layers)
    end->insertOperands(end->getNumOperands(), layer.getResult());
  setTypes(mainOf(*observed));
  auto observer = GraphRunner::compile(*observed);
  if (failed(observer))
    return failure();
  auto values = observer->run(rows);
  if (failed(values))
    return failure();
  // Before them come the network's own results, but for labels.
  size_t firstLayer = values->tensors.size() - layers.size();

  OwningOpRef<ModuleOp> ablated = network.clone();
  func::FuncOp main = mainOf(*ablated);
  layers = hiddenLayers(main);
  SmallVector<int64_t> widths;
  int64_t widest = 0;
  for (auto [i, layer] : llvm::enumerate(layers)) {
    OpBuilder b(layer);
    b.setInsertionPointAfter(layer);
    std::vector<float> means = momentsOf(*values, firstLayer + i).mean;
    widths.push_back(means.size());
    widest = std::max(widest, widths.back());
    Value keep =
        main.getBody().front().addArgument(layer.getType(), layer.getLoc());
    Value mean = makeConstant<float>(b, layer.getLoc(), {widths.back()},
                                     b.getF32Type(), means);
    Value half =
        makeConstant<float>(b, layer.getLoc(), {1}, b.getF32Type(), {0.5f});
    Value isKept =
        CompareOp::create(b, layer.getLoc(), ComparePredicate::gt, keep, half);
    auto chosen =
        WhereOp::create(b, layer.getLoc(), isKept, layer.getResult(), mean);
    layer.getResult().replaceAllUsesExcept(chosen, chosen);
  }
  setTypes(main);
  auto compiled = GraphRunner::compile(*ablated);
  if (failed(compiled))
    return failure();
  std::vector<float> ones(widest * GraphRunner::kBlockRows, 1.0f);
  for (auto [i, layer] : llvm::enumerate(layers)) {
    std::vector<float> keep(widths[i] * GraphRunner::kBlockRows, 1.0f);
    SmallVector<const float *> arguments(layers.size(), ones.data());
    arguments[i] = keep.data();
    auto set = [&](int64_t neuron, float value) {
      for (size_t at = neuron; at < keep.size(); at += widths[i])
        keep[at] = value;
    };
    for (int64_t neuron = 0; neuron != widths[i]; ++neuron) {
      set(neuron, 0.0f);
      auto results = compiled->run(rows, arguments);
      set(neuron, 1.0f);
      if (failed(results))
        return failure();
      Influence influence{nameOf(layer.getLoc()).str(), neuron};
      compareWithMean(influence, *results);
      found.neurons.push_back(influence);
    }
  }
  return success();
}

LogicalResult Measurement::run(ModuleOp network, const Rows &all,
                               ArrayRef<std::string> inputNames) {
  constexpr int64_t runsOfFeature = 3;
  int64_t runs = 1;
  for (size_t i = 0; i != all.tensors.size(); ++i)
    runs += runsOfFeature * all.width(i);
  for (DenseOp layer : hiddenLayers(mainOf(network)))
    runs += cast<ShapedType>(layer.getType()).getShape().back();
  int64_t most = std::clamp(kWork / (runs * productsOfRow(network)),
                            kFewestRows, kMostRows);
  std::vector<int64_t> finite;
  for (int64_t row = 0; row != all.count; ++row)
    if (isFiniteRow(all, row))
      finite.push_back(row);
  std::vector<int64_t> which;
  for (int64_t i : spacedRows(finite.size(), most))
    which.push_back(finite[i]);
  if (which.empty())
    return network.emitError("no row without NaN or infinity is left to "
                             "measure influence on; give such rows with "
                             "--input");
  rows = takeRows(all, which);
  found.rows = rows.count;
  auto compiled = GraphRunner::compile(network);
  if (failed(compiled))
    return failure();
  runner = std::move(*compiled);
  auto results = runner.run(rows);
  if (failed(results))
    return failure();
  clean = std::move(*results);
  if (failed(measureFeatures(inputNames)) || failed(measureNeurons(network)))
    return failure();
  for (std::vector<Influence> *list : {&found.features, &found.neurons})
    llvm::stable_sort(*list, [](const Influence &a, const Influence &b) {
      return a.change > b.change;
    });
  return success();
}

FailureOr<Influences> qnet::measureInfluence(ModuleOp network, const Rows &rows,
                                             ArrayRef<std::string> inputNames) {
  Measurement measurement;
  if (failed(measurement.run(network, rows, inputNames)))
    return failure();
  return std::move(measurement.found);
}
