//===- IsaOption.h - the instruction set that a pass is told ----*- C++ -*-===//
#ifndef QUANTC_LIB_KERNELS_ISAOPTION_H
#define QUANTC_LIB_KERNELS_ISAOPTION_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Operation.h"
#include "quantc/Dialect/Isa.h"

namespace mlir::qnet {

/// The instruction set of that name, or an error on `op` that says which pass
/// does not know it.
inline FailureOr<Isa> isaOption(Operation *op, StringRef pass, StringRef name) {
  if (std::optional<Isa> known = isaByName(name))
    return *known;
  return op->emitError() << pass << ": no instruction set is named '" << name
                         << "'";
}

} // namespace mlir::qnet

#endif // QUANTC_LIB_KERNELS_ISAOPTION_H
