//===- QnetNetworkOps.td - the network level: float graphs -----------------===//
//
// Every rule a verifier checks carries a label (C1, C2, ...) that stands in the
// op's description, in lib/Dialect/QnetVerifiers.cpp and in
// test/Dialect/invalid.mlir.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTC_DIALECT_QNETNETWORKOPS_TD
#define QUANTC_DIALECT_QNETNETWORKOPS_TD

include "quantc/Dialect/QnetBase.td"

def Qnet_NetworkLevel : OpDocGroup {
  let summary = "Network level";
  let description = "Float graphs: products, functions, normalization, moves.";
}
let opDocGroup = Qnet_NetworkLevel in {

def Qnet_ConstantOp : Qnet_Op<"constant", [Pure, ConstantLike,
    InferTypeOpAdaptor]> {
  let summary = "A tensor known when compiling";
  let description = [{
    Holds weights, biases, tables and scales. Floats and integers of any width,
    unsigned integers included; large ones are `dense_resource` blobs.

    - C1: the value is `dense` or `dense_resource`, of a ranked tensor type, and
      its number of elements fits in 63 bits.
    - C2: a resource's blob is there and has exactly the bytes of its type.

    ```mlir
    %w = qnet.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def Qnet_DenseOp : Qnet_InferredOp<"dense"> {
  let summary = "Fully connected layer: x · transpose(W) + b, then a function";
  let description = [{
    `result[..., n] = f(sum_k input[..., k] * weights[n, k] + bias[n])` in the
    real numbers; a row of `weights` is one output channel.

    - C1: `weights` has rank 2 and its second dimension equals the input's last.
    - C2: `bias`, where present, has shape `[N]`.
    - C3: the input has rank 1 or more.
    - C4: `alpha` and `beta` are parameters `function` is defined for.
    - C5: the element types are the same (calibrated ones count as the float type
      they stand for).

    ```mlir
    %y = qnet.dense %x, %w, %b {function = #qnet.fn<relu>}
       : (tensor<?x784xf32>, tensor<256x784xf32>, tensor<256xf32>) -> tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Qnet_RealTensor:$input, Qnet_RealTensor:$weights,
                       Optional<Qnet_RealTensor>:$bias,
                       DefaultValuedAttr<Qnet_FnAttr, "::mlir::qnet::Function::identity">:$function,
                       OptionalAttr<F32Attr>:$alpha, OptionalAttr<F32Attr>:$beta);
  let results = (outs Qnet_RealTensor:$result);
  let assemblyFormat = [{
    $input `,` $weights (`,` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Qnet_MatmulOp : Qnet_InferredOp<"matmul"> {
  let summary = "numpy.matmul of two tensors";
  let description = [{
    Product of the last two dimensions, leading dimensions broadcast; rank-1
    operands are a row or a column (numpy's rule). Integer operands accumulate
    in the element type, which wraps. Prepare turns a `matmul` by a constant into
    `dense`.

    - C1: the contracted dimensions agree.
    - C2: both element types agree.

    ```mlir
    %y = qnet.matmul %a, %b : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$lhs, Qnet_Tensor:$rhs);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Qnet_KernelOp : Qnet_InferredOp<"kernel"> {
  let summary = "How much each row resembles each support vector";
  let description = [{
    With `v` a row of `vectors` and `x` a row of the input, element by element:

    | kind | result |
    |---|---|
    | `rbf` | `exp(-gamma |x - v|^2)` |
    | `polynomial` | `(gamma x . v + coef0)^degree` |
    | `sigmoid` | `tanh(gamma x . v + coef0)` |

    The names are scikit-learn's and libsvm's (Chang and Lin, "LIBSVM: a library
    for support vector machines", 2011, section 2). A linear kernel is no op: it
    is a `dense` layer of the weights that the support vectors add up to. Prepare
    turns the op into a `dense` layer and its finish (`expand-kernels`).

    - C1: `vectors` has rank 2 and its second dimension equals the input's last.
    - C2: the input has rank 1 or more.
    - C3: `gamma` and `coef0` are finite, `gamma` is positive for `rbf`, and
      `degree` is 1 to 16.
    - C4: the element types are the same.

    ```mlir
    %k = qnet.kernel rbf %x, %v {gamma = 0.1 : f32}
       : (tensor<?x64xf32>, tensor<530x64xf32>) -> tensor<?x530xf32>
    ```
  }];
  let arguments = (ins Qnet_KernelAttr:$kind, Qnet_RealTensor:$input,
                       Qnet_RealTensor:$vectors, F32Attr:$gamma,
                       DefaultValuedAttr<F32Attr, "0.0f">:$coef0,
                       DefaultValuedAttr<I64Attr, "1">:$degree);
  let results = (outs Qnet_RealTensor:$result);
  let assemblyFormat = [{
    custom<Keyword>($kind) $input `,` $vectors attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Functions of one value
//===----------------------------------------------------------------------===//

def Qnet_ActivationOp : Qnet_InferredOp<"activation"> {
  let summary = "A function of one value, element by element";
  let description = [{
    All functions of `quantc/Numerics/Functions.def`. `alpha` and `beta` are the
    function's parameters where it has any; left out, they take ONNX's defaults.

    - C1: on integers only abs, neg, sign, relu, clip, square and identity are
      defined.
    - C2: `alpha` and `beta` are parameters the function is defined for.

    ```mlir
    %y = qnet.activation leaky_relu %x {alpha = 0.1 : f32} : tensor<?x8xf32> -> tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Qnet_FnAttr:$function, Qnet_Tensor:$input,
                       OptionalAttr<F32Attr>:$alpha, OptionalAttr<F32Attr>:$beta);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "custom<Keyword>($function) $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Qnet_PreluOp : Qnet_InferredOp<"prelu"> {
  let summary = "x where x >= 0, slope * x elsewhere; slope broadcasts to x";
  let description = [{
    - C1: `slope` broadcasts to the shape of `input`.
    - C2: both have the same element type.

    ```mlir
    %y = qnet.prelu %x, %s : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$input, Qnet_Tensor:$slope);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$input `,` $slope attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Qnet_CastOp : Qnet_Op<"cast", [Pure, Qnet_ComputesOnReals]> {
  let summary = "Convert every element to another element type";
  let description = [{
    ONNX Cast: float to integer truncates towards zero (out of range saturates,
    NaN is 0), integer to integer wraps, to bool is `!= 0`, to a narrower float
    rounds to nearest even.

    - C1: shapes agree.

    ```mlir
    %y = qnet.cast %x : tensor<?x4xi64> -> tensor<?x4xf32>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$input);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Qnet_NotOp : Qnet_InferredOp<"not"> {
  let summary = "Logical negation";
  let description = [{
    ```mlir
    %y = qnet.not %m : tensor<?x4xi1> -> tensor<?x4xi1>
    ```
  }];
  let arguments = (ins Qnet_BoolTensor:$input);
  let results = (outs Qnet_BoolTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

class Qnet_ClassifyOp<string mnemonic, string what> : Qnet_InferredOp<mnemonic> {
  let summary = "True where the value is " # what;
  let description = "```mlir\n%m = qnet." # mnemonic #
      " %x : tensor<?x4xf32> -> tensor<?x4xi1>\n```";
  let arguments = (ins Qnet_FloatTensor:$input,
                       DefaultValuedAttr<BoolAttr, "true">:$detect_negative,
                       DefaultValuedAttr<BoolAttr, "true">:$detect_positive);
  let results = (outs Qnet_BoolTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}
def Qnet_IsNanOp : Qnet_ClassifyOp<"is_nan", "NaN (the detect_ attributes are ignored)">;
def Qnet_IsInfOp : Qnet_ClassifyOp<"is_inf", "an infinity of a detected sign">;

//===----------------------------------------------------------------------===//
// Functions of two values, numpy broadcasting
//===----------------------------------------------------------------------===//

class Qnet_BinaryOp<string mnemonic, string meaning,
                    list<Trait> traits = [Qnet_ComputesOnReals]>
    : Qnet_InferredOp<mnemonic, traits> {
  let summary = "Element by element " # meaning # ", numpy broadcasting";
  let description = [{
    Rules of the shared verifier:

    - C1: the operands' shapes broadcast (dimensions equal, or one of them 1).
    - C2: both operands have the same element type (calibrated ones the same
      expressed type).

    ```mlir
    %y = qnet.add %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$lhs, Qnet_Tensor:$rhs);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Qnet_AddOp : Qnet_BinaryOp<"add", "sum">;
def Qnet_SubOp : Qnet_BinaryOp<"sub", "difference">;
def Qnet_MulOp : Qnet_BinaryOp<"mul", "product">;
def Qnet_DivOp : Qnet_BinaryOp<"div", "quotient (integers truncate; by zero gives 0)">;
def Qnet_PowOp : Qnet_BinaryOp<"pow", "power">;
def Qnet_MinOp : Qnet_BinaryOp<"min", "minimum (NaN if either is)", [Qnet_MovesValues]>;
def Qnet_MaxOp : Qnet_BinaryOp<"max", "maximum (NaN if either is)", [Qnet_MovesValues]>;

class Qnet_LogicalOp<string mnemonic, string meaning>
    : Qnet_BinaryOp<mnemonic, meaning> {
  let arguments = (ins Qnet_BoolTensor:$lhs, Qnet_BoolTensor:$rhs);
  let results = (outs Qnet_BoolTensor:$result);
}
def Qnet_AndOp : Qnet_LogicalOp<"and", "logical and">;
def Qnet_OrOp : Qnet_LogicalOp<"or", "logical or">;
def Qnet_XorOp : Qnet_LogicalOp<"xor", "logical exclusive or">;

def Qnet_CompareOp : Qnet_InferredOp<"compare"> {
  let summary = "Element by element comparison, numpy broadcasting";
  let description = [{
    - C1: the operands' shapes broadcast.
    - C2: both operands have the same element type.

    ```mlir
    %m = qnet.compare lt %a, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xi1>
    ```
  }];
  let arguments = (ins Qnet_PredicateAttr:$predicate, Qnet_Tensor:$lhs, Qnet_Tensor:$rhs);
  let results = (outs Qnet_BoolTensor:$result);
  let assemblyFormat = "custom<Keyword>($predicate) $lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Qnet_WhereOp : Qnet_InferredOp<"where"> {
  let summary = "Choose by a condition, numpy broadcasting of all three";
  let description = [{
    - C1: the three shapes broadcast.
    - C2: both values have the same element type.

    ```mlir
    %y = qnet.where %m, %a, %b : (tensor<?x4xi1>, tensor<?x4xf32>, tensor<1xf32>) -> tensor<?x4xf32>
    ```
  }];
  let arguments = (ins Qnet_BoolTensor:$condition, Qnet_Tensor:$true_value,
                       Qnet_Tensor:$false_value);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$condition `,` $true_value `,` $false_value attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

class Qnet_SoftmaxLikeOp<string mnemonic, string what> : Qnet_InferredOp<mnemonic> {
  let summary = what # " along one axis";
  let description = [{
    Axes count from the front; the importer resolves negative ones.

    - C1: `axis` is less than the rank.

    ```mlir
    %y = qnet.softmax %x {axis = 1 : i64} : tensor<?x10xf32> -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins Qnet_RealTensor:$input, ConfinedAttr<I64Attr, [IntNonNegative]>:$axis);
  let results = (outs Qnet_RealTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}
def Qnet_SoftmaxOp : Qnet_SoftmaxLikeOp<"softmax", "exp(x - max) divided by its sum">;
def Qnet_LogSoftmaxOp : Qnet_SoftmaxLikeOp<"log_softmax", "logarithm of softmax">;

def Qnet_BatchNormOp : Qnet_InferredOp<"batch_norm"> {
  let summary = "Batch normalization with fixed statistics, channels in dimension 1";
  let description = [{
    `(x - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + bias[c]` with c the
    index in dimension 1 (dimension 0 for rank 1).

    - C1: the four parameters have shape `[C]`.
    - C2: `epsilon` is finite and not negative.
    - C3: all element types are the same.

    ```mlir
    %y = qnet.batch_norm %x, %s, %b, %m, %v {epsilon = 1.0e-5 : f32}
       : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    ```
  }];
  let arguments = (ins Qnet_RealTensor:$input, Qnet_RealTensor:$scale,
                       Qnet_RealTensor:$bias, Qnet_RealTensor:$mean,
                       Qnet_RealTensor:$variance, F32Attr:$epsilon);
  let results = (outs Qnet_RealTensor:$result);
  let assemblyFormat = [{
    $input `,` $scale `,` $bias `,` $mean `,` $variance attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Qnet_LayerNormOp : Qnet_InferredOp<"layer_norm"> {
  let summary = "Layer normalization over the dimensions from axis on";
  let description = [{
    `(x - mean) / sqrt(variance + epsilon) * scale + bias`, the mean and the
    biased variance taken over dimensions `axis..rank`. `scale` and `bias`
    broadcast to the input. With `rms` the mean is not subtracted and the mean
    square takes the place of the variance (RMSNormalization). In f32 each step
    is one rounded operation, sums in row-major order (docs/reference.md).

    - C1: `axis` is less than the rank.
    - C2: `scale` and `bias` broadcast to the input.
    - C3: `epsilon` is finite and not negative.
    - C4: all element types are the same.

    ```mlir
    %y = qnet.layer_norm %x, %s, %b {axis = 1 : i64, epsilon = 1.0e-5 : f32}
       : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    ```
  }];
  let arguments = (ins Qnet_RealTensor:$input, Qnet_RealTensor:$scale,
                       Optional<Qnet_RealTensor>:$bias,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$axis,
                       F32Attr:$epsilon, UnitAttr:$rms);
  let results = (outs Qnet_RealTensor:$result);
  let assemblyFormat = [{
    $input `,` $scale (`,` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Moving values
//===----------------------------------------------------------------------===//

def Qnet_ConcatOp : Qnet_InferredOp<"concat", [Qnet_MovesValues]> {
  let summary = "Join tensors along one axis";
  let description = [{
    - C1: one operand or more, of one rank, `axis` less than it.
    - C2: the other dimensions agree, and the element types agree.

    ```mlir
    %y = qnet.concat %a, %b {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xf32>) -> tensor<?x6xf32>
    ```
  }];
  let arguments = (ins Variadic<Qnet_Tensor>:$inputs, ConfinedAttr<I64Attr, [IntNonNegative]>:$axis);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Qnet_SliceOp : Qnet_InferredOp<"slice", [Qnet_MovesValues]> {
  let summary = "A strided box of a tensor";
  let description = [{
    `result[i] = input[starts + i * steps]` for `i` in `0..sizes`. A size of -1
    keeps a whole dynamic dimension (start 0, step 1). Steps may be negative.

    - C1: starts, sizes and steps have one entry a dimension, steps are not 0.
    - C2: every element read lies inside the input.
    - C3: -1 stands only for a dynamic dimension taken whole, and a dynamic
      dimension is always taken whole.

    ```mlir
    %y = qnet.slice %x {starts = array<i64: 0, 2>, sizes = array<i64: -1, 3>, steps = array<i64: 1, 1>}
       : tensor<?x8xf32> -> tensor<?x3xf32>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$input, DenseI64ArrayAttr:$starts,
                       DenseI64ArrayAttr:$sizes, DenseI64ArrayAttr:$steps);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Qnet_ReshapeOp : Qnet_Op<"reshape", [Pure, Qnet_MovesValues]> {
  let summary = "The same values in row-major order under another shape";
  let description = [{
    - C1: the result has at most one dynamic dimension, and a dynamic dimension
      stands in the result exactly if one stands in the input.
    - C2: the products of the static dimensions agree (for the dynamic one: they
      divide each other).
    - C3: the element types are the same (calibrated ones count as the float type
      they stand for).

    ```mlir
    %y = qnet.reshape %x : tensor<?x28x28xf32> -> tensor<?x784xf32>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$input);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Qnet_TransposeOp : Qnet_InferredOp<"transpose", [Qnet_MovesValues]> {
  let summary = "Permute dimensions: result dimension i is input dimension permutation[i]";
  let description = [{
    - C1: `permutation` is a permutation of the input's dimensions.

    ```mlir
    %y = qnet.transpose %x {permutation = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<3x2xf32>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Qnet_BroadcastOp : Qnet_Op<"broadcast", [Pure, Qnet_ComputesOnReals]> {
  let summary = "Repeat along dimensions of size 1 (numpy broadcast_to)";
  let description = [{
    - C1: the input's shape broadcasts to the result's.
    - C2: the element types are the same.

    ```mlir
    %y = qnet.broadcast %x : tensor<1x3xf32> -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$input);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Qnet_GatherOp : Qnet_InferredOp<"gather", [Qnet_MovesValues]> {
  let summary = "numpy.take along an axis";
  let description = [{
    Indices may be negative (counted from the end). An index out of range is an
    error in Reference; where the indices are constant, the verifier refuses it.

    - C1: `axis` is less than the input's rank.
    - C2: indices are integers, and constant ones lie in `[-dim, dim)`.

    ```mlir
    %y = qnet.gather %x, %i {axis = 1 : i64} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x3xf32>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$input, Qnet_Tensor:$indices,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$axis);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$input `,` $indices attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Qnet_ReduceOp : Qnet_InferredOp<"reduce"> {
  let summary = "Sum, mean, extremes or norm over some dimensions";
  let description = [{
    In f32 each step is one rounded operation, over the reduced elements in
    row-major order (docs/reference.md); integers wrap, an integer mean truncates.

    - C1: axes are distinct, sorted and less than the rank.

    ```mlir
    %y = qnet.reduce mean %x {axes = array<i64: 1>, keep_dims} : tensor<?x8xf32> -> tensor<?x1xf32>
    ```
  }];
  let arguments = (ins Qnet_ReduceAttr:$kind, Qnet_Tensor:$input,
                       DenseI64ArrayAttr:$axes, UnitAttr:$keep_dims);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "custom<Keyword>($kind) $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

class Qnet_ArgOp<string mnemonic, string what> : Qnet_InferredOp<mnemonic> {
  let summary = "Index (i64) of the " # what # " along one axis";
  let description = [{
    Of equal values the first wins, or the last with `select_last`. NaN is never
    greater or smaller than a number; a row of NaN gives 0.

    - C1: `axis` is less than the rank.

    ```mlir
    %i = qnet.argmax %x {axis = 1 : i64} : tensor<?x10xf32> -> tensor<?xi64>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$input, ConfinedAttr<I64Attr, [IntNonNegative]>:$axis,
                       UnitAttr:$keep_dims, UnitAttr:$select_last);
  let results = (outs Qnet_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}
def Qnet_ArgmaxOp : Qnet_ArgOp<"argmax", "largest value">;
def Qnet_ArgminOp : Qnet_ArgOp<"argmin", "smallest value">;

def Qnet_TopKOp : Qnet_InferredOp<"top_k"> {
  let summary = "The k largest (or smallest) values along an axis, with their indices";
  let description = [{
    Results are sorted, of equal values the lower index first, NaN last of all.

    - C1: `axis` is less than the rank and `k` at most that dimension.

    ```mlir
    %v, %i = qnet.top_k %x {axis = 1 : i64, k = 3 : i64} : tensor<?x10xf32> -> tensor<?x3xf32>, tensor<?x3xi64>
    ```
  }];
  let arguments = (ins Qnet_Tensor:$input, ConfinedAttr<I64Attr, [IntNonNegative]>:$axis,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$k,
                       DefaultValuedAttr<BoolAttr, "true">:$largest);
  let results = (outs Qnet_Tensor:$values, Qnet_Tensor:$indices);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($values) `,` type($indices)";
  let hasVerifier = 1;
}

} // opDocGroup = Qnet_NetworkLevel

#endif // QUANTC_DIALECT_QNETNETWORKOPS_TD
