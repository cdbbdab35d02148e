//===- Arrays.cpp - The arrays a user gives and gets ----------------------===//
#include "Arrays.h"
#include "Problem.h"

#include "quantc/Pipeline/Rows.h"
#include "quantc/Reference/Interpreter.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include <cstring>

using namespace llvm;
using mlir::qnet::NumpyArray;
using mlir::qnet::NumpyType;
using mlir::qnet::Tensor;

namespace quantc {

static bool isZip(StringRef path) { return path.ends_with_insensitive(".npz"); }

static std::string listed(ArrayRef<std::string> names) {
  return join(
      map_range(names, [](StringRef n) { return ("'" + n + "'").str(); }),
      ", ");
}

static Expected<std::vector<NumpyArray>>
openZipInputs(StringRef path, ArrayRef<std::string> inputNames) {
  auto arrays = mlir::qnet::openNumpyZip(path);
  if (!arrays)
    return arrays.takeError();
  std::vector<NumpyArray> result;
  if (arrays->size() == 1 && inputNames.size() == 1) {
    result.push_back(arrays->front().array);
    return result;
  }
  for (StringRef name : inputNames) {
    auto found =
        find_if(*arrays, [&](const auto &named) { return named.name == name; });
    if (found == arrays->end())
      return problem("'" + path + "' has no array for the input '" + name +
                     "'; the inputs are " + listed(inputNames));
    result.push_back(found->array);
  }
  return result;
}

Expected<std::vector<NumpyArray>> openInputs(ArrayRef<std::string> paths,
                                             ArrayRef<std::string> inputNames) {
  if (paths.size() == 1 && isZip(paths.front()))
    return openZipInputs(paths.front(), inputNames);
  if (paths.size() != inputNames.size())
    return problem("the network has " + Twine(inputNames.size()) +
                   " input(s): " + listed(inputNames) + "; give --input " +
                   Twine(inputNames.size()) + " time(s), or one .npz");
  std::vector<NumpyArray> result;
  for (StringRef path : paths) {
    Expected<NumpyArray> array = NumpyArray::open(path);
    if (!array)
      return array.takeError();
    result.push_back(std::move(*array));
  }
  return result;
}

namespace {
/// A .npy file that is gone when it is closed.
class ScratchArray {
public:
  static Expected<ScratchArray> create(ArrayRef<int64_t> shape) {
    ScratchArray array;
    if (std::error_code error =
            sys::fs::createTemporaryFile("quantc", "npy", array.path))
      return problem("no temporary file for rows: " + error.message());
    array.remover.setFile(array.path);
    auto writer = mlir::qnet::NumpyWriter::create(array.path, {}, shape);
    if (!writer)
      return writer.takeError();
    array.writer.emplace(std::move(*writer));
    return std::move(array);
  }
  Error append(ArrayRef<float> values) {
    return writer->append({reinterpret_cast<const char *>(values.data()),
                           values.size() * sizeof(float)});
  }
  Expected<NumpyArray> finish() {
    if (Error error = writer->commit())
      return std::move(error);
    return NumpyArray::open(path);
  }

private:
  SmallString<128> path;
  FileRemover remover;
  std::optional<mlir::qnet::NumpyWriter> writer;
};
} // namespace

Expected<std::vector<NumpyArray>>
openRows(ArrayRef<std::string> paths, ArrayRef<mlir::qnet::RowShape> inputs,
         int64_t most, int64_t &allRows) {
  constexpr int64_t blockRows = 256;
  auto source = mlir::qnet::RowSource::open(paths, inputs);
  if (!source)
    return source.takeError();
  allRows = (*source)->rows();
  std::vector<int64_t> wanted = mlir::qnet::spacedRows(allRows, most);
  std::vector<ScratchArray> arrays;
  std::vector<std::vector<float>> buffers;
  std::vector<float *> pointers;
  for (const mlir::qnet::RowShape &input : inputs) {
    SmallVector<int64_t> shape = {static_cast<int64_t>(wanted.size())};
    append_range(shape, input.dimensions);
    auto array = ScratchArray::create(shape);
    if (!array)
      return array.takeError();
    arrays.push_back(std::move(*array));
    pointers.push_back(buffers.emplace_back(blockRows * input.values()).data());
  }
  auto next = wanted.begin();
  for (int64_t first = 0; first < allRows;) {
    Expected<int64_t> read = (*source)->next(blockRows, pointers);
    if (!read)
      return read.takeError();
    if (*read == 0)
      return problem("the rows of data end early");
    for (; next != wanted.end() && *next < first + *read; ++next)
      for (auto [array, buffer, input] : zip_equal(arrays, buffers, inputs))
        if (Error error = array.append(ArrayRef(buffer).slice(
                (*next - first) * input.values(), input.values())))
          return std::move(error);
    first += *read;
  }
  std::vector<NumpyArray> result;
  for (ScratchArray &array : arrays) {
    Expected<NumpyArray> opened = array.finish();
    if (!opened)
      return opened.takeError();
    result.push_back(std::move(*opened));
  }
  return result;
}

Error checkOutputs(ArrayRef<std::string> paths,
                   ArrayRef<std::string> outputNames) {
  if (paths.size() == 1 && isZip(paths.front()))
    return Error::success();
  if (paths.size() == outputNames.size())
    return Error::success();
  return problem("the network has " + Twine(outputNames.size()) +
                 " output(s): " + listed(outputNames) + "; give --output " +
                 Twine(outputNames.size()) + " time(s), or one .npz");
}

Error writeOutputs(ArrayRef<std::string> paths, ArrayRef<HostArray> outputs) {
  if (paths.size() == 1 && isZip(paths.front())) {
    std::vector<mlir::qnet::ArrayToWrite> arrays;
    for (const HostArray &output : outputs)
      arrays.push_back({output.name, output.type, output.shape, output.bytes});
    return mlir::qnet::writeNumpyZip(paths.front(), arrays);
  }
  for (auto [path, output] : zip_equal(paths, outputs)) {
    auto writer =
        mlir::qnet::NumpyWriter::create(path, output.type, output.shape);
    if (!writer)
      return writer.takeError();
    if (Error error = writer->append(output.bytes))
      return error;
    if (Error error = writer->commit())
      return error;
  }
  return Error::success();
}

/// numpy's word for an element type, where it has one.
static std::optional<NumpyType> numpyType(mlir::Type type) {
  if (isa<mlir::BFloat16Type>(type) || !type.isIntOrFloat())
    return std::nullopt;
  int bytes = std::max<int>(1, type.getIntOrFloatBitWidth() / 8);
  if (isa<mlir::FloatType>(type))
    return NumpyType{'f', bytes, false};
  if (type.isInteger(1))
    return NumpyType{'b', 1, false};
  return NumpyType{type.isUnsignedInteger() ? 'u' : 'i', bytes, false};
}

Expected<Tensor> readTensor(const NumpyArray &array, mlir::Type elementType,
                            int64_t first, int64_t count) {
  SmallVector<int64_t> shape(array.shape());
  if (!shape.empty())
    shape.front() = count;
  int64_t elements = count * array.rowElements();
  std::optional<NumpyType> wanted = numpyType(elementType);
  std::vector<char> bytes;
  if (!wanted || (wanted->kind == 'f' && wanted->bytes == 4)) {
    std::vector<float> values(elements);
    if (Error error = array.readFloats(first, count, values))
      return std::move(error);
    Tensor tensor(elementType, shape);
    if (!tensor.isReal())
      return problem("an input is of a type that .npy files can't hold");
    for (auto [to, from] : zip_equal(tensor.reals, values))
      to = tensor.format().round(from);
    return tensor;
  }
  if (array.type().kind != wanted->kind || array.type().bytes != wanted->bytes)
    return problem("'" + array.source() + "' holds elements of " +
                   array.type().description() + " but the network reads " +
                   wanted->description() + "; convert it with numpy's astype");
  bytes.resize(elements * wanted->bytes);
  if (Error error = array.readRows(first, count, bytes))
    return std::move(error);
  auto tensor = mlir::qnet::tensorFromBuffer(
      elementType, shape, bytes, [&] { return mlir::InFlightDiagnostic(); });
  if (failed(tensor))
    return problem("'" + array.source() + "' doesn't fit the network's input");
  return std::move(*tensor);
}

HostArray toHostArray(const Tensor &tensor, std::string name) {
  Tensor real = mlir::qnet::dequantized(tensor);
  if (isa<mlir::BFloat16Type>(real.elementType))
    real.elementType = mlir::Float32Type::get(real.elementType.getContext());
  HostArray result;
  result.name = std::move(name);
  result.type = *numpyType(real.elementType);
  result.shape = real.shape;
  result.bytes = mlir::qnet::bufferFrom(real);
  return result;
}

} // namespace quantc
