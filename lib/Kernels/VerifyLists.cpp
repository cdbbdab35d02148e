//===- VerifyLists.cpp - what kernels read by lists lies in their inputs --===//
//
// Takes          packed_dense ops on tensors, with constant operands.
// Gives          the same, or an error where a list leads out of bounds.
// Why            a kernel reads addresses from these constants: a wrong one
//                would read other memory, and no later pass could see it.
// Not done here  that the lists hold every group that is not zero (the tests
//                compare results bit for bit); sums (verify-narrow-sums).
//
//===----------------------------------------------------------------------===//

#include "quantc/Dialect/Constants.h"
#include "quantc/Kernels/KernelTable.h"
#include "quantc/Kernels/Passes.h"

#define DEBUG_TYPE "verify-lists"

namespace mlir::qnet {
#define GEN_PASS_DEF_VERIFYLISTS
#include "quantc/Kernels/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

/// A list as a kernel walks it.
struct List {
  StringRef what;
  Value starts;
  FailureOr<std::vector<int64_t>> offsets; ///< Input channels.
  int64_t walkers; ///< Panels, or vectors of lanes: each has its part.
  int64_t depth;   ///< Offsets that one step of a start stands for.
};

struct VerifyLists : qnet::impl::VerifyListsBase<VerifyLists> {
  void runOnOperation() override {
    WalkResult walked = getOperation().walk([](PackedDenseOp op) {
      const KernelRow *row = kernelByName(op.getKernel());
      // expand-packed-dense names unknown rows.
      if (!row || failed(verify(op, *row)))
        return row ? WalkResult::interrupt() : WalkResult::advance();
      return WalkResult::advance();
    });
    if (walked.wasInterrupted())
      signalPassFailure();
  }

  static LogicalResult verify(PackedDenseOp op, const KernelRow &row) {
    auto input = dyn_cast<ShapedType>(op.getInput().getType());
    auto init = dyn_cast<ShapedType>(op.getInit().getType());
    if (!op.getListStarts() && !op.getVisitStarts())
      return success();
    if (!input || !init || input.getRank() != 2 || init.getRank() != 2 ||
        input.isDynamicDim(1) || init.isDynamicDim(1))
      return op.emitOpError("has lists, but its input or result is no matrix "
                            "of known width");
    int64_t n = init.getDimSize(1), k = input.getDimSize(1);
    if (op.getListStarts() &&
        failed(verify(op, row, k,
                      {"lists", op.getListStarts(),
                       read<uint16_t>(op.getListGroups(), row.group()),
                       n / row.nr, row.kr / row.group()})))
      return failure();
    if (op.getVisitStarts() &&
        failed(
            verify(op, row, k,
                   {"visits", op.getVisitStarts(),
                    read<int32_t>(op.getVisitOffsets(), 1), n / row.lanes, 1})))
      return failure();
    return success();
  }

  /// A constant's numbers, each `factor` times.
  template <typename T>
  static FailureOr<std::vector<int64_t>> read(Value value, int64_t factor) {
    FailureOr<std::vector<T>> numbers = readConstant<T>(value);
    if (failed(numbers))
      return failure();
    std::vector<int64_t> result(numbers->begin(), numbers->end());
    for (int64_t &number : result)
      number *= factor;
    return result;
  }

  static LogicalResult verify(PackedDenseOp op, const KernelRow &row, int64_t k,
                              const List &list) {
    auto starts = readConstant<int32_t>(list.starts);
    const FailureOr<std::vector<int64_t>> &offsets = list.offsets;
    if (failed(starts) || failed(offsets))
      return op.emitOpError("has ") << list.what << " that are no constants";
    auto end = static_cast<int64_t>(offsets->size()) / list.depth;
    if (static_cast<int64_t>(starts->size()) != list.walkers + 1 ||
        starts->front() != 0 || !llvm::is_sorted(*starts) ||
        starts->back() != end)
      return op.emitOpError("has starts of ")
             << list.what << " that do not lead from 0 to " << end << " in "
             << list.walkers << " parts";
    for (int64_t offset : *offsets)
      if (offset < 0 || offset >= k || offset % row.group() != 0)
        return op.emitOpError("has ")
               << list.what << " with an offset of " << offset
               << ": a group of " << row.name << " begins at a multiple of "
               << row.group() << " below " << k;
    return success();
  }
};

} // namespace
