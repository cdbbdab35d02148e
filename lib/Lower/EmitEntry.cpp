//===- EmitEntry.cpp - the exported C functions
//----------------------------===//
//
// Takes          @rows on memrefs, its workspace assigned.
// Gives          NAME_run and NAME_workspace_size with the C types of the
// header. Why            any batch with a workspace of one block. Not done here
// the choice between CPUs (Codegen), the header (Emit).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Lower/Passes.h"

#define DEBUG_TYPE "emit-entry"

namespace mlir::qnet {
#define GEN_PASS_DEF_EMITENTRY
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

struct EmitEntry : qnet::impl::EmitEntryBase<EmitEntry> {
  using EmitEntryBase::EmitEntryBase;

  void runOnOperation() override {
    auto rows = getOperation().lookupSymbol<func::FuncOp>(kRowsFunction);
    auto bytes = getOperation()->getAttrOfType<IntegerAttr>(kWorkspaceAttr);
    auto block = getOperation()->getAttrOfType<IntegerAttr>(kBlockRowsAttr);
    if (!rows || !bytes || !block) {
      getOperation().emitError("emit-entry: run form-entry and "
                               "assign-workspace first");
      return signalPassFailure();
    }
    ImplicitLocOpBuilder b(rows.getLoc(), &getContext());
    b.setInsertionPointToEnd(getOperation().getBody());
    Type size = b.getIntegerType(pointerBits);
    writeRun(b, rows, size, block.getInt());

    if (packedEntry)
      writePackedRun(b, size);

    b.setInsertionPointToEnd(getOperation().getBody());
    auto function =
        func::FuncOp::create(b, b.getLoc(), name + "_workspace_size",
                             FunctionType::get(&getContext(), size, size));
    b.setInsertionPointToStart(function.addEntryBlock());
    Value result =
        arith::ConstantOp::create(b, b.getIntegerAttr(size, bytes.getInt()));
    func::ReturnOp::create(b, result);
  }

  void writeRun(ImplicitLocOpBuilder &b, func::FuncOp rows, Type size,
                int64_t blockRows) {
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    ArrayRef<Type> buffers = rows.getFunctionType().getInputs();
    unsigned tensors = buffers.size() - 1;
    SmallVector<Type> types(tensors, pointer);
    types.push_back(size);
    types.push_back(pointer);
    auto run =
        func::FuncOp::create(b, b.getLoc(), name + "_run",
                             FunctionType::get(&getContext(), types, {}));
    // The caller's buffers do not overlap: the header says so.
    for (unsigned i = 0; i < types.size(); ++i)
      if (types[i] == pointer)
        run.setArgAttr(i, "llvm.noalias", b.getUnitAttr());
    b.setInsertionPointToStart(run.addEntryBlock());
    Value batch = arith::IndexCastOp::create(b, b.getIndexType(),
                                             run.getArgument(tensors));
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value step = arith::ConstantIndexOp::create(b, blockRows);
    auto loop = scf::ForOp::create(b, zero, batch, step);
    func::ReturnOp::create(b);

    b.setInsertionPointToStart(loop.getBody());
    Value first = loop.getInductionVar();
    Value left = arith::SubIOp::create(b, batch, first);
    Value count = arith::MinUIOp::create(b, left, step);
    SmallVector<Value> arguments;
    for (unsigned i = 0; i < tensors; ++i)
      arguments.push_back(bufferOf(b, cast<MemRefType>(buffers[i]),
                                   run.getArgument(i), first, count));
    auto workspaceType = cast<MemRefType>(buffers.back());
    Value bytes = arith::ConstantIndexOp::create(
        b, getOperation()->getAttrOfType<IntegerAttr>(kWorkspaceAttr).getInt());
    arguments.push_back(
        bufferOf(b, workspaceType, run.getArgument(tensors + 1), zero, bytes));
    func::CallOp::create(b, rows, arguments);
  }

  /// For callers that do not know the number of tensors when they are compiled:
  /// loads the pointers from an array and calls NAME_run.
  void writePackedRun(ImplicitLocOpBuilder &b, Type size) {
    auto run = getOperation().lookupSymbol<func::FuncOp>(name + "_run");
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    b.setInsertionPointToEnd(getOperation().getBody());
    auto packed = func::FuncOp::create(
        b, b.getLoc(), name + "_run_packed",
        FunctionType::get(&getContext(), {pointer, size, pointer}, {}));
    b.setInsertionPointToStart(packed.addEntryBlock());
    SmallVector<Value> arguments;
    for (unsigned i = 0; i + 2 < run.getNumArguments(); ++i) {
      Value slot =
          LLVM::GEPOp::create(b, pointer, pointer, packed.getArgument(0),
                              ArrayRef<LLVM::GEPArg>{int32_t(i)});
      arguments.push_back(LLVM::LoadOp::create(b, pointer, slot));
    }
    arguments.push_back(packed.getArgument(1));
    arguments.push_back(packed.getArgument(2));
    func::CallOp::create(b, run, arguments);
    func::ReturnOp::create(b);
  }

  /// A memref over the caller's buffer from row `first` on. The descriptor is
  /// the one of MLIR's LLVM conversion: two pointers, offset, sizes, strides.
  Value bufferOf(ImplicitLocOpBuilder &b, MemRefType type, Value pointer,
                 Value first, Value count) {
    int64_t rank = type.getRank();
    Type index = b.getIntegerType(pointerBits);
    Type pointerType = pointer.getType();
    auto array = LLVM::LLVMArrayType::get(index, rank);
    auto descriptor = LLVM::LLVMStructType::getLiteral(
        &getContext(), {pointerType, pointerType, index, array, array});
    int64_t valuesPerRow = 1;
    for (int64_t dim : type.getShape().drop_front())
      valuesPerRow *= dim;
    Value values = arith::MulIOp::create(
        b, first,
        arith::ConstantIndexOp::create(
            b, valuesPerRow * type.getElementTypeBitWidth() / 8));
    Value bytes = arith::IndexCastOp::create(b, index, values);
    Value start = LLVM::GEPOp::create(b, pointerType, b.getI8Type(), pointer,
                                      ArrayRef<LLVM::GEPArg>{bytes});
    Value result = LLVM::UndefOp::create(b, descriptor);
    auto insert = [&](Value value, ArrayRef<int64_t> position) {
      result = LLVM::InsertValueOp::create(b, result, value, position);
    };
    auto number = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(b, index, b.getIntegerAttr(index, value));
    };
    insert(start, 0);
    insert(start, 1);
    insert(number(0), 2);
    int64_t stride = 1;
    for (int64_t d = rank - 1; d >= 0; --d) {
      Value size = type.isDynamicDim(d)
                       ? Value(arith::IndexCastOp::create(b, index, count))
                       : number(type.getDimSize(d));
      insert(size, {3, d});
      insert(number(stride), {4, d});
      stride *= type.isDynamicDim(d) ? 1 : type.getDimSize(d);
    }
    return UnrealizedConversionCastOp::create(b, type, result).getResult(0);
  }
};

} // namespace
