//===- QnetBase.td - the qnet dialect, its enums and type constraints ------===//
#ifndef QUANTC_DIALECT_QNETBASE_TD
#define QUANTC_DIALECT_QNETBASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Qnet_Dialect : Dialect {
  let name = "qnet";
  let cppNamespace = "::mlir::qnet";
  let summary = "Dense networks, from a trained float graph to packed integers";
  let description = [{
    `qnet` carries a trained dense network through the compiler at three levels.

    *Network level*: float graphs as they come from ONNX or TOSA, on tensors
    whose first dimension is usually a dynamic batch. After Calibrate the element
    types are `!quant.calibrated`. Ops follow numpy's broadcasting.

    *Integer level*: activations are `!quant.uniform<u8<lo:hi>:f32, scale:zp>`
    tensors, weights are `i8` constants with per-channel scales as operands.
    `qdense` accumulates exactly in i32 and finishes with one requantization.

    *Kernel level*: packed operands and the `dot` op, which Kernels lowers to one
    instruction set's own instructions.

    Rules that many ops share, beside their own C1, C2, ...:

    - R1 (ops that compute with real numbers: products, functions, arithmetic,
      normalization, reductions): no operand and no result is `!quant.uniform`.
    - R2 (ops that move values or choose among them: `reshape`, `transpose`,
      `slice`, `concat`, `gather`, `min`, `max`): if one tensor is
      `!quant.uniform`, all but integer indices are, of one per-tensor type.
    - R3 (integer level): a `!quant.uniform` type has expressed type f32, 16
      storage bits or fewer, scales within [2^-100, 2^100] and zero points
      inside the storage range; a per-axis type's axis exists and has one scale
      an index.

    Meaning of every op is given by `lib/Reference`, the numbers by
    `lib/Numerics`.
  }];
  let dependentDialects = ["::mlir::quant::QuantDialect"];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
}

//===----------------------------------------------------------------------===//
// Enums. Order and spelling equal quantc/Numerics/Functions.def (static_asserts
// in lib/Dialect/Qnet.cpp keep them so).
//===----------------------------------------------------------------------===//

class Qnet_Function<string name, int value> : I32EnumCase<name, value>;

def Qnet_FunctionAttr : I32Enum<"Function", "unary function", [
    Qnet_Function<"identity", 0>, Qnet_Function<"relu", 1>,
    Qnet_Function<"relu6", 2>, Qnet_Function<"leaky_relu", 3>,
    Qnet_Function<"elu", 4>, Qnet_Function<"selu", 5>, Qnet_Function<"celu", 6>,
    Qnet_Function<"silu", 7>, Qnet_Function<"gelu", 8>,
    Qnet_Function<"gelu_tanh", 9>, Qnet_Function<"mish", 10>,
    Qnet_Function<"sigmoid", 11>, Qnet_Function<"tanh", 12>,
    Qnet_Function<"softplus", 13>, Qnet_Function<"softsign", 14>,
    Qnet_Function<"hard_sigmoid", 15>, Qnet_Function<"hard_swish", 16>,
    Qnet_Function<"clip", 17>, Qnet_Function<"thresholded_relu", 18>,
    Qnet_Function<"exp", 19>, Qnet_Function<"log", 20>,
    Qnet_Function<"sqrt", 21>, Qnet_Function<"rsqrt", 22>,
    Qnet_Function<"reciprocal", 23>, Qnet_Function<"abs", 24>,
    Qnet_Function<"neg", 25>, Qnet_Function<"sign", 26>,
    Qnet_Function<"floor", 27>, Qnet_Function<"ceil", 28>,
    Qnet_Function<"round", 29>, Qnet_Function<"erf", 30>,
    Qnet_Function<"sin", 31>, Qnet_Function<"cos", 32>,
    Qnet_Function<"square", 33>]> {
  let cppNamespace = "::mlir::qnet";
}

def Qnet_ReduceKindAttr : I32Enum<"ReduceKind", "what a reduction computes", [
    I32EnumCase<"sum", 0>, I32EnumCase<"mean", 1>,
    I32EnumCase<"max", 2>, I32EnumCase<"min", 3>,
    I32EnumCase<"l2", 4>, I32EnumCase<"sum_square", 5>,
    I32EnumCase<"l1", 6>, I32EnumCase<"prod", 7>]> {
  let cppNamespace = "::mlir::qnet";
}

def Qnet_ComparePredicateAttr
    : I32Enum<"ComparePredicate", "comparison, false with NaN", [
    I32EnumCase<"eq", 0>, I32EnumCase<"lt", 1>,
    I32EnumCase<"le", 2>, I32EnumCase<"gt", 3>,
    I32EnumCase<"ge", 4>]> {
  let cppNamespace = "::mlir::qnet";
}

def Qnet_KernelKindAttr : I32Enum<"KernelKind", "kernel of a support vector machine", [
    I32EnumCase<"rbf", 0>, I32EnumCase<"polynomial", 1>,
    I32EnumCase<"sigmoid", 2>]> {
  let cppNamespace = "::mlir::qnet";
}

/// Written `#qnet.fn<relu>` in an attribute dictionary, and as the bare keyword
/// where an op's format says `custom<Keyword>`.
class Qnet_EnumAttr<EnumInfo info, string mnemonic>
    : EnumAttr<Qnet_Dialect, info, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}
def Qnet_FnAttr : Qnet_EnumAttr<Qnet_FunctionAttr, "fn">;
def Qnet_ReduceAttr : Qnet_EnumAttr<Qnet_ReduceKindAttr, "reduction">;
def Qnet_PredicateAttr : Qnet_EnumAttr<Qnet_ComparePredicateAttr, "predicate">;
def Qnet_KernelAttr : Qnet_EnumAttr<Qnet_KernelKindAttr, "kernel">;

//===----------------------------------------------------------------------===//
// Type constraints
//===----------------------------------------------------------------------===//

def Qnet_Quantized : Type<
    CPred<"::llvm::isa<::mlir::quant::QuantizedType>($_self)">,
    "quantized or calibrated type">;
def Qnet_Uniform : Type<
    CPred<"::llvm::isa<::mlir::quant::UniformQuantizedType, "
          "::mlir::quant::UniformQuantizedPerAxisType>($_self)">,
    "uniform quantized type">;

/// Any tensor of known rank; dimensions may be dynamic (the batch).
def Qnet_Tensor : RankedTensorOf<[AnyFloat, AnyInteger, Qnet_Quantized]>;
/// Numbers a network computes with: floats, or floats with a measured range.
def Qnet_RealTensor : RankedTensorOf<[AnyFloat, Qnet_Quantized]>;
def Qnet_FloatTensor : RankedTensorOf<[AnyFloat]>;
def Qnet_UniformTensor : RankedTensorOf<[Qnet_Uniform]>;
def Qnet_BoolTensor : RankedTensorOf<[I1]>;

//===----------------------------------------------------------------------===//
// Traits: the rules about quantized types that many ops share
//===----------------------------------------------------------------------===//

/// R1: the op computes with real numbers, so no operand and no result is
/// `!quant.uniform` (stored integers have no meaning for it): dequantize first,
/// or use the integer level's op. `!quant.calibrated` is a real number.
def Qnet_ComputesOnReals : NativeOpTrait<"ComputesOnReals"> {
  let cppNamespace = "::mlir::qnet";
}

/// R2: the op moves values or chooses among them, so it may work on stored
/// integers: if one of its tensors is `!quant.uniform`, all of them but integer
/// indices are, of one and the same per-tensor type.
def Qnet_MovesValues : NativeOpTrait<"MovesValues"> {
  let cppNamespace = "::mlir::qnet";
}

/// R3: every `!quant.uniform` type is one that the integer arithmetic is
/// defined for: f32 expressed, 16 storage bits or fewer, scales within
/// [2^-100, 2^100], zero points inside the storage range; a per-axis type's
/// axis exists and has one scale an index.
def Qnet_SoundParameters : NativeOpTrait<"SoundParameters"> {
  let cppNamespace = "::mlir::qnet";
}

//===----------------------------------------------------------------------===//
// Op classes
//===----------------------------------------------------------------------===//

class Qnet_Op<string mnemonic, list<Trait> traits = []>
    : Op<Qnet_Dialect, mnemonic, traits>;

/// A pure op whose result shape follows from its operands and attributes.
/// `isCompatibleReturnTypes` accepts any element type that stands for the same
/// real numbers (f32, calibrated f32, uniform over f32).
class Qnet_InferredOp<string mnemonic, list<Trait> traits = [Qnet_ComputesOnReals]>
    : Qnet_Op<mnemonic, !listconcat([Pure, InferTypeOpAdaptorWithIsCompatible],
                                    traits)> {
  let extraClassDefinition = [{
    bool $cppClass::isCompatibleReturnTypes(::mlir::TypeRange inferred,
                                            ::mlir::TypeRange actual) {
      return ::mlir::qnet::haveCompatibleShapesAndReals(inferred, actual);
    }
  }];
}

#endif // QUANTC_DIALECT_QNETBASE_TD
