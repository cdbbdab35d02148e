//===- ChannelGroup.cpp - channels that go together -----------------------===//
#include "ChannelGroup.h"

#include "DenseLayer.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Reference/Compare.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::qnet;

std::string qnet::nameOfValue(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      kNameAttr);
    return name ? name.str()
                : "input" + std::to_string(argument.getArgNumber());
  }
  return nameOf(value.getLoc()).str();
}

static int64_t widthOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().back();
}

static bool isElementwise(Operation *op) {
  return isa<AddOp, SubOp, MulOp, DivOp, MinOp, MaxOp, PreluOp>(op);
}

namespace {

class Finder {
public:
  Finder(int64_t channels, bool withArguments, std::string &why)
      : withArguments(withArguments), why(why) {
    group.channels = channels;
  }

  bool visit(Value value, int64_t offset);
  ChannelGroup group;

private:
  bool fail(const Twine &reason) {
    why = reason.str();
    return false;
  }
  bool fail(Operation *op, StringRef reason) {
    return fail("is tied to '" + nameOf(op->getLoc()) + "' (" +
                op->getName().stripDialect() + "), " + reason);
  }
  bool visitMaker(Value value, int64_t offset);
  bool visitOperands(Operation *op, int64_t offset);
  bool visitReader(OpOperand &use, int64_t offset);

  bool withArguments;
  std::string &why;
  llvm::DenseMap<Value, int64_t> seen;
};

} // namespace

bool Finder::visit(Value value, int64_t offset) {
  auto [found, isNew] = seen.try_emplace(value, offset);
  if (!isNew)
    return found->second == offset ||
           fail("'" + nameOfValue(value) + "' has the channel twice");
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 2 || type.isDynamicDim(type.getRank() - 1) ||
      !realType(type.getElementType()).isF32())
    return fail("'" + nameOfValue(value) +
                "' has no feature axis of a fixed size");
  if (!visitMaker(value, offset))
    return false;
  group.values.push_back({value, offset});
  return llvm::all_of(value.getUses(),
                      [&](OpOperand &use) { return visitReader(use, offset); });
}

bool Finder::visitMaker(Value value, int64_t offset) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (!withArguments)
      return fail("it is combined with the network's input '" +
                  nameOfValue(value) + "'");
    group.arguments.push_back({argument, offset});
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (auto dense = dyn_cast<DenseOp>(op)) {
    if (dense->hasAttr(kFrozenAttr))
      return fail(op, "which is frozen");
    if (!DenseLayer::read(dense))
      return fail(op, "whose weights are no finite constants");
    group.makers.push_back({dense, offset});
    return true;
  }
  if (auto activation = dyn_cast<ActivationOp>(op))
    return visit(activation.getInput(), offset);
  if (isElementwise(op))
    return visitOperands(op, offset);
  auto concat = dyn_cast<ConcatOp>(op);
  if (!concat || int64_t(concat.getAxis()) !=
                     cast<RankedTensorType>(value.getType()).getRank() - 1)
    return fail(op, "which makes it from more than channels of layers");
  int64_t start = 0;
  for (Value input : concat.getInputs()) {
    const int64_t width = widthOf(input);
    if (offset >= start && offset + group.channels <= start + width)
      return visit(input, offset - start);
    start += width;
  }
  return fail(op, "which joins it from several values");
}

bool Finder::visitOperands(Operation *op, int64_t offset) {
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    Attribute constant;
    if (!type || !realType(type.getElementType()).isF32())
      return fail(op, "whose operands are no floats");
    if (!matchPattern(operand.get(), m_Constant(&constant))) {
      if (type.getShape() != result.getShape())
        return fail(op, "which broadcasts a value");
      if (!visit(operand.get(), offset))
        return false;
      continue;
    }
    if (type.getRank() == 0 || type.getShape().back() == 1)
      continue;
    if (type.getShape().back() != result.getShape().back() ||
        failed(readConstant<float>(operand.get())))
      return fail(op, "whose constant is not one of features");
    group.constants.push_back({&operand, offset});
  }
  return true;
}

bool Finder::visitReader(OpOperand &use, int64_t offset) {
  Operation *op = use.getOwner();
  if (auto dense = dyn_cast<DenseOp>(op)) {
    if (use.getOperandNumber() != 0)
      return fail(op, "whose weights it is");
    if (dense->hasAttr(kFrozenAttr))
      return fail(op, "which is frozen");
    if (!DenseLayer::read(dense))
      return fail(op, "whose weights are no finite constants");
    group.readers.push_back({dense, offset});
    return true;
  }
  if (isa<ActivationOp>(op) || isElementwise(op)) {
    // Operands of rank 1 or 2 that broadcast along rows only.
    if (op->getResult(0).getType() != use.get().getType() &&
        cast<ShapedType>(op->getResult(0).getType()).getShape() !=
            cast<ShapedType>(use.get().getType()).getShape())
      return fail(op, "which broadcasts it");
    return visit(op->getResult(0), offset);
  }
  auto concat = dyn_cast<ConcatOp>(op);
  if (concat && int64_t(concat.getAxis()) ==
                    cast<RankedTensorType>(concat.getType()).getRank() - 1) {
    int64_t start = 0;
    for (Value input : concat.getInputs().take_front(use.getOperandNumber()))
      start += widthOf(input);
    return visit(concat.getResult(), offset + start);
  }
  if (op->hasTrait<OpTrait::IsTerminator>())
    return fail("is a result of the network");
  return fail(op, "which reads more than one channel at a time");
}

FailureOr<ChannelGroup> ChannelGroup::around(Value root, bool withArguments,
                                             std::string &why) {
  auto type = dyn_cast<RankedTensorType>(root.getType());
  const int64_t channels =
      type && type.getRank() > 0 ? type.getShape().back() : 0;
  Finder finder(channels, withArguments, why);
  if (!finder.visit(root, 0))
    return failure();
  if (finder.group.readers.empty()) {
    why = "no dense layer reads it";
    return failure();
  }
  return std::move(finder.group);
}

bool ChannelGroup::leavesNothing(int64_t count) const {
  return llvm::any_of(readers, [&](const Place<DenseOp> &reader) {
    return widthOf(DenseOp(reader.at).getInput()) <= count;
  });
}

/// The rows of `inner` values, without the removed ones of each.
template <typename T>
static std::vector<T> withoutColumns(ArrayRef<T> values, int64_t inner,
                                     ArrayRef<int64_t> kept) {
  std::vector<T> result;
  for (int64_t start = 0; start < int64_t(values.size()); start += inner)
    for (int64_t column : kept)
      result.push_back(values[start + column]);
  return result;
}

static SmallVector<int64_t> keptOf(int64_t width, int64_t offset,
                                   const std::vector<bool> &removed) {
  SmallVector<int64_t> kept;
  for (int64_t i = 0; i < width; ++i) {
    const int64_t channel = i - offset;
    if (channel < 0 || channel >= int64_t(removed.size()) || !removed[channel])
      kept.push_back(i);
  }
  return kept;
}

/// What was measured of the layer's input, for the columns left.
static void narrowStatistics(DenseOp op, int64_t size, ArrayRef<int64_t> kept) {
  auto moment = op->getAttrOfType<ElementsAttr>(kSecondMomentAttr);
  auto mean = op->getAttrOfType<DenseF32ArrayAttr>(kSampleMeanAttr);
  Builder builder(op.getContext());
  if (mean && mean.size() == size)
    op->setAttr(kSampleMeanAttr,
                builder.getDenseF32ArrayAttr(
                    withoutColumns<float>(mean.asArrayRef(), size, kept)));
  if (!moment)
    return;
  auto values = readElements<float>(moment);
  if (failed(values) || int64_t(values->size()) != size * size) {
    op->removeAttr(kSecondMomentAttr);
    return;
  }
  std::vector<float> narrow;
  for (int64_t i : kept)
    for (int64_t j : kept)
      narrow.push_back((*values)[i * size + j]);
  const auto left = int64_t(kept.size());
  op->setAttr(
      kSecondMomentAttr,
      makeElements<float>(
          RankedTensorType::get({left, left}, builder.getF32Type()), narrow));
}

void ChannelGroup::remove(const std::vector<bool> &removed) const {
  const int64_t gone = llvm::count(removed, true);
  for (Place<DenseOp> maker : makers) {
    DenseLayer layer = *DenseLayer::read(maker.at);
    SmallVector<int64_t> kept = keptOf(layer.channels, maker.offset, removed);
    if (kept.empty())
      continue; // all readers are gone, and so is it
    DenseLayer small{{}, {}, int64_t(kept.size()), layer.inputs, layer.hasBias};
    for (int64_t n : kept) {
      llvm::append_range(
          small.weights,
          ArrayRef(layer.weights).slice(n * layer.inputs, layer.inputs));
      small.bias.push_back(layer.bias[n]);
    }
    small.write(maker.at);
  }
  for (Place<DenseOp> reader : readers) {
    DenseLayer layer = *DenseLayer::read(reader.at);
    SmallVector<int64_t> kept = keptOf(layer.inputs, reader.offset, removed);
    narrowStatistics(reader.at, layer.inputs, kept);
    layer.weights = withoutColumns<float>(layer.weights, layer.inputs, kept);
    layer.inputs = int64_t(kept.size());
    layer.write(reader.at);
  }
  for (Place<OpOperand *> place : constants) {
    Value constant = place.at->get();
    auto type = cast<RankedTensorType>(constant.getType());
    SmallVector<int64_t> kept =
        keptOf(type.getShape().back(), place.offset, removed);
    if (kept.empty())
      continue;
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = int64_t(kept.size());
    OpBuilder builder(place.at->getOwner());
    place.at->set(makeConstant<float>(
        builder, constant.getLoc(), shape, type.getElementType(),
        withoutColumns<float>(*readConstant<float>(constant),
                              type.getShape().back(), kept)));
  }
  SmallVector<Operation *> dead;
  for (const Place<Value> &place : values) {
    auto type = cast<RankedTensorType>(place.at.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.back() -= gone;
    if (shape.back() == 0) {
      for (Operation *user : llvm::to_vector(place.at.getUsers()))
        if (auto concat = dyn_cast<ConcatOp>(user))
          for (unsigned i = concat->getNumOperands(); i-- > 0;)
            if (concat->getOperand(i) == place.at)
              concat->eraseOperand(i);
      if (Operation *op = place.at.getDefiningOp())
        dead.push_back(op);
      continue;
    }
    auto argument = dyn_cast<BlockArgument>(place.at);
    if (!argument) {
      Value(place.at).setType(type.clone(shape));
      continue;
    }
    SmallVector<int64_t> kept =
        keptOf(type.getShape().back(), place.offset, removed);
    OpBuilder builder(argument.getContext());
    builder.setInsertionPointToStart(argument.getOwner());
    Location location =
        NameLoc::get(builder.getStringAttr(nameOfValue(argument) + "/kept"));
    Value indices =
        makeConstant<int64_t>(builder, location, {int64_t(kept.size())},
                              builder.getI64Type(), ArrayRef<int64_t>(kept));
    auto gather =
        GatherOp::create(builder, location, type.clone(shape), argument,
                         indices, uint64_t(type.getRank() - 1));
    Value(argument).replaceAllUsesExcept(gather.getResult(), gather);
  }
  for (Operation *op : llvm::reverse(dead))
    if (isOpTriviallyDead(op))
      op->erase();
}
