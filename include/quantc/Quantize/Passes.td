//===- Passes.td - the passes of Quantize ----------------------------------===//
#ifndef QUANTC_QUANTIZE_PASSES_TD
#define QUANTC_QUANTIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def AbsorbQdq : Pass<"absorb-qdq", "::mlir::ModuleOp"> {
  let summary = "Keep the parameters of a graph that comes already quantized";
  let description = [{
    A graph exported with QuantizeLinear/DequantizeLinear says which 8-bit
    parameters its values have. Each `dequantize(quantize(x))` is replaced by `x`
    and the parameters are written on x's producer as `qnet.parameters`, where
    `assign-parameters` takes them instead of choosing its own. Signed 8-bit
    parameters become unsigned ones, exactly: 128 is added to the zero point and
    to the storage range. A pair around a constant is evaluated.

    Where only float ops read a value (the end of the graph), assign-parameters
    does not store it, and the pair's rounding is gone: float outputs come
    straight from the last accumulators.

    ```mlir
    %q = qnet.quantize %x : tensor<?x4xf32> -> tensor<?x4x!quant.uniform<i8:f32, 0.5:-3>>
    %d = qnet.dequantize %q : tensor<?x4x!quant.uniform<i8:f32, 0.5:-3>> -> tensor<?x4xf32>
    ```
    leaves `qnet.parameters = !quant.uniform<u8:f32, 0.5:125>` on x's producer.
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def AssignPrecision : Pass<"assign-precision", "::mlir::ModuleOp"> {
  let summary = "The bits of single layers, from a plan";
  let description = [{
    Writes `qnet.precision` on the dense layers that a plan names, and checks those
    that are there already:

    | precision | weights | input |
    |---|---|---|
    | `int4` | 4 bits, a multiplier for each 64 input channels | 8 bits |
    | `int8` | 8 bits, a scale for each output channel | 8 bits |
    | `int8x16` | 8 bits | up to 15 bits |
    | `float` | f32, with `allow-float` only | as it is; 15 bits where it must be stored |
    | `int8/block:0.5`, `int8/block:0.75` | 8 bits, half or three quarters of the blocks 0 (by `prune-weights-by-error`, before) | 8 bits |

    A layer without one gets what the options of the stage say. A value that
    several layers read has the width that the most demanding one wants.

    A plan is a JSON file. The names are those of the model's nodes, as `quantc
    inspect` lists them:

    ```json
    { "format": "quantc-plan",
      "layers": [ { "name": "fc1", "precision": "int4" } ] }
    ```

    A layer that the network does not have is an error, as is a precision that a
    layer can't have: weights of 4 bits need 64 input channels or more, and an input
    that no other layer wants in 16 bits.
  }];
  let options = [
    Option<"plan", "plan", "std::string", "\"\"", "The plan's file">,
    Option<"allowFloat", "allow-float", "bool", "false",
           "Accept the precision float">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def WidenInputs : Pass<"widen-inputs", "::mlir::ModuleOp"> {
  let summary = "Inputs of 15 bits where they are worth much and cost little";
  let description = [{
    Calibration notes on each value what storing it in 8 bits does to the outputs
    (`qnet.output_noise`, a power over that of the outputs). As long as the sum of
    these is above what `sqnr` allows, the dense layers that read the value of the
    largest noise get the precision `int8x16`, if they are a small enough part of
    the network: layers of at most `share` of its weights together, or any where it
    has no more than `small`. In a network that small a call is over before
    arithmetic counts. Where the sum is above what `bad-sqnr` allows and one value
    causes more than half of it, the layers that read it may be `bad-share`, as long
    as they have no more than `bad-most` weights.
    `qnet.widened` says what 8 bits would do. The layer of an rbf kernel
    (`qnet.rbf_gamma`) gets it whatever the noise: it measures distances, small
    differences of large numbers. So do layers of fine weights
    (`qnet.fine_weights`).

    Left as they are: layers that have a precision already, those that will have
    weights of 4 bits, and, without `tables`, those that read the result of a
    function other than a clamp, whose table would grow to 64 KiB. (A function in
    float, before the graph's inputs are quantized, has no table.)

    The choice depends on the network and its data alone, so that programs for all
    CPUs give the same bits.
  }];
  let options = [
    Option<"sqnr", "sqnr", "double", "50",
           "Signal over error of the outputs that is enough, in dB">,
    Option<"share", "share", "double", "0.0625",
           "The most of the network's weights that may read 15 bits">,
    Option<"badSqnr", "bad-sqnr", "double", "40",
           "Signal over error, in dB, below which more may be spent">,
    Option<"badShare", "bad-share", "double", "0.25",
           "The most of the weights for a value that causes most of that">,
    Option<"badMost", "bad-most", "int64_t", "262144",
           "The most weights, in number, for such a value">,
    Option<"small", "small", "int64_t", "16384",
           "Weights of a network in which all may">,
    Option<"tables", "tables", "bool", "false",
           "Also results of functions that need a table">,
    Option<"weights", "weights", "std::string", "\"int8\"",
           "The bits that weights will have: int8 or int4">,
    Option<"leastInt4", "least-int4", "int64_t", "4096",
           "The fewest weights of a layer that has 4 bits">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def DecomposeForIntegers
    : Pass<"decompose-for-integers", "::mlir::ModuleOp"> {
  let summary = "Write composite float ops as ops that have an integer form";
  let description = [{
    Ops that have no integer form of their own, but an exact one in others, are
    rewritten where a dense layer follows (elsewhere they stay in float anyway):

    - `dense` with a function -> `dense`, `activation`;
    - `reduce mean|sum` over static dimensions -> `transpose`, `reshape`,
      `dense` with a constant row, `reshape`;
    - `prelu` with one slope a channel -> `max(x, 0) + slope * min(x, 0)`.

    The dense layer of a split gets the name `NAME/pre-activation`, so that NAME
    still means the value after the function.
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def AssignParameters : Pass<"assign-parameters", "::mlir::ModuleOp"> {
  let summary = "Choose the quantization parameters of every value";
  let description = [{
    Decides which ops become integer ones and gives each value between them its
    `!quant.uniform` type, written into the graph as a `quantize`/`dequantize`
    pair after the value. Calibrated types become f32.

    - Values that one parameter set must serve (around concat, reshape, slice,
      transpose, gather, min, max) are united: the range is that of all of them.
    - The value before a function that is not a clamp gets a wide index type
      (`u16<0:4095>`) over the part of its range where the 8-bit result changes.
    - With `activations=int16` values are stored in u16 instead, from 0 up to what
      the proof allows: the largest integer up to 32767 under which no accumulator
      of the `dense` ops that read the value can leave 32 bits, whatever the input;
      at least 255. Indices of functions have 15 bits then.
    - A dense layer's `qnet.precision` says for its input what `activations` says
      for all: `int8x16` and `float` want 16 bits, `int8` and `int4` 8. A value has
      the width that its most demanding reader wants; arithmetic and functions pass
      on to their operands what their result has.
    - A `dense` whose result is only read as float gets no pair: its result
      comes straight from the accumulators.
    - Float ops after the last dense layer of a path, and preprocessing of graph
      inputs that has no exact integer form, stay in f32 and get a
      `qnet.ledger` attribute with the reason. Any other float op is an error,
      or with `allow-float` another line of the ledger.

    Options set the top of the activations' range (127 to 255) and the bits of
    look-up indices (8 to 16).
  }];
  let options = [
    Option<"allowFloat", "allow-float", "bool", "false",
           "Leave ops without an integer form in float, named in the ledger">,
    Option<"activations", "activations", "std::string", "\"int8\"",
           "Bits of stored values: int8 or int16">,
    Option<"activationMax", "activation-max", "int32_t", "255",
           "Largest stored activation, 127 to 255">,
    Option<"indexBits", "index-bits", "int32_t", "12",
           "Bits of the index of a look-up behind a dense layer, 8 to 16">];
  let dependentDialects = ["::mlir::qnet::QnetDialect",
                           "::mlir::quant::QuantDialect"];
}

def SearchWeightScales : Pass<"search-weight-scales", "::mlir::ModuleOp"> {
  let summary = "The weights' scales of least error of the output";
  let description = [{
    For each output channel of a dense layer with `qnet.second_moment`: its own
    scale (that of its largest weight; in 4 bits of all groups together) and some
    smaller ones are tried, weights rounded as `compensate-rounding` does it, and
    the one of least error of the output stays; then the scale of least squares
    for those integers, as long as it lowers the error. Written as
    `qnet.weight_scale`, an array with the scale of each channel, and
    `qnet.group_multipliers`.

    Weights beyond the ends of a smaller grid are clipped; in correlated inputs
    the others make up for it.
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"int8\"",
           "Bits of the weights: int8 or int4">,
    Option<"leastInt4", "least-int4", "int64_t", "4096",
           "Weights from which on a layer gets 4 bits with weights=int4">,
    Option<"biasCorrection", "bias-correction", "bool", "true",
           "Leave the mean of the error to the bias">];
  let dependentDialects = ["::mlir::qnet::QnetDialect",
                           "::mlir::quant::QuantDialect"];
}

def CompensateRounding : Pass<"compensate-rounding", "::mlir::ModuleOp"> {
  let summary = "Round weights so that their errors cancel in the output";
  let description = [{
    The error d of a channel's weights makes an error of the layer's output of
    power d^T H d, with H the covariance of the layer's input, from
    `qnet.second_moment` and `qnet.sample_mean`, and the input's own rounding noise
    on its diagonal. Weights are rounded one after the other, that of the most
    variable input first, each to the point nearest to where the errors made so
    far are made up for (GPTQ). The mean of the error goes into the bias. A channel
    for which rounding to the nearest is better gets that.

    The weights become points of the grid that `quantize-weights` uses, and the
    grid's scale `qnet.weight_scale`; what the weights were is kept as
    `qnet.unrounded`. Weights of 0 stay 0, so that a sparse layer stays one.

    Nothing is done for layers without `qnet.second_moment`, with `qnet.frozen`,
    and, with a remark, for those whose moments are not positive definite.
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"int8\"",
           "Bits of the weights: int8 or int4">,
    Option<"leastInt4", "least-int4", "int64_t", "4096",
           "Weights from which on a layer gets 4 bits with weights=int4">,
    Option<"biasCorrection", "bias-correction", "bool", "true",
           "Leave the mean of the error to the bias">];
  let dependentDialects = ["::mlir::qnet::QnetDialect",
                           "::mlir::quant::QuantDialect"];
}

def AdaptiveRounding : Pass<"adaptive-rounding", "::mlir::ModuleOp"> {
  let summary = "Move single weights up or down as long as the error falls";
  let description = [{
    After `compensate-rounding`, and in the same measure of error: weight by
    weight, the step up or down (or several) that lowers the error of the layer's
    output most, until no single step does, at most 20 times over all. This is the
    problem of AdaRound, solved by descent over whole steps.
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"int8\"",
           "Bits of the weights: int8 or int4">,
    Option<"leastInt4", "least-int4", "int64_t", "4096",
           "Weights from which on a layer gets 4 bits with weights=int4">,
    Option<"biasCorrection", "bias-correction", "bool", "true",
           "Leave the mean of the error to the bias">];
  let dependentDialects = ["::mlir::qnet::QnetDialect",
                           "::mlir::quant::QuantDialect"];
}

def QuantizeWeights : Pass<"quantize-weights", "::mlir::ModuleOp"> {
  let summary = "Dense layers between quantized values become qdense";
  let description = [{
    Weights become symmetric int8 with one scale an output channel; the input's
    zero point and the bias are folded into an i32 bias. Where the producer of
    the input carries `qnet.mean` (the mean of each feature on the calibration
    rows), the mean error that rounding the weights makes is taken off the bias.
    Weights that already lie on an 8-bit grid keep it, and `qnet.weight_scale` (in 4
    bits with `qnet.group_multipliers`) says the grid of each channel where a pass
    has chosen it. The bias of an rbf kernel's layer (`qnet.rbf_gamma`) is that of
    the rounded weights. Where the result is f32, what is left of fine weights
    (`qnet.fine_weights`) when they are rounded becomes a second layer, which is
    added: weights of about 15 bits. The pass ends only if no
    input can overflow an accumulator: a channel that could gets a coarser scale.

    With `weights=int4` layers get weights of 4 bits: each group of 64 input
    channels has a multiplier of its own in 1..127, chosen with the weights for the
    least squared error. Layers of fewer input channels, whose one group would be
    padded, and of fewer than `least-int4` weights, where less than 2 KiB would be
    saved for the accuracy that it costs, keep 8 bits, and the reason as
    `qnet.weights`; so do layers whose input has 16 bits. A layer's `qnet.precision`
    comes before the option, and `int4` there takes layers of any number of weights.

    With `requant=fixed` quantized results use an integer multiplier and shift.

    With `note-rounding`, layers with `qnet.second_moment` get
    `qnet.rounding_noise`: the power of the error that the rounding of their
    weights makes in their own output on those rows, over that of the output.
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"int8\"",
           "Bits of the weights: int8 or int4">,
    Option<"leastInt4", "least-int4", "int64_t", "4096",
           "Weights from which on a layer gets 4 bits with weights=int4">,
    Option<"requant", "requant", "std::string", "\"float\"",
           "Requantization: float (one f32 multiplication) or fixed (integers)">,
    Option<"biasCorrection", "bias-correction", "bool", "true",
           "Correct the bias for the mean error of rounded weights">,
    Option<"splitFine", "split-fine", "bool", "true",
           "Keep what is left of fine weights in a second layer">,
    Option<"noteRounding", "note-rounding", "bool", "false",
           "Note what the rounding of weights does to a layer's output">];
  let dependentDialects = ["::mlir::qnet::QnetDialect",
                           "::mlir::quant::QuantDialect"];
}

def ConvertToInteger : Pass<"convert-to-integer", "::mlir::ModuleOp"> {
  let summary = "Float ops between quantized values become integer ops";
  let description = [{
    Rewrites what stands between a `dequantize` and a `quantize`:

    - a chain of functions of one value (activations, arithmetic with a scalar
      constant) -> one `lookup`, every entry correctly rounded;
    - `add`, `sub`, `mul` -> `qadd`, `qsub`, `qmul`, a clamp after them included;
    - moves, `min` and `max` -> the same op on the stored integers;
    - nothing at all -> `requantize`, or nothing where the types are equal.
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect",
                           "::mlir::quant::QuantDialect"];
}

def VerifyInteger : Pass<"verify-integer", "::mlir::ModuleOp"> {
  let summary = "Check what Quantize promises the stages after it";
  let description = [{
    Rows of the contract:

    - I1: no calibrated type is left.
    - I2: every op on floats is a constant, a move, a conversion to or from
      stored integers, or carries a `qnet.ledger` reason.
    - I3: weights, biases, multipliers and tables of integer ops are constants.
    - I4: no accumulator of a `qdense` can leave 32 bits, for any input.
    - I5: every quantized type is per-tensor, over f32 and unsigned, its scale at
      least 2^-100, its zero point inside the storage range.
    - I6: with `require-int`, the ledger is empty but for `qnet.finish`, which is
      f32 by definition, as a requantization is, and for `qnet.input_parameters`,
      which are part of the input's quantization.
  }];
  let options = [
    Option<"requireInt", "require-int", "bool", "false",
           "Fail if any op is left in float">];
}

#endif // QUANTC_QUANTIZE_PASSES_TD
