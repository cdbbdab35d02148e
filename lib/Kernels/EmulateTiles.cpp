//===- EmulateTiles.cpp - AMX by functions --------------------------------===//
//
// Takes          calls of AMX's intrinsics, in the LLVM dialect.
// Gives          calls of functions named by the instructions.
// Why            a kernel on tile registers runs, and is compared bit for bit,
//                where no machine has them.
// Not done here  the functions: the tests have them.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Kernels/Passes.h"

#define DEBUG_TYPE "emulate-tiles"

namespace mlir::qnet {
#define GEN_PASS_DEF_EMULATETILES
#include "quantc/Kernels/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Whether an intrinsic of x86 is on tile registers.
bool isOnTiles(StringRef name) {
  return llvm::is_contained(
      {"ldtilecfg", "tilerelease", "tileloadd64", "tilestored64", "tdpbusd"},
      name);
}

struct EmulateTiles : qnet::impl::EmulateTilesBase<EmulateTiles> {
  void runOnOperation() override {
    SmallVector<LLVM::CallIntrinsicOp> calls;
    getOperation().walk(
        [&](LLVM::CallIntrinsicOp call) { calls.push_back(call); });
    for (LLVM::CallIntrinsicOp call : calls) {
      StringRef name = call.getIntrin();
      if (!name.consume_front("llvm.x86.") || !isOnTiles(name))
        continue;
      ImplicitLocOpBuilder b(call.getLoc(), call);
      LLVM::CallOp::create(b, functionFor(name, call->getOperandTypes()),
                           call->getOperands());
      call.erase();
    }
  }

  LLVM::LLVMFuncOp functionFor(StringRef name, TypeRange operands) {
    std::string symbol = ("emulated_" + name).str();
    if (auto known = getOperation().lookupSymbol<LLVM::LLVMFuncOp>(symbol))
      return known;
    OpBuilder b = OpBuilder::atBlockBegin(getOperation().getBody());
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(&getContext()), SmallVector<Type>(operands));
    return LLVM::LLVMFuncOp::create(b, getOperation().getLoc(), symbol, type);
  }
};

} // namespace
