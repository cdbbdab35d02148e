//===- Compare.cpp - How far one result is from another -------------------===//

#include "quantc/Reference/Compare.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qnet;

//===----------------------------------------------------------------------===//
// Difference
//===----------------------------------------------------------------------===//

void Difference::merge(const Difference &other) {
  count += other.count;
  signal += other.signal;
  noise += other.noise;
  largestError = std::max(largestError, other.largestError);
  rows += other.rows;
  agreeing += other.agreeing;
  clipped += other.clipped;
  unequalSpecials += other.unequalSpecials;
}

static double ratio(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

double Difference::sqnr() const {
  if (count == 0)
    return std::numeric_limits<double>::quiet_NaN();
  if (noise == 0)
    return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

double Difference::agreement() const { return ratio(agreeing, rows); }

double Difference::clippedShare() const {
  return count ? ratio(clipped, count) : 0;
}

/// Values as doubles, quantized and integer ones included.
static std::vector<double> realValues(const Tensor &tensor) {
  if (isStoredInteger(tensor.elementType))
    return dequantized(tensor).reals;
  if (tensor.isReal())
    return tensor.reals;
  ElementFormat exact{ElementFormat::Kind::Float64, 64, false};
  std::vector<double> values;
  values.reserve(tensor.size());
  for (int64_t value : tensor.integers)
    values.push_back(tensor.format().toReal(value, exact));
  return values;
}

/// The first largest value; NaN is never larger.
static int64_t argmax(ArrayRef<double> row) {
  int64_t best = 0;
  for (int64_t i = 1, n = row.size(); i < n; ++i)
    if (row[i] > row[best] || (std::isnan(row[best]) && !std::isnan(row[i])))
      best = i;
  return best;
}

/// The real numbers at the two ends of the storage range, half a step further
/// out on both sides.
static std::pair<double, double> representable(const Tensor &tensor) {
  auto type = dyn_cast<quant::UniformQuantizedType>(tensor.elementType);
  double infinity = std::numeric_limits<double>::infinity();
  if (!type)
    return {-infinity, infinity};
  auto end = [&](int64_t stored, double outward) {
    return type.getScale() *
           (static_cast<double>(stored - type.getZeroPoint()) + outward);
  };
  return {end(type.getStorageTypeMin(), -0.5),
          end(type.getStorageTypeMax(), 0.5)};
}

FailureOr<Difference> qnet::compareTensors(const Tensor &expected,
                                           const Tensor &actual) {
  if (expected.shape != actual.shape)
    return failure();
  std::vector<double> wanted = realValues(expected), got = realValues(actual);
  auto [low, high] = representable(actual);
  Difference difference;
  for (auto [x, y] : llvm::zip_equal(wanted, got)) {
    if (!std::isfinite(x) || !std::isfinite(y)) {
      bool bothNaN = std::isnan(x) && std::isnan(y);
      difference.unequalSpecials += x != y && !bothNaN;
      continue;
    }
    ++difference.count;
    difference.signal += x * x;
    difference.noise += (x - y) * (x - y);
    difference.largestError =
        std::max(difference.largestError, std::abs(x - y));
    difference.clipped += x < low || x > high;
  }
  int64_t size = wanted.size();
  // Whole numbers stand for themselves: each is a decision.
  if (!expected.isReal() && !isStoredInteger(expected.elementType)) {
    difference.rows = size;
    for (auto [x, y] : llvm::zip_equal(wanted, got))
      difference.agreeing += x == y;
    return difference;
  }
  int64_t width = expected.rank() > 1 ? expected.shape.back() : 1;
  for (int64_t start = 0; width > 0 && start < size; start += width) {
    ++difference.rows;
    difference.agreeing += argmax(ArrayRef(wanted).slice(start, width)) ==
                           argmax(ArrayRef(got).slice(start, width));
  }
  return difference;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

StringRef qnet::nameOf(Location location) {
  if (auto named = dyn_cast<NameLoc>(location))
    return named.getName();
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : llvm::reverse(fused.getLocations()))
      if (StringRef name = nameOf(part); !name.empty())
        return name;
  return {};
}

llvm::StringMap<Operation *> qnet::namedOps(func::FuncOp function) {
  llvm::StringMap<Operation *> ops;
  for (Operation &op : function.getBody().front())
    if (op.getNumResults() == 1 && !op.hasTrait<OpTrait::ConstantLike>())
      if (StringRef name = nameOf(op.getLoc()); !name.empty())
        ops[name] = &op;
  return ops;
}

static void addDifference(std::vector<LayerDifference> &layers, StringRef name,
                          StringRef op, Type type,
                          const Difference &difference) {
  for (LayerDifference &layer : layers)
    if (layer.name == name) {
      layer.difference.merge(difference);
      return;
    }
  layers.push_back({name.str(), op.str(), type, difference});
}

LogicalResult qnet::compareLayers(func::FuncOp expected, func::FuncOp actual,
                                  ArrayRef<Tensor> inputs,
                                  std::vector<LayerDifference> &layers,
                                  const Limits &limits,
                                  ComparedResults *results) {
  for (func::FuncOp function : {expected, actual})
    if (function.isExternal() || !function.getBody().hasOneBlock())
      return function.emitError() << "function @" << function.getName()
                                  << " cannot be compared: it must have a body "
                                     "of one block";
  llvm::StringMap<Operation *> actualOps = namedOps(actual);
  llvm::StringMap<Operation *> expectedOps = namedOps(expected);

  llvm::StringMap<Tensor> values;
  Interpreter interpreter(limits);
  interpreter.setObserver([&](Operation *op, ArrayRef<Tensor> results) {
    StringRef name = nameOf(op->getLoc());
    auto it = expectedOps.find(name);
    if (it != expectedOps.end() && it->second == op && actualOps.contains(name))
      values[name] = results[0];
  });
  FailureOr<SmallVector<Tensor>> wanted = interpreter.run(expected, inputs);
  if (failed(wanted))
    return failure();

  interpreter.setObserver([&](Operation *op, ArrayRef<Tensor> results) {
    StringRef name = nameOf(op->getLoc());
    auto it = actualOps.find(name);
    auto value = values.find(name);
    if (it == actualOps.end() || it->second != op || value == values.end())
      return;
    FailureOr<Difference> difference =
        compareTensors(value->second, results[0]);
    if (succeeded(difference)) // another shape is another value
      addDifference(layers, name, op->getName().getStringRef(),
                    op->getResult(0).getType(), *difference);
  });
  FailureOr<SmallVector<Tensor>> got = interpreter.run(actual, inputs);
  if (failed(got))
    return failure();

  if (wanted->size() != got->size())
    return actual.emitError()
           << "has " << got->size() << " results, but @" << expected.getName()
           << " has " << wanted->size();
  for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(*wanted, *got))) {
    auto [x, y] = pair;
    FailureOr<Difference> difference = compareTensors(x, y);
    if (failed(difference))
      return actual.emitError() << "result " << i << " is " << y.type()
                                << ", but in the other graph " << x.type();
    addDifference(layers, "result " + std::to_string(i), "return",
                  actual.getResultTypes()[i], *difference);
  }
  if (results)
    *results = {std::move(*wanted), std::move(*got)};
  return success();
}
