//===- MeasuredRowsTest.cpp - parts of the rows are as good as all --------===//
#include "CalibrateFixture.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::qnet;

namespace {

constexpr int64_t kWidth = 3;
constexpr size_t kDigestBytes = 32;

/// Two layers; the value between them is stored.
const char *network = R"mlir(
func.func @main(%x: tensor<?x3xf32> {qnet.name = "x"}) -> tensor<?x2xf32> {
  %w = qnet.constant dense<[[1.0, -0.5, 0.25], [0.5, 2.0, -1.0]]> : tensor<2x3xf32>
  %h = qnet.dense %x, %w {function = #qnet.fn<relu>}
     : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32> loc("fc1")
  %v = qnet.constant dense<[[1.0, -1.0], [0.75, 0.5]]> : tensor<2x2xf32>
  %y = qnet.dense %h, %v : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32> loc("fc2")
  return %y : tensor<?x2xf32>
})mlir";

std::vector<float> makeRows(int64_t count) {
  std::mt19937 generator(7);
  std::vector<float> values;
  for (int64_t i = 0; i < count * kWidth; ++i)
    values.push_back(
        static_cast<float>(static_cast<int32_t>(generator() % 400) - 200) / 64);
  for (int64_t row = 0; row < count; row += 11)
    values[row * kWidth] = row % 2 == 0 ? NAN : -0.0f;
  if (count > 5)
    values[5 * kWidth + 1] = 1000; // which only extreme rows are sure to show
  return values;
}

std::string resealed(std::string bytes) {
  const auto digest = llvm::SHA256::hash(
      llvm::arrayRefFromStringRef(StringRef(bytes).drop_back(kDigestBytes)));
  bytes.replace(bytes.size() - kDigestBytes, kDigestBytes,
                reinterpret_cast<const char *>(digest.data()), kDigestBytes);
  return bytes;
}

class MeasuredRowsTest : public CalibrateTest {
protected:
  MeasuredRows measured(ModuleOp module, const std::vector<float> &rows) {
    VectorRows source(rows, kWidth);
    auto result =
        measure(module, source, makeReferenceRunner, CalibrationOptions());
    EXPECT_TRUE(succeeded(result)) << message;
    return succeeded(result) ? std::move(*result) : MeasuredRows();
  }

  MeasuredRows read(const std::string &bytes) {
    auto result = MeasuredRows::fromBytes(bytes, "part");
    if (result)
      return std::move(*result);
    ADD_FAILURE() << llvm::toString(result.takeError());
    return MeasuredRows();
  }

  /// What is wrong with bytes; "" where nothing is.
  static std::string faultOf(const std::string &bytes) {
    auto result = MeasuredRows::fromBytes(bytes, "part");
    return result ? "" : llvm::toString(result.takeError());
  }
};

} // namespace

// Breaks if a split, an order, or the way through files changes a bit.
TEST_F(MeasuredRowsTest, AnySplitAndOrderGiveTheSameBytes) {
  OwningOpRef<ModuleOp> module = parse(network);
  const std::vector<float> rows = makeRows(300);
  const std::string whole = measured(*module, rows).toBytes();
  EXPECT_EQ(read(whole).toBytes(), whole);
  std::vector<std::string> parts;
  for (auto [from, to] : {std::pair(0, 1), std::pair(1, 64), std::pair(64, 290),
                          std::pair(290, 300)})
    parts.push_back(measured(*module, {rows.begin() + from * kWidth,
                                       rows.begin() + to * kWidth})
                        .toBytes());
  std::sort(parts.begin(), parts.end());
  do {
    MeasuredRows merged = read(parts[0]);
    for (size_t i = 1; i < parts.size(); ++i)
      ASSERT_FALSE(bool(merged.merge(read(parts[i]))));
    ASSERT_TRUE(merged.toBytes() == whole);
  } while (std::next_permutation(parts.begin(), parts.end()));
}

// Breaks if statistics give another calibration than the rows themselves, by
// any method.
TEST_F(MeasuredRowsTest, CalibratesAsTheRowsDo) {
  const std::vector<float> rows = makeRows(300);
  for (RangeMethod method :
       {RangeMethod::Auto, RangeMethod::MinMax, RangeMethod::Percentile,
        RangeMethod::Mse, RangeMethod::Entropy})
    for (bool withMoments : {false, true}) {
      CalibrationOptions options;
      options.method = method;
      options.secondMoments = withMoments;
      options.outputNoise = withMoments;
      OwningOpRef<ModuleOp> one = parse(network), other = parse(network);
      VectorRows source(rows, kWidth);
      auto direct = calibrate(*one, source, makeReferenceRunner, options);
      ASSERT_TRUE(succeeded(direct)) << message;
      message.clear();
      auto merged = calibrate(*other, read(measured(*other, rows).toBytes()),
                              makeReferenceRunner, options);
      ASSERT_TRUE(succeeded(merged)) << message;
      EXPECT_NE(message.find("of 300 calibration rows are left out"),
                std::string::npos);
      EXPECT_EQ(print(*one), print(*other));
      EXPECT_EQ(rangesToJson(*direct), rangesToJson(*merged));
      EXPECT_TRUE(direct->sample == merged->sample);
    }
}

// Breaks if a part in which every row holds a NaN ends the calibration, or if
// all parts together do not.
TEST_F(MeasuredRowsTest, RowsOfNanAreOnlyWrongAltogether) {
  OwningOpRef<ModuleOp> module = parse(network);
  const MeasuredRows nans =
      read(measured(*module, std::vector<float>(6, NAN)).toBytes());
  EXPECT_EQ(nans.rows, 0u);
  EXPECT_EQ(nans.skippedRows, 2u);
  EXPECT_TRUE(failed(
      calibrate(*module, nans, makeReferenceRunner, CalibrationOptions())));
  EXPECT_NE(message.find("every one of the 2 calibration rows holds a NaN"),
            std::string::npos)
      << message;
  MeasuredRows merged = measured(*module, makeRows(30));
  ASSERT_FALSE(bool(merged.merge(nans)));
  EXPECT_TRUE(succeeded(
      calibrate(*module, merged, makeReferenceRunner, CalibrationOptions())));
}

// Breaks if statistics are taken for those of a network that computes something
// else, or refused for one that has other names.
TEST_F(MeasuredRowsTest, KnowTheirNetwork) {
  OwningOpRef<ModuleOp> module = parse(network);
  std::string text = network;
  OwningOpRef<ModuleOp> renamed =
      parse(text.replace(text.find("\"fc1\""), 5, "\"dense\""));
  EXPECT_EQ(networkDigest(*module), networkDigest(*renamed));
  text = network;
  OwningOpRef<ModuleOp> changed =
      parse(text.replace(text.find("0.25"), 4, "0.75"));
  EXPECT_NE(networkDigest(*module), networkDigest(*changed));
  MeasuredRows merged = measured(*module, makeRows(30));
  EXPECT_EQ(llvm::toString(merged.merge(measured(*changed, makeRows(30)))),
            "the statistics are of different networks, or of one network "
            "prepared with different options; measure all parts of the rows "
            "with the same network");
  // A file that only says so is found out where it is used.
  const char *narrow = R"mlir(
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %y = qnet.activation relu %x : tensor<?x2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
})mlir";
  OwningOpRef<ModuleOp> other = parse(narrow);
  ASSERT_TRUE(other) << message;
  EXPECT_TRUE(failed(
      calibrate(*other, merged, makeReferenceRunner, CalibrationOptions())));
  EXPECT_NE(message.find("do not fit the network"), std::string::npos)
      << message;
}

// Breaks if a cut or damaged file is read, or an error does not say what to do.
TEST_F(MeasuredRowsTest, DamageIsFound) {
  OwningOpRef<ModuleOp> module = parse(network);
  const std::string bytes = measured(*module, makeRows(20)).toBytes();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string fault = faultOf(bytes.substr(0, size));
    ASSERT_NE(fault.find(size < 8 ? "is no file of statistics" : "damaged"),
              std::string::npos)
        << size << ": " << fault;
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    ASSERT_NE(faultOf(damaged), "") << at;
  }
  EXPECT_NE(faultOf(bytes + "x"), "");
  std::string newer = bytes;
  newer[8] = 2;
  EXPECT_EQ(faultOf(newer),
            "'part' is of version 2 of files of statistics, and this quantc "
            "reads version 1; measure its rows again with quantc calibrate");
}

// Breaks if a file with a sound checksum is read as anything that could not
// have been measured, or if calibration crashes on what is in it.
TEST_F(MeasuredRowsTest, MutationsAreRefusedOrHarmless) {
  OwningOpRef<ModuleOp> module = parse(network);
  const std::string bytes = measured(*module, makeRows(20)).toBytes();
  std::mt19937 generator(3);
  int refused = 0, accepted = 0;
  auto check = [&](const std::string &mutant) {
    auto result = MeasuredRows::fromBytes(mutant, "part");
    if (!result) {
      ++refused;
      ASSERT_NE(llvm::toString(result.takeError()).find("damaged"),
                std::string::npos);
      return;
    }
    ++accepted;
    ASSERT_TRUE(result->toBytes() == mutant);
    constexpr int every = 30; // a calibration takes a while
    if (accepted % every != 0)
      return;
    OwningOpRef<ModuleOp> target = parse(network);
    CalibrationOptions options;
    options.method =
        accepted % (2 * every) == 0 ? RangeMethod::Entropy : RangeMethod::Auto;
    options.secondMoments = true;
    message.clear();
    auto summary = calibrate(*target, *result, makeReferenceRunner, options);
    if (failed(summary))
      ASSERT_NE(message, "");
  };
  const size_t body = 12, end = bytes.size() - kDigestBytes;
  for (size_t at = body; at < end; ++at)
    for (uint8_t value : {uint8_t(0), uint8_t(0xff), uint8_t(generator())}) {
      std::string mutant = bytes;
      mutant[at] = static_cast<char>(value);
      check(resealed(mutant));
      if (HasFatalFailure())
        FAIL() << "at " << at << " with " << int(value);
    }
  for (int round = 0; round < 2000; ++round) {
    std::string mutant = bytes;
    const size_t at = body + generator() % (end - body);
    const size_t size = 1 + generator() % 64;
    if (round % 2 == 0)
      mutant.erase(at, std::min(size, end - at));
    else
      mutant.insert(at, std::string(size, static_cast<char>(generator())));
    check(resealed(mutant));
    if (HasFatalFailure())
      FAIL() << "at " << at;
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(accepted, 100) << "values of rows and the digest are free";
}
