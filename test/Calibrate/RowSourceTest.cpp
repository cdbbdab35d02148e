//===- RowSourceTest.cpp - rows come in right, or not at all --------------===//
#include "quantc/Calibrate/RowSource.h"
#include "quantc/Calibrate/NumpyFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>

using namespace mlir::qnet;
using llvm::ArrayRef;
using llvm::StringRef;

namespace {

/// A folder of its own for each test.
class RowSourceTest : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("quantc-rows", folder));
  }
  void TearDown() override {
    EXPECT_FALSE(llvm::sys::fs::remove_directories(folder));
  }

  std::string path(StringRef name) {
    llvm::SmallString<128> result(folder);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }

  std::string write(StringRef name, StringRef bytes) {
    std::error_code error;
    llvm::raw_fd_ostream os(path(name), error);
    EXPECT_FALSE(error);
    os << bytes;
    return path(name);
  }

  static std::string npy(StringRef descr, StringRef shape, StringRef data,
                         StringRef order = "False") {
    std::string header =
        ("{'descr': '" + descr + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n")
            .str();
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += char(header.size() & 255);
    bytes += char(header.size() >> 8);
    return bytes + header + data.str();
  }

  template <typename T> static std::string bytesOf(std::vector<T> values) {
    return std::string(reinterpret_cast<const char *>(values.data()),
                       values.size() * sizeof(T));
  }

  /// All rows, or the message.
  static std::string readAll(std::vector<std::string> paths,
                             std::vector<RowShape> inputs,
                             std::vector<std::vector<float>> &values,
                             int64_t block = 2) {
    auto source = RowSource::open(paths, inputs);
    if (!source)
      return llvm::toString(source.takeError());
    values.assign(inputs.size(), {});
    int64_t total = 0;
    while (true) {
      std::vector<std::vector<float>> buffers;
      std::vector<float *> pointers;
      for (const RowShape &input : inputs)
        buffers.emplace_back(block * input.values());
      for (auto &buffer : buffers)
        pointers.push_back(buffer.data());
      auto got = (*source)->next(block, pointers);
      if (!got)
        return llvm::toString(got.takeError());
      if (*got == 0)
        break;
      total += *got;
      for (size_t i = 0; i < inputs.size(); ++i)
        values[i].insert(values[i].end(), buffers[i].begin(),
                         buffers[i].begin() + *got * inputs[i].values());
    }
    EXPECT_EQ(total, (*source)->rows());
    return "";
  }

  /// The message of one input of two values; fails the test if there is none.
  std::string messageFor(StringRef name, StringRef bytes) {
    std::vector<std::vector<float>> values;
    std::string message = readAll({write(name, bytes)}, {{"x", {2}}}, values);
    EXPECT_NE(message, "") << name.str() << " was read";
    return message;
  }

  llvm::SmallString<128> folder;
};

const std::vector<float> sixValues = {1, 2, 3, 4, 5, 6};

/// Damaged files are tried at every such byte: coprime to the fields' sizes, so
/// every kind of field is hit.
constexpr size_t flipStride = 3;

/// numpy.savez_compressed(file, x=numpy.float32([[1, 2], [3, 4], [5, 6]])), by
/// numpy 2.4, in hexadecimal.
const char *compressedByNumpy =
    "504b03042d000000080000002100ffbf4235ffffffffffffffff05001400782e6e70"
    "7901001000980000000000000058000000000000009bec17ea1b10c9c850c650ad9e"
    "925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94920a12774bcc294e"
    "058a17672416a402f91ac63a0a469a3a0ab50a64032e0686067b060606072002e206"
    "205e00c4071c00504b01022d032d000000080000002100ffbf423558000000980000"
    "00050000000000000000000000800100000000782e6e7079504b0506000000000100"
    "0100330000008f0000000000";

} // namespace

// Breaks if an element type, byte order or array order is read wrongly.
TEST_F(RowSourceTest, EveryElementTypeAndOrder) {
  std::string bigEndian = bytesOf<float>(sixValues);
  for (size_t i = 0; i < bigEndian.size(); i += 4)
    std::reverse(bigEndian.begin() + i, bigEndian.begin() + i + 4);
  struct Row {
    std::string descr, data, order;
  };
  const std::vector<Row> rows = {
      {"<f4", bytesOf<float>(sixValues), "False"},
      {"<f4", bytesOf<float>({1, 3, 5, 2, 4, 6}), "True"},
      {">f4", bigEndian, "False"},
      {"<f8", bytesOf<double>({1, 2, 3, 4, 5, 6}), "False"},
      {"<f2",
       bytesOf<uint16_t>({0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600}),
       "False"},
      {"|i1", bytesOf<int8_t>({1, 2, 3, 4, 5, 6}), "False"},
      {"<i2", bytesOf<int16_t>({1, 2, 3, 4, 5, 6}), "False"},
      {"<i4", bytesOf<int32_t>({1, 2, 3, 4, 5, 6}), "False"},
      {"<i8", bytesOf<int64_t>({1, 2, 3, 4, 5, 6}), "False"},
      {"|u1", bytesOf<uint8_t>({1, 2, 3, 4, 5, 6}), "False"},
      {"<u2", bytesOf<uint16_t>({1, 2, 3, 4, 5, 6}), "False"},
      {"<u4", bytesOf<uint32_t>({1, 2, 3, 4, 5, 6}), "False"},
      {"<u8", bytesOf<uint64_t>({1, 2, 3, 4, 5, 6}), "False"},
      {"<i8", bytesOf<int64_t>({1, 3, 5, 2, 4, 6}), "True"},
  };
  for (const Row &row : rows) {
    std::vector<std::vector<float>> values;
    std::string file =
        write("a.npy", npy(row.descr, "(3, 2)", row.data, row.order));
    EXPECT_EQ(readAll({file}, {{"x", {2}}}, values), "") << row.descr;
    EXPECT_EQ(values[0], sixValues) << row.descr << row.order;
  }
  std::vector<std::vector<float>> values;
  std::string file =
      write("b.npy", npy("|b1", "(2, 2)", std::string("\x01\x00\x00\x01", 4)));
  EXPECT_EQ(readAll({file}, {{"x", {2}}}, values), "");
  EXPECT_EQ(values[0], (std::vector<float>{1, 0, 0, 1}));
}

// Breaks if half precision's special values are converted wrongly.
TEST_F(RowSourceTest, HalfPrecisionSpecials) {
  std::string file = write(
      "h.npy",
      npy("<f2", "(3, 2)",
          bytesOf<uint16_t>({0x0001, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0xfbff})));
  std::vector<std::vector<float>> values;
  EXPECT_EQ(readAll({file}, {{"x", {2}}}, values), "");
  EXPECT_EQ(values[0][0], 0x1p-24f);
  EXPECT_TRUE(std::signbit(values[0][1]) && values[0][1] == 0);
  EXPECT_EQ(values[0][2], INFINITY);
  EXPECT_EQ(values[0][3], -INFINITY);
  EXPECT_TRUE(std::isnan(values[0][4]));
  EXPECT_EQ(values[0][5], -65504);
}

// Breaks if shapes that hold the same values are refused, or ones that hold
// them in another order are taken.
TEST_F(RowSourceTest, ShapesOfRows) {
  std::string flat = write("f.npy", npy("<f4", "(1, 6)", bytesOf(sixValues)));
  std::string image =
      write("i.npy", npy("<f4", "(1, 2, 3)", bytesOf(sixValues)));
  std::string channels =
      write("c.npy", npy("<f4", "(1, 2, 3, 1)", bytesOf(sixValues)));
  std::vector<std::vector<float>> values;
  EXPECT_EQ(readAll({flat}, {{"x", {2, 3}}}, values), "");
  EXPECT_EQ(readAll({image}, {{"x", {6}}}, values), "");
  EXPECT_EQ(readAll({channels}, {{"x", {1, 2, 3}}}, values), "");
  EXPECT_EQ(values[0], sixValues);
  EXPECT_NE(readAll({image}, {{"x", {3, 2}}}, values).find("2x3"),
            std::string::npos);
  std::string column = write("v.npy", npy("<f4", "(6,)", bytesOf(sixValues)));
  EXPECT_EQ(readAll({column}, {{"x", {1}}}, values), "");
  EXPECT_NE(readAll({column}, {{"x", {6}}}, values)
                .find("give an array of shape (rows, 6)"),
            std::string::npos);
}

// Breaks if a bad .npy file is read, crashes, or is not explained.
TEST_F(RowSourceTest, BadNumpyFiles) {
  auto expect = [&](StringRef bytes, StringRef text) {
    std::string message = messageFor("bad.npy", bytes);
    EXPECT_TRUE(StringRef(message).contains(text)) << message;
  };
  const std::string data = bytesOf(sixValues);
  expect("", "is empty");
  expect("\x93NUM", "is not what its name says");
  expect(StringRef("\x93NUMPY\x01\x00", 8), "cut short");
  expect(StringRef("\x93NUMPY\x09\x00\x10\x00", 10), "of .npy version 9");
  expect(npy("<f4", "(3, 2)", data.substr(1)), "cut short");
  expect(npy("<f4", "(3, 2)", data + "x"), "goes on for 1 bytes");
  expect(npy("|O", "(3, 2)", data), "pickled Python objects");
  expect(npy("<c8", "(3, 1)", data), "has elements of type '<c8'");
  expect(npy("<U4", "(3, 2)", data), "has elements of type");
  expect(npy("<f4", "(0, 2)", ""), "has no rows");
  expect(npy("<f4", "()", data.substr(0, 4)), "give an array of shape");
  expect(npy("<f4", "(2, 3)", data), "has rows of 3 values");
  expect(npy("<f4", "(-1, 2)", data), "has a shape that is not a tuple");
  expect(npy("<f4", "(4611686018427387904, 4611686018427387904)", data),
         "does not fit in 63 bits");
  expect(npy("<f4", "(9223372036854775808, 2)", data), "shape");
  expect(npy("<f4", "[3, 2]", data), "shape");
  expect(npy("<f4", "(3, 2)", data, "Maybe"), "fortran_order");
  std::string huge = npy("<f4", "(3, 2)", data);
  huge[6] = 2; // a version 2 header counts its bytes in 32 bits
  expect(huge, "header");
  expect("\x80\x04pickle", "is not what its name says");
}

// Breaks if any cut of a sound file is read or crashes.
TEST_F(RowSourceTest, EveryCutIsRefused) {
  std::string whole = npy("<f4", "(3, 2)", bytesOf(sixValues));
  for (size_t size = 0; size < whole.size(); size += flipStride)
    messageFor("cut.npy", StringRef(whole).take_front(size));
  std::string file = path("a.npz");
  std::string data = bytesOf(sixValues);
  ASSERT_FALSE(bool(
      writeNumpyZip(file, {{"x", NumpyType(), {3, 2}, ArrayRef<char>(data)}})));
  std::string zip = (*llvm::MemoryBuffer::getFile(file))->getBuffer().str();
  for (size_t size = 0; size < zip.size(); size += flipStride)
    messageFor("cut.npz", StringRef(zip).take_front(size));
  // A flipped bit is found by the checksum or by the structure, or hits a field
  // that has no meaning; it never crashes.
  for (size_t at = 0; at < zip.size(); at += flipStride) {
    std::string flipped = zip;
    flipped[at] ^= 0x10;
    std::vector<std::vector<float>> values;
    std::string message =
        readAll({write("flip.npz", flipped)}, {{"x", {2}}}, values);
    if (message.empty())
      EXPECT_EQ(values[0], sixValues) << "byte " << at;
  }
}

// Breaks if what is written is not what numpy's format says, or if a writer
// leaves files behind.
TEST_F(RowSourceTest, WrittenFilesReadBack) {
  std::string data = bytesOf(sixValues), file = path("out.npy");
  {
    auto writer = NumpyWriter::create(file, NumpyType(), {3, 2});
    ASSERT_TRUE(bool(writer));
    ASSERT_FALSE(bool(writer->append(ArrayRef<char>(data).take_front(8))));
    EXPECT_FALSE(llvm::sys::fs::exists(file)) << "half a file has its name";
    ASSERT_FALSE(bool(writer->append(ArrayRef<char>(data).drop_front(8))));
    ASSERT_FALSE(bool(writer->commit()));
  }
  {
    auto abandoned = NumpyWriter::create(path("no.npy"), NumpyType(), {3, 2});
    ASSERT_TRUE(bool(abandoned));
    llvm::Error early = abandoned->commit();
    EXPECT_TRUE(bool(early)) << "too few elements were accepted";
    llvm::consumeError(std::move(early));
  }
  std::error_code error;
  int files = 0;
  for (llvm::sys::fs::directory_iterator it(folder, error), end; it != end;
       it.increment(error))
    ++files;
  EXPECT_EQ(files, 1) << "a temporary file was left";
  std::vector<std::vector<float>> values;
  EXPECT_EQ(readAll({file}, {{"x", {2}}}, values), "");
  EXPECT_EQ(values[0], sixValues);
  std::string bytes = (*llvm::MemoryBuffer::getFile(file))->getBuffer().str();
  EXPECT_EQ(bytes.find('\n') % 64, 63u) << "elements are not aligned";
  llvm::Error refused =
      NumpyWriter::create("/nowhere/x.npy", NumpyType(), {1}).takeError();
  EXPECT_TRUE(bool(refused));
  llvm::consumeError(std::move(refused));
}

// Breaks if what numpy itself wrote and compressed cannot be read.
TEST_F(RowSourceTest, CompressedByNumpy) {
  std::string zip = llvm::fromHex(compressedByNumpy);
  std::vector<std::vector<float>> values;
  EXPECT_EQ(readAll({write("z.npz", zip)}, {{"x", {2}}}, values), "");
  EXPECT_EQ(values[0], sixValues);
  // The name of the only array does not matter to a model with one input.
  EXPECT_EQ(readAll({path("z.npz")}, {{"other", {2}}}, values), "");
  for (size_t at = 0; at < zip.size(); at += flipStride) {
    std::string flipped = zip;
    flipped[at] ^= 0x04;
    std::string message =
        readAll({write("flip.npz", flipped)}, {{"x", {2}}}, values);
    if (message.empty())
      EXPECT_EQ(values[0], sixValues) << "byte " << at;
  }
}

// Breaks if several inputs get each other's values.
TEST_F(RowSourceTest, SeveralInputs) {
  std::vector<RowShape> inputs = {{"a", {1}}, {"b", {2}}};
  std::vector<float> a = {1, 4}, b = {2, 3, 5, 6};
  std::string aBytes = bytesOf(a), bBytes = bytesOf(b), zip = path("ab.npz");
  ASSERT_FALSE(bool(writeNumpyZip(
      zip, {{"b", NumpyType(), {2, 2}, ArrayRef<char>(bBytes)},
            {"a", NumpyType(), {2, 1}, ArrayRef<char>(aBytes)}})));
  std::string table = write("t.npy", npy("<f4", "(2, 3)", bytesOf(sixValues)));
  std::string csv = write("t.csv", "a,b0,b1\n1,2,3\n4,5,6\n");
  std::string first = write("a.npy", npy("<f4", "(2, 1)", aBytes));
  std::string second = write("b.csv", "2,3\n5,6\n");
  for (const std::vector<std::string> &paths :
       std::vector<std::vector<std::string>>{
           {zip}, {table}, {csv}, {first, second}}) {
    std::vector<std::vector<float>> values;
    EXPECT_EQ(readAll(paths, inputs, values), "") << paths[0];
    EXPECT_EQ(values, (std::vector<std::vector<float>>{a, b})) << paths[0];
  }
  std::vector<std::vector<float>> values;
  // Arrays that no input asks for are not looked at, whatever they hold.
  EXPECT_EQ(readAll({zip}, {{"b", {2}}}, values), "");
  EXPECT_NE(readAll({zip}, {{"a", {1}}, {"c", {2}}}, values)
                .find("has no array named 'c'"),
            std::string::npos);
  EXPECT_NE(readAll({first, second, csv}, inputs, values).find("3 files"),
            std::string::npos);
  std::string shorter = write("s.csv", "2,3\n");
  EXPECT_NE(readAll({first, shorter}, inputs, values).find("has 1 rows, but"),
            std::string::npos);
}

// Breaks if a CSV cell is read wrongly, or a bad one without its place.
TEST_F(RowSourceTest, Csv) {
  std::vector<std::vector<float>> values;
  std::string good = write("g.csv", "\xef\xbb\xbf\"name, with comma\",b\r\n"
                                    " 1.5 ,\"-2e3\"\r\n\r\n+3,nan\r\ninf,1e50");
  EXPECT_EQ(readAll({good}, {{"x", {2}}}, values), "");
  EXPECT_EQ(values[0][0], 1.5f);
  EXPECT_EQ(values[0][1], -2000);
  EXPECT_EQ(values[0][2], 3);
  EXPECT_TRUE(std::isnan(values[0][3]));
  EXPECT_EQ(values[0][4], INFINITY);
  EXPECT_EQ(values[0][5], INFINITY);

  auto expect = [&](StringRef bytes, StringRef text) {
    std::string message = messageFor("bad.csv", bytes);
    EXPECT_TRUE(StringRef(message).contains(text)) << message;
  };
  expect("a,b\n1,2\n3,x4\n", "line 3, column 2: 'x4' is not a number");
  expect("1,2\n3,\n", "line 2, column 2 is empty; write nan");
  expect("1,2\n3\n", "line 2 has 1 columns, the first row has 2");
  expect("1,2\n3,4,5\n", "line 2 has 3 columns");
  expect("a,b\n", "has a header but no rows");
  expect("\n\n", "has no rows");
  expect("1,2,3\n", "is a column of labels or of row numbers still in it?");
  expect("1;2\n3;4\n", "separates its cells by ';' or tabs");
  expect(StringRef("1,2\n\0\n", 6), "binary");
  expect("1,+-2\n1,2\n1,--2\n", "not a number");
}

// Breaks if long tables are read differently from short ones: lines cross the
// ends of the blocks that are read from the file.
TEST_F(RowSourceTest, LongCsv) {
  std::string text;
  std::vector<float> expected;
  for (int i = 0; i < 40000; ++i) {
    text += std::to_string(i) + "," + std::to_string(-i) + ".5\n";
    expected.push_back(i);
    expected.push_back(std::stof("-" + std::to_string(i) + ".5"));
  }
  expected[1] = 0.5;
  std::vector<std::vector<float>> values;
  EXPECT_EQ(readAll({write("long.csv", text)}, {{"x", {2}}}, values, 999), "");
  EXPECT_EQ(values[0], expected);
}

// Breaks if other files are taken for rows.
TEST_F(RowSourceTest, OtherFiles) {
  auto expect = [&](StringRef name, StringRef bytes, StringRef text) {
    std::string message = messageFor(name, bytes);
    EXPECT_TRUE(StringRef(message).contains(text)) << message;
  };
  expect("a.parquet", "PAR1....", "is a parquet file");
  expect("a.pkl", "\x80\x04....", "looks like a Python pickle");
  expect("a.bin", "whatever", "is of no known format");
  expect("a.npz", "PK\x03\x04 and no more than this is in the file", "sound");
  std::vector<std::vector<float>> values;
  EXPECT_NE(readAll({folder.str().str()}, {{"x", {2}}}, values).find("folder"),
            std::string::npos);
  EXPECT_NE(readAll({path("missing.npy")}, {{"x", {2}}}, values)
                .find("cannot be opened"),
            std::string::npos);
}
