//===- GeneralizeBatch.cpp - a fixed batch size becomes a dynamic one -----===//
//
// Takes          @main with one static leading dimension in all arguments.
// Gives          the same function on any number of rows.
// Why            exporters bake the batch of their example input in; the
//                compiled program takes the batch as an argument.
// Not done here  refusing graphs that mix rows (verify-prepared).
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "RowAnalysis.h"
#include "quantc/Reference/PartLocation.h"

#include "mlir/IR/BuiltinOps.h"

#define DEBUG_TYPE "generalize-batch"

namespace mlir::qnet {
#define GEN_PASS_DEF_GENERALIZEBATCH
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct GeneralizeBatch : qnet::impl::GeneralizeBatchBase<GeneralizeBatch> {
  using GeneralizeBatchBase::GeneralizeBatchBase;

  void runOnOperation() override {
    auto function = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!function || !llvm::hasSingleElement(function.getBody()))
      return;
    std::optional<int64_t> rows = commonRows(function);
    if (!rows)
      return;
    RowAnalysis analysis(function, *rows);
    if (!analysis.succeeded()) {
      if (explain)
        analysis.failedOp()->emitRemark()
            << "the batch of " << *rows
            << " stays fixed: " << nodeText(analysis.failedOp()) << " "
            << analysis.reason();
      return;
    }
    for (auto [value, dimension] : analysis.rowDimensions())
      makeDynamic(value, dimension);
    function.walk([&](SliceOp slice) { takeAllRows(slice, analysis); });
    Operation *terminator = function.getBody().front().getTerminator();
    function.setFunctionType(FunctionType::get(
        &getContext(), function.getBody().front().getArgumentTypes(),
        terminator->getOperandTypes()));
  }

private:
  /// The static size of dimension 0 that all arguments share.
  std::optional<int64_t> commonRows(func::FuncOp function) {
    std::optional<int64_t> rows;
    for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      std::string problem;
      if (!tensor || tensor.getRank() == 0)
        problem = "has no leading dimension";
      else if (tensor.isDynamicDim(0))
        problem = rows ? "has a dynamic batch, others a fixed one" : "";
      else if (tensor.getNumDynamicDims() != 0)
        problem = "has a dynamic dimension that is not the first";
      else if (tensor.getDimSize(0) < 1)
        problem = "has no rows";
      else if (rows && *rows != tensor.getDimSize(0))
        problem = "has " + std::to_string(tensor.getDimSize(0)) +
                  " rows, others have " + std::to_string(*rows);
      else {
        rows = tensor.getDimSize(0);
        continue;
      }
      if (explain && !problem.empty())
        function.emitRemark()
            << "the batch stays as it is: argument " << index << " " << problem;
      return std::nullopt;
    }
    return rows;
  }

  static void makeDynamic(Value value, int64_t dimension) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[dimension] = ShapedType::kDynamic;
    value.setType(type.clone(shape));
  }

  static void takeAllRows(SliceOp slice, const RowAnalysis &analysis) {
    const auto *found = analysis.rowDimensions().find(slice.getInput());
    if (found == analysis.rowDimensions().end())
      return;
    SmallVector<int64_t> sizes(slice.getSizes());
    sizes[found->second] = -1; // the whole dynamic dimension
    slice.setSizes(sizes);
  }
};

} // namespace
