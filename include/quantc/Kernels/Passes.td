//===- Passes.td - passes of the Kernels room ------------------------------===//
#ifndef QUANTC_KERNELS_PASSES_TD
#define QUANTC_KERNELS_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectKernels : Pass<"select-kernels", "::mlir::ModuleOp"> {
  let summary = "Give every dense layer a row of the kernel table and pack its weights";
  let description = [{
    Each `qdense`, and each float `dense` with constant weights, becomes a
    `packed_dense` by the row that the table has for the instruction set. Weights
    are packed and padded when compiling; activations between two dense layers
    stay in the storage that the kernel reads.

    ```mlir
    %y = qnet.qdense %x, %w, %b, %m : ...
    // with isa=avx2:
    %s = qnet.storage_cast %x {offset = 0 : i64} : tensor<?x4x!quant.uniform<u8:f32, 0.5:10>> -> tensor<?x4xi16>
    %p = qnet.packed_dense "gemm_s16s8s32_4x16x2_avx2" ins(%s, ...) ...
    ```
  }];
  let options = [Option<"isa", "isa", "std::string", "\"portable\"",
    "portable, sse41, avx2, neon, dotprod or i8mm">];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

def ExpandPackedDense : Pass<"expand-packed-dense", "::mlir::ModuleOp"> {
  let summary = "packed_dense on memrefs to a call of its kernel, written as loops around qnet.dot";
  let description = [{
    A kernel function is made once for each row of the table and finish in use.
    It walks panels of NR channels, and for each panel tiles of MR rows (then
    smaller tiles for the rows left), with all accumulators in registers.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::func::FuncDialect"];
}

def LowerDot : Pass<"lower-dot"> {
  let summary = "qnet.dot to one instruction set's instructions";
  let description = [{
    `pmaddwd` on SSE4.1 and AVX2, `sdot`, `usdot` on ARM, each by its LLVM
    intrinsic; plain vector arithmetic for everything else (which LLVM turns into
    `smlal` on NEON). All are exact.
  }];
  let options = [Option<"isa", "isa", "std::string", "\"portable\"",
    "portable, sse41, avx2, neon, dotprod or i8mm">];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::arith::ArithDialect"];
}

#endif // QUANTC_KERNELS_PASSES_TD
