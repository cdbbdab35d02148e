//===- TfliteTensor.cpp - A tensor of a TFLite file, checked --------------===//
//
// A tensor is checked when it is first named: an operator that is not read may
// have any.
//
//===----------------------------------------------------------------------===//

#include "TfliteGraph.h"

#include <cmath>

using namespace mlir::qnet::onnx;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

namespace {
/// TFLite's element types that ONNX has too.
DataType dataTypeOf(tflite::TensorType type) {
  switch (type) {
  case tflite::TensorType::FLOAT32:
    return DataType::Float;
  case tflite::TensorType::FLOAT16:
    return DataType::Float16;
  case tflite::TensorType::BFLOAT16:
    return DataType::BFloat16;
  case tflite::TensorType::FLOAT64:
    return DataType::Double;
  case tflite::TensorType::BOOL:
    return DataType::Bool;
  case tflite::TensorType::INT4:
    return DataType::Int4;
  case tflite::TensorType::INT8:
    return DataType::Int8;
  case tflite::TensorType::INT16:
    return DataType::Int16;
  case tflite::TensorType::INT32:
    return DataType::Int32;
  case tflite::TensorType::INT64:
    return DataType::Int64;
  case tflite::TensorType::UINT8:
    return DataType::UInt8;
  case tflite::TensorType::UINT16:
    return DataType::UInt16;
  case tflite::TensorType::UINT32:
    return DataType::UInt32;
  case tflite::TensorType::UINT64:
    return DataType::UInt64;
  default:
    return DataType::Undefined;
  }
}

std::string typeName(tflite::TensorType type) {
  StringRef name = tflite::EnumNameTensorType(type);
  return name.empty() ? "number " + std::to_string(int(type)) : name.str();
}

/// The integers in which TFLite stores real numbers. Those of a bias, of 32 or
/// 64 bits, mean nothing without the operator that adds it.
std::optional<std::pair<int64_t, int64_t>> storedRange(DataType type) {
  switch (type) {
  case DataType::Int4:
    return std::pair(-8, 7);
  case DataType::Int8:
    return std::pair(-128, 127);
  case DataType::UInt8:
    return std::pair(0, 255);
  case DataType::Int16:
    return std::pair(-32768, 32767);
  default:
    return std::nullopt;
  }
}

/// An element of 8 bytes, of which flatbuffers' verifier does not ask that they
/// be aligned.
int64_t zeroAt(const flatbuffers::Vector<int64_t> &zeros, size_t index) {
  int64_t zero = 0;
  std::memcpy(&zero, zeros.Data() + index * sizeof(zero), sizeof(zero));
  return zero;
}

/// Two values in a byte, the first in the low half, as one byte each.
std::vector<char> unpacked(ArrayRef<char> bytes, int64_t count) {
  constexpr int half = 4;
  std::vector<char> values;
  values.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    auto byte = static_cast<unsigned char>(bytes[i / 2]);
    auto high = static_cast<signed char>(i % 2 ? byte : byte << half);
    values.push_back(static_cast<char>(high >> half));
  }
  return values;
}
} // namespace

bool TfliteGraph::readShape(TfliteTensor &tensor) {
  std::string name = "tensor " + quoted(tensor.name);
  tensor.type = dataTypeOf(tensor.table->type());
  if (tensor.type == DataType::Undefined)
    return fail(name + " has the element type " +
                typeName(tensor.table->type()) +
                ", which is not supported; use floats or integers");
  if (tensor.table->is_variable())
    return fail(name + " is a variable that keeps its value from one row to "
                       "the next, which a compiled program does not; export "
                       "the model without state");
  if (tensor.table->sparsity())
    return fail(name + " is stored sparsely, which is not supported; convert "
                       "the model without sparsity (quantc prunes itself)");
  if (tensor.table->external_buffer() != 0)
    return fail(name + " lies in a file of its own, which is not supported; "
                       "convert the model into one file");
  if (const auto *shape = tensor.table->shape()) {
    if (shape->size() > kMaxRank)
      return fail(name + " has more than " + Twine(kMaxRank) + " dimensions");
    tensor.dims.assign(shape->begin(), shape->end());
  }
  // A size that may vary is written as the one that it has until it is changed.
  llvm::SmallVector<int64_t, 4> known(tensor.dims);
  llvm::replace(known, int64_t(-1), int64_t(1));
  if (!elementCount(known))
    return fail(name + " has an impossible shape: sizes must not be negative "
                       "and their product at most 2^31 - 1");
  return true;
}

bool TfliteGraph::readQuantization(TfliteTensor &tensor) {
  const tflite::QuantizationParameters *from = tensor.table->quantization();
  auto range = storedRange(tensor.type);
  if (!from || !range)
    return true;
  std::string name = "tensor " + quoted(tensor.name);
  if (from->details_type() != 0)
    return fail(name + " is quantized in blocks or in a way of its own, which "
                       "is not supported; convert the model with a scale for "
                       "each tensor or channel");
  const auto *scales = from->scale();
  const auto *zeros = from->zero_point();
  if (!scales || scales->size() == 0)
    return true;
  tensor.axis = from->quantized_dimension();
  bool fits = scales->size() == 1 ||
              (tensor.axis >= 0 && tensor.axis < int64_t(tensor.dims.size()) &&
               tensor.dims[tensor.axis] == int64_t(scales->size()));
  if (!fits || (zeros && zeros->size() != 0 && zeros->size() != scales->size()))
    return fail(name + " has " + Twine(scales->size()) + " scales and " +
                Twine(zeros ? zeros->size() : 0) +
                " zero points, which do not fit its shape; the file is "
                "damaged");
  for (size_t i = 0; i < scales->size(); ++i) {
    float scale = scales->Get(i);
    int64_t zero = zeros && zeros->size() != 0 ? zeroAt(*zeros, i) : 0;
    if (!std::isfinite(scale) || scale <= 0)
      return fail(name + " has a scale that is no positive number; convert the "
                         "model again");
    if (zero < range->first || zero > range->second)
      return fail(name + " has the zero point " + Twine(zero) +
                  ", which is outside of its integers; the file is damaged");
    tensor.scales.push_back(scale);
    tensor.zeros.push_back(zero);
  }
  return true;
}

std::optional<ArrayRef<char>>
TfliteGraph::bufferOf(const TfliteTensor &tensor) {
  const auto *buffers = file.buffers();
  uint32_t index = tensor.table->buffer();
  // The first buffer is always empty, and may be left out with all others.
  if (index == 0 && (!buffers || buffers->size() == 0))
    return ArrayRef<char>();
  if (!buffers || index >= buffers->size()) {
    fail("tensor " + quoted(tensor.name) + " names buffer " + Twine(index) +
         ", but there are " + Twine(buffers ? buffers->size() : 0) +
         "; the file is damaged");
    return std::nullopt;
  }
  const tflite::Buffer *buffer = buffers->Get(index);
  if (buffer->offset() > 1) {
    if (buffer->offset() > bytes.size() ||
        buffer->size() > bytes.size() - buffer->offset()) {
      fail("the elements of tensor " + quoted(tensor.name) +
           " lie outside of the file; it is cut short or damaged");
      return std::nullopt;
    }
    return ArrayRef<char>(bytes.data() + buffer->offset(), buffer->size());
  }
  if (!buffer->data())
    return ArrayRef<char>();
  return ArrayRef<char>(reinterpret_cast<const char *>(buffer->data()->data()),
                        buffer->data()->size());
}

bool TfliteGraph::readConstant(TfliteTensor &tensor, int64_t index) {
  std::optional<ArrayRef<char>> data = bufferOf(tensor);
  if (!data)
    return false;
  std::optional<int64_t> count = elementCount(tensor.dims);
  // What has no elements has no bytes either.
  if (data->empty() && (count != 0 || isComputed[index]))
    return true;
  const bool isPacked = tensor.type == DataType::Int4;
  int64_t wanted =
      isPacked ? (count.value_or(0) + 1) / 2
               : count.value_or(0) * int64_t(dataTypeBytes(tensor.type));
  if (!count || wanted != int64_t(data->size()))
    return fail("tensor " + quoted(tensor.name) + " has " +
                Twine(data->size()) + " bytes, but its shape asks for " +
                Twine(wanted) + "; the file is damaged");
  OnnxTensor constant;
  constant.name = tensor.name;
  constant.type = tensor.type;
  constant.dims = tensor.dims;
  constant.numElements = *count;
  constant.bytes = *data;
  if (isPacked) {
    constant.owned =
        std::make_shared<std::vector<char>>(unpacked(*data, *count));
    constant.bytes = *constant.owned;
  }
  tensor.constant = std::move(constant);
  return true;
}
