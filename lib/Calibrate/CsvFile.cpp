//===- CsvFile.cpp - Rows of numbers in a text file -----------------------===//
#include "CsvFile.h"

#include "DataError.h"

#include <algorithm>
#include <charconv>
#include <cstring>

using namespace mlir::qnet;
using llvm::Error;
using llvm::Expected;
using llvm::MutableArrayRef;
using llvm::StringRef;
using llvm::Twine;

static constexpr size_t readBytes = 1 << 18;
/// A row of a million values in full precision; more is no table of rows.
static constexpr size_t longestLine = 1 << 25;
static constexpr StringRef blanks = " \t";

/// Splits off the first cell of `line`; quotes protect commas.
static StringRef takeCell(StringRef &line, bool &more) {
  bool quoted = false;
  size_t end = 0;
  for (; end < line.size(); ++end) {
    if (line[end] == '"')
      quoted = !quoted;
    else if (line[end] == ',' && !quoted)
      break;
  }
  StringRef cell = line.take_front(end).trim(blanks);
  more = end < line.size();
  line = line.drop_front(std::min(line.size(), end + 1));
  return cell;
}

/// The number in a cell, as the nearest f32; nothing if it is none.
static std::optional<float> parseNumber(StringRef cell) {
  if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"')
    cell = cell.drop_front().drop_back().trim(blanks);
  if (cell.consume_front("+") && cell.starts_with("-"))
    return std::nullopt;
  float value;
  auto [end, error] = std::from_chars(cell.begin(), cell.end(), value);
  if (end != cell.end() || cell.empty())
    return std::nullopt;
  if (error == std::errc())
    return value;
  // Out of f32's range: through f64, which becomes zero, denormal or infinite.
  double wide;
  auto result = std::from_chars(cell.begin(), cell.end(), wide);
  if (result.ec != std::errc())
    return std::nullopt;
  return static_cast<float>(wide);
}

void CsvFile::rewind() {
  buffer.clear();
  position = 0;
  fileOffset = 0;
  lineNumber = 0;
  passedHeader = false;
}

Expected<std::optional<StringRef>> CsvFile::nextLine() {
  while (true) {
    const char *start = buffer.data() + position;
    const size_t available = buffer.size() - position;
    const char *newline =
        available
            ? static_cast<const char *>(std::memchr(start, '\n', available))
            : nullptr;
    const bool last = fileOffset == file->size();
    if (newline || (last && available)) {
      size_t length = newline ? newline - start : available;
      position += length + (newline != nullptr);
      StringRef line(start, length);
      line.consume_back("\r");
      if (lineNumber++ == 0)
        line.consume_front("\xef\xbb\xbf"); // a byte order mark
      return line;
    }
    if (last)
      return std::nullopt;
    if (available > longestLine)
      return dataError(file->path(), "line " + Twine(lineNumber + 1) +
                                         " is longer than " +
                                         Twine(longestLine) + " bytes");
    buffer.erase(buffer.begin(), buffer.begin() + position);
    position = 0;
    const size_t size =
        std::min<uint64_t>(readBytes, file->size() - fileOffset);
    buffer.resize(available + size);
    if (Error error = file->readAt(
            fileOffset, MutableArrayRef(buffer.data() + available, size)))
      return std::move(error);
    fileOffset += size;
  }
}

Expected<CsvFile> CsvFile::open(StringRef path) {
  Expected<std::shared_ptr<FileBytes>> file = FileBytes::open(path);
  if (!file)
    return file.takeError();
  CsvFile csv(*file);
  // One pass counts the rows and looks at the first lines' cells.
  while (true) {
    Expected<std::optional<StringRef>> line = csv.nextLine();
    if (!line)
      return line.takeError();
    if (!*line)
      break;
    StringRef whole = **line, rest = whole;
    if (rest.trim(blanks).empty())
      continue;
    if (rest.contains('\0'))
      return dataError(path, "line " + Twine(csv.lineNumber) +
                                 " holds binary data; give a .npy, .npz or "
                                 ".csv file");
    if (csv.rowCount++ > 0 || csv.hasHeader)
      if (csv.columnCount > 0)
        continue;
    int64_t cells = 0;
    bool numbers = true;
    for (bool more = true; more; ++cells)
      numbers &= parseNumber(takeCell(rest, more)).has_value();
    if (cells == 1 && whole.find_first_of(";\t") != StringRef::npos)
      return dataError(path, "separates its cells by ';' or tabs; separate "
                             "them by commas, with '.' as the decimal point");
    if (!numbers && !csv.hasHeader && csv.rowCount == 1) {
      csv.hasHeader = true;
      csv.rowCount = 0;
      continue;
    }
    csv.columnCount = cells;
  }
  if (csv.rowCount == 0)
    return dataError(path, csv.hasHeader ? "has a header but no rows"
                                         : "has no rows");
  csv.rewind();
  return csv;
}

Error CsvFile::parseRow(StringRef line, MutableArrayRef<float> into) const {
  StringRef rest = line;
  int64_t column = 0;
  for (bool more = true; more; ++column) {
    StringRef cell = takeCell(rest, more);
    if (column >= columnCount)
      continue; // counted for the message below
    std::optional<float> value = parseNumber(cell);
    if (value) {
      into[column] = *value;
      continue;
    }
    std::string where =
        ("line " + Twine(lineNumber) + ", column " + Twine(column + 1)).str();
    if (cell.empty())
      return dataError(file->path(),
                       where + " is empty; write nan for a missing value");
    constexpr size_t shown = 40;
    return dataError(file->path(),
                     where + ": '" + cell.take_front(shown) +
                         "' is not a number; cells are numbers such as "
                         "-1.5e3, separated by commas");
  }
  if (column != columnCount)
    return dataError(file->path(), "line " + Twine(lineNumber) + " has " +
                                       Twine(column) +
                                       " columns, the first row "
                                       "has " +
                                       Twine(columnCount));
  return Error::success();
}

Expected<int64_t> CsvFile::next(int64_t count, MutableArrayRef<float> into) {
  int64_t done = 0;
  while (done < count) {
    Expected<std::optional<StringRef>> line = nextLine();
    if (!line)
      return line.takeError();
    if (!*line)
      break;
    if ((*line)->trim(blanks).empty())
      continue;
    if (hasHeader && !passedHeader) {
      passedHeader = true;
      continue;
    }
    if (Error error =
            parseRow(**line, into.slice(done * columnCount, columnCount)))
      return std::move(error);
    ++done;
  }
  return done;
}
