//===- EmitEntry.cpp - the exported C functions ---------------------------===//
//
// Takes          @rows on memrefs, its workspace assigned, and what split-entry
//                put beside it.
// Gives          NAME_run, NAME_run_i8 and NAME_workspace_size with the C types
//                of the header.
// Why            any batch with a workspace of one block.
// Not done here  several threads (emit-parallel-entry), the choice between CPUs
//                (Codegen), the header (Emit).
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
    rows = getOperation().lookupSymbol<func::FuncOp>(kRowsFunction);
    auto bytes = getOperation()->getAttrOfType<IntegerAttr>(kWorkspaceAttr);
    auto block = getOperation()->getAttrOfType<IntegerAttr>(kBlockRowsAttr);
    if (!rows || !bytes || !block) {
      getOperation().emitError("emit-entry: run form-entry and "
                               "assign-workspace first");
      return signalPassFailure();
    }
    ImplicitLocOpBuilder b(rows.getLoc(), &getContext());
    size = b.getIntegerType(pointerBits);
    blockRows = block.getInt();
    innerBytes = workspaceBytes = bytes.getInt();
    if (auto names = getOperation()->getAttrOfType<ArrayAttr>(kClippedAttr))
      counters = names.size();
    counterBytes = llvm::alignTo(counters * kCounterBytes, kPlaceAlignment);

    writeRun(b, name + "_run", kEnterFunction, {});
    if (find(kEnterI8Function))
      writeRun(b, name + "_run_i8", kEnterI8Function, kLeaveI8Function);
    if (packedEntry)
      writePackedRun(b);
    if (counters != 0)
      writeClipped(b);
    workspaceBytes += counterBytes;

    b.setInsertionPointToEnd(getOperation().getBody());
    auto function =
        func::FuncOp::create(b, b.getLoc(), name + "_workspace_size",
                             FunctionType::get(&getContext(), size, size));
    b.setInsertionPointToStart(function.addEntryBlock());
    Value result =
        arith::ConstantOp::create(b, b.getIntegerAttr(size, workspaceBytes));
    func::ReturnOp::create(b, result);
    getOperation()->setAttr(kWorkspaceAttr,
                            b.getI64IntegerAttr(workspaceBytes));
  }

  func::FuncOp find(const Twine &function) {
    return getOperation().lookupSymbol<func::FuncOp>(function.str());
  }

  /// What a block of rows goes through. `enter` and `leave` may be null; both
  /// have as many tensors on either side.
  struct Way {
    func::FuncOp enter, rows, leave;

    static ArrayRef<Type> tensorsOf(func::FuncOp function) {
      return function.getFunctionType().getInputs().drop_back();
    }
    static size_t countOf(func::FuncOp conversion) {
      return conversion ? tensorsOf(conversion).size() / 2 : 0;
    }
    /// The types that the caller's tensors have.
    SmallVector<Type> outer() {
      ArrayRef<Type> inner = tensorsOf(rows);
      SmallVector<Type> types(inner);
      if (enter)
        llvm::copy(tensorsOf(enter).take_front(countOf(enter)), types.begin());
      if (leave)
        llvm::copy(tensorsOf(leave).take_back(countOf(leave)),
                   types.end() - countOf(leave));
      return types;
    }
  };

  /// An exported function that sends one block of rows after the other through
  /// the functions of these names; "" is none.
  void writeRun(ImplicitLocOpBuilder &b, const Twine &symbol, StringRef enter,
                StringRef leave) {
    Way way{find(enter), rows, find(leave)};
    unsigned tensors = Way::tensorsOf(rows).size() - hasCounts();
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    SmallVector<Type> types(tensors, pointer);
    types.push_back(size);
    types.push_back(pointer);
    b.setInsertionPointToEnd(getOperation().getBody());
    auto run =
        func::FuncOp::create(b, b.getLoc(), symbol.str(),
                             FunctionType::get(&getContext(), types, {}));
    // The caller's buffers do not overlap: the header says so.
    for (unsigned i = 0; i < types.size(); ++i)
      if (types[i] == pointer)
        run.setArgAttr(i, "llvm.noalias", b.getUnitAttr());
    SmallVector<int64_t> rowBytes;
    SmallVector<Type> outer = way.outer();
    for (Type type : ArrayRef(outer).take_front(tensors))
      rowBytes.push_back(bytesPerRow(cast<MemRefType>(type)));
    run->setAttr(kRowBytesAttr, b.getDenseI64ArrayAttr(rowBytes));
    b.setInsertionPointToStart(run.addEntryBlock());
    for (unsigned i = 0; i < counters; ++i)
      LLVM::StoreOp::create(
          b, arith::ConstantOp::create(b, b.getI64IntegerAttr(0)),
          counterAt(b, run.getArguments().back(), i));
    Value batch = arith::IndexCastOp::create(b, b.getIndexType(),
                                             run.getArgument(tensors));
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value one = arith::ConstantIndexOp::create(b, 1);

    if (func::FuncOp oneRow = find(kRowsFunction + kOneRowSuffix)) {
      Value isOne =
          arith::CmpIOp::create(b, arith::CmpIPredicate::eq, batch, one);
      auto branch = scf::IfOp::create(b, isOne, /*withElseRegion=*/true);
      func::ReturnOp::create(b);
      auto specialized = [&](StringRef function) {
        return function.empty() ? func::FuncOp()
                                : find(function + kOneRowSuffix);
      };
      b.setInsertionPointToStart(branch.thenBlock());
      writeBlock(b, {specialized(enter), oneRow, specialized(leave)}, run, zero,
                 one);
      b.setInsertionPointToStart(branch.elseBlock());
    } else {
      auto end = func::ReturnOp::create(b);
      b.setInsertionPoint(end);
    }
    Value step = arith::ConstantIndexOp::create(b, blockRows);
    auto loop = scf::ForOp::create(b, zero, batch, step);
    b.setInsertionPointToStart(loop.getBody());
    Value first = loop.getInductionVar();
    Value left = arith::SubIOp::create(b, batch, first);
    writeBlock(b, way, run, first, arith::MinUIOp::create(b, left, step));
  }

  /// The calls for `count` rows from row `first` on.
  void writeBlock(ImplicitLocOpBuilder &b, Way way, func::FuncOp run,
                  Value first, Value count) {
    ArrayRef<Type> inner = Way::tensorsOf(way.rows);
    SmallVector<Type> outer = way.outer();
    unsigned tensors = inner.size() - hasCounts();
    size_t inputs = Way::countOf(way.enter), outputs = Way::countOf(way.leave);
    Value start = run.getArguments().back();
    Type pointer = start.getType();
    // The counts come first, where NAME_clipped finds them whatever the CPU.
    Value workspace = counters == 0
                          ? start
                          : LLVM::GEPOp::create(
                                b, pointer, b.getI8Type(), start,
                                ArrayRef<LLVM::GEPArg>{int32_t(counterBytes)});
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value bytes = arith::ConstantIndexOp::create(b, innerBytes);
    Value scratch = bufferOf(
        b, cast<MemRefType>(way.rows.getFunctionType().getInputs().back()),
        workspace, zero, bytes);
    // What lies between a conversion and @rows has its place behind what @rows
    // itself uses.
    int64_t place = innerBytes;
    SmallVector<Value> outside, inside;
    for (unsigned i = 0; i < inner.size(); ++i) {
      if (i < tensors)
        outside.push_back(bufferOf(b, cast<MemRefType>(outer[i]),
                                   run.getArgument(i), first, count));
      if (i >= inputs && i + outputs < tensors) {
        inside.push_back(outside.back());
        continue;
      }
      auto type = cast<MemRefType>(inner[i]);
      Value start = LLVM::GEPOp::create(b, pointer, b.getI8Type(), workspace,
                                        ArrayRef<LLVM::GEPArg>{int32_t(place)});
      inside.push_back(bufferOf(b, type, start, zero, count));
      place += llvm::alignTo(bytesPerRow(type) * blockRows + kPlaceSlack,
                             kPlaceAlignment);
    }
    workspaceBytes = std::max(workspaceBytes, place);
    auto call = [&](func::FuncOp function, SmallVector<Value> arguments) {
      arguments.push_back(scratch);
      func::CallOp::create(b, function, arguments);
    };
    auto join = [](ArrayRef<Value> from, ArrayRef<Value> to) {
      SmallVector<Value> both(from);
      llvm::append_range(both, to);
      return both;
    };
    ArrayRef<Value> in(inside), out(outside);
    if (way.enter)
      call(way.enter, join(out.take_front(inputs), in.take_front(inputs)));
    call(way.rows, inside);
    if (way.leave)
      call(way.leave, join(in.take_back(outputs), out.take_back(outputs)));
    for (unsigned i = 0; i < counters; ++i)
      addCounts(b, in.back(), i, count, counterAt(b, start, i));
  }

  /// The place of a 64-bit count in the workspace.
  Value counterAt(ImplicitLocOpBuilder &b, Value workspace, unsigned index) {
    return LLVM::GEPOp::create(
        b, workspace.getType(), b.getI8Type(), workspace,
        ArrayRef<LLVM::GEPArg>{int32_t(index * kCounterBytes)});
  }

  /// Adds the numbers of `rows` rows in a column of @rows' last result to a
  /// count.
  void addCounts(ImplicitLocOpBuilder &b, Value numbers, unsigned column,
                 Value rows, Value counter) {
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value one = arith::ConstantIndexOp::create(b, 1);
    Value before = LLVM::LoadOp::create(b, b.getI64Type(), counter);
    auto loop = scf::ForOp::create(b, zero, rows, one, ValueRange{before});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value at[] = {loop.getInductionVar(),
                    arith::ConstantIndexOp::create(b, column)};
      Value number = memref::LoadOp::create(b, numbers, at);
      Value whole = arith::FPToSIOp::create(b, b.getI32Type(), number);
      Value wide = arith::ExtUIOp::create(b, b.getI64Type(), whole);
      Value sum = arith::AddIOp::create(b, loop.getRegionIterArg(0), wide);
      scf::YieldOp::create(b, sum);
    }
    LLVM::StoreOp::create(b, loop.getResult(0), counter);
  }

  /// Copies the counts out of the workspace.
  void writeClipped(ImplicitLocOpBuilder &b) {
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    b.setInsertionPointToEnd(getOperation().getBody());
    auto function = func::FuncOp::create(
        b, b.getLoc(), name + "_clipped",
        FunctionType::get(&getContext(), {pointer, pointer}, {}));
    b.setInsertionPointToStart(function.addEntryBlock());
    for (unsigned i = 0; i < counters; ++i) {
      Value count = LLVM::LoadOp::create(
          b, b.getI64Type(), counterAt(b, function.getArgument(0), i));
      LLVM::StoreOp::create(b, count, counterAt(b, function.getArgument(1), i));
    }
    func::ReturnOp::create(b);
  }

  static int64_t bytesPerRow(MemRefType type) {
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    for (int64_t dim : type.getShape().drop_front())
      bytes *= dim;
    return bytes;
  }

  /// For callers that do not know the number of tensors when they are compiled:
  /// loads the pointers from an array and calls NAME_run.
  void writePackedRun(ImplicitLocOpBuilder &b) {
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
    Value distance = arith::MulIOp::create(
        b, first, arith::ConstantIndexOp::create(b, bytesPerRow(type)));
    Value bytes = arith::IndexCastOp::create(b, index, distance);
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

  func::FuncOp rows;
  Type size;
  int64_t blockRows = 0;
  /// What @rows uses, and with what lies between it and the conversions.
  int64_t innerBytes = 0, workspaceBytes = 0;
  /// Counts of clipped values, and what they take at the workspace's start.
  unsigned counters = 0;
  /// The last result of @rows is then the counts of each row.
  unsigned hasCounts() const { return counters != 0; }
  int64_t counterBytes = 0;
};

} // namespace
