//===- Isa.h - the instruction sets that have kernels ------------*- C++
//-*-===//
#ifndef QUANTC_DIALECT_ISA_H
#define QUANTC_DIALECT_ISA_H

#include "llvm/ADT/StringRef.h"
#include <optional>

namespace mlir::qnet {

/// A column of the kernel table. Within an architecture the order is from the
/// least to the most capable.
// As the table and the passes' options spell them.
// NOLINTBEGIN(readability-identifier-naming)
enum class Isa {
  portable,
  sse41,
  avx2,
  avxvnni,
  avx512bw,
  avx512vnni,
  neon,
  dotprod,
  i8mm,
  sve,
  svei8mm,
  amx
};
// NOLINTEND(readability-identifier-naming)

llvm::StringRef isaName(Isa isa);
std::optional<Isa> isaByName(llvm::StringRef name);

} // namespace mlir::qnet

#endif // QUANTC_DIALECT_ISA_H
