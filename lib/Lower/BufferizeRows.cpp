//===- BufferizeRows.cpp - tensors of @rows to buffers
//---------------------===//
//
// Takes          @rows as form-entry leaves it.
// Gives          the same on memrefs; memref.alloc for what lies between.
// Why            upstream's bufferization, told to copy by loops.
// Not done here  where the buffers lie (assign-workspace).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Lower/Passes.h"

#define DEBUG_TYPE "bufferize-rows"

namespace mlir::qnet {
#define GEN_PASS_DEF_BUFFERIZEROWS
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Ops that write their one destination, and have the same form on buffers.
template <typename OpTy>
struct DestinationModel
    : bufferization::DstBufferizableOpInterfaceExternalModel<
          DestinationModel<OpTy>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const bufferization::AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const bufferization::BufferizationOptions &options,
                          bufferization::BufferizationState &state) const {
    SmallVector<Value> buffers;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> buffer =
          bufferization::getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
    }
    rewriter.setInsertionPoint(op);
    OperationState onBuffers(op->getLoc(), op->getName(), buffers, TypeRange{},
                             llvm::to_vector(op->getDiscardableAttrs()));
    onBuffers.propertiesAttr = op->getPropertiesAsAttribute();
    rewriter.create(onBuffers);
    Value destination =
        buffers[cast<OpTy>(op).getInitMutable().getOperandNumber()];
    bufferization::replaceOpWithBufferizedValues(rewriter, op, destination);
    return success();
  }
};

/// Gives each use of an initial tensor one of its own. Of several uses only the
/// first can be written in place of a result, and upstream's elimination of
/// empty tensors takes them all for that result's buffer.
template <typename OpTy> void makeOwn(func::FuncOp function) {
  SmallVector<OpTy> shared;
  function.walk([&](OpTy op) {
    if (!op->use_empty() && !op->hasOneUse())
      shared.push_back(op);
  });
  for (OpTy op : shared)
    for (OpOperand &use : llvm::make_early_inc_range(
             llvm::drop_begin(op->getResult(0).getUses())))
      use.set(OpBuilder(op).clone(*op)->getResult(0));
}

struct BufferizeRows : qnet::impl::BufferizeRowsBase<BufferizeRows> {
  void runOnOperation() override {
    bufferization::OneShotBufferizationOptions options;
    options.bufferAlignment = 64;
    options.memCpyFn = [](OpBuilder &b, Location loc, Value from, Value to) {
      linalg::makeMemRefCopyOp(b, loc, from, to);
      return success();
    };
    bufferization::BufferizationState state;
    IRRewriter rewriter(&getContext());
    ModuleOp module = getOperation();
    for (auto function : module.getOps<func::FuncOp>()) {
      makeOwn<linalg::FillOp>(function);
      makeOwn<tensor::EmptyOp>(function);
      if (failed(bufferization::eliminateEmptyTensors(rewriter, function)))
        return signalPassFailure();
    }
    if (failed(bufferization::runOneShotBufferize(module, options, state)))
      signalPassFailure();
  }
};

} // namespace

void mlir::qnet::registerBufferizationModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, QnetDialect *) {
    PackedDenseOp::attachInterface<DestinationModel<PackedDenseOp>>(*context);
    PairRowsOp::attachInterface<DestinationModel<PairRowsOp>>(*context);
    GroupSumsOp::attachInterface<DestinationModel<GroupSumsOp>>(*context);
  });
}
