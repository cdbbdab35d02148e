//===- TfliteGraph.cpp - Tensors and quantization of a TFLite file --------===//
//
// A tensor is checked when it is first named: an operator that is not read may
// have any. Numbers are real in all nodes. A constant of integers with scales
// is dequantized; a computed tensor of 8 bits is quantized and dequantized
// again by the scale that the file gives it, as it is between TFLite's kernels.
//
//===----------------------------------------------------------------------===//

#include "TfliteGraph.h"

#include "llvm/Support/StringSaver.h"
#include <cmath>
#include <limits>

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

StringRef textOf(const flatbuffers::String *text) {
  return text ? StringRef(text->data(), text->size()) : StringRef();
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

OnnxAttribute mlir::qnet::onnx::intAttribute(StringRef name, int64_t value) {
  OnnxAttribute attribute;
  attribute.name = name;
  attribute.kind = AttributeKind::Int;
  attribute.i = value;
  return attribute;
}

OnnxAttribute mlir::qnet::onnx::intsAttribute(StringRef name,
                                              ArrayRef<int64_t> values) {
  OnnxAttribute attribute;
  attribute.name = name;
  attribute.kind = AttributeKind::Ints;
  attribute.ints = values.vec();
  return attribute;
}

OnnxAttribute mlir::qnet::onnx::floatAttribute(StringRef name, float value) {
  OnnxAttribute attribute;
  attribute.name = name;
  attribute.kind = AttributeKind::Float;
  attribute.f = value;
  return attribute;
}

OnnxAttribute mlir::qnet::onnx::stringAttribute(StringRef name,
                                                StringRef value) {
  OnnxAttribute attribute;
  attribute.name = name;
  attribute.kind = AttributeKind::String;
  attribute.s = value;
  return attribute;
}

TfliteGraph::TfliteGraph(const tflite::Model &file, StringRef bytes,
                         OnnxModel &model)
    : file(file), bytes(bytes), model(model), graph(model.graph) {}

bool TfliteGraph::fail(const Twine &reason) {
  if (!hasFailed())
    problem = where + (where.empty() ? "" : ": ") + reason.str();
  return false;
}

StringRef TfliteGraph::saved(const Twine &text) {
  return llvm::StringSaver(model.names).save(text);
}

StringRef TfliteGraph::unique(StringRef wanted) {
  StringRef name = wanted.empty() ? "tensor" : wanted;
  if (taken.insert(name).second)
    return name;
  // One number for all names: many equal ones take no long search.
  while (true) {
    StringRef numbered = saved(name + "#" + Twine(nextNumber++));
    if (taken.insert(numbered).second)
      return numbered;
  }
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

TfliteTensor *TfliteGraph::tensor(int64_t index) {
  if (index < 0 || index >= int64_t(tensors.size())) {
    fail("names tensor " + Twine(index) + ", but there are " +
         Twine(tensors.size()) + "; the file is damaged");
    return nullptr;
  }
  TfliteTensor &tensor = tensors[index];
  if (tensor.table)
    return &tensor;
  tensor.table = subgraph->tensors()->Get(index);
  auto named = signature.find(index);
  tensor.name = unique(named != signature.end() ? named->second
                                                : textOf(tensor.table->name()));
  return readShape(tensor) && readQuantization(tensor) &&
                 readConstant(tensor, index)
             ? &tensor
             : nullptr;
}

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
    int64_t zero = zeros && zeros->size() != 0 ? zeros->Get(i) : 0;
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

StringRef TfliteGraph::linear(StringRef opType, const TfliteTensor &tensor,
                              StringRef value) {
  llvm::SmallVector<int64_t, 1> dims;
  if (tensor.scales.size() != 1)
    dims.push_back(tensor.scales.size());
  // Little-endian: the first bytes of a small number are the small type's.
  std::vector<char> zeros;
  const unsigned width = dataTypeBytes(tensor.type);
  for (int64_t zero : tensor.zeros)
    zeros.insert(zeros.end(), reinterpret_cast<const char *>(&zero),
                 reinterpret_cast<const char *>(&zero) + width);
  StringRef scale =
      constant<float>(DataType::Float, dims, ArrayRef(tensor.scales));
  StringRef zero = addConstant(tensor.type, dims, std::move(zeros));
  return node(opType, {value, scale, zero},
              {intAttribute("axis", dims.empty() ? 0 : tensor.axis)});
}

StringRef TfliteGraph::rounded(const TfliteTensor &tensor, StringRef value) {
  if (tensor.scales.size() != 1)
    fail("tensor " + quoted(tensor.name) +
         " is computed with a scale for each channel, which only constants "
         "may have; convert the model again");
  return linear("DequantizeLinear", tensor,
                linear("QuantizeLinear", tensor, value));
}

StringRef TfliteGraph::reals(TfliteTensor &tensor) {
  if (!tensor.reals.empty())
    return tensor.reals;
  tensor.reals = tensor.name;
  if (!tensor.constant)
    return tensor.reals;
  graph.initializers.push_back(*tensor.constant);
  if (!tensor.scales.empty()) {
    tensor.reals = linear("DequantizeLinear", tensor, tensor.name);
    temporary.erase(tensor.reals);
  }
  return tensor.reals;
}

void TfliteGraph::define(TfliteTensor &tensor, StringRef value,
                         bool isRounded) {
  if (tensor.constant || tensor.isInput) {
    fail("writes tensor " + quoted(tensor.name) +
         ", which is a constant or an "
         "input of the graph; the file is damaged");
    return;
  }
  if (tensor.type == DataType::Int4 && !tensor.scales.empty()) {
    fail("computes tensor " + quoted(tensor.name) +
         " in 4 bits, which only constants may have; convert the model again");
    return;
  }
  // 16 bits lose nothing that 8 bits would show: such a tensor stays real.
  give(tensor.isRounded() && !isRounded ? rounded(tensor, value) : value,
       tensor.name);
}

/// Names a value: in the place of its own name where none can have read that.
void TfliteGraph::give(StringRef value, StringRef name) {
  if (!graph.nodes.empty())
    for (StringRef &output : graph.nodes.back().outputs)
      if (output == value && temporary.erase(value)) {
        output = name;
        return;
      }
  node("Identity", {value});
  graph.nodes.back().outputs = {name};
}

//===----------------------------------------------------------------------===//
// Nodes and constants
//===----------------------------------------------------------------------===//

std::vector<StringRef> TfliteGraph::nodes(StringRef opType,
                                          std::vector<StringRef> inputs,
                                          Attributes attributes,
                                          size_t outputs) {
  OnnxNode node;
  node.name = label;
  node.opType = opType;
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  for (size_t i = 0; i < outputs; ++i) {
    node.outputs.push_back(unique(saved(label + ":" + opType)));
    temporary.insert(node.outputs.back());
  }
  std::vector<StringRef> names = node.outputs;
  graph.nodes.push_back(std::move(node));
  return names;
}

StringRef TfliteGraph::addConstant(DataType type, ArrayRef<int64_t> dims,
                                   std::vector<char> bytes) {
  OnnxTensor tensor;
  tensor.name = unique("constant");
  tensor.type = type;
  tensor.dims.assign(dims.begin(), dims.end());
  tensor.numElements = elementCount(dims).value_or(0);
  tensor.owned = std::make_shared<std::vector<char>>(std::move(bytes));
  tensor.bytes = *tensor.owned;
  graph.initializers.push_back(tensor);
  return tensor.name;
}

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

llvm::Error TfliteGraph::run() {
  subgraph = mainGraph();
  if (subgraph) {
    tensors.resize(subgraph->tensors() ? subgraph->tensors()->size() : 0);
    isComputed.resize(tensors.size());
    if (subgraph->operators())
      for (const tflite::Operator *op : *subgraph->operators())
        if (op->outputs())
          for (int32_t output : *op->outputs())
            if (output >= 0 && output < int64_t(tensors.size()))
              isComputed[output] = true;
    nameSignature();
    addInputs();
    addOperators();
    where.clear();
    // An operator that needs another subgraph was refused by its name.
    if (file.subgraphs()->size() != 1)
      fail("the file has " + Twine(file.subgraphs()->size()) +
           " subgraphs (several signatures); convert one alone");
    addOutputs();
  }
  if (hasFailed())
    return llvm::createStringError(llvm::inconvertibleErrorCode(), problem);
  return llvm::Error::success();
}

const tflite::SubGraph *TfliteGraph::mainGraph() {
  if (!file.subgraphs() || file.subgraphs()->size() == 0) {
    fail("the TensorFlow Lite file has no graph; it is damaged");
    return nullptr;
  }
  return file.subgraphs()->Get(0);
}

/// A lone signature has the names that its author gave inputs and outputs.
void TfliteGraph::nameSignature() {
  const auto *signatures = file.signature_defs();
  if (!signatures || signatures->size() != 1)
    return;
  for (const auto *names :
       {signatures->Get(0)->inputs(), signatures->Get(0)->outputs()})
    if (names)
      for (const tflite::TensorMap *entry : *names)
        if (!textOf(entry->name()).empty())
          signature.try_emplace(entry->tensor_index(), textOf(entry->name()));
  // They go before tensors of the same name.
  for (const auto *indices : {subgraph->inputs(), subgraph->outputs()})
    if (indices)
      for (int32_t index : *indices)
        if (signature.contains(index))
          (void)tensor(index);
}

void TfliteGraph::addInputs() {
  if (!subgraph->inputs())
    return;
  for (int32_t index : *subgraph->inputs()) {
    where = "graph input";
    TfliteTensor *input = tensor(index);
    if (!input)
      return;
    where += " " + quoted(input->name);
    if (input->constant || input->isInput) {
      fail("is a constant or listed twice; the file is damaged");
      return;
    }
    input->isInput = true;
    label = input->name;
    OnnxValueInfo info;
    info.name = input->name;
    info.kind = "tensor";
    info.type = input->scales.empty() ? input->type : DataType::Float;
    info.shape.emplace();
    // Only the batch may vary; it is generalized from the size it has.
    const auto *varying = input->table->shape_signature();
    for (auto [dim, size] : llvm::enumerate(input->dims)) {
      bool varies = size < 0 ||
                    (varying && varying->size() > dim && varying->Get(dim) < 0);
      OnnxDim &declared = info.shape->emplace_back();
      if (dim == 0)
        declared.size = std::max<int64_t>(size, 1);
      else if (!varies)
        declared.size = size;
    }
    graph.inputs.push_back(std::move(info));
    input->reals =
        input->isRounded() ? rounded(*input, input->name) : input->name;
    temporary.erase(input->reals);
  }
}

void TfliteGraph::addOperators() {
  if (!subgraph->operators())
    return;
  for (size_t i = 0; i < subgraph->operators()->size() && !hasFailed(); ++i)
    addOperator(i);
}

/// The operator's name, or its custom one; empty for what TFLite has not.
static std::string nameOf(const tflite::OperatorCode &code,
                          tflite::BuiltinOperator builtin) {
  if (builtin == tflite::BuiltinOperator::CUSTOM)
    return "custom " + quoted(textOf(code.custom_code()));
  StringRef name = tflite::EnumNameBuiltinOperator(builtin);
  return name.empty() ? "number " + std::to_string(int(builtin)) : name.str();
}

void TfliteGraph::addOperator(size_t index) {
  const tflite::Operator &table = *subgraph->operators()->Get(index);
  where = "operator " + std::to_string(index);
  const auto *codes = file.operator_codes();
  if (!codes || table.opcode_index() >= codes->size()) {
    fail("names operator code " + Twine(table.opcode_index()) +
         ", but there are " + Twine(codes ? codes->size() : 0) +
         "; the file is damaged");
    return;
  }
  const tflite::OperatorCode &code = *codes->Get(table.opcode_index());
  // Files from before the new field have the code in the old one.
  auto builtin =
      std::max(code.builtin_code(),
               tflite::BuiltinOperator(code.deprecated_builtin_code()));
  where += " (" + nameOf(code, builtin) + ")";
  TfliteOperator op(*this, table);
  if (op.outputCount() == 0) {
    fail("has no output; remove it from the model");
    return;
  }
  // An operator that is not read may have tensors that are not either.
  int64_t first = table.outputs()->Get(0);
  StringRef name;
  if (first >= 0 && first < int64_t(tensors.size()))
    name = textOf(subgraph->tensors()->Get(first)->name());
  where += " of " + quoted(name);
  const TfliteRow *row = tfliteRow(builtin);
  if (!row) {
    fail("is not supported; quantc compiles dense networks: FULLY_CONNECTED "
         "and operators that work element by element, reduce or reshape (the "
         "list is in docs/tflite.md). Export the part of the model that has "
         "only those");
    return;
  }
  if (op.inputCount() < row->minInputs || op.inputCount() > row->maxInputs ||
      (row->outputs != TfliteRow::kAny && op.outputCount() != row->outputs)) {
    fail("has " + Twine(op.inputCount()) + " inputs and " +
         Twine(op.outputCount()) +
         " outputs, which it cannot have; the file is damaged");
    return;
  }
  // Fused operators have the names of all, the first of which is the layer's.
  label = name.split(';').first;
  if (label.empty())
    label = "operator";
  row->handler(op, row->onnx);
}

void TfliteGraph::addOutputs() {
  if (hasFailed() || !subgraph->outputs())
    return;
  llvm::StringSet<> listed;
  for (int32_t index : *subgraph->outputs()) {
    where = "graph output";
    TfliteTensor *output = tensor(index);
    if (!output)
      return;
    StringRef name = reals(*output);
    label = output->name;
    if (output->constant || output->isInput || !listed.insert(name).second)
      name = node("Identity", {name});
    OnnxValueInfo &info = graph.outputs.emplace_back();
    info.name = name;
    info.kind = "tensor";
  }
}

//===----------------------------------------------------------------------===//
// One operator
//===----------------------------------------------------------------------===//

TfliteTensor *TfliteOperator::tensor(size_t input) {
  if (has(input))
    return graph.tensor(table.inputs()->Get(input));
  graph.fail("input " + Twine(input) + " is missing; the file is damaged");
  return nullptr;
}

TfliteTensor *TfliteOperator::outputTensor(size_t output) {
  return graph.tensor(output < outputCount() ? table.outputs()->Get(output)
                                             : -1);
}

StringRef TfliteOperator::in(size_t input) {
  TfliteTensor *operand = tensor(input);
  return operand ? graph.reals(*operand) : StringRef();
}

std::vector<StringRef> TfliteOperator::all() {
  std::vector<StringRef> names;
  for (size_t i = 0; i < inputCount(); ++i)
    names.push_back(in(i));
  return names;
}

llvm::SmallVector<int64_t> TfliteOperator::integers(size_t input,
                                                    StringRef what) {
  llvm::SmallVector<int64_t> values;
  TfliteTensor *operand = tensor(input);
  if (!operand)
    return values;
  const bool isWide = operand->type == DataType::Int64;
  if (!operand->constant || operand->constant->dims.size() > 1 ||
      (!isWide && operand->type != DataType::Int32)) {
    graph.fail(what + Twine(" (") + quoted(operand->name) +
               ") must be a constant list of 32 or 64-bit integers; convert "
               "the model with fixed shapes");
    return values;
  }
  ArrayRef<char> bytes = operand->constant->bytes;
  if (operand->constant->numElements > int64_t(kMaxRank)) {
    graph.fail(what + Twine(" has more than ") + Twine(kMaxRank) + " numbers");
    return values;
  }
  for (int64_t i = 0; i < operand->constant->numElements; ++i) {
    int64_t wide = 0;
    int32_t narrow = 0;
    if (isWide)
      std::memcpy(&wide, bytes.data() + i * sizeof(wide), sizeof(wide));
    else
      std::memcpy(&narrow, bytes.data() + i * sizeof(narrow), sizeof(narrow));
    values.push_back(isWide ? wide : narrow);
  }
  return values;
}

int64_t TfliteOperator::integer(size_t input, StringRef what) {
  llvm::SmallVector<int64_t> values = integers(input, what);
  if (values.size() == 1)
    return values.front();
  graph.fail(what + Twine(" must be one number, but has ") +
             Twine(values.size()));
  return 0;
}

void TfliteOperator::result(StringRef value, size_t output) {
  if (TfliteTensor *to = outputTensor(output); to && !graph.hasFailed())
    graph.define(*to, value);
}

void TfliteOperator::moved(StringRef value, size_t input, size_t output) {
  TfliteTensor *from = tensor(input), *to = outputTensor(output);
  if (from && to && !graph.hasFailed())
    graph.define(*to, value, from->isStoredAs(*to));
}
