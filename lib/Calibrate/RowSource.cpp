//===- RowSource.cpp - Rows of input values, a block at a time ------------===//
#include "quantc/Calibrate/RowSource.h"

#include "CsvFile.h"
#include "DataError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <cstring>

using namespace mlir::qnet;
using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::MutableArrayRef;
using llvm::StringRef;
using llvm::Twine;

RowSource::~RowSource() = default;

int64_t RowShape::values() const {
  int64_t product = 1;
  for (int64_t dimension : dimensions)
    product *= dimension;
  return product;
}

namespace {

enum class Format { Npy, Npz, Csv };

std::string dimensionsText(ArrayRef<int64_t> dimensions) {
  return llvm::join(
      llvm::map_range(dimensions, [](int64_t d) { return std::to_string(d); }),
      "x");
}

Expected<Format> detectFormat(StringRef path) {
  Expected<std::shared_ptr<FileBytes>> file = FileBytes::open(path);
  if (!file)
    return file.takeError();
  if ((*file)->size() == 0)
    return dataError(path, "is empty");
  char start[8] = {};
  if (Error error = (*file)->readAt(
          0, MutableArrayRef(
                 start, std::min<uint64_t>((*file)->size(), sizeof(start)))))
    return std::move(error);
  StringRef magic(start, sizeof(start));
  if (magic.starts_with("\x93NUMPY"))
    return Format::Npy;
  if (magic.starts_with("PK\x03\x04") || magic.starts_with("PK\x05\x06") ||
      magic.starts_with("PK\x06\x06"))
    return Format::Npz;
  if (magic.starts_with("PAR1"))
    return dataError(path, "is a parquet file, which is not read; convert it "
                           "with numpy.save(\"rows.npy\", "
                           "pandas.read_parquet(...).to_numpy(\"float32\"))");
  StringRef extension = llvm::sys::path::extension(path);
  if (extension.equals_insensitive(".csv") ||
      extension.equals_insensitive(".txt"))
    return Format::Csv;
  if (extension.equals_insensitive(".npy") ||
      extension.equals_insensitive(".npz"))
    return dataError(path, "is not what its name says: its first bytes are not "
                           "those of a " +
                               extension + " file; write it again with numpy");
  if (magic[0] == '\x80')
    return dataError(path, "looks like a Python pickle, which is never loaded; "
                           "save the array with numpy.save");
  return dataError(path, "is of no known format; give rows as .npy, .npz or "
                         ".csv");
}

/// `dimensions` hold the same values in the same order as the input: equal but
/// for dimensions of 1, or flat.
bool sameLayout(ArrayRef<int64_t> dimensions, const RowShape &input) {
  auto squeezed = [](ArrayRef<int64_t> shape) {
    llvm::SmallVector<int64_t> result;
    llvm::copy_if(shape, std::back_inserter(result),
                  [](int64_t dimension) { return dimension != 1; });
    return result;
  };
  llvm::SmallVector<int64_t> have = squeezed(dimensions),
                             want = squeezed(input.dimensions);
  int64_t values = 1;
  for (int64_t dimension : have)
    values *= dimension;
  return have == want ||
         (values == input.values() && (have.size() <= 1 || want.size() <= 1));
}

/// One array an input.
class NumpyRows : public RowSource {
public:
  static Expected<std::unique_ptr<RowSource>>
  create(std::vector<NumpyArray> arrays, ArrayRef<RowShape> inputs) {
    auto source = std::make_unique<NumpyRows>();
    for (auto [array, input] : llvm::zip_equal(arrays, inputs)) {
      ArrayRef<int64_t> shape = array.shape();
      if (shape.empty() || (shape.size() == 1 && input.values() != 1))
        return dataError(array.source(),
                         "has shape (" + dimensionsText(shape) +
                             "), where input '" + input.name +
                             "' takes rows of " + Twine(input.values()) +
                             " values; give an array of shape (rows, " +
                             Twine(input.values()) + ")");
      if (!sameLayout(shape.drop_front(), input))
        return dataError(array.source(),
                         "has rows of " + dimensionsText(shape.drop_front()) +
                             " values, where input '" + input.name +
                             "' takes " + dimensionsText(input.dimensions));
      if (shape[0] == 0)
        return dataError(array.source(), "has no rows");
      if (source->arrays.empty())
        source->rowCount = shape[0];
      if (source->rowCount != shape[0])
        return dataError(array.source(), "has " + Twine(shape[0]) +
                                             " rows, but " +
                                             source->arrays.front().source() +
                                             " has " + Twine(source->rowCount));
      source->arrays.push_back(std::move(array));
    }
    return source;
  }

  Expected<int64_t> next(int64_t count, ArrayRef<float *> into) override {
    count = std::min(count, rowCount - position);
    for (auto [array, values] : llvm::zip_equal(arrays, into))
      if (Error error = array.readFloats(
              position, count,
              MutableArrayRef(values, count * array.rowElements())))
        return std::move(error);
    position += count;
    return count;
  }

private:
  std::vector<NumpyArray> arrays;
  int64_t position = 0;
};

/// All inputs side by side in one table.
class TableRows : public RowSource {
public:
  using Reader =
      std::function<Expected<int64_t>(int64_t, MutableArrayRef<float>)>;

  TableRows(Reader reader, int64_t rows, ArrayRef<RowShape> inputs)
      : reader(std::move(reader)) {
    rowCount = rows;
    for (const RowShape &input : inputs)
      widths.push_back(input.values());
  }

  Expected<int64_t> next(int64_t count, ArrayRef<float *> into) override {
    int64_t width = 0;
    for (int64_t inputWidth : widths)
      width += inputWidth;
    // Not more than the table has: a caller's large block costs nothing.
    count = std::min(count, rowCount);
    if (widths.size() == 1)
      return reader(count, MutableArrayRef(into[0], count * width));
    table.resize(count * width);
    Expected<int64_t> got = reader(count, table);
    if (!got)
      return got.takeError();
    for (int64_t row = 0; row < *got; ++row) {
      const float *values = table.data() + row * width;
      for (auto [inputWidth, target] : llvm::zip_equal(widths, into)) {
        std::copy_n(values, inputWidth, target + row * inputWidth);
        values += inputWidth;
      }
    }
    return *got;
  }

private:
  Reader reader;
  llvm::SmallVector<int64_t> widths;
  std::vector<float> table;
};

Error wrongWidth(StringRef source, int64_t width, ArrayRef<RowShape> inputs,
                 int64_t wanted) {
  std::string inputText =
      inputs.size() == 1
          ? "input '" + inputs[0].name + "' takes "
          : "the " + std::to_string(inputs.size()) + " inputs take ";
  return dataError(source, "has rows of " + Twine(width) + " values, where " +
                               inputText + Twine(wanted) +
                               (width == wanted + 1
                                    ? "; is a column of labels or of row "
                                      "numbers still in it?"
                                    : ""));
}

Expected<std::unique_ptr<RowSource>> openZip(StringRef path,
                                             ArrayRef<RowShape> inputs) {
  Expected<std::vector<std::string>> names = numpyZipNames(path);
  if (!names)
    return names.takeError();
  const bool onlyOne = inputs.size() == 1 && names->size() == 1;
  for (const RowShape &input : inputs)
    if (!onlyOne && !llvm::is_contained(*names, input.name))
      return dataError(path, "has no array named '" + input.name +
                                 "', the model's input; it holds: " +
                                 llvm::join(*names, ", "));
  Expected<std::vector<NamedArray>> members =
      openNumpyZip(path, [&](StringRef name) {
        return onlyOne || llvm::any_of(inputs, [&](const RowShape &input) {
                 return input.name == name;
               });
      });
  if (!members)
    return members.takeError();
  std::vector<NumpyArray> arrays;
  for (const RowShape &input : inputs)
    for (const NamedArray &member : *members)
      if (onlyOne || member.name == input.name)
        arrays.push_back(member.array);
  return NumpyRows::create(std::move(arrays), inputs);
}

Expected<std::unique_ptr<RowSource>> openOne(StringRef path,
                                             ArrayRef<RowShape> inputs) {
  Expected<Format> format = detectFormat(path);
  if (!format)
    return format.takeError();
  int64_t wanted = 0;
  for (const RowShape &input : inputs)
    wanted += input.values();
  switch (*format) {
  case Format::Npz:
    return openZip(path, inputs);
  case Format::Npy: {
    Expected<NumpyArray> array = NumpyArray::open(path);
    if (!array)
      return array.takeError();
    if (inputs.size() == 1)
      return NumpyRows::create({std::move(*array)}, inputs);
    if (array->shape().size() != 2 || array->rowElements() != wanted)
      return wrongWidth(path, array->rowElements(), inputs, wanted);
    if (array->rows() == 0)
      return dataError(path, "has no rows");
    const int64_t rows = array->rows();
    auto reader =
        [array = std::move(*array), position = int64_t(0)](
            int64_t count,
            MutableArrayRef<float> into) mutable -> Expected<int64_t> {
      count = std::min(count, array.rows() - position);
      if (Error error = array.readFloats(
              position, count, into.take_front(count * array.rowElements())))
        return std::move(error);
      position += count;
      return count;
    };
    return std::make_unique<TableRows>(std::move(reader), rows, inputs);
  }
  case Format::Csv: {
    Expected<CsvFile> csv = CsvFile::open(path);
    if (!csv)
      return csv.takeError();
    if (csv->width() != wanted)
      return wrongWidth(path, csv->width(), inputs, wanted);
    auto shared = std::make_shared<CsvFile>(std::move(*csv));
    auto reader = [shared](int64_t count, MutableArrayRef<float> into) {
      return shared->next(count, into);
    };
    return std::make_unique<TableRows>(std::move(reader), shared->rows(),
                                       inputs);
  }
  }
  llvm_unreachable("all formats are handled");
}

/// One file an input, of any format.
class SeveralFiles : public RowSource {
public:
  static Expected<std::unique_ptr<RowSource>>
  create(ArrayRef<std::string> paths, ArrayRef<RowShape> inputs) {
    auto source = std::make_unique<SeveralFiles>();
    for (auto [path, input] : llvm::zip_equal(paths, inputs)) {
      Expected<std::unique_ptr<RowSource>> part = openOne(path, input);
      if (!part)
        return part.takeError();
      if (source->parts.empty())
        source->rowCount = (*part)->rows();
      if ((*part)->rows() != source->rowCount)
        return dataError(path, "has " + Twine((*part)->rows()) + " rows, but " +
                                   paths.front() + " has " +
                                   Twine(source->rowCount));
      source->parts.push_back(std::move(*part));
    }
    return source;
  }

  Expected<int64_t> next(int64_t count, ArrayRef<float *> into) override {
    int64_t done = 0;
    for (auto [part, values] : llvm::zip_equal(parts, into)) {
      float *target = values;
      Expected<int64_t> got = part->next(count, target);
      if (!got)
        return got.takeError();
      done = *got;
    }
    return done;
  }

private:
  std::vector<std::unique_ptr<RowSource>> parts;
};

} // namespace

Expected<std::unique_ptr<RowSource>>
RowSource::open(ArrayRef<std::string> paths, ArrayRef<RowShape> inputs) {
  if (paths.empty())
    return dataError("rows", "no file was given");
  if (inputs.empty())
    return dataError(paths.front(), "the model has no inputs to read rows for");
  if (paths.size() == 1)
    return openOne(paths.front(), inputs);
  if (paths.size() != inputs.size())
    return dataError(paths.front(),
                     "and further files: " + Twine(paths.size()) +
                         " files were given for " + Twine(inputs.size()) +
                         " inputs; give one file, or one an input");
  return SeveralFiles::create(paths, inputs);
}
