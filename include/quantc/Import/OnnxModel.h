//===- OnnxModel.h - An ONNX file as checked plain data ---------*- C++ -*-===//
//
// What readOnnxModel gives is structurally sound, so that the importer needs no
// second thought about the file: every name that is read is defined, defined
// once, and before its use; every tensor has exactly the bytes that its shape
// and type ask for. Strings and weights are views into the mapped file, which
// the model owns.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTC_IMPORT_ONNXMODEL_H
#define QUANTC_IMPORT_ONNXMODEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir::qnet::onnx {

/// Element types, numbered as TensorProto.DataType in onnx.proto.
enum class DataType : int32_t {
  Undefined = 0,
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  BFloat16 = 16,
  Float8E4M3FN = 17,
  Float8E4M3FNUZ = 18,
  Float8E5M2 = 19,
  Float8E5M2FNUZ = 20,
  UInt4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
};

/// The type's name as onnx.proto writes it ("FLOAT16"), or "type N".
std::string dataTypeName(DataType type);

/// Bytes of one element in OnnxTensor::bytes (4-bit types are widened to a
/// byte), 0 for the types whose values have none (strings) or are not read
/// (complex).
unsigned dataTypeBytes(DataType type);

/// No tensor may have more elements than this (an index must fit 31 bits).
inline constexpr int64_t kMaxElements = (int64_t(1) << 31) - 1;
/// No tensor may have more dimensions than this.
inline constexpr size_t kMaxRank = 32;

/// The product of the sizes, or nothing when one is negative or the product
/// exceeds kMaxElements.
std::optional<int64_t> elementCount(llvm::ArrayRef<int64_t> dims);

/// The text in quotes, with control characters escaped and cut when very long:
/// names come from the file and end on a terminal.
std::string quoted(llvm::StringRef text);

/// A constant. `bytes` holds the elements in order, little-endian, one byte for
/// a bool and for a 4-bit value (sign-extended when signed).
struct OnnxTensor {
  llvm::StringRef name;
  DataType type = DataType::Undefined;
  llvm::SmallVector<int64_t, 4> dims;
  int64_t numElements = 0;
  llvm::ArrayRef<char> bytes;
  /// Holds the bytes when they could not be viewed in place.
  std::shared_ptr<std::vector<char>> owned;
  /// The elements of a tensor of strings, which has no bytes.
  std::vector<llvm::StringRef> strings;
};

/// Numbered as AttributeProto.AttributeType in onnx.proto.
enum class AttributeKind : int32_t {
  Undefined = 0,
  Float = 1,
  Int = 2,
  String = 3,
  Tensor = 4,
  Graph = 5,
  Floats = 6,
  Ints = 7,
  Strings = 8,
  Tensors = 9,
  Graphs = 10,
  SparseTensor = 11,
  SparseTensors = 12,
  TypeProto = 13,
  TypeProtos = 14,
};

/// A node's attribute. Graphs, sparse tensors and types are only named by
/// `kind`: no op that the importer knows has a body, so none is descended into,
/// however deep it nests.
struct OnnxAttribute {
  llvm::StringRef name;
  AttributeKind kind = AttributeKind::Undefined;
  float f = 0.0f;
  int64_t i = 0;
  llvm::StringRef s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<llvm::StringRef> strings;
  std::shared_ptr<OnnxTensor> tensor;
};

struct OnnxNode {
  llvm::StringRef name;
  llvm::StringRef opType;
  llvm::StringRef domain; // "" for ai.onnx
  std::vector<llvm::StringRef> inputs;
  std::vector<llvm::StringRef> outputs;
  std::vector<OnnxAttribute> attributes;

  /// The node's name, or its first output's where it has none.
  llvm::StringRef label() const;
  /// "node 'fc1' (Gemm)": how every message starts.
  std::string describe() const;
  const OnnxAttribute *attribute(llvm::StringRef name) const;
};

/// One dimension of a declared shape: a size, a symbol ("batch"), or neither.
struct OnnxDim {
  std::optional<int64_t> size;
  llvm::StringRef symbol;
};

struct OnnxValueInfo {
  llvm::StringRef name;
  /// "tensor", "sequence", "map", "optional", "sparse tensor" or "untyped".
  llvm::StringRef kind = "untyped";
  DataType type = DataType::Undefined;
  std::optional<llvm::SmallVector<OnnxDim, 4>> shape;
};

struct OnnxGraph {
  llvm::StringRef name;
  /// In an order in which every node comes after what it reads.
  std::vector<OnnxNode> nodes;
  std::vector<OnnxTensor> initializers;
  /// All declared inputs; those that name an initializer only give it a type.
  std::vector<OnnxValueInfo> inputs;
  std::vector<OnnxValueInfo> outputs;
  std::vector<OnnxValueInfo> valueInfos;
};

struct OnnxModel {
  int64_t irVersion = 0;
  llvm::StringRef producer;
  /// The metadata "quantc.columns", if there is any: a JSON list of what the
  /// values of a row of the one input are called.
  std::optional<llvm::StringRef> columnNames;
  /// Domain ("" for ai.onnx) to opset version.
  llvm::StringMap<int64_t> opsets;
  /// Names of the model-local functions, "domain.name".
  std::vector<std::string> functions;
  OnnxGraph graph;
  /// The mapped model and its external data files, which the views point into.
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> files;
  /// Holds the names that stand in none of the files.
  std::deque<std::string> names;
};

/// Reads and checks a model file: ONNX's, TensorFlow Lite's or libsvm's.
/// External data is found beside it.
llvm::Expected<std::unique_ptr<OnnxModel>> readOnnxModel(llvm::StringRef path);

/// Reads and checks a model from memory, whose external data is in `folder`
/// ("" refuses external data).
llvm::Expected<std::unique_ptr<OnnxModel>>
readOnnxModel(std::unique_ptr<llvm::MemoryBuffer> buffer,
              llvm::StringRef folder);

} // namespace mlir::qnet::onnx

#endif // QUANTC_IMPORT_ONNXMODEL_H
