//===- KernelTable.cpp - the rows of Kernels.def --------------------------===//

#include "quantc/Kernels/KernelTable.h"
#include "quantc/Dialect/Qnet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir::qnet;

static constexpr KernelRow rows[] = {
#define KERNEL(Name, IsaName, Lhs, MR, NR, KR, Lanes, Sum, Rate)               \
  {#Name, Isa::IsaName, LhsStorage::Lhs, MR, NR, KR, Lanes, Sum, Rate},
#define GROUPED(Name, IsaName, Lhs, Rhs, MR, NR, KG, Lanes, Sum, Rate)         \
  {#Name,                                                                      \
   Isa::IsaName,                                                               \
   LhsStorage::Lhs,                                                            \
   MR,                                                                         \
   NR,                                                                         \
   QDenseOp::kGroupChannels,                                                   \
   Lanes,                                                                      \
   Sum,                                                                        \
   Rate,                                                                       \
   RhsStorage::Rhs,                                                            \
   KG},
#include "quantc/Kernels/Kernels.def"
};

llvm::ArrayRef<KernelRow> mlir::qnet::kernelTable() { return rows; }

const KernelRow *mlir::qnet::kernelByName(llvm::StringRef name) {
  const auto *row =
      llvm::find_if(rows, [&](const KernelRow &r) { return r.name == name; });
  return row == std::end(rows) ? nullptr : row;
}

const KernelRow &mlir::qnet::floatKernel(Isa isa) {
  for (const KernelRow &row : rows)
    if (row.isa == isa && row.isFloat())
      return row;
  llvm_unreachable("every instruction set has a float row");
}

bool mlir::qnet::hasNarrowRows(Isa isa) {
  return llvm::any_of(rows, [&](const KernelRow &row) {
    return row.isa == isa && row.gainsBySmallInputs();
  });
}
