//===- TfliteGraph.h - A TensorFlow Lite graph on its way to ONNX -*- C++ -*-=//
//
// TfliteGraph holds the tensors of the file and the nodes made so far;
// TfliteOperator is what the handler of an operator sees. The first thing that
// is wrong is kept, and what is made after it is thrown away, so that a handler
// may go on with an empty name.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_LIB_IMPORT_TFLITEGRAPH_H
#define QUANTC_LIB_IMPORT_TFLITEGRAPH_H

#include "Tflite_generated.h"
#include "quantc/Import/OnnxModel.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"

namespace mlir::qnet::onnx {

/// A tensor of the file, checked.
struct TfliteTensor {
  const tflite::Tensor *table = nullptr;
  llvm::StringRef name; ///< no other has it
  DataType type = DataType::Undefined;
  llvm::SmallVector<int64_t, 4> dims;
  /// Set where the file holds the elements.
  std::optional<OnnxTensor> constant;
  bool isInput = false;
  /// Of integers that stand for real numbers; empty where they are themselves.
  llvm::SmallVector<float, 1> scales;
  llvm::SmallVector<int64_t, 1> zeros; ///< as many
  int64_t axis = 0;                    ///< that several scales go along
  /// Under which nodes read its numbers, once it is known.
  llvm::StringRef reals;
  /// What a reshape made it of, where it is a matrix.
  TfliteTensor *unflattened = nullptr;

  /// Whether it is computed in 8 bits, which a quantize pair says.
  bool isRounded() const {
    return !scales.empty() &&
           (type == DataType::Int8 || type == DataType::UInt8);
  }
  /// Whether the integers of both stand for the same numbers.
  bool isStoredAs(const TfliteTensor &other) const {
    return type == other.type && scales == other.scales && zeros == other.zeros;
  }
};

/// Element `index` of a constant of 32 or 64-bit integers.
int64_t integerAt(const OnnxTensor &tensor, int64_t index);

OnnxAttribute intAttribute(llvm::StringRef name, int64_t value);
OnnxAttribute intsAttribute(llvm::StringRef name,
                            llvm::ArrayRef<int64_t> values);
OnnxAttribute floatAttribute(llvm::StringRef name, float value);
OnnxAttribute stringAttribute(llvm::StringRef name, llvm::StringRef value);

class TfliteGraph {
public:
  /// `file` must be verified; `bytes` is all of it.
  TfliteGraph(const tflite::Model &file, llvm::StringRef bytes,
              OnnxModel &model);

  /// Fills the model's graph.
  llvm::Error run();

  /// Keeps the reason with the operator or tensor at hand; false.
  bool fail(const llvm::Twine &reason);
  bool hasFailed() const { return !problem.empty(); }

  /// The tensor of an index in the file; null (reported) where there is none.
  TfliteTensor *tensor(int64_t index);
  /// The name under which the tensor's numbers are read.
  llvm::StringRef reals(TfliteTensor &tensor);
  /// Gives a computed tensor its value, and rounds that unless it is so.
  void define(TfliteTensor &tensor, llvm::StringRef value,
              bool isRounded = false);
  /// A value as the tensor's integers have it.
  llvm::StringRef rounded(const TfliteTensor &tensor, llvm::StringRef value);

  using Attributes = std::vector<OnnxAttribute>;
  /// Adds a node, called after the operator at hand; gives its outputs.
  std::vector<llvm::StringRef> nodes(llvm::StringRef opType,
                                     std::vector<llvm::StringRef> inputs,
                                     Attributes attributes, size_t outputs);
  llvm::StringRef node(llvm::StringRef opType,
                       std::vector<llvm::StringRef> inputs,
                       Attributes attributes = {}) {
    return nodes(opType, std::move(inputs), std::move(attributes), 1).front();
  }

  /// Adds a constant of its own.
  template <typename T>
  llvm::StringRef constant(DataType type, llvm::ArrayRef<int64_t> dims,
                           llvm::ArrayRef<T> values) {
    const auto *data = reinterpret_cast<const char *>(values.data());
    return addConstant(type, dims, {data, data + values.size() * sizeof(T)});
  }
  llvm::StringRef constant(float value) {
    return constant<float>(DataType::Float, {}, value);
  }
  llvm::StringRef constant(llvm::ArrayRef<int64_t> values) {
    return constant<int64_t>(DataType::Int64, {int64_t(values.size())}, values);
  }

private:
  llvm::StringRef addConstant(DataType type, llvm::ArrayRef<int64_t> dims,
                              std::vector<char> bytes);
  llvm::StringRef saved(const llvm::Twine &text);
  /// `wanted`, or with a number where that is taken.
  llvm::StringRef unique(llvm::StringRef wanted);
  const tflite::SubGraph *mainGraph();
  void nameSignature();
  void addInputs();
  void addOperators();
  void addOperator(size_t index);
  void addOutputs();

  bool readShape(TfliteTensor &tensor);
  bool readQuantization(TfliteTensor &tensor);
  bool readConstant(TfliteTensor &tensor, int64_t index);
  std::optional<llvm::ArrayRef<char>> bufferOf(const TfliteTensor &tensor);
  /// Scale, zero point and axis as operands and attributes of a Linear op.
  llvm::StringRef linear(llvm::StringRef opType, const TfliteTensor &tensor,
                         llvm::StringRef value);
  void give(llvm::StringRef value, llvm::StringRef name);

  const tflite::Model &file;
  llvm::StringRef bytes;
  OnnxModel &model;
  OnnxGraph &graph;
  const tflite::SubGraph *subgraph = nullptr;
  std::vector<TfliteTensor> tensors;
  std::vector<bool> isComputed; ///< by some operator
  llvm::DenseMap<int64_t, llvm::StringRef> signature;
  llvm::StringSet<> taken;
  /// Outputs of nodes that nothing but a handler knows of.
  llvm::StringSet<> temporary;
  size_t nextNumber = 2;
  llvm::StringRef label; ///< of the nodes that are made
  std::string where;     ///< the operator or tensor at hand, for messages
  std::string problem;
};

class TfliteOperator {
public:
  TfliteOperator(TfliteGraph &graph, const tflite::Operator &table)
      : graph(graph), table(table) {}

  TfliteGraph &graph;
  const tflite::Operator &table;

  size_t inputCount() const {
    return table.inputs() ? table.inputs()->size() : 0;
  }
  size_t outputCount() const {
    return table.outputs() ? table.outputs()->size() : 0;
  }
  bool has(size_t input) const {
    return input < inputCount() && table.inputs()->Get(input) != -1;
  }
  /// The tensor of an operand; null (reported) where there is none.
  TfliteTensor *tensor(size_t input);
  TfliteTensor *outputTensor(size_t output);
  /// The name of an operand's numbers; empty (reported) where there is none.
  llvm::StringRef in(size_t input);
  std::vector<llvm::StringRef> all();
  /// The elements of an operand that must be a constant of integers.
  llvm::SmallVector<int64_t> integers(size_t input, llvm::StringRef what);
  /// The same of exactly one number.
  int64_t integer(size_t input, llvm::StringRef what);

  /// A field of the operator's options; `otherwise` where it has none.
  template <typename Options, typename Value>
  Value option(Value (Options::*field)() const, Value otherwise) {
    constexpr auto wanted = tflite::BuiltinOptionsTraits<Options>::enum_value;
    if (table.builtin_options_type() == tflite::BuiltinOptions::NONE ||
        !table.builtin_options())
      return otherwise;
    if (table.builtin_options_type() != wanted) {
      graph.fail("has the options of another operator; the file is damaged");
      return otherwise;
    }
    return (static_cast<const Options *>(table.builtin_options())->*field)();
  }

  /// A value behind the activation that is fused into the operator.
  llvm::StringRef activated(llvm::StringRef value,
                            tflite::ActivationFunctionType function);
  llvm::StringRef clipped(llvm::StringRef value, float low, float high);
  void result(llvm::StringRef value, size_t output = 0);
  /// A result whose numbers are all those of an operand.
  void moved(llvm::StringRef value, size_t input = 0, size_t output = 0);
};

/// How an operator becomes nodes.
struct TfliteRow {
  static constexpr size_t kAny = ~size_t(0);

  tflite::BuiltinOperator code;
  size_t minInputs, maxInputs;
  size_t outputs; ///< kAny for any number
  void (*handler)(TfliteOperator &, llvm::StringRef onnx);
  /// ONNX's op, where it is that alone.
  llvm::StringLiteral onnx = "";
};

/// The rows of those that only move values.
llvm::ArrayRef<TfliteRow> tfliteMoveRows();
/// Null for an operator that is not known.
const TfliteRow *tfliteRow(tflite::BuiltinOperator code);

} // namespace mlir::qnet::onnx

#endif // QUANTC_LIB_IMPORT_TFLITEGRAPH_H
