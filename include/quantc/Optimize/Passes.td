//===- Passes.td - the passes of Optimize ----------------------------------===//
#ifndef QUANTC_OPTIMIZE_PASSES_TD
#define QUANTC_OPTIMIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseRequantize : Pass<"fuse-requantize", "::mlir::ModuleOp"> {
  let summary = "Fewer roundings and fewer passes over the values, same bits";
  let description = [{
    - `quantize(dequantize(q))` and chains of `requantize` become one
      `requantize` where that gives the same integer for every q, which is tried
      out, and one `lookup` where it does not.
    - A `requantize` that only moves the zero point or narrows the range (the
      scales are equal) goes into the `qdense`, `qadd`, `qsub` or `qmul` before
      it, if nothing else reads that op.

    Every rewrite keeps every bit: a rewrite that would round once where the graph
    rounds twice is not made.
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def FoldLookups : Pass<"fold-lookups", "::mlir::ModuleOp"> {
  let summary = "Tables behind tables, and requantizations around them, as one";
  let description = [{
    `lookup(lookup(q))`, `lookup(requantize(q))` and `requantize(lookup(q))` have
    one value for each q: they become one table, if nothing else reads the value
    between and the table has at most 4096 entries. A table that gives back its
    index is removed.
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def VerifyOptimized : Pass<"verify-optimized", "::mlir::ModuleOp"> {
  let summary = "Check what Optimize promises the stages after it";
  let description = [{
    Rows of the contract:

    - O1: no op without an effect is left unread.
    - O2: no `lookup` reads a value that only it reads and that a `lookup` or
      `requantize` makes.
    - O3: no `quantize` reads a `dequantize` of per-tensor unsigned integers.
    - O4: no calibrated type, and no `dense` or `observe`, is left between integer
      ops: float ops carry a `qnet.ledger` reason.
  }];
}

#endif // QUANTC_OPTIMIZE_PASSES_TD
