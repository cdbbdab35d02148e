//===- FoldFeatures.cpp - inputs and neurons become constants -------------===//
//
// Takes          input features, hidden channels or whole inputs by name, and
//                what each is from now on: a number, or its mean on the
//                calibration rows.
// Gives          the network without them: what they do goes into the biases of
//                the layers that read them, rows and columns go. Of an input,
//                which keeps its width, the other features are gathered.
// Why            a sensor that is not there, or a neuron that hardly varies,
//                costs time and may do harm.
// Not done here  measuring means (calibrate); choosing what to fold.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "ChannelGroup.h"
#include "DenseLayer.h"
#include "quantc/Dialect/AppliedFunction.h"
#include "quantc/Dialect/NearestNames.h"

#include "quantc/Dialect/Constants.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

#include <cmath>
#include <map>

#define DEBUG_TYPE "fold-features"

namespace mlir::qnet {
#define GEN_PASS_DEF_FOLDFEATURES
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Of a value's producer or on the argument: the mean of each feature.
constexpr llvm::StringLiteral kFeatureMean = "qnet.mean";

/// Channel -> the constant it becomes.
using Constants = std::map<int64_t, double>;

struct FoldFeatures : qnet::impl::FoldFeaturesBase<FoldFeatures> {
  using FoldFeaturesBase::FoldFeaturesBase;

  void runOnOperation() override {
    main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (folds.empty())
      return;
    if (!main || main.isExternal()) {
      getOperation().emitError(DEBUG_TYPE ": the module has no @main");
      return signalPassFailure();
    }
    // All are read before any is done: a channel's number is the model's.
    llvm::MapVector<Value, Constants> wanted;
    for (const std::string &text : folds)
      if (failed(read(text, wanted)))
        return signalPassFailure();
    for (auto &[value, constants] : wanted)
      if (failed(fold(value, constants)))
        return signalPassFailure();
  }

private:
  InFlightDiagnostic fail(const Twine &what) {
    return main.emitError(DEBUG_TYPE ": ") << what << ": ";
  }
  Value valueNamed(StringRef name) const;
  std::vector<std::string> names() const;
  LogicalResult read(StringRef text, llvm::MapVector<Value, Constants> &wanted);
  FailureOr<double> number(StringRef text, StringRef given, Value value,
                           int64_t channel);
  LogicalResult fold(Value value, const Constants &constants);
  std::optional<double> evaluate(Operation *op, Value from, double x,
                                 int64_t place) const;

  func::FuncOp main;
};

std::vector<std::string> FoldFeatures::names() const {
  func::FuncOp function = main;
  std::vector<std::string> result;
  for (BlockArgument argument : function.getArguments())
    result.push_back(nameOfValue(argument));
  for (DenseOp op : function.getBody().front().getOps<DenseOp>())
    result.push_back(nameOfValue(op.getResult()));
  return result;
}

/// The input of that name, or the last value of that node: a layer with its
/// function where they are two ops.
Value FoldFeatures::valueNamed(StringRef name) const {
  func::FuncOp function = main;
  for (BlockArgument argument : function.getArguments())
    if (nameOfValue(argument) == name)
      return argument;
  Value found;
  for (Operation &op : function.getBody().front())
    if (op.getNumResults() == 1 && !isa<ConstantOp>(op) &&
        nameOfValue(op.getResult(0)) == name)
      found = op.getResult(0);
  return found;
}

LogicalResult FoldFeatures::read(StringRef text,
                                 llvm::MapVector<Value, Constants> &wanted) {
  auto [target, given] = text.rsplit('=');
  if (target.empty() || given.empty() || target == text)
    return fail("'" + text + "'") << "write NAME=VALUE or NAME=mean, such as "
                                     "input[3]=0.5, fc1[7]=mean";
  Value value = valueNamed(target);
  std::optional<int64_t> channel;
  if (!value && target.ends_with("]")) {
    auto [name, index] = target.drop_back().rsplit('[');
    int64_t parsed = 0;
    if (index.getAsInteger(10, parsed))
      return fail("'" + text + "'")
             << "'" << index << "' is no number of a feature or channel";
    value = valueNamed(name);
    target = name;
    channel = parsed;
  }
  if (!value)
    return fail("'" + text + "'")
           << "no input or dense layer is named '" << target << "'; "
           << nearestNames(target, names());
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 2 || type.isDynamicDim(type.getRank() - 1))
    return fail("'" + text + "'")
           << "'" << target << "' has no feature axis of a fixed size";
  const int64_t width = type.getShape().back();
  if (channel && (*channel < 0 || *channel >= width))
    return fail("'" + text + "'") << "'" << target << "' has only " << width
                                  << " features, 0 to " << width - 1;
  if (!channel && !isa<BlockArgument>(value))
    return fail("'" + text + "'")
           << "'" << target << "' is a layer; name one of its channels, "
           << target << "[0] to " << target << "[" << width - 1 << "]";
  Constants &constants = wanted[value];
  for (int64_t c = channel.value_or(0); c <= channel.value_or(width - 1); ++c) {
    FailureOr<double> constant = number(text, given, value, c);
    if (failed(constant))
      return failure();
    if (!constants.try_emplace(c, *constant).second)
      return fail("'" + text + "'")
             << "'" << target << "[" << c << "]' is folded twice";
  }
  return success();
}

FailureOr<double> FoldFeatures::number(StringRef text, StringRef given,
                                       Value value, int64_t channel) {
  if (given != "mean") {
    double constant = 0;
    if (given.getAsDouble(constant) ||
        !std::isfinite(static_cast<float>(constant))) {
      fail("'" + text + "'")
          << "'" << given << "' is neither a finite number nor 'mean'";
      return failure();
    }
    return constant;
  }
  Attribute attribute;
  if (auto argument = dyn_cast<BlockArgument>(value))
    attribute = main.getArgAttr(argument.getArgNumber(), kFeatureMean);
  else
    attribute = value.getDefiningOp()->getAttr(kFeatureMean);
  auto means = dyn_cast_if_present<DenseF32ArrayAttr>(attribute);
  if (!means || channel >= means.size() || !std::isfinite(means[channel])) {
    fail("'" + text + "'") << "no mean was measured; give rows with "
                              "--calibration, or a number";
    return failure();
  }
  return double(means[channel]);
}

/// The channel's value behind `op`, one of a group's, where `from` has x there.
std::optional<double> FoldFeatures::evaluate(Operation *op, Value from,
                                             double x, int64_t place) const {
  if (auto activation = dyn_cast<ActivationOp>(op))
    return AppliedFunction::of(activation).evaluate(x);
  if (isa<ConcatOp>(op))
    return x;
  double sides[2] = {x, x};
  for (OpOperand &operand : op->getOpOperands()) {
    if (operand.get() == from)
      continue;
    FailureOr<std::vector<float>> values = readConstant<float>(operand.get());
    if (failed(values) || values->empty())
      return std::nullopt;
    sides[operand.getOperandNumber()] =
        values->size() == 1 ? values->front()
                            : (*values)[place % int64_t(values->size())];
  }
  auto [a, b] = sides;
  if (isa<AddOp>(op))
    return a + b;
  if (isa<SubOp>(op))
    return a - b;
  if (isa<MulOp>(op))
    return a * b;
  if (isa<DivOp>(op))
    return a / b;
  if (isa<MinOp>(op))
    return std::min(a, b);
  if (isa<MaxOp>(op))
    return std::max(a, b);
  if (isa<PreluOp>(op))
    return a >= 0 ? a : a * b;
  return std::nullopt;
}

LogicalResult FoldFeatures::fold(Value value, const Constants &constants) {
  std::string why;
  const std::string what = "'" + nameOfValue(value) + "' can't be folded";
  FailureOr<ChannelGroup> group =
      ChannelGroup::around(value, /*withArguments=*/true, why);
  if (failed(group))
    return fail(what) << why;
  if (group->makers.size() + group->arguments.size() != 1)
    return fail(what) << "it is combined with another value";
  if (group->leavesNothing(int64_t(constants.size())))
    return fail(what) << "a layer that reads it would read nothing else";
  // From what comes first on: around() lists a value behind those it is made
  // of. The channel's value, at each place it gets to.
  llvm::DenseMap<Value, Constants> at;
  at[value] = constants;
  for (const ChannelGroup::Place<Value> &place : group->values) {
    if (place.at == value || isa<BlockArgument>(place.at))
      continue;
    Operation *op = place.at.getDefiningOp();
    for (Value operand : op->getOperands())
      if (auto from = at.find(operand); from != at.end()) {
        Constants own;
        for (auto [channel, x] : from->second) {
          auto y = evaluate(op, operand, x, place.offset + channel);
          if (!y || !std::isfinite(*y))
            return fail(what) << "its value behind '" << nameOfValue(place.at)
                              << "' is not finite or not known";
          own[channel] = *y;
        }
        at[place.at] = std::move(own);
        break;
      }
  }
  SmallVector<std::pair<DenseOp, DenseLayer>> changed;
  for (ChannelGroup::Place<DenseOp> place : group->readers) {
    auto from = at.find(place.at.getInput());
    if (from == at.end())
      return fail(what) << "it is the result of '"
                        << nameOfValue(place.at.getInput())
                        << "', whose name to fold it by is another";
    DenseLayer layer = *DenseLayer::read(place.at);
    for (int64_t n = 0; n < layer.channels; ++n) {
      double bias = layer.bias[n];
      for (auto [channel, x] : from->second)
        bias += layer.weights[n * layer.inputs + place.offset + channel] * x;
      layer.bias[n] = static_cast<float>(bias);
      if (!std::isfinite(layer.bias[n]))
        return fail(what) << "the bias of '"
                          << nameOfValue(DenseOp(place.at).getResult())
                          << "' would not be finite";
    }
    layer.hasBias = true;
    changed.emplace_back(place.at, std::move(layer));
  }
  for (auto &[op, layer] : changed)
    layer.write(op);
  std::vector<bool> removed(group->channels, false);
  for (auto [channel, x] : constants)
    removed[channel] = true;
  group->remove(removed);
  return success();
}

} // namespace
