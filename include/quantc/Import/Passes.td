//===- Passes.td - the passes of Import ------------------------------------===//
#ifndef QUANTC_IMPORT_PASSES_TD
#define QUANTC_IMPORT_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertTosaToQnet : Pass<"convert-tosa-to-qnet", "::mlir::ModuleOp"> {
  let summary = "A float network in TOSA becomes one in qnet";
  let description = [{
    Takes what an MLP in TOSA is made of: `matmul`, `conv2d` with a 1x1 kernel
    (a fully connected layer), elementwise arithmetic, comparisons and `select`,
    `clamp`, the unary functions, `cast`, reductions, `argmax`, `concat`,
    `slice`, `reshape`, `transpose` and constants. Zero points must be constant
    zeros: a TOSA graph that is quantized already has other numerics.

    A `clamp` from 0 is relu (or relu6), so that it can join a dense layer; a
    bound at the largest float counts as none. In `argmax`, NaN never wins. All
    ops that can't be converted are reported, each with the reason, and then the
    pass fails.

    ```mlir
    %y = tosa.clamp %x {min_val = 0.0 : f32, max_val = 6.0 : f32} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    ```
    becomes `%y = qnet.activation relu6 %x : tensor<?x8xf32> -> tensor<?x8xf32>`.
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

#endif // QUANTC_IMPORT_PASSES_TD
