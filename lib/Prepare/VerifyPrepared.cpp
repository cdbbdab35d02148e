//===- VerifyPrepared.cpp - what Calibrate and Quantize may assume --------===//
//
// Takes          any module.
// Gives          the same module, or an error for every broken row P1 to P7.
// Why            the next stage meets no surprise, and a user learns which node
//                cannot be compiled.
// Not done here  changing anything.
//
//===----------------------------------------------------------------------===//
#include "quantc/Prepare/Passes.h"

#include "RowAnalysis.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Reference/PartLocation.h"

#include "mlir/IR/BuiltinOps.h"

#include <cmath>

#define DEBUG_TYPE "verify-prepared"

namespace mlir::qnet {
#define GEN_PASS_DEF_VERIFYPREPARED
#include "quantc/Prepare/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct VerifyPrepared : qnet::impl::VerifyPreparedBase<VerifyPrepared> {
  void runOnOperation() override {
    sound = true;
    auto function = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!function || !llvm::hasSingleElement(function.getBody()))
      violation("P1", getOperation(),
                "the module has no function @main of one "
                "block; import a model first");
    else
      checkFunction(function);
    if (!sound)
      signalPassFailure();
  }

private:
  InFlightDiagnostic violation(StringRef row, Operation *op,
                               const Twine &text) {
    sound = false;
    return op->emitError() << text << " [" DEBUG_TYPE " " << row << "]";
  }

  void checkFunction(func::FuncOp function) {
    if (function.getNumArguments() == 0 || function.getNumResults() == 0)
      violation("P1", function,
                "@main needs at least one input and one output");
    bool batchIsDynamic = true;
    for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || !realType(tensor.getElementType()).isF32()) {
        auto diagnostic =
            violation("P2", function,
                      "input " + Twine(index) + inputName(function, index) +
                          " is not an f32 tensor; convert the model's "
                          "input to float32");
        diagnostic.attachNote() << "its type is " << type;
        batchIsDynamic = false;
      } else if (tensor.getRank() == 0 ||
                 tensor.getShape().drop_front().size() !=
                     static_cast<size_t>(llvm::count_if(
                         tensor.getShape().drop_front(), [](int64_t d) {
                           return !ShapedType::isDynamic(d);
                         }))) {
        violation("P6", function,
                  "input " + Twine(index) + inputName(function, index) +
                      " must have a batch dimension in front and fixed "
                      "dimensions behind it");
        batchIsDynamic = false;
      }
    }
    for (Operation &op : function.getBody().front())
      checkOp(&op);
    if (sound && batchIsDynamic)
      checkRows(function);
  }

  static std::string inputName(func::FuncOp function, unsigned index) {
    auto name = function.getArgAttrOfType<StringAttr>(index, kNameAttr);
    return name ? (" ('" + name.getValue() + "')").str() : std::string();
  }

  void checkOp(Operation *op) {
    if (isa<func::ReturnOp>(op))
      return;
    if (!isa<QnetDialect>(op->getDialect())) {
      violation("P1", op,
                nodeText(op) + " is no qnet op; only qnet ops and "
                               "return may stand in @main");
      return;
    }
    for (Type type : op->getResultTypes()) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      Type element = tensor ? realType(tensor.getElementType()) : type;
      if (isa<FloatType>(element) && !element.isF32()) {
        violation("P2", op,
                  nodeText(op) + " computes in another float type "
                                 "than f32; convert the model to "
                                 "float32")
                .attachNote()
            << "its type is " << type;
        return;
      }
    }
    if (isa<BatchNormOp>(op))
      violation("P3", op,
                nodeText(op) + " has parameters that are not constants "
                               "or not finite; freeze the model for "
                               "inference");
    if (auto matmul = dyn_cast<MatmulOp>(op))
      if (matchPattern(matmul.getLhs(), m_Constant()) ||
          matchPattern(matmul.getRhs(), m_Constant()))
        violation("P4", op,
                  nodeText(op) + " multiplies by a constant that is no "
                                 "single f32 matrix, which is no dense "
                                 "layer");
    if (isa<PowOp>(op))
      violation("P7", op,
                nodeText(op) + " is a power by exponents that are computed or "
                               "not finite, or of a value of fewer features "
                               "than exponents; write it in products, or in "
                               "exp and log");
    if (auto dense = dyn_cast<DenseOp>(op))
      checkConstants(dense);
  }

  void checkConstants(DenseOp op) {
    for (Value operand : op->getOperands().drop_front()) {
      StringRef what = operand == op.getWeights() ? "weights" : "bias";
      FailureOr<std::vector<float>> values = readConstant<float>(operand);
      if (failed(values)) {
        violation("P5", op,
                  nodeText(op) + " has " + what +
                      " that are computed "
                      "from the input or not f32; only constant f32 ones "
                      "can be compiled");
        continue;
      }
      auto bad = llvm::find_if(
          *values, [](float value) { return !std::isfinite(value); });
      if (bad != values->end())
        violation("P5", op,
                  nodeText(op) + " has " + what +
                      " that are not "
                      "finite: element " +
                      Twine(bad - values->begin()) +
                      (std::isnan(*bad) ? " is NaN" : " is infinite") +
                      "; train or export the model again");
    }
  }

  void checkRows(func::FuncOp function) {
    int64_t rows = ShapedType::kDynamic;
    for (Type type : function.getArgumentTypes())
      if (int64_t size = cast<RankedTensorType>(type).getDimSize(0);
          !ShapedType::isDynamic(size))
        rows = size;
    // With a fixed batch the analysis says which op kept it from going.
    RowAnalysis analysis(function, rows);
    if (!analysis.succeeded())
      violation("P6", analysis.failedOp(),
                nodeText(analysis.failedOp()) + " " + analysis.reason() +
                    "; every row must be computed from itself alone, as in "
                    "inference");
    else if (!ShapedType::isDynamic(rows))
      violation("P6", function,
                "the batch dimension of the inputs is not dynamic; run "
                "generalize-batch, or export the model with a dynamic batch");
  }

  bool sound = true;
};

} // namespace
