//===- CollectColumns.cpp - sums of single columns as one product ---------===//
//
// Takes          concat of columns, each a sum of columns of one f32 matrix
//                with constant factors.
// Gives          one product of the matrix's row by those factors, summed up.
// Why            exporters write the decision of a one-against-one machine
//                column by column: hundreds of ops for ten classes.
// Not done here  columns of several matrices; sums that nobody puts together.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "quantc/Dialect/Constants.h"
#include "quantc/Reference/PartLocation.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"

#include <map>

#define DEBUG_TYPE "collect-columns"

namespace mlir::qnet {
#define GEN_PASS_DEF_COLLECTCOLUMNS
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// constant + sum of factor * column of `source`; no source, no columns.
struct Sum {
  Value source;
  std::map<int64_t, double> factors;
  double constant = 0;
};

bool isColumn(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && type.getElementType().isF32() &&
         type.getDimSize(1) == 1;
}

/// Reads sums upwards. A value's sum is found once, however many read it.
class Sums {
public:
  std::optional<Sum> of(Value value) {
    if (auto known = found.find(value); known != found.end())
      return known->second;
    std::optional<Sum> sum = read(value);
    found[value] = sum;
    return sum;
  }

private:
  /// A constant of one element.
  static std::optional<Sum> number(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || !type.hasStaticShape() || type.getNumElements() != 1)
      return std::nullopt;
    FailureOr<std::vector<float>> values = readConstant<float>(value);
    if (failed(values))
      return std::nullopt;
    return Sum{{}, {}, (*values)[0]};
  }

  static std::optional<Sum> column(GatherOp op) {
    auto source = cast<RankedTensorType>(op.getInput().getType());
    FailureOr<std::vector<int64_t>> index =
        readConstant<int64_t>(op.getIndices());
    if (failed(index) || index->size() != 1 || op.getAxis() != 1 ||
        source.getRank() != 2 || source.isDynamicDim(1))
      return std::nullopt;
    const int64_t width = source.getDimSize(1);
    const int64_t at = (*index)[0] < 0 ? (*index)[0] + width : (*index)[0];
    if (at < 0 || at >= width)
      return std::nullopt;
    return Sum{op.getInput(), {{at, 1.0}}, 0};
  }

  static Sum scaled(Sum sum, double factor) {
    for (auto &[column, value] : sum.factors)
      value *= factor;
    sum.constant *= factor;
    return sum;
  }

  static std::optional<Sum> added(const std::optional<Sum> &lhs,
                                  const std::optional<Sum> &rhs, double sign) {
    if (!lhs || !rhs ||
        (lhs->source && rhs->source && lhs->source != rhs->source))
      return std::nullopt;
    Sum sum = *lhs;
    if (!sum.source)
      sum.source = rhs->source;
    for (auto [column, value] : rhs->factors)
      sum.factors[column] += sign * value;
    sum.constant += sign * rhs->constant;
    return sum;
  }

  std::optional<Sum> read(Value value) {
    if (std::optional<Sum> constant = number(value))
      return constant;
    if (!isColumn(value) || !value.getDefiningOp())
      return std::nullopt;
    Operation *op = value.getDefiningOp();
    if (auto gather = dyn_cast<GatherOp>(op))
      return column(gather);
    if (auto add = dyn_cast<AddOp>(op))
      return added(of(add.getLhs()), of(add.getRhs()), 1);
    if (auto sub = dyn_cast<SubOp>(op))
      return added(of(sub.getLhs()), of(sub.getRhs()), -1);
    if (auto activation = dyn_cast<ActivationOp>(op);
        activation && activation.getFunction() == Function::neg)
      if (std::optional<Sum> sum = of(activation.getInput()))
        return scaled(*sum, -1);
    return std::nullopt;
  }

  llvm::DenseMap<Value, std::optional<Sum>> found;
};

struct CollectColumns : qnet::impl::CollectColumnsBase<CollectColumns> {
  void runOnOperation() override {
    SmallVector<ConcatOp> ends;
    getOperation().walk([&](ConcatOp op) { ends.push_back(op); });
    Sums sums;
    for (ConcatOp op : ends)
      collect(op, sums);
    for (auto function : getOperation().getOps<func::FuncOp>())
      for (Operation &op : llvm::make_early_inc_range(
               llvm::reverse(function.getBody().front())))
        if (isOpTriviallyDead(&op))
          op.erase();
  }

  static void collect(ConcatOp op, Sums &sums) {
    SmallVector<Sum> columns;
    Value source;
    bool isSum = false;
    for (Value input : op.getInputs()) {
      std::optional<Sum> sum =
          isColumn(input) ? sums.of(input) : std::optional<Sum>();
      if (!sum || !sum->source || (source && sum->source != source))
        return;
      source = sum->source;
      isSum |= sum->factors.size() > 1;
      columns.push_back(std::move(*sum));
    }
    // Columns that are only picked are a gather's business.
    if (op.getAxis() != 1 || !isSum)
      return;
    const int64_t width =
        cast<RankedTensorType>(source.getType()).getDimSize(1);
    auto count = static_cast<int64_t>(columns.size());
    std::vector<float> weights(count * width, 0.0f), bias(count);
    for (auto [n, sum] : llvm::enumerate(columns)) {
      for (auto [column, factor] : sum.factors)
        weights[n * width + column] = static_cast<float>(factor);
      bias[n] = static_cast<float>(sum.constant);
    }
    OpBuilder builder(op);
    Type f32 = builder.getF32Type();
    // Not a dense layer, whose sums may be made in any order: what is compared
    // with 0 must be the same on every CPU.
    auto matrix = cast<RankedTensorType>(source.getType());
    const int64_t rows = matrix.getDimSize(0);
    Value factors =
        makeConstant<float>(builder, op.getLoc(), {count, width}, f32, weights);
    Value constant =
        makeConstant<float>(builder, op.getLoc(), {count}, f32, bias);
    auto part = [&](StringRef name) { return partLocation(op.getLoc(), name); };
    Value row = ReshapeOp::create(builder, part("row"),
                                  matrix.clone({rows, 1, width}), source);
    Value terms =
        MulOp::create(builder, part("terms"),
                      matrix.clone({rows, count, width}), row, factors);
    Value sum = ReduceOp::create(
        builder, part("sums"), cast<RankedTensorType>(op.getType()),
        ReduceKind::sum, terms, builder.getDenseI64ArrayAttr({2}),
        /*keep_dims=*/false);
    op.replaceAllUsesWith(
        AddOp::create(builder, op.getLoc(), op.getType(), sum, constant)
            .getResult());
    op.erase();
  }
};

} // namespace
