//===- Passes.td - the passes of Prepare -----------------------------------===//
#ifndef QUANTC_PREPARE_PASSES_TD
#define QUANTC_PREPARE_PASSES_TD

include "mlir/Pass/PassBase.td"

def UseFloat32 : Pass<"use-float32", "::mlir::ModuleOp"> {
  let summary = "Inputs and real numbers become f32";
  let description = [{
    Programs take rows of f32, and `lib/Numerics` defines f32 alone. Inputs of
    integers and booleans become f32 with a cast behind; values in f64, f16 and
    bf16 become f32, constants rounded to the nearest (f64 beyond f32 to its
    largest number). A cast of such an input to real numbers goes: its rows hold
    what the model's own type could. Results of integers stay: they are labels.

    ```mlir
    func.func @main(%x: tensor<?x4xi64>) -> (tensor<?x4xf64>, tensor<?x4xi1>) {
      %y = qnet.cast %x : tensor<?x4xi64> -> tensor<?x4xf64>
      %z = qnet.compare gt %x, %c : (tensor<?x4xi64>, tensor<i64>) -> tensor<?x4xi1>
      return %y, %z : tensor<?x4xf64>, tensor<?x4xi1>
    }
    ```
    becomes
    ```mlir
    func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xi1>) {
      %i = qnet.cast %x : tensor<?x4xf32> -> tensor<?x4xi64>
      %z = qnet.compare gt %i, %c : (tensor<?x4xi64>, tensor<i64>) -> tensor<?x4xi1>
      return %x, %z : tensor<?x4xf32>, tensor<?x4xi1>
    }
    ```
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def FoldConstants : Pass<"fold-constants", "::mlir::ModuleOp"> {
  let summary = "Evaluate what does not depend on the input";
  let description = [{
    Any pure `qnet` op whose operands are all constants is evaluated by the
    reference interpreter, so the constants are those the float graph would have
    computed. Results of more than `limit` elements stay, unless an operand is
    larger still: folding must not blow up a small model.

    ```mlir
    %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
    %t = qnet.transpose %w {permutation = array<i64: 1, 0>} : tensor<1x2xf32> -> tensor<2x1xf32>
    ```
    becomes `%t = qnet.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>`.
  }];
  let options = [
    Option<"limit", "limit", "int64_t", /*default=*/"int64_t(1) << 20",
           "most elements of a folded result">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def FormDense : Pass<"form-dense", "::mlir::ModuleOp"> {
  let summary = "Products by a constant matrix become dense layers";
  let description = [{
    - `matmul(x, W)` with a constant `W` of shape `[K, N]` (leading dimensions of
      1 allowed) becomes `dense(x, transpose(W))`;
    - with a constant `[K]`, a dense layer of one channel whose dimension is then
      dropped by a `reshape`;
    - `matmul(W, x)` with a constant `W` and an `x` of rank 2 becomes the dense
      layer of the transposed `x`, transposed back.

    Biases are left to `fold-affine`. Both are f32; other element types stay.

    ```mlir
    %y = qnet.matmul %x, %w : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
    ```
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def CollectColumns : Pass<"collect-columns", "::mlir::ModuleOp"> {
  let summary = "Sums of single columns become one product";
  let description = [{
    A `concat` of columns, each of which is a sum of columns of one and the same
    f32 matrix (`gather` of one index, `add`, `sub`, `neg`, numbers), becomes the
    sums of one `mul` of the matrix's rows by all factors. So exporters write the
    votes of one-against-one machines (skl2onnx, for
    `decision_function_shape="ovr"`), which are hundreds of ops for ten classes.

    ```mlir
    %a = qnet.gather %s, %i0 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
    %b = qnet.gather %s, %i1 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
    %c = qnet.add %a, %b : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
    %y = qnet.concat %c, %a {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
    ```
    becomes, with `%w = [[1, 1, 0], [1, 0, 0]]` and `%b = [0, 0]`,
    ```mlir
    %r = qnet.reshape %s : tensor<?x3xf32> -> tensor<?x1x3xf32>
    %t = qnet.mul %r, %w : (tensor<?x1x3xf32>, tensor<2x3xf32>) -> tensor<?x2x3xf32>
    %u = qnet.reduce sum %t {axes = array<i64: 2>} : tensor<?x2x3xf32> -> tensor<?x2xf32>
    %y = qnet.add %u, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    ```
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def ExpandKernels : Pass<"expand-kernels", "::mlir::ModuleOp"> {
  let summary = "Kernels of support vectors become dense layers with a finish";
  let description = [{
    An `rbf` kernel `exp(-g |x - v|^2)` is the dense layer of weights `2 g V` and
    bias `-g |v|^2`, less `g |x|^2`, under `exp`; a polynomial one is a dense
    layer and `degree - 1` products or fewer; a sigmoid one a dense layer with
    `tanh`. What follows the layer of the first two carries `qnet.finish`, and
    stays f32: its error is then that of the exponent, not of one more rounding
    to 8 bits.

    Where the mean of the vectors of an `rbf` kernel is longer than they spread
    around it, it is subtracted from both sides first, which changes no distance.

    The layers of the vectors and of the coefficients behind them get
    `qnet.fine_weights`, but for a sigmoid kernel's, whose layer ends in a table.

    ```mlir
    %k = qnet.kernel rbf %x, %v {gamma = 0.1 : f32}
       : (tensor<?x64xf32>, tensor<530x64xf32>) -> tensor<?x530xf32>
    ```
    becomes
    ```mlir
    %p = qnet.dense %x, %w, %b {qnet.fine_weights, qnet.frozen, qnet.rbf_gamma = 0.1 : f32} : ...
    %s = qnet.reduce sum_square %x {axes = array<i64: 1>, keep_dims, qnet.finish = "..."} : ...
    %g = qnet.mul %s, %gamma {qnet.finish = "..."} : ...
    %e = qnet.sub %p, %g {qnet.finish = "..."} : ...
    %k = qnet.activation exp %e {qnet.finish = "..."} : ...
    ```
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def FoldBatchNorm : Pass<"fold-batch-norm", "::mlir::ModuleOp"> {
  let summary = "Batch normalization becomes one product and one sum a channel";
  let description = [{
    `scale / sqrt(variance + epsilon)` and `bias - mean * that` are computed in
    f64 and rounded once. Runs after `fold-affine`, which takes a batch
    normalization beside a dense layer whole.

    ```mlir
    %y = qnet.batch_norm %x, %s, %b, %m, %v {epsilon = 1.0e-5 : f32}
       : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def HoistSelection : Pass<"hoist-selection", "::mlir::ModuleOp"> {
  let summary = "Features are selected before anything else is done with them";
  let description = [{
    A `gather` by constant indices along the last axis moves above the ops that
    compute each feature by itself (sums, products, functions, comparisons and
    `where`), where nobody else reads what they give. Constants with a number a
    feature are selected from too. A selection of more features than there are,
    some of them several times, stays: it would make work.

    ```mlir
    %s = qnet.sub %x, %mean : (tensor<?x57xf32>, tensor<57xf32>) -> tensor<?x57xf32>
    %y = qnet.gather %s, %i {axis = 1 : i64} : (tensor<?x57xf32>, tensor<32xi64>) -> tensor<?x32xf32>
    ```
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def FoldAffine : Pass<"fold-affine", "::mlir::ModuleOp"> {
  let summary = "Per-feature products and sums beside a dense layer go into it";
  let description = [{
    `add`, `sub`, `mul`, `div` by constants, negation and `batch_norm`, singly or
    in chains, composed in f64 and rounded once:

    - behind a dense layer without a function: `s * (W x + b) + t` is the layer
      with rows `s[n] * W[n]` and bias `s * b + t`;
    - before one: `W (s * x + t) + b` is the layer with columns `W[:, k] * s[k]`
      and bias `b + W t`, also through `concat` and `reshape`.

    Not folded: an affine of features that come from the graph's inputs without a
    layer between, and would then share one 8-bit range they do not fit (a feature
    would keep less than a quarter of its steps), alone or side by side in a
    `concat`; one whose value others read too; results that are not finite.

    ```mlir
    %d = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    %y = qnet.add %d, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    ```
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def RecognizeActivation : Pass<"recognize-activation", "::mlir::ModuleOp"> {
  let summary = "Functions that exporters spell out become one activation";
  let description = [{
    - `max(x, lo)`, `min(x, hi)` and their nests: relu, relu6, clip;
    - products, in any order and association: `x * sigmoid(a x)` is silu,
      `0.5 * x * (1 + erf(x / sqrt(2)))` gelu,
      `0.5 * x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))` gelu_tanh,
      `x * tanh(softplus(x))` mish, `x * clip(x + 3, 0, 6) / 6` hard_swish;
    - `log(1 + exp(x))` softplus, `1 / (1 + exp(-x))` sigmoid, `x / (1 + |x|)`
      softsign, `pow` by a constant of 2, 0.5, 1 or -1, `prelu` with one slope;
    - the other way round, `pow` by constants becomes products where all are one
      whole number, else `exp(y log x)`, of which each step has a defined result;
      where some are whole, of `|x|` with the sign of an odd power.

    Constants are compared with a relative tolerance of 1e-3, since exporters
    write them in f16 or f32.

    ```mlir
    %s = qnet.activation sigmoid %x : tensor<?x4xf32> -> tensor<?x4xf32>
    %y = qnet.mul %x, %s : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def FuseActivation : Pass<"fuse-activation", "::mlir::ModuleOp"> {
  let summary = "An activation behind a dense layer becomes the layer's function";
  let description = [{
    Only where nobody else reads the layer's result and it has no function yet.

    ```mlir
    %d = qnet.dense %x, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    %y = qnet.activation relu %d : tensor<?x2xf32> -> tensor<?x2xf32>
    ```
  }];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def GeneralizeBatch : Pass<"generalize-batch", "::mlir::ModuleOp"> {
  let summary = "A fixed batch size becomes a dynamic one";
  let description = [{
    Where all arguments of `@main` have one static leading dimension `n`, every
    op treats the rows along it alike and apart, and every result has it in front,
    the dimension becomes `?` throughout; reshapes, slices and broadcasts are
    rewritten. Otherwise nothing changes; `explain` adds a remark at the op that
    mixes rows.

    ```mlir
    func.func @main(%x: tensor<1x28x28xf32>) -> tensor<1x784xf32> {
      %y = qnet.reshape %x : tensor<1x28x28xf32> -> tensor<1x784xf32>
      return %y : tensor<1x784xf32>
    }
    ```
  }];
  let options = [
    Option<"explain", "explain", "bool", /*default=*/"false",
           "remark on the op that keeps the batch static">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def PruneWeights : Pass<"prune-weights", "::mlir::ModuleOp"> {
  let summary = "The weights of dense layers that matter least become zero";
  let description = [{
    In every dense layer of at least `least` constant weights, by `pattern`:

    - `magnitude`: the `fraction` of its weights with the smallest magnitudes;
    - `block`: the `fraction` of its blocks of 32 output by 4 input channels with
      the smallest mean squares (layers of 32 channels and more);
    - `2:4`: of each four input channels of each output channel, the two weights
      with the smallest magnitudes.

    Of equal ones the earlier in row-major order. Biases stay. Without training
    after it, pruning costs accuracy; a network that was trained with zeros needs
    no pass, as select-kernels finds them.

    ```mlir
    %w = qnet.constant dense<[[1.0, -4.0, 0.5, 2.0]]> : tensor<1x4xf32>
    ```
    becomes by 2:4 `dense<[[0.0, -4.0, 0.0, 2.0]]>`.
  }];
  let options = [
    Option<"pattern", "pattern", "std::string", /*default=*/"\"none\"",
           "none, magnitude, block or 2:4">,
    Option<"fraction", "fraction", "double", /*default=*/"0.0",
           "share of each layer's weights or blocks to set to zero, from 0 to less than 1">,
    Option<"least", "least", "int64_t", /*default=*/"4096",
           "weights below which a layer stays: zeros gain no time there">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def PruneNeurons : Pass<"prune-neurons", "::mlir::ModuleOp"> {
  let summary = "Channels between two dense layers that matter least are removed";
  let description = [{
    For a dense layer that is read by one other only, a channel goes with its row
    here and its column there.

    - Exactly, whatever the fraction: channels the next layer multiplies by zero,
      and channels without incoming weights, whose constant value goes into the
      next layer's bias.
    - Then those with the smallest product of norms (row and bias here, column
      there), until `fraction` of the channels is gone. At least one stays. Not of
      those whose reader has `qnet.pruned`: it has lost them already.

    Frozen layers stay.
  }];
  let options = [
    Option<"fraction", "fraction", "double", /*default=*/"0.0",
           "share of each hidden layer's channels to remove, 0 to 1">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def PruneWeightsByError : Pass<"prune-weights-by-error", "::mlir::ModuleOp"> {
  let summary = "The weights that the layer's output misses least become zero";
  let description = [{
    As `prune-weights`, for layers with `qnet.second_moment` (and
    `qnet.sample_mean`), with two differences:

    - what goes is chosen by the error it causes in the layer's output, given what
      the inputs do together (Optimal Brain Surgeon: `w^2 / [C^-1]_kk`, with C the
      covariance of the input and a hundredth of its mean variance on the
      diagonal);
    - the weights that stay are refit to take over what they can, and the bias
      takes up the mean (Frantar and Alistarh, SparseGPT, 2023, section 3).

    Of blocks, each group of 32 output channels loses the same share. The layer
    gets `qnet.pruned`, which says what went and what error that adds, as a share
    of the power of the layer's output. Layers that have it, and frozen ones,
    stay. So do layers without second moments and those whose refit is not
    finite: prune-weights behind this pass takes them.

    With the pattern `planned`, each layer loses what its `qnet.precision` says
    behind `int8/`, such as `int8/block:0.5`, and the others nothing.

    ```mlir
    %y = qnet.dense %x, %w {qnet.second_moment = dense<[[1.0, 0.9], [0.9, 1.0]]> : tensor<2x2xf32>}
       : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
    ```
  }];
  let options = [
    Option<"pattern", "pattern", "std::string", /*default=*/"\"none\"",
           "none, magnitude, block, 2:4 or planned">,
    Option<"fraction", "fraction", "double", /*default=*/"0.0",
           "share of each layer's weights or blocks to set to zero, from 0 to less than 1">,
    Option<"least", "least", "int64_t", /*default=*/"4096",
           "weights below which a layer stays: zeros gain no time there">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def PruneNeuronsByError : Pass<"prune-neurons-by-error", "::mlir::ModuleOp"> {
  let summary = "Hidden channels that their readers miss least are removed";
  let description = [{
    A group of channels is what layers give, through functions, arithmetic with
    constants, sums with what other layers give (which lose the same channels)
    and concats, to the layers that read it. One by one, the channel goes whose
    removal adds the least to the mean squared error of the readers' outputs,
    with all their other weights refit after each (Hassibi and Stork, Optimal
    Brain Surgeon, 1992), until `fraction` of them is gone; at least one stays.
    Readers get `qnet.pruned`.

    Groups that reach an input, a result, a frozen layer, an op that mixes
    channels, or a reader without `qnet.second_moment` stay: prune-neurons takes
    those it can.
  }];
  let options = [
    Option<"fraction", "fraction", "double", /*default=*/"0.0",
           "share of each group's channels to remove, from 0 to less than 1">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def PruneFeatures : Pass<"prune-features", "::mlir::ModuleOp"> {
  let summary = "Keep the input features that matter most";
  let description = [{
    Removes input features as prune-neurons-by-error does channels, all inputs
    together, until `keep` are left. Inputs keep their width; the program gathers
    the features it keeps and reads no others. An input whose features don't
    reach dense layers one by one is an error.
  }];
  let options = [
    Option<"keep", "keep", "int64_t", /*default=*/"0",
           "features to keep, of all inputs together">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def FoldFeatures : Pass<"fold-features", "::mlir::ModuleOp"> {
  let summary = "Named input features and hidden channels become constants";
  let description = [{
    `NAME[I]=VALUE` for feature I of an input or channel I of a layer (behind its
    function), `NAME=VALUE` for a whole input; `mean` for the value takes the mean
    that `qnet.mean` has. The readers' biases take up what the constants do, rows
    and columns go.

    An error, with the reason: unknown names, indices out of range, values that
    are results of the network or go through ops that mix features, frozen
    layers, and what would leave a layer nothing to read.
  }];
  let options = [
    ListOption<"folds", "folds", "std::string",
               "NAME[I]=VALUE, NAME[I]=mean, NAME=VALUE or NAME=mean">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def EqualizeLayers : Pass<"equalize-layers", "::mlir::ModuleOp"> {
  let summary = "Rows and columns of hidden channels get like sizes";
  let description = [{
    Cross-layer equalization (Nagel et al., "Data-Free Quantization through Weight
    Equalization and Bias Correction", 2019, section 4.1). Where
    `f(s x) = s f(x)` for `s > 0`, a hidden channel may have any scale: the rows
    and biases of the layers that make channel c are divided by `s[c]` and the
    columns of those that read it multiplied, `s[c] = sqrt(r1[c] / r2[c])` with
    `r1[c]` the largest weight of those rows and `r2[c]` of those columns, over
    the geometric mean of all `s`. Each `s[c]` is the nearest power of two, so
    float results keep their bits (but for numbers near the ends of the range of
    f32). Repeated until nothing changes.

    A group of channels is that of `prune-neurons-by-error`; its functions are
    `identity`, `relu`, `leaky_relu`, `abs`, `neg` and `prelu`. Constants that are
    added, or that `min` and `max` compare with, are rescaled too. Groups that
    reach an input, a result, a frozen layer or an op that mixes channels stay,
    and those whose ranges were measured. Layers that make channels note them in
    `qnet.channel_exponents`: channel c is `2^-e[c]` times what it was.

    ```mlir
    %w = qnet.constant dense<[[8.0], [0.5]]> : tensor<2x1xf32>
    %v = qnet.constant dense<[[0.5, 8.0]]> : tensor<1x2xf32>
    %h = qnet.dense %x, %w {function = #qnet.fn<relu>} : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
    %y = qnet.dense %h, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
    ```
    gets the weights `[[2.0], [2.0]]` and `[[2.0, 2.0]]`.
  }];
  let options = [
    ListOption<"keep", "keep", "std::string",
               "names of values whose channels stay as they are">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def MigrateOutliers : Pass<"migrate-outliers", "::mlir::ModuleOp"> {
  let summary = "Hidden channels of large values become smaller, their weights larger";
  let description = [{
    As `equalize-layers`, with `s[c] = x[c]^alpha / w[c]^(1 - alpha)`: `x[c]` is the
    size of the channel's values, `w[c]` the largest weight of the columns that
    read it (Xiao et al., "SmoothQuant", 2023, section 4, equation 4). The paper
    takes the largest magnitude for `x[c]`; here it is `sqrt(E[x^2])`, from the
    diagonal of the `qnet.second_moment` of the layers that read the channel (a
    factor that all channels share is of no matter). Groups without second
    moments stay. Moments and means on the layers are rescaled with their
    channels.

    ```mlir
    %h = qnet.dense %x, %w {function = #qnet.fn<relu>} : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
    %y = qnet.dense %h, %v {qnet.second_moment = dense<[[256.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>}
       : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
    ```
  }];
  let options = [
    Option<"alpha", "alpha", "double", /*default=*/"0.5",
           "how much of the channels' differences moves into the weights, 0 to 1">,
    ListOption<"keep", "keep", "std::string",
               "names of values whose channels stay as they are">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def SplitChannels : Pass<"split-channels", "::mlir::ModuleOp"> {
  let summary = "Hidden channels with outliers become two that are half as large";
  let description = [{
    Outlier channel splitting (Zhao et al., "Improving Neural Network Quantization
    without Retraining using Outlier Channel Splitting", 2019, section 3). A channel
    that one dense layer makes and one reads is made twice, and read twice by half
    its weight: `w * h` is `w / 2 * h + w / 2 * h`. The layer that makes the channels
    notes the copies in `qnet.channel_copies`.

    - `by=weights`: the channel whose column, halved, lessens the sum of the squared
      steps of the rows most (a row's step is its largest weight over 127), as often
      as `share` of the channels asks, rounded up, and as long as there is a gain. Any
      function may stand between the layers.
    - `by=activations`: the channel of the largest values, by the diagonal of the
      `qnet.second_moment` of the layer that reads it. Then the values are halved in
      place of the weights (`qnet.channel_exponents`, as `equalize-layers`), for which
      the function must have `f(s x) = s f(x)` for `s > 0`. Layers without second
      moments stay.

    Sums get other terms, so float results may differ in their last bits. What was
    measured of the changed layers' inputs is dropped; frozen layers and channels
    whose range was measured stay.

    ```mlir
    %v = qnet.constant dense<[[1.0, 8.0]]> : tensor<1x2xf32>
    %h = qnet.dense %x, %w {function = #qnet.fn<tanh>} : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
    %y = qnet.dense %h, %v : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x1xf32>
    ```
    with `share=0.5` has three channels, read by `[[1.0, 4.0, 4.0]]`.
  }];
  let options = [
    Option<"by", "by", "std::string", /*default=*/"\"weights\"",
           "weights or activations">,
    Option<"share", "share", "double", /*default=*/"0.05",
           "channels to split, of the channels of each layer, 0 to 1">,
    ListOption<"keep", "keep", "std::string",
               "names of values whose channels keep their size">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def FreezeLayers : Pass<"freeze-layers", "::mlir::ModuleOp"> {
  let summary = "Mark layers whose parameters may only be rounded to the nearest";
  let description = [{
    Dense layers of these names, or that match them as patterns (`fc*`), get
    `qnet.frozen`. Passes that prune, fold into, equalize or round with
    compensation leave them as they are. A name that matches none is an error.
  }];
  let options = [
    ListOption<"layerNames", "layers", "std::string",
               "names or patterns of names of dense layers">];
  let dependentDialects = ["::mlir::qnet::QnetDialect"];
}

def VerifyPrepared : Pass<"verify-prepared", "::mlir::ModuleOp"> {
  let summary = "What Calibrate and Quantize may assume";
  let description = [{
    Every violation is reported, with its row and node:

    - P1: `@main` exists, has one block, inputs and outputs, and only
      network-level `qnet` ops.
    - P2: floats are f32, and the inputs are.
    - P3: no `batch_norm` is left (its parameters were constants).
    - P4: no `matmul` by a constant is left.
    - P5: the weights and biases of `dense` are constants and finite.
    - P6: dimension 0 of every input and output is the dynamic batch, and every
      op treats rows apart.
    - P7: no `pow` is left (its exponents were finite constants).
  }];
}

#endif // QUANTC_PREPARE_PASSES_TD
