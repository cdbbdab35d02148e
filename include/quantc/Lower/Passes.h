//===- Passes.h - passes of the Lower room -----------------------*- C++
//-*-===//
#ifndef QUANTC_LOWER_PASSES_H
#define QUANTC_LOWER_PASSES_H

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/Pass/Pass.h"
#include <memory>
#include <optional>
#include <string>

namespace mlir {
class DialectRegistry;
class ModuleOp;
namespace func {
class FuncOp;
} // namespace func
} // namespace mlir

namespace mlir::qnet {

/// On the module, after assign-workspace: bytes, and rows of a block.
inline constexpr llvm::StringLiteral kWorkspaceAttr = "qnet.workspace";
inline constexpr llvm::StringLiteral kBlockRowsAttr = "qnet.block_rows";
/// On an entry point, from emit-entry on: bytes of a row of each tensor.
inline constexpr llvm::StringLiteral kRowBytesAttr = "qnet.row_bytes";
/// On the module, after count-clipped: an array of the names of the ops whose
/// clipped values are counted; the same on the result of @main that counts.
inline constexpr llvm::StringLiteral kClippedAttr = "qnet.clipped";
/// Places in the workspace start at cache lines, and kernels read whole groups
/// of channels: at most this much past a buffer.
inline constexpr int64_t kPlaceAlignment = 64, kPlaceSlack = 64;
/// Of a count of clipped values.
inline constexpr int64_t kCounterBytes = 8;
/// The function that form-entry makes of @main.
inline constexpr llvm::StringLiteral kRowsFunction = "rows";

/// What split-entry puts in front of @main and behind it, where it can.
inline constexpr llvm::StringLiteral kEnterFunction = "enter";
inline constexpr llvm::StringLiteral kEnterI8Function = "enter_i8";
inline constexpr llvm::StringLiteral kLeaveI8Function = "leave_i8";

/// After the names of what specialize-one-row makes.
inline constexpr llvm::StringLiteral kOneRowSuffix = "_one";

/// The types over u8 in which a caller of NAME_run_i8 gives and gets tensors;
/// its bytes are those less 128.
struct EightBitInterface {
  SmallVector<quant::UniformQuantizedType> inputs, outputs;
};

/// Of @main before split-entry; none where an input is not quantized to 8 bits
/// at once, or the range of an output was not measured.
std::optional<EightBitInterface> eightBitInterface(func::FuncOp main);

/// How packed_dense bufferizes: in place, into its destination.
void registerBufferizationModels(DialectRegistry &registry);

#define GEN_PASS_DECL
#include "quantc/Lower/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "quantc/Lower/Passes.h.inc"
} // namespace mlir::qnet

#endif // QUANTC_LOWER_PASSES_H
