//===- ExpandKernels.cpp - kernels of support vectors as dense layers -----===//
//
// Takes          kernel ops whose vectors are constants.
// Gives          rbf         exp((2g V) x - g |v|^2 - g |x|^2)
//                polynomial  ((g V) x + c)^d, by products
//                sigmoid     tanh((g V) x + c)
//                with the product as a dense layer, frozen, and `qnet.finish`
//                on what follows it; the product and the layers of
//                coefficients behind it have fine weights.
// Why            the work is a product by constants, which is what is made
//                integers; the finish is a few operations a vector, in f32.
// Not done here  the affine before a kernel (it stays, in f32); the bias of
//                rounded vectors (quantize-weights).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Reference/PartLocation.h"

#include "mlir/IR/BuiltinOps.h"

#include <cmath>

#define DEBUG_TYPE "expand-kernels"

namespace mlir::qnet {
#define GEN_PASS_DEF_EXPANDKERNELS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// The support vectors, [count, features].
struct Vectors {
  std::vector<float> values;
  int64_t count = 0, features = 0;

  double at(int64_t row, int64_t feature) const {
    return values[row * features + feature];
  }
  double squaredLength(int64_t row) const {
    double sum = 0;
    for (int64_t k = 0; k < features; ++k)
      sum += at(row, k) * at(row, k);
    return sum;
  }
};

/// The vectors' mean where they lie far from 0 for what they differ: there
/// |x|^2 - 2 x v + |v|^2 would be a small difference of large numbers.
std::optional<std::vector<float>> centerOf(const Vectors &vectors) {
  std::vector<double> mean(vectors.features, 0.0);
  for (int64_t i = 0; i < vectors.count; ++i)
    for (int64_t k = 0; k < vectors.features; ++k)
      mean[k] += vectors.at(i, k) / static_cast<double>(vectors.count);
  double length = 0, squares = 0;
  for (double value : mean)
    length += value * value;
  for (int64_t i = 0; i < vectors.count; ++i)
    squares += vectors.squaredLength(i) / static_cast<double>(vectors.count);
  const double spread = squares - length;
  if (length <= spread)
    return std::nullopt;
  return std::vector<float>(mean.begin(), mean.end());
}

/// The work on one kernel op.
class Expansion {
public:
  Expansion(KernelOp op, Vectors vectors)
      : op(op), builder(op), vectors(std::move(vectors)), input(op.getInput()),
        gamma(op.getGamma().convertToFloat()) {}

  void run() {
    Value result = op.getKind() == KernelKind::rbf          ? rbf()
                   : op.getKind() == KernelKind::polynomial ? polynomial()
                                                            : sigmoid();
    // Coefficients cancel where many vectors are alike.
    if (op.getKind() != KernelKind::sigmoid)
      for (Operation *user : op->getUsers())
        if (auto coefficients = dyn_cast<DenseOp>(user))
          makeFine(coefficients);
    op.replaceAllUsesWith(result);
    op.erase();
  }

private:
  Location part(StringRef name) { return partLocation(op.getLoc(), name); }

  Value constant(ArrayRef<int64_t> shape, ArrayRef<float> values) {
    return makeConstant<float>(builder, op.getLoc(), shape,
                               builder.getF32Type(), values);
  }

  /// An op of the finish: in f32, between the product and what reads it.
  template <typename OpTy> Value finish(OpTy created) {
    created->setAttr(
        kFinishAttr,
        builder.getStringAttr("finish of a kernel: f32, a few operations for "
                              "each support vector"));
    return created.getResult();
  }

  void makeFine(DenseOp dense) {
    dense->setAttr(kFrozenAttr, builder.getUnitAttr());
    dense->setAttr(kFineWeightsAttr, builder.getUnitAttr());
  }

  /// scale V x + bias, frozen.
  DenseOp product(double scale, ArrayRef<float> bias) {
    std::vector<float> weights(vectors.values.size());
    for (size_t i = 0; i < weights.size(); ++i)
      weights[i] = static_cast<float>(scale * vectors.values[i]);
    Value weightValue = constant({vectors.count, vectors.features}, weights);
    Value biasValue = constant({vectors.count}, bias);
    auto dense =
        DenseOp::create(builder, part("product"), op.getType(), input,
                        weightValue, biasValue, Function::identity, {}, {});
    makeFine(dense);
    return dense;
  }

  void center() {
    std::optional<std::vector<float>> mean = centerOf(vectors);
    if (!mean)
      return;
    for (size_t i = 0; i < vectors.values.size(); ++i)
      vectors.values[i] -= (*mean)[i % vectors.features];
    input = SubOp::create(builder, part("centered"), input.getType(), input,
                          constant({vectors.features}, *mean));
  }

  Value rbf() {
    center();
    std::vector<float> bias(vectors.count);
    for (int64_t i = 0; i < vectors.count; ++i)
      bias[i] = static_cast<float>(-gamma * vectors.squaredLength(i));
    DenseOp dense = product(2 * gamma, bias);
    dense->setAttr(kRbfGammaAttr, builder.getF32FloatAttr(gamma));
    auto type = cast<RankedTensorType>(op.getType());
    SmallVector<int64_t> column(type.getShape());
    column.back() = 1;
    const int64_t last = type.getRank() - 1;
    Value length = finish(ReduceOp::create(
        builder, part("squares"), type.clone(column), ReduceKind::sum_square,
        input, builder.getDenseI64ArrayAttr({last}), /*keep_dims=*/true));
    Value scaled =
        finish(MulOp::create(builder, part("length"), type.clone(column),
                             length, constant({1}, {float(gamma)})));
    Value exponent =
        finish(SubOp::create(builder, part("exponent"), type, dense, scaled));
    return finish(ActivationOp::create(builder, op.getLoc(), type,
                                       Function::exp, exponent, {}, {}));
  }

  Value polynomial() {
    const float coef0 = op.getCoef0().convertToFloat();
    Value base =
        product(gamma, std::vector<float>(vectors.count, coef0)).getResult();
    const auto degree = static_cast<int64_t>(op.getDegree());
    Value result = base;
    // By the bits of the degree below its highest one.
    for (int bit = llvm::Log2_64(degree) - 1; bit >= 0; --bit) {
      result = times(result, result, "square");
      if ((degree >> bit) & 1)
        result = times(result, base, "power");
    }
    if (Operation *last = result.getDefiningOp())
      last->setLoc(op.getLoc());
    return result;
  }

  Value times(Value lhs, Value rhs, StringRef name) {
    return finish(MulOp::create(builder, part(name), op.getType(), lhs, rhs));
  }

  /// A layer like any other.
  Value sigmoid() {
    const float coef0 = op.getCoef0().convertToFloat();
    DenseOp dense = product(gamma, std::vector<float>(vectors.count, coef0));
    dense->removeAttr(kFrozenAttr);
    dense->removeAttr(kFineWeightsAttr);
    return ActivationOp::create(builder, op.getLoc(), op.getType(),
                                Function::tanh, dense.getResult(), {}, {});
  }

  KernelOp op;
  OpBuilder builder;
  Vectors vectors;
  Value input;
  double gamma;
};

struct ExpandKernels : qnet::impl::ExpandKernelsBase<ExpandKernels> {
  void runOnOperation() override {
    SmallVector<KernelOp> kernels;
    getOperation().walk([&](KernelOp op) { kernels.push_back(op); });
    for (KernelOp op : kernels)
      if (failed(expand(op)))
        return signalPassFailure();
  }

  static LogicalResult expand(KernelOp op) {
    auto type = cast<RankedTensorType>(op.getVectors().getType());
    FailureOr<std::vector<float>> values = readConstant<float>(op.getVectors());
    if (failed(values) || !type.getElementType().isF32())
      return op.emitError()
             << nodeText(op)
             << " has support vectors that are no f32 constants; only those "
                "can be compiled";
    if (!llvm::all_of(*values, [](float v) { return std::isfinite(v); }))
      return op.emitError() << nodeText(op)
                            << " has support vectors that are not finite; "
                               "train or export the model again";
    Vectors vectors{std::move(*values), type.getDimSize(0), type.getDimSize(1)};
    Expansion(op, std::move(vectors)).run();
    return success();
  }
};

} // namespace
