//===- Passes.td - passes of the Kernels room ------------------------------===//
#ifndef QUANTC_KERNELS_PASSES_TD
#define QUANTC_KERNELS_PASSES_TD

include "mlir/Pass/PassBase.td"

def PairChannels : Pass<"pair-channels", "::mlir::ModuleOp"> {
  let summary = "Order hidden channels so that fewer 16-bit sums have too much";
  let description = [{
    Where one dense layer alone reads another's result, the order of the channels
    between them is free. For an instruction set with rows that add in 16 bits, and
    layers of at most 32,768 weights, the inputs are ordered so that heavy weights
    share a sum with light ones, for all output channels alike; the layer before
    gives its outputs in that order. Each depth of 16-bit sums has an order of its
    own; the layer gets the one whose fastest row is the fastest by the cost model.
    Results are the same to the bit. Nothing changes where no order makes the layer
    faster.

    ```mlir
    %h = qnet.qdense %x, %w1, %b1, %m1 : ...   // rows of %w1, %b1 and %m1 in another order
    %y = qnet.qdense %h, %w2, %b2, %m2 : ...   // columns of %w2 in the same
    ```
  }];
  let options = [Option<"isa", "isa", "std::string", "\"portable\"",
    "portable, sse41, avx2, avxvnni, avx512bw, avx512vnni, neon, dotprod, i8mm, sve, svei8mm or amx">];
}

def SelectKernels : Pass<"select-kernels", "::mlir::ModuleOp"> {
  let summary = "Give every dense layer a row of the kernel table and pack its weights";
  let description = [{
    Each `qdense`, and each float `dense` with constant weights, becomes a
    `packed_dense` by the row of the table that the cost model finds the fastest on
    the instruction set. Rows with 16-bit sums get weights split so that none
    overflows, whatever the input within its range. A panel lists its groups of
    weights where enough are zero, or where that lets heavy ones share a sum with
    light ones. Weights are packed and padded when compiling; activations between two dense layers
    stay in the storage that the kernel reads.

    ```mlir
    %y = qnet.qdense %x, %w, %b, %m : ...
    // with isa=avx2:
    %s = qnet.storage_cast %x {offset = 0 : i64} : tensor<?x4x!quant.uniform<u8:f32, 0.5:10>> -> tensor<?x4xi16>
    %p = qnet.packed_dense "gemm_s16s8s32_4x16x2_avx2" ins(%s, ...) ...
    ```
  }];
  let options = [Option<"isa", "isa", "std::string", "\"portable\"",
    "portable, sse41, avx2, avxvnni, avx512bw, avx512vnni, neon, dotprod, i8mm, sve, svei8mm or amx">,
    Option<"kernel", "kernel", "std::string", "\"\"",
    "the row for every integer layer of its weights' bits, in place of the fastest">,
    Option<"lists", "lists", "bool", "false",
    "with kernel: panels list their groups that are not zero, however many">];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

def VerifyNarrowSums : Pass<"verify-narrow-sums", "::mlir::ModuleOp"> {
  let summary = "Prove again that no 16-bit sum of a kernel can overflow";
  let description = [{
    For every `packed_dense` whose row adds in 16 bits: reads the packed weights
    and the visits, computes the largest and the least value that each half sum of
    a step can take for activations in [0, lhs_max], and fails where one leaves 16
    bits, or where the stored input can exceed `lhs_max`. Works from the constants
    alone, not from how select-kernels made them.
  }];
}

def VerifyLists : Pass<"verify-lists", "::mlir::ModuleOp"> {
  let summary = "Check that a kernel reads no group beyond a row of its input";
  let description = [{
    For every `packed_dense` with `lists` or `visits`: the starts begin at 0, never
    fall, and end where the weights do; every offset is a group's that begins
    within the input's channels. Works from the constants alone.
  }];
}

def EmulateTiles : Pass<"emulate-tiles", "::mlir::ModuleOp"> {
  let summary = "AMX instructions to calls of functions that do the same";
  let description = [{
    Intrinsics on tile registers (`llvm.x86.tdpbusd`, ...) become calls of external
    functions by the instructions' names (`emulated_tdpbusd`), with the same
    operands. For tests on machines without AMX, whose program has the functions.

    ```mlir
    llvm.call_intrinsic "llvm.x86.tilerelease"() : () -> ()
    // becomes
    llvm.call @emulated_tilerelease() : () -> ()
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ExpandPairRows : Pass<"expand-pair-rows", "::mlir::ModuleOp"> {
  let summary = "pair_rows on memrefs to loops that move 8 bytes";
  let description = [{
    Two rows of bytes, in turns of 8, to one; an odd last row gets zeros beside it.

    ```mlir
    qnet.pair_rows %x, %pairs : memref<?x13xi8>, memref<?x32xi8>
    // a loop over pairs of rows, in it one over the two groups of 8 bytes
    ```
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def ExpandPackedDense : Pass<"expand-packed-dense", "::mlir::ModuleOp"> {
  let summary = "packed_dense on memrefs to a call of its kernel, written as loops around qnet.dot";
  let description = [{
    A kernel function is made once for each row of the table and finish in use.
    It walks panels of NR channels, and for each panel tiles of MR rows (then
    smaller tiles for the rows left), with all accumulators in registers. A panel
    with a list reads from it where each group of its activations begins.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::func::FuncDialect"];
}

def LowerDot : Pass<"lower-dot"> {
  let summary = "qnet.dot and its kin to one instruction set's instructions";
  let description = [{
    `pmaddubsw` and `pmaddwd` on SSE4.1, AVX2 and AVX512BW, `vpdpbusd` on AVX-VNNI and
    AVX512-VNNI, `sdot` and `usmmla` on ARM, each by its LLVM intrinsic; plain vector
    arithmetic for everything else (which LLVM turns into `smlal` on NEON). All are
    exact.
  }];
  let options = [Option<"isa", "isa", "std::string", "\"portable\"",
    "portable, sse41, avx2, avxvnni, avx512bw, avx512vnni, neon, dotprod, i8mm, sve, svei8mm or amx">];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::arith::ArithDialect"];
}

#endif // QUANTC_KERNELS_PASSES_TD
