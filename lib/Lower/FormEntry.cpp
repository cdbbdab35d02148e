//===- FormEntry.cpp - @main to a function of caller-owned buffers
//---------===//
//
// Takes          @main(tensors) -> tensors in upstream ops and packed_dense.
// Gives          @rows(input memrefs, output memrefs, workspace) with the
//                results materialized in the outputs; the functions of
//                split-entry the same way, under their names.
// Why            the compiled program allocates nothing.
// Not done here  bufferization of the body, places in the workspace.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Lower/Passes.h"

#define DEBUG_TYPE "form-entry"

namespace mlir::qnet {
#define GEN_PASS_DEF_FORMENTRY
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct FormEntry : qnet::impl::FormEntryBase<FormEntry> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal() || !main.getBody().hasOneBlock()) {
      getOperation().emitError("form-entry: the module has no function @main "
                               "with one block");
      return signalPassFailure();
    }
    main.setName(kRowsFunction);
    if (auto one = getOperation().lookupSymbol<func::FuncOp>(
            ("main" + kOneRowSuffix).str()))
      one.setName((kRowsFunction + kOneRowSuffix).str());
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && failed(form(function)))
        return signalPassFailure();
  }

  LogicalResult form(func::FuncOp function) {
    Block &body = function.getBody().front();
    auto bufferOf = [&](Type type) -> Type {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor
                 ? MemRefType::get(tensor.getShape(), tensor.getElementType())
                 : Type();
    };
    SmallVector<Type> types;
    for (Type type : function.getFunctionType().getInputs())
      types.push_back(bufferOf(type));
    for (Type type : function.getFunctionType().getResults())
      types.push_back(bufferOf(type));
    if (llvm::is_contained(types, Type()))
      return function.emitError(
          "form-entry: every input and output must be a ranked tensor");
    OpBuilder builder(&getContext());
    types.push_back(
        MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()));

    // Inputs: tensors over the caller's read-only buffers.
    builder.setInsertionPointToStart(&body);
    unsigned inputs = body.getNumArguments();
    for (unsigned i = 0; i < inputs; ++i) {
      BlockArgument argument = body.getArgument(i);
      Type tensor = argument.getType();
      argument.setType(types[i]);
      auto view = bufferization::ToTensorOp::create(
          builder, argument.getLoc(), tensor, argument, /*restrict=*/true,
          /*writable=*/false);
      argument.replaceAllUsesExcept(view.getResult(), view);
    }
    // Outputs: written in place.
    auto ret = cast<func::ReturnOp>(body.getTerminator());
    builder.setInsertionPoint(ret);
    for (auto [i, result] : llvm::enumerate(ret.getOperands())) {
      Value out = body.addArgument(types[inputs + i], result.getLoc());
      bufferization::MaterializeInDestinationOp::create(
          builder, result.getLoc(), /*result=*/Type(), result, out,
          /*restrict=*/true, /*writable=*/true);
    }
    body.addArgument(types.back(), function.getLoc());
    func::ReturnOp::create(builder, ret.getLoc());
    ret.erase();

    function.setFunctionType(FunctionType::get(&getContext(), types, {}));
    function.removeArgAttrsAttr();
    function.removeResAttrsAttr();
    function.setPrivate();
    function->setAttr("llvm.linkage",
                      LLVM::LinkageAttr::get(&getContext(),
                                             LLVM::linkage::Linkage::Internal));
    // One row: what its caller needs, and where everything is known.
    if (function.getName().ends_with(kOneRowSuffix))
      function->setAttr("passthrough",
                        builder.getStrArrayAttr({"alwaysinline"}));
    return success();
  }
};

} // namespace
