//===- AssignWorkspace.cpp - buffers to places in the workspace
//------------===//
//
// Takes          @rows with memref.alloc ops at the top level of its body.
// Gives          views of the workspace argument; the size as qnet.workspace.
// Why            the caller owns all memory, and it stays in cache.
// Not done here  the loop over blocks of rows (emit-entry).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "quantc/Dialect/Caches.h"
#include "quantc/Lower/Passes.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "assign-workspace"

namespace mlir::qnet {
#define GEN_PASS_DEF_ASSIGNWORKSPACE
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// More rows than this gain nothing, fewer than this waste the register tiles.
constexpr int64_t mostRows = 64, fewestRows = 8;

/// Where weights leave the second cache between two blocks of rows, blocks have
/// more rows: as many as fit in this times the bytes that one may have
/// otherwise.
constexpr int64_t largerBlocks = 4;

std::optional<int64_t> sizePerRow(Value size);

/// The elements that a buffer of one dynamic dimension has at most for each row
/// of the program; nothing where it is not seen. A dense layer over [rows, 3,
/// 4] has three rows for each.
std::optional<int64_t> elementsPerRow(Value buffer) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type || type.getNumDynamicDims() != 1)
    return std::nullopt;
  int64_t fixed = 1;
  for (int64_t dim : type.getShape())
    fixed *= ShapedType::isDynamic(dim) ? 1 : dim;
  Operation *op = buffer.getDefiningOp();
  if (!op)
    return fixed; // an argument, whose first dimension is the rows
  if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp,
          memref::TransposeOp>(op))
    return elementsPerRow(op->getOperand(0));
  std::optional<int64_t> size;
  if (auto alloc = dyn_cast<memref::AllocOp>(op))
    size = sizePerRow(alloc.getDynamicSizes()[0]);
  else if (auto view = dyn_cast<memref::ViewOp>(op))
    size = sizePerRow(view.getSizes()[0]);
  else if (auto part = dyn_cast<memref::SubViewOp>(op);
           part && part.getSizes().size() == 1)
    size = sizePerRow(part.getSizes()[0]);
  if (!size)
    return std::nullopt;
  return fixed * *size;
}

/// How many times the rows of the program a size is at most.
std::optional<int64_t> sizePerRow(Value size) {
  // Pairs of rows, say: no more of them than rows.
  if (auto half = size.getDefiningOp<arith::CeilDivUIOp>())
    return sizePerRow(half.getLhs());
  if (auto part = size.getDefiningOp<arith::DivUIOp>())
    return sizePerRow(part.getLhs());
  auto dim = size.getDefiningOp<memref::DimOp>();
  if (!dim)
    return std::nullopt;
  std::optional<int64_t> elements = elementsPerRow(dim.getSource());
  if (!elements)
    return std::nullopt;
  for (int64_t other : cast<MemRefType>(dim.getSource().getType()).getShape())
    if (!ShapedType::isDynamic(other)) {
      if (other == 0 || *elements % other != 0)
        return std::nullopt;
      *elements /= other;
    }
  return elements;
}

struct Buffer {
  memref::AllocOp alloc;
  uint64_t bytesPerRow = 0;
  uint64_t fixedBytes = 0;
  unsigned first = 0, last = 0; ///< Positions of the first and last use.
  uint64_t place = 0;

  uint64_t bytes(int64_t rows) const {
    return llvm::alignTo(fixedBytes + bytesPerRow * rows + kPlaceSlack,
                         kPlaceAlignment);
  }
  bool livesWith(const Buffer &other) const {
    return first <= other.last && other.first <= last;
  }
};

struct AssignWorkspace : qnet::impl::AssignWorkspaceBase<AssignWorkspace> {
  using AssignWorkspaceBase::AssignWorkspaceBase;

  void runOnOperation() override {
    auto rows = getOperation().lookupSymbol<func::FuncOp>(kRowsFunction);
    if (!rows) {
      getOperation().emitError("assign-workspace: no function @rows");
      return signalPassFailure();
    }
    SmallVector<Buffer> buffers;
    if (failed(collect(rows, buffers)))
      return signalPassFailure();

    int64_t block = blockRows;
    if (block <= 0) {
      uint64_t perRow = 1;
      for (const Buffer &buffer : buffers)
        perRow += buffer.bytesPerRow;
      const bool staysNear =
          homeOfWeights(getOperation()) == WeightsHome::SecondCache;
      int64_t bytes = cacheBytes * (staysNear ? 1 : largerBlocks);
      block = std::clamp<int64_t>(bytes / perRow, fewestRows, mostRows);
      block = llvm::alignDown(static_cast<uint64_t>(block), 4);
    }
    uint64_t total = place(buffers, block);
    replace(rows, buffers);
    // The conversions beside @rows run before or after it, not with it.
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function == rows || function.isExternal())
        continue;
      SmallVector<Buffer> own;
      if (failed(collect(function, own)))
        return signalPassFailure();
      total = std::max(total, place(own, block));
      replace(function, own);
    }

    Builder builder(&getContext());
    getOperation()->setAttr(kWorkspaceAttr, builder.getI64IntegerAttr(total));
    getOperation()->setAttr(kBlockRowsAttr, builder.getI64IntegerAttr(block));
  }

  LogicalResult collect(func::FuncOp rows, SmallVectorImpl<Buffer> &buffers) {
    Block &body = rows.getBody().front();
    DenseMap<Operation *, unsigned> position;
    for (auto [i, op] : llvm::enumerate(body))
      position[&op] = i;
    WalkResult walked = rows.walk([&](memref::AllocOp alloc) {
      MemRefType type = alloc.getType();
      if (alloc->getBlock() != &body || !type.getLayout().isIdentity() ||
          type.getNumDynamicDims() > 1) {
        alloc.emitError("assign-workspace: a buffer of ")
            << type << " cannot be placed before the program runs";
        return WalkResult::interrupt();
      }
      Buffer buffer;
      buffer.alloc = alloc;
      uint64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      for (int64_t dim : type.getShape())
        if (!ShapedType::isDynamic(dim))
          bytes *= dim;
      if (!type.hasStaticShape()) {
        std::optional<int64_t> times = sizePerRow(alloc.getDynamicSizes()[0]);
        if (!times) {
          alloc.emitError("assign-workspace: a buffer of ")
              << type << " has a size that does not follow from the rows";
          return WalkResult::interrupt();
        }
        buffer.bytesPerRow = bytes * *times;
      } else {
        buffer.fixedBytes = bytes;
      }
      buffer.first = buffer.last = position[alloc];
      extendLife(alloc.getResult(), body, position, buffer);
      buffers.push_back(buffer);
      return WalkResult::advance();
    });
    return failure(walked.wasInterrupted());
  }

  /// Uses of the buffer, of its views and of what may alias it.
  void extendLife(Value value, Block &body,
                  DenseMap<Operation *, unsigned> &position, Buffer &buffer) {
    for (Operation *user : value.getUsers()) {
      Operation *top = body.findAncestorOpInBlock(*user);
      buffer.last = std::max(buffer.last, position[top]);
      for (Value result : user->getResults())
        if (isa<MemRefType>(result.getType()))
          extendLife(result, body, position, buffer);
    }
  }

  /// First fit, in program order; returns the bytes of all.
  uint64_t place(SmallVectorImpl<Buffer> &buffers, int64_t rows) {
    uint64_t total = kPlaceAlignment;
    for (auto [i, buffer] : llvm::enumerate(buffers)) {
      SmallVector<const Buffer *> taken;
      for (const Buffer &other : ArrayRef(buffers).take_front(i))
        if (buffer.livesWith(other))
          taken.push_back(&other);
      llvm::sort(taken, [](const Buffer *a, const Buffer *b) {
        return a->place < b->place;
      });
      for (const Buffer *other : taken)
        if (buffer.place + buffer.bytes(rows) > other->place)
          buffer.place =
              std::max(buffer.place, other->place + other->bytes(rows));
        else
          break;
      total = std::max(total, buffer.place + buffer.bytes(rows));
    }
    return total;
  }

  void replace(func::FuncOp rows, ArrayRef<Buffer> buffers) {
    Value workspace = rows.getArguments().back();
    for (const Buffer &buffer : buffers) {
      memref::AllocOp alloc = buffer.alloc;
      OpBuilder builder(alloc);
      Value shift =
          arith::ConstantIndexOp::create(builder, alloc.getLoc(), buffer.place);
      Value view =
          memref::ViewOp::create(builder, alloc.getLoc(), alloc.getType(),
                                 workspace, shift, alloc.getDynamicSizes());
      alloc.replaceAllUsesWith(view);
      alloc.erase();
    }
    rows.walk([](memref::DeallocOp op) { op.erase(); });
  }
};

} // namespace
