//===- QnetRules.h - The labelled rules of each op --------------*- C++ -*-===//
//
// Part of the quantc project.
//
// A rule is checked at two moments: before an op exists, when its result types
// are inferred from operands that nobody has checked, and by its verifier. Both
// call `checkRules`, so a rule and its message are written once.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_DIALECT_QNETRULES_H
#define QUANTC_LIB_DIALECT_QNETRULES_H

#include "quantc/Dialect/Qnet.h"

namespace mlir::qnet {

/// The error of a broken rule on its way: a diagnostic, or nothing where the
/// caller only asks whether the rule holds. Counts as failure.
class RuleError {
public:
  RuleError() = default;
  RuleError(InFlightDiagnostic &&diagnostic)
      : diagnostic(std::move(diagnostic)) {}

  template <typename T> RuleError &&operator<<(T &&part) && {
    if (diagnostic)
      *diagnostic << std::forward<T>(part);
    return std::move(*this);
  }

  operator LogicalResult() const { return failure(); }

private:
  std::optional<InFlightDiagnostic> diagnostic;
};

/// Starts the error of the op at hand.
using EmitError = llvm::function_ref<RuleError()>;

#define QNET_RULES(Op) LogicalResult checkRules(Op::Adaptor op, EmitError emit);
QNET_RULES(ConstantOp)
QNET_RULES(DenseOp)
QNET_RULES(MatmulOp)
QNET_RULES(KernelOp)
QNET_RULES(ActivationOp)
QNET_RULES(PreluOp)
QNET_RULES(AddOp)
QNET_RULES(SubOp)
QNET_RULES(MulOp)
QNET_RULES(DivOp)
QNET_RULES(PowOp)
QNET_RULES(MinOp)
QNET_RULES(MaxOp)
QNET_RULES(AndOp)
QNET_RULES(OrOp)
QNET_RULES(XorOp)
QNET_RULES(CompareOp)
QNET_RULES(WhereOp)
QNET_RULES(SoftmaxOp)
QNET_RULES(LogSoftmaxOp)
QNET_RULES(BatchNormOp)
QNET_RULES(LayerNormOp)
QNET_RULES(ConcatOp)
QNET_RULES(SliceOp)
QNET_RULES(TransposeOp)
QNET_RULES(GatherOp)
QNET_RULES(ReduceOp)
QNET_RULES(ArgmaxOp)
QNET_RULES(ArgminOp)
QNET_RULES(TopKOp)
#undef QNET_RULES

/// reshape's C1 and C2 alone, on shapes.
LogicalResult checkReshape(ArrayRef<int64_t> from, ArrayRef<int64_t> to,
                           EmitError emit);

} // namespace mlir::qnet

#endif // QUANTC_LIB_DIALECT_QNETRULES_H
