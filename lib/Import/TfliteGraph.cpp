//===- TfliteGraph.cpp - The nodes that a TFLite graph becomes ------------===//
//
// Numbers are real in all nodes. A constant of integers with scales
// is dequantized; a computed tensor of 8 bits is quantized and dequantized
// again by the scale that the file gives it, as it is between TFLite's kernels.
//
//===----------------------------------------------------------------------===//

#include "TfliteGraph.h"

using namespace mlir::qnet::onnx;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

namespace {
StringRef textOf(const flatbuffers::String *text) {
  return text ? StringRef(text->data(), text->size()) : StringRef();
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
  return model.names.emplace_back(text.str());
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

int64_t mlir::qnet::onnx::integerAt(const OnnxTensor &tensor, int64_t index) {
  int64_t wide = 0;
  int32_t narrow = 0;
  if (tensor.type == DataType::Int64)
    std::memcpy(&wide, tensor.bytes.data() + index * sizeof(wide),
                sizeof(wide));
  else
    std::memcpy(&narrow, tensor.bytes.data() + index * sizeof(narrow),
                sizeof(narrow));
  return tensor.type == DataType::Int64 ? wide : narrow;
}

static bool holdsIntegers(const TfliteTensor &tensor) {
  return tensor.constant &&
         (tensor.type == DataType::Int64 || tensor.type == DataType::Int32);
}

llvm::SmallVector<int64_t> TfliteOperator::integers(size_t input,
                                                    StringRef what) {
  llvm::SmallVector<int64_t> values;
  TfliteTensor *operand = tensor(input);
  if (!operand)
    return values;
  if (!holdsIntegers(*operand) || operand->dims.size() > 1) {
    graph.fail(what + Twine(" (") + quoted(operand->name) +
               ") must be a constant list of 32 or 64-bit integers; convert "
               "the model with fixed shapes");
    return values;
  }
  const OnnxTensor &constant = *operand->constant;
  if (constant.numElements > int64_t(kMaxRank)) {
    graph.fail(what + Twine(" has more than ") + Twine(kMaxRank) + " numbers");
    return values;
  }
  for (int64_t i = 0; i < constant.numElements; ++i)
    values.push_back(integerAt(constant, i));
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
