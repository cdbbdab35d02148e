//===- ConvertTosaToQnet.cpp - a float network in TOSA becomes qnet
//--------===//
//
// Takes          a module whose functions hold float TOSA ops.
// Gives          the same functions in qnet, with their signatures; no TOSA op.
// Why            a door for every compiler that speaks TOSA (TFLite,
// torch-mlir). Not done here  quantized TOSA; recognizing softmax and the like
// in its parts.
//
//===----------------------------------------------------------------------===//
#include "quantc/Import/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include <limits>

#define DEBUG_TYPE "convert-tosa-to-qnet"

namespace mlir::qnet {
#define GEN_PASS_DEF_CONVERTTOSATOQNET
#include "quantc/Import/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Converts one op at a time, in program order. Each `convert` replaces its
/// op's results and leaves the op to be erased, or says why it can't.
class TosaConverter {
public:
  explicit TosaConverter(MLIRContext *context) : builder(context) {}

  LogicalResult convertOp(Operation *op) {
    builder.setInsertionPoint(op);
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<tosa::ConstOp, tosa::MatMulOp, tosa::Conv2DOp, tosa::MulOp,
              tosa::MaximumOp, tosa::MinimumOp, tosa::ClampOp, tosa::NegateOp,
              tosa::EqualOp, tosa::GreaterOp, tosa::GreaterEqualOp,
              tosa::CastOp, tosa::IdentityOp, tosa::ReshapeOp,
              tosa::TransposeOp, tosa::SliceOp, tosa::ConcatOp, tosa::ArgMaxOp>(
            [&](auto known) { return convert(known); })
        .Case([&](tosa::AddOp) { return replace<AddOp>(op); })
        .Case([&](tosa::SubOp) { return replace<SubOp>(op); })
        .Case([&](tosa::PowOp) { return replace<PowOp>(op); })
        .Case([&](tosa::IntDivOp) { return replace<DivOp>(op); })
        .Case([&](tosa::LogicalAndOp) { return replace<AndOp>(op); })
        .Case([&](tosa::LogicalOrOp) { return replace<OrOp>(op); })
        .Case([&](tosa::LogicalXorOp) { return replace<XorOp>(op); })
        .Case([&](tosa::LogicalNotOp) { return replace<NotOp>(op); })
        .Case([&](tosa::SelectOp) { return replace<WhereOp>(op); })
        .Case([&](tosa::TanhOp) { return activate(op, Function::tanh); })
        .Case([&](tosa::SigmoidOp) { return activate(op, Function::sigmoid); })
        .Case([&](tosa::ErfOp) { return activate(op, Function::erf); })
        .Case([&](tosa::ExpOp) { return activate(op, Function::exp); })
        .Case([&](tosa::LogOp) { return activate(op, Function::log); })
        .Case([&](tosa::AbsOp) { return activate(op, Function::abs); })
        .Case([&](tosa::CeilOp) { return activate(op, Function::ceil); })
        .Case([&](tosa::FloorOp) { return activate(op, Function::floor); })
        .Case([&](tosa::SinOp) { return activate(op, Function::sin); })
        .Case([&](tosa::CosOp) { return activate(op, Function::cos); })
        .Case([&](tosa::RsqrtOp) { return activate(op, Function::rsqrt); })
        .Case([&](tosa::ReciprocalOp) {
          return activate(op, Function::reciprocal);
        })
        .Case(
            [&](tosa::ReduceSumOp sum) { return reduce(sum, ReduceKind::sum); })
        .Case([&](tosa::ReduceProductOp product) {
          return reduce(product, ReduceKind::prod);
        })
        .Case([&](tosa::ReduceMaxOp max) {
          return failed(checkNanMode(max)) ? failure()
                                           : reduce(max, ReduceKind::max);
        })
        .Case([&](tosa::ReduceMinOp min) {
          return failed(checkNanMode(min)) ? failure()
                                           : reduce(min, ReduceKind::min);
        })
        .Default([](Operation *other) {
          return other->emitOpError(
              "can't be converted: no qnet op has its meaning; rewrite it, or "
              "take it out of the graph that is quantized");
        });
  }

private:
  NamedAttribute named(StringRef name, Attribute value) {
    return builder.getNamedAttr(name, value);
  }
  NamedAttribute integer(StringRef name, int64_t value) {
    return named(name, builder.getI64IntegerAttr(value));
  }
  NamedAttribute array(StringRef name, ArrayRef<int64_t> values) {
    return named(name, builder.getDenseI64ArrayAttr(values));
  }

  //===--------------------------------------------------------------------===//
  // Putting a result in the place of the op
  //===--------------------------------------------------------------------===//

  /// The op's users, and the function's signature, keep their types: the new
  /// value takes the TOSA op's type if it stands for the same.
  LogicalResult finish(Operation *op, Value value) {
    Type type = op->getResult(0).getType();
    if (value.getType() != type) {
      if (!haveCompatibleShapesAndReals(value.getType(), type))
        return op->emitOpError()
               << "gives " << type << " but its operands give "
               << value.getType() << ": correct its type";
      // A value that others read already, and a constant, have a type to keep.
      if (value.use_empty() && !value.getDefiningOp<ConstantOp>())
        value.setType(type);
      else
        value = CastOp::create(builder, op->getLoc(), type, value);
    }
    op->getResult(0).replaceAllUsesWith(value);
    return success();
  }

  template <typename OpTy>
  LogicalResult replace(Operation *op, ValueRange operands,
                        ArrayRef<NamedAttribute> attributes = {}) {
    auto created =
        createChecked<OpTy>(builder, op->getLoc(), operands, attributes);
    return created ? finish(op, created->getResult(0)) : failure();
  }

  /// An op with the same operands.
  template <typename OpTy> LogicalResult replace(Operation *op) {
    return replace<OpTy>(op, op->getOperands());
  }

  LogicalResult activate(Operation *op, Function function,
                         ArrayRef<NamedAttribute> parameters = {}) {
    SmallVector<NamedAttribute> attributes(parameters);
    attributes.push_back(
        named("function", FunctionAttr::get(builder.getContext(), function)));
    return replace<ActivationOp>(op, op->getOperand(0), attributes);
  }

  /// A reshape in front of or behind an op; null, after an error, if illegal.
  Value reshape(Location location, Value value, ArrayRef<int64_t> shape) {
    auto type = cast<RankedTensorType>(value.getType()).clone(shape);
    auto op = ReshapeOp::create(builder, location, type, value);
    if (succeeded(verify(op)))
      return op;
    op->erase();
    return {};
  }

  //===--------------------------------------------------------------------===//
  // What the conversions demand
  //===--------------------------------------------------------------------===//

  /// Zero points and shifts: absent in float networks, so constant zeros.
  LogicalResult checkZero(Operation *op, Value value, StringRef name) {
    if (matchPattern(value, m_Zero()) || matchPattern(value, m_AnyZeroFloat()))
      return success();
    return op->emitOpError()
           << "has " << name
           << " that is not a constant 0: quantized TOSA has other numerics; "
              "give the float network";
  }

  template <typename OpTy> LogicalResult checkNanMode(OpTy op) {
    if (op.getNanMode() == tosa::NanPropagationMode::PROPAGATE)
      return success();
    return op.emitOpError("ignores NaN, which qnet's op does not: export it "
                          "with nan_mode = PROPAGATE");
  }

  FailureOr<SmallVector<int64_t>> constantShape(Operation *op, Value value,
                                                StringRef name) {
    DenseIntElementsAttr values;
    if (auto shape = value.getDefiningOp<tosa::ConstShapeOp>())
      values = dyn_cast<DenseIntElementsAttr>(shape.getValues());
    if (!values)
      return op->emitOpError() << "has a " << name
                               << " that is not a tosa.const_shape: only "
                                  "constant ones are supported";
    return llvm::map_to_vector(values.getValues<APInt>(),
                               [](const APInt &v) { return v.getSExtValue(); });
  }

  //===--------------------------------------------------------------------===//
  // Products
  //===--------------------------------------------------------------------===//

  LogicalResult convert(tosa::ConstOp op) {
    auto constant = createChecked<ConstantOp>(builder, op.getLoc(), {},
                                              {named("value", op.getValues())});
    return constant ? finish(op, constant) : failure();
  }

  LogicalResult convert(tosa::MatMulOp op) {
    if (failed(checkZero(op, op.getAZp(), "a zero point of a")) ||
        failed(checkZero(op, op.getBZp(), "a zero point of b")))
      return failure();
    auto a = dyn_cast<RankedTensorType>(op.getA().getType());
    auto b = dyn_cast<RankedTensorType>(op.getB().getType());
    // A single matrix on either side is a layer on rows: of rank 2, so that
    // Prepare sees a dense layer in it.
    if (!a || !b || a.getDimSize(0) != 1 || b.getDimSize(0) != 1 ||
        a.getNumDynamicDims() > 1 || !b.hasStaticShape())
      return replace<MatmulOp>(op, {op.getA(), op.getB()});
    Value lhs = reshape(op.getLoc(), op.getA(), a.getShape().drop_front());
    Value rhs = reshape(op.getLoc(), op.getB(), b.getShape().drop_front());
    if (!lhs || !rhs)
      return failure();
    auto product = createChecked<MatmulOp>(builder, op.getLoc(), {lhs, rhs});
    if (!product)
      return failure();
    Value result =
        reshape(op.getLoc(), product, {1, a.getDimSize(1), b.getDimSize(2)});
    return result ? finish(op, result) : failure();
  }

  /// A 1x1 kernel over every position is a dense layer over the last dimension.
  LogicalResult convert(tosa::Conv2DOp op) {
    if (failed(checkZero(op, op.getInputZp(), "a zero point of the input")) ||
        failed(checkZero(op, op.getWeightZp(), "a zero point of the weights")))
      return failure();
    auto weight = dyn_cast<RankedTensorType>(op.getWeight().getType());
    auto bias = dyn_cast<RankedTensorType>(op.getBias().getType());
    auto isAll = [](ArrayRef<int64_t> values, int64_t wanted) {
      return llvm::all_of(values, [&](int64_t v) { return v == wanted; });
    };
    if (!weight || !bias || !weight.hasStaticShape() ||
        weight.getDimSize(1) != 1 || weight.getDimSize(2) != 1 ||
        !isAll(op.getPad(), 0) || !isAll(op.getStride(), 1))
      return op.emitOpError()
             << "with weights " << op.getWeight().getType() << ", pad ["
             << op.getPad() << "] and stride [" << op.getStride()
             << "] is no fully connected layer: only a 1x1 kernel, pad 0 and "
                "stride 1 are supported";
    int64_t outputs = weight.getDimSize(0);
    Value weights =
        reshape(op.getLoc(), op.getWeight(), {outputs, weight.getDimSize(3)});
    if (!weights)
      return failure();
    Value addend = op.getBias();
    if (bias.getRank() == 1 && bias.getDimSize(0) == 1 && outputs != 1)
      addend = BroadcastOp::create(builder, op.getLoc(), bias.clone({outputs}),
                                   addend);
    return replace<DenseOp>(op, {op.getInput(), weights, addend});
  }

  //===--------------------------------------------------------------------===//
  // Elementwise
  //===--------------------------------------------------------------------===//

  LogicalResult convert(tosa::MulOp op) {
    if (failed(checkZero(op, op.getShift(), "a shift")))
      return failure();
    return replace<MulOp>(op, {op.getInput1(), op.getInput2()});
  }

  LogicalResult convert(tosa::MaximumOp op) {
    return failed(checkNanMode(op)) ? failure() : replace<MaxOp>(op);
  }

  LogicalResult convert(tosa::MinimumOp op) {
    return failed(checkNanMode(op)) ? failure() : replace<MinOp>(op);
  }

  LogicalResult convert(tosa::ClampOp op) {
    auto low = dyn_cast<FloatAttr>(op.getMinVal());
    auto high = dyn_cast<FloatAttr>(op.getMaxVal());
    if (!low || !high)
      return op.emitOpError("clamps integers: only float networks are "
                            "supported");
    if (failed(checkNanMode(op)))
      return failure();
    // Exporters write "no bound" as the type's largest number.
    constexpr float infinity = std::numeric_limits<float>::infinity();
    auto bound = [](FloatAttr value) {
      APFloat largest = APFloat::getLargest(value.getValue().getSemantics(),
                                            value.getValue().isNegative());
      float number = static_cast<float>(value.getValueAsDouble());
      if (value.getValue().bitwiseIsEqual(largest))
        return value.getValue().isNegative() ? -infinity : infinity;
      return number;
    };
    float min = bound(low), max = bound(high);
    if (min == 0.0f && max == infinity)
      return activate(op, Function::relu);
    if (min == 0.0f && max == 6.0f)
      return activate(op, Function::relu6);
    return activate(op, Function::clip,
                    {named("alpha", builder.getF32FloatAttr(min)),
                     named("beta", builder.getF32FloatAttr(max))});
  }

  LogicalResult convert(tosa::NegateOp op) {
    if (failed(checkZero(op, op.getInput1Zp(), "a zero point of the input")) ||
        failed(checkZero(op, op.getOutputZp(), "a zero point of the output")))
      return failure();
    return activate(op, Function::neg);
  }

  LogicalResult compare(Operation *op, ComparePredicate predicate) {
    return replace<CompareOp>(
        op, op->getOperands(),
        {named("predicate",
               ComparePredicateAttr::get(builder.getContext(), predicate))});
  }
  LogicalResult convert(tosa::EqualOp op) {
    return compare(op, ComparePredicate::eq);
  }
  LogicalResult convert(tosa::GreaterOp op) {
    return compare(op, ComparePredicate::gt);
  }
  LogicalResult convert(tosa::GreaterEqualOp op) {
    return compare(op, ComparePredicate::ge);
  }

  LogicalResult convert(tosa::CastOp op) {
    Value input = op.getInput();
    Type to = getElementTypeOrSelf(op.getType());
    // TOSA rounds to nearest where ONNX, and so qnet, truncates.
    if (isa<FloatType>(getElementTypeOrSelf(input)) && to.isIntOrIndex() &&
        !to.isInteger(1)) {
      auto rounded = createChecked<ActivationOp>(
          builder, op.getLoc(), {input},
          {named("function",
                 FunctionAttr::get(builder.getContext(), Function::round))});
      if (!rounded)
        return failure();
      input = rounded;
    }
    auto cast = CastOp::create(builder, op.getLoc(), op.getType(), input);
    return failed(verify(cast)) ? failure() : finish(op, cast);
  }

  LogicalResult convert(tosa::IdentityOp op) {
    return finish(op, op.getInput1());
  }

  //===--------------------------------------------------------------------===//
  // Shapes and reductions
  //===--------------------------------------------------------------------===//

  LogicalResult convert(tosa::ReshapeOp op) {
    if (failed(constantShape(op, op.getShape(), "shape")))
      return failure();
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!type || !isa<RankedTensorType>(op.getInput1().getType()))
      return op.emitOpError("has a tensor of unknown rank: infer the shapes "
                            "first (--tosa-infer-shapes)");
    Value result = reshape(op.getLoc(), op.getInput1(), type.getShape());
    return result ? finish(op, result) : failure();
  }

  LogicalResult convert(tosa::TransposeOp op) {
    SmallVector<int64_t> permutation(op.getPerms());
    return replace<TransposeOp>(op, op.getInput1(),
                                {array("permutation", permutation)});
  }

  LogicalResult convert(tosa::ConcatOp op) {
    return replace<ConcatOp>(op, op.getInput1(),
                             {integer("axis", op.getAxis())});
  }

  LogicalResult convert(tosa::SliceOp op) {
    FailureOr<SmallVector<int64_t>> start =
        constantShape(op, op.getStart(), "start");
    FailureOr<SmallVector<int64_t>> size =
        constantShape(op, op.getSize(), "size");
    if (failed(start) || failed(size))
      return failure();
    SmallVector<int64_t> steps(start->size(), 1);
    return replace<SliceOp>(op, op.getInput1(),
                            {array("starts", *start), array("sizes", *size),
                             array("steps", steps)});
  }

  template <typename OpTy> LogicalResult reduce(OpTy op, ReduceKind kind) {
    return replace<ReduceOp>(
        op, op.getInput(),
        {named("kind", ReduceKindAttr::get(builder.getContext(), kind)),
         array("axes", static_cast<int64_t>(op.getAxis())),
         named("keep_dims", builder.getUnitAttr())});
  }

  LogicalResult convert(tosa::ArgMaxOp op) {
    auto index = createChecked<ArgmaxOp>(builder, op.getLoc(), {op.getInput()},
                                         {integer("axis", op.getAxis())});
    if (!index)
      return failure();
    auto type = cast<RankedTensorType>(index.getType())
                    .clone(getElementTypeOrSelf(op.getType()));
    return finish(op, CastOp::create(builder, op.getLoc(), type, index));
  }

  OpBuilder builder;
};

struct ConvertTosaToQnet
    : qnet::impl::ConvertTosaToQnetBase<ConvertTosaToQnet> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isa_and_nonnull<tosa::TosaDialect>(op->getDialect()))
        return WalkResult::advance();
      ops.push_back(op);
      return WalkResult::skip(); // regions are the op's own business
    });
    if (ops.empty())
      return markAllAnalysesPreserved();

    TosaConverter converter(&getContext());
    bool allConverted = true;
    for (Operation *op : ops)
      if (!isa<tosa::ConstShapeOp>(op))
        allConverted &= succeeded(converter.convertOp(op));
    if (!allConverted)
      return signalPassFailure();

    for (Operation *op : llvm::reverse(ops)) {
      if (!op->use_empty()) {
        op->emitOpError("is used by an op that is not TOSA: only constants of "
                        "TOSA's own ops are supported");
        return signalPassFailure();
      }
      op->erase();
    }
    // Zero points and shifts, which no one reads any more.
    SmallVector<ConstantOp> constants;
    getOperation().walk([&](ConstantOp op) { constants.push_back(op); });
    for (ConstantOp op : constants)
      if (op->use_empty())
        op->erase();
  }
};

} // namespace
