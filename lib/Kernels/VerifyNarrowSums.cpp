//===- VerifyNarrowSums.cpp - the proof, from the constants alone ---------===//
//
// Takes          packed_dense ops on tensors, with constant operands.
// Gives          the same, or an error where a 16-bit sum could overflow.
// Why            the split is an optimization that must not be trusted with the
//                program's exactness: this pass knows nothing of how it was
//                made.
// Not done here  that values and visits give the layer's weights (the tests
//                compare results bit for bit).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "quantc/Dialect/Constants.h"
#include "quantc/Kernels/KernelTable.h"
#include "quantc/Kernels/Passes.h"

#define DEBUG_TYPE "verify-narrow-sums"

namespace mlir::qnet {
#define GEN_PASS_DEF_VERIFYNARROWSUMS
#include "quantc/Kernels/Passes.h.inc"
} // namespace mlir::qnet

using namespace mlir;
using namespace mlir::qnet;

namespace {

constexpr int64_t mostInSum = 32767, leastInSum = -32768;
/// The largest absolute value of a signed byte.
constexpr int64_t mostStored = 128;
/// Lanes of 16 bits that a group of four products gives.
constexpr int64_t halves = 2;

/// The largest value that an input can hold, seen from where it is made.
std::optional<int64_t> largestStored(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto dense = dyn_cast<PackedDenseOp>(op))
      return int64_t(dense.getQmax()) + dense.getOffset();
    if (auto cast = dyn_cast<StorageCastOp>(op))
      if (auto uniform = dyn_cast<quant::UniformQuantizedType>(
              getElementTypeOrSelf(cast.getInput().getType())))
        return uniform.getStorageTypeMax() + int64_t(cast.getOffset());
    if (!isa<ReshapeOp, StorageCastOp, tensor::ExtractSliceOp>(op))
      break;
    value = op->getOperand(0);
    if (auto uniform = dyn_cast<quant::UniformQuantizedType>(
            getElementTypeOrSelf(value.getType())))
      return uniform.getStorageTypeMax();
  }
  return std::nullopt;
}

struct VerifyNarrowSums : qnet::impl::VerifyNarrowSumsBase<VerifyNarrowSums> {
  void runOnOperation() override {
    WalkResult walked = getOperation().walk([&](PackedDenseOp op) {
      const KernelRow *row = kernelByName(op.getKernel());
      if (row && row->isGrouped())
        return failed(verifyGroups(op, *row)) ? WalkResult::interrupt()
                                              : WalkResult::advance();
      if (!row || !row->hasNarrowSums())
        return WalkResult::advance();
      return failed(verify(op, *row)) ? WalkResult::interrupt()
                                      : WalkResult::advance();
    });
    if (walked.wasInterrupted())
      signalPassFailure();
  }

  static LogicalResult verify(PackedDenseOp op, const KernelRow &row) {
    std::optional<int64_t> largest = largestStored(op.getInput());
    int64_t most = int64_t(op.getLhsMax()) + row.lhsOffset();
    if (!largest || *largest > most) {
      InFlightDiagnostic error =
          op.emitOpError("is proved for activations up to ")
          << most << ", but its input ";
      return largest ? error << "reaches " << *largest
                     : error << "comes from where its range cannot be seen";
    }
    auto packed = readConstant<int8_t>(op.getPacked());
    if (failed(packed))
      return op.emitOpError("has packed weights that are no constant");
    if (failed(verifySums(op, row, *packed, row.kr / row.group(), row.nr,
                          "panel step")))
      return failure();
    if (!op.getVisitWeights())
      return success();
    auto visits = readConstant<int8_t>(op.getVisitWeights());
    if (failed(visits))
      return op.emitOpError("has visits that are no constant");
    return verifySums(op, row, *visits, /*depth=*/1, row.lanes, "visit");
  }

  static int32_t weightOf(const KernelRow &row, int32_t nibble) {
    constexpr int32_t sign = 8; // of four bits
    return row.rhs == RhsStorage::U4 ? nibble - row.nibbleOffset()
                                     : (nibble ^ sign) - sign;
  }

  /// Of 4-bit weights: any stored byte may meet them, and unsigned nibbles need
  /// the sums of the very bytes that the kernel reads.
  static LogicalResult verifyGroups(PackedDenseOp op, const KernelRow &row) {
    if (row.rhs == RhsStorage::U4) {
      auto sums = op.getGroupSums()
                      ? op.getGroupSums().getDefiningOp<GroupSumsOp>()
                      : GroupSumsOp();
      if (!sums || sums.getInput() != op.getInput() ||
          sums.getHalves() != row.hasNarrowSums())
        return op.emitOpError("needs the group_sums of its own input, ")
               << (row.hasNarrowSums() ? "in halves" : "not in halves");
    }
    if (!row.hasNarrowSums())
      return success();
    auto packed = readConstant<int8_t>(op.getPacked());
    if (failed(packed))
      return op.emitOpError("has packed weights that are no constant");
    int64_t group = row.group(), part = group / halves;
    int64_t line = row.nr * group, depth = row.stepBytes() / group;
    if (packed->size() % (line * depth) != 0)
      return op.emitOpError("has weights that are no whole number of groups");
    for (int64_t at = 0, end = packed->size(); at < end; at += line * depth)
      for (int64_t half = 0; half < row.nr * halves; ++half) {
        int64_t reach = 0;
        for (int64_t d = 0; d < depth; ++d)
          for (int64_t j = 0; j < part; ++j) {
            auto byte = static_cast<uint8_t>(
                (*packed)[at + d * line + half * part + j]);
            reach += std::abs(weightOf(row, byte & 0xf)) +
                     std::abs(weightOf(row, byte >> 4));
          }
        if (reach * mostStored > mostInSum)
          return op.emitOpError("a 16-bit sum of group ")
                 << at / (line * depth) << " reaches " << reach * mostStored
                 << ": the kernel would wrap";
      }
    return success();
  }

  /// `weights` as [steps][depth][lanes][group].
  static LogicalResult verifySums(PackedDenseOp op, const KernelRow &row,
                                  ArrayRef<int8_t> weights, int64_t depth,
                                  int64_t lanes, StringRef what) {
    int64_t group = row.group(), sums = row.sumsPerGroup();
    int64_t step = depth * lanes * group;
    if (weights.size() % step != 0)
      return op.emitOpError("has weights that are no whole number of steps");
    int64_t min = row.lhsOffset(), max = int64_t(op.getLhsMax()) + min;
    for (int64_t at = 0, end = weights.size(); at < end; at += step)
      for (int64_t sum = 0; sum < lanes * sums; ++sum) {
        int64_t most = 0, least = 0;
        for (int64_t d = 0; d < depth; ++d)
          for (int64_t j = 0; j < KernelRow::productsPerSum; ++j) {
            int64_t place = (d * lanes + sum / sums) * group +
                            row.inputOfSum(sum % sums, j);
            // An int8_t is a number here, not a character.
            // NOLINTNEXTLINE(bugprone-signed-char-misuse)
            int64_t w = weights[at + place];
            most += std::max({w * min, w * max, int64_t(0)});
            least += std::min({w * min, w * max, int64_t(0)});
          }
        if (most > mostInSum || least < leastInSum)
          return op.emitOpError("a 16-bit sum of ")
                 << what << " " << at / step << " reaches "
                 << (most > mostInSum ? most : least)
                 << (row.hasInputLanes() ? ": the kernel would wrap"
                                         : ": the kernel would saturate");
      }
    return success();
  }
};

} // namespace
