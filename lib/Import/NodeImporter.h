//===- NodeImporter.h - One ONNX node on its way to qnet --------*- C++ -*-===//
//
// What an op's handler sees: its operands as qnet values, its attributes
// already checked against its row, and a way to emit ops. A handler may pass a
// null value on: emit() gives null for a null operand, result() then fails, and
// the one error has been reported where the null came from.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_NODEIMPORTER_H
#define QUANTC_LIB_IMPORT_NODEIMPORTER_H

#include "ShapeArithmetic.h"
#include "TextValue.h"
#include "mlir/IR/Builders.h"
#include "quantc/Dialect/Qnet.h"
#include "quantc/Import/OnnxModel.h"

namespace mlir::qnet::onnx {

class NodeImporter;

/// A tensor that QuantizeLinear made with constant parameters: kept as what was
/// quantized until somebody asks for the integers, so that a DequantizeLinear
/// after it becomes a qnet.quantize and qnet.dequantize pair.
struct QuantizedValue {
  Value real;
  quant::QuantizedType type;
};

/// What a tensor's name stands for. `value` is filled when first asked for.
struct Binding {
  Value value;
  const OnnxTensor *constant = nullptr;
  /// Set once `constant` was searched for NaN and infinity.
  bool isFinite = false;
  std::optional<ShapeValue> integers;
  std::optional<QuantizedValue> quantized;
  /// Emits the integers of `quantized`.
  std::function<Value(NodeImporter &)> materialize;
  /// Set for a tensor of strings that is no constant, which has no `value`.
  std::optional<TextValue> text;
  /// Names of the columns of what a ZipMap makes a map of.
  std::vector<std::string> columns;
};

/// An op that the importer knows.
struct OpRow {
  using Handler = LogicalResult (*)(NodeImporter &);
  static constexpr int kVariadic = 1 << 16;

  llvm::StringLiteral name;
  /// The oldest opset whose meaning the handler implements.
  int64_t since;
  int minInputs, maxInputs, maxOutputs;
  /// "name:kind" separated by spaces; kinds f F i I s S t as in AttributeKind,
  /// "!" behind one that must be there.
  llvm::StringLiteral attributes;
  Handler handler;
  llvm::StringLiteral domain = "";
};

/// The rows of each family, one file each.
llvm::ArrayRef<OpRow> denseRows();
llvm::ArrayRef<OpRow> elementwiseRows();
llvm::ArrayRef<OpRow> activationRows();
llvm::ArrayRef<OpRow> normalizationRows();
llvm::ArrayRef<OpRow> shapeRows();
llvm::ArrayRef<OpRow> sliceRows();
llvm::ArrayRef<OpRow> reduceRows();
llvm::ArrayRef<OpRow> quantizedRows();
llvm::ArrayRef<OpRow> qonnxRows();
llvm::ArrayRef<OpRow> preprocessingRows();
llvm::ArrayRef<OpRow> svmRows();
llvm::ArrayRef<OpRow> encoderRows();

class NodeImporter {
public:
  NodeImporter(const OnnxNode &node, int64_t opset, OpBuilder &builder,
               llvm::StringMap<Binding> &bindings);

  const OnnxNode &node;
  /// Version of the node's domain.
  const int64_t opset;
  OpBuilder &builder;
  const Location loc;

  /// Reports "node 'x' (Op): reason" unless the node already failed.
  LogicalResult error(const llvm::Twine &reason);

  //--- Operands --------------------------------------------------------------
  bool has(size_t input) const {
    return input < node.inputs.size() && !node.inputs[input].empty();
  }
  /// The operand, null (reported) when it is absent or not known.
  Value operand(size_t input);
  SmallVector<Value> operands();
  /// The operand as text; null (not reported) when it is none.
  const TextValue *text(size_t input);
  /// The elements of a constant tensor of strings; null when it is none.
  const std::vector<llvm::StringRef> *constantText(size_t input);
  /// While this is set, operand() gives the codes of text.
  bool movesText = false;
  /// The binding of an operand that is there.
  Binding &binding(size_t input);
  /// Makes an output another name of an operand.
  LogicalResult alias(size_t output, size_t input);
  /// Elements of an operand that must be a constant of small integers, batch
  /// sizes as kDynamic. `what` is for the message ("axes").
  FailureOr<SmallVector<int64_t>> integers(size_t input, llvm::StringRef what);
  /// The same from an input where there is one, else from the attribute (whose
  /// place it took in a later opset); nothing when neither is given.
  FailureOr<std::optional<SmallVector<int64_t>>>
  integersOrAttribute(size_t input, llvm::StringRef attribute);
  /// The elements of a constant operand, null when it is not constant.
  DenseElementsAttr constant(size_t input);
  /// The value of a constant operand with one element.
  std::optional<double> constantScalar(size_t input);
  /// Fails when a constant float operand holds NaN or infinity.
  LogicalResult checkFinite(size_t input);

  //--- Attributes, whose kinds were checked against the row ------------------
  int64_t intAttribute(llvm::StringRef name, int64_t otherwise) const;
  float floatAttribute(llvm::StringRef name, float otherwise) const;
  llvm::StringRef stringAttribute(llvm::StringRef name,
                                  llvm::StringRef otherwise) const;
  std::optional<SmallVector<int64_t>> intsAttribute(llvm::StringRef name) const;
  /// Empty where there is none.
  ArrayRef<float> floatsAttribute(llvm::StringRef name) const;
  ArrayRef<llvm::StringRef> stringsAttribute(llvm::StringRef name) const;

  //--- Types -----------------------------------------------------------------
  static RankedTensorType typeOf(Value value) {
    return cast<RankedTensorType>(value.getType());
  }
  static Type elementOf(Value value) { return typeOf(value).getElementType(); }
  static int64_t rankOf(Value value) { return typeOf(value).getRank(); }
  static ArrayRef<int64_t> shapeOf(Value value) {
    return typeOf(value).getShape();
  }
  /// `axis` counted from the front, checked against [-rank, rank).
  FailureOr<int64_t> axis(int64_t axis, int64_t rank);
  /// Distinct axes from the front, sorted.
  FailureOr<SmallVector<int64_t>> axes(ArrayRef<int64_t> axes, int64_t rank);
  /// The MLIR type, null (reported) where quantc has none.
  Type elementType(DataType type);

  //--- Emitting --------------------------------------------------------------
  /// Emits an op whose result types follow from its operands. What its
  /// inference and verifier object to becomes the node's error.
  template <typename OpTy>
  Value emit(ValueRange operands, ArrayRef<NamedAttribute> attributes = {}) {
    Operation *op = emitOp(OpTy::getOperationName(), operands, attributes, {});
    return op ? op->getResult(0) : Value();
  }
  /// Emits an op with a result type that must be named.
  template <typename OpTy>
  Value emitTyped(Type result, ValueRange operands,
                  ArrayRef<NamedAttribute> attributes = {}) {
    Operation *op =
        emitOp(OpTy::getOperationName(), operands, attributes, result);
    return op ? op->getResult(0) : Value();
  }
  Operation *emitOp(llvm::StringRef name, ValueRange operands,
                    ArrayRef<NamedAttribute> attributes, TypeRange results);

  Value activation(Function function, Value input,
                   std::optional<float> alpha = std::nullopt,
                   std::optional<float> beta = std::nullopt);
  Value constantValue(ElementsAttr value);
  /// A splat of one number in a (float or integer) element type.
  Value splat(double number, Type element, ArrayRef<int64_t> shape = {});
  /// `input` itself when it has that element type.
  Value castTo(Value input, Type element);
  Value reshape(Value input, ArrayRef<int64_t> shape);
  Value transpose(Value input, ArrayRef<int64_t> permutation);
  Value reduce(ReduceKind kind, Value input, ArrayRef<int64_t> axes,
               bool keepDims);
  /// `input` as a matrix: the dimensions before `axis` by those from it on.
  Value flatten(Value input, int64_t axis);

  NamedAttribute named(llvm::StringRef name, Attribute value) {
    return builder.getNamedAttr(name, value);
  }
  NamedAttribute named(llvm::StringRef name, int64_t value) {
    return named(name, builder.getI64IntegerAttr(value));
  }
  NamedAttribute named(llvm::StringRef name, ArrayRef<int64_t> values) {
    return named(name, builder.getDenseI64ArrayAttr(values));
  }

  //--- Results ---------------------------------------------------------------
  bool wants(size_t output) const {
    return output < node.outputs.size() && !node.outputs[output].empty();
  }
  Binding &outputBinding(size_t output) {
    return bindings[node.outputs[output]];
  }
  /// Binds an output; fails for a null value.
  LogicalResult result(size_t output, Value value);
  LogicalResult result(size_t output, Binding binding);
  LogicalResult result(size_t output, ShapeValue integers);
  LogicalResult result(size_t output, TextValue text);

private:
  Value valueOf(llvm::StringRef name, Binding &binding);

  llvm::StringMap<Binding> &bindings;
  bool hasFailed = false;
};

/// Emits a constant; `name` names its blob and location.
Value emitConstant(OpBuilder &builder, const OnnxTensor &tensor,
                   llvm::StringRef name, Type element);
/// The MLIR element type, null where quantc has none.
Type mlirElementType(MLIRContext *context, DataType type);

/// Imports a node that moves text without reading it (Reshape, Gather, ...);
/// nothing for any other node.
std::optional<LogicalResult> importMoveOfText(NodeImporter &importer,
                                              const OpRow &row);

/// Gives output 0 of a classifier: the label, by the attributes
/// 'classlabels_ints' or 'classlabels_strings', of the class whose index (i64)
/// each row holds. `count` is the number of classes.
LogicalResult labelResult(NodeImporter &importer, Value classIndex,
                          int64_t count);

/// Checks input counts and attributes of `node` against its row.
LogicalResult checkAgainstRow(NodeImporter &importer, const OpRow &row);

} // namespace mlir::qnet::onnx

#endif // QUANTC_LIB_IMPORT_NODEIMPORTER_H
