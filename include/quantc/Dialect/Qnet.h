//===- Qnet.h - the qnet dialect ---------------------------------*- C++
//-*-===//
#ifndef QUANTC_DIALECT_QNET_H
#define QUANTC_DIALECT_QNET_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "quantc/Dialect/QnetEnums.h.inc"
#include "quantc/Dialect/QnetOpsDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "quantc/Dialect/QnetAttributes.h.inc"

namespace mlir::qnet {

/// Discardable attributes that travel from the importer to the header file.
/// On an argument or result of @main: the tensor's name in the source model.
inline constexpr llvm::StringLiteral kNameAttr = "qnet.name";
/// On a result of @main of integers that are indices of classes: the classes'
/// names (array of strings). On a result or argument of @main whose columns are
/// named: the names.
inline constexpr llvm::StringLiteral kClassesAttr = "qnet.classes";
inline constexpr llvm::StringLiteral kColumnsAttr = "qnet.columns";
/// On an argument that is text in the source model: of each column the names of
/// its categories (array of arrays of strings), whose indices the program
/// takes.
inline constexpr llvm::StringLiteral kCategoriesAttr = "qnet.categories";

/// A discardable attribute (unit) on a dense layer: its parameters are rounded
/// to the nearest, and no pass that optimizes changes them.
inline constexpr llvm::StringLiteral kFrozenAttr = "qnet.frozen";

/// A discardable attribute (f32, gamma) on the dense layer of an rbf kernel,
/// whose weights are w = 2 gamma v and whose bias is -|w|^2 / (4 gamma). Where
/// the weights are rounded, the bias follows: then the layer is that of support
/// vectors a little elsewhere, exactly.
inline constexpr llvm::StringLiteral kRbfGammaAttr = "qnet.rbf_gamma";

/// A discardable attribute (unit) on a dense layer whose error counts for much
/// beside what it costs: what is left of its weights when they are rounded
/// becomes a second layer, where the result is f32.
inline constexpr llvm::StringLiteral kFineWeightsAttr = "qnet.fine_weights";

/// A discardable attribute (string, the reason) on an op that finishes what a
/// dense layer gives, in f32 and by Numerics' definitions, as requantization
/// does: it is no op left in float.
inline constexpr llvm::StringLiteral kFinishAttr = "qnet.finish";

/// A discardable attribute (string) on a dense layer: its precision, in place
/// of what the options of Quantize say (quantc/Quantize/Precision.h). After
/// "int8/" it names the pruning that goes with it: "int8/block:0.5".
inline constexpr llvm::StringLiteral kPrecisionAttr = "qnet.precision";
inline constexpr llvm::StringLiteral kPrunedPrecision = "int8/";

/// A discardable attribute (string) on a dense layer that was pruned: what went
/// and what error that adds. Weights of such a layer that are exactly 0 stay 0.
inline constexpr llvm::StringLiteral kPrunedAttr = "qnet.pruned";
/// On a float result of @main, or on an argument that is stored in more than 8
/// bits: the type (per-tensor uniform over u8) in which a caller of the
/// program's 8-bit entry gets or gives it.
inline constexpr llvm::StringLiteral kStoredAsAttr = "qnet.stored_as";

/// Discardable attributes that Calibrate leaves for Quantize on a value's
/// producer, or on the argument. The smallest and largest value that was seen
/// (two f64), where the range is not one that the user fixed.
inline constexpr llvm::StringLiteral kSeenRangeAttr = "qnet.seen_range";
/// The power of the error (f64) that storing the value in 8 bits in its range,
/// and nothing else, makes in the network's outputs, over their own power.
/// Quantize leaves it on the integer op that stores the value.
inline constexpr llvm::StringLiteral kOutputNoiseAttr = "qnet.output_noise";

/// Discardable attributes that Calibrate leaves for Quantize on a dense layer
/// of K inputs: E[x x^T] of its input over a sample of the calibration rows
/// (KxK, f32), E[x] over the same rows (array of f32), and how many different
/// rows they are (i64).
inline constexpr llvm::StringLiteral kSecondMomentAttr = "qnet.second_moment";
inline constexpr llvm::StringLiteral kSampleMeanAttr = "qnet.sample_mean";
inline constexpr llvm::StringLiteral kSampleRowsAttr = "qnet.sample_rows";

/// numpy's broadcast of two shapes with dynamic dimensions: a dynamic dimension
/// against 1 stays dynamic, against n > 1 becomes n. Fails if they don't fit.
FailureOr<SmallVector<int64_t>> broadcastShapes(ArrayRef<int64_t> lhs,
                                                ArrayRef<int64_t> rhs);

/// The float type whose numbers `type` stands for: f32 for f32, for
/// !quant.calibrated<f32...> and for !quant.uniform<...:f32, ...>; any other
/// type stands for itself.
Type realType(Type type);

/// Same number of tensors, pairwise compatible shapes, equal real types.
bool haveCompatibleShapesAndReals(TypeRange inferred, TypeRange actual);

/// Whether values of `type` are stored integers (!quant.uniform in any of its
/// forms); !quant.calibrated is a real number and is not.
bool isStoredInteger(Type type);

/// Whether `from` broadcasts to exactly the shape `to`.
bool broadcastsTo(ArrayRef<int64_t> from, ArrayRef<int64_t> to);

/// The product of all dimensions, or failure where one is dynamic or the
/// product does not fit in 63 bits.
FailureOr<int64_t> staticElementCount(ArrayRef<int64_t> shape);

namespace detail {
LogicalResult verifyComputesOnReals(Operation *op);
LogicalResult verifyMovesValues(Operation *op);
LogicalResult verifySoundParameters(Operation *op);
} // namespace detail

// The traits of QnetBase.td; R1, R2 and R3 are stated there.
template <typename ConcreteOp>
struct ComputesOnReals : mlir::OpTrait::TraitBase<ConcreteOp, ComputesOnReals> {
  static LogicalResult verifyTrait(Operation *op) {
    return detail::verifyComputesOnReals(op);
  }
};
template <typename ConcreteOp>
struct MovesValues : mlir::OpTrait::TraitBase<ConcreteOp, MovesValues> {
  static LogicalResult verifyTrait(Operation *op) {
    return detail::verifyMovesValues(op);
  }
};
template <typename ConcreteOp>
struct SoundParameters : mlir::OpTrait::TraitBase<ConcreteOp, SoundParameters> {
  static LogicalResult verifyTrait(Operation *op) {
    return detail::verifySoundParameters(op);
  }
};

} // namespace mlir::qnet

#define GET_OP_CLASSES
#include "quantc/Dialect/QnetOps.h.inc"

namespace mlir::qnet {

/// Creates an op whose result types are inferred from operands and attributes
/// that nobody has checked (a model file's). The generated builders end the
/// program where inference fails; this one emits the broken rule at `location`
/// and returns null.
template <typename OpTy>
OpTy createChecked(OpBuilder &builder, Location location, ValueRange operands,
                   ArrayRef<NamedAttribute> attributes = {}) {
  OperationState state(location, OpTy::getOperationName());
  state.addOperands(operands);
  DictionaryAttr dictionary = builder.getDictionaryAttr(attributes);
  if constexpr (!std::is_same_v<typename OpTy::Properties, EmptyProperties>) {
    auto &properties = state.getOrAddProperties<typename OpTy::Properties>();
    if (failed(OpTy::setPropertiesFromAttr(
            properties, dictionary, [&] { return emitError(location); })))
      return {};
  }
  state.addAttributes(attributes);
  SmallVector<Type> types;
  if (failed(OpTy::inferReturnTypes(builder.getContext(), location, operands,
                                    dictionary, state.getRawProperties(),
                                    RegionRange(), types)))
    return {};
  state.addTypes(types);
  auto op = cast<OpTy>(builder.create(state));
  if (succeeded(mlir::verify(op)))
    return op;
  op->erase();
  return {};
}

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_QNET_H
