//===- EmitParallelEntry.cpp - a call on the caller's threads -------------===//
//
// Takes          NAME_run and NAME_workspace_size as emit-entry leaves them.
// Gives          NAME_run_parallel and NAME_parallel_workspace_size: NAME_run
//                of parts of the rows, in the caller's parallel-for.
// Why            a program without threads of its own serves callers with any.
// Not done here  the threads: a caller's, or those of a shared library (Emit).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "quantc/Lower/Passes.h"
#include "llvm/Support/Alignment.h"

#define DEBUG_TYPE "emit-parallel-entry"

namespace mlir::qnet {
#define GEN_PASS_DEF_EMITPARALLELENTRY
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// Rows are split in groups of as many as the tallest register tile has, so
/// that no part but the last has rows left over.
constexpr int64_t rowsOfGroup = 8;
/// Some CPUs fetch cache lines in pairs: parts that write keep this apart.
constexpr int64_t partAlignment = 128;

struct EmitParallelEntry
    : qnet::impl::EmitParallelEntryBase<EmitParallelEntry> {
  using EmitParallelEntryBase::EmitParallelEntryBase;

  void runOnOperation() override {
    run = getOperation().lookupSymbol<func::FuncOp>(name + "_run");
    auto bytes = getOperation()->getAttrOfType<IntegerAttr>(kWorkspaceAttr);
    auto ofRow =
        run ? run->getAttrOfType<DenseI64ArrayAttr>(kRowBytesAttr) : nullptr;
    if (!ofRow || !bytes) {
      getOperation().emitError("emit-parallel-entry: run emit-entry first");
      return signalPassFailure();
    }
    ImplicitLocOpBuilder b(run.getLoc(), &getContext());
    rowBytes.assign(ofRow.asArrayRef().begin(), ofRow.asArrayRef().end());
    for (auto function : getOperation().getOps<func::FuncOp>())
      function->removeAttr(kRowBytesAttr);
    // One copy of the kernels, whoever calls them.
    run->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
    size = b.getIntegerType(pointerBits);
    pointer = LLVM::LLVMPointerType::get(&getContext());
    // What a kernel reads past its buffers is no part's but its own.
    partBytes = llvm::alignTo(bytes.getInt() + kPlaceSlack, partAlignment);
    SmallVector<Type> fields(rowBytes.size() + 1, pointer);
    fields.append({size, size, size, size});
    call = LLVM::LLVMStructType::getLiteral(&getContext(), fields);

    writePart(b);
    writeRun(b);
    writeSize(b);
  }

  /// A new function at the end of the module; `b` goes on in its body.
  func::FuncOp begin(ImplicitLocOpBuilder &b, const Twine &symbol,
                     ArrayRef<Type> types, ArrayRef<Type> results = {}) {
    b.setInsertionPointToEnd(getOperation().getBody());
    auto function =
        func::FuncOp::create(b, b.getLoc(), symbol.str(),
                             FunctionType::get(&getContext(), types, results));
    b.setInsertionPointToStart(function.addEntryBlock());
    return function;
  }
  Value number(ImplicitLocOpBuilder &b, int64_t value) {
    return arith::ConstantOp::create(b, b.getIntegerAttr(size, value));
  }
  Value groupsOf(ImplicitLocOpBuilder &b, Value batch) {
    Value whole = arith::DivUIOp::create(b, batch, number(b, rowsOfGroup));
    Value left = arith::RemUIOp::create(b, batch, number(b, rowsOfGroup));
    Value some =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, left, number(b, 0));
    return arith::AddIOp::create(b, whole,
                                 arith::ExtUIOp::create(b, size, some));
  }
  /// As many parts as are asked for, but none without rows; at least one.
  Value usedParts(ImplicitLocOpBuilder &b, Value batch, Value parts) {
    Value most = arith::MinUIOp::create(b, parts, groupsOf(b, batch));
    return arith::MaxUIOp::create(b, most, number(b, 1));
  }
  /// Quotient and remainder, bit by bit: some CPUs have no division, and the
  /// program may call none.
  std::pair<Value, Value> divide(ImplicitLocOpBuilder &b, Value dividend,
                                 Value divisor) {
    Value one = number(b, 1), top = number(b, pointerBits - 1);
    auto loop =
        scf::ForOp::create(b, arith::ConstantIndexOp::create(b, 0),
                           arith::ConstantIndexOp::create(b, pointerBits),
                           arith::ConstantIndexOp::create(b, 1),
                           ValueRange{dividend, number(b, 0), number(b, 0)});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value bits = loop.getRegionIterArg(0), quotient = loop.getRegionIterArg(1),
          rest = loop.getRegionIterArg(2);
    rest = arith::OrIOp::create(b, arith::ShLIOp::create(b, rest, one),
                                arith::ShRUIOp::create(b, bits, top));
    Value fits =
        arith::CmpIOp::create(b, arith::CmpIPredicate::uge, rest, divisor);
    quotient = arith::OrIOp::create(b, arith::ShLIOp::create(b, quotient, one),
                                    arith::ExtUIOp::create(b, size, fits));
    rest = arith::SelectOp::create(
        b, fits, arith::SubIOp::create(b, rest, divisor), rest);
    scf::YieldOp::create(
        b, ValueRange{arith::ShLIOp::create(b, bits, one), quotient, rest});
    return {loop.getResult(1), loop.getResult(2)};
  }
  Value advance(ImplicitLocOpBuilder &b, Value start, Value count,
                int64_t bytes) {
    Value distance = arith::MulIOp::create(b, count, number(b, bytes));
    return LLVM::GEPOp::create(b, pointer, b.getI8Type(), start,
                               ArrayRef<LLVM::GEPArg>{distance});
  }
  Value fieldOf(ImplicitLocOpBuilder &b, Value context, unsigned index) {
    return LLVM::GEPOp::create(b, pointer, call, context,
                               ArrayRef<LLVM::GEPArg>{0, int32_t(index)});
  }
  std::string partName() { return name + "_run_part"; }

  /// What the caller's threads call: NAME_run of one part's rows.
  void writePart(ImplicitLocOpBuilder &b) {
    func::FuncOp part = begin(b, partName(), {pointer, size});
    part.setPrivate();
    part->setAttr("llvm.linkage",
                  LLVM::LinkageAttr::get(&getContext(),
                                         LLVM::linkage::Linkage::Internal));
    Value context = part.getArgument(0), index = part.getArgument(1);
    SmallVector<Value> values;
    for (auto [i, type] : llvm::enumerate(call.getBody()))
      values.push_back(LLVM::LoadOp::create(b, type, fieldOf(b, context, i)));
    Value longer = values.pop_back_val(), each = values.pop_back_val(),
          parts = values.pop_back_val(), batch = values.pop_back_val();
    // A parallel-for that counts too far does no harm.
    Value isPart =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, index, parts);
    auto branch = scf::IfOp::create(b, isPart, /*withElseRegion=*/false);
    func::ReturnOp::create(b);
    b.setInsertionPointToStart(branch.thenBlock());

    // The first `longer` parts have one group more.
    auto startOf = [&](Value which) -> Value {
      Value before =
          arith::AddIOp::create(b, arith::MulIOp::create(b, which, each),
                                arith::MinUIOp::create(b, which, longer));
      return arith::MulIOp::create(b, before, number(b, rowsOfGroup));
    };
    Value first = startOf(index);
    Value end = arith::MinUIOp::create(
        b, startOf(arith::AddIOp::create(b, index, number(b, 1))), batch);
    Value workspace = advance(b, values.pop_back_val(), index, partBytes);
    for (auto [value, bytes] : llvm::zip_equal(values, rowBytes))
      value = advance(b, value, first, bytes);
    values.push_back(arith::SubIOp::create(b, end, first));
    values.push_back(workspace);
    func::CallOp::create(b, run, values);
  }

  void writeRun(ImplicitLocOpBuilder &b) {
    unsigned tensors = rowBytes.size();
    SmallVector<Type> types(run.getArgumentTypes());
    types.append({size, pointer, pointer});
    func::FuncOp parallel = begin(b, name + "_run_parallel", types);
    // Once a call: not worth unrolled code.
    parallel->setAttr("passthrough", b.getStrArrayAttr({"minsize", "optsize"}));
    ArrayRef<BlockArgument> given = parallel.getArguments();
    Value batch = given[tensors], workspace = given[tensors + 1],
          parallelFor = given[tensors + 3], pool = given[tensors + 4];
    Value parts = usedParts(b, batch, given[tensors + 2]);
    Value context = LLVM::AllocaOp::create(b, pointer, call, number(b, 1));
    Value isOne =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, parts, number(b, 1));
    auto branch = scf::IfOp::create(b, isOne, /*withElseRegion=*/true);
    func::ReturnOp::create(b);

    b.setInsertionPointToStart(branch.thenBlock());
    func::CallOp::create(b, run, ValueRange(given.take_front(tensors + 2)));

    b.setInsertionPointToStart(branch.elseBlock());
    SmallVector<Value> values(given.take_front(tensors));
    auto [each, longer] = divide(b, groupsOf(b, batch), parts);
    values.append({workspace, batch, parts, each, longer});
    for (auto [i, value] : llvm::enumerate(values))
      LLVM::StoreOp::create(b, value, fieldOf(b, context, i));
    auto type = FunctionType::get(&getContext(), {pointer, size}, {});
    Value function = func::ConstantOp::create(b, type, partName());
    Value task =
        UnrealizedConversionCastOp::create(b, pointer, function).getResult(0);
    auto calls =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                    {pointer, size, pointer, pointer});
    LLVM::CallOp::create(b, calls,
                         ValueRange{parallelFor, pool, parts, task, context});
    if (auto names = getOperation()->getAttrOfType<ArrayAttr>(kClippedAttr))
      addCounts(b, workspace, parts, names.size());
  }

  /// Adds the counts of clipped values of all parts to those of the first.
  void addCounts(ImplicitLocOpBuilder &b, Value workspace, Value parts,
                 int64_t counters) {
    Value first = arith::ConstantIndexOp::create(b, 1);
    Value end = arith::IndexCastOp::create(b, b.getIndexType(), parts);
    auto loop = scf::ForOp::create(b, first, end, first);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value part = advance(
        b, workspace,
        arith::IndexCastOp::create(b, size, loop.getInductionVar()), partBytes);
    for (int64_t i = 0; i != counters; ++i) {
      auto at = [&](Value start) -> Value {
        return LLVM::GEPOp::create(
            b, pointer, b.getI8Type(), start,
            ArrayRef<LLVM::GEPArg>{int32_t(i * kCounterBytes)});
      };
      Value sum = LLVM::LoadOp::create(b, b.getI64Type(), at(workspace));
      Value more = LLVM::LoadOp::create(b, b.getI64Type(), at(part));
      LLVM::StoreOp::create(b, arith::AddIOp::create(b, sum, more),
                            at(workspace));
    }
  }

  void writeSize(ImplicitLocOpBuilder &b) {
    func::FuncOp function =
        begin(b, name + "_parallel_workspace_size", {size, size}, size);
    Value parts =
        usedParts(b, function.getArgument(0), function.getArgument(1));
    func::ReturnOp::create(
        b,
        ValueRange(
            arith::MulIOp::create(b, parts, number(b, partBytes)).getResult()));
  }

  func::FuncOp run;
  SmallVector<int64_t> rowBytes;
  int64_t partBytes = 0;
  Type size, pointer;
  /// Of one call: the tensors, the workspace, the batch, the parts, the groups
  /// of each part, and how many parts have one more.
  LLVM::LLVMStructType call;
};

} // namespace
