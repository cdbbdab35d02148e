//===- Passes.td - the passes of Calibrate ---------------------------------===//
#ifndef QUANTC_CALIBRATE_PASSES_TD
#define QUANTC_CALIBRATE_PASSES_TD

include "mlir/Pass/PassBase.td"

def InsertObservers : Pass<"insert-observers", "::mlir::ModuleOp"> {
  let summary = "Mark every value whose range is measured";
  let description = [{
    A `qnet.observe` follows each f32 argument of `@main` and each f32 result
    that is computed from one, numbered in program order. `reshape`, `transpose`
    and `broadcast` keep their input's range and are passed over. A dense layer
    with a function is split, so that the value before the function is observed
    too.

    ```mlir
    qnet.observe %x {tensor = 0 : i64} : tensor<?x784xf32>
    ```
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def ObserversToResults : Pass<"observers-to-results", "::mlir::ModuleOp"> {
  let summary = "Observed values become the results of the function";
  let description = [{
    For a runner: `@main` returns the observed tensors in their order, and
    nothing else. Observed arguments are not returned, the caller has them. Each
    argument and result carries its number as `qnet.observed`.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect",
                           "::mlir::qnet::QnetDialect"];
}

def SimulateRanges : Pass<"simulate-ranges", "::mlir::ModuleOp"> {
  let summary = "Values pass a quantization whose parameters are arguments";
  let description = [{
    For a runner that tries ranges: each value that the integer program stores is
    scaled, limited, rounded and scaled back, with the four numbers of each row
    as further arguments of `@main`. So a graph that is compiled once shows what
    any range of any value does to the results.

    ```mlir
    %0 = qnet.mul %x, %inverse : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
    %1 = qnet.max %0, %lowest : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
    %2 = qnet.min %1, %highest : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
    %3 = qnet.activation round %2 : tensor<?x4xf32> -> tensor<?x4xf32>
    %4 = qnet.mul %3, %scale : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect",
                           "::mlir::qnet::QnetDialect"];
}

def ApplyRanges : Pass<"apply-ranges", "::mlir::ModuleOp"> {
  let summary = "Measured ranges become the types of the values";
  let description = [{
    Reads a file of ranges as `quantc compile --ranges` writes it (a user may
    have edited it) and gives every observed value the type
    `!quant.calibrated<f32<lo:hi>>`. Observers go. A dense layer with a function
    keeps the range before the function as `qnet.preactivation`.

    ```json
    {"format": "quantc-ranges", "version": 1, "tensors": [
      {"tensor": 0, "name": "x", "min": -1.0, "max": 1.0} ]}
    ```
  }];
  let options = [
    Option<"ranges", "ranges", "std::string", /*default=*/"",
           "the file of ranges">];
  let dependentDialects = ["::mlir::qnet::QnetDialect",
                           "::mlir::quant::QuantDialect"];
}

def VerifyCalibrated : Pass<"verify-calibrated", "::mlir::ModuleOp"> {
  let summary = "What Quantize may assume of a calibrated graph";
  let description = [{
    Every violation is reported, with its row and node:

    - R1: every real value but a constant has the element type
      `!quant.calibrated<f32<lo:hi>>` (or f32, where an op reads it that takes no
      calibrated type).
    - R2: ranges are finite, within f32, and `lo < hi`.
    - R3: no `observe` is left.
  }];
}

#endif // QUANTC_CALIBRATE_PASSES_TD
