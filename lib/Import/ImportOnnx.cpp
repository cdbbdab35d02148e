//===- ImportOnnx.cpp - ONNX to qnet --------------------------------------===//
//
// Takes:  an ONNX file, or another that readOnnxModel makes one of.
// Gives:  func.func @main of float qnet ops, one location per node.
// Why:    the one door for trained networks; every exporter writes ONNX.
// Not done here: reading the file (OnnxReader.cpp), an op's meaning
//         (Import<Family>.cpp), rewriting (Prepare).
//
//===----------------------------------------------------------------------===//

#include "quantc/Import/ImportOnnx.h"
#include "NodeImporter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mlir::qnet;
using namespace mlir::qnet::onnx;
using llvm::StringRef;

namespace {
/// All rows by "domain:op".
const llvm::StringMap<const OpRow *> &opTable() {
  static const llvm::StringMap<const OpRow *> table = [] {
    llvm::StringMap<const OpRow *> result;
    for (ArrayRef<OpRow> family :
         {denseRows(), elementwiseRows(), activationRows(), normalizationRows(),
          shapeRows(), sliceRows(), reduceRows(), quantizedRows(), qonnxRows(),
          preprocessingRows(), encoderRows(), svmRows()})
      for (const OpRow &row : family)
        result[(row.domain + ":" + row.name).str()] = &row;
    return result;
  }();
  return table;
}

class GraphImporter {
public:
  GraphImporter(const OnnxModel &model, StringRef path, MLIRContext &context)
      : model(model), graph(model.graph), builder(&context),
        // The folder is left out: the same model gives the same IR anywhere.
        fileLoc(NameLoc::get(
            builder.getStringAttr(llvm::sys::path::filename(path)))) {}

  OwningOpRef<ModuleOp> run(const ImportOptions &options) {
    OwningOpRef<ModuleOp> module(ModuleOp::create(fileLoc));
    builder.setInsertionPointToEnd(module->getBody());
    if (failed(checkOpset()) || failed(importFunction(options)) ||
        failed(mlir::verify(*module)))
      return {};
    return module;
  }

private:
  LogicalResult fail(const llvm::Twine &message) {
    return emitError(fileLoc) << message;
  }

  LogicalResult checkOpset() {
    auto opset = model.opsets.find("");
    if (opset == model.opsets.end())
      return success();
    if (opset->second < kOldestOpset || opset->second > kNewestOpset)
      return fail("opset " + llvm::Twine(opset->second) +
                  " is not known (quantc reads " + llvm::Twine(kOldestOpset) +
                  " to " + llvm::Twine(kNewestOpset) +
                  "); convert the model with onnx.version_converter or export "
                  "it at opset 21");
    return success();
  }

  LogicalResult importFunction(const ImportOptions &options) {
    for (const OnnxTensor &tensor : graph.initializers)
      bindings[tensor.name].constant = &tensor;
    SmallVector<const OnnxValueInfo *> inputs;
    SmallVector<Type> argumentTypes;
    for (const OnnxValueInfo &input : graph.inputs) {
      // Before IR version 4 every initializer was also declared as an input.
      if (bindings.contains(input.name))
        continue;
      FailureOr<RankedTensorType> type = argumentType(input);
      if (failed(type) ||
          (input.type == DataType::String && failed(addColumns(input, *type))))
        return failure();
      inputs.push_back(&input);
      argumentTypes.push_back(*type);
    }
    auto function =
        func::FuncOp::create(fileLoc, options.functionName,
                             builder.getFunctionType(argumentTypes, {}));
    builder.insert(function);
    Block *body = function.addEntryBlock();
    builder.setInsertionPointToStart(body);
    for (auto [index, input] : llvm::enumerate(inputs)) {
      function.setArgAttr(index, kNameAttr, builder.getStringAttr(input->name));
      auto columns = textColumns.find(input->name);
      if (columns == textColumns.end())
        bindings[input->name].value = body->getArgument(index);
      else
        bindings[input->name].text =
            TextValue{body->getArgument(index), {}, columns->second};
    }
    if (failed(nameColumns(function)))
      return failure();
    for (const OnnxNode &node : graph.nodes)
      if (failed(importNode(node)))
        return failure();
    return finish(function, argumentTypes);
  }

  /// What the model's metadata call the values of a row.
  LogicalResult nameColumns(func::FuncOp function) {
    if (!model.columnNames)
      return success();
    auto wrong = [&](const llvm::Twine &what) {
      return fail("the metadata 'quantc.columns' " + what +
                  "; remove them from the model, or give a JSON list of the "
                  "names of the columns of its one input");
    };
    auto type = function.getNumArguments() == 1
                    ? cast<RankedTensorType>(function.getArgumentTypes()[0])
                    : RankedTensorType();
    if (!type || type.getRank() != 2)
      return wrong("are of a model of one input of columns, which this is not");
    auto json = llvm::json::parse(*model.columnNames);
    if (!json) {
      llvm::consumeError(json.takeError());
      return wrong("are no JSON");
    }
    std::vector<std::string> names;
    llvm::json::Path::Root root;
    if (!fromJSON(*json, names, root))
      return wrong("are no list of texts");
    if (static_cast<int64_t>(names.size()) != type.getDimSize(1))
      return wrong("name " + llvm::Twine(names.size()) + " columns of " +
                   llvm::Twine(type.getDimSize(1)));
    function.setArgAttr(0, kColumnsAttr, namesAttr(names));
    return success();
  }

  FailureOr<RankedTensorType> argumentType(const OnnxValueInfo &input) {
    std::string name = "input " + quoted(input.name);
    if (input.kind != "tensor")
      return fail(name + ": its type is " + input.kind +
                  ", but only tensors can be compiled");
    // Text comes in as the numbers of its categories.
    Type element = mlirElementType(
        builder.getContext(),
        input.type == DataType::String ? DataType::Float : input.type);
    if (!element)
      return fail(name + ": element type " + dataTypeName(input.type) +
                  " is not supported; use a float or integer type");
    if (!input.shape)
      return fail(name + ": has no shape; export the model with shapes");
    SmallVector<int64_t> shape;
    for (auto [index, dim] : llvm::enumerate(*input.shape)) {
      if (!dim.size && index > 0)
        return fail(
            name + ": dimension " + llvm::Twine(index) +
            (dim.symbol.empty() ? "" : " (" + quoted(dim.symbol) + ")") +
            " has no fixed size; only the first dimension, the batch, "
            "may vary, so fix the others when exporting");
      shape.push_back(dim.size.value_or(ShapedType::kDynamic));
    }
    return RankedTensorType::get(shape, element);
  }

  LogicalResult importNode(const OnnxNode &node) {
    auto domain = model.opsets.find(node.domain);
    NodeImporter importer(node,
                          domain == model.opsets.end() ? 1 : domain->second,
                          builder, bindings);
    if (domain == model.opsets.end() && node.domain.empty())
      return importer.error("the model imports no opset of the default domain");
    if (std::optional<ShapeValue> integers = evaluate(node))
      return importer.result(0, std::move(*integers));
    auto found = opTable().find((node.domain + ":" + node.opType).str());
    if (found == opTable().end())
      return unknownOp(importer);
    const OpRow &row = *found->second;
    if (importer.opset < row.since)
      return importer.error(
          "opset " + llvm::Twine(importer.opset) +
          " of this op is older than " + llvm::Twine(row.since) +
          ", the oldest that quantc reads; convert the model with "
          "onnx.version_converter");
    if (failed(checkAgainstRow(importer, row)))
      return failure();
    if (std::optional<LogicalResult> moved = importMoveOfText(importer, row))
      return *moved;
    return row.handler(importer);
  }

  LogicalResult unknownOp(NodeImporter &importer) {
    const OnnxNode &node = importer.node;
    for (const OnnxAttribute &attribute : node.attributes)
      if (attribute.kind == AttributeKind::Graph ||
          attribute.kind == AttributeKind::Graphs)
        return importer.error("the op is not supported: it holds a subgraph "
                              "(control flow); export the model without it");
    for (const std::string &function : model.functions)
      if (function == (node.domain + "." + node.opType).str())
        return importer.error("the op is a function of this model, which is "
                              "not supported; inline it with "
                              "onnx.inliner.inline_local_functions");
    return importer.error(
        "the op is not supported" +
        llvm::Twine(node.domain == "ai.onnx.ml"
                        ? "; export the dense network alone, without its "
                          "preprocessing and decision"
                        : "; remove it from the model or express it with "
                          "supported ops"));
  }

  /// The value of a node in a chain of shape arithmetic.
  std::optional<ShapeValue> evaluate(const OnnxNode &node) {
    SmallVector<const ShapeValue *> inputs;
    for (StringRef input : node.inputs) {
      if (input.empty())
        return std::nullopt;
      Binding &bound = bindings[input];
      if (!bound.integers && bound.constant)
        bound.integers = shapeValueOf(*bound.constant);
      if (!bound.integers)
        return std::nullopt;
      inputs.push_back(&*bound.integers);
    }
    return evaluateShapeNode(node, inputs);
  }

  /// Makes the columns of an input of text, whose categories its readers name.
  LogicalResult addColumns(const OnnxValueInfo &input, RankedTensorType type) {
    int64_t count = type.getRank() < 2 ? 1 : type.getShape().back();
    if (type.getRank() == 0 || type.getRank() > 2 || count < 1)
      return fail("input " + quoted(input.name) +
                  ": text must have the shape (rows) or (rows, columns)");
    for (int64_t i = 0; i < count; ++i) {
      ownedColumns.push_back(std::make_unique<TextColumn>());
      textColumns[input.name].push_back(ownedColumns.back().get());
    }
    return success();
  }

  ArrayAttr namesAttr(ArrayRef<std::string> names) {
    SmallVector<StringRef> views(names.begin(), names.end());
    return builder.getStrArrayAttr(views);
  }

  /// What is said of each tensor of @main beside its type.
  void describeTensors(func::FuncOp function, ArrayRef<Binding> outputs) {
    for (unsigned i = 0; i != function.getNumArguments(); ++i) {
      auto name = function.getArgAttrOfType<StringAttr>(i, kNameAttr);
      SmallVector<Attribute> categories;
      for (const TextColumn *column : textColumns.lookup(name.getValue()))
        categories.push_back(namesAttr(column->all()));
      if (!categories.empty())
        function.setArgAttr(i, kCategoriesAttr,
                            builder.getArrayAttr(categories));
    }
    for (auto [index, output] : llvm::enumerate(graph.outputs)) {
      function.setResultAttr(index, kNameAttr,
                             builder.getStringAttr(output.name));
      const Binding &bound = outputs[index];
      if (bound.text)
        function.setResultAttr(index, kClassesAttr,
                               namesAttr(bound.text->words));
      if (!bound.columns.empty())
        function.setResultAttr(index, kColumnsAttr, namesAttr(bound.columns));
    }
  }

  /// The value of a graph output; null (reported) for what no program returns.
  Value outputValue(NodeImporter &importer, const OnnxValueInfo &output) {
    const Binding &bound = importer.binding(0);
    // A map of classes to scores is a matrix with named columns.
    const bool isMap = !bound.columns.empty();
    if (!isMap && output.kind != "tensor" && output.kind != "untyped") {
      (void)importer.error("its type is " + output.kind +
                           ", but only tensors can be compiled; export the "
                           "model without what makes it");
      return {};
    }
    if (bound.text && bound.text->isInput()) {
      (void)importer.error("is text of an input; a compiled program does not "
                           "return text, export the model without it");
      return {};
    }
    importer.movesText = true;
    Value value = importer.operand(0);
    Type declared = mlirElementType(builder.getContext(), output.type);
    const bool agrees =
        bound.text ? output.type == DataType::String
                   : value && declared == NodeImporter::elementOf(value);
    if (value && output.kind == "tensor" && !isMap && !agrees &&
        output.type != DataType::Undefined) {
      (void)importer.error("is declared as " + dataTypeName(output.type) +
                           ", but another element type is computed; the "
                           "model is inconsistent, export it again");
      return {};
    }
    return value;
  }

  LogicalResult finish(func::FuncOp function, ArrayRef<Type> argumentTypes) {
    SmallVector<Value> results;
    std::vector<Binding> outputs;
    for (const OnnxValueInfo &output : graph.outputs) {
      // An output is read as a node would read it.
      OnnxNode reader;
      reader.name = output.name;
      reader.opType = "graph output";
      reader.inputs = {output.name};
      NodeImporter importer(reader, 1, builder, bindings);
      Value value = outputValue(importer, output);
      if (!value)
        return failure();
      results.push_back(value);
      outputs.push_back(importer.binding(0));
    }
    func::ReturnOp::create(builder, fileLoc, results);
    function.setFunctionType(
        builder.getFunctionType(argumentTypes, TypeRange(ValueRange(results))));
    describeTensors(function, outputs);
    return success();
  }

  const OnnxModel &model;
  const OnnxGraph &graph;
  OpBuilder builder;
  Location fileLoc;
  llvm::StringMap<Binding> bindings;
  std::vector<std::unique_ptr<TextColumn>> ownedColumns;
  /// By the name of the graph input.
  llvm::StringMap<std::vector<TextColumn *>> textColumns;
};

OwningOpRef<ModuleOp>
importModel(llvm::Expected<std::unique_ptr<OnnxModel>> model, StringRef path,
            MLIRContext &context, const ImportOptions &options) {
  context.loadDialect<func::FuncDialect, quant::QuantDialect, QnetDialect>();
  if (!model) {
    emitError(NameLoc::get(StringAttr::get(&context, path)))
        << llvm::toString(model.takeError());
    return {};
  }
  return GraphImporter(**model, path, context).run(options);
}
} // namespace

OwningOpRef<ModuleOp> mlir::qnet::importOnnx(StringRef path,
                                             MLIRContext &context,
                                             const ImportOptions &options) {
  return importModel(readOnnxModel(path), path, context, options);
}

OwningOpRef<ModuleOp>
mlir::qnet::importOnnx(std::unique_ptr<llvm::MemoryBuffer> buffer,
                       StringRef path, MLIRContext &context,
                       const ImportOptions &options) {
  StringRef folder = llvm::sys::path::parent_path(path);
  if (folder.empty() && !path.empty())
    folder = ".";
  return importModel(readOnnxModel(std::move(buffer), folder), path, context,
                     options);
}

void mlir::qnet::registerOnnxTranslation() {
  static TranslateToMLIRRegistration registration(
      "import-onnx", "read an ONNX model into float qnet",
      [](llvm::SourceMgr &sources,
         MLIRContext *context) -> OwningOpRef<Operation *> {
        const llvm::MemoryBuffer *main =
            sources.getMemoryBuffer(sources.getMainFileID());
        // Standard input has no folder to look for external data in.
        StringRef path = main->getBufferIdentifier();
        if (path == "<stdin>")
          path = "";
        return importOnnx(llvm::MemoryBuffer::getMemBuffer(
                              main->getMemBufferRef(),
                              /*RequiresNullTerminator=*/false),
                          path, *context)
            .release()
            .getOperation();
      },
      [](DialectRegistry &registry) {
        registry.insert<func::FuncDialect, quant::QuantDialect, QnetDialect>();
      });
}
