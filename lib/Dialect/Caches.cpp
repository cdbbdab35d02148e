//===- Caches.cpp - what code may expect of a CPU's caches ----------------===//

#include "quantc/Dialect/Caches.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qnet;

/// Bytes of weights that a second cache keeps: of 0.5 to 2 MB on today's CPUs.
static constexpr int64_t mostInSecond = 1 << 20;
/// And a third one, which cores share: of 32 MB on servers, less on desktops.
static constexpr int64_t mostInThird = 24 << 20;

WeightsHome mlir::qnet::homeOfWeights(ModuleOp module) {
  int64_t bytes = 0;
  for (auto global : module.getOps<memref::GlobalOp>())
    bytes += global.getType().getNumElements() *
             llvm::divideCeil(global.getType().getElementTypeBitWidth(), 8);
  return bytes <= mostInSecond  ? WeightsHome::SecondCache
         : bytes <= mostInThird ? WeightsHome::ThirdCache
                                : WeightsHome::Memory;
}
