//===- Passes.td - passes of the Lower room --------------------------------===//
#ifndef QUANTC_LOWER_PASSES_TD
#define QUANTC_LOWER_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertQnetToLinalg : Pass<"convert-qnet-to-linalg", "::mlir::ModuleOp"> {
  let summary = "qnet ops on tensors to linalg, arith and tensor";
  let description = [{
    Quantized element types become plain integers of their storage width, read as
    unsigned. Every op becomes a `linalg.generic` (or tensor moves) whose body is
    the sequence of operations that Numerics defines, so that the result is
    Reference's to the bit. `packed_dense` stays for Kernels; without it the
    result holds upstream ops only.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def CountClipped : Pass<"count-clipped", "::mlir::ModuleOp"> {
  let summary = "How many values of each row each op clips, as one more result";
  let description = [{
    Every op of `@main` that rounds to stored integers stores 16 bits, and a
    `requantize` of the same scale clips them to the range of before: the same
    bits, with what left the range still to be seen. A further result has an f32
    for each such op, the number of values of a row that did, and `qnet.clipped`
    on the module names the ops. Below zero a ReLU clips nothing, so of a range that begins at
    zero only the other end counts, except for the network's inputs.
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def SplitEntry : Pass<"split-entry", "::mlir::ModuleOp"> {
  let summary = "Float and 8-bit ways into one integer graph";
  let description = [{
    Where every input of `@main` is quantized to 8 bits at once, and the type of
    every result in 8 bits is known (`qnet.stored_as`), `@main` goes from stored
    integers to f32, and conversions stand beside it: `@enter` from f32,
    `@enter_i8` from int8 (the stored byte less 128), `@leave_i8` from f32 to
    int8. Any other graph stays as it is.
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def SpecializeOneRow : Pass<"specialize-one-row", "::mlir::ModuleOp"> {
  let summary = "Small networks a second time, for a batch of one row";
  let description = [{
    Clones `@main` and what split-entry put beside it under the suffix `_one`, with
    a static batch of 1, if the network has at most `max-weights` weights and no
    reshape makes rows out of parts of rows.
  }];
  let options = [Option<"maxWeights", "max-weights", "int64_t", "16384",
    "the largest network that is worth the code">];
}

def FormEntry : Pass<"form-entry", "::mlir::ModuleOp"> {
  let summary = "@main on tensors to a function of caller-owned buffers";
  let description = [{
    `@main(tensors) -> tensors` becomes `@rows(inputs, outputs, workspace)` on
    memrefs: inputs are read only, results are materialized in the outputs, and
    the workspace holds what lies between. What split-entry made beside @main
    becomes the same under its own name.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
    "::mlir::memref::MemRefDialect", "::mlir::LLVM::LLVMDialect"];
}

def BufferizeRows : Pass<"bufferize-rows", "::mlir::ModuleOp"> {
  let summary = "Tensors of @rows to buffers, results written in place";
  let description = [{
    Upstream's one-shot bufferization after the elimination of empty tensors.
    Copies, where any are needed, are loops: a compiled program calls no memcpy.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
    "::mlir::memref::MemRefDialect", "::mlir::linalg::LinalgDialect"];
}

def AssignWorkspace : Pass<"assign-workspace", "::mlir::ModuleOp"> {
  let summary = "Buffers of @rows to places in the caller's workspace";
  let description = [{
    Each `memref.alloc` of @rows (and of the functions of split-entry, which never
    run at the same time) becomes a view of the workspace argument. Buffers whose
    lives do not overlap share a place. A dynamic dimension counts as
    `block-rows`. Leaves the size on the module as `qnet.workspace` (bytes, with
    slack for kernels that read whole groups past the last row).
  }];
  let options = [
    Option<"blockRows", "block-rows", "int64_t", "0",
      "rows worked on at a time; 0 picks as many as fit in cache-bytes">,
    Option<"cacheBytes", "cache-bytes", "int64_t", "131072",
      "bytes that a block's buffers should fit in; four times as many where "
      "more than 1 MB of weights come anew for each block">];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

def EmitEntry : Pass<"emit-entry", "::mlir::ModuleOp"> {
  let summary = "The exported C functions around @rows";
  let description = [{
    `void NAME_run(const float *inputs..., float *outputs..., size_t batch, void
    *workspace)` calls @rows for one block of rows after the other, and `size_t
    NAME_workspace_size(size_t batch)` returns `qnet.workspace`. Where split-entry
    made them, NAME_run calls @enter first, and `NAME_run_i8`, on `int8_t` in the
    place of `float`, calls @enter_i8 and @leave_i8; the workspace grows by what
    lies between. A batch of one row goes to the functions of specialize-one-row,
    if there are any.

    After count-clipped the last result is no tensor of the caller's: the entries
    add it up, over the rows of a call, to 64-bit counts at the start of
    the workspace, and `void NAME_clipped(const void *workspace, uint64_t *counts)`
    reads these.
  }];
  let options = [
    Option<"name", "name", "std::string", "\"model\"", "prefix of the C functions">,
    Option<"pointerBits", "pointer-bits", "unsigned", "64", "width of size_t">,
    Option<"packedEntry", "packed-entry", "bool", "false",
      "also NAME_run_packed(void *const *tensors, size_t batch, void *workspace)">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def EmitParallelEntry : Pass<"emit-parallel-entry", "::mlir::ModuleOp"> {
  let summary = "A C function for the caller's threads beside NAME_run";
  let description = [{
    `void NAME_run_parallel(inputs..., outputs..., size_t batch, void *workspace,
    size_t parts, NAME_parallel_for parallel_for, void *pool)` calls
    `parallel_for(pool, parts, task, context)`, which calls `task(context, part)` once
    for each part from 0 on, on whatever threads it likes. A part is NAME_run of a
    share of the rows, whole groups of 8 but for the last, in a workspace of its own:
    `NAME_parallel_workspace_size(batch, parts)` is for all of them. There are never
    more parts than groups; a single one runs in the calling thread, without
    `parallel_for`. Counts of clipped values (count-clipped) are added up over the
    parts.
  }];
  let options = [
    Option<"name", "name", "std::string", "\"model\"", "prefix of the C functions">,
    Option<"pointerBits", "pointer-bits", "unsigned", "64", "width of size_t">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::arith::ArithDialect"];
}

#endif // QUANTC_LOWER_PASSES_TD
