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
    if (!largest || *largest > int64_t(op.getLhsMax())) {
      InFlightDiagnostic error =
          op.emitOpError("is proved for activations up to ")
          << op.getLhsMax() << ", but its input ";
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

  /// `weights` as [steps][depth][lanes][group].
  static LogicalResult verifySums(PackedDenseOp op, const KernelRow &row,
                                  ArrayRef<int8_t> weights, int64_t depth,
                                  int64_t lanes, StringRef what) {
    int64_t group = row.group(), part = group / halves;
    int64_t step = depth * lanes * group;
    if (weights.size() % step != 0)
      return op.emitOpError("has weights that are no whole number of steps");
    int64_t max = op.getLhsMax();
    for (int64_t at = 0, end = weights.size(); at < end; at += step)
      for (int64_t lane = 0; lane < lanes * halves; ++lane) {
        int64_t most = 0, least = 0;
        for (int64_t d = 0; d < depth; ++d)
          for (int64_t j = 0; j < part; ++j) {
            // An int8_t is a number here, not a character.
            // NOLINTNEXTLINE(bugprone-signed-char-misuse)
            int64_t w = weights[at + d * lanes * group + lane * part + j];
            (w > 0 ? most : least) += w * max;
          }
        if (most > mostInSum || least < leastInSum)
          return op.emitOpError("a 16-bit sum of ")
                 << what << " " << at / step << " reaches "
                 << (most > mostInSum ? most : least)
                 << ": the kernel would saturate";
      }
    return success();
  }
};

} // namespace
