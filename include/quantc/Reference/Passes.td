//===- Passes.td - Passes of the Reference room ----------------------------===//
#ifndef QUANTC_REFERENCE_PASSES_TD
#define QUANTC_REFERENCE_PASSES_TD

include "mlir/Pass/PassBase.td"

def EvaluateMain : Pass<"evaluate-main", "::mlir::ModuleOp"> {
  let summary = "Print what the reference interpreter makes of a function";
  let description = [{
    Runs the function and prints each result to standard output as
    `name: shape x type: values`, or with `digest` as one number a result; the
    module is left as it is. Tests of other passes run it before and after
    theirs and compare.

    The inputs are, for each argument, the constant in its `qnet.example`
    attribute, or else `rows` rows of values that depend on `seed` and on the
    argument's number alone: multiples of 1/256 between -`range` and `range` for
    floats, small integers for the others. With `specials` every seventh value is
    a NaN, an infinity, a zero of either sign, or a huge or tiny number.

    Quantized results are printed as stored integers, floats in the fewest
    digits that read back as the same number, so equal lines are equal bits.

    ```mlir
    func.func @main(%x: tensor<?x4xf32> {qnet.example = dense<0.5> : tensor<1x4xf32>})
    ```
  }];
  let options = [
    Option<"function", "function", "std::string", "\"main\"", "Function to run">,
    Option<"rows", "rows", "int64_t", "2", "Length of dynamic dimensions">,
    Option<"seed", "seed", "uint64_t", "1", "Start of the generated values">,
    Option<"range", "range", "double", "2.0", "Largest magnitude generated">,
    Option<"specials", "specials", "bool", "false", "Mix in NaN, infinities and extremes">,
    Option<"digest", "digest", "bool", "false", "Print one hash of all bits instead of the values">,
    Option<"digits", "digits", "unsigned", "0", "Significant digits of floats; 0: as many as it takes">,
  ];
}

#endif // QUANTC_REFERENCE_PASSES_TD
