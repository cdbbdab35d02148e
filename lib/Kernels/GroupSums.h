//===- GroupSums.h - group_sums as loops ------------------------*- C++ -*-===//
#ifndef QUANTC_LIB_KERNELS_GROUPSUMS_H
#define QUANTC_LIB_KERNELS_GROUPSUMS_H

#include "quantc/Dialect/Qnet.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::qnet {

/// What group_sums demands of its memrefs.
LogicalResult checkGroupSums(GroupSumsOp op);

/// A matrix in memory: its first element, and its rows' distance in bytes.
struct RowPointer {
  Value pointer, pitch;
};

/// The loops of one group_sums over `rows` rows.
void writeGroupSums(ImplicitLocOpBuilder &b, GroupSumsOp op, RowPointer input,
                    RowPointer init, Value rows);

} // namespace mlir::qnet

#endif // QUANTC_LIB_KERNELS_GROUPSUMS_H
